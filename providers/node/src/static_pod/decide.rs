//! What is done about the flags of a static pod, and what they will be.

use super::SHELF;
use super::manifest::Manifest;
use super::rules::{self, Needs};
use crate::codes;
use crate::place::{self, part};
use crate::settings::record::Record;
use crate::settings::ways::{self, Way};
use addrs::TypeName;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use std::collections::{BTreeMap, BTreeSet};
use values::{Disruption, Path, Type, Value};

const LATE: &str = "values known after apply";
/// Programs without which the cluster has no API.
const API: [&str; 2] = ["kube-apiserver", "etcd"];

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    match case(ty, request, present) {
        Ok(decision) => place::decided(request.observed, decision),
        Err(problems) => Planned::Failed(problems),
    }
}

/// One static pod, and what is known about it.
struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    manifest: Manifest<'a>,
    stamp: &'a str,
    /// The flags of the manifest.
    live: Value,
    /// The text of the record; `None` when nothing is ours yet.
    recorded: Option<&'a str>,
    record: Record,
    running: Running,
}

/// What is known of the pod that runs.
enum Running {
    /// Nothing runs there: the host is a folder.
    Folder,
    /// Why it is not known.
    Unasked(Problem),
    /// The flags that it was started with, and why it is not up, if it is not.
    Known { flags: Value, trouble: Option<String> },
}

/// One flag of the configuration: its name, and its value; null for absent.
type Wanted = Vec<(Way, Value)>;

