//! Which steps may begin: the graph as a queue.

use plans::{BracketId, Ended, Plan, StepId, Tally};
use std::collections::{BTreeMap, BTreeSet};

/// The steps of a plan, and what is known of each. Every operation is constant or logarithmic
/// in the number of steps, so that a walk is linear.
pub(crate) struct Graph<'a> {
    plan: &'a Plan,
    index: BTreeMap<StepId, usize>,
    /// Steps that need the step, by index.
    dependents: Vec<Vec<usize>>,
    /// How many of its needs are not done.
    missing: Vec<usize>,
    ended: Vec<Option<Ended>>,
    /// The lowest number first: equal plans begin in equal order.
    ready: BTreeSet<usize>,
    /// Brackets of which a step did not end well: none of their steps begins any more, so
    /// that a node that could not be changed is not put back into service as if it had been.
    failed: BTreeSet<BracketId>,
    /// Brackets of which a step is done, or may be.
    entered: BTreeSet<BracketId>,
}

impl<'a> Graph<'a> {
    /// What an earlier attempt finished stays finished, and what it left in doubt stays in
    /// doubt; what failed there is tried again.
    pub(crate) fn new(plan: &'a Plan, already: &BTreeMap<StepId, Ended>) -> Self {
        let index: BTreeMap<_, _> = plan.steps.iter().enumerate().map(|(i, s)| (s.id, i)).collect();
        let count = plan.steps.len();
        let mut dependents = vec![Vec::new(); count];
        let mut missing = vec![0; count];
        for (i, step) in plan.steps.iter().enumerate() {
            let needs: BTreeSet<StepId> = step.needs.iter().copied().collect();
            missing[i] = needs.len();
            for need in needs.iter().filter_map(|id| index.get(id)) {
                dependents[*need].push(i);
            }
        }
        let ready = (0..count).filter(|i| missing[*i] == 0).collect();
        let ended = vec![None; count];
        let (failed, entered) = (BTreeSet::new(), BTreeSet::new());
        let mut graph = Self { plan, index, dependents, missing, ended, ready, failed, entered };
        for (id, ended) in already {
            match ended {
                Ended::Done | Ended::InDoubt => graph.end(*id, ended.clone()),
                Ended::Failed(_) | Ended::NotStarted => {}
            }
        }
        graph
    }

    /// Takes the next step that may begin.
    pub(crate) fn next(&mut self) -> Option<StepId> {
        while let Some(i) = self.ready.pop_first() {
            let step = &self.plan.steps[i];
            if self.ended[i].is_none() && !step.bracket.is_some_and(|b| self.failed.contains(&b)) {
                return Some(step.id);
            }
        }
        None
    }

    /// A step has ended.
    pub(crate) fn end(&mut self, id: StepId, ended: Ended) {
        let Some(&i) = self.index.get(&id) else { return };
        self.ready.remove(&i);
        let bracket = self.plan.steps[i].bracket;
        if matches!(ended, Ended::Done | Ended::InDoubt) {
            self.entered.extend(bracket);
        }
        if ended == Ended::Done {
            for &dependent in &self.dependents[i] {
                self.missing[dependent] = self.missing[dependent].saturating_sub(1);
                if self.missing[dependent] == 0 && self.ended[dependent].is_none() {
                    self.ready.insert(dependent);
                }
            }
        } else {
            self.failed.extend(bracket);
        }
        self.ended[i] = Some(ended);
    }

    /// Whether the scope of a step that did not end well is, or may be, out of service.
    pub(crate) fn leaves_open(&self, id: StepId) -> bool {
        let step = self.index.get(&id).map(|i| &self.plan.steps[*i]);
        step.and_then(|s| s.bracket).is_some_and(|b| self.entered.contains(&b))
    }

    /// Each step and how it ended; what did not begin did not start.
    pub(crate) fn steps(self) -> Vec<(StepId, Ended)> {
        let ended = self.ended.into_iter().map(|ended| ended.unwrap_or(Ended::NotStarted));
        self.plan.steps.iter().map(|step| step.id).zip(ended).collect()
    }
}

/// Counts objects, not steps: an object that takes two operations is one change.
pub(crate) fn tally(plan: &Plan, steps: &[(StepId, Ended)]) -> Tally {
    let mut open = BTreeSet::new();
    let mut deleted = BTreeSet::new();
    for (step, (_, ended)) in plan.steps.iter().zip(steps) {
        let Some(addr) = &step.addr else { continue };
        if *ended != Ended::Done {
            // An address may stand for two objects: one that it meant before, and a new one.
            open.insert((addr, &step.op.identity.key));
        } else if step.action == plans::Action::Delete {
            deleted.insert(addr);
        }
    }
    let mut tally = Tally::default();
    for change in &plan.changes {
        if !open.contains(&(&change.addr, &change.identity.key)) {
            tally.count(change.action);
        } else if change.action == plans::Action::Replace && deleted.contains(&change.addr) {
            tally.destroyed += 1;
        }
    }
    tally
}
