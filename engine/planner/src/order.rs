//! Steps, and what each needs.

use crate::brackets::surround;
use crate::entry::{Entry, Former};
use crate::rollouts::Wishes;
use crate::roster::Roster;
use crate::turns::{Turns, take_turns};
use crate::{PlanInput, Planning, create_first, declare};
use addrs::{InstanceAddr, Scope};
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use plans::{Action, Bracket, BracketId, Op, Step, StepId, Turn};
use std::collections::{BTreeMap, BTreeSet};

/// An order in which each comes after what it needs; ties by position. The second list is one
/// cycle, in the order of its hops, when there is no such order.
pub(crate) fn sequence(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    sequence_with(needs, |_| ())
}

/// The same with ties by rank, and then by position.
pub(crate) fn sequence_with<R: Ord>(
    needs: &[Vec<usize>],
    rank: impl Fn(usize) -> R,
) -> (Vec<usize>, Vec<usize>) {
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (i, list) in needs.iter().enumerate() {
        for need in list {
            wanted_by[*need].push(i);
        }
    }
    let free = (0..needs.len()).filter(|i| missing[*i] == 0);
    let mut ready: BTreeSet<(R, usize)> = free.map(|i| (rank(i), i)).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some((_, next)) = ready.pop_first() {
        order.push(next);
        for user in &wanted_by[next] {
            missing[*user] -= 1;
            if missing[*user] == 0 {
                ready.insert((rank(*user), *user));
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
pub(crate) struct Draft {
    pub(crate) addr: Option<InstanceAddr>,
    pub(crate) scope: Scope,
    pub(crate) action: Action,
    pub(crate) op: Op,
    pub(crate) record: Option<plans::Recorded>,
    pub(crate) needs: BTreeSet<usize>,
    pub(crate) bracket: Option<BracketId>,
    /// Whether what must hold before it is known only after apply.
    pub(crate) open: bool,
}

/// Turns decisions into changes and steps of the plan.
pub(crate) fn lay_steps(
    input: &PlanInput<'_, '_>,
    declared: &declare::Declaration<'_>,
    mut entries: Vec<Entry>,
    planning: &mut Planning,
) {
    if let Some(problem) = create_first::spread(input, &mut entries) {
        planning.diagnostics.push(problem);
        show(entries, planning);
        return;
    }
    let mut drafts: Vec<Draft> = Vec::new();
    let mut spans: Vec<std::ops::Range<usize>> = Vec::new();
    for entry in &entries {
        let first = drafts.len();
        for (i, op) in entry.ops.iter().enumerate() {
            let action = step_action(entry, i);
            let last = i + 1 == entry.ops.len();
            // What is several objects is remembered until the last of them is gone.
            let more = entry.change.action == Action::Delete && !last;
            let turned = entry.change.create_first;
            let gone = action == Action::Delete && !entry.is_former() && !more && !turned;
            let record = if turned && !last { &entry.old } else { &entry.record };
            drafts.push(Draft {
                addr: Some(entry.change.addr.clone()),
                scope: entry.change.scope.clone(),
                action,
                op: op.clone(),
                record: if gone { None } else { record.clone() },
                needs: (i > 0).then(|| first + i - 1).into_iter().collect(),
                bracket: None,
                open: entry.open && matches!(action, Action::Create | Action::Update),
            });
        }
        spans.push(first..drafts.len());
    }
    if !drafts.is_empty() {
        connect(&entries, &spans, &mut drafts);
    }
    let wishes = Wishes::of(&Roster { input, declared, entries: &entries }, planning);
    let brackets = surround(input, &wishes, &mut entries, &mut drafts, planning);
    match take_turns(&entries, &spans, &wishes, &brackets, &mut drafts) {
        Ok(turns) => number(drafts, brackets.all, turns, planning),
        Err(cycle) => {
            planning.diagnostics.extend(cycle);
            return;
        }
    }
    show(entries, planning);
}

fn show(entries: Vec<Entry>, planning: &mut Planning) {
    planning.plan.changes = entries.into_iter().map(|e| e.change).collect();
    planning.plan.changes.sort_by(|a, b| a.addr.cmp(&b.addr));
    planning.plan.remember.sort_by(|a, b| a.0.cmp(&b.0));
}

/// What an operation of a decision does: a replacement deletes and creates.
fn step_action(entry: &Entry, position: usize) -> Action {
    match entry.change.action {
        Action::Replace if entry.removal.contains(&position) => Action::Delete,
        Action::Replace => Action::Create,
        other => other,
    }
}

/// Draws edges between the steps of instances that need each other.
fn connect<'a>(entries: &'a [Entry], spans: &[std::ops::Range<usize>], drafts: &mut [Draft]) {
    let (former, now): (Vec<_>, Vec<_>) =
        entries.iter().enumerate().partition(|(_, e)| e.is_former());
    let by_addr = |entries: Vec<(usize, &'a Entry)>| -> BTreeMap<&'a InstanceAddr, usize> {
        entries.into_iter().map(|(i, e)| (&e.change.addr, i)).collect()
    };
    let (former, at) = (by_addr(former), by_addr(now));
    let deletes = |i: usize| {
        let deleting = matches!(entries[i].change.action, Action::Delete | Action::Replace);
        (deleting && !spans[i].is_empty()).then(|| spans[i].start + entries[i].removal.start)
    };
    let last = |i: usize| (!spans[i].is_empty()).then(|| spans[i].end - 1);
    // After which step there is what others refer to.
    let made = |i: usize| {
        let turned = entries[i].change.create_first;
        if turned { Some(spans[i].start + entries[i].removal.start - 1) } else { last(i) }
    };
    let first = |addr: &InstanceAddr| Some(&spans[*at.get(addr)?]).filter(|s| !s.is_empty());
    let first = |addr: &InstanceAddr| first(addr).map(|span| span.start);
    for (i, entry) in entries.iter().enumerate() {
        // The first step that makes something needs what it refers to.
        let makes = match entry.change.action {
            Action::Delete => None,
            Action::Replace if entry.change.create_first => Some(spans[i].start),
            Action::Replace => {
                (spans[i].len() > entry.removal.end).then(|| spans[i].start + entry.removal.end)
            }
            _ => (!spans[i].is_empty()).then(|| spans[i].start),
        };
        if let Some(makes) = makes {
            let needs = entry.needs.iter().filter_map(|n| at.get(n));
            drafts[makes].needs.extend(needs.filter_map(|n| made(*n)));
        }
        // What it needed is deleted only after it is gone, or no longer needs it.
        let needed = entry.needed.iter().flat_map(|n| [at.get(n), former.get(n)]);
        for needed in needed.flatten().copied() {
            let Some(delete) = deletes(needed) else { continue };
            // What needs a replaced object comes after the new one, hence after the deletion.
            let by = &entries[needed];
            let comes_anew = by.former == Former::GoesFirst && first(&by.change.addr).is_some();
            let own = match (deletes(i), by.change.action) {
                // What is several objects is gone with the last of them.
                (Some(_), _) if entry.change.action == Action::Delete => last(i),
                (Some(own), _) => Some(own),
                (None, Action::Delete) if !comes_anew => last(i),
                // By then it refers to the new one.
                (None, Action::Replace) if by.change.create_first => last(i),
                (None, _) => None,
            };
            drafts[delete].needs.extend(own.filter(|own| *own != delete));
        }
    }
    // An address is the new object's when the old one is gone, in whatever order.
    for (addr, old) in &former {
        if entries[*old].former == Former::GoesLast {
            let new = at.get(addr).and_then(|new| last(*new));
            if let (Some(old), Some(new)) = (deletes(*old).or_else(|| last(*old)), new) {
                drafts[old].needs.insert(new);
            }
        } else if let (Some(old), Some(new)) = (last(*old), first(addr)) {
            drafts[new].needs.insert(old);
        }
    }
}

/// Numbers the steps in an order that they can run in.
fn number(
    drafts: Vec<Draft>,
    mut brackets: Vec<(Bracket, Vec<usize>)>,
    turns: Turns,
    planning: &mut Planning,
) {
    let mut needs: Vec<BTreeSet<usize>> = drafts.iter().map(|d| d.needs.clone()).collect();
    // A turn comes after those that it waits for, though it does not need that they end well.
    for turn in &turns.turns {
        for step in &turn.first {
            let before = turn.after.iter().flat_map(|before| &turns.turns[*before].steps);
            needs[*step].extend(before);
        }
    }
    let needs: Vec<Vec<usize>> = needs.into_iter().map(|n| n.into_iter().collect()).collect();
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
        let of = |(bracket, _): &&mut (Bracket, _)| Some(bracket.id) == draft.bracket;
        if let Some((bracket, close)) = brackets.iter_mut().find(of) {
            bracket.steps.push(id);
            if close.contains(&index) {
                bracket.closing.push(id);
            }
        }
        let mut needs: Vec<StepId> = draft.needs.iter().map(|n| ids[*n]).collect();
        needs.sort_unstable();
        planning.plan.steps.push(Step {
            id,
            addr: draft.addr,
            scope: draft.scope,
            action: draft.action,
            late: draft.open || !draft.op.args.is_known(),
            op: draft.op,
            needs,
            bracket: draft.bracket,
            record: draft.record,
        });
    }
    planning.plan.brackets = brackets.into_iter().map(|(bracket, _)| bracket).collect();
    planning.plan.rollouts = turns.rollouts;
    let numbers = |steps: Vec<usize>| {
        let mut numbers: Vec<StepId> = steps.into_iter().map(|step| ids[step]).collect();
        numbers.sort_unstable();
        numbers
    };
    planning.plan.turns = turns
        .turns
        .into_iter()
        .map(|turn| Turn {
            rollout: turn.rollout,
            batch: turn.batch,
            scope: turn.scope,
            steps: numbers(turn.steps),
            first: numbers(turn.first),
            after: turn.after,
            pause: turn.pause,
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn each_comes_after_what_it_needs_and_ties_keep_their_order() {
        assert_eq!(sequence(&[vec![2], vec![], vec![1], vec![]]), (vec![1, 2, 0, 3], vec![]));
    }

    #[test]
    fn what_ranks_lower_comes_when_nothing_else_is_left_that_can() {
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
