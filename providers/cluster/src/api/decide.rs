//! What to do about an object that the configuration wants.

use super::ops::{create, delete, identity_text, update};
use super::{Answer, ApiType, Seen, refusal};
use crate::canon::{canonical, hide_secret_data};
use crate::digest::digest;
use crate::{codes, fields, needs, noop, ownership, shown, sources};
use addrs::TypeName;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, Preview};
use values::{Disruption, Map, Path, Step, Type, Value};

/// One object that is wanted, and what is known about it.
pub(super) struct Case<'a> {
    pub(super) ty: &'a TypeName,
    pub(super) request: &'a PlanRequest<'a>,
    pub(super) args: &'a Value,
    /// Canonical, with the labels of ownership.
    pub(super) intent: Value,
    /// Values in it that the operation reads first.
    sources: Value,
    pub(super) names: fields::Names,
    /// What the domain says about it.
    pub(super) notes: Vec<Note>,
    pub(super) warnings: Vec<Problem>,
}

pub(super) fn wanted<T: ApiType>(ty: &TypeName, request: &PlanRequest<'_>, args: &Value) -> Answer {
    let live = match request.observed {
        Observation::Unknown(problem) => return Err(vec![problem.clone()]),
        Observation::Absent => None,
        Observation::Present(live) => Some(live),
    };
    let intent = canonical(&hide_secret_data(&T::intent(args)));
    let elsewhere = T::sources(args);
    let (intent, to_read) = sources::filled(&intent, &elsewhere, live);
    let intent = ownership::mark(&intent, request.project, request.protect, request.release);
    let (mut notes, warnings) = T::notes(&Seen { args, live });
    notes.extend(to_read);
    let sources = sources::to_args(&elsewhere);
    let case = Case { ty, request, args, intent, sources, names: T::NAMES, notes, warnings };
    match live {
        None => case.absent(),
        Some(live) => case.present(live),
    }
}

