//! Values as JSON and back, without loss.
//!
//! A JSON number is a double in most readers; a [`Number`] is exact. A value whose number
//! would be another one after the way through JSON is therefore refused, not rounded.

mod reader;

pub use reader::Reader;

use serde_json::Value as Json;
use std::fmt;
use values::{Number, Path, Step, Value};

/// A part of a value that has no plain JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPlain {
    /// Which part.
    pub path: Path,
    /// Why, as the end of a sentence.
    pub why: &'static str,
}

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.steps().is_empty() {
            return write!(f, "the value {}", self.why);
        }
        write!(f, "`{}` {}", self.path, self.why)
    }
}

impl std::error::Error for NotPlain {}

/// JSON as a value. Every JSON document is one.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => number(n),
        Json::String(s) => Value::string(s.as_str()),
        Json::Array(items) => Value::list(items.iter().map(from_json)),
        Json::Object(map) if map.is_empty() => Value::empty_map(),
        Json::Object(map) => Value::map(map.iter().map(|(k, v)| (k.as_str(), from_json(v)))),
    }
}

fn number(n: &serde_json::Number) -> Value {
    if let Some(i) = n.as_i64() {
        return i.into();
    }
    // At most 17 digits and an exponent of three: every JSON number is a `Number`.
    n.to_string().parse::<Number>().map_or_else(|_| n.to_string().into(), Value::Number)
}

/// A value as JSON; refuses what is not known yet, and what is sensitive.
pub fn to_json(value: &Value) -> Result<Json, NotPlain> {
    convert(value, false).map_err(NotPlain::from)
}

/// A value as JSON with its sensitive parts in plain text: for a request to the server or
/// the host where the secret belongs, and for nothing else.
pub fn to_json_exposing_sensitive(value: &Value) -> Result<Json, NotPlain> {
    convert(value, true).map_err(NotPlain::from)
}

/// A refusal on its way out. The path is put together only when there is one, since nearly
/// every value has a plain form.
struct Refused {
    why: &'static str,
    /// From the inside out.
    steps: Vec<Step>,
}

impl Refused {
    fn inside(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl From<Refused> for NotPlain {
    fn from(refused: Refused) -> Self {
        let steps = refused.steps.into_iter().rev();
        Self { path: steps.fold(Path::root(), Path::step), why: refused.why }
    }
}

fn convert(value: &Value, expose: bool) -> Result<Json, Refused> {
    let refuse = |why| Err(Refused { why, steps: Vec::new() });
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => match exact(n) {
            Some(json) => json,
            None => return refuse("is a number that JSON readers would round"),
        },
        Value::String(s) => Json::String(s.to_string()),
        Value::List(items) => {
            let items = items.iter().enumerate();
            let items =
                items.map(|(i, v)| convert(v, expose).map_err(|r| r.inside(Step::Index(i))));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let entries = map.iter().map(|(k, v)| match convert(v, expose) {
                Ok(json) => Ok((k.to_string(), json)),
                Err(refused) => Err(refused.inside(Step::Attr(k.clone()))),
            });
            Json::Object(entries.collect::<Result<_, _>>()?)
        }
        Value::Unknown(_) => return refuse("is known only after apply"),
        Value::Sensitive(inner) if expose => return convert(inner.expose(), expose),
        Value::Sensitive(_) => return refuse("is sensitive"),
    })
}

