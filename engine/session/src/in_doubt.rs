//! What a run that died may have made.
//!
//! The state remembers an object when its step has ended. A step that was begun and not seen to end
//! may have made one all the same; whoever plans anew, with another configuration by now, has to
//! look at it, or what nothing declares any more would stay for ever. Types look themselves whether
//! what is there is this project's: what is not, is not touched.

use addrs::InstanceAddr;
use plans::{Plan, Recorded};
use states::{State, UnfinishedRun};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Objects that the state does not know, and that steps in doubt of this run may have made. `plan`
/// is the one that it kept.
pub fn in_doubt(
    state: &State,
    run: &UnfinishedRun,
    plan: &Plan,
) -> BTreeMap<InstanceAddr, Recorded> {
    if plan.id != run.plan_id {
        return BTreeMap::new();
    }
    let steps = run.in_doubt().filter_map(|id| plan.step(id));
    let made = steps.filter_map(|step| Some((step.addr.clone()?, step.record.clone()?)));
    made.filter(|(addr, _)| !state.records.contains_key(addr)).collect()
}

/// The state with them: what to plan from.
#[must_use]
pub fn with_in_doubt<'s>(
    state: &'s State,
    in_doubt: &BTreeMap<InstanceAddr, Recorded>,
) -> Cow<'s, State> {
    if in_doubt.is_empty() {
        return Cow::Borrowed(state);
    }
    let mut state = state.clone();
    state.records.extend(in_doubt.clone());
    Cow::Owned(state)
}

/// Has the plan remember them, before its first step: should its run die, the next one looks again.
pub fn remember_in_doubt(plan: &mut Plan, in_doubt: &BTreeMap<InstanceAddr, Recorded>) {
    let is_told = |addr: &InstanceAddr| plan.remember.iter().any(|(told, _)| told == addr);
    let more = in_doubt.iter().filter(|(addr, _)| !is_told(addr));
    let more: Vec<_> = more.map(|(addr, record)| (addr.clone(), Some(record.clone()))).collect();
    plan.remember.extend(more);
    plan.remember.sort_by(|a, b| a.0.cmp(&b.0));
}
