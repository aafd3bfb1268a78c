//! All objects of a kind, to build resources for each of them.
//!
//! ```hcl
//! data "objects" "teams" {
//!   api_version = "v1"
//!   kind        = "Namespace"
//!   selector    = { "example.com/team" = "true" }
//! }
//!
//! resource "limit_range" "memory" {
//!   for_each  = toset(data.objects.teams.names)
//!   namespace = each.value
//!   name      = "memory"
//!   limit {
//!     type    = "Container"
//!     default = { memory = "512Mi" }
//!   }
//! }
//! ```
//!
//! The objects are read while the plan is made, and come in the order of their namespaces and
//! names. Data of Secrets is sensitive.
//!
//! # See also
//!
//! [Labels and Selectors](https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/)

use super::looked_for;
use crate::args;
use addrs::TypeName;
use plans::Problem;
use provider::DataKind;
use values::{Attr, Role, Schema, Type, Value};

/// All objects of a kind.
pub struct DataObjects {
    name: TypeName,
    schema: Schema,
}

impl DataObjects {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("objects"), schema: schema() }
    }
}

impl Default for DataObjects {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let mut attrs = looked_for::kind().to_vec();
    attrs.extend([
        looked_for::namespace(),
        looked_for::selector("Labels that an object must have. Left out: all objects."),
        Attr::new(
            "names",
            Type::list(Type::String),
            Role::Computed,
            "The names, in the order of `objects`.",
        ),
        Attr::new(
            "objects",
            Type::list(Type::Any),
            Role::Computed,
            "The whole objects as the server holds them, without bookkeeping.",
        ),
    ]);
    Schema::new(attrs)
}

impl DataKind for DataObjects {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("data_objects.rs")
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let mut problems = looked_for::check_kind(args);
        problems.extend(looked_for::check_selector(args));
        problems
    }
}
