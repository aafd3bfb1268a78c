//! Patches that only compute a new object: JSON patch, merge patch, strategic merge patch.

mod strategic;

use serde_json::Value;

use crate::errors::ApiError;

pub(crate) use strategic::strategic;

/// The most operations in one JSON patch.
const MOST_OPERATIONS: usize = 10_000;

/// RFC 6902.
pub(crate) fn json(live: &Value, body: &Value) -> Result<Value, ApiError> {
    if !body.is_array() {
        return Err(ApiError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
            kind_of(body)
        )));
    }
    let operations: json_patch::Patch =
        serde_json::from_value(body.clone()).map_err(|_| ApiError::rejected())?;
    if operations.len() > MOST_OPERATIONS {
        return Err(ApiError::bad_request(format!(
            "The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut patched = live.clone();
    json_patch::patch(&mut patched, &operations).map_err(|_| ApiError::rejected())?;
    Ok(patched)
}

/// RFC 7386.
pub(crate) fn merge(live: &Value, body: &Value) -> Result<Value, ApiError> {
    if !body.is_object() {
        return Err(ApiError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            kind_of(body)
        )));
    }
    let mut patched = live.clone();
    json_patch::merge(&mut patched, body);
    Ok(patched)
}

/// What a value is, as Go's decoder names it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
