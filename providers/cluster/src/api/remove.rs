//! What to do about an object that the configuration does not want any more.

use super::Answer;
use super::decide::{other_project, waits_for};
use super::ops::{delete, identity_text, release};
use super::refusal;
use crate::canon::hide_secret_data;
use crate::{codes, ownership, shown};
use addrs::TypeName;
use plans::{Action, Basis, Guard, GuardKind, Note, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, Preview};
use values::{Path, Value};

/// Namespaces that a cluster cannot do without.
const PROTECTED: &[&str] = &["default", "kube-system", "kube-public", "kube-node-lease"];

/// The way out of a refused deletion.
const FORGET: &str = "Forget it with `clinch state rm ADDRESS`; the object stays as it is.";

pub(super) fn unwanted(ty: &TypeName, request: &PlanRequest<'_>) -> Answer {
    let live = match request.observed {
        Observation::Unknown(problem) => return Err(vec![problem.clone()]),
        // Gone already: only the memory of it goes.
        Observation::Absent => {
            return Ok(Planned::Decided(Box::new(Decision::plain(Action::Forget))));
        }
        Observation::Present(live) => live,
    };
    if ownership::is_released(live) {
        return released(ty, request, live);
    }
    may_delete(request, live)?;
    let op = delete(ty, request.identity, live);
    let mut basis = Basis::Local;
    let along = match request.preview {
        // Of what is on its way out already the server has nothing more to say.
        None if shown::metadata(live, "deletionTimestamp").is_some() => Along::default(),
        None => return Ok(Planned::NeedsPreview(op)),
        Some(Preview::Would(answer)) => Along::read(request, answer),
        Some(Preview::Unknown(problem)) => return Err(vec![problem.clone()]),
        Some(Preview::Refused(refused)) => match refusal::not_permitted(refused) {
            Some(why) => {
                basis = Basis::Predicted(why);
                Along::read(request, refused)
            }
            None => match refusal::of_deletion(request, refused) {
                Some(problem) => return Err(vec![problem]),
                None => Along::default(),
            },
        },
    };
    let before = Some(shown::view(&hide_secret_data(live)));
    let (before, _) = shown::without_marks(before, None);
    let mut guards = guards(live);
    guards.extend(along.guard(request));
    Ok(Planned::Decided(Box::new(Decision {
        before,
        basis,
        ops: vec![op],
        uid: shown::uid(live).map(str::to_owned),
        notes: notes(request, live, &along),
        guards,
        ..Decision::plain(Action::Delete)
    })))
}

/// Gives back what is ours of an object that says so of itself: an apply of nothing. What only
/// we had set goes, what others set stays, and so does the object.
fn released(ty: &TypeName, request: &PlanRequest<'_>, live: &Value) -> Answer {
    if !ownership::is_ours(live, request.project) {
        return Ok(Planned::forgotten("none of it is ours any more"));
    }
    if shown::metadata(live, "deletionTimestamp").is_some() {
        return Ok(Planned::forgotten("it is being deleted"));
    }
    let op = release(ty, request.identity, live);
    let mut basis = Basis::Server;
    let after = match request.preview {
        None => return Ok(Planned::NeedsPreview(op)),
        Some(Preview::Would(answer)) => Some(shown::view(&hide_secret_data(answer))),
        Some(Preview::Unknown(problem)) => return Err(vec![problem.clone()]),
        Some(Preview::Refused(refused)) => match refusal::not_permitted(refused) {
            Some(why) => {
                basis = Basis::Predicted(why);
                None
            }
            None => return Err(vec![cannot_release(request, refused)]),
        },
    };
    let before = shown::view(&hide_secret_data(live));
    let gone = after.as_ref().map(|after| shown::changed_by_server(&before, after));
    let gone: Vec<String> = gone.unwrap_or_default().iter().map(|p| format!("`{p}`")).collect();
    let mut texts = vec!["given back: it stays, with what others set".to_owned()];
    if !gone.is_empty() {
        texts.push(format!("goes, since only this configuration set it: {}", gone.join(", ")));
    }
    let notes = texts.into_iter().map(|text| Note { path: Path::root(), text }).collect();
    Ok(Planned::Decided(Box::new(Decision {
        before: Some(before),
        basis,
        ops: vec![op],
        uid: shown::uid(live).map(str::to_owned),
        notes,
        ..Decision::plain(Action::Forget)
    })))
}

