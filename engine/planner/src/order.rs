//! Steps, what each needs, and brackets around scopes.

use crate::decide::Entry;
use crate::{PlanInput, Planning, declare};
use addrs::{InstanceAddr, Scope};
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use plans::{Action, Bracket, BracketId, Guard, GuardKind, Op, Step, StepId};
use std::collections::{BTreeMap, BTreeSet};
use values::Disruption;

/// An order in which each comes after what it needs; ties by position. The second list is one
/// cycle, in the order of its hops, when there is no such order.
pub(crate) fn sequence(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    sequence_with(needs, |_| false)
}

/// The same with those put off that may come late, until nothing else is left that can come.
fn sequence_with(needs: &[Vec<usize>], late: impl Fn(usize) -> bool) -> (Vec<usize>, Vec<usize>) {
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (i, list) in needs.iter().enumerate() {
        for need in list {
            wanted_by[*need].push(i);
        }
    }
    let free = (0..needs.len()).filter(|i| missing[*i] == 0);
    let mut ready: BTreeSet<(bool, usize)> = free.map(|i| (late(i), i)).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some((_, next)) = ready.pop_first() {
        order.push(next);
        for user in &wanted_by[next] {
            missing[*user] -= 1;
            if missing[*user] == 0 {
                ready.insert((late(*user), *user));
            }
        }
    }
    let cycle = if order.len() == needs.len() { Vec::new() } else { one_cycle(needs) };
    (order, cycle)
}

/// A shortest cycle through the first node of the first strongly connected component.
fn one_cycle(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::with_capacity(needs.len(), needs.len());
    let nodes: Vec<_> = needs.iter().map(|_| graph.add_node(())).collect();
    for (i, list) in needs.iter().enumerate() {
        for need in list {
            graph.add_edge(nodes[i], nodes[*need], ());
        }
    }
    let components = tarjan_scc(&graph);
    let Some(component) = components.iter().find(|c| c.len() > 1) else { return Vec::new() };
    let inside: BTreeSet<usize> = component.iter().map(|n| n.index()).collect();
    let Some(start) = inside.first().copied() else { return Vec::new() };
    let mut from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in needs[at].iter().filter(|n| inside.contains(n)) {
            if *next == start {
                return path_back(&from, start, at);
            }
            if !from.contains_key(next) {
                from.insert(*next, at);
                queue.push_back(*next);
            }
        }
    }
    Vec::new()
}

fn path_back(from: &BTreeMap<usize, usize>, start: usize, end: usize) -> Vec<usize> {
    let mut path = vec![start];
    let mut at = end;
    while at != start {
        path.push(at);
        match from.get(&at) {
            Some(before) => at = *before,
            None => break,
        }
    }
    path.push(start);
    path.reverse();
    path
}

/// What people read of a cycle.
pub(crate) fn in_circle(
    input: &PlanInput<'_, '_>,
    declared: &declare::Declaration<'_>,
    cycle: &[usize],
) -> diags::Diagnostic {
    let evaluator = declare::evaluator(input);
    let names: Vec<String> =
        cycle.iter().map(|i| declared.instances[*i].addr.to_string()).collect();
    let mut diagnostic = diags::Diagnostic::error(
        crate::codes::CYCLE,
        "Resources need each other",
        format!("Each of these needs the next one to exist first: {}.", names.join(" -> ")),
    )
    .with_help("Remove one of the references, or one of the `depends_on`.");
    for i in cycle {
        if let Some(span) = evaluator.place(&declared.instances[*i].addr, &values::Path::root()) {
            diagnostic = diagnostic.at(span, "");
        }
    }
    diagnostic
}

/// A step before it has its number.
struct Draft {
    addr: Option<InstanceAddr>,
    scope: Scope,
    action: Action,
    op: Op,
    record: Option<plans::Recorded>,
    needs: BTreeSet<usize>,
    bracket: Option<BracketId>,
}

