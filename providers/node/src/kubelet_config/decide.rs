//! What is done about a kubelet's settings, and what it will be.

use super::env::{self, Flagged};
use super::judge::Asked;
use super::text::DRIVER;
use super::{SHELF, flags, memory, rules, running, text, upgrade};
use crate::codes;
use crate::place::{self, part};
use crate::settings::digest;
use crate::settings::record::Record;
use crate::settings::ways::{self, Way};
use addrs::TypeName;
use apimachinery::versions::Minor;
use plans::{Action, Basis, Guard, Identity, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use std::collections::BTreeSet;
use values::{Disruption, Path, Value};

/// What a kubelet sends to fetch pods: credentials, usually.
const HEADERS: &str = "staticPodURLHeader";
const LATE: &str = "values known after apply";

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    match case(ty, request, present) {
        Ok(decision) => place::decided(request.observed, decision),
        Err(problems) => Planned::Failed(problems),
    }
}

/// One kubelet, and what is known about it.
struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    /// The file.
    content: &'a str,
    mode: &'a str,
    live: Value,
    /// The text of the record; `None` when nothing is ours yet.
    recorded: Option<&'a str>,
    record: Record,
    /// `None` when there is no kubelet: the host is a folder.
    minor: Option<Minor>,
    /// What the kubelet runs with.
    running: Option<&'a Value>,
    /// Why it is not known what the kubelet runs with.
    unasked: Option<Problem>,
    base: Base<'a>,
    /// The flags of its command line that are settings, too.
    flags: Option<&'a Value>,
    /// Where the host has file systems in memory.
    memory: Option<&'a Value>,
    env: Env<'a>,
    notes: Vec<Note>,
}

/// The file of flags, and what of it is ours.
struct Env<'a> {
    content: Option<&'a str>,
    mode: &'a str,
    recorded: Option<&'a str>,
    record: Record,
}

