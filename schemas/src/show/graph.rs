//! `graph -format=json`: what needs what.

use addrs::ResourceAddr;
use schemars::JsonSchema;
use serde::Serialize;

/// All resources and data sources, and what each needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Graph {
    /// Of this object: minor versions add, major versions break.
    pub format_version: String,
    /// In an order in which what is needed comes first.
    pub nodes: Vec<Node>,
    /// From what needs to what is needed.
    pub edges: Vec<Edge>,
}

/// A resource or a data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Node {
    /// As it is written: `module.a.namespace.b`.
    pub address: String,
}

/// One needs another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edge {
    /// What needs.
    pub from: String,
    /// What is needed.
    pub to: String,
}

impl Graph {
    /// Of these nodes and edges.
    pub fn new<'a>(
        nodes: &[ResourceAddr],
        edges: impl IntoIterator<Item = (&'a ResourceAddr, &'a ResourceAddr)>,
    ) -> Self {
        Self {
            format_version: "1.0".to_owned(),
            nodes: nodes.iter().map(|node| Node { address: node.to_string() }).collect(),
            edges: edges
                .into_iter()
                .map(|(from, to)| Edge { from: from.to_string(), to: to.to_string() })
                .collect(),
        }
    }
}