fn case(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Decision, Vec<Problem>> {
    let known = |name: &str| present.get(name).filter(|value| !value.is_null());
    let text = |name: &str| known(name).and_then(Value::as_str);
    let one = |problem: Problem| vec![problem];
    let recorded = text("record");
    if request.desired.is_none() && recorded.is_none() {
        return Ok(Decision::plain(Action::Forget));
    }
    let given = request.desired.and_then(|args| args.get("flags"));
    if given.is_some_and(Value::has_sensitive) {
        return Err(one(secret(request)));
    }
    let elsewhere = text("folder").and_then(|folder| elsewhere(request, folder));
    if let Some(problem) = elsewhere.filter(|_| request.desired.is_some()) {
        return Err(one(problem));
    }
    let Some(content) = text("content") else { return Err(one(no_file(request))) };
    let manifest = Manifest::read(content).map_err(|why| one(unreadable(request, &why)))?;
    if let Some(problem) = request.desired.and_then(|args| other_pod(request, args, &manifest)) {
        return Err(one(problem));
    }
    let record = SHELF.record(request, recorded).map_err(one)?;
    let running = match (known("runs").is_some(), known("running"), text("why_not")) {
        (false, _, _) => Running::Folder,
        (true, Some(running), _) => known_running(running),
        (true, None, why) => Running::Unasked(not_asked(request, why)),
    };
    let (live, stamp) = (manifest.values(), text("stamp").unwrap_or_default());
    let case = Case { ty, request, manifest, stamp, live, recorded, record, running };
    match request.desired {
        Some(args) => case.wanted(args),
        None => Ok(case.given_back()),
    }
}

fn known_running(running: &Value) -> Running {
    let flags = running.get("flags").cloned().unwrap_or(Value::Null);
    let trouble = running.get("trouble").and_then(Value::as_str).map(str::to_owned);
    Running::Known { flags, trouble }
}

impl Case<'_> {
    fn wanted(self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let given = args.get("flags").cloned().unwrap_or(Value::Null);
        if !given.is_known() {
            return Ok(self.late(args, &given));
        }
        let flags = flags(&given);
        let wanted = without_nulls(&self.record.wanted(&self.live, &flags));
        let changed = changed(&self.live, &wanted);
        let mut warnings = self.judge(args, &flags, &changed)?;
        let record = self.record.with(&self.live, &flags).text();
        let stale = self.stale(&flags, &wanted);
        match &self.running {
            // What is down may be so because of a flag: mending that is a change like any other.
            // That nothing is to be done needs an answer.
            Running::Unasked(problem) if changed.is_empty() => return Err(vec![problem.clone()]),
            Running::Known { trouble: Some(why), .. } if changed.is_empty() => {
                warnings.push(self.not_up(why));
            }
            Running::Unasked(_) | Running::Known { .. } | Running::Folder => {}
        }
        let same = changed.is_empty() && stale.is_empty() && record.as_deref() == self.recorded;
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of("flags"));
        let action = match self.recorded {
            None => Action::Create,
            Some(_) if same || ignored => Action::NoOp,
            Some(_) => Action::Update,
        };
        let shown = self.shown(&flags, &wanted, &stale);
        let (before, after) = match action {
            Action::NoOp => (shown.1.clone(), shown.1),
            _ => shown,
        };
        let restarts = !changed.is_empty() || !stale.is_empty();
        let ops = match action {
            Action::NoOp => Vec::new(),
            _ => {
                let record = record.map_or(Value::Null, Value::from);
                let flags = final_values(&self.record, &flags, &wanted);
                vec![self.op("configure", flags, record, restarts)]
            }
        };
        let notes = match action {
            Action::NoOp => Vec::new(),
            _ => self.notes(!changed.is_empty(), !stale.is_empty()),
        };
        Ok(Decision {
            before,
            after,
            exported: self.exported(args),
            basis: Basis::Local,
            disruption: if ops.is_empty() { Disruption::Quiet } else { cost(restarts) },
            ops,
            digest: digest(self.request.project, &given),
            notes,
            warnings,
            ..Decision::plain(action)
        })
    }

    /// Some of it is decided during apply, and judged then.
    fn late(&self, args: &Value, given: &Value) -> Decision {
        let action = if self.recorded.is_some() { Action::Update } else { Action::Create };
        let op = self.op("configure", given.clone(), Value::Unknown(Type::String), true);
        Decision {
            before: Some(self.view(Value::empty_map())),
            after: Some(self.view(given.clone())),
            exported: self.exported(args),
            basis: Basis::Unverified(LATE.to_owned()),
            disruption: Disruption::Restart,
            ops: vec![op],
            digest: digest(self.request.project, given),
            ..Decision::plain(action)
        }
    }

    /// Nothing is ours any more: what was there before comes back.
    fn given_back(self) -> Decision {
        let wanted = without_nulls(&self.record.wanted(&self.live, &Vec::new()));
        let changed = changed(&self.live, &wanted);
        let (before, _) = self.shown(&Vec::new(), &wanted, &Vec::new());
        let mut notes = self.notes(!changed.is_empty(), false);
        if !changed.is_empty() {
            let text = "what the manifest said before comes back".to_owned();
            notes.insert(0, Note { path: Path::of("flags"), text });
        }
        let restarts = !changed.is_empty();
        let flags = final_values(&self.record, &Vec::new(), &wanted);
        let op = self.op("give_back", flags, Value::Null, restarts);
        Decision {
            before,
            disruption: cost(restarts),
            ops: vec![op],
            notes,
            ..Decision::plain(Action::Delete)
        }
    }

    /// Whether the program would start with it, and what it is for would still be there.
    fn judge(
        &self,
        args: &Value,
        flags: &Wanted,
        changed: &BTreeSet<String>,
    ) -> Result<Vec<Problem>, Vec<Problem>> {
        let node = part(self.request.identity, "node");
        let confirmed = args.get("confirm").and_then(Value::as_list).unwrap_or_default();
        let program = match self.manifest.program() {
            "" => self.manifest.container.as_str(),
            program => program,
        };
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for (way, value) in flags {
            let Some(name) = way.first() else { continue };
            let at = Path::of("flags").attr(name);
            if let Some(why) = self.manifest.is_unclear(name) {
                let detail = format!("{}: `--{name}` {why}.", self.request.identity.shown);
                errors.push(
                    Problem::error(codes::STATIC_POD_FLAG, "Flag is not managed", at, detail)
                        .with_help("Write it in the manifest once, as one entry `--NAME=VALUE`."),
                );
                continue;
            }
            if !changed.contains(&**name) {
                continue;
            }
            if rules::is_protected(program, name)
                && !confirmed.iter().any(|confirmed| confirmed.as_str() == Some(name))
            {
                errors.push(protected(at, program, name));
                continue;
            }
            let value = value.as_str().unwrap_or_default();
            match rules::needs(&self.manifest, name, value) {
                Needs::Nothing | Needs::OfHost(_) => {}
                Needs::Mount => errors.push(unmounted(at, node, &self.manifest.pod, value)),
                Needs::Kept => warnings.push(lost(at, node, &self.manifest.pod, value)),
            }
        }
        if errors.is_empty() { Ok(warnings) } else { Err(errors) }
    }

    /// The flags that the running program does not have as the configuration has them, with what
    /// it has instead.
    fn stale(&self, flags: &Wanted, wanted: &Value) -> Wanted {
        let Running::Known { flags: running, .. } = &self.running else { return Vec::new() };
        let has = |way: &Way| ways::get(running, way).cloned().unwrap_or(Value::Null);
        let is = |way: &Way| ways::get(wanted, way).cloned().unwrap_or(Value::Null);
        flags
            .iter()
            .map(|(way, _)| (way.clone(), has(way)))
            .filter(|(w, has)| is(w) != *has)
            .collect()
    }

    fn notes(&self, changes: bool, stale: bool) -> Vec<Note> {
        let at_flags = |text: String| Note { path: Path::of("flags"), text };
        let node = part(self.request.identity, "node");
        let mut notes = Vec::new();
        if (changes || stale) && API.contains(&self.manifest.pod.as_str()) {
            notes.push(at_flags(format!(
                "{} of `{node}` does not answer until it is up again, for about a minute",
                self.manifest.pod
            )));
        }
        if stale && !changes {
            let text = "the manifest says so already, and the program that runs was started \
                        otherwise: it is written once more for the kubelet to take up";
            notes.push(at_flags(text.to_owned()));
        }
        if let Running::Unasked(problem) = &self.running {
            notes.push(at_flags(problem.detail.clone()));
        }
        notes
    }

    fn not_up(&self, why: &str) -> Problem {
        let pod = &self.manifest.pod;
        let detail = format!("{}: `{pod}` is not up. {why}", self.request.identity.shown);
        let summary = "Static pod is not up";
        Problem::warning(codes::STATIC_POD_DOWN, summary, Path::root(), detail)
            .with_help("If it is not about to start: `journalctl -u kubelet` there says more.")
    }

    /// The flags that are or were ours, as they are and as they will be.
    fn shown(
        &self,
        flags: &Wanted,
        wanted: &Value,
        stale: &Wanted,
    ) -> (Option<Value>, Option<Value>) {
        let picked = |of: &Value| self.view(self.record.ours(of, flags));
        let (mut before, mut after) = (picked(&self.live), picked(wanted));
        // Where manifest and program differ, both are shown.
        let live = |way: &Way| ways::get(&self.live, way).unwrap_or(&Value::Null);
        let apart: Vec<&(Way, Value)> =
            stale.iter().filter(|(way, has)| live(way) != has).collect();
        if !apart.is_empty() {
            let none = Value::empty_map();
            let has =
                apart.iter().fold(none.clone(), |all, (w, has)| ways::with(&all, w, Some(has)));
            let will = |way: &Way| ways::get(wanted, way).unwrap_or(&Value::Null);
            let will = apart.iter().fold(none, |all, (w, _)| ways::with(&all, w, Some(will(w))));
            before = ways::with(&before, &["running".into()], Some(&has));
            after = ways::with(&after, &["running".into()], Some(&will));
        }
        (Some(before), Some(after))
    }

    fn view(&self, flags: Value) -> Value {
        let identity = self.request.identity;
        Value::map([
            ("node", part(identity, "node").into()),
            ("pod", self.manifest.pod.as_str().into()),
            ("path", part(identity, "path").into()),
            ("flags", flags),
        ])
    }

    fn exported(&self, args: &Value) -> Value {
        let path = part(self.request.identity, "path").into();
        ways::with(args, &["path".into()], Some(&path))
    }

    /// The manifest itself is no part of it: a plan is stored, and a manifest may hold secrets.
    fn op(&self, name: &str, flags: Value, record: Value, restart: bool) -> Op {
        let identity = self.request.identity;
        let (node, pod) = (part(identity, "node"), &self.manifest.pod);
        let digest = |text: &str| Value::from(access::digest(text.as_bytes()));
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: identity.clone(),
            args: Value::map([
                ("path", part(identity, "path").into()),
                ("flags", flags),
                ("record", record),
                ("restart", restart.into()),
            ]),
            guard: Value::map([
                ("stamp", self.stamp.into()),
                ("record", self.recorded.map_or(Value::Null, digest)),
            ]),
            text: match name {
                "give_back" => format!("give back flags of {pod} on {node}"),
                _ => format!("configure {pod} on {node}"),
            },
        }
    }
}

