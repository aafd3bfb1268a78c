//! JSON texts, as the API writes them into fields and messages.

use serde_json::Value as Json;
use values::Value;

/// The value of a JSON text; `None` when it is not JSON.
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(|json: Json| access::json::from_json(&json))
}

/// The JSON document of a value, sensitive parts in clear: only for what is sent to the
/// server. `None` when a part is not known yet.
pub fn to_json(value: &Value) -> Option<Json> {
    access::json::to_json_exposing_sensitive(value).ok()
}
