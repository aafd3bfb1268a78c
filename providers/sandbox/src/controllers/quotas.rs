//! The quota controller: `status.hard` and `status.used`.

use std::sync::Arc;

use apimachinery::limits;
use serde_json::{Value, json};

use super::{CONTROLLER_STATUS, set_status};
use crate::admission;
use crate::catalog;
use crate::handlers::Env;
use crate::store::Txn;

/// Counts again what the objects of a namespace use.
pub(super) fn recount(txn: &mut Txn<'_>, env: &Env<'_>, namespace: &str) {
    let quotas = txn.list("resourcequotas", Some(namespace));
    let Some(served) = catalog::built_in_table("resourcequotas") else { return };
    if quotas.is_empty() {
        return;
    }
    let objects = objects(txn, namespace);
    for quota in quotas {
        let counted = objects.iter().map(|(table, object)| (table.as_str(), &**object));
        let used = limits::used_by_all(&quota, counted);
        let hard = &quota["spec"]["hard"];
        let mut status = json!({"used": admission::shown(&used)});
        if !hard.is_null() {
            status["hard"] = hard.clone();
        }
        set_status(txn, env, served, &quota, status, CONTROLLER_STATUS);
    }
}

fn objects(txn: &Txn<'_>, namespace: &str) -> Vec<(String, Arc<Value>)> {
    let tables = txn.tables().into_iter();
    tables
        .flat_map(|table| {
            let objects = txn.list(&table, Some(namespace));
            objects.into_iter().map(move |object| (table.clone(), object))
        })
        .collect()
}