fn cost(restarts: bool) -> Disruption {
    if restarts { Disruption::Restart } else { Disruption::Quiet }
}

/// The flags of the configuration as texts; null for those that must be absent.
pub(super) fn flags(given: &Value) -> Wanted {
    let text = |value: &Value| match value {
        Value::Bool(on) => on.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    };
    let map = given.as_map().into_iter().flat_map(values::Map::iter);
    map.map(|(name, value)| (vec![name.clone()], text(value))).collect()
}

/// Every flag that is or was ours as it will be, null for absent.
fn final_values(record: &Record, flags: &Wanted, wanted: &Value) -> Value {
    let ours = record.earlier.keys().chain(flags.iter().map(|(way, _)| way));
    let ours: BTreeSet<&Way> = ours.collect();
    let value = |way: &Way| ways::get(wanted, way).cloned().unwrap_or(Value::Null);
    Value::map(ours.into_iter().filter_map(|way| Some((way.first()?.clone(), value(way)))))
}

fn without_nulls(flags: &Value) -> Value {
    let map = flags.as_map().into_iter().flat_map(values::Map::iter);
    Value::map(map.filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.clone(), value.clone())))
}

/// The flags that differ.
fn changed(live: &Value, wanted: &Value) -> BTreeSet<String> {
    let names = |of: &Value| -> Vec<String> {
        of.as_map().into_iter().flat_map(values::Map::keys).map(ToString::to_string).collect()
    };
    let all = names(live).into_iter().chain(names(wanted));
    all.filter(|name| live.get(name) != wanted.get(name)).collect()
}

