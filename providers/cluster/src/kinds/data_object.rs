//! One object of the API, whoever made it.
//!
//! ```hcl
//! data "object" "dns" {
//!   api_version = "v1"
//!   kind        = "Service"
//!   namespace   = "kube-system"
//!   name        = "kube-dns"
//! }
//!
//! output "dns_address" {
//!   value = data.object.dns.object.spec.clusterIP
//! }
//! ```
//!
//! The object is read while the plan is made. Data of a Secret is sensitive.
//!
//! # See also
//!
//! [Kubernetes API Concepts](https://kubernetes.io/docs/reference/using-api/api-concepts/)

use super::looked_for;
use crate::args::{self, get, text};
use crate::codes;
use addrs::TypeName;
use apimachinery::names;
use plans::Problem;
use provider::DataKind;
use values::{Attr, Path, Role, Schema, Type, Value};

/// One object of the API.
pub struct DataObject {
    name: TypeName,
    schema: Schema,
}

impl DataObject {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("object"), schema: schema() }
    }
}

impl Default for DataObject {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let mut attrs = looked_for::kind().to_vec();
    attrs.extend([
        Attr::new(
            "namespace",
            Type::String,
            Role::Optional,
            "The namespace that it lives in, for kinds that live in one.",
        ),
        Attr::new("name", Type::String, Role::Required, "The name of the object."),
        Attr::new(
            "optional",
            Type::Bool,
            Role::Optional,
            "Whether it may be missing; `object` is then null. Left out, that is an error.",
        ),
        Attr::new(
            "object",
            Type::Any,
            Role::Computed,
            "The whole object as the server holds it, without bookkeeping.",
        ),
    ]);
    Schema::new(attrs)
}

impl DataKind for DataObject {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("data_object.rs")
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let mut problems = looked_for::check_kind(args);
        if let Some(name) = get(args, "name").as_str() {
            problems.extend(args::check_name("name", name, names::path_segment));
        }
        let namespaced = looked_for::namespaced(args);
        if namespaced == Some(true) && get(args, "namespace").is_null() {
            let detail = format!("A {} lives in a namespace.", text(args, "kind"));
            let path = Path::of("kind");
            let problem = Problem::error(codes::LOOK, "Object cannot be looked for", path, detail);
            problems.push(problem.with_help("Write `namespace`, even if it is `default`."));
        }
        problems
    }
}