/// The JSON number that reads back as this number, if there is one.
fn exact(n: &Number) -> Option<Json> {
    if let Some(i) = n.as_i64() {
        return Some(Json::from(i));
    }
    let text = n.to_string();
    if let Ok(u) = text.parse::<u64>() {
        return Some(Json::from(u));
    }
    let float: f64 = text.parse().ok()?;
    let json = serde_json::Number::from_f64(float)?;
    let back: Number = json.to_string().parse().ok()?;
    (back == *n).then_some(Json::Number(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::LazyLock;

    #[test]
    fn numbers_keep_every_digit_or_are_refused() {
        for text in ["0", "-7", "9223372036854775807", "18446744073709551615", "0.1", "1.5e-3"] {
            let value = Value::Number(text.parse().expect("a number"));
            let json = to_json(&value).expect("exact");
            assert_eq!(from_json(&json), value, "{text}");
        }
        for text in ["123456789012345678901234567890", "0.1000000000000000000000001"] {
            let value = Value::map([("n", Value::Number(text.parse().expect("a number")))]);
            let refused = to_json(&value).expect_err("would be rounded");
            assert_eq!(refused.to_string(), "`n` is a number that JSON readers would round");
        }
    }

    #[test]
    fn text_is_read_as_its_document_is() {
        for text in [
            r#"{"a": [1, -2, 0.5, 1e3, 18446744073709551615], "b": {}, "c": "\u00e9\n"}"#,
            r#"{"twice": 1, "twice": 2, "\u0061": true, "": null}"#,
            r#"{"fieldsV1": {"f:a": {".": {}}, "fieldsV1": [1]}, "b": {"fieldsV1": "text"}}"#,
            "[[[[]]]]",
        ] {
            let document: Json = serde_json::from_str(text).expect("JSON");
            assert_eq!(Reader::default().read(text).expect("JSON"), from_json(&document), "{text}");
        }
        for text in ["", "{", "{\"a\": 1} 2", "[1e999]", "nul"] {
            assert!(Reader::default().read(text).is_err(), "{text}");
        }
        for depth in [127, 128, 1_000_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            let read = (serde_json::from_str::<Json>(&text).is_ok(), depth < 128);
            assert_eq!((Reader::default().read(&text).is_ok(), depth < 128), read, "{depth}");
        }
    }

    #[test]
    fn what_objects_have_in_common_is_held_once_and_nothing_else_is_taken_for_it() {
        let reader = Reader::default();
        let read = |owned: &str| {
            let text = format!(r#"{{"manager": "m", "fieldsV1": {owned}}}"#);
            let value = reader.read_with(&text, &[("manager", "n"), ("kind", "K")]).expect("JSON");
            let document: Json = serde_json::from_str(owned).expect("JSON");
            assert_eq!(value.get("fieldsV1"), Some(&from_json(&document)));
            // What is said beside the text counts where the text is silent.
            assert_eq!(value.get("manager").and_then(Value::as_str), Some("m"));
            assert_eq!(value.get("kind").and_then(Value::as_str), Some("K"));
            value
        };
        let [first, again, other] = [r#"{"f:a":{}}"#, r#"{"f:a":{}}"#, r#"{"f:b":{}}"#].map(read);
        let place = |value: &Value, name: &str| match value.get(name) {
            Some(Value::Map(map)) => Some(std::sync::Arc::as_ptr(map).addr()),
            Some(Value::String(text)) => Some(text.as_ptr().addr()),
            _ => None,
        };
        for name in ["fieldsV1", "manager"] {
            assert_eq!(place(&first, name), place(&again, name), "{name}");
        }
        assert_ne!(place(&first, "fieldsV1"), place(&other, "fieldsV1"));
        // More than is ever held.
        (0..1000).for_each(|i| drop(read(&format!(r#"{{"f:{i}": {{}}}}"#))));
    }

    #[test]
    fn what_is_unknown_or_sensitive_is_named_and_refused() {
        let unknown = Value::list([Value::Unknown(values::Type::String)]);
        let refused = to_json_exposing_sensitive(&unknown).expect_err("unknown");
        assert_eq!(refused.to_string(), "`[0]` is known only after apply");
        let secret = Value::map([("password", Value::from("hunter2").into_sensitive())]);
        let refused = to_json(&secret).expect_err("sensitive");
        assert_eq!(refused.to_string(), "`password` is sensitive");
    }

    #[test]
    fn a_secret_is_exposed_only_where_the_name_says_so() {
        let secret = Value::map([("password", Value::from("hunter2").into_sensitive())]);
        assert_eq!(to_json_exposing_sensitive(&secret), Ok(json!({"password": "hunter2"})));
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            ".{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Every JSON document survives the way through a value.
        #[test]
        fn json_survives_the_way_through_a_value(json in any_json()) {
            // One for all, so that what it holds of one document is there for the next.
            static READER: LazyLock<Reader> = LazyLock::new(Reader::default);
            let read = READER.read(&json.to_string()).expect("JSON");
            prop_assert_eq!(read, from_json(&json));
            prop_assert_eq!(to_json(&from_json(&json)), Ok(json));
        }

        /// Whatever a server sends as a number, it is read without panic.
        #[test]
        fn any_double_is_read(x in any::<f64>()) {
            if let Some(n) = serde_json::Number::from_f64(x) {
                prop_assert!(from_json(&Json::Number(n)).as_number().is_some());
            }
        }
    }
}
