//! Walks over values guided by their type: check, set of fields, merge, compare, remove.
//!
//! A value that may be several things (custom objects) is taken for what it is; where
//! it says nothing (null), for a map before a scalar before a list.

mod compare;
mod merge;
mod remove;
mod to_set;
mod validate;

use apimachinery::types::{ListMerge, ListType, MapType, Schema, Type, TypeId};
use serde_json::{Map, Value};

use super::path::PathElement;

pub(crate) use compare::{Comparison, compare};
pub(crate) use merge::merge;
pub(crate) use remove::remove;
pub(crate) use to_set::to_set;
pub(crate) use validate::validate;

/// The shape in which a value is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Map,
    Scalar,
    List,
}

/// What this value is taken for; `None` where the type allows nothing at all.
fn shape(definition: &Type, value: Option<&Value>) -> Option<Shape> {
    let said = match value {
        Some(Value::Array(_)) if definition.list.is_some() => Some(Shape::List),
        Some(Value::Object(_)) if definition.map.is_some() => Some(Shape::Map),
        Some(Value::String(_) | Value::Number(_) | Value::Bool(_))
            if definition.scalar.is_some() =>
        {
            Some(Shape::Scalar)
        }
        _ => None,
    };
    said.or_else(|| {
        if definition.map.is_some() {
            Some(Shape::Map)
        } else if definition.scalar.is_some() {
            Some(Shape::Scalar)
        } else {
            definition.list.as_ref().map(|_| Shape::List)
        }
    })
}

/// The type of what lies below, by one step.
pub(crate) fn type_below(definition: &Type, element: &PathElement) -> Option<TypeId> {
    match element {
        PathElement::Field(name) => definition.map.as_ref().and_then(|map| field_type(map, name)),
        _ => definition.list.as_ref().map(|list| list.element),
    }
}

/// The type of a field, or of an entry of a map.
fn field_type(map: &MapType, name: &str) -> Option<TypeId> {
    map.fields.get(name).map(|field| field.type_id).or(map.element)
}

fn as_map(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn as_list(value: Option<&Value>) -> Option<&Vec<Value>> {
    value.and_then(Value::as_array)
}

/// The step that leads to this item of a list that is a map or a set.
fn item_element(schema: &Schema, list: &ListType, item: &Value) -> Result<PathElement, String> {
    match &list.merge {
        ListMerge::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListMerge::Keyed(keys) => keyed_element(schema, list, keys, item),
        ListMerge::Set => match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => {
                Err("not supported: associative list with lists as elements".to_owned())
            }
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null"
                    .to_owned())
            }
            scalar => Ok(PathElement::value(scalar)),
        },
    }
}

fn keyed_element(
    schema: &Schema,
    list: &ListType,
    keys: &[String],
    item: &Value,
) -> Result<PathElement, String> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => {
            return Err("associative list with keys may not have a null element".to_owned());
        }
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let known = schema.get(list.element).map.as_ref();
    let mut found = Vec::new();
    for key in keys {
        let default = || known?.fields.get(key)?.key_default.clone();
        if let Some(value) = fields.get(key).cloned().or_else(default) {
            found.push((key.clone(), value));
        }
    }
    if found.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            keys.join(" ")
        ));
    }
    Ok(PathElement::key(found))
}

/// Whether two values are equal; numbers by their amount, not their spelling.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}