/// Changes as the manifest takes them.
pub(super) fn changes(flags: &Value) -> Option<BTreeMap<String, Option<String>>> {
    let value = |value: &Value| match value {
        Value::Null => Some(None),
        other => other.as_str().map(|text| Some(text.to_owned())),
    };
    flags.as_map()?.iter().map(|(name, v)| Some((name.to_string(), value(v)?))).collect()
}

fn protected(at: Path, program: &str, name: &str) -> Problem {
    let detail = format!(
        "With another `--{name}` {program} may start and no longer be reached, or no longer have \
         its data and its users."
    );
    let summary = "Flag is protected";
    Problem::error(codes::STATIC_POD_FLAG, summary, at, detail)
        .with_help(format!("If it is meant, say so: `confirm = [\"{name}\"]`."))
}

fn unmounted(at: Path, node: &str, pod: &str, path: &str) -> Problem {
    let detail = format!(
        "{node}: no volume of pod `{pod}` has `{path}` in it, so the program would not find it."
    );
    let summary = "Path is not mounted";
    Problem::error(codes::STATIC_POD_FLAG, summary, at, detail).with_help(
        "Give the manifest a `hostPath` volume and a mount for it first, with kubeadm by \
         `extraVolumes`, or use a path below one that is mounted.",
    )
}