impl Case<'_> {
    fn absent(self) -> Answer {
        let unverified = |why: String| Basis::Unverified(why);
        let basis = if !self.intent.is_known() {
            unverified(LATE.to_owned())
        } else if let Some(why) = needs::created_here(self.request) {
            unverified(why)
        } else {
            let op = self.create(false);
            return match self.request.preview {
                None => Ok(Planned::NeedsPreview(op)),
                Some(Preview::Would(result)) => {
                    let after = self.masked(result);
                    let changed = self.changed_by_server(result);
                    Ok(self.created(op, &after, Basis::Server, changed))
                }
                Some(Preview::Refused(refusal)) => refusal::answer(self, refusal, None),
                Some(Preview::Unknown(problem)) => Err(vec![problem.clone()]),
            };
        };
        let op = self.create(true);
        let after = self.intent.clone();
        Ok(self.created(op, &after, basis, Vec::new()))
    }

    /// Creates what the server cannot judge yet; it is asked right before.
    pub(super) fn unverified(self, why: String) -> Planned {
        let op = self.create(true);
        let after = self.intent.clone();
        self.created(op, &after, Basis::Unverified(why), Vec::new())
    }

    /// The same for an object that may be there.
    pub(super) fn unverified_over(self, why: String, live: Option<&Value>) -> Planned {
        match live {
            None => self.unverified(why),
            Some(live) => {
                let intent = self.with_ignored_parts(live);
                self.late_update(&intent, live, why)
            }
        }
    }

    fn create(&self, verify: bool) -> Op {
        self.reading(create(self.ty, self.request.identity, self.intent.clone(), verify))
    }

    fn update(&self, intent: &Value, live: &Value, taken: &Value) -> Op {
        self.reading(update(self.ty, self.request.identity, intent.clone(), live, taken))
    }

    /// The operation, told what it has to read, and how long it may wait.
    fn reading(&self, op: Op) -> Op {
        if self.sources.is_null() && self.request.wait.is_none() {
            return op;
        }
        let mut args = op.args.as_map().cloned().unwrap_or_default();
        if !self.sources.is_null() {
            args.insert("sources".into(), self.sources.clone());
        }
        if let Some(seconds) = self.request.wait.and_then(|s| i64::try_from(s).ok()) {
            args.insert("timeout".into(), seconds.into());
        }
        Op { args: Value::map(args), ..op }
    }

    /// What the server may not be asked about by whoever plans. It is asked right before.
    pub(super) fn predicted(self, why: String, live: Option<&Value>) -> Planned {
        let basis = Basis::Predicted(why);
        let Some(live) = live else {
            let op = self.create(true);
            let after = self.intent.clone();
            return self.created(op, &after, basis, Vec::new());
        };
        let intent = self.with_ignored_parts(live);
        self.judged_here(&intent, live, basis)
    }

    fn created(mut self, op: Op, after: &Value, basis: Basis, changed: Vec<Problem>) -> Planned {
        let identity = |name: &str| identity_text(self.request.identity, name);
        let is_request = identity("kind") == "CertificateSigningRequest"
            && identity("api_version").starts_with("certificates.k8s.io/");
        if is_request && self.request.wait != Some(0) {
            let name = identity("name");
            let text = format!(
                "the apply waits until somebody approves it (`kubectl certificate approve {name}`); \
                 `wait_timeout = \"0s\"` in `lifecycle` does not wait"
            );
            self.notes.push(Note { path: Path::root(), text });
        }
        let (_, after) = shown::without_marks(None, Some(shown::view(after)));
        let exported = self.exported(Value::Unknown(Type::String), Value::Unknown(Type::Any));
        let decision = self.decision(Action::Create, basis, exported);
        Planned::Decided(Box::new(Decision {
            after,
            ops: vec![op],
            warnings: joined(decision.warnings, changed),
            ..decision
        }))
    }

    fn present(mut self, live: &Value) -> Answer {
        self.may_change(live)?;
        let intent = self.with_ignored_parts(live);
        if !intent.is_known() {
            return Ok(self.late_update(&intent, live, LATE.to_owned()));
        }
        if noop::certify(&intent, live, ownership::MANAGER).is_ok() {
            return Ok(self.unchanged(live, Basis::Proven));
        }
        match self.request.preview {
            None => {
                let op = self.update(&intent, live, &Value::Null);
                Ok(Planned::NeedsPreview(op))
            }
            Some(Preview::Would(result)) => Ok(self.compared(intent, live, result)),
            Some(Preview::Refused(refusal)) => refusal::answer(self, refusal, Some(live)),
            Some(Preview::Unknown(problem)) => Err(vec![problem.clone()]),
        }
    }

    /// Whether the object is ours to change, and stays.
    fn may_change(&mut self, live: &Value) -> Result<(), Vec<Problem>> {
        let shown = &self.request.identity.shown;
        if let Some(problem) = other_project(self.request, live) {
            return Err(vec![problem]);
        }
        let recorded = self.request.recorded.and_then(|r| r.uid.as_deref());
        let remembered = recorded.is_some() && recorded == shown::uid(live);
        let ours = remembered || ownership::is_ours(live, self.request.project);
        if !ours && self.request.adopt {
            let text = "it exists already, and is taken over as `import` says".to_owned();
            self.notes.push(Note { path: Path::root(), text });
        } else if !ours {
            let problem = Problem::error(
                codes::EXISTS,
                "Object already exists",
                Path::root(),
                format!("{shown} exists already and was not created by this configuration."),
            );
            return Err(vec![problem.with_help(
                "Take it over with `import { to = ADDRESS }`, remove the block to leave the object \
                 as it is, or delete the object first to have it created anew.",
            )]);
        }
        if let Some(since) = shown::metadata(live, "deletionTimestamp") {
            let problem = Problem::error(
                codes::TERMINATING,
                "Object is being deleted",
                Path::root(),
                format!("{shown} is being deleted since {since}{}.", waits_for(live)),
            );
            return Err(vec![problem.with_help("Plan again once it is gone.")]);
        }
        if recorded.is_some() && !remembered {
            let text = "it was deleted and created again since the last apply".to_owned();
            self.notes.push(Note { path: Path::root(), text });
        }
        Ok(())
    }

    /// Changes what the server cannot judge yet; it is asked right before.
    fn late_update(self, intent: &Value, live: &Value, why: String) -> Planned {
        self.judged_here(intent, live, Basis::Unverified(why))
    }

    fn judged_here(mut self, intent: &Value, live: &Value, basis: Basis) -> Planned {
        let op = self.update(intent, live, &Value::Null);
        let mut args = op.args.as_map().cloned().unwrap_or_default();
        args.insert("verify".into(), true.into());
        let op = Op { args: Value::map(args), ..op };
        let before = self.masked(live);
        let after = match &basis {
            Basis::Predicted(_) => {
                shown::overlaid(&noop::released(intent, &before, ownership::MANAGER), intent)
            }
            _ => shown::overlaid(&before, intent),
        };
        if matches!(basis, Basis::Predicted(_)) && shown::view(&before) == shown::view(&after) {
            // What could not be compared is not equal.
            let text = "no difference can be seen here, and only the server knows for sure";
            self.notes.push(Note { path: Path::root(), text: text.to_owned() });
        }
        self.updated(live, &before, &after, basis, op, Vec::new())
    }

    /// Decides from what the server said it would make of the apply.
    fn compared(mut self, intent: Value, live: &Value, result: &Value) -> Planned {
        let (before, after) = (self.masked(live), self.masked(result));
        let mut changed = self.changed_by_server(result);
        changed.extend(staying(&intent, live, result));
        if shown::view(&before) == shown::view(&after) {
            let mut planned = self.unchanged(live, Basis::Server);
            // A field that the server never takes would otherwise be silent for ever.
            if let Planned::Decided(decision) = &mut planned {
                decision.warnings.extend(changed);
            }
            return planned;
        }
        let taken = self.request.asked.and_then(|op| op.args.get("taken")).cloned();
        let taken = taken.unwrap_or(Value::Null);
        for one in taken.as_list().unwrap_or_default() {
            let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
            let path = self.names.argument(&fields::resolve(text("field"), &self.intent));
            let text = format!("changed by hand (`{}`); an apply takes it back", text("manager"));
            self.notes.push(Note { path, text });
        }
        let op = self.update(&intent, live, &taken);
        self.updated(live, &before, &after, Basis::Server, op, changed)
    }

    /// Asks again, now with the fields that were changed by hand taken back.
    pub(super) fn taking(self, live: &Value, taken: &Value) -> Planned {
        let intent = self.with_ignored_parts(live);
        Planned::NeedsPreview(self.update(&intent, live, taken))
    }

    fn updated(
        self,
        live: &Value,
        before: &Value,
        after: &Value,
        basis: Basis,
        op: Op,
        changed: Vec<Problem>,
    ) -> Planned {
        let mut object = shown::view(after).as_map().cloned().unwrap_or_default();
        if live.get("status").is_some() {
            object.insert("status".into(), Value::Unknown(Type::Any));
        }
        let uid = shown::uid(live).map(str::to_owned);
        let exported_uid = uid.as_deref().map_or(Value::Null, Value::from);
        let exported = self.exported(exported_uid, Value::map(object));
        let pair = (Some(shown::view(before)), Some(shown::view(after)));
        let (before, after) = shown::without_marks(pair.0, pair.1);
        let decision = self.decision(Action::Update, basis, exported);
        Planned::Decided(Box::new(Decision {
            before,
            after,
            ops: vec![op],
            uid,
            warnings: joined(decision.warnings, changed),
            ..decision
        }))
    }

    fn unchanged(mut self, live: &Value, basis: Basis) -> Planned {
        // What the domain says about a change is not worth repeating when there is none.
        self.warnings.clear();
        self.notes.retain(|note| note.path == Path::root());
        let uid = shown::uid(live).map(str::to_owned);
        let live = self.masked(live);
        let exported_uid = uid.as_deref().map_or(Value::Null, Value::from);
        let exported = self.exported(exported_uid, shown::exported(&live));
        let view = shown::unmarked_view(&live);
        let (before, after) = (Some(view.clone()), Some(view));
        let decision = self.decision(Action::NoOp, basis, exported);
        Planned::Decided(Box::new(Decision { before, after, uid, ..decision }))
    }

    /// Deletes the object and creates it anew, because these fields cannot change in place.
    pub(super) fn replaced(self, live: &Value, paths: Vec<Path>) -> Planned {
        let identity = self.request.identity;
        let ops = vec![delete(self.ty, identity, live), self.create(true)];
        let before = Some(shown::view(&self.masked(live)));
        let (before, after) = shown::without_marks(before, Some(shown::view(&self.intent)));
        let exported = self.exported(Value::Unknown(Type::String), Value::Unknown(Type::Any));
        let why = "the server cannot be asked about the new object while the old one exists";
        let basis = Basis::Unverified(why.to_owned());
        let uid = shown::uid(live).map(str::to_owned);
        let guards = super::remove::guards(live);
        let decision = self.decision(Action::Replace, basis, exported);
        Planned::Decided(Box::new(Decision {
            guards,
            replaced_for: paths,
            before,
            after,
            ops,
            uid,
            ..decision
        }))
    }

    fn decision(self, action: Action, basis: Basis, exported: Value) -> Decision {
        Decision {
            action,
            replaced_for: Vec::new(),
            before: None,
            after: None,
            exported,
            basis,
            disruption: Disruption::Quiet,
            ops: Vec::new(),
            digest: digest(self.request.project, &self.intent),
            uid: None,
            notes: self.notes,
            warnings: self.warnings,
            guards: Vec::new(),
            last: false,
        }
    }

    fn exported(&self, uid: Value, object: Value) -> Value {
        let args = self.args.as_map().cloned().unwrap_or_default();
        let mut map: Map = args.into_iter().map(|(k, v)| (k, hide_secret_data(&v))).collect();
        map.insert("uid".into(), uid);
        map.insert("object".into(), object);
        Value::map(map)
    }

    /// An object of the server with everything hidden that the configuration hides.
    fn masked(&self, object: &Value) -> Value {
        shown::masked(&hide_secret_data(object), &self.intent)
    }

    fn changed_by_server(&self, result: &Value) -> Vec<Problem> {
        let ignored = self.ignored();
        let paths = shown::changed_by_server(&self.intent, result).into_iter();
        let problem = |path: Path| {
            let text = |object: &Value| match object.at(&path) {
                Some(value) => format!("`{}`", brief(value)),
                None => "nothing".to_owned(),
            };
            let detail = format!(
                "The configuration wants {} for `{path}`, and the server makes it {}: a webhook \
                 or a rule of the server changes or ignores it.",
                text(&self.intent),
                text(&self.masked(result)),
            );
            let argument = self.names.argument(&path);
            Problem::warning(codes::IGNORED, "Server changes a field", argument, detail)
        };
        paths.filter(|path| !ignored.iter().any(|i| i.is_prefix_of(path))).map(problem).collect()
    }

    /// Parts of the object that the configuration says to leave as they are.
    fn ignored(&self) -> Vec<Path> {
        self.request.ignore.iter().flat_map(|path| self.names.fields(path)).collect()
    }

    /// The intent without what is to be left as it is.
    fn with_ignored_parts(&self, live: &Value) -> Value {
        let ignored = self.ignored();
        if ignored.is_empty() {
            return self.intent.clone();
        }
        let owned = noop::projection(live, ownership::MANAGER);
        let owned = (!owned.is_null()).then_some(&owned);
        ignored.iter().fold(self.intent.clone(), |intent, path| {
            leave(&intent, path.steps(), Some(live), owned).unwrap_or(Value::Null)
        })
    }
}