/// The settings that kubeadm gives to all kubelets.
enum Base<'a> {
    /// kubeadm was not here.
    None,
    Text(&'a str),
    /// They could not be read; why.
    Unknown(&'a str),
}

fn case(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Decision, Vec<Problem>> {
    let known = |name: &str| present.get(name).filter(|value| !value.is_null());
    let text = |name: &str| known(name).and_then(Value::as_str);
    let recorded = text("record");
    if request.desired.is_none() && recorded.is_none() {
        return Ok(Decision::plain(Action::Forget));
    }
    let Some(content) = text("content") else { return Err(vec![no_file(request)]) };
    let live = text::read(content).map_err(|why| vec![unreadable(request, &why)])?;
    no_secrets(request, &live).map_err(|problem| vec![problem])?;
    let record = SHELF.record(request, recorded).map_err(|problem| vec![problem])?;
    let mut notes = Vec::new();
    let minor = text("version").map(|version| minor(version, &mut notes));
    let running = known("running");
    let unasked =
        (minor.is_some() && running.is_none()).then(|| not_asked(request, text("why_not")));
    let mode = text("mode").unwrap_or("0644");
    let base = match (text("base"), text("base_unknown")) {
        (Some(text), _) => Base::Text(text),
        (None, Some(why)) => Base::Unknown(why),
        (None, None) => Base::None,
    };
    let env_recorded = text("env_record");
    let env_place = format!("the file {} on the host", env::SHELF.place(env::PATH));
    let env = Env {
        content: text("env"),
        mode: text("env_mode").unwrap_or("0644"),
        recorded: env_recorded,
        record: Record::of_request(request, env::PATH, env_recorded, &env_place)
            .map_err(|problem| vec![problem])?,
    };
    let case = Case {
        ty,
        request,
        content,
        mode,
        live,
        recorded,
        record,
        minor,
        running,
        unasked,
        base,
        flags: known("flags"),
        memory: known("memory"),
        env,
        notes,
    };
    match request.desired {
        Some(args) => case.wanted(args),
        None => case.given_back(),
    }
}

impl Case<'_> {
    fn wanted(self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let given = args.get("settings").cloned().unwrap_or(Value::Null);
        let flags = args.get("flags").cloned().unwrap_or(Value::Null);
        if !given.is_known() || !flags.is_known() {
            return Ok(self.late(args, &given));
        }
        let asked = env::asked(&flags);
        let settings = ways::leaves(&given);
        let wanted = self.record.wanted(&self.live, &settings);
        let minor = self.minor.unwrap_or_else(Minor::newest);
        let (shown, live) = (part(self.request.identity, "node"), &self.live);
        Asked { shown, minor, given: &given, settings: &settings, live, wanted: &wanted }
            .judge()?;
        let flagged = self.flagged(&asked)?;
        let will = flagged.as_ref().map(|flagged| flagged.text.as_str());
        let winning = flags::winning(shown, &settings, self.flags, will, minor);
        if !winning.is_empty() {
            return Err(winning);
        }
        let forgotten = memory::problems(args, self.memory);
        if !forgotten.is_empty() {
            return Err(forgotten);
        }
        let record = self.record.with(&self.live, &settings);
        let record_text = record.text();
        let changed = changed(&self.live, &wanted);
        let reflagged = flagged.as_ref().is_some_and(|flagged| !flagged.changed.is_empty());
        // A kubelet that is down may be so because of what is in its file: mending that is a
        // change like any other. That nothing is to be done needs an answer.
        match &self.unasked {
            Some(problem) if changed.is_empty() && !reflagged => return Err(vec![problem.clone()]),
            Some(_) | None => {}
        }
        let stale = match (self.running, self.minor) {
            (Some(running), Some(minor)) => running::differing(&settings, running, minor),
            (None, _) | (_, None) => Vec::new(),
        };
        let restarts = changed.iter().copied().chain(stale.iter().filter_map(|(w, _)| first(w)));
        let restarts: Vec<&str> = restarts.collect();
        let cost = rules::cost(restarts.iter().copied(), &wanted).max(cost_of(flagged.as_ref()));
        let forgets = rules::forgets(&restarts, &self.live, &wanted);
        let guards = self.unprocedural(&restarts, flagged.as_ref());
        let same_flags = flagged
            .as_ref()
            .is_none_or(|f| f.changed.is_empty() && f.record.as_deref() == self.env.recorded);
        let action = match self.recorded {
            None => Action::Create,
            Some(old)
                if changed.is_empty()
                    && stale.is_empty()
                    && same_flags
                    && record_text.as_deref() == Some(old) =>
            {
                Action::NoOp
            }
            Some(_) => Action::Update,
        };
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of("settings"));
        let action = if ignored && action == Action::Update { Action::NoOp } else { action };
        let shown = self.shown(&settings, &wanted, &stale, flagged.as_ref());
        let (before, after) = match action {
            Action::NoOp => (shown.1.clone(), shown.1),
            _ => shown,
        };
        let mut notes = self.notes.clone();
        let only_stale = changed.is_empty() && !stale.is_empty();
        if only_stale && action != Action::NoOp {
            let text = "the file says so already, and the kubelet that runs was started before: a \
                        restart makes them the same";
            notes.push(Note { path: Path::of("settings"), text: text.to_owned() });
        }
        if let Some(problem) = &self.unasked {
            notes.push(Note { path: Path::of("settings"), text: problem.detail.clone() });
        }
        match &self.base {
            Base::Text(base) => {
                notes.extend(upgrade::note(&settings, base, minor, self.request.created));
            }
            Base::Unknown(why) => {
                let text = format!(
                    "whether `kubeadm upgrade node` would write other values here is not known: \
                     {why}"
                );
                notes.push(Note { path: Path::of("settings"), text });
            }
            Base::None => {}
        }
        if let Some(text) = eviction(&settings) {
            notes.push(Note { path: Path::of("settings").attr("evictionHard"), text });
        }
        let ops = match action {
            Action::NoOp => Vec::new(),
            _ => {
                let restart = !changed.is_empty() || !stale.is_empty() || reflagged;
                let op = self.op(
                    "configure",
                    text::edited(self.content, &wanted).into(),
                    vec![
                        ("record", record_text.map_or(Value::Null, Value::from)),
                        ("settings", given.clone()),
                        ("restart", restart.into()),
                        ("forget", Value::list(forgets.into_iter().map(Value::from))),
                    ],
                );
                vec![self.with_flags(op, flagged.as_ref(), &flags)]
            }
        };
        Ok(Decision {
            before,
            after,
            exported: args.clone(),
            basis: Basis::Local,
            disruption: if action == Action::NoOp { Disruption::Quiet } else { cost },
            ops,
            digest: digest(self.request.project, &all_of(&given, &flags)),
            notes: if action == Action::NoOp { Vec::new() } else { notes },
            guards: if action == Action::NoOp { Vec::new() } else { guards },
            ..Decision::plain(action)
        })
    }

    /// What of it takes more than a drained node.
    fn unprocedural(&self, restarts: &[&str], flagged: Option<&Flagged>) -> Vec<Guard> {
        let node = part(self.request.identity, "node");
        let settings = restarts.iter().filter(|name| rules::UNPROCEDURAL.contains(name));
        let of_flags = flagged.map(|flagged| flagged.changed.as_slice()).unwrap_or_default();
        let is_one = |name: &&str| {
            let of_setting = flags::way(name);
            let setting = of_setting.as_ref().and_then(first);
            flags::MOVES_PODS.contains(name)
                || setting.is_some_and(|name| rules::UNPROCEDURAL.contains(&name))
        };
        let of_flags = of_flags.iter().map(String::as_str).filter(is_one);
        let names: BTreeSet<&str> = settings.copied().chain(of_flags).collect();
        let guard = |name: &str| {
            let what = format!("another `{name}`");
            if name == DRIVER {
                place::as_one(&what, node)
            } else {
                place::no_procedure(&what, node)
            }
        };
        names.into_iter().map(guard).collect()
    }

    /// Some of it is decided during apply, and judged then.
    fn late(&self, args: &Value, given: &Value) -> Decision {
        let action = if self.recorded.is_some() { Action::Update } else { Action::Create };
        let after = self.view(given.clone());
        let unknown = || Value::Unknown(values::Type::String);
        let op = self.op(
            "configure",
            unknown(),
            vec![
                ("record", unknown()),
                ("settings", given.clone()),
                ("restart", true.into()),
                ("forget", Value::Unknown(values::Type::Any)),
            ],
        );
        Decision {
            before: Some(self.view(Value::empty_map())),
            after: Some(after),
            exported: args.clone(),
            basis: Basis::Unverified(LATE.to_owned()),
            disruption: self.most(given),
            ops: vec![op],
            digest: digest(self.request.project, given),
            ..Decision::plain(action)
        }
    }

    /// The most that it can cost: which settings change is known, or not even that.
    fn most(&self, given: &Value) -> Disruption {
        let Some(map) = given.as_map() else { return Disruption::Drain };
        let ours = self.record.earlier.keys().filter_map(first);
        rules::cost(map.keys().map(|key| &**key).chain(ours), &self.live)
    }

    /// Nothing is ours any more: what was there before comes back.
    fn given_back(self) -> Result<Decision, Vec<Problem>> {
        let flagged = self.flagged(&[])?;
        let reflagged = flagged.as_ref().is_some_and(|flagged| !flagged.changed.is_empty());
        let wanted = self.record.wanted(&self.live, &[]);
        let changed = changed(&self.live, &wanted);
        let cost = rules::cost(changed.iter().copied(), &wanted).max(cost_of(flagged.as_ref()));
        let restarts: Vec<&str> = changed.iter().copied().collect();
        let forgets = rules::forgets(&restarts, &self.live, &wanted);
        let guards = self.unprocedural(&restarts, flagged.as_ref());
        let (before, _) = self.shown(&[], &wanted, &[], flagged.as_ref());
        let mut notes = self.notes.clone();
        if !changed.is_empty() {
            let text = "what the file said before comes back".to_owned();
            notes.push(Note { path: Path::of("settings"), text });
        }
        let restart = !changed.is_empty() || reflagged;
        let op = self.op(
            "give_back",
            text::edited(self.content, &wanted).into(),
            vec![
                ("settings", Value::empty_map()),
                ("restart", restart.into()),
                ("forget", Value::list(forgets.into_iter().map(Value::from))),
            ],
        );
        Ok(Decision {
            before,
            disruption: cost,
            guards,
            ops: vec![self.with_flags(op, flagged.as_ref(), &Value::Null)],
            notes,
            ..Decision::plain(Action::Delete)
        })
    }

    /// What becomes of the file of flags; `None` when none is asked for and none is ours.
    fn flagged(&self, asked: &[(Way, Value)]) -> Result<Option<Flagged>, Vec<Problem>> {
        if asked.is_empty() && self.env.recorded.is_none() {
            return Ok(None);
        }
        let flagged = match self.env.content {
            Some(text) => env::flagged(text, &self.env.record, asked),
            None => Err("is not there".to_owned()),
        };
        flagged.map(Some).map_err(|why| {
            let node = part(self.request.identity, "node");
            let detail = format!("{node}:{} {why}.", env::PATH);
            let summary = "Flags cannot be changed";
            let problem = Problem::error(codes::KUBELET_FLAG, summary, Path::of("flags"), detail);
            vec![problem.with_help(
                "`flags` is about the file that kubeadm writes when a node joins. Leave it out on \
                 other nodes, and look after their flags with `host_file`.",
            )]
        })
    }

    /// The operation with the file of flags, where that is a part of it.
    fn with_flags(&self, op: Op, flagged: Option<&Flagged>, asked: &Value) -> Op {
        let (Some(flagged), Some(content)) = (flagged, self.env.content) else { return op };
        let digest = |text: &str| Value::from(access::digest(text.as_bytes()));
        let with =
            |of: &Value, name: &str, value: Value| ways::with(of, &[name.into()], Some(&value));
        let of_record = flagged.record.as_deref().map_or(Value::Null, Value::from);
        let of_flags = Value::map([
            ("content", flagged.text.as_str().into()),
            ("mode", self.env.mode.into()),
            ("record", of_record),
            ("asked", Value::map(env::asked(asked).into_iter().map(|(w, v)| (w.join("."), v)))),
        ]);
        let guard = Value::map([
            ("digest", digest(content)),
            ("record", self.env.recorded.map_or(Value::Null, digest)),
        ]);
        let (args, guard) = (with(&op.args, "flags", of_flags), with(&op.guard, "flags", guard));
        Op { args, guard, ..op }
    }

    /// The settings that are or were ours, as they are and as they will be.
    fn shown(
        &self,
        settings: &[(Way, Value)],
        wanted: &Value,
        stale: &[(Way, Value)],
        flagged: Option<&Flagged>,
    ) -> (Option<Value>, Option<Value>) {
        let ours = |of: &Value| self.record.ours(of, settings);
        let (mut before, mut after) = (self.view(ours(&self.live)), self.view(ours(wanted)));
        if let Some(flagged) = flagged {
            let with =
                |view: &Value, flags: &Value| ways::with(view, &["flags".into()], Some(flags));
            (before, after) = (with(&before, &flagged.before), with(&after, &flagged.after));
        }
        // Where file and kubelet differ, both are shown.
        let apart = stale
            .iter()
            .filter(|(way, has)| ways::get(&self.live, way).unwrap_or(&Value::Null) != has);
        let apart: Vec<&(Way, Value)> = apart.collect();
        if !apart.is_empty() {
            let set = |all: Value, way: &Way, value: &Value| ways::with(&all, way, Some(value));
            let has = apart.iter().fold(Value::empty_map(), |all, (way, has)| set(all, way, has));
            let will = apart.iter().fold(Value::empty_map(), |all, (way, _)| {
                set(all, way, ways::get(wanted, way).unwrap_or(&Value::Null))
            });
            before = with_running(before, has);
            after = with_running(after, will);
        }
        (Some(before), Some(after))
    }

    fn view(&self, settings: Value) -> Value {
        let identity = self.request.identity;
        Value::map([
            ("node", part(identity, "node").into()),
            ("path", part(identity, "path").into()),
            ("settings", settings),
        ])
    }

    /// Digest of the file but for what `cgroup_driver` keeps of it, which may change meanwhile; null
    /// where that is kept here.
    fn apart(&self) -> Value {
        let way: Way = vec![DRIVER.into()];
        let asked = self.request.desired.and_then(|args| args.get("settings")?.get(DRIVER));
        let is_ours = self.record.earlier.contains_key(&way) || asked.is_some();
        if is_ours { Value::Null } else { text::apart(&self.live).into() }
    }

    fn op(&self, name: &str, content: Value, more: Vec<(&'static str, Value)>) -> Op {
        let identity = self.request.identity;
        let (path, node) = (part(identity, "path"), part(identity, "node"));
        let args = [("path", path.into()), ("content", content), ("mode", self.mode.into())];
        let digest = |text: &str| Value::from(access::digest(text.as_bytes()));
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: identity.clone(),
            args: Value::map(args.into_iter().chain(more)),
            guard: Value::map([
                ("digest", digest(self.content)),
                ("apart", self.apart()),
                ("record", self.recorded.map_or(Value::Null, digest)),
            ]),
            text: match name {
                "give_back" => format!("give back settings of the kubelet on {node}"),
                _ => format!("configure the kubelet on {node}"),
            },
        }
    }
}

