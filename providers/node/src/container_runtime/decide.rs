//! What is done about a container runtime, and what it will be.

mod half;

pub(super) use half::half;

use super::driver::is_containerd_2;
use super::engine::Engine;
use super::layout::{Layout, way};
use super::record::{Record, SHELF};
use super::{file_of, imports, kubelet, look, mirrors, text, wishes};
use crate::codes;
use crate::place::{self, part};
use crate::settings::digest;
use crate::settings::ways::{self, Way};
use addrs::TypeName;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use std::collections::{BTreeMap, BTreeSet};
use values::{Disruption, Path, Type, Value};

const LATE: &str = "values known after apply";

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    match case(ty, request, present) {
        Ok(decision) => place::decided(request.observed, with_driver(request, decision)),
        Err(problems) => Planned::Failed(problems),
    }
}

/// Another cgroup driver is one change of the runtime and of the kubelet: with one of them alone
/// pods do not start.
pub(super) fn with_driver(request: &PlanRequest<'_>, mut decision: Decision) -> Decision {
    if decision.disruption == Disruption::Drain {
        let node = part(request.identity, "node");
        decision.guards.push(place::as_one("another cgroup driver", node));
    }
    decision
}

/// One runtime, and what is known about it.
struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    present: &'a Value,
    /// The file; empty when there is none.
    content: &'a str,
    live: Value,
    layout: Layout,
    /// Whether something is ours already.
    is_recorded: bool,
    record: Record,
}

/// What is to be.
struct Goal {
    settings: Vec<(Way, Value)>,
    /// What the file will say.
    wanted: Value,
    record: Record,
    /// Files of registries by their paths; `None` for one that gets back what was there before.
    files: BTreeMap<String, Option<String>>,
}