/// Why an object with parts that are decided during apply is not verified.
const LATE: &str = "values known after apply";

/// The intent in which the part behind the steps changes nothing: what we own there is taken
/// from the live object, so that an apply keeps it; what we do not own is left out, so that an
/// apply does not claim it. `None` leaves the whole of it out.
fn leave(
    intent: &Value,
    steps: &[Step],
    live: Option<&Value>,
    owned: Option<&Value>,
) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else {
        return match (live?, owned?) {
            // Of a map each entry is owned for itself.
            (Value::Map(live), Value::Map(owned)) => {
                let ours = live.iter().filter(|(name, _)| owned.contains_key(*name));
                Some(Value::map(ours.map(|(k, v)| (k.clone(), v.clone()))))
            }
            (live, _) => Some(live.clone()),
        };
    };
    match (step, intent) {
        (Step::Attr(name), Value::Map(map)) => {
            let inside = |value: Option<&'_ Value>| value.and_then(|v| v.get(name)).cloned();
            let (live, owned) = (inside(live), inside(owned));
            let part = map.get(name).unwrap_or(&Value::Null);
            let mut map = Map::clone(map);
            match leave(part, rest, live.as_ref(), owned.as_ref()) {
                Some(left) if !left.is_null() => map.insert(name.clone(), left),
                _ => map.remove(name),
            };
            Some(Value::map(map))
        }
        (Step::Index(_) | Step::Item(_), Value::List(items)) => {
            let place = match step {
                Step::Index(index) => Some(*index),
                Step::Item(key) => items.iter().position(|item| key.matches(item)),
                Step::Attr(_) => None,
            };
            let place = place.filter(|place| *place < items.len());
            let Some(place) = place else { return Some(intent.clone()) };
            let live = shown::counterpart(&items[place], place, live.and_then(Value::as_list)?);
            let owned = noop::owned_part(owned, live);
            let mut items = items.to_vec();
            items[place] = leave(&items[place], rest, Some(live), owned.as_ref())?;
            Some(Value::list(items))
        }
        _ => Some(intent.clone()),
    }
}

