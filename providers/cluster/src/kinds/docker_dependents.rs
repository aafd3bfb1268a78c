//! Workloads that depend on docker, or may, to be looked at before docker goes.
//!
//! ```hcl
//! data "docker_dependents" "all" {}
//!
//! output "needs_docker" {
//!   value = data.docker_dependents.all.table
//! }
//!
//! output "blocking" {
//!   value = [for d in data.docker_dependents.all.dependents : "${d.namespace}: ${d.kind}/${d.name}" if d.class == "blocking"]
//! }
//! ```
//!
//! All pods are looked at while the plan is made, and the templates of all workloads, so that one
//! that runs no pod right now is found too. What is found is told of the object that has to be
//! changed: of the Deployment, say, and not of its pods.
//!
//! | class | what was found |
//! | --- | --- |
//! | `blocking` | a mount of docker's socket or dockershim's, of docker's data, configuration or program, or of a folder that holds the socket or the data |
//! | `review` | a privileged container, `hostPID`, `DOCKER_HOST`, `docker` among the words of a command, an image of docker, a mount of the logs of containers |
//!
//! A mount that is read-only counts, since that does not matter to a socket. What runs on a host
//! outside of the cluster is not seen; `host_facts` says what of docker is on one.
//!
//! When one of the kinds may not be listed, there is an error and no shorter table.
//!
//! # See also
//!
//! [Check whether dockershim removal affects you](https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/check-if-dockershim-removal-affects-you/),
//! [Migrating telemetry and security agents from dockershim](https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/migrating-telemetry-and-security-agents/)

use super::looked_for;
use crate::args::{self, get};
use addrs::TypeName;
use apimachinery::names;
use plans::Problem;
use provider::DataKind;
use values::{Attr, Role, Schema, Type, Value};

/// Workloads that depend on docker.
pub struct DockerDependents {
    name: TypeName,
    schema: Schema,
}

impl DockerDependents {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("docker_dependents"), schema: schema() }
    }
}

impl Default for DockerDependents {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let strings = || Type::list(Type::String);
    let dependent = Type::object([
        ("class", Type::String),
        ("namespace", Type::String),
        ("kind", Type::String),
        ("name", Type::String),
        ("pods", Type::Number),
        ("nodes", strings()),
        ("paths", strings()),
        ("reasons", strings()),
    ]);
    Schema::new(vec![
        looked_for::namespace(),
        Attr::new(
            "dependents",
            Type::list(dependent),
            Role::Computed,
            "What was found, the certain first: `class`, `namespace`, `kind` and `name` of the \
             workload, `pods` (how many of it there are now), `nodes` (where they are), `paths` \
             (of the host, that are mounted) and `reasons` (sentences).",
        ),
        Attr::new(
            "table",
            Type::String,
            Role::Computed,
            "The same as a table for people, with a line for each reason.",
        ),
    ])
}

impl DataKind for DockerDependents {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("docker_dependents.rs")
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        match get(args, "namespace").as_str() {
            Some(name) => args::check_name("namespace", name, names::dns_1123_label),
            None => Vec::new(),
        }
    }
}
