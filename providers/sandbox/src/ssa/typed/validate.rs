//! Does a value have its type's shape?

use std::collections::BTreeSet;

use apimachinery::types::{ListMerge, ListType, MapType, Scalar, Schema, TypeId};
use serde_json::Value;

use super::{PathElement, Shape, field_type, item_element, shape};

/// Every complaint about the value, with its path. Duplicate list items are one unless allowed.
pub(crate) fn validate(
    schema: &Schema,
    type_id: TypeId,
    value: &Value,
    allow_duplicates: bool,
) -> Result<(), String> {
    let mut errors = Vec::new();
    Walker { schema, allow_duplicates, errors: &mut errors }.walk(type_id, value, "");
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

struct Walker<'a> {
    schema: &'a Schema,
    allow_duplicates: bool,
    errors: &'a mut Vec<String>,
}

impl Walker<'_> {
    fn walk(&mut self, type_id: TypeId, value: &Value, path: &str) {
        if value.is_null() {
            return;
        }
        let definition = self.schema.get(type_id);
        match shape(definition, Some(value)) {
            Some(Shape::Map) => match (&definition.map, value) {
                (Some(map), Value::Object(fields)) => self.map(map, fields, path),
                _ => self.complain(path, format!("expected map, got {}", shown(value))),
            },
            Some(Shape::List) => match (&definition.list, value) {
                (Some(list), Value::Array(items)) => self.list(list, items, path),
                _ => self.complain(path, format!("expected list, got {}", shown(value))),
            },
            Some(Shape::Scalar) => {
                if let Some(why) = definition.scalar.and_then(|scalar| mismatch(scalar, value)) {
                    self.complain(path, why);
                }
            }
            None => self.complain(path, "schema error: invalid atom".to_owned()),
        }
    }

    fn map(&mut self, map: &MapType, fields: &serde_json::Map<String, Value>, path: &str) {
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match field_type(map, name) {
                Some(inside) => self.walk(inside, value, &path),
                None => {
                    self.complain(&path, "field not declared in schema".to_owned());
                    // The real walker stops at the first undeclared field of a map.
                    return;
                }
            }
        }
    }

    fn list(&mut self, list: &ListType, items: &[Value], path: &str) {
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let element = if list.merge == ListMerge::Atomic {
                PathElement::Index(index as u64)
            } else {
                match item_element(self.schema, list, item) {
                    Ok(element) => element,
                    Err(why) => {
                        self.complain(path, format!("element {index}: {why}"));
                        return;
                    }
                }
            };
            if list.merge != ListMerge::Atomic
                && !seen.insert(element.clone())
                && !self.allow_duplicates
            {
                self.complain(path, format!("duplicate entries for key {element}"));
            }
            self.walk(list.element, item, &format!("{path}{element}"));
        }
    }

    fn complain(&mut self, path: &str, why: String) {
        self.errors.push(format!("{path}: {why}"));
    }
}

/// What is wrong with a single value, in the words of the real server, which shows its
/// own internals differently for each kind.
fn mismatch(scalar: Scalar, value: &Value) -> Option<String> {
    match scalar {
        Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Duration => {
            (!value.is_string()).then(|| {
                format!(
                    "expected string, got &value.valueUnstructured{{Value:{}}}",
                    go_syntax(value)
                )
            })
        }
        Scalar::Bool => {
            (!value.is_boolean()).then(|| format!("expected boolean, got {}", shown(value)))
        }
        Scalar::Int32 | Scalar::Int64 | Scalar::Float => (!value.is_number())
            .then(|| format!("expected numeric (int or float), got {}", go_type(value))),
        Scalar::Quantity | Scalar::IntOrString => (value.is_object() || value.is_array())
            .then(|| format!("expected any scalar, got {}", shown(value))),
        Scalar::Any => None,
    }
}

fn shown(value: &Value) -> String {
    format!("&{{{}}}", go_plain(value))
}

/// As Go prints a value plainly.
fn go_plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(go_plain).collect::<Vec<_>>().join(" "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name}:{}", go_plain(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

/// As Go prints a value in its own syntax.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", go_syntax(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
