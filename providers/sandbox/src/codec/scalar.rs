//! Single values: what each kind accepts, and its normal form.

use apimachinery::Quantity;
use apimachinery::types::Scalar;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Why a single value is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is something else altogether.
    Type,
    /// It has the right type and cannot be read; the text says why.
    Value(String),
}

/// The value in normal form.
pub(super) fn normal(kind: Scalar, sent: &Value) -> Result<Value, Wrong> {
    match (kind, sent) {
        (Scalar::Any, any) => Ok(any.clone()),
        (Scalar::String | Scalar::IntOrString | Scalar::Duration, Value::String(_))
        | (Scalar::Bool, Value::Bool(_))
        | (Scalar::Float, Value::Number(_)) => Ok(sent.clone()),
        (Scalar::Int32, Value::Number(number)) => {
            let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
            number.map(Value::from).ok_or(Wrong::Type)
        }
        (Scalar::Int64, Value::Number(number)) => {
            number.as_i64().map(Value::from).ok_or(Wrong::Type)
        }
        (Scalar::IntOrString, Value::Number(_)) => normal(Scalar::Int32, sent),
        (Scalar::Quantity, Value::String(text)) => quantity(text.trim()),
        (Scalar::Quantity, Value::Number(number)) => quantity(&number.to_string()),
        (Scalar::Bytes, Value::String(text)) => bytes(text),
        (Scalar::Time, Value::String(text)) => time(text, 0),
        (Scalar::MicroTime, Value::String(text)) => time(text, 6),
        _ => Err(Wrong::Type),
    }
}

/// What is written when nothing was said and the field is always written.
pub(super) fn zero(kind: Scalar) -> Value {
    match kind {
        Scalar::String => Value::from(""),
        Scalar::Bool => Value::from(false),
        Scalar::Int32 | Scalar::Int64 | Scalar::Float | Scalar::IntOrString => Value::from(0),
        Scalar::Quantity => Value::from("0"),
        Scalar::Duration => Value::from("0s"),
        Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Any => Value::Null,
    }
}

/// The type as Go's decoder names it.
pub(super) fn go_type(kind: Scalar) -> &'static str {
    match kind {
        Scalar::Bool => "bool",
        Scalar::Int32 => "int32",
        Scalar::Int64 => "int64",
        Scalar::Float => "float64",
        Scalar::Bytes => "[]uint8",
        Scalar::String
        | Scalar::Quantity
        | Scalar::IntOrString
        | Scalar::Time
        | Scalar::MicroTime
        | Scalar::Duration
        | Scalar::Any => "string",
    }
}

fn quantity(text: &str) -> Result<Value, Wrong> {
    match Quantity::parse(text) {
        Ok(quantity) => Ok(Value::from(quantity.to_string())),
        Err(why) => Err(Wrong::Value(why.to_string())),
    }
}

fn bytes(text: &str) -> Result<Value, Wrong> {
    let wanted: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match STANDARD.decode(&wanted) {
        Ok(bytes) => Ok(Value::from(STANDARD.encode(bytes))),
        Err(_) => Err(Wrong::Value(format!(
            "illegal base64 data at input byte {}",
            first_bad_byte(&wanted)
        ))),
    }
}

/// Where the real server's decoder stops: at the first strange byte, or at the broken end.
fn first_bad_byte(text: &str) -> usize {
    let strange = |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    text.bytes().position(strange).unwrap_or(text.len() / 4 * 4)
}

fn time(text: &str, digits: u8) -> Result<Value, Wrong> {
    let parsed: jiff::Timestamp = text.parse().map_err(|_| {
        Wrong::Value(format!(
            "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
        ))
    })?;
    let seconds = parsed.strftime("%Y-%m-%dT%H:%M:%S");
    if digits == 0 {
        return Ok(Value::from(format!("{seconds}Z")));
    }
    Ok(Value::from(format!("{seconds}.{:06}Z", parsed.subsec_nanosecond() / 1000)))
}
