//! The `scale` subresource: the number of replicas as an object of its own.

use serde_json::{Value, json};

use super::write::{self, PatchKind};
use super::{Answer, Ask, Written};
use crate::catalog::Served;
use crate::custom::{Definition, columns};
use crate::errors::ApiError;
use crate::meta;
use crate::patch;
use crate::store::Txn;

/// Where the numbers are, as paths such as `.spec.replicas`.
fn paths(served: &Served) -> (String, String, Option<String>) {
    let owned = |path: &str| path.to_owned();
    match served.definition.as_ref().and_then(Definition::scale) {
        Some(paths) => (owned(paths.wanted), owned(paths.present), paths.selector.map(owned)),
        None => (owned(".spec.replicas"), owned(".status.replicas"), None),
    }
}

/// An object's scale.
pub(crate) fn of(served: &Served, object: &Value) -> Value {
    let (wanted, present, selected) = paths(served);
    let number = |path: &str| columns::first(object, path).and_then(Value::as_i64).unwrap_or(0);
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
    let selector = match selected {
        Some(path) => columns::first(object, &path).map_or("", meta::plain).to_owned(),
        None => selector.join(","),
    };
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": shown,
        "spec": {"replicas": number(&wanted)},
        "status": {"replicas": number(&present)},
    });
    if !selector.is_empty() {
        scale["status"]["selector"] = json!(selector);
    }
    scale
}

/// `PUT` and `PATCH` on a scale.
pub(crate) fn change(
    txn: &mut Txn<'_>,
    ask: &Ask<'_>,
    kind: Option<PatchKind>,
    body: &Value,
) -> Answer<Written> {
    let live = super::read::live(txn, ask.target)?;
    let served = &ask.target.served;
    let before = of(served, &live);
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
    set(&mut object, &paths(served).0, json!(replicas));
    let version = wanted["metadata"].get("resourceVersion").cloned();
    meta::put(&mut object, "resourceVersion", version.filter(Value::is_string));
    let written = write::put_changed(txn, ask, &object, &live)?;
    Ok(Written {
        object: std::sync::Arc::new(of(served, &written)),
        created: false,
        warnings: Vec::new(),
    })
}

/// Sets what stands at a path of plain names.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
    let Some(last) = names.pop() else { return };
    let mut inside = object;
    for name in names {
        inside = meta::as_map(inside).entry(name).or_insert_with(|| json!({}));
    }
    meta::as_map(inside).insert(last.to_owned(), value);
}