fn lost(at: Path, node: &str, pod: &str, path: &str) -> Problem {
    let detail = format!(
        "{node}: no volume of pod `{pod}` has `{path}` in it, so what is written there is gone \
         with the container."
    );
    let summary = "Path is not mounted";
    Problem::warning(codes::STATIC_POD_FLAG, summary, at, detail)
        .with_help("Give the manifest a `hostPath` volume and a mount for it.")
}

fn no_file(request: &PlanRequest<'_>) -> Problem {
    let detail = format!("There is no {}.", request.identity.shown);
    let summary = "Manifest of a static pod is not there";
    Problem::error(codes::STATIC_POD_FILE, summary, Path::of("pod"), detail).with_help(
        "kubeadm writes one for each program of the control plane, on nodes of the control plane. \
         `folder` says where it is if it is elsewhere.",
    )
}

fn unreadable(request: &PlanRequest<'_>, why: &str) -> Problem {
    let detail = format!("{} {why}.", request.identity.shown);
    let summary = "Manifest of a static pod cannot be changed";
    Problem::error(codes::STATIC_POD_FILE, summary, Path::of("pod"), detail)
        .with_help("Put the manifest in order by hand first.")
}

fn other_pod(request: &PlanRequest<'_>, args: &Value, manifest: &Manifest<'_>) -> Option<Problem> {
    let wanted = args.get("pod").and_then(Value::as_str)?;
    (wanted != manifest.pod).then(|| {
        let detail = format!(
            "{} is the manifest of pod `{}`.",
            request.identity.shown,
            manifest.pod.escape_debug()
        );
        let summary = "Manifest of another pod";
        Problem::error(codes::STATIC_POD_FILE, summary, Path::of("pod"), detail)
            .with_help("`pod` is the name that the manifest has in `metadata.name`.")
    })
}

/// The kubelet reads its static pods somewhere else.
fn elsewhere(request: &PlanRequest<'_>, folder: &str) -> Option<Problem> {
    let (path, node) = (part(request.identity, "path"), part(request.identity, "node"));
    let folder = folder.trim_end_matches('/');
    let (of_path, _) = path.rsplit_once('/')?;
    (of_path != folder && path != folder).then(|| {
        let detail = format!(
            "The kubelet of `{node}` reads static pods from `{}`, not from `{of_path}`.",
            folder.escape_debug()
        );
        let summary = "Manifest is not one that the kubelet reads";
        Problem::error(codes::STATIC_POD_FILE, summary, Path::of("folder"), detail)
            .with_help(format!("Write `folder = \"{folder}\"`."))
    })
}

fn secret(request: &PlanRequest<'_>) -> Problem {
    let detail = format!(
        "{} is to have a sensitive flag. Flags are shown in plans and kept in them, and anybody on \
         the host sees those of a program that runs.",
        request.identity.shown
    );
    let summary = "Secret among a program's flags";
    Problem::error(codes::STATIC_POD_FLAG, summary, Path::of("flags"), detail)
        .with_help("Keep the secret in a file, and name the file in the flag.")
}

fn not_asked(request: &PlanRequest<'_>, why: Option<&str>) -> Problem {
    let why = why.unwrap_or("There is no cluster to be asked.");
    let node = part(request.identity, "node");
    let detail = format!("What runs of {} could not be asked. {why}", request.identity.shown);
    let summary = "Running static pod could not be asked";
    Problem::error(codes::STATIC_POD_DOWN, summary, Path::root(), detail).with_help(format!(
        "It is asked through the API server, which needs the right to `get` pods of its namespace, \
         and a kubelet on `{node}` that runs."
    ))
}

fn digest(project: &str, flags: &Value) -> String {
    let text = match access::json::to_json(flags) {
        Ok(json) => json.to_string(),
        // Some of it is not known yet.
        Err(_) => "?".to_owned(),
    };
    format!("sha256:{}", access::digest(format!("clinch/v1\n{project}\n{text}").as_bytes()))
}
