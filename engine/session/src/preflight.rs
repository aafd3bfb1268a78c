//! Whether whoever plans may do what the plan says.
//!
//! A plan that breaks off half way for want of a right leaves a cluster that nobody wanted, so
//! every right is asked for before the first step. A plan without steps asks nothing.

use crate::World;
use plans::{Op, Plan, Problem, Right, StepId};
use std::collections::BTreeSet;

/// Asks for the rights that the steps of a plan need, and notes them in the plan. Steps that
/// are `done` need none any more.
///
/// # Interruption
///
/// Dropping the future leaves nothing behind; nothing is changed.
pub async fn preflight(
    plan: &mut Plan,
    done: &BTreeSet<StepId>,
    world: &World,
) -> Result<(), Problem> {
    let steps: Vec<_> = plan.steps.iter().filter(|step| !done.contains(&step.id)).collect();
    if steps.is_empty() {
        plan.rights.clear();
        return Ok(());
    }
    let ops: Vec<Op> = steps.iter().map(|step| step.op.clone()).collect();
    let asked = world.providers.rights(ops).await?;
    let user = |position: usize| {
        let step = steps.get(position)?;
        Some(step.addr.as_ref().map_or_else(|| step.op.text.clone(), ToString::to_string))
    };
    let named = |asked: provider::Asked| {
        let users: BTreeSet<String> = asked.ops.into_iter().filter_map(user).collect();
        let needed_by = users.into_iter().chain(asked.right.needed_by).collect();
        Right { needed_by, ..asked.right }
    };
    let mut rights: Vec<Right> = asked.into_iter().map(named).collect();
    rights.sort();
    plan.rights = rights;
    Ok(())
}
