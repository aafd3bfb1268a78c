//! Priority classes give pods their priority.

use serde_json::{Value, json};

use crate::catalog::Served;
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

const CLASSES: &str = "priorityclasses.scheduling.k8s.io";

pub(super) fn admit(txn: &Txn<'_>, served: &Served, pod: &mut Value) -> Result<(), ApiError> {
    let asked = pod["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let class = if asked.is_empty() {
        txn.list(CLASSES, None).into_iter().find(|class| class["globalDefault"] == true)
    } else {
        let found = txn.get(CLASSES, "", &asked);
        if found.is_none() {
            let why = format!("no PriorityClass with name {asked} was found");
            return Err(ApiError::forbidden(&served.resource, meta::name(pod), &why));
        }
        found
    };
    let spec = meta::map_at(pod, "spec");
    let value = class.as_ref().and_then(|class| class["value"].as_i64()).unwrap_or(0);
    let policy = class.as_ref().and_then(|class| class["preemptionPolicy"].as_str());
    spec.insert("priority".to_owned(), json!(value));
    spec.insert("preemptionPolicy".to_owned(), json!(policy.unwrap_or("PreemptLowerPriority")));
    if let Some(class) = class {
        spec.insert("priorityClassName".to_owned(), json!(meta::name(&class)));
    }
    Ok(())
}

/// Only one class can be the default.
pub(super) fn check(txn: &Txn<'_>, served: &Served, class: &Value) -> Result<(), ApiError> {
    if served.table != CLASSES || class["globalDefault"] != true {
        return Ok(());
    }
    let name = meta::name(class);
    let mut others = txn.list(CLASSES, None).into_iter();
    match others.find(|c| c["globalDefault"] == true && meta::name(c) != name) {
        None => Ok(()),
        Some(other) => {
            let why = format!(
                "PriorityClass {} is already marked as default. Only one default can exist",
                meta::name(&other)
            );
            Err(ApiError::forbidden(&served.resource, name, &why))
        }
    }
}
