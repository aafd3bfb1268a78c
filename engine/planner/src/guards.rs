//! What must be allowed by name, of a plan as a whole.
//!
//! A list of variables that came out empty, a wrong branch, a wrong directory: each makes a
//! plan that deletes far more than anybody meant, and says so in the middle of a long page.

use crate::PlanInput;
use crate::declare::Declaration;
use plans::{Change, Guard, GuardKind, Mode};

/// Leaves out what a person allowed.
pub(crate) fn lift(input: &PlanInput<'_, '_>, guards: Vec<Guard>) -> Vec<Guard> {
    let allowed = &input.options.allowed;
    guards.into_iter().filter(|guard| !allowed.lifts(guard.kind, 0)).collect()
}

/// The guards of the whole plan. Whoever destroys everything has said so; a number is honoured
/// even then.
pub(crate) fn of_plan(
    input: &PlanInput<'_, '_>,
    declared: &Declaration<'_>,
    changes: &[Change],
) -> Vec<Guard> {
    let deletes = |c: &&Change| matches!(c.action, plans::Action::Delete | plans::Action::Replace);
    let deletions = changes.iter().filter(deletes).count();
    let all = input.state.records.len();
    let options = input.options;
    let asked = options.mode == Mode::Destroy;
    let mut guards = Vec::new();
    let nothing = declared.instances.is_empty()
        && declared.failed.is_empty()
        && declared.failed_blocks.is_empty();
    if !asked && nothing && deletions > 0 && options.selection.is_all() {
        let why = format!(
            "the configuration declares nothing, and what the state remembers would be destroyed: \
             {}",
            if all == 1 { "1 object".to_owned() } else { format!("{all} objects") }
        );
        let guard = Guard { kind: GuardKind::Empty, why };
        guards.extend(lift(input, vec![guard]));
    }
    let counted = !asked || options.allowed.max_destroy.is_some();
    if counted && options.allowed.exceeds(deletions, all) {
        let most = match options.allowed.max_destroy {
            Some(most) => format!("more than {most}"),
            None => "more than 10 and more than a tenth".to_owned(),
        };
        let why = format!("{deletions} of {all} objects would be destroyed, {most}");
        guards.push(Guard { kind: GuardKind::Many, why });
    }
    guards
}