/// Another flag needs another start, and one that is a setting what that costs.
fn cost_of(flagged: Option<&Flagged>) -> Disruption {
    let changed = flagged.map(|flagged| flagged.changed.as_slice()).unwrap_or_default();
    let cost = |name: &String| match flags::way(name) {
        Some(way) => rules::cost(first(&way), &Value::Null),
        None if flags::MOVES_PODS.contains(&name.as_str()) => Disruption::Drain,
        None => Disruption::Restart,
    };
    changed.iter().map(cost).max().unwrap_or(Disruption::Quiet)
}

/// All that is asked for.
fn all_of(settings: &Value, flags: &Value) -> Value {
    match flags {
        Value::Null => settings.clone(),
        flags => Value::list([settings.clone(), flags.clone()]),
    }
}

fn with_running(view: Value, running: Value) -> Value {
    ways::with(&view, &["running".into()], Some(&running))
}

/// The settings at the top that differ.
pub(crate) fn changed<'a>(live: &'a Value, wanted: &'a Value) -> BTreeSet<&'a str> {
    let keys =
        |of: &'a Value| of.as_map().into_iter().flat_map(values::Map::keys).map(|key| &**key);
    keys(live).chain(keys(wanted)).filter(|key| live.get(key) != wanted.get(key)).collect()
}

