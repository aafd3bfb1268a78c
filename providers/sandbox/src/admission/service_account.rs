//! Pods run as a service account, `default` where they do not say.

use serde_json::{Value, json};

use crate::catalog::Served;
use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

pub(super) fn admit(txn: &Txn<'_>, served: &Served, pod: &mut Value) -> Result<(), ApiError> {
    let namespace = meta::namespace(pod).to_owned();
    let spec = meta::map_at(pod, "spec");
    let account = match spec.get("serviceAccountName").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "default".to_owned(),
    };
    spec.insert("serviceAccountName".to_owned(), json!(account));
    spec.insert("serviceAccount".to_owned(), json!(account));
    if txn.get("serviceaccounts", &namespace, &account).is_none() {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        return Err(ApiError::forbidden(&served.resource, meta::name(pod), &why));
    }
    tolerate_outages(meta::map_at(pod, "spec"));
    Ok(())
}

/// Pods stay for five minutes on nodes that are not ready or not reachable.
fn tolerate_outages(spec: &mut serde_json::Map<String, Value>) {
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Some(list) = tolerations.as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let known = list.iter().any(|one| {
            (one["key"] == key || one["key"].is_null())
                && matches!(one["effect"].as_str(), None | Some("NoExecute"))
        });
        if !known {
            list.push(json!({
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }));
        }
    }
}
