//! Who has a role in one namespace.
//!
//! A `RoleBinding` gives the rights of a `role` of its namespace, or those of a
//! `cluster_role` as far as they concern its namespace, to accounts, users and groups.
//!
//! ```hcl
//! resource "role_binding" "builder_reads_pods" {
//!   namespace = "team-a"
//!   name      = "builder-reads-pods"
//!
//!   role_ref {
//!     kind = "Role"
//!     name = "pod-reader"
//!   }
//!   subject {
//!     kind      = "ServiceAccount"
//!     namespace = "team-a"
//!     name      = "builder"
//!   }
//!   subject {
//!     kind = "Group"
//!     name = "team-a:developers"
//!   }
//! }
//! ```
//!
//! A role or an account that the same configuration declares is created first. A binding may
//! also name what does not exist; it counts as soon as it does.
//!
//! # Risks
//!
//! Which role is bound cannot be changed: another `role_ref` deletes the binding and creates
//! it anew, and in between nobody has the rights. The server lets nobody bind a role with
//! rights that they do not have themselves, unless they have the verb `bind` on it.
//!
//! # See also
//!
//! [Using RBAC Authorization](https://kubernetes.io/docs/reference/access-authn-authz/rbac/)

use crate::api::{ApiType, ObjectRef};
use crate::args;
use crate::fields::Names;
use crate::kinds::rbac;
use apimachinery::names;
use plans::Problem;
use values::{Path, Schema, Value};

/// Who has a role in one namespace.
pub struct RoleBinding;

impl ApiType for RoleBinding {
    const NAME: &'static str = "role_binding";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("role_ref", "roleRef"),
        ("role_ref.api_group", "roleRef.apiGroup"),
        ("subject", "subjects"),
        ("subject[].api_group", "subjects[].apiGroup"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: any text without `/` and `%`."),
            rbac::role_ref(
                "Which role: `kind` is `Role` or `ClusterRole`, `name` is its name. Changing it \
                 replaces the binding.",
            ),
            rbac::subjects(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("role_binding.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let mut problems = args::check_name("namespace", namespace, names::dns_1123_label);
        problems.extend(rbac::check_name(args));
        if problems.is_empty() {
            Ok(ObjectRef::namespaced(rbac::VERSION, "RoleBinding", namespace, name))
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let object = ObjectRef::namespaced(rbac::VERSION, "RoleBinding", namespace, name);
        let mut object = args::head(&object, args);
        rbac::put_binding(&mut object, args, None);
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        problems.extend(rbac::check_binding(args, &["Role", "ClusterRole"]));
        problems
    }
}
