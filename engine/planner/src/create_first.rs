//! New objects that come before the old ones go: `create_before_destroy`.
//!
//! Which object a block means is said by its arguments, so the order can be turned round where
//! they mean another object now, and only there: of one name there is one object.

use crate::declare::evaluator;
use crate::entry::Entry;
use crate::{PlanInput, codes};
use addrs::InstanceAddr;
use diags::Diagnostic;
use plans::{Action, Identity};
use provider::Decision;
use std::collections::BTreeMap;

/// Turns round what else must be: an old object that is still there needs what it needed, so
/// that may not go before it.
pub(crate) fn spread(input: &PlanInput<'_, '_>, entries: &mut [Entry]) -> Option<Diagnostic> {
    if !entries.iter().any(|entry| entry.change.create_first) {
        return None;
    }
    let now = entries.iter().enumerate().filter(|(_, entry)| !entry.is_former());
    let at: BTreeMap<InstanceAddr, usize> =
        now.map(|(i, entry)| (entry.change.addr.clone(), i)).collect();
    // Each entry comes after those that it needs.
    for i in (0..entries.len()).rev().collect::<Vec<_>>() {
        if !entries[i].change.create_first {
            continue;
        }
        let needed: Vec<usize> =
            entries[i].needed.iter().filter_map(|addr| at.get(addr).copied()).collect();
        for needed in needed {
            let by = &entries[needed];
            if by.change.action != Action::Replace || by.change.create_first {
                continue;
            }
            match by.old.clone() {
                Some(old) => entries[needed].turn_round(old),
                None => return Some(too_late(input, &entries[i], by)),
            }
        }
    }
    None
}

fn too_late(input: &PlanInput<'_, '_>, entry: &Entry, by: &Entry) -> Diagnostic {
    let (addr, need) = (&entry.change.addr, &by.change.addr);
    let detail = format!(
        "`{addr}` is to be created before the object that it takes the place of is deleted. That \
         one needs {} (`{need}`), which is deleted and created anew under the same name before \
         anything new can need it.",
        by.change.identity.shown
    );
    let help = format!(
        "Apply the change of `{need}` by itself first, or take `create_before_destroy` out of \
         `{addr}`."
    );
    let summary = "Nothing can be created before this is deleted";
    let told = Diagnostic::error(codes::NEEDED_BY_OLD, summary, detail).with_help(help);
    let place = evaluator(input).create_before_destroy_at(addr);
    place.into_iter().fold(told.for_address(addr), |told, at| told.at(at, ""))
}

/// An object that is to be replaced by one of the same name, and not to be deleted before.
pub(crate) fn one_name(
    addr: &InstanceAddr,
    identity: &Identity,
    decision: &Decision,
) -> Diagnostic {
    let shown = &identity.shown;
    let paths: Vec<String> = decision.replaced_for.iter().map(|p| format!("`{p}`")).collect();
    let why = match paths.as_slice() {
        [] => "It is to be replaced".to_owned(),
        paths => format!("{} cannot be changed in place", paths.join(", ")),
    };
    let detail = format!(
        "{why}, and {shown} stays {shown}: of one name there is one object, so the new one cannot \
         be there before the old one is deleted."
    );
    let help = "Give it another name in the same change: then the new object is created first. Or \
                take `create_before_destroy` out, to have it deleted first.";
    Diagnostic::error(codes::ONE_NAME, "Object cannot be there twice", detail)
        .with_help(help)
        .for_address(addr)
}
