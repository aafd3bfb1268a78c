//! Nothing comes into a namespace that is missing or going away.

use serde_json::Value;

use crate::catalog::Served;
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

pub(super) fn admit(txn: &Txn<'_>, served: &Served, object: &Value) -> Result<(), ApiError> {
    if !served.resource.namespaced {
        return Ok(());
    }
    let name = meta::namespace(object);
    let Some(namespace) = txn.get("namespaces", "", name) else {
        return Err(ApiError::namespace_not_found(name));
    };
    if !meta::is_terminating(&namespace) && namespace["status"]["phase"] != "Terminating" {
        return Ok(());
    }
    let why =
        format!("unable to create new content in namespace {name} because it is being terminated");
    let cause = format!("namespace {name} is being terminated");
    Err(ApiError::forbidden(&served.resource, meta::name(object), &why).with_cause(
        "NamespaceTerminating",
        &cause,
        "metadata.namespace",
    ))
}
