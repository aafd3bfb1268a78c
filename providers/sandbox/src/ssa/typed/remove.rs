//! A value without some of its paths.

use apimachinery::types::{ListMerge, ListType, MapType, Schema, TypeId};
use serde_json::{Map, Value};

use super::super::set::Set;
use super::{PathElement, Shape, field_type, item_element, shape};

/// The value without the members of `paths`; null if nothing is left.
pub(crate) fn remove(schema: &Schema, type_id: TypeId, value: &Value, paths: &Set) -> Value {
    let definition = schema.get(type_id);
    let left = match (shape(definition, Some(value)), &definition.map, &definition.list) {
        (Some(Shape::Map), Some(map), _) => from_map(schema, map, value, paths),
        (Some(Shape::List), _, Some(list)) => from_list(schema, list, value, paths),
        (Some(Shape::Scalar), _, _) => Some(value.clone()),
        _ => None,
    };
    left.unwrap_or(Value::Null)
}

fn from_map(schema: &Schema, map: &MapType, value: &Value, paths: &Set) -> Option<Value> {
    let fields = value.as_object().filter(|fields| !fields.is_empty() && !map.atomic)?;
    let mut out = Map::new();
    let mut touched = false;
    for (name, inside) in fields {
        let element = PathElement::Field(name.clone());
        if paths.has_member(&element) {
            continue;
        }
        let inside = match (paths.child(&element), field_type(map, name)) {
            (Some(below), Some(type_id)) => {
                touched = true;
                below_container(schema, type_id, inside, below)
            }
            _ => inside.clone(),
        };
        out.insert(name.clone(), inside);
    }
    // What is emptied from inside stays as an empty map.
    (!out.is_empty() || touched).then_some(Value::Object(out))
}

fn from_list(schema: &Schema, list: &ListType, value: &Value, paths: &Set) -> Option<Value> {
    let items =
        value.as_array().filter(|items| !items.is_empty() && list.merge != ListMerge::Atomic)?;
    let mut out = Vec::new();
    let mut touched = false;
    for item in items {
        let Ok(element) = item_element(schema, list, item) else {
            out.push(item.clone());
            continue;
        };
        if paths.has_member(&element) {
            continue;
        }
        out.push(match paths.child(&element) {
            Some(below) => {
                touched = true;
                below_container(schema, list.element, item, below)
            }
            None => item.clone(),
        });
    }
    (!out.is_empty() || touched).then_some(Value::Array(out))
}

fn below_container(schema: &Schema, type_id: TypeId, value: &Value, paths: &Set) -> Value {
    let left = remove(schema, type_id, value, paths);
    match (&left, value) {
        (Value::Null, Value::Object(_)) => Value::Object(Map::new()),
        (Value::Null, Value::Array(_)) => Value::Array(Vec::new()),
        _ => left,
    }
}
