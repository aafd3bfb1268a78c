//! Dropping what a schema does not know.

use serde_json::Value;

use super::{EMBEDDED, HEADS, PRESERVES, says};

pub(super) fn object(schema: &Value, object: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    value(schema, object, true, "", &mut dropped);
    dropped
}

fn value(schema: &Value, sent: &mut Value, is_object: bool, path: &str, out: &mut Vec<String>) {
    match sent {
        Value::Object(entries) => {
            let others = &schema["additionalProperties"];
            let keeps = says(schema, PRESERVES) || *others == true;
            let at = |name: &str| {
                if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
            };
            entries.retain(|name, entry| {
                let known = &schema["properties"][name.as_str()];
                if is_object && HEADS.contains(&name.as_str()) {
                    return true;
                }
                if !known.is_null() {
                    value(known, entry, says(known, EMBEDDED), &at(name), out);
                    return true;
                }
                if others.is_object() {
                    value(others, entry, says(others, EMBEDDED), &at(name), out);
                    return true;
                }
                if !keeps {
                    out.push(at(name));
                }
                keeps
            });
        }
        Value::Array(items) => {
            let known = &schema["items"];
            for (index, item) in items.iter_mut().enumerate() {
                value(known, item, says(known, EMBEDDED), &format!("{path}[{index}]"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
