//! JSON, base64 and digests.

use super::Kind::{Nullable, String};
use super::{FunctionInfo, deep, fail, p, str_at};
use base64::Engine;
use sha2::Digest;
use std::fmt::Write;
use values::Value;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep("jsonencode", [p("value", Nullable)], "string", "The value as JSON.", |a| {
            let mut out = std::string::String::new();
            write_json(&a[0], &mut out);
            Ok(Value::string(out))
        }),
        deep("jsondecode", [p("text", String)], "any", "What a JSON text means.", |a| {
            match super::json::read(str_at(a, 0)) {
                Ok(value) => Ok(value),
                Err(why) => fail(0, format!("the text is not JSON: {why}")),
            }
        }),
        deep("base64encode", [p("text", String)], "string", "The text's bytes in base64.", |a| {
            Ok(base64::engine::general_purpose::STANDARD.encode(str_at(a, 0)).into())
        }),
        deep(
            "base64decode",
            [p("text", String)],
            "string",
            "The text that stands in base64.",
            |a| {
                let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(str_at(a, 0))
                else {
                    return fail(0, "the text is not base64");
                };
                match std::string::String::from_utf8(bytes) {
                    Ok(text) => Ok(text.into()),
                    Err(_) => fail(0, "what it decodes to is not text in UTF-8"),
                }
            },
        ),
        deep("sha256", [p("text", String)], "string", "The SHA-256 digest in hexadecimal.", |a| {
            Ok(hex(&sha2::Sha256::digest(str_at(a, 0))).into())
        }),
        deep("sha512", [p("text", String)], "string", "The SHA-512 digest in hexadecimal.", |a| {
            Ok(hex(&sha2::Sha512::digest(str_at(a, 0))).into())
        }),
        deep("base64sha256", [p("text", String)], "string", "The SHA-256 digest in base64.", |a| {
            let digest = sha2::Sha256::digest(str_at(a, 0));
            Ok(base64::engine::general_purpose::STANDARD.encode(digest).into())
        }),
        deep("base64sha512", [p("text", String)], "string", "The SHA-512 digest in base64.", |a| {
            let digest = sha2::Sha512::digest(str_at(a, 0));
            Ok(base64::engine::general_purpose::STANDARD.encode(digest).into())
        }),
        deep(
            "urldecode",
            [p("text", String)],
            "string",
            "The text that stands in a URL's query.",
            |a| {
                let text = str_at(a, 0).as_bytes();
                let mut bytes = Vec::with_capacity(text.len());
                let mut at = 0;
                while let Some(byte) = text.get(at) {
                    at += 1;
                    match byte {
                        b'+' => bytes.push(b' '),
                        b'%' => {
                            let digits =
                                text.get(at..at + 2).and_then(|d| std::str::from_utf8(d).ok());
                            let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                            let Some(byte) = byte else {
                                return fail(
                                    0,
                                    format!("two hexadecimal digits follow the `%` at byte {at}"),
                                );
                            };
                            bytes.push(byte);
                            at += 2;
                        }
                        other => bytes.push(*other),
                    }
                }
                match std::string::String::from_utf8(bytes) {
                    Ok(text) => Ok(text.into()),
                    Err(_) => fail(0, "what it decodes to is not text in UTF-8"),
                }
            },
        ),
        deep(
            "urlencode",
            [p("text", String)],
            "string",
            "The text as it may stand in a URL's query.",
            |a| {
                let mut out = std::string::String::new();
                for byte in str_at(a, 0).bytes() {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                            out.push(char::from(byte));
                        }
                        b' ' => out.push('+'),
                        other => drop(write!(out, "%{other:02X}")),
                    }
                }
                Ok(out.into())
            },
        ),
    ]
}

pub(crate) fn hex(bytes: &[u8]) -> std::string::String {
    bytes.iter().fold(std::string::String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Keys in order, and the signs of HTML escaped, so that digests of it agree with those of
/// other tools.
pub(super) fn write_json(value: &Value, out: &mut std::string::String) {
    match value {
        // Arguments come known and without marks; were one left, it would not be shown.
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => write_text(s, out),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_text(key, out);
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut std::string::String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
