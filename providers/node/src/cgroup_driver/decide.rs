//! What is done about a node's cgroup driver, and what it will be.

use super::SHELF;
use crate::codes;
use crate::container_runtime::driver::{self as runtime, Change, Half};
use crate::container_runtime::engine::Engine;
use crate::container_runtime::kubelet::minor_of;
use crate::kubelet_config::text::{self, DRIVER};
use crate::kubelet_config::{USUAL_PATH, upgrade};
use crate::place::{self, part};
use crate::settings::digest;
use crate::settings::files::{File, Files, Format, Goal};
use crate::settings::record::Record;
use crate::settings::ways::{self, Way};
use addrs::TypeName;
use apimachinery::versions::Minor;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use values::{Disruption, Path, Value};

/// What a kubelet has whose file says nothing. Source: `SetDefaults_KubeletConfiguration` in
/// `pkg/kubelet/apis/config/v1beta1/defaults.go`.
const DEFAULT: &str = "cgroupfs";
/// From this minor version on a kubelet asks its runtime. Source: KEP-4033.
const ASKS: u32 = 31;
/// From this one on it does not start with version 1 of control groups by itself. Source: KEP-5573.
const REFUSES_V1: u32 = 35;

/// The setting in the kubelet's file.
pub(super) fn kubelet_way() -> Way {
    vec![DRIVER.into()]
}

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    match case(ty, request, present) {
        Ok(decision) => place::decided(request.observed, decision),
        Err(problems) => Planned::Failed(problems),
    }
}

/// That another type keeps the driver, too: by its declaration, or by what it noted.
pub(super) fn kept_twice(node: &str, (ty, argument): (&str, &str), how: &str) -> Problem {
    let detail = format!(
        "A `{ty}` of `{node}` {how} `{argument}`, and this `cgroup_driver` is about the same \
         setting: one of both would undo what the other does."
    );
    let summary = "Cgroup driver is kept twice";
    Problem::error(codes::CGROUP_KEPT_TWICE, summary, Path::of("node"), detail).with_help(format!(
        "Take `{argument}` out of the `{ty}`, and apply that before this block is added."
    ))
}

/// A node, and what is known about it.
struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    present: &'a Value,
    node: &'a str,
    /// The kubelet's file.
    live: Value,
    record: Record,
    engine: Engine,
    /// What is ours of the runtime's file.
    of_runtime: Record,
}

/// What is to be.
struct Wanted {
    half: Half,
    kubelet: Vec<(Way, Value)>,
    files: Files,
    /// Whether it must be stopped for it.
    stop: bool,
    /// Which driver the kubelet runs with then; `None` where nobody knows.
    driver: Option<String>,
}