fn first(way: &Way) -> Option<&str> {
    way.first().map(|key| &**key)
}

/// A kubelet has thresholds of its own only while none is given.
fn eviction(settings: &[(Way, Value)]) -> Option<String> {
    const USUAL: [&str; 4] =
        ["memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"];
    let merged = settings.iter().any(|(way, value)| {
        first(way) == Some("mergeDefaultEvictionSettings") && value.as_bool() == Some(true)
    });
    let given: Vec<&str> = settings
        .iter()
        .filter(|(way, _)| first(way) == Some("evictionHard"))
        .filter_map(|(way, _)| way.get(1).map(|key| &**key))
        .collect();
    let gone: Vec<&str> = USUAL.into_iter().filter(|name| !given.contains(name)).collect();
    (!given.is_empty() && !gone.is_empty() && !merged).then(|| {
        format!(
            "these replace all thresholds that a kubelet has by itself; without any: {}",
            gone.join(", ")
        )
    })
}

/// Of `Kubernetes v1.36.2`. A version that is not known is judged by the nearest that is.
fn minor(said: &str, notes: &mut Vec<Note>) -> Minor {
    let version = said.rsplit(' ').next().unwrap_or(said);
    Minor::parse(version).unwrap_or_else(|| {
        let text = format!(
            "checked against the kubelet {}: this version of clinch does not know `{}`",
            Minor::newest(),
            version.escape_debug()
        );
        notes.push(Note { path: Path::of("settings"), text });
        Minor::newest()
    })
}

