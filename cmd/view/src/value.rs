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

/// The value over as many lines as it needs; all but the first begin with `indent` blanks.
pub(crate) fn tree(value: &Value, indent: usize) -> String {
    let blanks = " ".repeat(indent + 2);
    let close = " ".repeat(indent);
    match value {
        Value::List(items) if !items.is_empty() => {
            let item = |v| format!("{blanks}{},\n", tree(v, indent + 2));
            format!("[\n{}{close}]", items.iter().map(item).collect::<String>())
        }
        Value::Map(map) if !map.is_empty() => {
            let entries: Vec<_> = map.iter().map(|(k, v)| (text::name(k), v)).collect();
            let widest = entries.iter().map(|(k, _)| text::width(k)).max().unwrap_or(0);
            let entry = |(k, v): &(String, &Value)| {
                format!("{blanks}{} = {}\n", text::pad(k, widest), tree(v, indent + 2))
            };
            format!("{{\n{}{close}}}", entries.iter().map(entry).collect::<String>())
        }
        Value::String(s) if s.trim_end_matches('\n').contains('\n') => {
            let lines = s.strip_suffix('\n').unwrap_or(s).split('\n');
            let line =
                |l| format!("{blanks}{}", text::text_line(l, false)).trim_end().to_owned() + "\n";
            format!("<<-EOT\n{}{close}EOT", lines.map(line).collect::<String>())
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Unknown(_)
        | Value::Sensitive(_) => text(value),
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
