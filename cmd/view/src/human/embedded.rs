//! Texts inside of values that have a structure of their own, or are very long.

use crate::{Style, text};

/// Shorter texts are shown whole.
const SHORT: usize = 60;
/// What stays around a difference in a long text without lines.
const AROUND: usize = 24;

/// The JSON in a text, one item a line, when it is JSON without lines. Only blanks outside of
/// its strings change: nothing is read as a number, sorted or left out.
pub(super) fn indented(json: &str) -> Option<String> {
    let json = json.trim();
    if json.len() < SHORT || !json.starts_with(['{', '[']) {
        return None;
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut open = Vec::new();
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push('"');
                loop {
                    let c = chars.next()?;
                    out.push(c);
                    match c {
                        '\\' => out.push(chars.next()?),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                open.push(if c == '{' { '}' } else { ']' });
                out.push(c);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if chars.peek() != open.last() {
                    line(&mut out, open.len());
                }
            }
            '}' | ']' => {
                if open.pop() != Some(c) {
                    return None;
                }
                if !out.ends_with(['{', '[']) {
                    line(&mut out, open.len());
                }
                out.push(c);
                // Something after the end is not JSON.
                if open.is_empty() && chars.peek().is_some() {
                    return None;
                }
            }
            ',' => {
                out.push(',');
                line(&mut out, open.len());
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    open.is_empty().then_some(out)
}

fn line(out: &mut String, level: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(level));
}

/// Two long texts without lines, quoted, with what they share at both ends left out but for a
/// little. `None` when they are short or share too little.
pub(super) fn elided(a: &str, b: &str, style: Style) -> Option<(String, String)> {
    let same = |(x, y): &(char, char)| x == y;
    let head: usize = a.chars().zip(b.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (rest_a, rest_b) = (&a[head..], &b[head..]);
    let tail: usize = rest_a
        .chars()
        .rev()
        .zip(rest_b.chars().rev())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    if head.max(tail) <= SHORT {
        return None;
    }
    let keep = |text: &str| {
        let from = back(text, head, AROUND);
        let to = forth(text, text.len() - tail, AROUND);
        let dots = |cut: bool| if cut { style.dots() } else { "" };
        let kept = text::quoted(&text[from..to]);
        let kept = kept.trim_start_matches('"');
        let kept = kept.strip_suffix('"').unwrap_or(kept);
        format!("\"{}{kept}{}\"", dots(from > 0), dots(to < text.len()))
    };
    Some((keep(a), keep(b)))
}

/// Some characters before a place.
fn back(text: &str, at: usize, characters: usize) -> usize {
    text[..at].char_indices().rev().take(characters).last().map_or(at, |(i, _)| i)
}

/// Some characters after a place.
fn forth(text: &str, at: usize, characters: usize) -> usize {
    text[at..].char_indices().nth(characters).map_or(text.len(), |(i, _)| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_nothing_else_changes() {
        let json =
            r#"{"b":[1.0,10000000000000000000001,{}],"a":{"x\"{":"a, b: c","e":[ ]},"b":null}"#;
        assert_eq!(
            indented(json).as_deref(),
            Some(
                r#"{
  "b": [
    1.0,
    10000000000000000000001,
    {}
  ],
  "a": {
    "x\"{": "a, b: c",
    "e": []
  },
  "b": null
}"#
            )
        );
        let long = "x".repeat(80);
        for text in [
            "{}",
            &format!("{{\"{long}\": 1"),
            &format!("[\"{long}\"] x"),
            &format!("[\"{long}\"}}"),
        ] {
            assert_eq!(indented(text), None);
        }
    }

    #[test]
    fn long_texts_show_where_they_differ() {
        let text = |middle: &str| format!("{}{middle}{}", "a".repeat(100), "z".repeat(100));
        assert_eq!(
            elided(&text("-1-"), &text("-2\"-"), Style::plain()),
            Some((
                "\"…aaaaaaaaaaaaaaaaaaaaaaa-1-zzzzzzzzzzzzzzzzzzzzzzz…\"".to_owned(),
                "\"…aaaaaaaaaaaaaaaaaaaaaaa-2\\\"-zzzzzzzzzzzzzzzzzzzzzzz…\"".to_owned()
            ))
        );
        assert_eq!(elided("short", "shorter", Style::plain()), None);
    }
}
