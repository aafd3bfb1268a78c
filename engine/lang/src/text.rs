//! Expressions and values as short text, for messages.

use config::{Expr, ExprKind};
use std::fmt::Write;
use values::Value;

/// Longest text of a value in a message.
const LONGEST: usize = 80;

/// A reference as it stands in the configuration; `None` for anything but a reference.
pub(crate) fn reference(expr: &Expr) -> Option<String> {
    let (base, steps) = crate::references::unwind(expr);
    let mut text = match &base.kind {
        ExprKind::Name(name) => name.to_string(),
        _ => return None,
    };
    for step in steps {
        match step {
            crate::references::Step::Attr(name, _) => {
                let _ = write!(text, ".{name}");
            }
            crate::references::Step::Index(index) => match &index.kind {
                ExprKind::Number(n) => {
                    let _ = write!(text, "[{n}]");
                }
                ExprKind::String(s) => {
                    let _ = write!(text, "[{s:?}]");
                }
                _ => {
                    let _ = write!(text, "[{}]", reference(index)?);
                }
            },
        }
        if text.len() > 4 * LONGEST {
            return None;
        }
    }
    Some(text)
}

/// A value on one line, cut when it is long; never what is sensitive.
pub(crate) fn short(value: &Value) -> String {
    let mut text = String::new();
    write_short(value, &mut text);
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST - 1).collect();
        text.push('…');
    }
    text
}

fn write_short(value: &Value, out: &mut String) {
    if out.len() > 4 * LONGEST {
        return;
    }
    match value {
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().take(LONGEST).enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_short(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().take(LONGEST).enumerate() {
                let _ = write!(out, "{}{key} = ", if i == 0 { " " } else { ", " });
                write_short(item, out);
            }
            out.push_str(if map.is_empty() { "}" } else { " }" });
        }
        Value::String(s) if s.len() > 4 * LONGEST => {
            let _ = write!(out, "{:?}", s.chars().take(LONGEST).collect::<String>());
        }
        other => {
            let _ = write!(out, "{other:?}");
        }
    }
}

/// `a string`, `an object`, `null`.
pub(crate) fn article(value: &Value) -> String {
    match value.kind() {
        "null" => "null".to_owned(),
        "object" => "an object".to_owned(),
        kind if kind.starts_with("a ") => kind.to_owned(),
        kind => format!("a {kind}"),
    }
}

/// `` `a`, `b` and `c` ``, at most ten of them.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = names.iter().take(10).map(|n| format!("`{n}`")).collect();
    if names.len() > 10 {
        shown.push(format!("{} more", names.len() - 10));
    }
    match shown.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// A text, cut when it is long.
pub(crate) fn short_str(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// The seconds of `90s`, `10m` or `1h`, up to a day.
pub fn seconds(text: &str) -> Option<u64> {
    let unit = |letter: char, factor: u64| {
        text.strip_suffix(letter)?.parse::<u64>().ok()?.checked_mul(factor)
    };
    unit('s', 1).or_else(|| unit('m', 60)).or_else(|| unit('h', 3600)).filter(|s| *s <= 86_400)
}
