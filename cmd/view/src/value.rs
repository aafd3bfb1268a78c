//! The one function that turns a value into text.

use crate::text;
use values::Value;

/// The value on one line, as HCL would write it. The only place that meets the mark of a
/// sensitive value, and it shows nothing of it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(s) => text::quoted(s),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => {
            let entries: Vec<_> =
                map.iter().map(|(k, v)| format!("{} = {}", text::name(k), text(v))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Unknown(_) => "(known after apply)".to_owned(),
        Value::Sensitive(_) => "(sensitive value)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use values::{Type, Value};

    #[test]
    fn every_kind_of_value_has_a_text_and_a_sensitive_one_hides() {
        let value = Value::map([
            ("limits.cpu", Value::list([1.into(), true.into(), Value::Null])),
            ("later", Value::Unknown(Type::String)),
            ("password", Value::from("hunter2").into_sensitive()),
        ]);
        assert_eq!(
            text(&value),
            r#"{ later = (known after apply), "limits.cpu" = [1, true, null], password = (sensitive value) }"#
        );
    }
}
