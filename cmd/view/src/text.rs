//! Text that comes from elsewhere, made safe to print; and fitting text into columns.

use crate::Style;
use std::borrow::Cow;
use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a character cannot be seen, or moves what is seen: control characters, marks of
/// direction, spaces without width, separators of lines and paragraphs, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn escape_into(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // As HCL writes them.
        c if u32::from(c) > 0xffff => _ = write!(out, "\\U{:08x}", u32::from(c)),
        c => _ = write!(out, "\\u{:04x}", u32::from(c)),
    }
}

/// What a line may hold of a text that comes from a server or a host.
const LONGEST: usize = 20_000;
/// How many lines a message may have.
const MOST_LINES: usize = 1_000;

/// The first characters of a text, and how many bytes come after them.
pub(crate) fn first(text: &str, characters: usize) -> (&str, usize) {
    // Most texts have fewer bytes than that.
    if text.len() <= characters {
        return (text, 0);
    }
    let end = text.char_indices().nth(characters).map_or(text.len(), |(i, _)| i);
    (&text[..end], text.len() - end)
}

/// The text on one line: everything that cannot be seen is escaped, and there is an end to it.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    let (shown, more) = first(text, LONGEST);
    if more > 0 {
        return Cow::Owned(format!("{}... ({more} more bytes)", escaped(shown)));
    }
    escaped(text)
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { escape_into(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// The text as a quoted string of HCL, on one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_hidden(c) => escape_into(&mut out, c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name as HCL would take it: plain when it is an identifier, else quoted.
pub(crate) fn name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// A line of a longer text: tabs become spaces unless `exact`, what cannot be seen is escaped,
/// and so is a blank at the end.
pub(crate) fn text_line(text: &str, exact: bool) -> String {
    let (text, more) = first(text, LONGEST);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' if !exact => out.push_str("    "),
            c if is_hidden(c) => escape_into(&mut out, c),
            c => out.push(c),
        }
    }
    if let Some(blank) = out.chars().last().filter(|c| c.is_whitespace())
        && (exact || !text.trim().is_empty())
    {
        out.truncate(out.len() - blank.len_utf8());
        escape_into(&mut out, blank);
    }
    out.truncate(out.trim_end().len());
    if more > 0 {
        _ = write!(out, "... ({more} more bytes)");
    }
    out
}

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text and blanks up to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The text in at most `columns`, its end left out when it is too long.
pub(crate) fn fit_end(text: &str, columns: usize, style: Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let dots = style.dots();
    let (head, _) = split_at_width(text, columns.saturating_sub(width(dots)));
    format!("{}{dots}", head.trim_end())
}

/// The text in at most `columns`, its middle left out when it is too long: the ends of
/// addresses and object names are what tells them apart.
pub(crate) fn fit_middle(text: &str, columns: usize, style: Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let dots = style.dots();
    let room = columns.saturating_sub(width(dots));
    let (head, rest) = split_at_width(text, room / 2);
    let mut tail = rest;
    let room = room - width(head).min(room);
    while width(tail) > room {
        let mut chars = tail.chars();
        chars.next();
        tail = chars.as_str();
    }
    format!("{head}{dots}{tail}")
}

/// Splits where the first part takes at most `columns`.
pub(crate) fn split_at_width(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// The text as lines of at most `columns`, broken between words. Lines that begin with a blank
/// are commands or lists: they stay as they are. What cannot be seen is escaped.
pub(crate) fn wrap(text: &str, columns: Option<usize>) -> Vec<String> {
    let mut out = Vec::new();
    for (i, raw) in text.trim_end().split('\n').enumerate() {
        if i == MOST_LINES {
            out.push("... (and more lines)".to_owned());
            break;
        }
        let safe = text_line(raw.trim_end_matches('\r'), false);
        let Some(columns) = columns.filter(|_| !safe.starts_with(' ')) else {
            out.push(safe);
            continue;
        };
        let mut current = String::new();
        for word in safe.split(' ') {
            if !current.is_empty() && width(&current) + 1 + width(word) > columns {
                out.push(std::mem::take(&mut current).trim_end().to_owned());
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        out.push(current.trim_end().to_owned());
    }
    out
}

/// `1 object`, `2 objects`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        assert_eq!(line("a\u{1b}[31mb\nc"), "a\\u001b[31mb\\nc");
        assert_eq!(quoted("say \"\u{202e}hi\\\"\u{e0041}"), r#""say \"\u202ehi\\\"\U000e0041""#);
        assert_eq!(name("app"), "app");
        assert_eq!(name("limits.cpu"), "\"limits.cpu\"");
    }

    #[test]
    fn there_is_an_end_to_what_a_server_says() {
        let text = "é".repeat(50_000);
        assert!(line(&text).ends_with("é... (60000 more bytes)"));
        assert!(text_line(&text, false).ends_with("é... (60000 more bytes)"));
        assert_eq!(wrap(&"x\n".repeat(50_000), None).len(), MOST_LINES + 1);
    }

    #[test]
    fn a_long_text_fits_with_its_end_or_its_middle_left_out() {
        let style = Style::plain();
        assert_eq!(fit_end("resource quota", 9, style), "resource…");
        assert_eq!(fit_middle("module.a.namespace.team", 11, style), "modul….team");
        assert_eq!(fit_middle("短い名前", 6, style), "短…前");
        assert_eq!(fit_end("abc", 3, style), "abc");
    }

    #[test]
    fn sentences_are_wrapped_and_commands_are_not() {
        let text = "One two three.\n\n    clinch apply -with=a-long-flag\nEnd";
        assert_eq!(
            wrap(text, Some(9)),
            ["One two", "three.", "", "    clinch apply -with=a-long-flag", "End"]
        );
    }
}