fn no_file(request: &PlanRequest<'_>) -> Problem {
    let detail = format!("There is no {}.", request.identity.shown);
    let summary = "Kubelet has no such file";
    Problem::error(codes::KUBELET_FILE, summary, Path::of("path"), detail).with_help(
        "A kubelet that was set up by kubeadm has one once its node has joined. `path` is the \
         file that the kubelet is started with.",
    )
}

/// The program that says which kubelet it is does not answer.
pub(crate) fn no_kubelet(identity: &Identity) -> Problem {
    let node = part(identity, "node");
    let detail = format!("`kubelet --version` says nothing on host `{node}`.");
    let summary = "Kubelet does not say its version";
    Problem::error(codes::KUBELET_RUNNING, summary, Path::root(), detail)
        .with_help("Put the program, or a link to it, where `command -v kubelet` finds it.")
}

/// No secret gets into a plan by way of the text of a configuration.
pub(crate) fn no_secrets(request: &PlanRequest<'_>, live: &Value) -> Result<(), Problem> {
    let holds = |of: &Value| of.get(HEADERS).is_some_and(|headers| !headers.is_null());
    let given = request.desired.and_then(|args| args.get("settings"));
    if !holds(live) && !given.is_some_and(|given| given.has_sensitive() || holds(given)) {
        return Ok(());
    }
    let detail = format!(
        "{} has `{HEADERS}`, or is to have a sensitive setting. Its text is a part of plans, where \
         no secret may be.",
        request.identity.shown
    );
    let summary = "Secret among a kubelet's settings";
    Err(Problem::error(codes::KUBELET_FILE, summary, Path::of("settings"), detail)
        .with_help("Write settings from values that are not sensitive."))
}

fn unreadable(request: &PlanRequest<'_>, why: &str) -> Problem {
    let detail = format!("{} {why}.", request.identity.shown);
    let summary = "Kubelet's file cannot be read";
    Problem::error(codes::KUBELET_FILE, summary, Path::root(), detail)
        .with_help("Mend the file on the host; a kubelet would not start with it either.")
}

fn not_asked(request: &PlanRequest<'_>, why: Option<&str>) -> Problem {
    let why = why.unwrap_or("The answer has no settings.");
    let node = part(request.identity, "node");
    let detail = format!("What the kubelet of `{node}` runs with could not be asked. {why}");
    Problem::error(
        codes::KUBELET_RUNNING,
        "Running kubelet could not be asked",
        Path::root(),
        detail,
    )
    .with_help(
        "It is asked through the API server, which needs the right to `get` `nodes/proxy`, and \
             a kubelet that runs.",
    )
}
