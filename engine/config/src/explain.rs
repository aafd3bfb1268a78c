//! Why the parser could not read an expression, in a person's words.
//!
//! The parser stops at the first token it cannot use and knows little of why; the text around
//! that place tells the common mistakes apart.

use crate::codes;
use crate::scan::{char_at, ident_end, is_ident_part};
use crate::syntax::{span, too_deep};
use crate::text::{brief, nearest};
use diags::{Diagnostic, SourceId, Span};
use std::ops::Range;

/// What people of other languages do not expect.
pub(crate) const GOES_ON: &str =
    "An expression ends with its line; put it in parentheses to go on with the next one.";

/// What the parser saw and said.
#[derive(Clone, Copy)]
struct Scene<'a> {
    source: SourceId,
    text: &'a str,
    start: usize,
    end: usize,
    /// The first token that the parser could not use, or the end.
    at: usize,
    /// The parser's own message.
    message: &'a str,
}

/// Explains why the parser stopped at `at` of `whole`.
pub(crate) fn explain(
    source: SourceId,
    text: &str,
    whole: &Range<usize>,
    at: usize,
    message: &str,
) -> Diagnostic {
    let mut at = at.clamp(whole.start, whole.end);
    if message.contains("object value assignment") {
        // The parser stops behind the character that it did not want.
        let back = text[whole.start..at].chars().next_back();
        at -= back.map_or(0, char::len_utf8);
    }
    let rest = &text[at..whole.end];
    let at = at + (rest.len() - rest.trim_start().len());
    let scene = Scene { source, text, start: whole.start, end: whole.end, at, message };
    let (detail, help) = match scene.special() {
        Ok(diagnostic) => return *diagnostic,
        Err(()) => scene.general(),
    };
    let diagnostic =
        Diagnostic::error(codes::MALFORMED_EXPRESSION, "Expression cannot be understood", detail)
            .at(scene.place(), "");
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

impl<'a> Scene<'a> {
    fn found(&self) -> &'a str {
        token_at(self.text, self.at, self.end)
    }

    fn before(&self) -> &'a str {
        self.text[self.start..self.at].trim_end()
    }

    fn after(&self) -> &'a str {
        self.text[self.at + self.found().len()..self.end].trim_start()
    }

    fn place(&self) -> Span {
        span(self.source, &(self.at..self.at + self.found().len()))
    }

    /// Whether the expression ends with its line and the next line looks like more of it.
    fn goes_on(&self) -> bool {
        let rest = self.text[self.end..].trim_start_matches([' ', '\t', '\r']);
        let Some(next) = rest.strip_prefix('\n') else { return false };
        let line = next.trim_start().split('\n').next().unwrap_or("").trim_end();
        let is_item = line.contains('=') || line.ends_with('{') || line.starts_with(['}', '#']);
        !line.is_empty() && !is_item
    }

    fn expects(&self, what: &str) -> bool {
        self.message.contains(&format!("`{what}`"))
    }

    /// Mistakes with a code of their own.
    fn special(&self) -> Result<Box<Diagnostic>, ()> {
        let message = self.message;
        if message.contains("nested levels") || message.contains("chained binary") {
            return Ok(Box::new(too_deep(self.place())));
        }
        if message.contains("escape sequence") {
            let at = self.backslash();
            return Ok(Box::new(bad_text(at, "`\\` begins an escape, and this is none of them.").with_help(
                r#"Write `\n`, `\r`, `\t`, `\"`, `\\`, `\uNNNN` or `\UNNNNNNNN`; for a backslash write `\\`."#,
            )));
        }
        if message.contains("hex code") {
            let detail =
                "`\\u` takes four hexadecimal digits and `\\U` eight, of a character that exists.";
            return Ok(Box::new(bad_text(self.backslash(), detail)));
        }
        if self.expects("endif") || self.expects("endfor") {
            let (opener, closer) =
                if self.expects("endif") { ("if", "endif") } else { ("for", "endfor") };
            let detail = format!("`%{{ {opener} }}` is closed by `%{{ {closer} }}`.");
            return Ok(Box::new(
                bad_text(self.place(), detail).with_help(format!("Write `%{{ {closer} }}`.")),
            ));
        }
        if self.text[self.at..self.end].starts_with("%{") {
            return Ok(Box::new(self.directive()));
        }
        self.number().map(Box::new).ok_or(())
    }

    /// The escape before the place where the parser stopped.
    fn backslash(&self) -> Span {
        let at = self.text[self.start..self.at].rfind('\\').map_or(self.at, |i| self.start + i);
        let end = (at + 1 + char_at(self.text, at + 1).len_utf8()).min(self.end);
        span(self.source, &(at..end))
    }

    /// A directive that the parser gave up on: unknown, unclosed or closing nothing.
    fn directive(&self) -> Diagnostic {
        const KNOWN: [&str; 5] = ["if", "else", "endif", "for", "endfor"];
        let inside = self.text[self.at + 2..self.end].trim_start_matches(['~', ' ', '\t']);
        let word = &inside[..ident_end(inside, 0)];
        let shown = brief(word);
        let (detail, help) = match word {
            "if" => (
                "This `%{ if }` is never closed.".to_owned(),
                "Add `%{ endif }` where its part of the string ends.".to_owned(),
            ),
            "for" => (
                "This `%{ for }` is never closed.".to_owned(),
                "Add `%{ endfor }` where its part of the string ends.".to_owned(),
            ),
            "else" | "endif" => (
                format!("`%{{ {shown} }}` belongs to no `%{{ if }}`."),
                "Remove it, or add `%{ if CONDITION }` before it.".to_owned(),
            ),
            "endfor" => (
                "`%{ endfor }` belongs to no `%{ for }`.".to_owned(),
                "Remove it, or add `%{ for NAME in LIST }` before it.".to_owned(),
            ),
            "" => (
                "`%{` begins a directive, and none follows.".to_owned(),
                "Write `%%{` for the characters themselves.".to_owned(),
            ),
            _ => (
                format!("There is no directive `{shown}`."),
                match nearest(word, KNOWN) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "The directives are `if`, `else`, `endif`, `for` and `endfor`; write `%%{` for the characters themselves.".to_owned(),
                },
            ),
        };
        bad_text(self.place(), detail).with_help(help)
    }

    /// `1_000`, `0x10`, `.5`, `1.`, `10Gi`: numbers as others write them.
    fn number(&self) -> Option<Diagnostic> {
        let bytes = self.text.as_bytes();
        let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
        let mut start = self.at;
        while start > self.start && part(bytes[start - 1]) {
            start -= 1;
        }
        let mut end = self.at;
        while end < self.end && part(bytes[end]) {
            end += 1;
        }
        let word = &self.text[start..end];
        let digits = word.trim_start_matches('.');
        if word.len() < 2 || !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if plain(word) {
            return None;
        }
        let help = if digits.len() < word.len() {
            format!("Write `0{}`.", brief(word))
        } else if let Some(whole) = digits.strip_suffix('.').filter(|whole| plain(whole)) {
            format!("Write `{}`.", brief(whole))
        } else if plain(&digits.replace('_', "")) {
            "Write the digits without `_`.".to_owned()
        } else if ["0x", "0o", "0b"].iter().any(|base| word.starts_with(base)) {
            "Write the number in decimal digits.".to_owned()
        } else {
            format!("Write a number with a unit as a string: `\"{}\"`.", brief(word))
        };
        let detail = format!("`{}` is not a number of the language.", brief(word));
        let diagnostic = Diagnostic::error(codes::BAD_NUMBER, "Not a number", detail);
        Some(diagnostic.at(span(self.source, &(start..end)), "").with_help(help))
    }

    /// Everything else, told by what stands before and at the place.
    fn general(&self) -> (String, Option<String>) {
        let (found, before) = (self.found(), self.before());
        let last = last_token(before);
        let help = |text: &str| Some(text.to_owned());
        if before.is_empty() && found.is_empty() {
            return ("There is no expression.".to_owned(), None);
        }
        if self.expects(":") && before.contains('?') && !before.contains("for ") {
            return (
                "A conditional has three parts, and the last is missing.".to_owned(),
                help(if self.goes_on() { GOES_ON } else { "Write `CONDITION ? VALUE : VALUE`." }),
            );
        }
        if self.expects("in")
            || self.expects("=>")
            || (self.expects(":") && before.contains("for "))
        {
            let detail = if found.is_empty() {
                "The `for` is not complete.".to_owned()
            } else {
                format!("The `for` does not go on like this, at `{}`.", brief(found))
            };
            return (
                detail,
                help(
                    "Write `[for v in LIST : v]` for a list, `{ for k, v in MAP : k => v }` for an object.",
                ),
            );
        }
        let shown = brief(found);
        if found.is_empty() || (is_operator(found) && self.after().is_empty()) {
            let last = if found.is_empty() { brief(last) } else { shown };
            let detail = format!("The expression ends too early, after `{last}`.");
            return (detail, self.goes_on().then(|| GOES_ON.to_owned()));
        }
        if before.is_empty() || (before.len() == 1 && before.starts_with(['(', '[', '{'])) {
            return (format!("`{shown}` cannot begin an expression."), None);
        }
        let detail = format!("`{shown}` is not expected after `{}`.", brief(last));
        let help = match found {
            "," if self.after().is_empty() => help("Arguments end with their line, without `,`."),
            "," if last == "," || last == "=" => help("Write a value before the `,`."),
            ">" | "=>" => help("Write `=` between a key and its value; `=>` belongs to `for`."),
            "=" if ends_a_term(before) && !self.message.contains("object") => {
                help("Write `==` to compare; put each argument on a line of its own.")
            }
            "." if self.after().is_empty() => help("Add the name of an attribute after the `.`."),
            "[" if last.ends_with('.') => help("Remove the `.` before the `[`."),
            _ if self.message.contains("object value assignment") => help("Write `KEY = VALUE`."),
            "and" | "or" | "not" => help("Write `&&`, `||` or `!`."),
            _ if matches!(last, "not") => help("Write `!`."),
            _ if self.after().starts_with('=') && !self.after().starts_with("==") => {
                help("Put a `,` or a new line between the two.")
            }
            _ if ends_a_term(before) && starts_a_term(found) => {
                help("Put a `,` or an operator between the two.")
            }
            _ => None,
        };
        (detail, help)
    }
}

