//! Values as plain JSON, and where something of them is left out.

use serde_json::{Map, Number, Value as Json};
use values::Value;

/// The value without what is sensitive or not known: gone from objects, null in lists.
pub(crate) fn shown(value: &Value) -> Json {
    match value {
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => number(n),
        Value::String(s) => Json::String(s.to_string()),
        Value::List(items) => Json::Array(items.iter().map(shown).collect()),
        Value::Map(map) => {
            let kept = map
                .iter()
                .filter(|(_, v)| !matches!(v, Value::Unknown(_) | Value::Sensitive(_)))
                .map(|(k, v)| (k.to_string(), shown(v)));
            Json::Object(kept.collect())
        }
    }
}

/// JSON has one kind of number; one that it cannot hold exactly is written as text.
fn number(n: &values::Number) -> Json {
    if let Some(whole) = n.as_i64() {
        return Json::Number(whole.into());
    }
    let text = n.to_string();
    let near = text.parse::<f64>().ok().and_then(Number::from_f64);
    match near {
        Some(near) if near.to_string().parse::<values::Number>().as_ref() == Ok(n) => {
            Json::Number(near)
        }
        _ => Json::String(text),
    }
}

/// `true` where the value is not known yet; nothing of a sensitive value is told.
pub(crate) fn unknown(value: &Value) -> Json {
    marked(value, &|v| matches!(v, Value::Unknown(_)))
}

/// `true` where the value is sensitive.
pub(crate) fn sensitive(value: &Value) -> Json {
    marked(value, &|v| matches!(v, Value::Sensitive(_)))
}

/// The shape of the value with `true` at marked leaves. Other leaves are left out of objects
/// and are `false` in lists.
fn marked(value: &Value, is: &impl Fn(&Value) -> bool) -> Json {
    match value {
        v if is(v) => Json::Bool(true),
        Value::List(items) => Json::Array(items.iter().map(|v| marked(v, is)).collect()),
        Value::Map(map) => {
            let entries = map.iter().map(|(k, v)| (k.to_string(), marked(v, is)));
            Json::Object(entries.filter(|(_, v)| !says_nothing(v)).collect::<Map<_, _>>())
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Unknown(_)
        | Value::Sensitive(_) => Json::Bool(false),
    }
}

fn says_nothing(json: &Json) -> bool {
    match json {
        Json::Bool(b) => !b,
        Json::Array(items) => items.iter().all(says_nothing),
        Json::Object(map) => map.is_empty(),
        Json::Null | Json::Number(_) | Json::String(_) => true,
    }
}

/// The type of a value as Terraform writes types.
pub(crate) fn type_of(value: &Value) -> Json {
    match value {
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::List(items) => {
            Json::Array(vec!["tuple".into(), Json::Array(items.iter().map(type_of).collect())])
        }
        Value::Map(map) => {
            let attrs = map.iter().map(|(k, v)| (k.to_string(), type_of(v)));
            Json::Array(vec!["object".into(), Json::Object(attrs.collect())])
        }
        // What is not known is of the type that it will have; hidden things have none.
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => "dynamic".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use values::Type;

    #[test]
    fn what_is_left_out_of_a_value_is_named_beside_it() {
        let value = Value::map([
            ("a", 1.into()),
            ("late", Value::Unknown(Type::String)),
            ("secret", Value::from("hunter2").into_sensitive()),
            ("list", Value::list(["x".into(), Value::from("hunter2").into_sensitive()])),
            ("plain", Value::list(["x".into()])),
            ("null", Value::Null),
        ]);
        assert_eq!(
            shown(&value),
            json!({"a": 1, "list": ["x", null], "plain": ["x"], "null": null})
        );
        assert_eq!(unknown(&value), json!({"late": true}));
        assert_eq!(sensitive(&value), json!({"secret": true, "list": [false, true]}));
    }

    #[test]
    fn number_is_exact_or_text() {
        let n = |t: &str| number(&t.parse().expect("a number"));
        assert_eq!(n("0.1"), json!(0.1));
        assert_eq!(n("1e3"), json!(1000));
        assert_eq!(n("0.1234567890123456789"), json!("0.1234567890123456789"));
        assert_eq!(n("123456789012345678901234567890"), json!("123456789012345678901234567890"));
    }
}