/// Fields that the configuration gives up and that stay, since somebody else owns them too:
/// server-side apply takes away only what nobody else owns.
fn staying(intent: &Value, live: &Value, result: &Value) -> Vec<Problem> {
    let owned = noop::projection(live, ownership::MANAGER);
    let mut given_up = Vec::new();
    let mut way = Vec::new();
    given_up_fields(&owned, Some(intent), Some(result), &mut way, &mut given_up);
    let problem = |way: Vec<String>| {
        let names: Vec<&str> = way.iter().map(String::as_str).collect();
        let mut others = ownership::managers(live, "", &names);
        others.retain(|manager| manager != ownership::MANAGER);
        if others.is_empty() {
            return None;
        }
        let path = names.iter().fold(Path::root(), |path, name| path.attr(name));
        let detail = format!(
            "`{path}` is no longer in the configuration, and stays on the object because \
             `{}` owns it too.",
            others.join("` and `"),
        );
        let problem = Problem::warning(codes::IGNORED, "Field stays", Path::root(), detail);
        Some(problem.with_help(
            "To have it gone, remove it from the object by hand, such as with `kubectl edit`.",
        ))
    };
    given_up.into_iter().filter_map(problem).collect()
}

/// The ways to fields that are owned, not wanted any more, and still there.
fn given_up_fields(
    owned: &Value,
    wanted: Option<&Value>,
    there: Option<&Value>,
    way: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) {
    let Some(there) = there.filter(|value| !value.is_null()) else { return };
    match (owned, wanted) {
        (Value::Map(owned), _) => {
            for (name, part) in owned.iter() {
                way.push(name.to_string());
                let wanted = wanted.and_then(|value| value.get(name));
                given_up_fields(part, wanted, there.get(name), way, found);
                way.pop();
            }
        }
        (_, None) => found.push(way.clone()),
        (_, Some(_)) => {}
    }
}

