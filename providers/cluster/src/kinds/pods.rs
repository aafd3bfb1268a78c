//! The pods of the cluster: what runs, where, and how it is.
//!
//! ```hcl
//! data "pods" "web" {
//!   namespace = "team-a"
//!   selector  = { app = "web" }
//! }
//!
//! output "ready" {
//!   value = [for pod in data.pods.web.pods : pod.name if pod.ready]
//! }
//! ```
//!
//! The pods are read while the plan is made, and come in the order of their namespaces and
//! names. Names of pods change, so they are for looking and not for building on.
//!
//! # See also
//!
//! [Pods](https://kubernetes.io/docs/concepts/workloads/pods/)

use super::looked_for;
use crate::args;
use addrs::TypeName;
use plans::Problem;
use provider::DataKind;
use values::{Attr, Role, Schema, Type, Value};

/// The pods of the cluster.
pub struct Pods {
    name: TypeName,
    schema: Schema,
}

impl Pods {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("pods"), schema: schema() }
    }
}

impl Default for Pods {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let pod = Type::object([
        ("namespace", Type::String),
        ("name", Type::String),
        ("labels", Type::map(Type::String)),
        ("node?", Type::String),
        ("phase?", Type::String),
        ("ready", Type::Bool),
        ("ip?", Type::String),
        ("restarts", Type::Number),
        ("images", Type::list(Type::String)),
        ("service_account?", Type::String),
        ("priority_class?", Type::String),
    ]);
    Schema::new(vec![
        looked_for::namespace(),
        looked_for::selector("Labels that a pod must have. Left out: all pods."),
        Attr::new("node", Type::String, Role::Optional, "Only pods on this node."),
        Attr::new(
            "names",
            Type::list(Type::String),
            Role::Computed,
            "The names, in the order of `pods`.",
        ),
        Attr::new(
            "pods",
            Type::list(pod),
            Role::Computed,
            "The pods: `namespace`, `name`, `labels`, `node`, `phase`, `ready`, `ip`, `restarts` \
             (of all containers together), `images`, `service_account` and `priority_class`.",
        ),
    ])
}

impl DataKind for Pods {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("pods.rs")
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        looked_for::check_selector(args)
    }
}
