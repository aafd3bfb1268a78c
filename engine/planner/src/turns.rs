//! Turns: which nodes are out of service after which, and how many at once.
//!
//! What restarts something on a node, or takes a node out of service, is a *unit*: it begins and
//! ends as one. Units are put in an order: by rollout, and within one by its order of nodes, as
//! far as what they need lets them; nodes that the way back goes through come after all others.
//! What an earlier plan left out of service comes before all of these: it is brought back, and the
//! others may count on it. What is out of service by itself comes first among those of its rules:
//! its turn takes nothing more out of service, and if it is not healed by it, that shows before
//! anything else is touched. It is a batch of its own, and no canary.
//! Then neighbours of one batch run in as many lanes as may be out of service at once, and a batch
//! waits for the one before.

use crate::brackets::Brackets;
use crate::entry::Entry;
use crate::order::{Draft, sequence, sequence_with};
use crate::rollouts::Wishes;
use addrs::Scope;
use diags::{Diagnostic, Diagnostics};
use plans::{BracketId, Rollout};
use std::collections::{BTreeMap, BTreeSet};
use values::Disruption;

/// A turn before its steps have their numbers.
pub(crate) struct DraftTurn {
    pub(crate) rollout: usize,
    pub(crate) batch: usize,
    pub(crate) scope: Scope,
    pub(crate) steps: Vec<usize>,
    pub(crate) first: Vec<usize>,
    pub(crate) after: Vec<usize>,
    pub(crate) pause: bool,
}

/// Turns and their rules.
#[derive(Default)]
pub(crate) struct Turns {
    pub(crate) rollouts: Vec<Rollout>,
    pub(crate) turns: Vec<DraftTurn>,
}

/// Gives every unit its turn, and lets a scope be opened only when it is needed.
pub(crate) fn take_turns(
    entries: &[Entry],
    spans: &[std::ops::Range<usize>],
    wishes: &Wishes,
    brackets: &Brackets,
    drafts: &mut [Draft],
) -> Result<Turns, Diagnostics> {
    let steps_of = |fits: &dyn Fn(&Entry) -> bool| -> BTreeSet<usize> {
        let fitting = entries.iter().zip(spans).filter(|(entry, _)| fits(entry));
        fitting.flat_map(|(_, span)| span.clone()).collect()
    };
    let loud = steps_of(&|e| e.change.disruption > Disruption::Quiet && is_node(&e.change.scope));
    let last = steps_of(&|e| e.last);
    let units = Units::of(drafts);
    let seat = |unit: usize| {
        let steps = &units.steps[unit];
        let is_bracket = is_node(&units.scopes[unit]) && drafts[steps[0]].bracket.is_some();
        let is_loud = is_bracket || steps.iter().any(|step| loud.contains(step));
        let is_last = steps.iter().any(|step| last.contains(step));
        let scope = &units.scopes[unit];
        let in_service = !brackets.left_open.contains(scope);
        let is_up = !brackets.down.contains(scope);
        is_loud.then(|| Seat { in_service, is_up, ..Seat::of(wishes, scope, is_last) })
    };
    let seats: Vec<Option<Seat>> = (0..units.steps.len()).map(seat).collect();
    // In an order that they can run in anyway, so that no cycle comes of it.
    let (order, cycle) = sequence_with(&units.needs(drafts), |unit| seats[unit]);
    if !cycle.is_empty() {
        let name = |unit: &usize| units.scopes[*unit].to_string();
        return Err(entangled(&cycle.iter().map(name).collect::<Vec<_>>()).into());
    }
    within_brackets(&loud, drafts);
    before_brackets(&units, drafts);
    let seated = order.into_iter().filter_map(|unit| Some((unit, seats[unit]?)));
    Ok(turns(seated, &units, wishes, drafts))
}

