//! From the normal form to what is written.

use apimachinery::types::{Field, Scalar, Schema, Type, TypeId};
use serde_json::{Map, Value};

use super::scalar;

/// Writes an object of this type.
pub(crate) fn encode(schema: &Schema, type_id: TypeId, object: &Value) -> Value {
    value(schema, schema.get(type_id), object)
}

fn value(schema: &Schema, definition: &Type, held: &Value) -> Value {
    match (definition.scalar, &definition.list, &definition.map) {
        (Some(_), _, _) => held.clone(),
        (None, Some(list), _) => match held.as_array() {
            Some(items) => {
                let element = schema.get(list.element);
                Value::Array(items.iter().map(|item| value(schema, element, item)).collect())
            }
            None => Value::Null,
        },
        (None, None, Some(map)) => {
            let Some(entries) = held.as_object() else {
                return if map.fields.is_empty() {
                    Value::Null
                } else {
                    structure(schema, definition, &Map::new())
                };
            };
            if !map.fields.is_empty() {
                return structure(schema, definition, entries);
            }
            let Some(element) = map.element else { return held.clone() };
            let element = schema.get(element);
            Value::Object(
                entries.iter().map(|(k, v)| (k.clone(), value(schema, element, v))).collect(),
            )
        }
        (None, None, None) => held.clone(),
    }
}

fn structure(schema: &Schema, definition: &Type, held: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    let Some(map) = &definition.map else { return Value::Null };
    for (name, field) in &map.fields {
        if let Some(written) = written(schema, field, held.get(name)) {
            out.insert(name.clone(), written);
        }
    }
    if let Some(element) = map.element {
        // A custom object: what is not declared is kept as it is.
        let element = schema.get(element);
        for (name, held) in held {
            if !map.fields.contains_key(name) {
                out.insert(name.clone(), value(schema, element, held));
            }
        }
    }
    Value::Object(out)
}

/// How a field is written; `None` if it is left out.
fn written(schema: &Schema, field: &Field, held: Option<&Value>) -> Option<Value> {
    let definition = schema.get(field.type_id);
    match held {
        Some(held) if field.pointer => Some(value(schema, definition, held)),
        Some(held) => {
            let empty = match held {
                Value::Array(items) => items.is_empty(),
                Value::Object(entries) => entries.is_empty() && !is_struct(definition),
                Value::Null => true,
                _ => false,
            };
            (!(field.omit_empty && empty)).then(|| value(schema, definition, held))
        }
        None if field.pointer => (!field.omit_empty).then_some(Value::Null),
        None => absent(schema, field, definition),
    }
}

/// How the zero of a field that is not a pointer is written.
fn absent(schema: &Schema, field: &Field, definition: &Type) -> Option<Value> {
    if field.omit_zero {
        return None;
    }
    // Go leaves out empty scalars, lists and maps, but never a struct.
    let go_struct = is_struct(definition)
        || matches!(
            definition.scalar,
            Some(
                Scalar::Quantity
                    | Scalar::Time
                    | Scalar::MicroTime
                    | Scalar::IntOrString
                    | Scalar::Duration
                    | Scalar::Any
            )
        );
    if field.omit_empty && !go_struct {
        return None;
    }
    Some(match (definition.scalar, &definition.map) {
        (Some(kind), _) => scalar::zero(kind),
        (None, Some(_)) if go_struct => structure(schema, definition, &Map::new()),
        _ => Value::Null,
    })
}

fn is_struct(definition: &Type) -> bool {
    definition.map.as_ref().is_some_and(|map| !map.fields.is_empty() || map.element.is_none())
}