fn bad_text(at: Span, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::BAD_TEMPLATE, "Template cannot be understood", detail).at(at, "")
}

/// The token at `at`, for quoting: a word, an operator, a text or one character.
fn token_at(text: &str, at: usize, end: usize) -> &str {
    let rest = &text[at..end];
    let word = ident_end(text, at).min(end);
    if word > at {
        return &text[at..word];
    }
    for operator in ["=>", "==", "!=", "<=", ">=", "&&", "||", "...", "%{", "${"] {
        if rest.starts_with(operator) {
            return &rest[..operator.len()];
        }
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return &rest[..digits];
    }
    if let Some(close) = rest.strip_prefix('"').and_then(|inside| inside.find('"')) {
        return &rest[..close + 2];
    }
    &rest[..rest.chars().next().map_or(0, char::len_utf8)]
}

fn last_token(before: &str) -> &str {
    let word = before.trim_end_matches(|c: char| is_ident_part(c) || c == '.');
    if word.len() < before.len() {
        return &before[word.len()..];
    }
    let start = before.char_indices().next_back().map_or(0, |(i, _)| i);
    if before.ends_with('"')
        && let Some(open) = before[..start].rfind('"')
    {
        return &before[open..];
    }
    &before[start..]
}

fn ends_a_term(before: &str) -> bool {
    before.ends_with(|c: char| is_ident_part(c) || matches!(c, '"' | ')' | ']' | '}'))
}

fn is_operator(found: &str) -> bool {
    matches!(found, "+" | "-" | "*" | "/" | "%" | "!" | "&&" | "||" | "<" | ">")
        || matches!(found, "==" | "!=" | "<=" | ">=" | "?")
}

fn starts_a_term(found: &str) -> bool {
    let c = char_at(found, 0);
    is_ident_part(c) || matches!(c, '"' | '(' | '[' | '{')
}