/// Turns decisions into changes and steps of the plan.
pub(crate) fn lay_steps(
    input: &PlanInput<'_, '_>,
    mut entries: Vec<Entry>,
    planning: &mut Planning,
) {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut spans: Vec<std::ops::Range<usize>> = Vec::new();
    for entry in &entries {
        let first = drafts.len();
        for (i, op) in entry.ops.iter().enumerate() {
            let action = step_action(entry.change.action, i);
            drafts.push(Draft {
                addr: Some(entry.change.addr.clone()),
                scope: entry.change.scope.clone(),
                action,
                op: op.clone(),
                record: if action == Action::Delete && !entry.former {
                    None
                } else {
                    entry.record.clone()
                },
                needs: (i > 0).then(|| first + i - 1).into_iter().collect(),
                bracket: None,
            });
        }
        spans.push(first..drafts.len());
    }
    connect(&entries, &spans, &mut drafts);
    let brackets = surround(input, &mut entries, &mut drafts);
    one_at_a_time(&entries, &spans, &mut drafts);
    number(drafts, brackets, planning);
    planning.plan.changes = entries.into_iter().map(|e| e.change).collect();
    planning.plan.changes.sort_by(|a, b| a.addr.cmp(&b.addr));
    planning.plan.remember.sort_by(|a, b| a.0.cmp(&b.0));
}

/// A replacement deletes first and creates then.
fn step_action(action: Action, position: usize) -> Action {
    match action {
        Action::Replace if position == 0 => Action::Delete,
        Action::Replace => Action::Create,
        other => other,
    }
}

/// Draws edges between the steps of instances that need each other.
fn connect<'a>(entries: &'a [Entry], spans: &[std::ops::Range<usize>], drafts: &mut [Draft]) {
    let (former, now): (Vec<_>, Vec<_>) = entries.iter().enumerate().partition(|(_, e)| e.former);
    let by_addr = |entries: Vec<(usize, &'a Entry)>| -> BTreeMap<&'a InstanceAddr, usize> {
        entries.into_iter().map(|(i, e)| (&e.change.addr, i)).collect()
    };
    let (former, at) = (by_addr(former), by_addr(now));
    let deletes = |i: usize| {
        let deleting = matches!(entries[i].change.action, Action::Delete | Action::Replace);
        (deleting && !spans[i].is_empty()).then(|| spans[i].start)
    };
    let last = |i: usize| (!spans[i].is_empty()).then(|| spans[i].end - 1);
    let first = |addr: &InstanceAddr| Some(&spans[*at.get(addr)?]).filter(|s| !s.is_empty());
    let first = |addr: &InstanceAddr| first(addr).map(|span| span.start);
    for (i, entry) in entries.iter().enumerate() {
        // The first step that makes something needs what it refers to.
        let makes = match entry.change.action {
            Action::Delete => None,
            Action::Replace => (spans[i].len() > 1).then(|| spans[i].start + 1),
            _ => (!spans[i].is_empty()).then(|| spans[i].start),
        };
        if let Some(makes) = makes {
            let needs = entry.needs.iter().filter_map(|n| at.get(n));
            drafts[makes].needs.extend(needs.filter_map(|n| last(*n)));
        }
        // What it needed is deleted only after it is gone, or no longer needs it.
        let needed = entry.needed.iter().flat_map(|n| [at.get(n), former.get(n)]);
        for needed in needed.flatten().copied() {
            let Some(delete) = deletes(needed) else { continue };
            // What needs a replaced object comes after the new one, hence after the deletion.
            let comes_anew =
                entries[needed].former && first(&entries[needed].change.addr).is_some();
            let own = match (deletes(i), entries[needed].change.action) {
                (Some(own), _) => Some(own),
                (None, Action::Delete) if !comes_anew => last(i),
                (None, _) => None,
            };
            drafts[delete].needs.extend(own.filter(|own| *own != delete));
        }
    }
    // An address is the new object's when the old one is gone.
    for (addr, old) in &former {
        if let (Some(old), Some(new)) = (last(*old), first(addr)) {
            drafts[new].needs.insert(old);
        }
    }
}

/// Opens and closes every scope that must be taken out of service, once each. What nobody knows
/// how to surround is planned, and blocked.
fn surround(
    input: &PlanInput<'_, '_>,
    entries: &mut [Entry],
    drafts: &mut Vec<Draft>,
) -> Vec<Bracket> {
    let mut costs: BTreeMap<Scope, Disruption> = BTreeMap::new();
    for entry in entries.iter().filter(|e| !e.ops.is_empty()) {
        let cost = costs.entry(entry.change.scope.clone()).or_default();
        *cost = (*cost).max(entry.change.disruption);
    }
    let mut brackets = Vec::new();
    for (scope, disruption) in costs {
        let recipe = match input.catalog.bracketing().recipe(&scope, disruption) {
            Ok(Some(recipe)) => recipe,
            Ok(None) => continue,
            Err(why) => {
                let costly = entries.iter_mut().filter(|e| e.change.scope == scope);
                for entry in costly.filter(|e| e.change.disruption == disruption) {
                    let guard = Guard { kind: GuardKind::Disruption, why: why.clone() };
                    entry.change.blocked.push(guard);
                }
                continue;
            }
        };
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
        brackets.push(Bracket { id, scope, disruption, steps: Vec::new() });
    }
    brackets
}

/// What restarts something on a node waits for the one before: what is wrong with a setting shows
/// on the first node, and the others keep the old one. Nodes that the way back goes through come
/// after all others, as far as what they need lets them.
fn one_at_a_time(entries: &[Entry], spans: &[std::ops::Range<usize>], drafts: &mut [Draft]) {
    let restarts = |entry: &Entry| {
        entry.change.disruption > Disruption::Quiet && entry.change.scope.node_name().is_some()
    };
    let loud: BTreeSet<usize> = entries
        .iter()
        .zip(spans)
        .filter(|(entry, _)| restarts(entry))
        .flat_map(|(_, span)| span.clone())
        .filter(|step| drafts[*step].bracket.is_none())
        .collect();
    let needs: Vec<Vec<usize>> = drafts.iter().map(|d| d.needs.iter().copied().collect()).collect();
    let last: BTreeSet<usize> =
        entries.iter().zip(spans).filter(|(e, _)| e.last).flat_map(|(_, s)| s.clone()).collect();
    // In an order that they can run in anyway, so that no cycle comes of it.
    let (order, _) = sequence_with(&needs, |step| last.contains(&step) && loud.contains(&step));
    let mut before: Option<usize> = None;
    for step in order.into_iter().filter(|step| loud.contains(step)) {
        drafts[step].needs.extend(before);
        before = Some(step);
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
        });
        after = Some(drafts.len() - 1);
        out.extend(after);
    }
    out
}

