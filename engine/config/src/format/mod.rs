//! The canonical layout of a file: what `fmt` makes of it.
//!
//! Only blanks within lines change, and the last line gets its line break: which lines there are,
//! comments, line ends and the texts of heredocs stay as they are. In order: `tokens` cuts the text into tokens that together are the
//! text again, `spaces` says which two stand apart, `columns` puts equals signs and comments of
//! adjoining lines under each other.
//!
//! **Invariant:** the tokens of the result are those of the text, so the meaning is; and the
//! result of a result is the same again.

mod columns;
mod spaces;
mod tokens;

use crate::read::read_file;
use crate::syntax::Sink;
use crate::text::add_text;
use columns::Line;
use diags::{Diagnostics, SourceMap};
use tokens::{Kind, Token};

/// The text in canonical layout.
///
/// # Errors
///
/// Mistakes of syntax: what cannot be understood is not laid out.
pub fn format(map: &mut SourceMap, name: &str, text: &str) -> Result<String, Diagnostics> {
    let source = add_text(map, name, text);
    let mut sink = Sink::default();
    let known = map.get(source).map(|s| s.text.clone()).unwrap_or_default();
    let _ = read_file(source, &known, &mut sink, |_, _| {});
    let told = sink.finish();
    if told.has_errors() {
        return Err(told);
    }
    let mut out = layout(text);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(if out.contains("\r\n") { "\r\n" } else { "\n" });
    }
    Ok(out)
}

/// The layout of any text, also of one that is no configuration or a part of one: here the last
/// line stays without a line break where it has none.
pub fn layout(text: &str) -> String {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let tokens = tokens::tokens(text);
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut indents = Indents::default();
    for tokens in tokens.split_inclusive(|token| token.kind == Kind::Newline) {
        let (content, end) = match tokens.split_last() {
            Some((last, content)) if last.kind == Kind::Newline => (content, last.text),
            _ => (tokens, ""),
        };
        let indent = indents.of(content);
        lines.push(Line::new(content, indent, end));
    }
    columns::align(&mut lines);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    out.push_str(mark);
    for line in &lines {
        line.write(&mut out);
    }
    out
}

/// How deep lines stand: one step for each earlier line that opened more than it closed.
#[derive(Default)]
struct Indents {
    /// How many brackets each such line left open.
    open: Vec<usize>,
}

impl Indents {
    /// The depth of a line, which is its own when it closes more than it opens.
    fn of(&mut self, line: &[Token<'_>]) -> usize {
        let opens = line.iter().filter(|token| token.kind.opens()).count();
        let closes = line.iter().filter(|token| token.kind.closes()).count();
        let before = self.open.len();
        if opens > closes {
            self.open.push(opens - closes);
            return before;
        }
        let mut left = closes - opens;
        while let Some(last) = self.open.last_mut().filter(|_| left > 0) {
            let taken = left.min(*last);
            *last -= taken;
            left -= taken;
            if *last == 0 {
                self.open.pop();
            }
        }
        self.open.len()
    }
}
