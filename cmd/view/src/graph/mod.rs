//! What needs what: as a drawing in words (Graphviz's and Mermaid's), as a picture, as JSON.

mod svg;

pub use svg::svg;

use addrs::ResourceAddr;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A directed graph in the language of Graphviz: from what needs to what is needed.
pub fn dot<'a>(
    nodes: &'a [ResourceAddr],
    edges: impl IntoIterator<Item = (&'a ResourceAddr, &'a ResourceAddr)>,
) -> String {
    let mut out = String::from("digraph {\n  rankdir = \"RL\";\n  node [shape = rect];\n");
    // Writing to a text cannot fail, here and below. Names hold no quotes.
    for node in nodes {
        let _ = writeln!(out, "  \"{node}\";");
    }
    for (from, to) in edges {
        let _ = writeln!(out, "  \"{from}\" -> \"{to}\";");
    }
    out.push_str("}\n");
    out
}

/// A flowchart in the language of Mermaid, which pages of projects draw.
pub fn mermaid<'a>(
    nodes: &'a [ResourceAddr],
    edges: impl IntoIterator<Item = (&'a ResourceAddr, &'a ResourceAddr)>,
) -> String {
    let numbers: BTreeMap<&ResourceAddr, usize> = nodes.iter().zip(1..).collect();
    let mut out = String::from("flowchart RL\n");
    for (node, number) in nodes.iter().zip(1..) {
        let _ = writeln!(out, "  n{number}[\"{node}\"]");
    }
    for (from, to) in edges {
        if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
            let _ = writeln!(out, "  n{from} --> n{to}");
        }
    }
    out
}

/// One JSON object, as `schemas::show::graph` describes it.
pub fn json<'a>(
    nodes: &'a [ResourceAddr],
    edges: impl IntoIterator<Item = (&'a ResourceAddr, &'a ResourceAddr)>,
) -> String {
    schemas::show::document(&schemas::show::graph::Graph::new(nodes, edges))
}