fn joined(mut first: Vec<Problem>, second: Vec<Problem>) -> Vec<Problem> {
    first.extend(second);
    first
}

/// A value for the middle of a sentence.
pub(super) fn brief(value: &Value) -> String {
    const LONG: usize = 60;
    let text = match value {
        Value::String(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    if text.chars().count() <= LONG {
        return text;
    }
    text.chars().take(LONG).chain("...".chars()).collect()
}

/// The problem with an object that says it belongs to another project.
pub(super) fn other_project(request: &PlanRequest<'_>, live: &Value) -> Option<Problem> {
    let set = ownership::owned_by_other_project(live, request.project)?;
    let detail = format!(
        "{} belongs to another project: its label `{}` says `{set}`, and project `{}` is `{}`.",
        request.identity.shown,
        ownership::PART_OF,
        request.project,
        ownership::set_id(request.project),
    );
    let problem =
        Problem::error(codes::OTHER_PROJECT, "Object of another project", Path::root(), detail);
    Some(problem.with_help("Manage it in one project only."))
}

/// What a deletion still waits for, as the end of a sentence.
pub(super) fn waits_for(live: &Value) -> String {
    let finalizers = live.get("metadata").and_then(|m| m.get("finalizers"));
    let names: Vec<&str> = finalizers
        .and_then(Value::as_list)
        .unwrap_or(&[])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let remaining = shown::remaining(live);
    match (remaining.as_slice(), names.as_slice()) {
        ([], []) => String::new(),
        ([], names) => format!(" and waits on finalizers `{}`", names.join("`, `")),
        // A namespace is kept by what is in it, and its conditions say what that is.
        (said, _) => format!(" and waits: {}", said.join("; ").trim_end_matches('.')),
    }
}

/// The namespace of the object; empty for one that lives in none.
pub(super) fn namespace_of<'a>(request: &'a PlanRequest<'_>) -> &'a str {
    identity_text(request.identity, "namespace")
}
