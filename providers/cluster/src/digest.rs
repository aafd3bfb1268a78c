//! A short name for what was asked for, to tell later whether it changed.

use sha2::{Digest, Sha256};
use values::Value;

/// Digest of an intent within a project. Equal intents have equal digests, in every version
/// of this program. A sensitive part counts as one constant, so that no digest can be used
/// to guess it; a part that is known after apply likewise.
pub fn digest(project: &str, intent: &Value) -> String {
    let mut text = format!("clinch/v1\n{project}\n");
    render(intent, &mut text);
    let mut out = String::with_capacity(71);
    out.push_str("sha256:");
    for byte in Sha256::digest(text) {
        // There is one for each object, and a formatter takes longer than the digest.
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    out
}

/// Each kind of value begins with another character, and texts are quoted, so that two
/// different values never have one rendering.
fn render(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(text) => quote(text, out),
        Value::List(items) => {
            out.push('[');
            for item in items.iter() {
                render(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (name, item) in map.iter() {
                quote(name, out);
                out.push(':');
                render(item, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Unknown(_) => out.push('?'),
        Value::Sensitive(_) => out.push('*'),
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    // Nearly no text has anything to escape.
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\']) {
        out.push_str(&rest[..at]);
        out.push('\\');
        out.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_before_its_end() {
        for (text, want) in [
            ("", r#""""#),
            ("plain é", r#""plain é""#),
            (r#"a"b\"#, r#""a\"b\\""#),
            (r#"\"é"\"#, r#""\\\"é\"\\""#),
        ] {
            let mut out = String::new();
            quote(text, &mut out);
            assert_eq!(out, want);
        }
    }
}
