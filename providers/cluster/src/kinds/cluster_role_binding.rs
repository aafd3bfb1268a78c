//! Who has a role in the whole cluster.
//!
//! A `ClusterRoleBinding` gives the rights of a `cluster_role`, in all namespaces and outside
//! of them, to accounts, users and groups.
//!
//! ```hcl
//! resource "cluster_role_binding" "monitoring" {
//!   name = "monitoring"
//!
//!   role_ref {
//!     name = "monitoring"
//!   }
//!   subject {
//!     kind      = "ServiceAccount"
//!     namespace = "monitoring"
//!     name      = "prometheus"
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
//! it anew, and in between nobody has the rights. `cluster-admin` may do everything; prefer a
//! role with just what is needed. The server lets nobody bind a role with rights that they do
//! not have themselves, unless they have the verb `bind` on it.
//!
//! # See also
//!
//! [Using RBAC Authorization](https://kubernetes.io/docs/reference/access-authn-authz/rbac/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, get};
use crate::fields::Names;
use crate::kinds::rbac;
use plans::{Note, Problem};
use values::{Path, Schema, Value};

/// Who has a role in the whole cluster.
pub struct ClusterRoleBinding;

impl ApiType for ClusterRoleBinding {
    const NAME: &'static str = "cluster_role_binding";
    const NAMES: Names = Names(&[
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
            args::name("The name: any text without `/` and `%`."),
            rbac::role_ref(
                "Which role: `name` is that of a cluster role; `kind` can be left out and is \
                 `ClusterRole`. Changing it replaces the binding.",
            ),
            rbac::subjects(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("cluster_role_binding.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let problems = rbac::check_name(args);
        if problems.is_empty() {
            let name = args::text(args, "name");
            Ok(ObjectRef::cluster_wide(rbac::VERSION, "ClusterRoleBinding", name))
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        let name = args::text(args, "name");
        let object = ObjectRef::cluster_wide(rbac::VERSION, "ClusterRoleBinding", name);
        let mut object = args::head(&object, args);
        rbac::put_binding(&mut object, args, Some("ClusterRole"));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        problems.extend(rbac::check_binding(args, &["ClusterRole"]));
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        let admin = get(get(seen.args, "role_ref"), "name").as_str() == Some("cluster-admin");
        let note = || Note {
            path: Path::of("role_ref").attr("name"),
            text: "may do everything in the whole cluster".to_owned(),
        };
        (admin.then(note).into_iter().collect(), Vec::new())
    }
}
