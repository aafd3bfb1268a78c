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
    let mut reader = Reader { schema, kind, strict: Vec::new(), stack: Vec::new() };
    let object =
        reader.value(schema.get(type_id), sent)?.unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Decoded { object, strict: reader.strict })
}

struct Reader<'a> {
    schema: &'a Schema,
    kind: &'a str,
    strict: Vec<String>,
    /// The way to the value that is being read.
    stack: Vec<Step<'a>>,
}

/// One step on that way; texts are made of it only when something is wrong.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// A field, and the struct that has it.
    Field(&'a str, &'a str),
    /// An entry of a map.
    Entry(&'a str),
    /// An item of a list.
    Item(usize),
}

impl<'a> Reader<'a> {
    /// The value in normal form; `None` where it says no more than absence.
    fn value(
        &mut self,
        definition: &'a Type,
        sent: &'a Value,
    ) -> Result<Option<Value>, DecodeError> {
        if sent.is_null() {
            return Ok(None);
        }
        match (definition.scalar, &definition.list, &definition.map) {
            // Custom objects: whatever is sent is kept, nulls included.
            (Some(_), Some(_), Some(_)) | (None, None, None) => Ok(Some(sent.clone())),
            (Some(kind), _, _) => scalar::normal(kind, sent)
                .map(Some)
                .map_err(|wrong| self.wrong(wrong, definition, sent)),
            (None, Some(list), _) => {
                let items = sent
                    .as_array()
                    .ok_or_else(|| self.wrong(scalar::Wrong::Type, definition, sent))?;
                let element = self.schema.get(list.element);
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.stack.push(Step::Item(index));
                    let item = self.value(element, item)?;
                    self.stack.pop();
                    out.push(item.unwrap_or_else(|| zero(element)));
                }
                Ok(Some(Value::Array(out)))
            }
            (None, None, Some(map)) => self.map(definition, map, sent).map(Some),
        }
    }

    fn map(
        &mut self,
        definition: &'a Type,
        map: &'a MapType,
        sent: &'a Value,
    ) -> Result<Value, DecodeError> {
        let entries =
            sent.as_object().ok_or_else(|| self.wrong(scalar::Wrong::Type, definition, sent))?;
        let mut out = Map::new();
        for (name, sent) in entries {
            if let Some(field) = map.fields.get(name) {
                self.stack.push(Step::Field(&definition.name, name));
                if let Some(value) = self.field(field, sent)? {
                    out.insert(name.clone(), value);
                }
                self.stack.pop();
            } else if let Some(element) = map.element {
                let element = self.schema.get(element);
                self.stack.push(Step::Entry(name));
                let value = self.value(element, sent)?;
                self.stack.pop();
                // A null entry of a plain map is the zero of its type, of an open one null.
                let open = element.scalar.is_some() && element.map.is_some();
                let value = value.unwrap_or_else(|| if open { Value::Null } else { zero(element) });
                out.insert(name.clone(), value);
            } else {
                self.stack.push(Step::Entry(name));
                self.strict.push(format!("unknown field {:?}", self.path()));
                self.stack.pop();
            }
        }
        Ok(Value::Object(out))
    }

    /// A field of a struct; `None` where its value cannot be told from absence.
    fn field(&mut self, field: &'a Field, sent: &'a Value) -> Result<Option<Value>, DecodeError> {
        let definition = self.schema.get(field.type_id);
        let value = self.value(definition, sent)?;
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

    fn wrong(&self, wrong: scalar::Wrong, definition: &Type, sent: &Value) -> DecodeError {
        DecodeError(match wrong {
            scalar::Wrong::Type => {
                let (found, wanted) = (crate::patch::kind_of(sent), self.go_type(definition));
                let (owner, fields) = self.go_field();
                format!(
                    "json: cannot unmarshal {found} into Go struct field {owner}.{fields} of type {wanted}"
                )
            }
            scalar::Wrong::Value(why) => why,
        })
    }

    /// The way as strict complaints show it: `spec.containers[0].image`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.stack {
            match step {
                Step::Field(_, name) | Step::Entry(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Item(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
            }
        }
        path
    }

    /// The way as Go's decoder shows it: the innermost struct, and the fields alone.
    fn go_field(&self) -> (String, String) {
        let fields: Vec<(&str, &str)> = self
            .stack
            .iter()
            .filter_map(|step| match step {
                Step::Field(owner, name) => Some((*owner, *name)),
                Step::Entry(_) | Step::Item(_) => None,
            })
            .collect();
        let owner =
            fields.last().map_or(self.kind, |(owner, _)| owner.rsplit('.').next().unwrap_or(owner));
        let names: Vec<&str> = fields.iter().map(|(_, name)| *name).collect();
        (owner.to_owned(), names.join("."))
    }

    /// A type as Go writes it.
    fn go_type(&self, definition: &Type) -> String {
        let element = |id| self.go_type(self.schema.get(id));
        match (definition.scalar, &definition.list, &definition.map) {
            (Some(kind), _, _) => scalar::go_type(kind).to_owned(),
            (_, Some(list), _) => format!("[]{}", element(list.element)),
            (_, _, Some(map)) => match map.element {
                Some(inside) if map.fields.is_empty() => format!("map[string]{}", element(inside)),
                _ => definition.name.rsplit('/').next().unwrap_or_default().to_owned(),
            },
            _ => "interface {}".to_owned(),
        }
    }
}

fn is_int_or_string(definition: &Type) -> bool {
    definition.scalar == Some(apimachinery::types::Scalar::IntOrString)
}

/// What a type holds when nothing was said.
fn zero(definition: &Type) -> Value {
    match (definition.scalar, &definition.list, &definition.map) {
        (Some(kind), _, _) => scalar::zero(kind),
        (None, Some(_), _) => Value::Null,
        _ => Value::Object(Map::new()),
    }
}
