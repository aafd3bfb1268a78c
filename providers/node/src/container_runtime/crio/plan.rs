//! What is done about CRI-O's files, and what they will say.

mod half;

pub(in super::super) use half::half;

use super::look::no_runtime;
use super::{registries, registries_of, settings};
use crate::codes;
use crate::container_runtime::decide::with_driver;
use crate::container_runtime::engine::Engine;
use crate::container_runtime::{file_of, kubelet, mirrors, text, wishes};
use crate::owned::{self, Seen};
use crate::place;
use crate::settings::digest;
use crate::settings::ways::{self, Way};
use addrs::TypeName;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use values::{Disruption, Map, Path, Type, Value};

const LATE: &str = "values known after apply";

pub(in super::super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    let seen = |name: &str| Seen::read(present.get(name).unwrap_or(&Value::Null));
    let case =
        Case { ty, request, present, settings: seen("settings"), registries: seen("registries") };
    let decided = match request.desired {
        None => Ok(case.given_back()),
        Some(args) => case.decided(args),
    };
    match decided {
        Ok(decision) => {
            let decision = with_driver(request, decision);
            place::decided(request.observed, decision)
        }
        Err(problems) => Planned::Failed(problems),
    }
}

/// A node's CRI-O, and what is known about it.
struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    present: &'a Value,
    /// Our drop-in.
    settings: Seen<'a>,
    /// The one about registries.
    registries: Seen<'a>,
}

/// What is to be.
struct Goal {
    asked: Vec<(Way, Value)>,
    settings: Option<String>,
    registries: Option<String>,
    /// What counts then, all files together.
    effective: Value,
}

/// What CRI-O must do to take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Nothing,
    Reload,
    Restart,
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Reload => "reload",
            Self::Restart => "restart",
        }
    }
}

