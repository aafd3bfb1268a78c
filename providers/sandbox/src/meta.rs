//! Shorthands for the metadata of objects.

use serde_json::{Map, Value};

use crate::store::Key;

/// A text inside the metadata; empty where it is missing.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

/// Where an object stands: namespace (empty for objects of the cluster) and name.
pub(crate) fn key(object: &Value) -> Key {
    (namespace(object).to_owned(), name(object).to_owned())
}

/// The uids of an object's owners.
pub(crate) fn owners(object: &Value) -> Vec<String> {
    let list = object["metadata"]["ownerReferences"].as_array();
    let uids = list.into_iter().flatten().filter_map(|owner| owner["uid"].as_str());
    uids.map(str::to_owned).collect()
}

pub(crate) fn set_resource_version(object: &mut Value, version: u64) {
    set(object, "resourceVersion", Value::from(version.to_string()));
}

/// Sets a field of the metadata.
pub(crate) fn set(object: &mut Value, field: &str, value: Value) {
    map_at(object, "metadata").insert(field.to_owned(), value);
}

/// Removes a field of the metadata.
pub(crate) fn unset(object: &mut Value, field: &str) {
    map_at(object, "metadata").remove(field);
}

/// Sets a field of the metadata, or removes it.
pub(crate) fn put(object: &mut Value, field: &str, value: Option<Value>) {
    match value {
        Some(value) => set(object, field, value),
        None => unset(object, field),
    }
}

/// Whether the object is being deleted.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    let list = object["metadata"]["finalizers"].as_array();
    list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// The map under this field, made where there is none.
pub(crate) fn map_at<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    as_map(as_map(object).entry(field).or_insert_with(|| Value::Object(Map::new())))
}

/// The value as a map; anything else becomes an empty one.
pub(crate) fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("was made a map above"),
    }
}

/// A text where there is one.
pub(crate) fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