/// Numbers the steps in an order that they can run in.
fn number(drafts: Vec<Draft>, mut brackets: Vec<Bracket>, planning: &mut Planning) {
    let needs: Vec<Vec<usize>> = drafts.iter().map(|d| d.needs.iter().copied().collect()).collect();
    let (order, cycle) = sequence(&needs);
    if !cycle.is_empty() {
        let names: Vec<&str> = cycle.iter().map(|i| drafts[*i].op.text.as_str()).collect();
        planning.diagnostics.push(diags::Diagnostic::error(
            crate::codes::CYCLE,
            "Steps need each other",
            format!("No order of the steps is right: {}.", names.join(" -> ")),
        ));
        return;
    }
    let mut ids = vec![StepId(0); drafts.len()];
    for (position, index) in order.iter().enumerate() {
        ids[*index] = StepId(u32::try_from(position + 1).unwrap_or(u32::MAX));
    }
    let mut steps: Vec<(usize, Draft)> = drafts.into_iter().enumerate().collect();
    steps.sort_by_key(|(index, _)| ids[*index]);
    for (index, draft) in steps {
        let id = ids[index];
        if let Some(bracket) = brackets.iter_mut().find(|b| Some(b.id) == draft.bracket) {
            bracket.steps.push(id);
        }
        let mut needs: Vec<StepId> = draft.needs.iter().map(|n| ids[*n]).collect();
        needs.sort_unstable();
        planning.plan.steps.push(Step {
            id,
            addr: draft.addr,
            scope: draft.scope,
            action: draft.action,
            late: !draft.op.args.is_known(),
            op: draft.op,
            needs,
            bracket: draft.bracket,
            record: draft.record,
        });
    }
    planning.plan.brackets = brackets;
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn each_comes_after_what_it_needs_and_ties_keep_their_order() {
        assert_eq!(sequence(&[vec![2], vec![], vec![1], vec![]]), (vec![1, 2, 0, 3], vec![]));
    }

    #[test]
    fn what_may_come_late_comes_when_nothing_else_is_left_that_can() {
        let needs = [vec![], vec![], vec![], vec![0]];
        let (order, _) = super::sequence_with(&needs, |i| i == 0);
        assert_eq!(order, vec![1, 2, 0, 3]);
    }

    #[test]
    fn a_cycle_is_given_hop_by_hop_and_is_a_shortest_one() {
        let (_, cycle) = sequence(&[vec![1], vec![2, 0], vec![0], vec![0]]);
        assert_eq!(cycle, vec![0, 1, 0]);
    }
}
