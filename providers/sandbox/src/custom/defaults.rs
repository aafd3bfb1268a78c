//! Filling in what an object leaves out.

use serde_json::Value;

use super::{HEADS, properties};

pub(super) fn object(schema: &Value, object: &mut Value) {
    value(schema, object, true);
}

fn value(schema: &Value, sent: &mut Value, is_root: bool) {
    match sent {
        Value::Object(entries) => {
            // A null that is not allowed is as good as nothing.
            let nullable = |known: &Value| known.is_null() || known["nullable"] == true;
            entries.retain(|name, entry| !entry.is_null() || nullable(&schema["properties"][name]));
            for (name, known) in properties(schema) {
                if is_root && HEADS.contains(&name.as_str()) {
                    continue;
                }
                let Some(default) = known.get("default") else { continue };
                entries.entry(name).or_insert_with(|| default.clone());
            }
            for (name, entry) in entries.iter_mut() {
                let known = &schema["properties"][name.as_str()];
                let known = if known.is_null() { &schema["additionalProperties"] } else { known };
                if !(is_root && HEADS.contains(&name.as_str())) {
                    value(known, entry, false);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                value(&schema["items"], item, false);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
