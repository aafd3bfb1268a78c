//! The `scale` subresource: the number of replicas as an object of its own.

use serde_json::{Value, json};

use super::write::{self, PatchKind};
use super::{Answer, Ask, Written};
use crate::errors::ApiError;
use crate::meta;
use crate::patch;
use crate::store::Txn;

/// An object's scale.
pub(crate) fn of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut shown = json!({
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    });
    if !metadata["creationTimestamp"].is_null() {
        shown["creationTimestamp"] = metadata["creationTimestamp"].clone();
    }
    let labels = object["spec"]["selector"]["matchLabels"].as_object().cloned().unwrap_or_default();
    let selector: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": shown,
        "spec": {"replicas": object["spec"]["replicas"].as_i64().unwrap_or(0)},
        "status": {
            "replicas": object["status"]["replicas"].as_i64().unwrap_or(0),
            "selector": selector.join(","),
        },
    })
}

/// `PUT` and `PATCH` on a scale.
pub(crate) fn change(
    txn: &mut Txn<'_>,
    ask: &Ask<'_>,
    kind: Option<PatchKind>,
    body: &Value,
) -> Answer<Written> {
    let live = super::read::live(txn, ask.target)?;
    let before = of(&live);
    let wanted = match kind {
        None => body.clone(),
        Some(PatchKind::Json) => patch::json(&before, body)?,
        Some(PatchKind::Merge | PatchKind::Strategic) => patch::merge(&before, body)?,
        Some(PatchKind::Apply) => {
            return Err(ApiError::unsupported_media_type(&[
                "application/json-patch+json",
                "application/merge-patch+json",
            ]));
        }
    };
    let replicas = match &wanted["spec"]["replicas"] {
        Value::Null => 0,
        count => count.as_i64().ok_or_else(|| {
            ApiError::bad_request("spec.replicas of a Scale has to be a whole number")
        })?,
    };
    if replicas < 0 {
        let why = "must be greater than or equal to 0";
        let error = apimachinery::FieldError::invalid("spec.replicas", replicas, why);
        return Err(ApiError::invalid("autoscaling", "Scale", &ask.target.name, &[error]));
    }
    let mut object = (*live).clone();
    meta::map_at(&mut object, "spec").insert("replicas".to_owned(), json!(replicas));
    let version = wanted["metadata"].get("resourceVersion").cloned();
    meta::put(&mut object, "resourceVersion", version.filter(Value::is_string));
    let written = write::put_changed(txn, ask, &object, &live)?;
    Ok(Written { object: std::sync::Arc::new(of(&written)), created: false, warnings: Vec::new() })
}
