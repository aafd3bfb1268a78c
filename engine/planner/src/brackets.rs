//! Brackets around scopes: what opens and closes a node around its edits, and one node at a time.

use crate::decide::Entry;
use crate::guards;
use crate::order::{Draft, sequence, sequence_with};
use crate::{PlanInput, Planning};
use addrs::Scope;
use diags::{Diagnostic, Diagnostics};
use plans::{Action, Bracket, BracketId, Guard, GuardKind, Mode, Op, Problem};
use provider::{Edits, NoRecipe, Recipe};
use std::collections::{BTreeMap, BTreeSet};
use values::Disruption;

/// Opens and closes every scope that must be taken out of service, once each. What nobody knows
/// how to surround is planned, and blocked.
pub(crate) fn surround(
    input: &PlanInput<'_, '_>,
    entries: &mut [Entry],
    drafts: &mut Vec<Draft>,
    planning: &mut Planning,
) -> Vec<(Bracket, Vec<usize>)> {
    let mut brackets = Vec::new();
    // What has drifted is told, and nothing is done about it.
    if input.options.mode == Mode::Drift {
        return brackets;
    }
    for (scope, disruption) in costs(entries) {
        let Some(recipe) = recipe(input, &scope, disruption, entries, planning) else { continue };
        let id = BracketId(u32::try_from(brackets.len() + 1).unwrap_or(u32::MAX));
        let edits: Vec<usize> = (0..drafts.len()).filter(|i| drafts[*i].scope == scope).collect();
        let open = chain(drafts, &scope, id, recipe.open, None);
        for edit in &edits {
            drafts[*edit].bracket = Some(id);
            drafts[*edit].needs.extend(open.last());
        }
        let close = chain(drafts, &scope, id, recipe.close, open.last().copied());
        if let Some(first) = close.first() {
            drafts[*first].needs.extend(&edits);
        }
        planning.plan.blocked.extend(guards::lift(input, recipe.guards));
        planning.diagnostics.extend(recipe.warnings.into_iter().map(Problem::into_diagnostic));
        let (steps, closing) = (Vec::new(), Vec::new());
        let bracket = Bracket { id, scope, disruption, steps, closing, forecast: recipe.forecast };
        brackets.push((bracket, close));
    }
    brackets
}

/// The scopes with the highest cost of each.
fn costs(entries: &[Entry]) -> BTreeMap<Scope, Disruption> {
    let mut costs: BTreeMap<Scope, Disruption> = BTreeMap::new();
    for entry in entries.iter().filter(|e| !e.ops.is_empty()) {
        let cost = costs.entry(entry.change.scope.clone()).or_default();
        *cost = (*cost).max(entry.change.disruption);
    }
    costs
}

/// What surrounds the edits of a scope. What must be looked at first is asked for; what is in the
/// way is said.
fn recipe(
    input: &PlanInput<'_, '_>,
    scope: &Scope,
    disruption: Disruption,
    entries: &mut [Entry],
    planning: &mut Planning,
) -> Option<Recipe> {
    let (bracketing, options) = (input.catalog.bracketing(), input.options);
    let edits = Edits { scope, cost: disruption, project: &options.project, plan: &options.id };
    let mut seen = None;
    if let Some(wanted) = bracketing.looks(&edits) {
        let Some(observation) = input.observed.get(&wanted.identity.key) else {
            planning.needs.observations.push(wanted);
            return None;
        };
        seen = Some(observation);
    }
    match bracketing.recipe(&edits, seen) {
        Ok(recipe) => recipe,
        Err(NoRecipe::Unseen(problem)) => {
            planning.diagnostics.push(problem.into_diagnostic());
            None
        }
        Err(NoRecipe::Unknown(why)) => {
            let costly = entries.iter_mut().filter(|e| e.change.scope == *scope);
            for entry in costly.filter(|e| e.change.disruption == disruption) {
                let guard = Guard { kind: GuardKind::Disruption, why: why.clone() };
                entry.change.blocked.push(guard);
            }
            None
        }
    }
}

/// What restarts something on a node, or takes a node out of service, waits for the one before:
/// what is wrong with a setting shows on the first node, and the others keep the old one. Nodes
/// that the way back goes through come after all others, as far as what they need lets them.
pub(crate) fn one_at_a_time(
    entries: &[Entry],
    spans: &[std::ops::Range<usize>],
    drafts: &mut [Draft],
) -> Result<(), Diagnostics> {
    let steps_of = |fits: &dyn Fn(&Entry) -> bool| -> BTreeSet<usize> {
        let fitting = entries.iter().zip(spans).filter(|(entry, _)| fits(entry));
        fitting.flat_map(|(_, span)| span.clone()).collect()
    };
    let loud = steps_of(&|e| e.change.disruption > Disruption::Quiet && is_node(&e.change.scope));
    let last = steps_of(&|e| e.last);
    let units = Units::of(drafts);
    let is_loud = |unit: usize| {
        units.steps[unit].iter().any(|step| {
            let is_bracket = drafts[*step].bracket.is_some();
            loud.contains(step) || (is_bracket && is_node(&drafts[*step].scope))
        })
    };
    let is_last = |unit: usize| units.steps[unit].iter().any(|step| last.contains(step));
    // In an order that they can run in anyway, so that no cycle comes of it.
    let (order, cycle) = sequence_with(&units.needs(drafts), |unit| is_last(unit) && is_loud(unit));
    if !cycle.is_empty() {
        let name = |unit: &usize| drafts[units.steps[*unit][0]].scope.to_string();
        return Err(entangled(&cycle.iter().map(name).collect::<Vec<_>>()).into());
    }
    let order: Vec<usize> = order.into_iter().filter(|unit| is_loud(*unit)).collect();
    within_brackets(&loud, drafts);
    before_brackets(&units, drafts);
    for pair in order.windows(2) {
        let inside: BTreeSet<usize> = units.steps[pair[1]].iter().copied().collect();
        for step in &inside {
            if drafts[*step].needs.is_disjoint(&inside) {
                drafts[*step].needs.extend(&units.steps[pair[0]]);
            }
        }
    }
    Ok(())
}

fn is_node(scope: &Scope) -> bool {
    scope.node_name().is_some()
}

/// What begins and ends as one: a bracket, or a step outside of brackets.
struct Units {
    /// The steps of each.
    steps: Vec<Vec<usize>>,
    /// By step.
    of: Vec<usize>,
}

impl Units {
    fn of(drafts: &[Draft]) -> Self {
        let mut units = Self { steps: Vec::new(), of: Vec::with_capacity(drafts.len()) };
        let mut of_bracket: BTreeMap<BracketId, usize> = BTreeMap::new();
        for (step, draft) in drafts.iter().enumerate() {
            let new = units.steps.len();
            let unit = draft.bracket.map_or(new, |id| *of_bracket.entry(id).or_insert(new));
            if unit == new {
                units.steps.push(Vec::new());
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

/// Appends steps that run one after the other.
fn chain(
    drafts: &mut Vec<Draft>,
    scope: &Scope,
    bracket: BracketId,
    ops: Vec<Op>,
    mut after: Option<usize>,
) -> Vec<usize> {
    let mut out = Vec::new();
    for op in ops {
        drafts.push(Draft {
            addr: None,
            scope: scope.clone(),
            action: Action::NoOp,
            op,
            record: None,
            needs: after.into_iter().collect(),
            bracket: Some(bracket),
        });
        after = Some(drafts.len() - 1);
        out.extend(after);
    }
    out
}
