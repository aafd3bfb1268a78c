use super::v1::WireValue;
use super::*;
use crate::samples::{CANARY, secret};
use proptest::prelude::*;

fn written(value: &Value) -> String {
    serde_json::to_string(&WireValue(value.clone())).unwrap()
}

fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str::<WireValue>(text).map(|value| value.0).map_err(|e| e.to_string())
}

#[test]
fn every_kind_of_value_has_its_form() {
    #[track_caller]
    fn check(value: Value, text: &str) {
        assert_eq!(written(&value), text);
        assert_eq!(read(text), Ok(value));
    }
    let number = |text: &str| Value::Number(text.parse().unwrap());
    check(Value::Null, "null");
    check(Value::from(true), "true");
    check(Value::from(i64::MIN), "-9223372036854775808");
    check(number("0.1"), r#"{"$number":"0.1"}"#);
    check(number("9223372036854775808"), r#"{"$number":"9223372036854775808"}"#);
    check(Value::string("a\u{0}\"ü"), r#""a\u0000\"ü""#);
    check(Value::list([Value::Null, 1.into()]), "[null,1]");
    check(
        Value::map([("$ref", 1.into()), ("$$x", 2.into()), ("b", 3.into())]),
        r#"{"$$$x":2,"$$ref":1,"b":3}"#,
    );
    check(Value::Unknown(Type::String), r#"{"$unknown":"string"}"#);
    let object =
        Type::object([("a", Type::list(Type::Any)), ("b?", Type::Tuple([Type::Bool].into()))]);
    check(
        Value::Unknown(object),
        concat!(
            r#"{"$unknown":{"object":[{"name":"a","type":{"list":"any"},"optional":false},"#,
            r#"{"name":"b","type":{"tuple":["bool"]},"optional":true}]}}"#
        ),
    );
    check(Value::Unknown(Type::Any).into_sensitive(), r#"{"$sensitive":"any"}"#);
}

#[test]
fn secret_is_written_as_a_mark_even_where_nobody_sealed_it() {
    let value = Value::map([("a", Value::list([secret(), Value::map([("b", secret())])]))]);
    assert_eq!(written(&value), r#"{"a":[{"$sensitive":"any"},{"b":{"$sensitive":"any"}}]}"#);
}

#[test]
fn second_spelling_of_a_value_is_refused() {
    for (text, why) in [
        ("1.5", "a number that is not whole"),
        ("1e3", "a number that is not whole"),
        ("18446744073709551615", "a number that is not whole, or very large"),
        (r#"{"$number":"1"}"#, "a number is in another spelling"),
        (r#"{"$number":"0.10"}"#, "a number is in another spelling"),
        (r#"{"$number":"1e999999"}"#, "an exponent is at most 1000"),
        (r#"{"$number":0.1}"#, "expected a string"),
        (r#"{"$number":"0.1","a":1}"#, "a tag stands among other keys"),
        (r#"{"a":1,"$number":"0.1"}"#, "a tag stands among other keys"),
        (r#"{"$secret":1}"#, "an unknown tag"),
        (r#"{"$unknown":"text"}"#, "unknown variant `text`"),
        (r#"{"a":1,"a":1}"#, "a key stands twice in one object"),
    ] {
        let refused = read(text).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop::sample::select(vec![Type::Any, Type::Bool, Type::Number, Type::String]);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|types| Type::Tuple(types.into())),
            ("[a-z]{1,3}[?]?", inner).prop_map(|(name, ty)| Type::object([(name.as_str(), ty)])),
        ]
    })
}

/// Any value that holds no secret which is known.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "-?[0-9]{1,30}(\\.[0-9]{1,30})?".prop_map(|n| Value::Number(n.parse().unwrap())),
        "\\PC{0,6}|[\\x00-\\x1f]{1,3}".prop_map(Value::from),
        any_type().prop_map(Value::Unknown),
        any_type().prop_map(|ty| Value::Unknown(ty).into_sensitive()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::btree_map("[$a-z]{0,4}", inner, 0..4).prop_map(Value::map),
        ]
    })
}

/// The value with every text in it hidden, and each hidden one holding the canary.
fn with_secrets(value: &Value) -> Value {
    match value {
        Value::String(_) => secret(),
        Value::List(items) => Value::list(items.iter().map(with_secrets)),
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), with_secrets(v)))),
        other => other.clone(),
    }
}

proptest! {
    /// Whatever is written reads back, and nothing else is written for it.
    #[test]
    fn value_survives_writing(value in any_value()) {
        let text = written(&value);
        prop_assert_eq!(read(&text), Ok(value.clone()));
        prop_assert_eq!(written(&read(&text).unwrap()), text);
    }

    /// No secret is written, wherever it stands, with or without anything beside it.
    #[test]
    fn no_secret_is_written(value in any_value(), other in any_value()) {
        let value = with_secrets(&value);
        let (before, after) = sealed_pair(Some(&other), Some(&value));
        for text in [
            written(&value),
            written(&sealed(&value)),
            written(&before.unwrap()),
            written(&after.unwrap()),
        ] {
            prop_assert!(!text.contains(CANARY), "{}", text);
        }
    }

    /// Two pictures without secrets are stored as they are; equal ones stay equal in any case.
    #[test]
    fn equal_pictures_stay_equal(value in any_value()) {
        let value = with_secrets(&value);
        let (before, after) = sealed_pair(Some(&value), Some(&value));
        prop_assert_eq!(before, after);
    }
}
