//! An account for pods.
//!
//! A `ServiceAccount` is who a pod is to the API server. Rights are given to it with a
//! `role_binding` or `cluster_role_binding`.
//!
//! ```hcl
//! resource "service_account" "builder" {
//!   namespace = "team-a"
//!   name      = "builder"
//!
//!   automount_service_account_token = false
//!   image_pull_secrets              = ["registry"]
//! }
//! ```
//!
//! The names in the object's own list `secrets`, which old clusters fill in, are left alone.
//! The account `default` of each namespace is made by the cluster, so it cannot be declared.
//!
//! # Risks
//!
//! Deleting an account ends the access of the pods that run as it, and new ones of them are
//! refused. Pods that exist keep the setting of the token that they were created with.
//!
//! # See also
//!
//! [Configure Service Accounts for Pods](https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/)

use crate::api::{ApiType, ObjectRef};
use crate::args::{self, each, get, items, put};
use crate::codes;
use crate::fields::Names;
use apimachinery::names;
use plans::Problem;
use values::{Attr, Path, Role, Schema, Type, Value};

/// An account for pods.
pub struct ServiceAccount;

impl ApiType for ServiceAccount {
    const NAME: &'static str = "service_account";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("automount_service_account_token", "automountServiceAccountToken"),
        ("image_pull_secrets[]", "imagePullSecrets[].name"),
        ("image_pull_secrets", "imagePullSecrets"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: at most 253 lower case letters, digits, `-` and `.`."),
            Attr::new(
                "automount_service_account_token",
                Type::Bool,
                Role::Optional,
                "Whether pods of this account find a token for the API server in a file. Left \
                 out they do, unless the pod says otherwise.",
            ),
            Attr::new(
                "image_pull_secrets",
                Type::list(Type::String),
                Role::Optional,
                "Names of Secrets of the namespace with which pods of this account fetch their \
                 images.",
            ),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("service_account.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("v1", "ServiceAccount", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let mut object =
            args::head(&ObjectRef::namespaced("v1", "ServiceAccount", namespace, name), args);
        let automount = get(args, "automount_service_account_token");
        put(&mut object, "automountServiceAccountToken", automount);
        let named = |name: &Value| Value::map([("name", name.clone())]);
        put(&mut object, "imagePullSecrets", &each(get(args, "image_pull_secrets"), named));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        for (i, secret) in items(get(args, "image_pull_secrets")).iter().enumerate() {
            let Some(name) = secret.as_str() else { continue };
            for why in names::dns_1123_subdomain(name) {
                let detail = format!("`{name}` cannot be the name of a Secret: {why}.");
                let path = Path::of("image_pull_secrets").index(i);
                problems.push(Problem::error(codes::IDENTITY, "Invalid name", path, detail));
            }
        }
        problems
    }
}
