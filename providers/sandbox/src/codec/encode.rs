//! From the normal form to what is written.

use apimachinery::types::{Field, Scalar, Schema, Type, TypeId};
use serde_json::{Map, Value};

use super::scalar;

/// Writes an object of this type, as it is in the server's memory.
pub(crate) fn encode(schema: &Schema, type_id: TypeId, object: &Value) -> Value {
    Writer { schema, stored: false }.value(schema.get(type_id), object)
}

/// Writes an object of this type, as it comes back from storage.
pub(crate) fn encode_stored(schema: &Schema, type_id: TypeId, object: &Value) -> Value {
    Writer { schema, stored: true }.value(schema.get(type_id), object)
}

struct Writer<'a> {
    schema: &'a Schema,
    stored: bool,
}

impl Writer<'_> {
    fn value(&self, definition: &Type, held: &Value) -> Value {
        match (definition.scalar, &definition.list, &definition.map) {
            (Some(_), _, _) | (None, None, None) => held.clone(),
            (None, Some(list), _) => match held.as_array() {
                Some(items) => {
                    let element = self.schema.get(list.element);
                    Value::Array(items.iter().map(|item| self.value(element, item)).collect())
                }
                None => Value::Null,
            },
            (None, None, Some(map)) => {
                let Some(entries) = held.as_object() else {
                    return if map.fields.is_empty() {
                        Value::Null
                    } else {
                        self.structure(definition, &Map::new())
                    };
                };
                if !map.fields.is_empty() {
                    return self.structure(definition, entries);
                }
                let Some(element) = map.element else { return held.clone() };
                let element = self.schema.get(element);
                Value::Object(
                    entries.iter().map(|(k, v)| (k.clone(), self.value(element, v))).collect(),
                )
            }
        }
    }

    fn structure(&self, definition: &Type, held: &Map<String, Value>) -> Value {
        let mut out = Map::new();
        let Some(map) = &definition.map else { return Value::Null };
        for (name, field) in &map.fields {
            if let Some(written) = self.written(field, held.get(name)) {
                out.insert(name.clone(), written);
            }
        }
        if let Some(element) = map.element {
            // A custom object: what is not declared is kept as it is.
            let element = self.schema.get(element);
            for (name, held) in held {
                if !map.fields.contains_key(name) {
                    out.insert(name.clone(), self.value(element, held));
                }
            }
        }
        Value::Object(out)
    }

    /// How a field is written; `None` if it is left out.
    fn written(&self, field: &Field, held: Option<&Value>) -> Option<Value> {
        let definition = self.schema.get(field.type_id);
        match held {
            Some(held) if field.pointer => Some(self.value(definition, held)),
            Some(held) => {
                let empty = match held {
                    Value::Array(items) => items.is_empty(),
                    Value::Object(entries) => entries.is_empty() && !is_struct(definition),
                    Value::Null => true,
                    _ => false,
                };
                if empty && field.omit_empty {
                    return None;
                }
                Some(if empty && self.stored { Value::Null } else { self.value(definition, held) })
            }
            None if field.pointer => (!field.omit_empty).then_some(Value::Null),
            None => self.absent(field, definition),
        }
    }

    /// How the zero of a field that is not a pointer is written.
    fn absent(&self, field: &Field, definition: &Type) -> Option<Value> {
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
            (None, Some(_)) if go_struct => self.structure(definition, &Map::new()),
            _ => Value::Null,
        })
    }
}

fn is_struct(definition: &Type) -> bool {
    definition.map.as_ref().is_some_and(|map| !map.fields.is_empty() || map.element.is_none())
}
