//! Which steps may begin: the graph as a queue.

use crate::turns::{Now, Opened, Turns};
use plans::{Bracket, BracketId, Ended, Plan, StepId, Tally};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    begun: Vec<bool>,
    brackets: BTreeMap<BracketId, &'a Bracket>,
    /// Steps that bring a scope back into service.
    closing: BTreeSet<StepId>,
    /// Brackets of which a step did not end well, or that are left early: of their steps only
    /// those begin that bring the scope back into service.
    left: BTreeSet<BracketId>,
    /// Brackets that stay open: what a step did is in doubt, or closing failed. A node that may
    /// not work is not put back into service.
    held: BTreeSet<BracketId>,
    /// Brackets of which a step is done, or may be.
    entered: BTreeSet<BracketId>,
    /// Nothing begins any more but what brings scopes back into service.
    stopping: bool,
    turns: Turns<'a>,
    /// When the last step ended.
    now: Duration,
    /// Steps that an earlier attempt did and that are done again.
    again: Vec<StepId>,
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
        // The first steps of a turn need it to begin.
        for first in plan.turns.iter().flat_map(|t| &t.first).filter_map(|id| index.get(id)) {
            missing[*first] += 1;
        }
        let ready = (0..count).filter(|i| missing[*i] == 0).collect();
        let mut graph = Self {
            plan,
            index,
            dependents,
            missing,
            ended: vec![None; count],
            ready,
            begun: vec![false; count],
            brackets: plan.brackets.iter().map(|b| (b.id, b)).collect(),
            closing: plan.brackets.iter().flat_map(|b| &b.closing).copied().collect(),
            left: BTreeSet::new(),
            held: BTreeSet::new(),
            entered: BTreeSet::new(),
            stopping: false,
            turns: Turns::new(plan),
            now: Duration::ZERO,
            again: Vec::new(),
        };
        for (id, ended) in already {
            match ended {
                Ended::Done if graph.is_to_be_opened_again(*id, already) => graph.again.push(*id),
                Ended::Done | Ended::InDoubt => graph.end(*id, ended.clone()),
                Ended::Failed(_) | Ended::NotStarted => {}
            }
        }
        graph
    }

    /// Whether a step opens or closes a bracket of which something is left to do. Time went by
    /// since: whether the scope is still out of service, nobody knows. Opening what is open
    /// changes nothing.
    fn is_to_be_opened_again(&self, id: StepId, already: &BTreeMap<StepId, Ended>) -> bool {
        let Some(step) = self.index.get(&id).map(|i| &self.plan.steps[*i]) else { return false };
        let Some(bracket) = step.bracket.and_then(|b| self.brackets.get(&b)) else { return false };
        step.addr.is_none()
            && bracket.steps.iter().any(|other| already.get(other) != Some(&Ended::Done))
    }

    /// Begins the turns that may begin now.
    pub(crate) fn open_turns(&mut self, now: Now) -> Opened {
        self.now = now.elapsed;
        if self.stopping {
            return Opened::default();
        }
        let opened = self.turns.open(now);
        for i in opened.steps.iter().filter_map(|id| self.index.get(id)) {
            self.missing[*i] = self.missing[*i].saturating_sub(1);
            if self.missing[*i] == 0 && self.ended[*i].is_none() {
                self.ready.insert(*i);
            }
        }
        opened
    }

    /// When nothing runs and nothing can begin: gives up turns of which a step needs what failed
    /// elsewhere. Whether there were any.
    pub(crate) fn give_up(&mut self) -> bool {
        let begun = self.turns.begun();
        for turn in &begun {
            let steps = &self.plan.turns[*turn].steps;
            let brackets: BTreeSet<BracketId> =
                steps.iter().filter_map(|id| self.plan.step(*id)?.bracket).collect();
            for bracket in brackets {
                self.leave(bracket);
            }
            self.check_turn(*turn);
        }
        !begun.is_empty()
    }

    /// Whether a turn is over now, after one of its steps has ended.
    fn check_turn(&mut self, turn: usize) {
        let steps = &self.plan.turns[turn].steps;
        let at = steps.iter().filter_map(|id| self.index.get(id).copied());
        let (mut done, mut goes_on, mut held) = (true, false, false);
        for i in at {
            done &= self.ended[i] == Some(Ended::Done);
            goes_on |= self.begun[i] && self.ended[i].is_none();
            goes_on |= self.ended[i].is_none() && self.ready.contains(&i) && self.may_begin(i);
            held |= self.plan.steps[i].bracket.is_some_and(|b| self.held.contains(&b));
        }
        if !goes_on {
            self.turns.over(turn, done, held, self.now);
        }
    }

    /// Why rollouts did not go on.
    pub(crate) fn refusals(&self, now: Now) -> Vec<String> {
        let refusals = self.turns.refusals(now).into_iter();
        refusals.filter(|why| !why.is_empty()).collect()
    }

    /// Steps that an earlier attempt did and that are done again, since their bracket was not
    /// finished.
    pub(crate) fn again(&self) -> Vec<StepId> {
        self.again.clone()
    }

    /// Takes the next step that may begin.
    pub(crate) fn next(&mut self) -> Option<StepId> {
        while let Some(i) = self.ready.pop_first() {
            if self.ended[i].is_none() && !self.begun[i] && self.may_begin(i) {
                self.begun[i] = true;
                return Some(self.plan.steps[i].id);
            }
        }
        None
    }

    fn may_begin(&self, i: usize) -> bool {
        let step = &self.plan.steps[i];
        match step.bracket.filter(|b| self.left.contains(b)) {
            Some(left) => self.closing.contains(&step.id) && !self.held.contains(&left),
            None => !self.stopping,
        }
    }

    /// Whether a step brings a scope back into service.
    pub(crate) fn closes(&self, id: StepId) -> bool {
        self.closing.contains(&id)
    }

    /// From now on nothing begins but what brings scopes back into service; whether anything of
    /// that is left to do.
    pub(crate) fn stop(&mut self) -> bool {
        self.stopping = true;
        let open: Vec<BracketId> = self.brackets.values().map(|b| b.id).collect();
        for bracket in open {
            let steps = self.brackets[&bracket].steps.iter().filter_map(|id| self.index.get(id));
            let (mut begun, mut done) = (false, true);
            for &i in steps {
                begun |= self.begun[i] || self.ended[i].is_some();
                done &= self.ended[i] == Some(Ended::Done);
            }
            if begun && !done {
                self.leave(bracket);
            }
        }
        let is_new = |i: &usize| self.ended[*i].is_none() && !self.begun[*i] && self.may_begin(*i);
        self.ready.iter().any(is_new)
    }

    /// A step has ended.
    pub(crate) fn end(&mut self, id: StepId, ended: Ended) {
        let Some(&i) = self.index.get(&id) else { return };
        self.ready.remove(&i);
        let bracket = self.plan.steps[i].bracket;
        if matches!(ended, Ended::Done | Ended::InDoubt) {
            self.entered.extend(bracket);
        }
        if ended == Ended::InDoubt || (ended != Ended::Done && self.closes(id)) {
            self.held.extend(bracket);
        }
        if ended == Ended::Done {
            for &dependent in &self.dependents[i] {
                self.missing[dependent] = self.missing[dependent].saturating_sub(1);
                if self.missing[dependent] == 0 && self.ended[dependent].is_none() {
                    self.ready.insert(dependent);
                }
            }
        }
        let is_done = ended == Ended::Done;
        self.ended[i] = Some(ended);
        if let Some(bracket) = bracket.filter(|b| !is_done || self.left.contains(b)) {
            self.leave(bracket);
        }
        if let Some(turn) = self.turns.of(id) {
            // As long as all goes well, a turn is over with its last step.
            let mut steps = self.plan.turns[turn].steps.iter().filter_map(|id| self.index.get(id));
            let is_left = bracket.is_some_and(|b| self.left.contains(&b));
            if !is_done || is_left || steps.all(|i| self.ended[*i].is_some()) {
                self.check_turn(turn);
            }
        }
    }

    /// Begins no other edit in a bracket, and closes it as soon as none of its steps runs.
    fn leave(&mut self, id: BracketId) {
        self.left.insert(id);
        let Some(bracket) = self.brackets.get(&id) else { return };
        if !self.entered.contains(&id) || self.held.contains(&id) {
            return;
        }
        let at = |id: &StepId| self.index.get(id).copied();
        if bracket.steps.iter().filter_map(at).any(|i| self.begun[i] && self.ended[i].is_none()) {
            return;
        }
        let next = bracket.closing.iter().filter_map(at);
        let next = next.into_iter().find(|i| self.ended[*i] != Some(Ended::Done));
        self.ready.extend(next);
    }

    /// Whether the scope of a step that did not end well stays, or may stay, out of service.
    pub(crate) fn leaves_open(&self, id: StepId) -> bool {
        let step = self.index.get(&id).map(|i| &self.plan.steps[*i]);
        let is_closed = |b: &BracketId| {
            !self.held.contains(b) && self.brackets.get(b).is_some_and(|b| !b.closing.is_empty())
        };
        step.and_then(|s| s.bracket).is_some_and(|b| self.entered.contains(&b) && !is_closed(&b))
    }

    /// Each step and how it ended; what did not begin did not start.
    pub(crate) fn steps(self) -> Vec<(StepId, Ended)> {
        let ended = self.ended.into_iter().map(|ended| ended.unwrap_or(Ended::NotStarted));
        self.plan.steps.iter().map(|step| step.id).zip(ended).collect()
    }
}

/// Counts objects, not steps: an object that takes two operations is one change.
pub(crate) fn tally(plan: &Plan, steps: &[(StepId, Ended)]) -> Tally {
    let (mut open, mut undone) = (BTreeSet::new(), BTreeSet::new());
    let (mut deleted, mut created) = (BTreeSet::new(), BTreeSet::new());
    for (step, (_, ended)) in plan.steps.iter().zip(steps) {
        let Some(addr) = &step.addr else { continue };
        if *ended != Ended::Done {
            // An address may stand for two objects: one that it meant before, and a new one.
            open.insert((addr, &step.op.identity.key));
            undone.insert(addr);
        } else if step.action == plans::Action::Delete {
            deleted.insert(addr);
        } else if step.action == plans::Action::Create {
            created.insert(addr);
        }
    }
    let mut tally = Tally::default();
    for change in &plan.changes {
        let addr = &change.addr;
        if change.action == plans::Action::Replace && undone.contains(addr) {
            tally.destroyed += usize::from(deleted.contains(addr));
            tally.added += usize::from(created.contains(addr));
        } else if !open.contains(&(addr, &change.identity.key)) {
            tally.count(change.action);
        }
    }
    tally
}