impl Case<'_> {
    fn decided(&self, args: &Value) -> Result<Decision, Vec<Problem>> {
        self.check_place()?;
        if !args.is_known() {
            return Ok(self.late(args));
        }
        let asked = self.without_ignored(args);
        let goal = self.goal(&asked);
        let problems = self.judge(&goal, &asked);
        if !problems.is_empty() {
            return Err(problems);
        }
        let act = self.act(&goal);
        let stale = self.stale(&goal);
        let differs = self.settings.content != goal.settings.as_deref()
            || self.registries.content != goal.registries.as_deref();
        let action = match (self.is_there(), differs || !stale.is_empty()) {
            (false, true) => Action::Create,
            (true, true) => Action::Update,
            (_, false) => Action::NoOp,
        };
        let (before, after) = self.shown(&goal, &stale);
        let (before, after) = match action {
            Action::NoOp => (after.clone(), after),
            _ => (before, after),
        };
        let is_same = action == Action::NoOp;
        Ok(Decision {
            before: Some(before),
            after: Some(after),
            exported: args.clone(),
            basis: Basis::Local,
            disruption: if is_same { Disruption::Quiet } else { self.cost(&goal, act) },
            ops: if is_same { Vec::new() } else { vec![self.op("configure_crio", &goal, act)] },
            digest: digest(self.request.project, args),
            notes: if is_same { Vec::new() } else { self.notes(&goal, &asked, act) },
            warnings: self.other_driver(&goal, &asked).into_iter().collect(),
            ..Decision::plain(action)
        })
    }

    /// Whether one of the files is ours already.
    fn is_there(&self) -> bool {
        let is = |seen: &Seen<'_>| {
            seen.content.and_then(owned::project_of) == Some(self.request.project)
        };
        is(&self.settings) || is(&self.registries)
    }

    /// Why nothing can be done there.
    fn check_place(&self) -> Result<(), Vec<Problem>> {
        let identity = self.request.identity;
        if let Some(problem) = Engine::Crio.mismatch(identity, self.present) {
            return Err(vec![problem]);
        }
        if self.text("version") == Some("") {
            return Err(vec![no_runtime(identity)]);
        }
        let (node, path) = file_of(identity);
        let of_registries = registries_of(path);
        let files = [(&self.settings, path), (&self.registries, &of_registries)];
        let problems = files.into_iter().filter_map(|(seen, path)| {
            let there = place::file(node, path, Vec::new());
            let problem = owned::not_ours(&there, seen.content?, self.request.project)?;
            Some(problem.with_help("Move it away, or give the block another `path`."))
        });
        let problems: Vec<Problem> = problems.collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Arguments whose changes are ignored are as our files have them.
    fn without_ignored(&self, args: &Value) -> Value {
        let mut map = args.as_map().cloned().unwrap_or_default();
        let ours = self.ours();
        for path in self.request.ignore.iter().filter(|_| self.is_there()) {
            let ways = [
                ("cgroup_driver", settings::driver_way()),
                ("sandbox_image", settings::image_way()),
            ];
            for (name, way) in ways.iter().filter(|(name, _)| *path == Path::of(name)) {
                let live = ways::get(&ours, way).cloned().unwrap_or(Value::Null);
                map.insert((*name).into(), live);
            }
        }
        Value::map(map)
    }

    fn ignores_mirrors(&self) -> bool {
        let mirrors = Path::of("mirrors");
        self.is_there() && self.request.ignore.contains(&mirrors)
    }

    /// What our drop-in says now.
    fn ours(&self) -> Value {
        let is_ours = |text: &&str| owned::project_of(text) == Some(self.request.project);
        let file = text::read(self.settings.content.filter(is_ours).unwrap_or_default());
        // One that somebody broke says nothing; it is written anew.
        settings::of_interest(&file.unwrap_or_else(|_| Value::empty_map()))
    }

    /// What counts when our drop-in says this.
    fn effective(&self, ours: &Value) -> Value {
        let before = self.others("before").into_iter().map(|(_, said)| said);
        let after = self.others("after").into_iter().map(|(_, said)| said);
        settings::merged(before.chain([ours]).chain(after))
    }

    fn goal(&self, asked: &Value) -> Goal {
        let project = self.request.project;
        let wanted = settings::wanted(asked);
        let ours = wanted
            .iter()
            .fold(Value::empty_map(), |all, (way, value)| ways::with(&all, way, Some(value)));
        let mirrors = wishes::given(asked, "mirrors").unwrap_or(&Value::Null);
        Goal {
            settings: settings::render(project, &wanted),
            registries: if self.ignores_mirrors() {
                self.registries.content.map(str::to_owned)
            } else {
                registries::render(project, mirrors)
            },
            effective: self.effective(&ours),
            asked: wanted,
        }
    }

    /// Why it would not take effect, or would not run.
    fn judge(&self, goal: &Goal, asked: &Value) -> Vec<Problem> {
        let node = file_of(self.request.identity).0;
        let broken = self.others("broken").into_iter().map(|(path, why)| {
            let why = why.as_str().unwrap_or_default();
            let detail = format!(
                "{node}: `{path}` {why}; CRI-O reads every file there and would not start with it."
            );
            let summary = "A file of CRI-O's cannot be read";
            Problem::error(codes::RUNTIME_FILE, summary, Path::of("path"), detail)
                .with_help("Mend the file on the host, or remove it.")
        });
        let won = goal.asked.iter().filter_map(|(way, wanted)| {
            let after = self.others("after");
            // The last one counts.
            let says = |(path, said)| Some((path, ways::get(said, way)?));
            let (path, found) = after.into_iter().rev().find_map(says)?;
            (found != wanted)
                .then(|| self.overridden(path, settings::argument(way), &wins(way, found)))
        });
        broken.chain(won).chain(self.judge_mirrors(goal, asked)).collect()
    }

    fn judge_mirrors(&self, goal: &Goal, asked: &Value) -> Vec<Problem> {
        let at = |registry: &str| Path::of("mirrors").attr(registry);
        let ours = goal.registries.as_deref().and_then(|text| registries::read(text).ok());
        let Some(ours) = ours.filter(|_| wishes::given(asked, "mirrors").is_some()) else {
            return Vec::new();
        };
        if let Some(path) = self.text("of_root") {
            let detail = format!(
                "{}: `{path}` is there, and with it CRI-O reads nothing of `/etc/containers`.",
                file_of(self.request.identity).0
            );
            let at = Path::of("mirrors");
            let summary = "Another file wins over the runtime's own";
            let problem = Problem::error(codes::RUNTIME_OVERRIDDEN, summary, at, detail);
            return vec![problem.with_help("Move what it says to `/etc/containers`.")];
        }
        let mut out = Vec::new();
        for (registry, table) in ours.as_map().into_iter().flat_map(Map::iter) {
            for (path, tables) in self.others("tables_after").into_iter().rev() {
                if tables.get(registry).is_some_and(|found| found != table) {
                    let problem = self.overridden(path, "mirrors", &format!("`{registry}`"));
                    out.push(Problem { path: at(registry), ..problem });
                }
            }
            let all = self.others("tables_before").into_iter().chain(self.others("tables_after"));
            for (path, tables) in all {
                let mut prefixes = tables.as_map().into_iter().flat_map(Map::keys);
                if let Some(found) = prefixes.find(|found| registries::hides(found, registry)) {
                    let problem = self.overridden(path, "mirrors", &format!("`{found}`"));
                    out.push(Problem { path: at(registry), ..problem });
                }
            }
        }
        out
    }

    fn overridden(&self, path: &str, argument: &str, what: &str) -> Problem {
        let (node, own) = file_of(self.request.identity);
        let own = if argument == "mirrors" { registries_of(own) } else { own.to_owned() };
        let detail = format!(
            "{node}: `{path}` wins over `{own}`, with what it says of {what}: the host would not \
             have what is asked for."
        );
        let summary = "Another file wins over the runtime's own";
        Problem::error(codes::RUNTIME_OVERRIDDEN, summary, Path::of(argument), detail).with_help(
            "Take that out of the other file; or name a `path` that comes after it, since files \
             are read in the order of their names.",
        )
    }

    /// With what it runs that is not what its files say now, as it is and as it will be.
    fn stale(&self, goal: &Goal) -> Vec<(&'static str, Value, Value)> {
        let mut out = Vec::new();
        if self.present.get("open").and_then(Value::as_bool) == Some(true) {
            let is = "not looked after since the last change";
            out.push(("running", is.into(), "with the files as they are".into()));
        } else if self.present.get("runs").and_then(Value::as_bool) == Some(false) {
            out.push(("running", "no".into(), "with the files as they are".into()));
        }
        let Some(with) = self.running() else { return out };
        let says = self.effective(&self.ours());
        let names = [
            ("running_cgroup_driver", settings::driver_way()),
            ("running_sandbox_image", settings::image_way()),
        ];
        for (name, way) in names {
            let Some((_, wanted)) = goal.asked.iter().find(|(asked, _)| *asked == way) else {
                continue;
            };
            let has = ways::get(with, &way).cloned().unwrap_or(Value::Null);
            // Where the files say otherwise, too, their change says it all.
            if has != *wanted && ways::get(&says, &way) == Some(wanted) {
                out.push((name, has, wanted.clone()));
            }
        }
        out
    }

    /// With what it runs, where it can be asked.
    fn running(&self) -> Option<&Value> {
        self.present.get("runs_with").filter(|with| !with.is_null())
    }

    fn now(&self) -> Value {
        match self.running() {
            Some(with) => with.clone(),
            None => self.effective(&self.ours()),
        }
    }

    /// What is done after the files are written. Source of what a reload is enough for:
    /// `crio.conf(5)` and `pkg/config/reload.go`.
    fn act(&self, goal: &Goal) -> Act {
        let now = self.now();
        let differs = |way: &Way| ways::get(&now, way) != ways::get(&goal.effective, way);
        let starts = settings::driver(&now) != settings::driver(&goal.effective)
            || (settings::driver(&goal.effective) == "cgroupfs"
                && differs(&settings::monitor_way()))
            || self.stale(goal).iter().any(|(name, _, _)| *name == "running");
        if starts {
            return Act::Restart;
        }
        let tables = |text: Option<&str>| registries::read(text.unwrap_or_default()).ok();
        let pulls = tables(self.registries.content) != tables(goal.registries.as_deref());
        let image = settings::image_way();
        let pauses = match ways::get(&goal.effective, &image) {
            Some(_) => differs(&image),
            // Its own default comes back.
            None => ways::get(&self.effective(&self.ours()), &image).is_some(),
        };
        if pulls || pauses { Act::Reload } else { Act::Nothing }
    }

    fn cost(&self, goal: &Goal, act: Act) -> Disruption {
        if settings::driver(&self.now()) != settings::driver(&goal.effective) {
            return Disruption::Drain;
        }
        match act {
            Act::Nothing => Disruption::Quiet,
            Act::Reload => Disruption::Reload,
            Act::Restart => Disruption::Restart,
        }
    }

    fn other_driver(&self, goal: &Goal, asked: &Value) -> Option<Problem> {
        let is_asked = wishes::given(asked, "cgroup_driver").is_some();
        kubelet::disagrees(
            Engine::Crio,
            self.request.identity,
            self.present.get("kubelet"),
            settings::driver(&goal.effective),
            self.answers(),
            is_asked,
        )
    }

    /// Some of it is decided during apply, and judged then.
    fn late(&self, args: &Value) -> Decision {
        let identity = self.request.identity;
        let now = self.now();
        let drains = wishes::given(args, "cgroup_driver")
            .is_some_and(|driver| driver.as_str() != Some(settings::driver(&now)));
        let goal = Goal {
            asked: Vec::new(),
            settings: self.settings.content.map(str::to_owned),
            registries: self.registries.content.map(str::to_owned),
            effective: Value::empty_map(),
        };
        let op = self.op("configure_crio", &goal, Act::Restart);
        let mut parts = op.args.as_map().cloned().unwrap_or_default();
        for name in ["files", "act", "driver", "runs_with"] {
            parts.insert(name.into(), Value::Unknown(Type::Any));
        }
        Decision {
            before: Some(view(identity, Vec::new())),
            after: Some(args.clone()),
            exported: args.clone(),
            basis: Basis::Unverified(LATE.to_owned()),
            disruption: if drains { Disruption::Drain } else { Disruption::Restart },
            ops: vec![Op { args: Value::map(parts), ..op }],
            digest: digest(self.request.project, args),
            ..Decision::plain(if self.is_there() { Action::Update } else { Action::Create })
        }
    }

    /// Our files go; what others say counts again.
    fn given_back(&self) -> Decision {
        if !self.is_there() {
            return Decision::plain(Action::Forget);
        }
        let others = |seen: &Seen<'_>| {
            let theirs = seen.content.and_then(owned::project_of) != Some(self.request.project);
            seen.content.filter(|_| theirs).map(str::to_owned)
        };
        let goal = Goal {
            asked: Vec::new(),
            settings: others(&self.settings),
            registries: others(&self.registries),
            effective: self.effective(&Value::empty_map()),
        };
        // One that does not run, or is not there any more, is not started to forget them.
        let runs = self.present.get("runs").and_then(Value::as_bool);
        let act = if runs == Some(false) { Act::Nothing } else { self.act(&goal) };
        let (before, _) = self.shown(&goal, &[]);
        let mut notes = Vec::new();
        let driver = settings::driver(&goal.effective);
        if settings::driver(&self.now()) != driver {
            let text = format!("CRI-O has `{driver}` without these settings");
            notes.push(Note { path: Path::of("cgroup_driver"), text });
        }
        Decision {
            before: Some(before),
            disruption: if act == Act::Nothing { Disruption::Quiet } else { self.cost(&goal, act) },
            ops: vec![self.op("give_back_crio", &goal, act)],
            notes,
            ..Decision::plain(Action::Delete)
        }
    }

    fn notes(&self, goal: &Goal, asked: &Value, act: Act) -> Vec<Note> {
        let mut out = Vec::new();
        let mut say = |path: Path, text: String| out.push(Note { path, text });
        let new = goal.registries.as_deref().filter(|new| self.registries.content != Some(*new));
        let ours = new.and_then(|text| registries::read(text).ok());
        for registry in ours.as_ref().and_then(Value::as_map).into_iter().flat_map(Map::keys) {
            let at = Path::of("mirrors").attr(registry);
            for (path, tables) in self.others("tables_before") {
                if let Some(found) = tables.get(registry) {
                    let blocked = found.get("blocked").and_then(Value::as_bool) == Some(true);
                    let what = if blocked { "blocks it" } else { "says where it is" };
                    say(at.clone(), format!("`{path}` {what}, and that no longer counts"));
                }
                let prefixes = tables.as_map().into_iter().flat_map(Map::keys);
                for part in prefixes.filter(|found| registries::is_part(found, registry)) {
                    say(at.clone(), format!("images below `{part}` are pulled as `{path}` says"));
                }
            }
        }
        let mirrors = wishes::given(asked, "mirrors").unwrap_or(&Value::Null);
        for url in mirrors::unverified(mirrors).into_iter().filter(|_| new.is_some()) {
            let text = format!("whoever is on the way to {url} can hand out other images");
            say(Path::of("mirrors"), text);
        }
        for (path, _) in self.others("unread") {
            let text = format!(
                "`{path}` is a link or cannot be read; what CRI-O finds there is not known"
            );
            say(Path::root(), text);
        }
        let can_be_asked = self.running().is_some() || self.text("version").is_none();
        if act != Act::Nothing && !can_be_asked {
            let text = "CRI-O does not tell how it runs (`crio status`, from 1.28 on): only its \
                        unit is looked after";
            say(Path::root(), text.to_owned());
        }
        out
    }

    /// What is or was asked for, as it is and as it will be. What no file of ours says yet is as
    /// the other files have it.
    fn shown(&self, goal: &Goal, stale: &[(&'static str, Value, Value)]) -> (Value, Value) {
        let identity = self.request.identity;
        let ours = self.ours();
        let of_interest = [
            ("cgroup_driver", settings::driver_way()),
            ("monitor_cgroup", settings::monitor_way()),
            ("sandbox_image", settings::image_way()),
        ];
        let is_ours = |way: &Way| {
            ways::get(&ours, way).is_some() || goal.asked.iter().any(|(asked, _)| asked == way)
        };
        let of = |effective: &Value, text: Option<&str>, other: Option<&str>| {
            let mut parts = Vec::new();
            for (name, way) in of_interest.iter().filter(|(_, way)| is_ours(way)) {
                let found = match *name {
                    "cgroup_driver" => Some(settings::driver(effective).into()),
                    _ => ways::get(effective, way).cloned(),
                };
                parts.extend(found.map(|found| (*name, found)));
            }
            let tables = text.map(|text| registries::read(text).unwrap_or("(no TOML)".into()));
            let mut tables = tables.map(|tables| ("mirrors", tables));
            if let (Some((_, shown)), Some(other)) = (&mut tables, other) {
                let same = registries::read(other).is_ok_and(|read| read == *shown);
                if same && text != Some(other) {
                    *shown = ways::with(shown, &["other_lines".into()], Some(&true.into()));
                }
            }
            parts.extend(tables);
            parts
        };
        let (is, will) = (self.registries.content, goal.registries.as_deref());
        let mut before = of(&self.effective(&ours), is, will);
        let mut after = of(&goal.effective, will, None);
        let same_settings = goal.settings.as_deref().is_some_and(|text| {
            let said = text::read(text).ok();
            self.settings.content.is_some_and(|is| is != text && text::read(is).ok() == said)
        });
        if same_settings {
            before.push(("other_lines", true.into()));
        }
        for (name, is, will) in stale {
            before.push((name, is.clone()));
            after.push((name, will.clone()));
        }
        (view(identity, before), view(identity, after))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.present.get(name).and_then(Value::as_str)
    }

    /// Pairs of a file and what it says.
    fn others(&self, name: &str) -> Vec<(&str, &Value)> {
        let all = self.present.get(name).and_then(Value::as_list).unwrap_or(&[]).iter();
        all.filter_map(pair).collect()
    }

    fn op(&self, name: &str, goal: &Goal, act: Act) -> Op {
        let identity = self.request.identity;
        let (node, path) = file_of(identity);
        let of_registries = registries_of(path);
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let files = [(path.to_owned(), &goal.settings), (of_registries.clone(), &goal.registries)];
        // One that nobody asks for is no concern of ours, and may change meanwhile.
        let is_ours = |of: &Value| ways::get(of, &settings::driver_way()).is_some();
        let is_asked = goal.asked.iter().any(|(way, _)| *way == settings::driver_way());
        let of_driver = is_asked || is_ours(&self.ours());
        let driver = (self.answers() && of_driver).then(|| settings::driver(&goal.effective));
        let runs_with = self.running().map_or(Value::Null, |_| {
            let only = settings::only(&goal.effective);
            if of_driver { only } else { ways::with(&only, &["cgroup_driver".into()], None) }
        });
        let args = [
            ("path", path.into()),
            ("files", Value::map(files.map(|(path, wanted)| (path, text(wanted))))),
            ("act", act.name().into()),
            ("driver", driver.map_or(Value::Null, Value::from)),
            ("runs_with", runs_with),
        ];
        let digest = |seen: &Seen<'_>| match seen.content {
            Some(_) => Value::from(seen.digest),
            None => Value::Null,
        };
        let guard = |seen| Value::map([("digest", digest(seen))]);
        let guards =
            [(path.to_owned(), guard(&self.settings)), (of_registries, guard(&self.registries))];
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: identity.clone(),
            args: Value::map(args),
            guard: Value::map([("files", Value::map(guards))]),
            text: match name {
                "give_back_crio" => format!("remove the settings of CRI-O on {node}"),
                _ if goal.settings.as_deref() == self.settings.content
                    && goal.registries.as_deref() != self.registries.content
                    && act != Act::Restart =>
                {
                    format!("write mirrors for CRI-O on {node}")
                }
                _ => format!("configure CRI-O on {node}"),
            },
        }
    }
}

/// A file with what it says; a file alone says nothing that is known.
fn pair(of: &Value) -> Option<(&str, &Value)> {
    match of {
        Value::String(path) => Some((path, &Value::Null)),
        other => match other.as_list()? {
            [path, said] => Some((path.as_str()?, said)),
            _ => None,
        },
    }
}

fn wins(way: &Way, found: &Value) -> String {
    let key = way.last().map_or("", |key| &**key);
    let found = found.as_str().map_or_else(|| format!("{found:?}"), |text| format!("\"{text}\""));
    format!("`{key}` ({})", found.escape_debug().to_string().replace("\\\"", "\""))
}

fn view(identity: &plans::Identity, parts: Vec<(&'static str, Value)>) -> Value {
    let (node, path) = file_of(identity);
    Value::map([("node", node.into()), ("path", path.into())].into_iter().chain(parts))
}