fn case(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Decision, Vec<Problem>> {
    let text_of = |name: &str| present.get(name).and_then(Value::as_str);
    let recorded = text_of("record");
    if request.desired.is_none() && recorded.is_none() {
        return Ok(Decision::plain(Action::Forget));
    }
    let other = Engine::Containerd.mismatch(request.identity, present);
    if let Some(problem) = other.filter(|_| request.desired.is_some()) {
        return Err(vec![problem]);
    }
    if text_of("version") == Some("") {
        return Err(vec![look::no_runtime(request.identity)]);
    }
    let content = text_of("content").unwrap_or("");
    let live = text::read(content).map_err(|why| vec![unreadable(request, &why, MEND)])?;
    let layout = Layout::of(&live)
        .map_err(|unknown| vec![unreadable(request, &unknown.why, unknown.help)])?;
    let record = record_of(request, recorded).map_err(|problem| vec![problem])?;
    let is_recorded = recorded.is_some();
    let case = Case { ty, request, present, content, live, layout, is_recorded, record };
    match request.desired {
        Some(args) if !args.is_known() => Ok(case.late(args)),
        Some(args) => case.wanted(args),
        None => Ok(case.given_back()),
    }
}

impl Case<'_> {
    fn wanted(&self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let asked = &self.without_ignored(args);
        let goal = self.goal(asked);
        let problems = self.judge(asked, &goal);
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_stale = self.is_stale();
        let settings = goal.wanted != self.live;
        let files = goal.files.iter().any(|(path, wanted)| self.differs(path, wanted.as_deref()));
        let action = match self.is_recorded {
            false => Action::Create,
            true if settings || files || is_stale || goal.record != self.record => Action::Update,
            true => Action::NoOp,
        };
        let (before, after) = self.shown(asked, &goal, is_stale);
        let (before, after) = match action {
            Action::NoOp => (after.clone(), after),
            _ => (before, after),
        };
        let restart = settings || is_stale;
        let ops = match action {
            Action::NoOp => Vec::new(),
            _ => vec![self.op("configure", &goal, restart)],
        };
        Ok(Decision {
            before: Some(before),
            after: Some(after),
            exported: args.clone(),
            basis: Basis::Local,
            disruption: if ops.is_empty() { Disruption::Quiet } else { self.cost(&goal, restart) },
            ops,
            digest: digest(self.request.project, args),
            notes: if action == Action::NoOp {
                Vec::new()
            } else {
                self.notes(asked, &goal, restart)
            },
            warnings: self.other_driver(asked, &goal).into_iter().collect(),
            ..Decision::plain(action)
        })
    }

    /// Whether nobody knows that it runs with its file as that is.
    fn is_stale(&self) -> bool {
        self.says("running").is_some_and(|running| running != "yes")
            || self.present.get("open").and_then(Value::as_bool) == Some(true)
    }

    /// Arguments whose changes are ignored are as the host has them.
    fn without_ignored(&self, args: &Value) -> Value {
        let mut map = args.as_map().cloned().unwrap_or_default();
        for path in self.request.ignore.iter().filter(|_| self.is_recorded) {
            let driver = self.layout.cgroup_driver(&self.live);
            let live = if *path == Path::of("cgroup_driver") && !driver.contains(' ') {
                ("cgroup_driver", driver.into())
            } else if *path == Path::of("sandbox_image") {
                let image = ways::get(&self.live, &self.layout.sandbox_image());
                ("sandbox_image", image.cloned().unwrap_or(Value::Null))
            } else {
                continue;
            };
            map.insert(live.0.into(), live.1);
        }
        Value::map(map)
    }

    fn goal(&self, args: &Value) -> Goal {
        let (ours, live) = (&self.record.ours, &self.live);
        let settings = wishes::settings(args, self.layout, live, ours);
        let folder = wishes::folder(self.layout, live, ours);
        let asked = wishes::given(args, "mirrors").and_then(Value::as_map);
        let mut files: BTreeMap<String, Option<String>> =
            self.record.files.keys().map(|path| (path.clone(), None)).collect();
        for (registry, mirror) in asked.into_iter().flat_map(values::Map::iter) {
            let path = mirrors::place(&folder, registry, |path| self.file(path).is_some());
            files.insert(path, Some(mirrors::render(self.request.project, mirror)));
        }
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of("mirrors"));
        if ignored && self.is_recorded {
            files.clear();
        }
        let mut record = Record {
            ours: ours.with(live, &settings),
            new: self.record.new || self.present.get("content").is_none_or(Value::is_null),
            ..self.record.clone()
        };
        if !(ignored && self.is_recorded) {
            let kept = files.iter().filter(|(_, wanted)| wanted.is_some());
            let before = |path: &String| self.record.files.get(path).cloned().unwrap_or(None);
            record.files = kept.map(|(path, _)| (path.clone(), before(path))).collect();
        }
        let wanted = ours.wanted(live, &settings);
        Goal { settings, wanted, record, files }
    }

    /// Why it would not take effect, or would not run.
    fn judge(&self, args: &Value, goal: &Goal) -> Vec<Problem> {
        let mut problems = Vec::new();
        let node = file_of(self.request.identity).0;
        if wishes::given(args, "mirrors").is_some()
            && let Some(section) = self.layout.inline_registries(&goal.wanted)
        {
            let detail = format!(
                "{} has `{section}`, and beside that containerd takes no `config_path`, by which \
                 it finds mirrors.",
                self.request.identity.shown
            );
            let summary = "Registries in the runtime's own file";
            let at = Path::of("mirrors");
            problems.push(
                Problem::error(codes::RUNTIME_OVERRIDDEN, summary, at, detail)
                    .with_help("Write them as `mirrors`, and take the section out of the file."),
            );
        }
        let merges = self.says("version").is_some_and(is_containerd_2);
        let imported = self.present.get("imports").and_then(Value::as_list).unwrap_or(&[]);
        let mut told = BTreeSet::new();
        for (way, setting) in &goal.settings {
            for import in imported {
                let part = |i: usize| import.as_list()?.get(i)?.as_str();
                let (Some(path), Some(content)) = (part(0), part(1)) else { continue };
                let argument = wishes::argument(self.layout, way);
                let wins = imports::wins(content, self.layout, way, setting, merges);
                if !wins || !told.insert((path, argument)) {
                    continue;
                }
                let (first, last) = (way.get(1).unwrap_or(&way[0]), way.last().unwrap_or(&way[0]));
                let detail = format!(
                    "{node}: `{path}`, which {} imports, wins over it: `{last}` of `{first}` would \
                     not be what is asked for.",
                    file_of(self.request.identity).1
                );
                let summary = "Another file wins over the runtime's own";
                let at = Path::of(argument);
                problems.push(
                    Problem::error(codes::RUNTIME_OVERRIDDEN, summary, at, detail).with_help(
                        "Take the section out of that file; before version 2, containerd takes a \
                         plugin's whole section from the last file that has it.",
                    ),
                );
            }
        }
        problems.extend(self.imported_runtimes(args, goal, imported));
        if let Err(why) = self.edited(goal) {
            problems.push(unreadable(self.request, &why, "Edit the file by hand."));
        }
        problems
    }

    /// Runtimes with another driver, in a file that is not edited.
    fn imported_runtimes(&self, args: &Value, goal: &Goal, imported: &[Value]) -> Vec<Problem> {
        let asked = wishes::given(args, "cgroup_driver").and_then(Value::as_str);
        let Some(driver) = asked else { return Vec::new() };
        let one = |import: &Value| {
            let part = |i: usize| import.as_list()?.get(i)?.as_str();
            let (path, content) = (part(0)?, part(1)?);
            let names = imports::other_runtimes(content, self.layout, &goal.wanted, driver);
            let names = names.iter().map(|name| format!("`{}`", name.escape_debug()));
            let names = names.collect::<Vec<_>>().join(", ");
            (!names.is_empty()).then(|| {
                let node = file_of(self.request.identity).0;
                let detail = format!(
                    "{node}: `{path}` describes {names} with another cgroup driver than `{driver}`."
                );
                let summary = "Runtime with another cgroup driver in an imported file";
                let at = Path::of("cgroup_driver");
                Problem::error(codes::RUNTIME_OVERRIDDEN, summary, at, detail)
                    .with_help("Set `SystemdCgroup` there, too.")
            })
        };
        imported.iter().filter_map(one).collect()
    }

    fn edited(&self, goal: &Goal) -> Result<String, String> {
        let keys = self.record.ours.earlier.keys();
        let ours: Vec<&Way> = keys.chain(goal.settings.iter().map(|(way, _)| way)).collect();
        text::edited(self.content, &goal.wanted, &ours)
    }

    /// A kubelet that has another driver; from version 2, containerd tells it which.
    fn other_driver(&self, args: &Value, goal: &Goal) -> Option<Problem> {
        let driver = self.layout.cgroup_driver(&goal.wanted);
        // One for each runtime is none that could be compared.
        if driver.contains(' ') {
            return None;
        }
        kubelet::disagrees(
            Engine::Containerd,
            self.request.identity,
            self.present.get("kubelet"),
            &driver,
            self.says("version").is_some_and(is_containerd_2),
            wishes::given(args, "cgroup_driver").is_some(),
        )
    }

    /// Some of it is decided during apply, and judged then.
    fn late(&self, args: &Value) -> Decision {
        let identity = self.request.identity;
        let driver = args.get("cgroup_driver").is_some_and(|driver| !driver.is_known());
        // What is known of it already costs what it costs: that may not rise later.
        let settings = wishes::settings(args, self.layout, &self.live, &self.record.ours);
        let goal = Goal {
            settings: Vec::new(),
            wanted: self.record.ours.wanted(&self.live, &settings),
            record: self.record.clone(),
            files: BTreeMap::new(),
        };
        let restart = goal.wanted != self.live || self.is_stale();
        let op = self.op("configure", &goal, true);
        let unknown = Value::Unknown(Type::Any);
        let mut parts = op.args.as_map().cloned().unwrap_or_default();
        parts.insert("settings".into(), unknown.clone());
        parts.insert("files".into(), unknown);
        Decision {
            before: Some(view(identity, Vec::new())),
            after: Some(args.clone()),
            exported: args.clone(),
            basis: Basis::Unverified(LATE.to_owned()),
            disruption: if driver { Disruption::Drain } else { self.cost(&goal, restart) },
            ops: vec![Op { args: Value::map(parts), ..op }],
            digest: digest(self.request.project, args),
            ..Decision::plain(if self.is_recorded { Action::Update } else { Action::Create })
        }
    }

    /// Nothing is ours any more: what was there before comes back.
    fn given_back(&self) -> Decision {
        let goal = Goal {
            settings: Vec::new(),
            wanted: self.record.ours.wanted(&self.live, &[]),
            record: Record::none(self.request.project, file_of(self.request.identity).1),
            files: self.record.files.keys().map(|path| (path.clone(), None)).collect(),
        };
        let restart = goal.wanted != self.live;
        let (before, _) = self.shown(&Value::Null, &goal, false);
        let text = "what the files said before comes back".to_owned();
        let is_back = restart || self.record.files.values().any(Option::is_some);
        let note = is_back.then_some(Note { path: Path::root(), text });
        Decision {
            before: Some(before),
            disruption: self.cost(&goal, restart),
            ops: vec![self.op("give_back", &goal, restart)],
            notes: note.into_iter().collect(),
            ..Decision::plain(Action::Delete)
        }
    }

    fn cost(&self, goal: &Goal, restart: bool) -> Disruption {
        let has_pods = !Engine::has_no_pods(self.present);
        if has_pods && !self.layout.same_driver(&self.live, &goal.wanted) {
            return Disruption::Drain;
        }
        if restart { Disruption::Restart } else { Disruption::Quiet }
    }

    fn notes(&self, args: &Value, goal: &Goal, restart: bool) -> Vec<Note> {
        let mut out = Vec::new();
        let mut say = |path: Path, text: String| out.push(Note { path, text });
        if ways::get(&self.live, &way(&["version"])).is_none() {
            let text = "the file has no schema yet, and gets `version = 2`".to_owned();
            say(Path::root(), text);
        }
        let path = self.layout.config_path();
        if ways::get(&self.live, &path) != ways::get(&goal.wanted, &path) {
            let text = "`config_path` is where containerd looks for mirrors; setting it needs a \
                        restart, and mirrors themselves need none"
                .to_owned();
            say(Path::of("mirrors"), text);
        }
        let images = self.present.get("images").and_then(Value::as_list).unwrap_or(&[]);
        if let Some(image) = wishes::given(args, "sandbox_image").filter(|image| {
            !images.is_empty()
                && !images.contains(image)
                && ways::get(&self.live, &self.layout.sandbox_image()) != Some(*image)
        }) {
            let text = format!(
                "`{}` is not on the host yet: it is pulled when the next pod starts, and without \
                 it none does",
                image.as_str().unwrap_or_default()
            );
            say(Path::of("sandbox_image"), text);
        }
        let adopted = goal.files.iter().filter(|(path, wanted)| {
            let is_ours = self.record.files.contains_key(*path);
            let found = self.file(path).and_then(|file| file.get("content")?.as_str());
            wanted.is_some() && !is_ours && found.is_some_and(|text| !self.is_marked(text))
        });
        for (path, _) in adopted {
            let text = format!("`{path}` is there already; it comes back when this goes");
            say(Path::of("mirrors"), text);
        }
        let mirrors = wishes::given(args, "mirrors").cloned().unwrap_or(Value::Null);
        for url in mirrors::unverified(&mirrors) {
            let text = format!("whoever is on the way to {url} can hand out other images");
            say(Path::of("mirrors"), text);
        }
        let unread = self.present.get("unread").and_then(Value::as_list).unwrap_or(&[]);
        for pattern in unread.iter().filter_map(Value::as_str) {
            let text = format!("what is in `{pattern}`, which the file imports, is not known");
            say(Path::root(), text);
        }
        if restart && self.present.get("client").and_then(Value::as_bool) == Some(false) {
            let text = "`ctr` is not found: after the restart nobody asks whether the plugin is \
                        well that the kubelet talks to"
                .to_owned();
            say(Path::root(), text);
        }
        out
    }

    /// What is or was ours, as it is and as it will be.
    fn shown(&self, args: &Value, goal: &Goal, is_stale: bool) -> (Value, Value) {
        let identity = self.request.identity;
        let earlier = self.record.ours.earlier.keys();
        let ours: BTreeSet<&Way> =
            earlier.chain(goal.settings.iter().map(|(way, _)| way)).collect();
        let of = |live: &Value, mirrors: Value| {
            let mut parts = Vec::new();
            let mut put = |name: &'static str, way: &Way| {
                let found = ways::get(live, way).cloned();
                parts.extend(found.filter(|_| ours.contains(way)).map(|found| (name, found)));
            };
            put("version", &way(&["version"]));
            put("disabled_plugins", &way(&["disabled_plugins"]));
            put("sandbox_image", &self.layout.sandbox_image());
            put("config_path", &self.layout.config_path());
            if ours.iter().any(|way| wishes::argument(self.layout, way) == "cgroup_driver") {
                parts.push(("cgroup_driver", self.layout.cgroup_driver(live).into()));
            }
            if !mirrors.is_null() {
                parts.push(("mirrors", mirrors));
            }
            parts
        };
        let (mirrors_before, mirrors_after) = self.mirrors(args, goal);
        let mut before = of(&self.live, mirrors_before);
        let mut after = of(&goal.wanted, mirrors_after);
        if is_stale {
            let now = match self.says("running") {
                Some("no") => "no",
                Some("since before") => "since before the file was last changed",
                _ => "not looked after since the last change",
            };
            before.push(("running", now.into()));
            after.push(("running", "with the file as it is".into()));
        }
        (view(identity, before), view(identity, after))
    }

    /// The mirrors by their registries, as they are and as they will be.
    fn mirrors(&self, args: &Value, goal: &Goal) -> (Value, Value) {
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        let asked = wishes::given(args, "mirrors").and_then(Value::as_map);
        for (path, wanted) in &goal.files {
            let folder = path.rsplit('/').nth(1).unwrap_or_default();
            let registry = || -> Option<&str> {
                let mut names = asked?.keys().map(|name| &**name);
                names.find(|name| format!("{}_", name.replacen(':', "_", 1)) == folder)
            };
            let registry = registry().unwrap_or(folder);
            let found = self.file(path).and_then(|file| file.get("content")?.as_str());
            let unreadable = || Value::from("(no TOML)");
            if let Some(text) = found {
                let said = mirrors::read(text).unwrap_or_else(unreadable);
                let differs = self.differs(path, wanted.as_deref());
                let as_wanted = wanted.as_deref().and_then(mirrors::read).as_ref() == Some(&said);
                let shown = match said.as_map().cloned() {
                    // What differs has no name among the arguments.
                    Some(mut map) if differs && as_wanted => {
                        map.insert("other_lines".into(), true.into());
                        Value::map(map)
                    }
                    Some(_) | None => said,
                };
                before.insert(registry.to_owned(), shown);
            }
            if let Some(text) = wanted {
                let said = mirrors::read(text).unwrap_or_else(unreadable);
                after.insert(registry.to_owned(), mirrors::plain(&said));
            }
        }
        if goal.files.is_empty() {
            return (Value::Null, Value::Null);
        }
        (Value::map(before), Value::map(after))
    }

    /// What was seen of a file of a registry.
    fn file(&self, path: &str) -> Option<&Value> {
        self.present.get("files")?.get(path)
    }

    fn is_marked(&self, text: &str) -> bool {
        crate::owned::project_of(text) == Some(self.request.project)
    }

    /// Whether a file is not as it is to be. One that gets back what was there before is not.
    fn differs(&self, path: &str, wanted: Option<&str>) -> bool {
        let found = self.file(path).and_then(|file| file.get("content")?.as_str());
        wanted.is_none() || found != wanted
    }

    fn says(&self, name: &str) -> Option<&str> {
        self.present.get(name).and_then(Value::as_str)
    }

    fn op(&self, name: &str, goal: &Goal, restart: bool) -> Op {
        let identity = self.request.identity;
        let (node, path) = file_of(identity);
        let setting =
            |(way, value): &(Way, Value)| Value::list([ways::to_value(way), value.clone()]);
        let file = |(path, wanted): (&String, &Option<String>)| {
            (path.clone(), wanted.as_deref().map_or(Value::Null, Value::from))
        };
        let mode = self.says("mode").unwrap_or("0644");
        let args = [
            ("path", path.into()),
            ("mode", mode.into()),
            ("settings", Value::list(goal.settings.iter().map(setting))),
            ("files", Value::map(goal.files.iter().map(file))),
            ("restart", restart.into()),
        ];
        let guards = goal.files.keys().map(|path| {
            let found = self.file(path);
            let text = found.and_then(|file| file.get("content")?.as_str()).unwrap_or_default();
            (path.clone(), Value::map([proof(found, mirrors::holds_secrets(text))]))
        });
        let record = self.is_recorded.then(|| self.record.proof());
        let main = proof(Some(self.present), Layout::holds_secrets(&self.live));
        let driver = |way: &Way| wishes::argument(self.layout, way) == "cgroup_driver";
        let is_ours =
            record_has(&self.record, driver) || goal.settings.iter().any(|(w, _)| driver(w));
        let apart = (!is_ours && !Layout::holds_secrets(&self.live))
            .then(|| self.layout.apart(&self.live).into());
        let guard = [
            main,
            // What `cgroup_driver` keeps of the file may change meanwhile.
            ("apart", apart.unwrap_or(Value::Null)),
            ("record", record.map_or(Value::Null, Value::from)),
            ("files", Value::map(guards)),
        ];
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: identity.clone(),
            args: Value::map(args),
            guard: Value::map(guard),
            text: match (name, goal.wanted != self.live) {
                ("give_back", _) => format!("give back settings of containerd on {node}"),
                (_, false) if !restart => format!("write mirrors for containerd on {node}"),
                (_, _) => format!("configure containerd on {node}"),
            },
        }
    }
}

