//! One pure call: from a configuration and a picture of the world to a plan.
//!
//! This crate answers one question: *given what is declared and what was seen, what happens,
//! and in which order?* Start reading at [`plan()`]. It never looks at anything itself: what
//! it still has to see (data sources, objects, the server's previews) it returns as
//! [`Needs`]; the session looks and calls again with more. The call that needs nothing more
//! is the plan.
//!
//! ```text
//! declare   every instance: arguments, identity, needs     (declare.rs, needs.rs)
//! decide    every instance in order: no-op, create, ...     (decide.rs, settled.rs, gone.rs)
//! order     steps and their needs                           (order.rs)
//! surround  brackets around scopes                          (brackets.rs)
//! take turns  how many nodes at once, and after which       (turns.rs, rollouts.rs, roster.rs)
//! ```
//!
//! **Invariant:** equal inputs give equal plans. Collections are ordered, never hashed, because
//! a plan is reviewed as text.
//!
//! **Invariant:** what could not be seen is an error on that object, never "absent" and never
//! "no change"; the rest of the plan is still there, and the plan says that it is not complete.
//!
//! **Invariant:** a scope is taken out of service at most once per plan.
//!
//! **Not here:** retries, deadlines and stopping (`runner`); what a difference means
//! (`provider::ResourceKind::plan`).

mod adopted;
mod brackets;
mod codes;
mod create_first;
mod decide;
mod declare;
mod entry;
mod first;
mod gone;
mod guards;
mod input;
mod kept;
mod late;
mod needs;
mod order;
mod protected;
mod questions;
mod removed;
mod requested;
mod rollouts;
mod roster;
mod selection;
mod settled;
mod triggers;
mod turns;
mod unreachable;

pub use declare::{Draft, at_its_place};
pub use input::{Needs, Options, PlanInput, Planning, Read};
pub use late::{Known, conditions, has_postconditions, outputs, resolve, unkept};
pub use selection::Selection;

use plans::Plan;
use std::collections::BTreeSet;

/// Plans, or says what must be looked at first. See the crate's page.
///
/// `draft` spares work and changes nothing: begin with an empty one, and give the same one
/// again with the same configuration, variables and options.
pub fn plan<'a>(input: &PlanInput<'a, '_>, draft: &mut Draft<'a>) -> Planning {
    let declared = draft.declared(input);
    let diagnostics = declared.diagnostics.clone();
    let mut needs = declared.needs(input);
    let removed = removed::removed(input, declared, &mut needs);
    let mut planning = Planning {
        plan: empty(input),
        exports: Known::new(),
        diagnostics,
        needs,
        left_out: BTreeSet::new(),
    };
    if !planning.needs.is_empty() {
        planning.plan.complete = false;
        return planning;
    }
    let decided = decide::decide(input, declared, removed, &mut planning);
    order::lay_steps(input, declared, decided, &mut planning);
    let of_plan = guards::of_plan(input, declared, &planning.plan.changes);
    planning.plan.blocked.extend(of_plan);
    planning.plan.complete = !planning.diagnostics.has_errors() && planning.needs.is_empty();
    planning
}

fn empty(input: &PlanInput<'_, '_>) -> Plan {
    let options = input.options;
    Plan {
        id: options.id.clone(),
        made: options.now,
        mode: options.mode,
        project: options.project.clone(),
        target: options.target.clone(),
        fingerprints: options.fingerprints.clone(),
        changes: Vec::new(),
        outputs: Vec::new(),
        steps: Vec::new(),
        brackets: Vec::new(),
        rollouts: Vec::new(),
        turns: Vec::new(),
        remember: Vec::new(),
        complete: true,
        blocked: Vec::new(),
        rights: Vec::new(),
    }
}
