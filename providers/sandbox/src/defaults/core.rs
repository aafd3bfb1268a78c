//! Defaults of the kinds of the core group.

use serde_json::{Map, Value};

use super::{default, inside, items, round_amounts, round_resources};
use crate::meta;

/// Of a `LimitRange`: the completion of its own defaults.
pub(super) fn limit_range(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    for item in items(spec, "limits") {
        for field in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            round_amounts(inside(item, field));
        }
        apimachinery::limits::complete_item(item);
    }
}

pub(super) fn resource_quota(object: &mut Value) {
    round_amounts(inside(meta::map_at(object, "spec"), "hard"));
    if let Some(status) = inside(meta::as_map(object), "status") {
        round_amounts(inside(status, "hard"));
        round_amounts(inside(status, "used"));
    }
}

/// Every namespace carries its name as a label.
pub(super) fn namespace(object: &mut Value) {
    let name = meta::name(object).to_owned();
    if name.is_empty() {
        return;
    }
    let labels = meta::map_at(object, "metadata")
        .entry("labels")
        .or_insert_with(|| Value::Object(Map::new()));
    meta::as_map(labels).insert("kubernetes.io/metadata.name".to_owned(), Value::from(name));
}

pub(super) fn secret(object: &mut Value) {
    default(meta::as_map(object), "type", "Opaque");
}

/// A node that says nothing about what may be allocated offers all it has.
pub(super) fn node(object: &mut Value) {
    let Some(status) = inside(meta::as_map(object), "status") else { return };
    if let (None, Some(capacity)) = (status.get("allocatable"), status.get("capacity").cloned()) {
        status.insert("allocatable".to_owned(), capacity);
    }
    round_amounts(inside(status, "capacity"));
    round_amounts(inside(status, "allocatable"));
}

pub(super) fn claim(object: &mut Value) {
    claim_spec(meta::map_at(object, "spec"));
}

pub(super) fn claim_spec(spec: &mut Map<String, Value>) {
    default(spec, "volumeMode", "Filesystem");
    round_resources(spec);
}

pub(super) fn volume(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    default(spec, "persistentVolumeReclaimPolicy", "Retain");
    default(spec, "volumeMode", "Filesystem");
    if let Some(path) = inside(spec, "hostPath") {
        default(path, "type", "");
    }
    round_amounts(inside(spec, "capacity"));
}