/// The turns of units in this order.
fn turns(
    order: impl Iterator<Item = (usize, Seat)>,
    units: &Units,
    wishes: &Wishes,
    drafts: &[Draft],
) -> Turns {
    let mut out = Turns::default();
    let mut rules: BTreeMap<(bool, usize), Rules> = BTreeMap::new();
    let mut batch = Batch::default();
    for (unit, seat) in order {
        let rules = rules.entry((seat.last, seat.rollout)).or_insert_with(|| {
            let rules = Rules::of(wishes, seat, out.rollouts.len());
            out.rollouts.push(rules.rollout.clone());
            rules
        });
        let scope = &units.scopes[unit];
        let number = rules.batch_of(scope, seat.is_up);
        // Whoever is still in service waits for those that are to come back first.
        let of = (seat.in_service, seat.is_up, rules.position, number);
        if batch.of != Some(of) {
            batch = batch.next(of, seat.rollout, out.turns.len());
        }
        let turn = batch.turn(rules, scope, &out.turns);
        let steps = units.steps[unit].clone();
        let inside: BTreeSet<usize> = steps.iter().copied().collect();
        let needs_none = |step: &&usize| drafts[**step].needs.is_disjoint(&inside);
        let first = steps.iter().filter(needs_none).copied().collect();
        out.turns.push(DraftTurn { steps, first, ..turn });
    }
    out
}

fn is_node(scope: &Scope) -> bool {
    scope.node_name().is_some()
}

/// Where a unit stands among all. What is in no rollout comes after those that are, and nodes
/// that the way back goes through after both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    in_service: bool,
    last: bool,
    rollout: usize,
    is_up: bool,
    place: usize,
}

impl Seat {
    fn of(wishes: &Wishes, scope: &Scope, last: bool) -> Self {
        let place = scope.node_name().and_then(|node| wishes.place(node));
        let (rollout, place) = place.unwrap_or((wishes.all.len(), 0));
        Self { in_service: true, last, rollout, is_up: true, place }
    }
}

/// The rules of a rollout while its nodes get their turns.
struct Rules {
    rollout: Rollout,
    /// Which of the plan's rollouts it is.
    position: usize,
    canary: usize,
    batch: Option<usize>,
    /// The nodes that had a turn, in order; without those that were down before.
    nodes: BTreeMap<Scope, usize>,
    /// Whether there were any of these.
    some_down: bool,
}

impl Rules {
    fn of(wishes: &Wishes, seat: Seat, position: usize) -> Self {
        let nodes = BTreeMap::new();
        let wish = wishes.all.get(seat.rollout);
        let mut rollout = wish.map_or_else(Rollout::careful, |wish| wish.rules.clone());
        rollout.last = seat.last;
        if seat.last {
            rollout.max_unavailable = 1;
        }
        let (canary, batch) = wish.map_or((0, None), |wish| (wish.canary, wish.batch));
        Self { rollout, position, canary, batch, nodes, some_down: false }
    }

    /// The number of a node's batch.
    fn batch_of(&mut self, scope: &Scope, is_up: bool) -> usize {
        if !is_up {
            self.some_down = true;
            return 0;
        }
        let count = self.nodes.len();
        let node = *self.nodes.entry(scope.clone()).or_insert(count);
        let first = usize::from(self.some_down);
        match node.checked_sub(self.canary) {
            None => first,
            Some(rest) => {
                let canary = usize::from(self.canary > 0);
                first + canary + self.batch.map_or(0, |size| rest / size.max(1))
            }
        }
    }
}

/// Turns that follow each other under the same rules.
#[derive(Default)]
struct Batch {
    /// Whether its nodes are in service as yet, and up; rollout and number.
    of: Option<(bool, bool, usize, usize)>,
    /// The turns of the batch before.
    before: Vec<usize>,
    /// Which rollout of the configuration it is of.
    wish: usize,
    /// Whether the one before was of the same.
    continues: bool,
    /// Turns of one node each, in order.
    nodes: Vec<Vec<usize>>,
    /// The next turn's number.
    next: usize,
}

impl Batch {
    fn next(self, of: (bool, bool, usize, usize), wish: usize, next: usize) -> Self {
        let continues = self.of.is_some() && self.wish == wish;
        let before = self.nodes.into_iter().flatten().collect();
        Self { of: Some(of), before, wish, continues, nodes: Vec::new(), next }
    }

