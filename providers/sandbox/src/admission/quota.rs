//! `ResourceQuota`s: every request that costs something is charged, or refused.

use apimachinery::limits::{self, Amounts};
use serde_json::{Map, Value};

use crate::catalog::Served;
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

/// Charges the quotas of the namespace; nothing is charged if one has no room.
pub(super) fn charge(
    txn: &mut Txn<'_>,
    served: &Served,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    if !served.resource.namespaced {
        return Ok(());
    }
    let quotas = txn.list("resourcequotas", Some(meta::namespace(object)));
    let mut charged = Vec::new();
    for quota in quotas {
        match limits::check_quota(&quota, &served.table, object, old) {
            Ok(None) => {}
            Ok(Some(usage)) => charged.push((quota, usage)),
            Err(refusal) => {
                return Err(ApiError::forbidden(&served.resource, meta::name(object), &refusal.0));
            }
        }
    }
    for (quota, usage) in charged {
        let used = shown(&usage.used);
        if quota["status"]["used"] != used {
            let mut quota = (*quota).clone();
            meta::map_at(&mut quota, "status").insert("used".to_owned(), used);
            txn.put("resourcequotas", quota);
        }
    }
    Ok(())
}

/// Amounts as objects carry them.
pub(crate) fn shown(amounts: &Amounts) -> Value {
    let entries =
        amounts.iter().map(|(name, amount)| (name.clone(), Value::from(amount.to_string())));
    Value::Object(entries.collect::<Map<_, _>>())
}
