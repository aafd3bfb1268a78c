//! What to do about an object that the configuration does not want any more.

use super::Answer;
use super::decide::{other_project, waits_for};
use super::ops::{delete, identity_text};
use super::refusal;
use crate::canon::hide_secret_data;
use crate::{codes, ownership, shown};
use addrs::TypeName;
use plans::{Action, Note, Problem};
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
    may_delete(request, live)?;
    let op = delete(ty, request.identity, live);
    let (along, warning) = match request.preview {
        // Of what is on its way out already the server has nothing more to say.
        None if shown::metadata(live, "deletionTimestamp").is_some() => (None, None),
        None => return Ok(Planned::NeedsPreview(op)),
        Some(Preview::Would(answer)) => along(request, answer),
        Some(Preview::Unknown(problem)) => return Err(vec![problem.clone()]),
        Some(Preview::Refused(refused)) => match refusal::of_deletion(request, refused) {
            Some(problem) => return Err(vec![problem]),
            None => (None, None),
        },
    };
    let before = Some(shown::view(&hide_secret_data(live)));
    let (before, _) = shown::without_marks(before, None);
    Ok(Planned::Decided(Box::new(Decision {
        before,
        ops: vec![op],
        uid: shown::uid(live).map(str::to_owned),
        notes: notes(request, live, along),
        warnings: warning.into_iter().collect(),
        ..Decision::plain(Action::Delete)
    })))
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

/// What goes with a definition: a note about all objects of its kind, and a warning when some
/// of them are not this project's. The answer counts them by the set that they belong to.
fn along(request: &PlanRequest<'_>, answer: &Value) -> (Option<String>, Option<Problem>) {
    let Some(sets) = answer.get("along").and_then(Value::as_list) else { return (None, None) };
    let own = ownership::set_id(request.project);
    let count = |set: &&Value| {
        let count = set.get("count").and_then(Value::as_number);
        count.and_then(values::Number::as_i64).unwrap_or(0)
    };
    let text = |set: &Value, name: &str| -> String {
        set.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (ours, others): (Vec<&Value>, Vec<&Value>) =
        sets.iter().partition(|set| text(set, "set") == own);
    let (ours, foreign): (i64, i64) =
        (ours.iter().map(count).sum(), others.iter().map(count).sum());
    let note = match (ours, foreign) {
        (0, 0) => "there is no object of this kind".to_owned(),
        (ours, 0) => format!("objects of this kind now: {ours}, all of this project"),
        (ours, foreign) => {
            let all = ours + foreign;
            format!("objects of this kind now: {all}, {foreign} of them not of this project")
        }
    };
    let example = others.first().map(|set| text(set, "example")).unwrap_or_default();
    let warning = (foreign > 0).then(|| {
        let detail = format!(
            "Deleting {} deletes {foreign} objects of its kind that are not of this project: \
             `{example}`, for one.",
            request.identity.shown
        );
        Problem::warning(codes::ALONG, "Objects of others are deleted too", Path::root(), detail)
            .with_help(FORGET)
    });
    (Some(note), warning)
}

fn notes(request: &PlanRequest<'_>, live: &Value, along: Option<String>) -> Vec<Note> {
    let mut texts = Vec::new();
    if identity_text(request.identity, "kind") == "Namespace" {
        texts.push("everything in the namespace is deleted with it".to_owned());
    }
    if identity_text(request.identity, "kind") == "CustomResourceDefinition" {
        texts.push("every object of this kind is deleted with it, in all namespaces".to_owned());
        texts.extend(along);
    }
    if shown::metadata(live, "deletionTimestamp").is_some() {
        texts.push(format!("it is being deleted already{}", waits_for(live)));
    }
    texts.into_iter().map(|text| Note { path: Path::root(), text }).collect()
}