    /// The next turn, as yet without steps.
    fn turn(&mut self, rules: &Rules, scope: &Scope, earlier: &[DraftTurn]) -> DraftTurn {
        let number = self.next;
        self.next += 1;
        let same = |turn: &&usize| earlier[**turn].scope == *scope;
        // What was begun on a node ends before the next thing on it.
        let own = earlier.iter().rposition(|turn| turn.scope == *scope);
        let mut after: BTreeSet<usize> = own.into_iter().collect();
        let goes_on = self.nodes.last().and_then(|node| node.last()).is_some_and(|t| same(&t));
        let mut pause = false;
        if let Some(node) = self.nodes.last_mut().filter(|_| goes_on) {
            node.push(number);
        } else {
            let lanes = usize::try_from(rules.rollout.max_unavailable).unwrap_or(usize::MAX);
            match self.nodes.len().checked_sub(lanes.max(1)) {
                Some(lane) => after.extend(self.nodes[lane].last()),
                None => {
                    pause = self.continues && !rules.rollout.pause.is_zero();
                    after.extend(&self.before);
                }
            }
            self.nodes.push(vec![number]);
        }
        let after = after.into_iter().collect();
        let (.., rollout, batch) = self.of.unwrap_or_default();
        let (steps, first, scope) = (Vec::new(), Vec::new(), scope.clone());
        DraftTurn { rollout, batch, scope, steps, first, after, pause }
    }
}

/// What begins and ends as one: a bracket, or a step outside of brackets.
struct Units {
    /// The steps of each, never none.
    steps: Vec<Vec<usize>>,
    /// Where each is.
    scopes: Vec<Scope>,
    /// By step.
    of: Vec<usize>,
}

impl Units {
    fn of(drafts: &[Draft]) -> Self {
        let of = Vec::with_capacity(drafts.len());
        let mut units = Self { steps: Vec::new(), scopes: Vec::new(), of };
        let mut of_bracket: BTreeMap<BracketId, usize> = BTreeMap::new();
        for (step, draft) in drafts.iter().enumerate() {
            let new = units.steps.len();
            let unit = draft.bracket.map_or(new, |id| *of_bracket.entry(id).or_insert(new));
            if unit == new {
                units.steps.push(Vec::new());
                units.scopes.push(draft.scope.clone());
            }
            units.steps[unit].push(step);
            units.of.push(unit);
        }
        units
    }

    /// Which others each needs.
    fn needs(&self, drafts: &[Draft]) -> Vec<Vec<usize>> {
        let of_unit = |(unit, steps): (usize, &Vec<usize>)| -> Vec<usize> {
            let needs = steps.iter().flat_map(|step| &drafts[*step].needs);
            let others: BTreeSet<usize> = needs.map(|need| self.of[*need]).collect();
            others.into_iter().filter(|other| *other != unit).collect()
        };
        self.steps.iter().enumerate().map(of_unit).collect()
    }
}

/// A scope is opened only when all is done that its edits need from elsewhere: it is not out of
/// service while somebody waits.
fn before_brackets(units: &Units, drafts: &mut [Draft]) {
    for steps in &units.steps {
        let inside: BTreeSet<usize> = steps.iter().copied().collect();
        let needs = steps.iter().flat_map(|step| &drafts[*step].needs);
        let outside: Vec<usize> = needs.filter(|need| !inside.contains(need)).copied().collect();
        for step in steps {
            if drafts[*step].needs.is_disjoint(&inside) {
                drafts[*step].needs.extend(&outside);
            }
        }
    }
}

/// On a node, what restarts something waits for what did so before.
fn within_brackets(loud: &BTreeSet<usize>, drafts: &mut [Draft]) {
    let needs: Vec<Vec<usize>> = drafts.iter().map(|d| d.needs.iter().copied().collect()).collect();
    let (order, _) = sequence(&needs);
    let mut before: BTreeMap<BracketId, usize> = BTreeMap::new();
    for step in order.into_iter().filter(|step| loud.contains(step)) {
        let Some(bracket) = drafts[step].bracket else { continue };
        drafts[step].needs.extend(before.insert(bracket, step));
    }
}

/// Scopes that would have to be out of service at the same time.
fn entangled(scopes: &[String]) -> Diagnostic {
    Diagnostic::error(
        crate::codes::CYCLE,
        "Scopes need each other",
        format!(
            "Each of these is taken out of service once, and what is changed there needs a change \
             in the next one first: {}.",
            scopes.join(" -> ")
        ),
    )
    .with_help("Remove one of the references between them.")
}
