//! The garbage collector: what is owned goes with its last owner.

use serde_json::Value;

use crate::catalog;
use crate::handlers::{Env, delete};
use crate::meta;
use crate::store::Txn;

/// Deletes the objects whose only owner is gone, and forgets the owner in the others.
pub(super) fn collect(txn: &mut Txn<'_>, env: &Env<'_>, gone: &Value) {
    let uid = meta::text(gone, "uid").to_owned();
    for (served, object) in dependents(txn, &uid) {
        let owners = object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
        let rest: Vec<Value> =
            owners.into_iter().filter(|owner| owner["uid"] != uid.as_str()).collect();
        if rest.is_empty() {
            delete::remove(txn, env, &served, &object);
        } else {
            let mut object = (*object).clone();
            meta::set(&mut object, "ownerReferences", Value::Array(rest));
            txn.put(&served.table, object);
        }
    }
}

/// Makes the objects of an owner independent of it.
pub(crate) fn orphan(txn: &mut Txn<'_>, owner: &Value) {
    let uid = meta::text(owner, "uid").to_owned();
    for (served, object) in dependents(txn, &uid) {
        let mut object = (*object).clone();
        let owners = object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
        let rest: Vec<Value> =
            owners.into_iter().filter(|owner| owner["uid"] != uid.as_str()).collect();
        meta::put(&mut object, "ownerReferences", (!rest.is_empty()).then_some(Value::Array(rest)));
        txn.put(&served.table, object);
    }
}

fn dependents(txn: &Txn<'_>, uid: &str) -> Vec<(catalog::Served, std::sync::Arc<Value>)> {
    if uid.is_empty() {
        return Vec::new();
    }
    let owned = txn.owned_by(uid).into_iter();
    owned.filter_map(|(table, object)| Some((catalog::find_table(txn, &table)?, object))).collect()
}
