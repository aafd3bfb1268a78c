//! One spelling for every intent, before it is compared, hashed or sent.
//!
//! This module answers one question: *how would the server store this?* A quantity written
//! `1000m` is stored as `1`, an empty list is not stored at all; sent as written, each would
//! look like a change for ever, or like a conflict with someone who means the same. Start
//! reading at [`canonical`].
//!
//! **Invariant:** nothing of the meaning is lost: the server stores the same object for both
//! spellings. Zero values of optional scalars (`hostNetwork: false`) therefore stay: left
//! out they would mean "no opinion".
//!
//! **Invariant:** of custom resources only nulls are taken away; nothing else is known there.
//!
//! **Not here:** defaults outside of lists that are replaced whole; those the server fills
//! in without making a difference.

use crate::codes;
use apimachinery::quantity;
use apimachinery::types::{self, Field, MapType, Scalar, Schema, TypeId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plans::Problem;
use std::sync::Arc;
use values::{Map, Path, Value};

/// Parts of `metadata` that only the server writes.
const SERVER_METADATA: &[&str] = &[
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "uid",
    "resourceVersion",
    "generation",
    "selfLink",
];

/// The intent as the server would store it.
#[must_use]
pub fn canonical(intent: &Value) -> Value {
    let mut object = intent.as_map().cloned().unwrap_or_default();
    object.remove("status");
    if let Some(Value::Map(metadata)) = object.get("metadata") {
        let mut metadata = Map::clone(metadata);
        metadata.retain(|name, _| !SERVER_METADATA.contains(&&**name));
        object.insert("metadata".into(), Value::map(metadata));
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version == "v1" && kind == "Secret" {
        encode_string_data(&mut object);
    }
    let object = Value::map(object);
    let schema = types::builtin();
    match schema.kind(&version, &kind) {
        Some(ty) => typed(schema, ty, &object),
        None => without_nulls(&object),
    }
}

/// What the object has that only the server may write, with the paths inside the object.
pub fn refused(object: &Value) -> Vec<Problem> {
    let says = |value: Option<&Value>| match value {
        None | Some(Value::Null) => false,
        Some(Value::Map(map)) => !map.is_empty(),
        Some(Value::List(list)) => !list.is_empty(),
        Some(_) => true,
    };
    let mut paths = Vec::new();
    if says(object.get("status")) {
        paths.push(Path::of("status"));
    }
    let metadata = object.get("metadata");
    for name in SERVER_METADATA {
        if says(metadata.and_then(|m| m.get(name))) {
            paths.push(Path::of("metadata").attr(name));
        }
    }
    let problem = |path: Path| {
        let detail = format!("`{path}` is written by the server alone; an apply would ignore it.");
        Problem::error(codes::SERVER_OWNED, "Field of the server", path, detail)
            .with_help("Remove it from the configuration.")
    };
    paths.into_iter().map(problem).collect()
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(_, v)| !v.is_null());
            Value::map(kept.map(|(k, v)| (k.clone(), without_nulls(v))))
        }
        Value::List(items) => Value::list(items.iter().map(without_nulls)),
        Value::Sensitive(hidden) => without_nulls(hidden.expose()).into_sensitive(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) => {
            value.clone()
        }
    }
}

fn typed(schema: &Schema, id: TypeId, value: &Value) -> Value {
    let ty = schema.get(id);
    match value {
        Value::Sensitive(hidden) => typed(schema, id, hidden.expose()).into_sensitive(),
        Value::String(_) | Value::Number(_) if ty.scalar == Some(Scalar::Quantity) => {
            canonical_quantity(value)
        }
        // Free-form JSON, such as a default in a schema: a null may mean something.
        Value::Map(_) | Value::List(_) if ty.scalar == Some(Scalar::Any) => value.clone(),
        Value::List(items) => match &ty.list {
            Some(list) => Value::list(items.iter().map(|v| typed(schema, list.element, v))),
            None => value.clone(),
        },
        Value::Map(map) => match &ty.map {
            Some(known) => {
                let mut fields = typed_fields(schema, known, map);
                fill_in(&ty.name, &mut fields);
                Value::map(fields)
            }
            None => value.clone(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) => {
            value.clone()
        }
    }
}

fn typed_fields(schema: &Schema, known: &MapType, map: &Map) -> Map {
    let mut fields = Map::new();
    for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let field = known.fields.get(&**name);
        let id = field.map(|field| field.type_id).or(known.element);
        let value = id.map_or_else(|| value.clone(), |id| typed(schema, id, value));
        // An empty list is stored as null even where it is always written, which is no list.
        let left_out = |field: &Field| !field.pointer && (field.omit_empty || is_list(&value));
        if field.is_some_and(left_out) && is_empty(schema, id, &value) {
            continue;
        }
        fields.insert(name.clone(), value);
    }
    fields
}

