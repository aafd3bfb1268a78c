//! YAML as values: read as Kubernetes reads it, written so that any reader agrees.

use super::Kind::{Nullable, String};
use super::{FunctionInfo, deep, fail, p, str_at};
use std::fmt::Write;
use values::Value;

type Text = std::string::String;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "yamldecode",
            [p("text", String)],
            "any",
            "What a document of YAML means, as Kubernetes reads it.",
            |a| match yaml::documents(str_at(a, 0)) {
                Ok(documents) => match documents.as_slice() {
                    [] => Ok(Value::Null),
                    [one] => Ok(one.to_value()),
                    many => {
                        let count = many.len();
                        fail(0, format!("one document is needed, and these are {count}"))
                    }
                },
                Err(mistake) => {
                    fail(0, format!("the text is not YAML: {}", mistake.why.trim_end_matches('.')))
                }
            },
        ),
        deep(
            "yamlencode",
            [p("value", Nullable)],
            "string",
            "The value as a document of YAML, with keys and texts in quotes.",
            |a| {
                let mut out = Text::new();
                write(&a[0], 0, At::Line, &mut out);
                Ok(out.into())
            },
        ),
    ]
}

/// What stands before a value on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing but indentation.
    Line,
    /// `- `.
    Item,
    /// `"key":`.
    Key,
}

/// Writes a value and ends its line. Lists stand below their key without indentation.
fn write(value: &Value, indent: usize, at: At, out: &mut Text) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            if at == At::Key {
                out.push('\n');
            }
            for (i, (key, value)) in map.iter().enumerate() {
                // The first key of an item stands behind its `- `.
                if i > 0 || at != At::Item {
                    spaces(indent, out);
                }
                quoted(key, out);
                out.push(':');
                let is_list = matches!(value, Value::List(items) if !items.is_empty());
                write(value, if is_list { indent } else { indent + 2 }, At::Key, out);
            }
        }
        Value::List(items) if !items.is_empty() => {
            if at == At::Key {
                out.push('\n');
            }
            for (i, item) in items.iter().enumerate() {
                if i > 0 || at != At::Item {
                    spaces(indent, out);
                }
                out.push_str("- ");
                write(item, indent + 2, At::Item, out);
            }
        }
        plain => {
            if at == At::Key {
                out.push(' ');
            }
            scalar(plain, indent, out);
            out.push('\n');
        }
    }
}

fn scalar(value: &Value, indent: usize, out: &mut Text) {
    match value {
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) if is_block(text) => block(text, indent, out),
        Value::String(text) => quoted(text, out),
        Value::Map(_) => out.push_str("{}"),
        Value::List(_) => out.push_str("[]"),
        // Functions look at what is known and exposed alone.
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => out.push_str("null"),
    }
}

/// Whether a text of several lines can stand as it is: a reader would take leading spaces for
/// indentation, and some signs for something else.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.chars().all(|c| c == '\n' || c == '\t' || (!c.is_control() && c != '\u{feff}'))
        && !text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
        && text.lines().all(|line| line.is_empty() || !line.trim().is_empty())
}

fn block(text: &str, indent: usize, out: &mut Text) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    // The last line break is written by whoever ends the line.
    let lines = text.strip_suffix('\n').unwrap_or(text);
    for line in lines.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            spaces(indent.max(2), out);
            out.push_str(line);
        }
    }
}

fn quoted(text: &str, out: &mut Text) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn spaces(count: usize, out: &mut Text) {
    out.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use super::{At, write};
    use values::Value;

    fn text(value: &Value) -> String {
        let mut out = String::new();
        write(value, 0, At::Line, &mut out);
        out
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same() {
        let value = Value::map([
            ("empty", Value::list([])),
            ("lines", Value::from("a\n  b\n\nc\n")),
            ("more", Value::from("a\n\n\n")),
            ("none", Value::from("a\nb")),
            ("no", Value::from("no")),
            ("null", Value::Null),
            ("spaces", Value::from(" a\nb")),
            (
                "list",
                Value::list([
                    Value::map([("a", 1.into()), ("b", Value::list([2.into()]))]),
                    Value::list([3.into(), Value::from("x\ny\n")]),
                    Value::from("tab\tquote\" \u{1}"),
                    Value::empty_map(),
                ]),
            ),
        ]);
        let written = text(&value);
        let read = yaml::documents(&written).map(|d| d[0].to_value());
        assert_eq!(read, Ok(value), "{written}");
    }

    #[test]
    fn lists_stand_below_their_key() {
        let value = Value::map([("hello", Value::list(["a".into(), 1.into()]))]);
        assert_eq!(text(&value), "\"hello\":\n- \"a\"\n- 1\n");
    }
}
