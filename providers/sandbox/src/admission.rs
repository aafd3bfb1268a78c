//! Who else has a say about a request: namespaces, limit ranges, quotas.
//!
//! [`admit_new`] may change the object, before it is validated; [`validate_new`] and
//! [`validate_changed`] only refuse, after it. The order is the real server's, so the
//! quota, which is charged, comes last.

mod lifecycle;
mod limits;
mod priority;
mod protection;
mod quota;
mod service_account;

use serde_json::Value;

pub(crate) use protection::{CLAIM, NOT_READY, VOLUME};
pub(crate) use quota::shown;

use crate::catalog::Served;
use crate::errors::ApiError;
use crate::faults::{self, Webhook};
use crate::handlers::Env;
use crate::store::Txn;

/// A webhook that refuses, or that should have been asked and could not be.
pub(crate) fn refused_by_webhook(webhooks: &[Webhook]) -> Result<(), ApiError> {
    webhooks.iter().find_map(faults::refusal_of_webhook).map_or(Ok(()), Err)
}

/// What happens to a new object before it is validated.
pub(crate) fn admit_new(
    txn: &mut Txn<'_>,
    _env: &Env<'_>,
    served: &Served,
    object: &mut Value,
) -> Result<(), ApiError> {
    lifecycle::admit(txn, served, object)?;
    protection::admit(served, object);
    if served.table == "pods" {
        limits::fill_in(txn, object);
        service_account::admit(txn, served, object)?;
        priority::admit(txn, served, object)?;
    }
    Ok(())
}

/// Who refuses a new object that is valid in itself.
pub(crate) fn validate_new(
    txn: &mut Txn<'_>,
    _env: &Env<'_>,
    served: &Served,
    object: &Value,
) -> Result<(), ApiError> {
    priority::check(txn, served, object)?;
    limits::check(txn, served, object)?;
    quota::charge(txn, served, object, None)
}

/// Who refuses a change that is valid in itself.
pub(crate) fn validate_changed(
    txn: &mut Txn<'_>,
    _env: &Env<'_>,
    served: &Served,
    subresource: &str,
    object: &Value,
    old: &Value,
) -> Result<(), ApiError> {
    if !subresource.is_empty() {
        return Ok(());
    }
    priority::check(txn, served, object)?;
    if served.table == "persistentvolumeclaims" {
        limits::check(txn, served, object)?;
    }
    quota::charge(txn, served, object, Some(old))
}
