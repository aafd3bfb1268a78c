//! Brackets around scopes: what opens and closes a node around its edits.

use crate::decide::Entry;
use crate::guards;
use crate::order::Draft;
use crate::rollouts::Wishes;
use crate::{PlanInput, Planning};
use addrs::Scope;
use plans::{Action, Bracket, BracketId, Guard, GuardKind, Mode, Op, Problem};
use provider::{Edits, Limits, NoRecipe, Recipe};
use std::collections::BTreeMap;
use values::Disruption;

/// Opens and closes every scope that must be taken out of service, once each. What nobody knows
/// how to surround is planned, and blocked.
pub(crate) fn surround(
    input: &PlanInput<'_, '_>,
    wishes: &Wishes,
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
        let recipe = recipe(input, wishes, &scope, disruption, entries, planning);
        let Some(recipe) = recipe else { continue };
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
        for warning in recipe.warnings.into_iter().map(Problem::into_diagnostic) {
            // What is the same for many scopes is said once.
            if !planning.diagnostics.iter().any(|told| *told == warning) {
                planning.diagnostics.push(warning);
            }
        }
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
    wishes: &Wishes,
    scope: &Scope,
    disruption: Disruption,
    entries: &mut [Entry],
    planning: &mut Planning,
) -> Option<Recipe> {
    let (bracketing, options) = (input.catalog.bracketing(), input.options);
    let wish = scope.node_name().and_then(|node| wishes.of_node(node));
    let edits = Edits {
        scope,
        cost: disruption,
        project: &options.project,
        plan: &options.id,
        limits: wish.map(|wish| Limits {
            nodes: &wish.listed,
            max_unavailable: wish.rules.max_unavailable,
            drain: wish.drain,
        }),
    };
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
