//! JSON, as the API speaks it, to values and back.

use serde_json::Value as Json;
use values::{Number, Value};

/// The value of a JSON document. Total: every document has one.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => {
            let text = n.to_string();
            // No number that JSON's reader accepts is longer than a number of the language.
            text.parse::<Number>().map_or_else(|_| Value::string(text), Value::Number)
        }
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(from_json)),
        Json::Object(map) => Value::map(map.iter().map(|(k, v)| (k.as_str(), from_json(v)))),
    }
}

/// The JSON document of a value, sensitive parts in clear: only for what is sent to the
/// server. `None` when a part is not known yet.
pub fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => match n.as_i64() {
            Some(i) => Json::from(i),
            None => serde_json::from_str(&n.to_string()).ok()?,
        },
        Value::String(text) => Json::from(&**text),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(map) => {
            let entries = map.iter().map(|(k, v)| Some((k.to_string(), to_json(v)?)));
            Json::Object(entries.collect::<Option<_>>()?)
        }
        Value::Unknown(_) => return None,
        Value::Sensitive(hidden) => to_json(hidden.expose())?,
    })
}

/// The value of a JSON text; `None` when it is not JSON.
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(|json| from_json(&json))
}
