//! Definitions of custom resources: served at once, and taken along with their objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{SERVER_STATUS, set_status};
use crate::catalog;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

/// Says that a definition is accepted and served.
pub(super) fn establish(txn: &mut Txn<'_>, env: &Env<'_>, definition: &Arc<Value>) {
    let Some(served) = catalog::built_in_table(catalog::DEFINITIONS) else { return };
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": env.now_text,
        })
    };
    let versions = definition["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let stored = versions
        .iter()
        .filter(|version| version["storage"] == true)
        .map(|version| &version["name"]);
    let status = json!({
        "acceptedNames": definition["spec"]["names"],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored.collect::<Vec<_>>(),
    });
    if definition["status"]["conditions"]
        .as_array()
        .is_some_and(|conditions| !conditions.is_empty())
        && definition["status"]["acceptedNames"] == status["acceptedNames"]
    {
        return;
    }
    set_status(txn, env, served, definition, status, SERVER_STATUS);
}

/// Deletes the objects of a definition that is gone.
pub(super) fn drop_objects(txn: &mut Txn<'_>, _env: &Env<'_>, definition: &Value) {
    let plural = definition["spec"]["names"]["plural"].as_str().unwrap_or_default();
    let group = definition["spec"]["group"].as_str().unwrap_or_default();
    let table = format!("{plural}.{group}");
    for object in txn.list(&table, None) {
        // Their definition is gone; nobody could remove a finalizer any more.
        let mut object = (*object).clone();
        meta::unset(&mut object, "finalizers");
        txn.delete(&table, &object);
    }
}
