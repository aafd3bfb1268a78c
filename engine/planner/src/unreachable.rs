//! What cannot be reached is left out of a plan when a person allows it.
//!
//! Unreachable is not absent: such an object is neither created nor deleted, and nothing is said
//! to be as it should be. Without permission it is an error on the object, by its type.

use crate::declare::Declaration;
use crate::removed::Removed;
use crate::selection::{before, take_along};
use crate::{PlanInput, Planning, codes};
use addrs::{InstanceAddr, Scope};
use diags::Diagnostic;
use plans::{Identity, ObjectKey};
use provider::Observation;
use std::collections::{BTreeMap, BTreeSet};

/// So many objects of a scope are named, the others counted.
const NAMED: usize = 10;

/// Takes out of what is `chosen`, and of what is to go, whatever cannot be reached and what
/// needs it, and says so.
pub(crate) fn leave_out(
    input: &PlanInput<'_, '_>,
    declared: &Declaration<'_>,
    chosen: &mut [bool],
    gone: &mut Vec<Removed<'_>>,
    planning: &mut Planning,
) {
    if !input.options.allowed.unreachable {
        return;
    }
    let mut told: BTreeMap<Scope, (String, BTreeSet<InstanceAddr>)> = BTreeMap::new();
    let mut note = |addr: &InstanceAddr, identity: &Identity| {
        let Some(why) = unreached(input, &identity.key) else { return false };
        let kind = input.catalog.resource(addr.ty.as_str());
        let scope = kind.map_or_else(Scope::cluster, |kind| kind.scope(identity));
        told.entry(scope).or_insert_with(|| (why, BTreeSet::new())).1.insert(addr.clone());
        true
    };
    let instances = &declared.instances;
    let mut out: Vec<bool> = (instances.iter().zip(chosen.iter()))
        .map(|(d, chosen)| *chosen && note(&d.addr, &d.identity))
        .collect();
    let mut stays: Vec<bool> =
        gone.iter().map(|removed| note(removed.addr, &removed.recorded.identity)).collect();
    let direct: BTreeSet<InstanceAddr> = told.values().flat_map(|(_, a)| a).cloned().collect();
    if direct.is_empty() {
        return;
    }
    take_along(&mut out, &declared.order.needs);
    take_along(&mut stays, &before(gone));
    let declared = instances.iter().zip(&out).filter(|(_, out)| **out).map(|(d, _)| &d.addr);
    let remembered = gone.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(r, _)| r.addr);
    planning.left_out = declared.chain(remembered).cloned().collect();
    for (chosen, out) in chosen.iter_mut().zip(out) {
        *chosen &= !out;
    }
    let mut stays = stays.into_iter();
    gone.retain(|_| stays.next() != Some(true));
    let along: Vec<&InstanceAddr> = planning.left_out.difference(&direct).collect();
    planning.diagnostics.push(warning(&told, &along));
}

fn unreached(input: &PlanInput<'_, '_>, key: &ObjectKey) -> Option<String> {
    match input.observed.get(key) {
        Some(Observation::Unknown(problem)) if problem.unreachable => Some(problem.detail.clone()),
        Some(Observation::Unknown(_) | Observation::Absent | Observation::Present(_)) | None => {
            None
        }
    }
}

fn warning(
    told: &BTreeMap<Scope, (String, BTreeSet<InstanceAddr>)>,
    along: &[&InstanceAddr],
) -> Diagnostic {
    let mut parts: Vec<String> = told
        .iter()
        .map(|(scope, (why, addrs))| format!("{scope}: {why} Left out: {}.", list(addrs.iter())))
        .collect();
    if !along.is_empty() {
        parts.push(format!("Left out because they need these: {}.", list(along.iter().copied())));
    }
    parts.push(
        "Nothing is done to them, and nobody knows whether they are as they should be. Outputs \
         stay as they are."
            .to_owned(),
    );
    Diagnostic::warning(
        codes::LEFT_OUT,
        "Plan leaves out what cannot be reached",
        parts.join("\n\n"),
    )
    .with_help("Plan again without -allow-unreachable once everything can be reached.")
}

fn list<'a>(addrs: impl ExactSizeIterator<Item = &'a InstanceAddr>) -> String {
    let more = addrs.len().saturating_sub(NAMED);
    let mut named: Vec<String> = addrs.take(NAMED).map(|addr| format!("`{addr}`")).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}
