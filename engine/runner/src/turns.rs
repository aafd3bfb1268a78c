//! Whose turn it is: how many nodes are out of service at once, and after which.

use addrs::Scope;
use plans::{Plan, Rollout, StepId, Timestamp, Turn};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the clocks say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Since some fixed moment.
    pub(crate) elapsed: Duration,
    /// The time of the day.
    pub(crate) time: Timestamp,
}

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Begun,
    /// Its steps have ended, or those that are left do not begin any more.
    Over(Duration),
}

/// The turns of a plan, and how they stand.
pub(crate) struct Turns<'a> {
    plan: &'a Plan,
    of_step: BTreeMap<StepId, usize>,
    stages: Vec<Stage>,
    /// Turns that wait for the turn.
    dependents: Vec<Vec<usize>>,
    /// How many of those that each waits for are not over.
    missing: Vec<usize>,
    /// Waiting for nothing but the rules, the earliest first.
    due: BTreeSet<usize>,
    /// Nodes of each rollout that failed.
    failed: Vec<BTreeSet<&'a Scope>>,
    /// Nodes of each rollout that stay out of service.
    held: Vec<BTreeSet<&'a Scope>>,
    /// Those whose pause was told.
    told: BTreeSet<usize>,
}

/// What may begin now, and what is awaited.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// Steps whose turn has come.
    pub(crate) steps: Vec<StepId>,
    /// When to ask again, though nothing has ended.
    pub(crate) wake: Option<Duration>,
    /// Pauses that begin now: before which node, and how long.
    pub(crate) pauses: Vec<(Scope, Duration)>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let count = plan.turns.len();
        let mut dependents = vec![Vec::new(); count];
        for (i, turn) in plan.turns.iter().enumerate() {
            for before in turn.after.iter().filter(|before| **before < count) {
                dependents[*before].push(i);
            }
        }
        let missing: Vec<usize> = plan.turns.iter().map(|turn| turn.after.len()).collect();
        let of_turn = |(i, turn): (usize, &'a Turn)| turn.steps.iter().map(move |id| (*id, i));
        Self {
            plan,
            of_step: plan.turns.iter().enumerate().flat_map(of_turn).collect(),
            stages: vec![Stage::Waiting; count],
            dependents,
            due: (0..count).filter(|i| missing[*i] == 0).collect(),
            missing,
            failed: vec![BTreeSet::new(); plan.rollouts.len()],
            held: vec![BTreeSet::new(); plan.rollouts.len()],
            told: BTreeSet::new(),
        }
    }

    /// The turn of a step.
    pub(crate) fn of(&self, step: StepId) -> Option<usize> {
        self.of_step.get(&step).copied()
    }

    /// Turns that have begun and are not over.
    pub(crate) fn begun(&self) -> Vec<usize> {
        let begun = |i: &usize| self.stages[*i] == Stage::Begun;
        (0..self.stages.len()).filter(begun).collect()
    }

    /// Begins every turn that the rules allow now.
    pub(crate) fn open(&mut self, now: Now) -> Opened {
        let mut opened = Opened::default();
        for i in self.due.clone() {
            let turn = &self.plan.turns[i];
            let Some(rules) = self.plan.rollouts.get(turn.rollout) else { continue };
            if self.refusal(turn, rules, now).is_some() || self.is_full(turn, rules) {
                continue;
            }
            let until = self.pause_of(turn, rules).filter(|until| *until > now.elapsed);
            if let Some(until) = until {
                let left = until.saturating_sub(now.elapsed);
                opened.wake = Some(opened.wake.map_or(left, |wake| wake.min(left)));
                if self.told.insert(i) {
                    opened.pauses.push((turn.scope.clone(), rules.pause));
                }
                continue;
            }
            self.due.remove(&i);
            self.stages[i] = Stage::Begun;
            opened.steps.extend(&turn.first);
        }
        opened
    }

    /// A turn is over: whether all of it was done, and whether its node stays out of service.
    pub(crate) fn over(&mut self, i: usize, done: bool, held: bool, at: Duration) {
        if matches!(self.stages[i], Stage::Over(_)) {
            return;
        }
        self.stages[i] = Stage::Over(at);
        self.due.remove(&i);
        let turn = &self.plan.turns[i];
        if let Some(failed) = self.failed.get_mut(turn.rollout).filter(|_| !done) {
            failed.insert(&turn.scope);
        }
        if let Some(nodes) = self.held.get_mut(turn.rollout).filter(|_| held) {
            nodes.insert(&turn.scope);
        }
        for &dependent in &self.dependents[i] {
            self.missing[dependent] = self.missing[dependent].saturating_sub(1);
            if self.missing[dependent] == 0 && self.stages[dependent] == Stage::Waiting {
                self.due.insert(dependent);
            }
        }
    }

    /// Why named rollouts did not go on, as sentences.
    pub(crate) fn refusals(&self, now: Now) -> Vec<String> {
        let due = self.due.iter().map(|i| &self.plan.turns[*i]);
        let refusals =
            due.filter_map(|turn| self.refusal(turn, self.plan.rollouts.get(turn.rollout)?, now));
        refusals.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Why no turn of these rules begins any more in this run; empty where nothing but the
    /// failure itself is to be said.
    fn refusal(&self, turn: &Turn, rules: &Rollout, now: Now) -> Option<String> {
        for (before, failed) in self.plan.rollouts.iter().zip(&self.failed).take(turn.rollout + 1) {
            let most = usize::try_from(before.max_failures).unwrap_or(usize::MAX);
            if failed.len() > most {
                let name = before.name.as_deref().unwrap_or_default();
                return Some(match failed.len() {
                    _ if name.is_empty() => String::new(),
                    1 => format!("A node of rollout `{name}` failed, so no other node is begun."),
                    n => {
                        format!("{n} nodes of rollout `{name}` failed, so no other node is begun.")
                    }
                });
            }
        }
        let window = rules.window.as_ref().filter(|window| !window.contains(now.time))?;
        let name = rules.name.as_deref().unwrap_or_default();
        Some(format!(
            "The window of rollout `{name}` is closed, so no node is begun. It is open {window}."
        ))
    }

    /// Whether as many other nodes are out of service as may be.
    fn is_full(&self, turn: &Turn, rules: &Rollout) -> bool {
        let mut out = self.held.get(turn.rollout).cloned().unwrap_or_default();
        let begun = self.begun().into_iter().map(|i| &self.plan.turns[i]);
        out.extend(begun.filter(|t| t.rollout == turn.rollout).map(|t| &t.scope));
        out.remove(&turn.scope);
        out.len() >= usize::try_from(rules.max_unavailable).unwrap_or(usize::MAX).max(1)
    }

    /// When the pause before a turn ends.
    fn pause_of(&self, turn: &Turn, rules: &Rollout) -> Option<Duration> {
        let over = |i: &usize| match self.stages.get(*i)? {
            Stage::Over(at) => Some(*at),
            Stage::Waiting | Stage::Begun => None,
        };
        let last = turn.after.iter().filter_map(over).max()?;
        turn.pause.then(|| last + rules.pause)
    }
}
