//! What a schema forbids, in the real server's words.

use std::collections::BTreeSet;

use apimachinery::{FieldError, FieldErrorKind};
use serde_json::Value;

use super::{HEADS, INT_OR_STRING, properties, says};

/// The complaints about an object's status alone, whose texts leave out where it is.
pub(super) fn status(schema: &Value, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(status) = object.get("status") {
        value(&schema["properties"]["status"], status, "status", &mut errors);
    }
    for error in &mut errors {
        error.detail = error.detail.replacen("status.", "", 1);
    }
    errors
}

pub(super) fn object(schema: &Value, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(entries) = object.as_object() else { return errors };
    required(schema, object, "", &mut errors);
    for (name, known) in properties(schema).filter(|(name, _)| !HEADS.contains(&name.as_str())) {
        if let Some(entry) = entries.get(name) {
            value(known, entry, name, &mut errors);
        }
    }
    errors
}

fn value(schema: &Value, found: &Value, path: &str, out: &mut Vec<FieldError>) {
    if found.is_null() && says(schema, "nullable") {
        return;
    }
    if let Some(wanted) = wrong_type(schema, found) {
        let is = type_name(found);
        let why = format!("{path} in body must be of type {wanted}: \"{is}\"");
        let mut error = FieldError::invalid(path, is, why);
        error.kind = FieldErrorKind::TypeInvalid;
        out.push(error);
        one_of(schema, found, path, out);
        return;
    }
    one_of(schema, found, path, out);
    match found {
        Value::Object(_) => object_value(schema, found, path, out),
        Value::Array(items) => list(schema, items, path, out),
        Value::String(text) => string(schema, text, path, out),
        Value::Number(_) => number(schema, found, path, out),
        Value::Bool(_) | Value::Null => {}
    }
}

/// The type that is wanted, if this is not it.
fn wrong_type<'a>(schema: &'a Value, found: &Value) -> Option<&'a str> {
    if says(schema, INT_OR_STRING) {
        let fits = found.is_string() || found.is_i64() || found.is_u64();
        return (!fits).then_some("integer,string");
    }
    let wanted = schema["type"].as_str()?;
    let fits = match wanted {
        "object" => found.is_object(),
        "array" => found.is_array(),
        "string" => found.is_string(),
        "boolean" => found.is_boolean(),
        "number" => found.is_number(),
        "integer" => found.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    };
    (!fits).then_some(wanted)
}

fn type_name(found: &Value) -> &'static str {
    match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn one_of(schema: &Value, found: &Value, path: &str, out: &mut Vec<FieldError>) {
    let Some(allowed) = schema["enum"].as_array() else { return };
    if allowed.contains(found) {
        return;
    }
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let allowed: Vec<String> = allowed.iter().map(shown).collect();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    out.push(FieldError::not_supported(path, found.clone(), &allowed));
}

fn required(schema: &Value, found: &Value, path: &str, out: &mut Vec<FieldError>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if found.get(name).is_none() {
            out.push(FieldError::required(below(path, name), ""));
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn object_value(schema: &Value, found: &Value, path: &str, out: &mut Vec<FieldError>) {
    let Some(entries) = found.as_object() else { return };
    required(schema, found, path, out);
    let count = entries.len() as u64;
    if let Some(least) = schema["minProperties"].as_u64().filter(|least| count < *least) {
        let why = format!("{path} in body should have at least {least} properties");
        out.push(FieldError::invalid(path, count, why));
    }
    if let Some(most) = schema["maxProperties"].as_u64().filter(|most| count > *most) {
        out.push(too_many(path, count, most));
    }
    for (name, entry) in entries {
        let known = &schema["properties"][name.as_str()];
        let known = if known.is_null() { &schema["additionalProperties"] } else { known };
        value(known, entry, &below(path, name), out);
    }
}

fn list(schema: &Value, items: &[Value], path: &str, out: &mut Vec<FieldError>) {
    let count = items.len() as u64;
    if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
        let why = format!("{path} in body should have at least {least} items");
        out.push(FieldError::invalid(path, count, why));
    }
    if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
        out.push(too_many(path, count, most));
    }
    for (index, item) in items.iter().enumerate() {
        value(&schema["items"], item, &format!("{path}[{index}]"), out);
    }
    let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let key = |item: &Value| match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => Some(item.clone()),
        Some("map") => {
            let part = |name: &&str| Some(((*name).to_owned(), item.get(*name)?.clone()));
            Some(Value::Object(keys.iter().filter_map(part).collect()))
        }
        _ => None,
    };
    let mut met = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(key) = key(item).filter(|key| !met.insert(key.to_string())) {
            out.push(FieldError::duplicate(format!("{path}[{index}]"), key));
        }
    }
}

fn too_many(path: &str, count: u64, most: u64) -> FieldError {
    let detail = format!("must have at most {most} items");
    let value = Some(Value::from(count));
    FieldError { kind: FieldErrorKind::TooMany, field: path.to_owned(), value, detail }
}

/// The first rule that a text breaks is the one that is told.
fn string(schema: &Value, text: &str, path: &str, out: &mut Vec<FieldError>) {
    let count = text.chars().count() as u64;
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| count > *most) {
        out.push(FieldError::too_long(path, usize::try_from(most).unwrap_or(usize::MAX)));
        return;
    }
    if let Some(least) = schema["minLength"].as_u64().filter(|least| count < *least) {
        let why = format!("{path} in body should be at least {least} chars long");
        out.push(FieldError::invalid(path, text, why));
        return;
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        // What is no pattern here was no pattern for the real server either, nearly always.
        let fits = regex::Regex::new(pattern).map_or(true, |pattern| pattern.is_match(text));
        if !fits {
            let why = format!("{path} in body should match '{pattern}'");
            out.push(FieldError::invalid(path, text, why));
        }
    }
}

fn number(schema: &Value, found: &Value, path: &str, out: &mut Vec<FieldError>) {
    let Some(number) = found.as_f64() else { return };
    let mut wrong = |why: String| {
        out.push(FieldError::invalid(
            path,
            found.clone(),
            format!("{path} in body should be {why}"),
        ));
    };
    let bound = |name: &str| schema[name].as_f64();
    if let Some(least) = bound("minimum") {
        let excluded = schema["exclusiveMinimum"] == true;
        if number < least || (excluded && number <= least) {
            let or_equal = if excluded { "" } else { " or equal to" };
            wrong(format!("greater than{or_equal} {}", schema["minimum"]));
        }
    }
    if let Some(most) = bound("maximum") {
        let excluded = schema["exclusiveMaximum"] == true;
        if number > most || (excluded && number >= most) {
            let or_equal = if excluded { "" } else { " or equal to" };
            wrong(format!("less than{or_equal} {}", schema["maximum"]));
        }
    }
    if let Some(part) = bound("multipleOf").filter(|part| *part != 0.0) {
        let times = number / part;
        if (times - times.round()).abs() > f64::EPSILON {
            wrong(format!("a multiple of {}", schema["multipleOf"]));
        }
    }
}
