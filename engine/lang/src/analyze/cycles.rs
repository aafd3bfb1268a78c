//! What needs itself: one shortest cycle of each knot, hop by hop.

use crate::codes;
use crate::graph::{Graph, Node, Other};
use addrs::ModulePath;
use diags::{Diagnostic, Diagnostics};
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, VecDeque};

/// Most edges that the search for a shortest cycle looks at in one knot; beyond that the
/// shortest found so far is told.
const MOST_EDGES: usize = 1_000_000;

/// Most hops that are shown; nobody follows a longer circle with a finger.
const MOST_HOPS: usize = 20;

pub(super) fn check(graph: &Graph, stuck: &[u32], told: &mut Diagnostics) {
    if stuck.is_empty() {
        return;
    }
    let mut knots = knots(graph, stuck);
    knots.sort();
    for knot in knots {
        if let Some(cycle) = shortest(graph, &knot) {
            told.push(report(graph, &cycle));
        }
    }
}

/// The strongly connected parts among the nodes that have no order. Kosaraju's algorithm,
/// since petgraph's version of it needs no stack that grows with the graph.
fn knots(graph: &Graph, stuck: &[u32]) -> Vec<Vec<u32>> {
    let mut part: DiGraph<u32, ()> = DiGraph::new();
    let index: BTreeMap<u32, _> = stuck.iter().map(|n| (*n, part.add_node(*n))).collect();
    for (n, from) in &index {
        for (to, _) in &graph.needs[*n as usize] {
            if let Some(to) = index.get(to) {
                part.add_edge(*from, *to, ());
            }
        }
    }
    petgraph::algo::kosaraju_scc(&part)
        .into_iter()
        .map(|knot| {
            let mut knot: Vec<u32> = knot.into_iter().map(|n| part[n]).collect();
            knot.sort_unstable();
            knot
        })
        .filter(|knot| match knot.as_slice() {
            [one] => graph.needs[*one as usize].iter().any(|(to, _)| to == one),
            _ => true,
        })
        .collect()
}

/// The nodes of a shortest cycle within a knot, in the order of their need: from every node
/// breadth first back to itself, no further than the best so far.
fn shortest(graph: &Graph, knot: &[u32]) -> Option<Vec<u32>> {
    let local: BTreeMap<u32, usize> = knot.iter().copied().zip(0..).collect();
    let inner = |n: &u32| graph.needs[*n as usize].iter().filter_map(|(to, _)| local.get(to));
    let needs: Vec<Vec<usize>> = knot.iter().map(|n| inner(n).copied().collect()).collect();
    let mut best: Option<Vec<usize>> = None;
    let mut looked = 0;
    // Who led to a node, and in which search; a new search need not clear anything.
    let mut from: Vec<(usize, usize)> = vec![(usize::MAX, 0); knot.len()];
    for start in 0..knot.len() {
        let limit = best.as_ref().map_or(usize::MAX, Vec::len);
        if limit <= 1 || looked > MOST_EDGES {
            break;
        }
        let mut open = VecDeque::from([(start, 1usize)]);
        'search: while let Some((n, length)) = open.pop_front() {
            if length >= limit {
                break;
            }
            for to in &needs[n] {
                looked += 1;
                if *to == start {
                    best = Some(unfold(&from, start, n));
                    break 'search;
                }
                if from[*to].0 != start {
                    from[*to] = (start, n);
                    open.push_back((*to, length + 1));
                }
            }
        }
    }
    best.map(|path| path.into_iter().map(|i| knot[i]).collect())
}

fn unfold(from: &[(usize, usize)], start: usize, last: usize) -> Vec<usize> {
    let mut path = vec![last];
    let mut at = last;
    while at != start {
        at = from[at].1;
        path.push(at);
    }
    path.reverse();
    path
}

fn report(graph: &Graph, cycle: &[u32]) -> Diagnostic {
    let names: Vec<String> = cycle.iter().map(|n| name(graph.node(*n))).collect();
    let quoted = |n: &String| format!("`{n}`");
    let detail = match names.as_slice() {
        [one] => format!("`{one}` refers to itself."),
        [first, .., last] if names.len() > MOST_HOPS => format!(
            "These need each other, so none can come first: {} needs … needs `{last}` needs \
             `{first}`, over {} hops; the first {MOST_HOPS} are shown.",
            names[..3].iter().map(quoted).collect::<Vec<_>>().join(" needs "),
            names.len()
        ),
        _ => {
            let circle = names.iter().chain(names.first()).map(quoted);
            format!(
                "These need each other, so none can come first: {}.",
                circle.collect::<Vec<_>>().join(" needs ")
            )
        }
    };
    let mut d = Diagnostic::error(codes::CYCLE, "Cycle of references", detail);
    for (i, n) in cycle.iter().enumerate().take(MOST_HOPS) {
        let next = cycle[(i + 1) % cycle.len()];
        let edge = graph.needs[*n as usize].iter().find(|(to, _)| *to == next);
        if let Some((_, span)) = edge {
            let to = name(graph.node(next));
            d = d.at(*span, format!("`{}` needs `{to}`", names[i]));
        }
    }
    let resource = cycle.iter().find_map(|n| match graph.node(*n) {
        Node::Resource(addr) => Some(addr),
        Node::Other(_) => None,
    });
    if let Some(addr) = resource {
        d = d.for_address(addr);
    }
    d.with_help("Take one of these references out, or put what both sides need in a third place.")
}

fn name(node: Node<'_>) -> String {
    let call = |path: &ModulePath| {
        path.iter().map(|name| format!("module.{name}")).collect::<Vec<_>>().join(".")
    };
    let at = |path: &ModulePath, rest: &str| match path.as_slice() {
        [] => rest.to_owned(),
        _ => format!("{}.{rest}", call(path)),
    };
    let other = match node {
        Node::Resource(addr) => return addr.to_string(),
        Node::Other(other) => other,
    };
    match other {
        Other::Call(path) | Other::Gate(path) | Other::All(path) => call(path),
        Other::Local(path, name) => at(path, &format!("local.{name}")),
        Other::Variable(path, name) => at(path, &format!("var.{name}")),
        Other::Output(path, name) => at(path, &format!("output.{name}")),
    }
}