fn cannot_release(request: &PlanRequest<'_>, refused: &Value) -> Problem {
    let message = refused.get("message").and_then(Value::as_str).unwrap_or_default();
    let detail = format!(
        "{} cannot be left behind without what this configuration set: {message}",
        request.identity.shown
    );
    Problem::error(codes::KEEP, "Object cannot be given back", Path::root(), detail).with_help(
        "Set `delete = \"delete\"` in `lifecycle` and apply, to have it deleted; or forget it with \
         `clinch state rm ADDRESS`.",
    )
}

/// What an object says of itself that speaks against deleting it.
pub(super) fn guards(live: &Value) -> Vec<Guard> {
    let mut guards = Vec::new();
    let mut say = |kind, why: String| guards.push(Guard { kind, why });
    if ownership::is_protected(live) {
        say(GuardKind::Protected, format!("its annotation `{}` says so", ownership::PROTECTED));
    }
    if let Some((name, word)) = ownership::keep(live) {
        say(GuardKind::Kept, format!("its annotation `{name}: {word}` asks for it to be kept"));
    }
    let text = |name: &str| live.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("v1", "PersistentVolume" | "PersistentVolumeClaim") => {
            say(GuardKind::Data, "the data behind it may be deleted with it".to_owned());
        }
        ("v1", "Node") => say(GuardKind::Data, "it is a machine that pods run on".to_owned()),
        _ => {}
    }
    if let Some(owner) = ownership::owner(live) {
        say(GuardKind::Foreign, format!("it belongs to {owner} (ownerReferences)"));
    }
    match ownership::other_appliers(live).as_slice() {
        [] => {}
        others => {
            let others = others.join("`, `");
            say(GuardKind::Foreign, format!("`{others}` applies fields of it, too"));
        }
    }
    if !crate::noop::has_apply_entry(live, ownership::MANAGER) {
        say(GuardKind::Foreign, "none of its fields is ours any more".to_owned());
    }
    guards
}

fn may_delete(request: &PlanRequest<'_>, live: &Value) -> Result<(), Vec<Problem>> {
    let shown = &request.identity.shown;
    let keep = |detail: String, help: &str| {
        let problem =
            Problem::error(codes::KEEP, "Object must not be deleted", Path::root(), detail);
        Err(vec![problem.with_help(help)])
    };
    let name = identity_text(request.identity, "name");
    if identity_text(request.identity, "kind") == "Namespace" && PROTECTED.contains(&name) {
        return keep(format!("A cluster cannot do without the namespace `{name}`."), FORGET);
    }
    if let Some(problem) = other_project(request, live) {
        return Err(vec![problem.with_help(FORGET)]);
    }
    if !ownership::is_ours(live, request.project) {
        let detail = format!("{shown} does not say any more that it belongs to this project.");
        return keep(detail, FORGET);
    }
    let recorded = request.recorded.and_then(|recorded| recorded.uid.as_deref());
    if recorded.is_some_and(|recorded| shown::uid(live) != Some(recorded)) {
        let detail = format!(
            "{shown} was deleted and created again by someone else since the last apply: it is \
             not the object that this configuration created."
        );
        return keep(detail, FORGET);
    }
    Ok(())
}

/// What is deleted along with a namespace or a definition.
#[derive(Default)]
struct Along {
    /// Whether anybody counted.
    counted: bool,
    ours: Vec<Group>,
    foreign: Vec<Group>,
    /// What could not be looked at.
    unseen: Vec<String>,
}

/// Objects of one kind.
struct Group {
    kind: String,
    count: i64,
    names: Vec<String>,
}

