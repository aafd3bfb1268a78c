//! From what was sent to the normal form.

use apimachinery::types::{Field, MapType, Schema, Type, TypeId};
use serde_json::{Map, Value};

use super::scalar;

/// An object in normal form, and what was wrong with it that did not matter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// Such as `unknown field "spec.foo"`; errors where the request asks for strictness.
    pub(crate) strict: Vec<String>,
}

/// A value that cannot be what its field needs. The text is the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecodeError(pub(crate) String);

/// Reads an object of this type; `kind` is named in messages.
pub(crate) fn decode(
    schema: &Schema,
    type_id: TypeId,
    kind: &str,
    sent: &Value,
) -> Result<Decoded, DecodeError> {
    let mut reader = Reader { schema, kind, strict: Vec::new() };
    let object =
        reader.value(schema.get(type_id), sent, "")?.unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Decoded { object, strict: reader.strict })
}

struct Reader<'a> {
    schema: &'a Schema,
    kind: &'a str,
    strict: Vec<String>,
}

impl Reader<'_> {
    /// The value in normal form; `None` where it says no more than absence.
    fn value(
        &mut self,
        definition: &Type,
        sent: &Value,
        path: &str,
    ) -> Result<Option<Value>, DecodeError> {
        if sent.is_null() {
            return Ok(None);
        }
        match (definition.scalar, &definition.list, &definition.map) {
            // Custom objects: whatever is sent is kept, nulls included.
            (Some(_), Some(_), Some(_)) | (None, None, None) => Ok(Some(sent.clone())),
            (Some(kind), _, _) => {
                scalar::normal(kind, sent).map(Some).map_err(|wrong| self.wrong(wrong, sent, path))
            }
            (None, Some(list), _) => {
                let items =
                    sent.as_array().ok_or_else(|| self.wrong(scalar::Wrong::Type, sent, path))?;
                let element = self.schema.get(list.element);
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let item = self.value(element, item, &format!("{path}[{index}]"))?;
                    out.push(item.unwrap_or_else(|| zero(element)));
                }
                Ok(Some(Value::Array(out)))
            }
            (None, None, Some(map)) => self.map(map, sent, path).map(Some),
        }
    }

    fn map(&mut self, map: &MapType, sent: &Value, path: &str) -> Result<Value, DecodeError> {
        let entries =
            sent.as_object().ok_or_else(|| self.wrong(scalar::Wrong::Type, sent, path))?;
        let mut out = Map::new();
        for (name, sent) in entries {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if let Some(field) = map.fields.get(name) {
                if let Some(value) = self.field(field, sent, &below)? {
                    out.insert(name.clone(), value);
                }
            } else if let Some(element) = map.element {
                let element = self.schema.get(element);
                let value = self.value(element, sent, &below)?;
                // A null entry of a plain map is the zero of its type, of an open one null.
                let open = element.scalar.is_some() && element.map.is_some();
                let value = value.unwrap_or_else(|| if open { Value::Null } else { zero(element) });
                out.insert(name.clone(), value);
            } else {
                self.strict.push(format!("unknown field {below:?}"));
            }
        }
        Ok(Value::Object(out))
    }

    /// A field of a struct; `None` where its value cannot be told from absence.
    fn field(
        &mut self,
        field: &Field,
        sent: &Value,
        path: &str,
    ) -> Result<Option<Value>, DecodeError> {
        let definition = self.schema.get(field.type_id);
        let value = self.value(definition, sent, path)?;
        if field.pointer {
            return Ok(value);
        }
        Ok(value.filter(|value| match value {
            Value::Bool(value) => *value,
            Value::Number(value) => value.as_f64() != Some(0.0) || is_int_or_string(definition),
            Value::String(value) => !value.is_empty() || is_int_or_string(definition),
            Value::Object(value) => {
                // A struct without anything set is the struct that is always there.
                !(value.is_empty()
                    && definition.map.as_ref().is_some_and(|map| !map.fields.is_empty()))
            }
            Value::Array(_) | Value::Null => true,
        }))
    }

    fn wrong(&self, wrong: scalar::Wrong, sent: &Value, path: &str) -> DecodeError {
        let found = match sent {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        DecodeError(match wrong {
            scalar::Wrong::Type => {
                // Indices are not part of the server's path.
                let path: String = without_indices(path);
                format!("json: cannot unmarshal {found} into Go struct field {}.{path}", self.kind)
            }
            scalar::Wrong::Value(why) => why,
        })
    }
}

fn is_int_or_string(definition: &Type) -> bool {
    definition.scalar == Some(apimachinery::types::Scalar::IntOrString)
}

fn without_indices(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// What a type holds when nothing was said.
fn zero(definition: &Type) -> Value {
    match (definition.scalar, &definition.list, &definition.map) {
        (Some(kind), _, _) => scalar::zero(kind),
        (None, Some(_), _) => Value::Null,
        _ => Value::Object(Map::new()),
    }
}
