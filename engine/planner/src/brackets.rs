//! Brackets around scopes: what opens and closes a node around its edits.

use crate::entry::Entry;
use crate::guards;
use crate::order::Draft;
use crate::rollouts::Wishes;
use crate::{PlanInput, Planning};
use addrs::Scope;
use plans::{Action, Bracket, BracketId, Guard, GuardKind, Mode, Op, Problem, Rollout};
use provider::{Edits, Limits, NoRecipe, Recipe};
use std::collections::{BTreeMap, BTreeSet};
use values::{Disruption, Value};

/// Brackets of a plan before its steps have their numbers.
#[derive(Default)]
pub(crate) struct Brackets {
    /// Each with the steps that close it.
    pub(crate) all: Vec<(Bracket, Vec<usize>)>,
    /// Scopes that an earlier plan left out of service.
    pub(crate) left_open: BTreeSet<Scope>,
    /// Scopes that are out of service by themselves.
    pub(crate) down: BTreeSet<Scope>,
}

/// Opens and closes every scope that must be taken out of service, once each. What nobody knows
/// how to surround is planned, and blocked.
pub(crate) fn surround(
    input: &PlanInput<'_, '_>,
    wishes: &Wishes,
    entries: &mut [Entry],
    drafts: &mut Vec<Draft>,
    planning: &mut Planning,
) -> Brackets {
    let mut brackets = Brackets::default();
    // What has drifted is told, and nothing is done about it.
    if input.options.mode == Mode::Drift {
        return brackets;
    }
    let mut costs = costs(entries);
    let others = unselected(&costs, wishes);
    let left_open = &input.options.left_open;
    for node in left_open {
        costs.entry(Scope::node(node)).or_default();
    }
    let taken_out = taken_out(&costs, left_open);
    for (scope, disruption) in costs {
        let limits = limits(&scope, wishes, others.as_ref());
        let edits = Edits {
            scope: &scope,
            cost: disruption,
            project: &input.options.project,
            plan: &input.options.id,
            taken_out: &taken_out,
            left_open: scope.node_name().is_some_and(|node| left_open.contains(node)),
            limits,
        };
        let recipe = recipe(input, &edits, entries, planning);
        let Some(recipe) = recipe else { continue };
        let id = BracketId(u32::try_from(brackets.all.len() + 1).unwrap_or(u32::MAX));
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
        for warning in recipe.warnings.into_iter().map(Problem::into_diagnostic) {
            // What is the same for many scopes is said once.
            if !planning.diagnostics.iter().any(|told| *told == warning) {
                planning.diagnostics.push(warning);
            }
        }
        if recipe.is_open {
            brackets.left_open.insert(scope.clone());
        }
        if recipe.is_down {
            brackets.down.insert(scope.clone());
        }
        let (steps, closing) = (Vec::new(), Vec::new());
        let bracket = Bracket { id, scope, disruption, steps, closing, forecast: recipe.forecast };
        brackets.all.push((bracket, close));
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

/// The nodes that this plan takes out of service, or finds there and brings back.
fn taken_out(costs: &BTreeMap<Scope, Disruption>, left_open: &BTreeSet<String>) -> Value {
    let nodes = costs.iter().filter_map(|(scope, cost)| Some((scope.node_name()?, cost)));
    let out = nodes.filter(|(node, cost)| **cost >= Disruption::Drain || left_open.contains(*node));
    Value::list(out.map(|(node, _)| Value::from(node)))
}

/// The nodes that this plan drains and no rollout selects, when there are several: the careful rules
/// hold for them as if they were those of one rollout.
fn unselected(costs: &BTreeMap<Scope, Disruption>, wishes: &Wishes) -> Option<Value> {
    let taken_out = taken_out(costs, &BTreeSet::new());
    let names = taken_out.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
    let names: Vec<&str> = names.filter(|node| wishes.of_node(node).is_none()).collect();
    (names.len() > 1).then(|| Value::list(names.into_iter().map(Value::from)))
}

/// What holds for the nodes that a node is one of.
fn limits<'w>(scope: &Scope, wishes: &'w Wishes, others: Option<&'w Value>) -> Option<Limits<'w>> {
    let careful =
        |nodes| Limits { nodes, max_unavailable: Rollout::careful().max_unavailable, drain: None };
    match wishes.of_node(scope.node_name()?) {
        Some(wish) => Some(Limits {
            nodes: &wish.listed,
            max_unavailable: wish.rules.max_unavailable,
            drain: wish.drain,
        }),
        None => others.map(careful),
    }
}

/// What surrounds the edits of a scope. What must be looked at first is asked for; what is in the
/// way is said.
fn recipe(
    input: &PlanInput<'_, '_>,
    edits: &Edits<'_>,
    entries: &mut [Entry],
    planning: &mut Planning,
) -> Option<Recipe> {
    let bracketing = input.catalog.bracketing();
    let mut seen = None;
    if let Some(wanted) = bracketing.looks(edits) {
        let Some(observation) = input.observed.get(&wanted.identity.key) else {
            planning.needs.observations.push(wanted);
            return None;
        };
        seen = Some(observation);
    }
    match bracketing.recipe(edits, seen) {
        Ok(recipe) => recipe,
        Err(NoRecipe::Unseen(problem)) => {
            planning.diagnostics.push(problem.into_diagnostic());
            None
        }
        Err(NoRecipe::Unknown(why)) => {
            let costly = entries.iter_mut().filter(|e| e.change.scope == *edits.scope);
            for entry in costly.filter(|e| e.change.disruption == edits.cost) {
                let guard = Guard { kind: GuardKind::Disruption, why: why.clone() };
                entry.change.blocked.push(guard);
            }
            None
        }
    }
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
            open: false,
        });
        after = Some(drafts.len() - 1);
        out.extend(after);
    }
    out
}
