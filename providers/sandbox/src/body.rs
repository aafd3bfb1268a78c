//! What a client sent: the body of a request as a value.

use apimachinery::types;
use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

use crate::codec;
use crate::errors::ApiError;
use crate::handlers::write::PatchKind;
use crate::request;

/// Media types in which bodies are read.
const BODIES: [&str; 3] = ["application/json", "application/yaml", PROTOBUF];
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// An object, or the options of a deletion.
pub(crate) fn object(parts: &Parts, body: &Bytes) -> Result<Value, ApiError> {
    let media = request::content_type(parts);
    match media.as_str() {
        "" | "application/json" => from_json(body),
        "application/yaml" | "text/yaml" => from_yaml(body),
        PROTOBUF => codec::read_protobuf(types::builtin(), body)
            .map_err(|error| ApiError::bad_request(error.to_string())),
        _ => Err(ApiError::unsupported_media_type(&BODIES)),
    }
}

/// A patch, and which one it is.
pub(crate) fn patch(parts: &Parts, body: &Bytes) -> Result<(PatchKind, Value), ApiError> {
    let kind = match request::content_type(parts).as_str() {
        "application/json-patch+json" => PatchKind::Json,
        "application/merge-patch+json" => PatchKind::Merge,
        "application/strategic-merge-patch+json" => PatchKind::Strategic,
        "application/apply-patch+yaml" => PatchKind::Apply,
        _ => return Err(ApiError::unsupported_media_type(&PATCHES)),
    };
    let patch = if kind == PatchKind::Apply { from_yaml(body)? } else { from_json(body)? };
    Ok((kind, patch))
}

fn from_json(body: &Bytes) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON): {error}"
        ))
    })
}

fn from_yaml(body: &Bytes) -> Result<Value, ApiError> {
    // JSON is YAML, and most clients send it.
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let wrong = |why: String| ApiError::bad_request(format!("error decoding YAML: {why}"));
    let text = std::str::from_utf8(body).map_err(|error| wrong(error.to_string()))?;
    serde_saphyr::from_str(text).map_err(|error| wrong(error.to_string()))
}
