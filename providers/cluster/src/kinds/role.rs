//! What may be done in one namespace.
//!
//! A `Role` allows verbs on resources of its namespace; a `role_binding` gives it to someone.
//! There are no rules that forbid.
//!
//! ```hcl
//! resource "role" "pod_reader" {
//!   namespace = "team-a"
//!   name      = "pod-reader"
//!
//!   rule {
//!     api_groups = [""]
//!     resources  = ["pods", "pods/log"]
//!     verbs      = ["get", "list", "watch"]
//!   }
//!   rule {
//!     api_groups     = ["apps"]
//!     resources      = ["deployments"]
//!     resource_names = ["web"]
//!     verbs          = ["patch"]
//!   }
//! }
//! ```
//!
//! The rules belong together: whoever else changes one of them changes what this block says,
//! and the plan puts it back.
//!
//! # Risks
//!
//! The server lets nobody give away more than they have: a plan of someone who lacks one of
//! these rights is refused, and says which. Rules on `secrets`, `pods/exec` and the verbs
//! `escalate`, `bind` and `impersonate` give more than they seem to.
//!
//! # See also
//!
//! [Using RBAC Authorization](https://kubernetes.io/docs/reference/access-authn-authz/rbac/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, get, put};
use crate::fields::Names;
use crate::kinds::rbac;
use apimachinery::names;
use plans::{Note, Problem};
use values::{Path, Schema, Value};

/// What may be done in one namespace.
pub struct Role;

impl ApiType for Role {
    const NAME: &'static str = "role";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("rule", "rules"),
        ("rule[].api_groups", "rules[].apiGroups"),
        ("rule[].resource_names", "rules[].resourceNames"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: any text without `/` and `%`."),
            rbac::rules_of_role(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("role.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let mut problems = args::check_name("namespace", namespace, names::dns_1123_label);
        problems.extend(rbac::check_name(args));
        if problems.is_empty() {
            Ok(ObjectRef::namespaced(rbac::VERSION, "Role", namespace, name))
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let object = ObjectRef::namespaced(rbac::VERSION, "Role", namespace, name);
        let mut object = args::head(&object, args);
        put(&mut object, "rules", &rbac::rules(get(args, "rule")));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        problems.extend(rbac::check_rules(args));
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        (rbac::power(seen.args), Vec::new())
    }
}