fn record_has(record: &Record, is: impl Fn(&Way) -> bool) -> bool {
    record.ours.earlier.keys().any(is)
}

/// What must still be so of a file. The digest of a secret would tell of it, and a guard is stored.
fn proof(file: Option<&Value>, secret: bool) -> (&'static str, Value) {
    let part = |name: &str| file.and_then(|file| file.get(name)).cloned().unwrap_or(Value::Null);
    match (part("content").is_null(), secret) {
        (false, true) => ("stamp", part("stamp")),
        (true, _) | (_, false) => ("digest", part("digest")),
    }
}

fn view(identity: &plans::Identity, parts: Vec<(&'static str, Value)>) -> Value {
    let (node, path) = file_of(identity);
    Value::map([("node", node.into()), ("path", path.into())].into_iter().chain(parts))
}

fn record_of(request: &PlanRequest<'_>, text: Option<&str>) -> Result<Record, Problem> {
    let ours = SHELF.record(request, text)?;
    match text.map(Record::parse) {
        Some(Ok(record)) => Ok(record),
        // What of it is damaged is read as nothing by nobody.
        Some(Err(why)) => {
            Err(SHELF.unreadable(&request.identity.shown, file_of(request.identity).1, &why))
        }
        None => Ok(Record { ours, ..Record::none(request.project, file_of(request.identity).1) }),
    }
}

const MEND: &str = "Mend the file on the host; the runtime would not start with it either.";

fn unreadable(request: &PlanRequest<'_>, why: &str, help: &str) -> Problem {
    let detail = format!("{} {why}.", request.identity.shown);
    let summary = "Runtime's file cannot be kept";
    Problem::error(codes::RUNTIME_FILE, summary, Path::of("path"), detail).with_help(help)
}