fn is_list(value: &Value) -> bool {
    match value {
        Value::Sensitive(hidden) => is_list(hidden.expose()),
        other => other.as_list().is_some(),
    }
}

/// Whether it is an empty list or an empty object of a known shape. Where the server can tell
/// an empty object from none (`emptyDir: {}`), its field is a pointer and never gets here.
fn is_empty(schema: &Schema, id: Option<TypeId>, value: &Value) -> bool {
    match value {
        Value::Sensitive(hidden) => is_empty(schema, id, hidden.expose()),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty() && id.is_some_and(|id| schema.get(id).map.is_some()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) => {
            false
        }
    }
}

/// A quantity as it is stored; one that is none stays as it is, for the server to refuse.
pub(crate) fn canonical_quantity(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Sensitive(hidden) => return canonical_quantity(hidden.expose()).into_sensitive(),
        other => return other.clone(),
    };
    quantity::canonical(&text).map_or_else(|| value.clone(), Value::string)
}

/// Defaults inside lists that are replaced whole: there a left-out field is a difference.
fn fill_in(ty: &str, fields: &mut Map) {
    const RBAC: &str = "rbac.authorization.k8s.io";
    match ty {
        "networking/v1.NetworkPolicyPort" => set_default(fields, "protocol", "TCP"),
        "core/v1.ObjectFieldSelector" => set_default(fields, "apiVersion", "v1"),
        "rbac/v1.RoleRef" => set_default(fields, "apiGroup", RBAC),
        "rbac/v1.Subject"
            if matches!(fields.get("kind").and_then(Value::as_str), Some("User" | "Group")) =>
        {
            set_default(fields, "apiGroup", RBAC);
        }
        "core/v1.LimitRangeItem"
            if fields.get("type").and_then(Value::as_str) == Some("Container") =>
        {
            complete_limits(fields);
        }
        _ => {}
    }
}

fn set_default(fields: &mut Map, name: &str, value: &str) {
    fields.entry(name.into()).or_insert_with(|| value.into());
}

/// A container's `default` comes from `max`; its `defaultRequest` from `default`, else `min`.
pub(crate) fn complete_limits(item: &mut Map) {
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")]
    {
        if let Some(unknown @ Value::Unknown(_)) = item.get(from) {
            // What is filled in depends on what is not known yet.
            let unknown = unknown.clone();
            item.insert(to.into(), unknown);
            continue;
        }
        let Some(given) = item.get(from).and_then(Value::as_map).cloned() else { continue };
        let mut filled = match item.get(to) {
            Some(Value::Map(map)) => Map::clone(map),
            None | Some(Value::Null) => Map::new(),
            // Not known or not an object: nothing can be filled in.
            Some(_) => continue,
        };
        for (resource, quantity) in given {
            filled.entry(resource).or_insert(quantity);
        }
        if !filled.is_empty() {
            item.insert(to.into(), Value::map(filled));
        }
    }
}

/// `stringData` is write-only: a key that goes away would stay in `data` for ever.
fn encode_string_data(object: &mut Map) {
    let Some(given) = object.remove("stringData") else { return };
    let Some(plain) = given.as_map() else {
        // Hidden or unknown as a whole, or wrong: the server is to judge it.
        if !given.is_null() {
            object.insert("stringData".into(), given);
        }
        return;
    };
    let mut data = object.get("data").and_then(Value::as_map).cloned().unwrap_or_default();
    data.extend(plain.iter().map(|(key, value)| (key.clone(), encoded(value))));
    object.insert("data".into(), Value::map(data));
}

fn encoded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::string(STANDARD.encode(text.as_bytes())),
        Value::Sensitive(hidden) => encoded(hidden.expose()).into_sensitive(),
        other => other.clone(),
    }
}

/// The object with everything that a `Secret` holds hidden, and other objects as they are.
#[must_use]
pub fn hide_secret_data(object: &Value) -> Value {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let Some(map) = object.as_map() else { return object.clone() };
    if text("apiVersion") != Some("v1") || text("kind") != Some("Secret") {
        return object.clone();
    }
    let mut map = map.clone();
    for name in ["data", "stringData"] {
        let Some(entries) = map.get(name) else { continue };
        let hidden = match entries.as_map() {
            Some(entries) => {
                let hide = |(k, v): (&Arc<str>, &Value)| (k.clone(), v.clone().into_sensitive());
                Value::map(entries.iter().map(hide))
            }
            None => entries.clone().into_sensitive(),
        };
        map.insert(name.into(), hidden);
    }
    Value::map(map)
}
