//! The nodes of the cluster, to build resources for each of them.
//!
//! ```hcl
//! data "nodes" "workers" {
//!   selector      = { disk = "special" }
//!   control_plane = false
//! }
//!
//! resource "extended_resource" "dongles" {
//!   for_each = toset(data.nodes.workers.names)
//!   node     = each.value
//!   name     = "example.com/dongle"
//!   quantity = 4
//! }
//! ```
//!
//! The nodes are read while the plan is made, and come in the order of their names.
//!
//! # See also
//!
//! [Nodes](https://kubernetes.io/docs/concepts/architecture/nodes/)

use crate::args::{self, entries, get};
use crate::codes;
use addrs::TypeName;
use apimachinery::names;
use plans::Problem;
use provider::DataKind;
use values::{Attr, Path, Role, Schema, Type, Value};

/// The nodes of the cluster.
pub struct Nodes {
    name: TypeName,
    schema: Schema,
}

impl Nodes {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("nodes"), schema: schema() }
    }
}

impl Default for Nodes {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let strings = || Type::map(Type::String);
    let taint =
        Type::object([("key?", Type::String), ("value?", Type::String), ("effect?", Type::String)]);
    let node = Type::object([
        ("name", Type::String),
        ("labels", strings()),
        ("taints", Type::list(taint)),
        ("unschedulable", Type::Bool),
        ("capacity", strings()),
        ("allocatable", strings()),
        ("kubelet_version?", Type::String),
        ("os?", Type::String),
        ("architecture?", Type::String),
        ("container_runtime?", Type::String),
        ("ready", Type::Bool),
        ("internal_ip?", Type::String),
    ]);
    Schema::new(vec![
        Attr::new(
            "selector",
            strings(),
            Role::Optional,
            "Labels that a node must have. Left out: all nodes.",
        ),
        Attr::new(
            "control_plane",
            Type::Bool,
            Role::Optional,
            "Only nodes of the control plane (`true`) or only others (`false`). Left out: both.",
        ),
        Attr::new("names", Type::list(Type::String), Role::Computed, "The names, sorted."),
        Attr::new(
            "nodes",
            Type::list(node),
            Role::Computed,
            "The nodes in the same order: `name`, `labels`, `taints`, `unschedulable`, \
             `capacity`, `allocatable`, `kubelet_version`, `os`, `architecture`, \
             `container_runtime`, `ready` and `internal_ip`.",
        ),
    ])
}

impl DataKind for Nodes {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("nodes.rs")
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, value) in entries(get(args, "selector")) {
            let path = Path::of("selector").attr(key);
            let wrong = names::qualified_name(key)
                .into_iter()
                .chain(value.as_str().map(names::label_value).unwrap_or_default());
            problems.extend(wrong.map(|why| {
                let detail = format!("No node can have this label: {why}.");
                Problem::error(codes::LABEL, "Invalid selector", path.clone(), detail)
            }));
        }
        problems
    }
}