impl Along {
    /// The answer counts objects by their kind and by the set that they say they belong to.
    fn read(request: &PlanRequest<'_>, answer: &Value) -> Self {
        let list = |name: &str| answer.get(name).and_then(Value::as_list);
        let Some(sets) = list("along") else { return Self::default() };
        let own = ownership::set_id(request.project);
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        let part = |set: &Value, name: &str| set.get(name).map(text).unwrap_or_default();
        let group = |set: &Value| Group {
            kind: part(set, "kind"),
            count: set
                .get("count")
                .and_then(Value::as_number)
                .and_then(values::Number::as_i64)
                .unwrap_or(0),
            names: set
                .get("names")
                .and_then(Value::as_list)
                .map(|names| names.iter().map(text).collect())
                .unwrap_or_default(),
        };
        let (ours, foreign): (Vec<&Value>, Vec<&Value>) =
            sets.iter().partition(|set| *part(set, "set") == *own);
        Self {
            counted: true,
            ours: ours.into_iter().map(group).collect(),
            foreign: foreign.into_iter().map(group).collect(),
            unseen: list("unseen").unwrap_or(&[]).iter().map(text).collect(),
        }
    }

    fn guard(&self, request: &PlanRequest<'_>) -> Option<Guard> {
        let defines = identity_text(request.identity, "kind") == "CustomResourceDefinition";
        let inside = if defines { "of its kind" } else { "in it" };
        let count = count(&self.foreign);
        let why = match (count, self.unseen.as_slice()) {
            (0, []) => return None,
            (0, unseen) => {
                format!("it could not be looked for {} {inside}", unseen.join(", "))
            }
            (1, _) => format!(
                "1 object {inside} is not of this project and goes with it: {}",
                listed(&self.foreign)
            ),
            (count, _) => format!(
                "{count} objects {inside} are not of this project and go with it: {}",
                listed(&self.foreign)
            ),
        };
        Some(Guard { kind: GuardKind::Foreign, why })
    }

    /// What goes with it, a line each for what is ours and what is not.
    fn lines(&self, inside: &str) -> Vec<String> {
        if !self.counted {
            return Vec::new();
        }
        let (ours, foreign) = (count(&self.ours), count(&self.foreign));
        let (own, theirs) = (listed(&self.ours), listed(&self.foreign));
        let mut lines = match (ours, foreign) {
            (0, 0) => vec![format!("there is no object {inside}")],
            (_, 0) => vec![format!("{inside} now, all of this project: {own}")],
            (0, _) => vec![format!("{inside} now, none of this project: {theirs}")],
            (_, _) => vec![
                format!("{inside} now, of this project: {own}"),
                format!("{inside} now, of others: {theirs}"),
            ],
        };
        if !self.unseen.is_empty() {
            lines.push(format!("not looked at for want of rights: {}", self.unseen.join(", ")));
        }
        lines
    }
}

fn count(groups: &[Group]) -> i64 {
    groups.iter().map(|group| group.count).sum()
}

/// `2 ConfigMap (a, b), 1 Secret (token)`.
fn listed(groups: &[Group]) -> String {
    let one = |group: &Group| {
        let shown = i64::try_from(group.names.len()).unwrap_or(i64::MAX);
        let more = if group.count > shown { ", ..." } else { "" };
        format!("{} {} ({}{more})", group.count, group.kind, group.names.join(", "))
    };
    groups.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn notes(request: &PlanRequest<'_>, live: &Value, along: &Along) -> Vec<Note> {
    let mut texts = Vec::new();
    if identity_text(request.identity, "kind") == "Namespace" {
        texts.push("everything in the namespace is deleted with it".to_owned());
        texts.extend(along.lines("in it"));
    }
    if identity_text(request.identity, "kind") == "CustomResourceDefinition" {
        texts.push("every object of this kind is deleted with it, in all namespaces".to_owned());
        texts.extend(along.lines("of this kind"));
    }
    if shown::metadata(live, "deletionTimestamp").is_some() {
        texts.push(format!("it is being deleted already{}", waits_for(live)));
    }
    texts.into_iter().map(|text| Note { path: Path::root(), text }).collect()
}