fn case(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Decision, Vec<Problem>> {
    let text_of = |name: &str| present.get(name).and_then(Value::as_str);
    let recorded = ["kubelet_record", "runtime_record"].map(text_of);
    if request.desired.is_none() && recorded == [None, None] {
        return Ok(Decision::plain(Action::Forget));
    }
    let node = part(request.identity, "node");
    if text_of("version") == Some("") {
        // That it is not found is not that there is none.
        return Err(vec![crate::kubelet_config::decide::no_kubelet(request.identity)]);
    }
    let content = present.get("kubelet").and_then(|file| file.get("content")?.as_str());
    let Some(content) = content else { return Err(vec![no_file(node)]) };
    let live = text::read(content).map_err(|why| vec![unreadable(node, &why)])?;
    let engine = text_of("engine").and_then(Engine::named).unwrap_or(Engine::Containerd);
    let record = |path: &str, text: Option<&str>| {
        let place = format!("the file {} on the host", SHELF.place(path));
        Record::of_request(request, path, text, &place).map_err(|problem| vec![problem])
    };
    let (record, of_runtime) =
        (record(USUAL_PATH, recorded[0])?, record(runtime::path(engine), recorded[1])?);
    let case = Case { ty, request, present, node, live, record, engine, of_runtime };
    match request.desired {
        Some(args) => case.wanted(args),
        None => case.given_back(),
    }
}

impl Case<'_> {
    fn wanted(&self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let asked = args.get("driver").cloned().unwrap_or(Value::Null);
        // Not known before some other object was made, one may be wrong when it comes.
        let problems = super::problems(args);
        if !problems.is_empty() {
            return Err(problems);
        }
        let Some(driver) = asked.as_str() else { return Ok(self.late(args)) };
        let wanted = self.goal(Some(driver))?;
        let is_recorded = self.is_recorded();
        let changes = wanted.stop || wanted.files.change();
        let has_news = wanted.files.have_news();
        let ignored = self.request.ignore.contains(&Path::of("driver"));
        let action = match is_recorded {
            false => Action::Create,
            true if (changes || has_news) && !ignored => Action::Update,
            true => Action::NoOp,
        };
        if action != Action::NoOp {
            let problems = self.judge(driver, &wanted);
            if !problems.is_empty() {
                return Err(problems);
            }
        }
        // A kubelet that is down may be so because of its driver: mending that is a change like any
        // other. That nothing is to be done needs an answer.
        match self.unasked() {
            Some(problem) if !changes => return Err(vec![problem]),
            Some(_) | None => {}
        }
        let (before, after) = self.shown(driver, &wanted);
        if action == Action::NoOp {
            return Ok(Decision {
                before: Some(after.clone()),
                after: Some(after),
                exported: args.clone(),
                basis: Basis::Local,
                digest: digest(self.request.project, &asked),
                ..Decision::plain(action)
            });
        }
        let notes = self.notes(&wanted);
        Ok(Decision {
            before: Some(before),
            after: Some(after),
            exported: args.clone(),
            basis: Basis::Local,
            disruption: cost(&wanted),
            ops: vec![self.op("switch", &wanted, Some(driver))],
            digest: digest(self.request.project, &asked),
            notes,
            ..Decision::plain(action)
        })
    }

    /// Nothing is ours any more: what was there before comes back, to both.
    fn given_back(&self) -> Result<Decision, Vec<Problem>> {
        let wanted = self.goal(None)?;
        let (before, _) = self.shown("", &wanted);
        let mut notes = self.notes(&wanted);
        if wanted.files.change() {
            let text = "what the files said before comes back".to_owned();
            notes.insert(0, Note { path: Path::root(), text });
        }
        Ok(Decision {
            before: Some(before),
            disruption: cost(&wanted),
            ops: vec![self.op("give_back", &wanted, wanted.driver.as_deref())],
            notes,
            ..Decision::plain(Action::Delete)
        })
    }

    /// It is decided during apply, and judged then.
    fn late(&self, args: &Value) -> Decision {
        let text = format!("switch kubelet and {} of node {}", self.engine.shown(), self.node);
        let parts = ["engine", "files", "stop", "driver", "group"];
        let action = if self.is_recorded() { Action::Update } else { Action::Create };
        place::late(self.ty, self.request, ("switch", &parts, text), args, action)
    }

    fn is_recorded(&self) -> bool {
        self.text("kubelet_record").is_some()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.present.get(name).and_then(Value::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.present.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// `None` when there is no kubelet, or none that is known.
    fn minor(&self) -> Option<u32> {
        self.text("version").and_then(minor_of)
    }

    /// What the running kubelet says of itself.
    fn running(&self) -> Option<&str> {
        self.text("running")
    }

    /// Why it is not known what the kubelet runs with.
    fn unasked(&self) -> Option<Problem> {
        let is_there = self.text("version").is_some();
        if !is_there || self.running().is_some() {
            return None;
        }
        let why = self.text("why_not").unwrap_or("The answer has no cgroup driver.");
        let detail =
            format!("What the kubelet of `{}` runs with could not be asked. {why}", self.node);
        let summary = "Running kubelet could not be asked";
        let problem = Problem::error(codes::KUBELET_RUNNING, summary, Path::root(), detail);
        Some(problem.with_help(
            "It is asked through the API server, which needs the right to `get` `nodes/proxy`, and \
             a kubelet that runs.",
        ))
    }

    /// What is to be with this driver, or with none of ours.
    fn goal(&self, driver: Option<&str>) -> Result<Wanted, Vec<Problem>> {
        let runtime = self.present.get("runtime").unwrap_or(&Value::Null);
        let half =
            runtime::half(self.request, self.ty, self.engine, runtime, &self.of_runtime, driver)?;
        let way = kubelet_way();
        let says = ways::get(&self.live, &way).is_some();
        let owned = says || self.record.earlier.contains_key(&way);
        let kubelet: Vec<(Way, Value)> = driver
            // What nobody says is so by itself.
            .filter(|driver| owned || file_driver(&self.live) != *driver)
            .map(|driver| (way, driver.into()))
            .into_iter()
            .collect();
        let will = self.record.wanted(&self.live, &kubelet);
        let file = file_driver(&will).to_owned();
        let has_file = file_driver(&self.live) == file;
        let asks = half.answers && self.minor().is_none_or(|minor| minor >= ASKS);
        let runs = if asks { half.will.clone() } else { file };
        // One for each runtime is none that could be compared.
        let runs = Some(runs).filter(|driver| !driver.contains(' '));
        let differs = self
            .running()
            .is_some_and(|running| runs.as_deref().is_some_and(|driver| driver != running));
        let stop = half.has != half.will || differs || (!has_file && !asks) || self.is("open");
        let of_kubelet = File::of_settings(
            (SHELF, USUAL_PATH, Format::Yaml),
            (&self.record, self.text("kubelet_record")),
            (&self.live, &will),
            (&kubelet, driver.is_some()),
        );
        let recorded = (&self.of_runtime, self.text("runtime_record"));
        let of_runtime = match &half.change {
            Change::Settings { live, settings: wanted } => {
                let will = self.of_runtime.wanted(live, wanted);
                let place = (SHELF, half.path, Format::Toml);
                File::of_settings(place, recorded, (live, &will), (wanted, driver.is_some()))
            }
            Change::Whole { was, will } => File {
                shelf: SHELF,
                path: half.path.to_owned(),
                goal: Goal::Whole { was: was.clone(), will: will.clone() },
                record_was: recorded.1.map(|text| access::digest(text.as_bytes())),
                record: None,
            },
        };
        let files = Files(vec![of_kubelet, of_runtime]);
        Ok(Wanted { half, kubelet, files, stop, driver: runs })
    }

    /// Why it would not take effect, or would not run.
    fn judge(&self, driver: &str, wanted: &Wanted) -> Vec<Problem> {
        let at = || Path::of("driver");
        let mut problems = Vec::new();
        let kept = [
            self.is("kept_by_config"),
            runtime::is_kept(self.engine, self.present.get("runtime").unwrap_or(&Value::Null)),
        ];
        let others = super::OTHERS.into_iter().zip(kept).filter(|(_, kept)| *kept);
        problems.extend(others.map(|(other, _)| kept_twice(self.node, other, "keeps")));
        let winning = self.present.get("winning").and_then(Value::as_list).unwrap_or(&[]);
        // The last one wins over the others.
        if let Some([said, place]) = winning.last().and_then(Value::as_list)
            && said.as_str() != Some(driver)
        {
            let (said, place) =
                (said.as_str().unwrap_or_default(), place.as_str().unwrap_or_default());
            let detail = format!(
                "{}: {} says `{}`, and wins over `{USUAL_PATH}`.",
                self.node,
                told(place),
                said.escape_debug()
            );
            let summary = "Cgroup driver would not take effect";
            let problem = Problem::error(codes::CGROUP_OVERRIDDEN, summary, at(), detail);
            problems.push(problem.with_help(
                "Take it out there. A kubelet takes that along when this change starts it anew.",
            ));
        }
        problems.extend(wanted.half.problems.iter().map(|problem| {
            // The places are those of the arguments of another type.
            Problem { path: at(), ..problem.clone() }
        }));
        if wanted.stop {
            problems.extend(self.unfit(driver));
        }
        problems
    }

    /// What the host lacks for it.
    fn unfit(&self, driver: &str) -> Vec<Problem> {
        let node = self.node;
        let cannot = |detail: String, help: &str| {
            let summary = "Host cannot have the cgroup driver";
            Problem::error(codes::CGROUP_HOST, summary, Path::of("driver"), detail).with_help(help)
        };
        let mut out = Vec::new();
        let init = self.text("init").map(str::trim);
        if let Some(init) = init.filter(|init| driver == "systemd" && *init != "systemd") {
            out.push(cannot(
                format!("Host `{node}` was started by `{}`, not by systemd.", init.escape_debug()),
                "Write `cgroupfs`.",
            ));
        }
        let is_v1 = self.text("cgroups").is_some_and(|fs| !fs.is_empty() && fs != "cgroup2fs");
        let allowed = match self.text("fail_v1") {
            Some(flag) => flag == "false",
            None => self.live.get("failCgroupV1").and_then(Value::as_bool) == Some(false),
        };
        if is_v1 && !allowed && self.minor().is_some_and(|minor| minor >= REFUSES_V1) {
            out.push(cannot(
                format!(
                    "Host `{node}` has version 1 of control groups, and its kubelet would not \
                     start with that any more."
                ),
                "Bring the host to version 2, or set `failCgroupV1 = false` in a `kubelet_config`.",
            ));
        }
        let missing = match self.engine {
            Engine::Containerd => {
                let runtime = self.present.get("runtime");
                let client = runtime.and_then(|runtime| runtime.get("client")?.as_bool());
                (client == Some(false)).then_some("ctr")
            }
            Engine::Crio => (self.text("crictl") == Some("")).then_some("crictl"),
        };
        if let Some(program) = missing {
            out.push(cannot(
                format!(
                    "`{program}` is not found on host `{node}`: nothing could end the containers \
                     that a drain leaves, whose control groups are of the old driver."
                ),
                "Put it, or a link to it, where commands of the login are found.",
            ));
        }
        out
    }

    fn notes(&self, wanted: &Wanted) -> Vec<Note> {
        let mut out = Vec::new();
        let mut say = |text: String| out.push(Note { path: Path::of("driver"), text });
        let is_host = self.text("version").is_some();
        if wanted.stop && is_host {
            say("containers that a drain leaves, of DaemonSets and static pods, are ended and \
                 started anew"
                .to_owned());
        }
        if wanted.stop && is_host && self.is(place::CONTROL_PLANE) {
            say("the API server of this node is ended, too, and away until its kubelet runs again"
                .to_owned());
        }
        let of_kubelet = wanted.files.0.first();
        if !wanted.stop && of_kubelet.is_some_and(|file| file.goal.changes()) {
            say(format!(
                "the kubelet asks {} for its driver; its file is what it falls back to, and is \
                 kept in step",
                self.engine.shown()
            ));
        }
        if let Some(problem) = self.unasked() {
            say(problem.detail);
        }
        let runtime = self.present.get("runtime").unwrap_or(&Value::Null);
        for pattern in runtime.get("unread").and_then(Value::as_list).unwrap_or(&[]) {
            let pattern = pattern.as_str().unwrap_or_default();
            say(format!("what is in `{pattern}`, which the runtime reads too, is not known"));
        }
        if let Some(base) = self.text("base") {
            let minor = self.text("version").and_then(|said| said.rsplit(' ').next());
            let minor = minor.and_then(Minor::parse).unwrap_or_else(Minor::newest);
            let note = upgrade::note(&wanted.kubelet, base, minor, self.request.created);
            out.extend(note.map(|note| Note { path: Path::of("driver"), ..note }));
        }
        out
    }

    /// The driver as it is and as it will be; where kubelet and runtime are not of one mind, each.
    fn shown(&self, driver: &str, wanted: &Wanted) -> (Value, Value) {
        let file = file_driver(&self.live);
        let runtime = (self.engine.shown(), wanted.half.has.as_str());
        let mut says = match self.running() {
            Some(running) if running != file => {
                vec![("kubelet", running), ("kubelet's file", file)]
            }
            Some(_) | None => vec![("kubelet", file)],
        };
        says.push(runtime);
        let is = if says.iter().all(|(_, driver)| *driver == file) {
            file.to_owned()
        } else {
            let each = says.iter().map(|(who, driver)| format!("{who}: {driver}"));
            each.collect::<Vec<_>>().join("; ")
        };
        let node = ("node", Value::from(self.node));
        let mut before = vec![node.clone(), ("driver", is.into())];
        let mut after = vec![node, ("driver", driver.into())];
        if self.is("open") {
            before.push(("running", "not looked after since the last change".into()));
            after.push(("running", "with the files as they are".into()));
        }
        (Value::map(before), Value::map(after))
    }

    fn op(&self, name: &str, wanted: &Wanted, driver: Option<&str>) -> Op {
        let (files, guards) = wanted.files.to_values();
        let identity = self.request.identity;
        let runs = wanted.driver.as_deref();
        let group = runs.filter(|_| self.is_usual()).map(|driver| match driver {
            "systemd" => "kubepods.slice",
            _ => "kubepods",
        });
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: identity.clone(),
            args: Value::map([
                ("engine", self.engine.unit().into()),
                ("files", files),
                ("stop", wanted.stop.into()),
                ("driver", text(runs)),
                ("group", text(group)),
            ]),
            guard: Value::map([("files", guards)]),
            text: self.steps(name, wanted, driver),
        }
    }

    /// What the operation does, in its order.
    fn steps(&self, name: &str, wanted: &Wanted, driver: Option<&str>) -> String {
        let (node, engine) = (self.node, self.engine.shown());
        let give_back = name == "give_back";
        if !wanted.stop {
            return match (give_back, wanted.files.change()) {
                (false, true) => format!("note the cgroup driver in the kubelet's file on {node}"),
                (false, false) => format!("look after the cgroup driver of {node}"),
                (true, _) => format!("give back the cgroup driver of {node}"),
            };
        }
        let back = if give_back { " back" } else { "" };
        let to = driver.map_or_else(String::new, |driver| format!(" to {driver}"));
        format!(
            "switch kubelet and {engine} of {node}{back}{to}: stop kubelet, end containers, stop \
             {engine}, write both files, start {engine}, start kubelet"
        )
    }

    /// Whether the control group of all pods is in its usual place.
    fn is_usual(&self) -> bool {
        let root = self.live.get("cgroupRoot").and_then(Value::as_str).unwrap_or_default();
        let per_qos = self.live.get("cgroupsPerQOS").and_then(Value::as_bool);
        ["", "/"].contains(&root) && per_qos != Some(false) && self.text("version").is_some()
    }
}

/// Which driver the kubelet's file gives it.
fn file_driver(of: &Value) -> &str {
    ways::get(of, &kubelet_way()).and_then(Value::as_str).unwrap_or(DEFAULT)
}

fn cost(wanted: &Wanted) -> Disruption {
    if wanted.stop { Disruption::Drain } else { Disruption::Quiet }
}

/// A path in quotes, or what is said in words.
fn told(place: &str) -> String {
    if place.starts_with('/') { format!("`{place}`") } else { place.to_owned() }
}

fn no_file(node: &str) -> Problem {
    let detail = format!("There is no `{USUAL_PATH}` on host `{node}`.");
    let summary = "Kubelet has no such file";
    Problem::error(codes::CGROUP_DRIVER, summary, Path::of("node"), detail)
        .with_help("A kubelet that was set up by kubeadm has one once its node has joined.")
}

fn unreadable(node: &str, why: &str) -> Problem {
    let detail = format!("{node}:{USUAL_PATH} {why}.");
    let summary = "Kubelet's file cannot be read";
    Problem::error(codes::KUBELET_FILE, summary, Path::root(), detail)
        .with_help("Mend the file on the host; a kubelet would not start with it either.")
}
