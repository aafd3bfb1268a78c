//! Definitions of custom resources: served at once, and taken along with their objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{SERVER_STATUS, set_status};
use crate::catalog::{self, Served};
use crate::handlers::{Env, delete};
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

/// Keeps a definition until the last object of its kind is gone.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The definition that is to be deleted, after its objects were: with a finalizer when some of
/// these stay for finalizers of their own.
pub(crate) fn emptied(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    served: &Served,
    definition: &Arc<Value>,
) -> Arc<Value> {
    if served.table != catalog::DEFINITIONS || !env.controllers {
        return definition.clone();
    }
    let table = meta::name(definition).to_owned();
    if let (false, Some(custom)) =
        (meta::is_terminating(definition), catalog::find_table(txn, &table))
    {
        for object in txn.list(&table, None) {
            delete::remove(txn, env, &custom, &object);
        }
    }
    let mut finalizers = meta::finalizers(definition);
    finalizers.retain(|known| known != CLEANUP);
    if !txn.list(&table, None).is_empty() {
        finalizers.push(CLEANUP.to_owned());
    }
    let mut definition = (**definition).clone();
    meta::put(&mut definition, "finalizers", (!finalizers.is_empty()).then(|| json!(finalizers)));
    Arc::new(definition)
}

/// Ends a definition that is being deleted once the last object of its kind is gone.
pub(super) fn finish_if_empty(txn: &mut Txn<'_>, env: &Env<'_>, custom: &Served) {
    let Some(definition) = txn.get(catalog::DEFINITIONS, "", &custom.table) else { return };
    let Some(served) = catalog::built_in_table(catalog::DEFINITIONS) else { return };
    if meta::is_terminating(&definition) && txn.list(&custom.table, None).is_empty() {
        delete::remove(txn, env, served, &definition);
    }
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
