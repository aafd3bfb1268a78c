//! `LimitRange`s: defaults for pods, and refusals of pods and claims.

use std::sync::Arc;

use apimachinery::limits;
use serde_json::Value;

use crate::catalog::Served;
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

fn ranges(txn: &Txn<'_>, object: &Value) -> Vec<Value> {
    let found: Vec<Arc<Value>> = txn.list("limitranges", Some(meta::namespace(object)));
    found.iter().map(|range| (**range).clone()).collect()
}

/// Adds what a pod does not say.
pub(super) fn fill_in(txn: &Txn<'_>, pod: &mut Value) {
    *pod = limits::admit_pod(&ranges(txn, pod), pod).pod;
}

/// Refuses what is below or above.
pub(super) fn check(txn: &Txn<'_>, served: &Served, object: &Value) -> Result<(), ApiError> {
    let violations = match served.table.as_str() {
        // The defaults are in already, so that only the check remains.
        "pods" => limits::admit_pod(&ranges(txn, object), object).violations,
        "persistentvolumeclaims" => limits::check_claim(&ranges(txn, object), object),
        _ => return Ok(()),
    };
    let why = match violations.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    Err(ApiError::forbidden(&served.resource, meta::name(object), &why))
}
