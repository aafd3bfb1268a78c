//! What to do about an object that the configuration does not want any more.

use super::Answer;
use super::decide::{other_project, waits_for};
use super::ops::{delete, identity_text};
use crate::canon::hide_secret_data;
use crate::{codes, ownership, shown};
use addrs::TypeName;
use plans::{Action, Basis, Note, Problem};
use provider::{Decision, Observation, PlanRequest, Planned};
use values::{Disruption, Path, Value};

/// Namespaces that a cluster cannot do without.
const PROTECTED: &[&str] = &["default", "kube-system", "kube-public", "kube-node-lease"];

/// The way out of a refused deletion.
const FORGET: &str = "Forget it with `clinch state rm ADDRESS`; the object stays as it is.";

pub(super) fn unwanted(ty: &TypeName, request: &PlanRequest<'_>) -> Answer {
    let live = match request.observed {
        Observation::Unknown(problem) => return Err(vec![problem.clone()]),
        // Gone already: only the memory of it goes.
        Observation::Absent => return Ok(Planned::Decided(Box::new(decision(Action::Forget)))),
        Observation::Present(live) => live,
    };
    may_delete(request, live)?;
    let before = Some(shown::view(&hide_secret_data(live)));
    let (before, _) = shown::without_marks(before, None);
    Ok(Planned::Decided(Box::new(Decision {
        before,
        ops: vec![delete(ty, request.identity, live)],
        uid: shown::uid(live).map(str::to_owned),
        notes: notes(request, live),
        ..decision(Action::Delete)
    })))
}

fn decision(action: Action) -> Decision {
    Decision {
        action,
        replaced_for: Vec::new(),
        before: None,
        after: None,
        exported: Value::Null,
        basis: Basis::Local,
        disruption: Disruption::Quiet,
        ops: Vec::new(),
        digest: String::new(),
        uid: None,
        notes: Vec::new(),
        warnings: Vec::new(),
    }
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

fn notes(request: &PlanRequest<'_>, live: &Value) -> Vec<Note> {
    let mut texts = Vec::new();
    if identity_text(request.identity, "kind") == "Namespace" {
        texts.push("everything in the namespace is deleted with it".to_owned());
    }
    if identity_text(request.identity, "kind") == "CustomResourceDefinition" {
        texts.push("every object of this kind is deleted with it, in all namespaces".to_owned());
    }
    if shown::metadata(live, "deletionTimestamp").is_some() {
        texts.push(format!("it is being deleted already{}", waits_for(live)));
    }
    texts.into_iter().map(|text| Note { path: Path::root(), text }).collect()
}
