//! Mistakes of syntax in a person's words.

use crate::codes;
use crate::scan::{Fault, FaultKind, MAX_DEPTH, char_at, ident_end, is_ident_part};
use crate::text::{brief, offset};
use diags::{Diagnostic, Diagnostics, SourceId, Span};
use std::ops::Range;

/// After so many messages about one file the rest is not read.
const MAX_MESSAGES: usize = 500;

/// Takes the messages about one file, and no more than a person can use.
#[derive(Default)]
pub(crate) struct Sink {
    kept: Diagnostics,
    dropped: usize,
}

impl Sink {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.len() < MAX_MESSAGES {
            self.kept.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.dropped > 0
    }

    /// The messages; a last one says that there are more.
    pub(crate) fn finish(mut self, end: Span) -> Diagnostics {
        if self.dropped > 0 {
            self.kept.push(
                Diagnostic::error(
                    codes::TOO_MANY_ERRORS,
                    "Too many errors in one file",
                    format!("After {MAX_MESSAGES} errors the rest of the file is not read."),
                )
                .at(end, ""),
            );
        }
        self.kept
    }
}

/// Makes a span of a range.
pub(crate) fn span(source: SourceId, at: &Range<usize>) -> Span {
    Span { source, start: offset(at.start), end: offset(at.end) }
}

/// What the scanner found wrong.
pub(crate) fn of_fault(source: SourceId, fault: &Fault) -> Diagnostic {
    let at = span(source, &fault.at);
    let unclosed = |detail: String| {
        Diagnostic::error(codes::UNCLOSED, "Something is never closed", detail)
            .at(at, "opened here")
    };
    match fault.kind {
        FaultKind::UnclosedString => Diagnostic::error(
            codes::UNCLOSED_STRING,
            "Text without closing quote",
            "A quoted text ends on the line it begins on, and this one has no closing quote.",
        )
        .at(at, "begins here")
        .with_help("Add the closing `\"`, or write text of several lines as a heredoc (`<<EOT`)."),
        FaultKind::UnclosedInterpolation => {
            unclosed("An interpolation or directive in a text has no closing `}`.".to_owned())
                .with_help(
                    "Add the closing `}`, or write `$${` for the characters `${` themselves.",
                )
        }
        FaultKind::UnclosedHeredoc => Diagnostic::error(
            codes::HEREDOC,
            "Heredoc without end",
            "No line of the file consists of this heredoc's marker alone.",
        )
        .at(at, "begins here")
        .with_help("End the text with a line that holds the marker and nothing else."),
        FaultKind::HeredocStart => Diagnostic::error(
            codes::HEREDOC,
            "Heredoc does not begin on its own line",
            "After the marker of a heredoc comes a new line.",
        )
        .at(at, "")
        .with_help("Put the text on the lines below the marker, and nothing after the marker."),
        FaultKind::UnclosedBracket(open) => {
            unclosed(format!("This `{open}` has no closing `{}`.", closer_of(open)))
                .with_help(format!("Add the closing `{}`.", closer_of(open)))
        }
        FaultKind::UnclosedComment => unclosed("This comment has no closing `*/`.".to_owned())
            .with_help("Add the closing `*/`."),
        FaultKind::WrongCloser { open: Some((open, place)), found } => Diagnostic::error(
            codes::WRONG_CLOSER,
            "Closing bracket does not fit",
            format!("`{open}` is closed by `{}`, not by `{found}`.", closer_of(open)),
        )
        .at(at, format!("`{}` expected before this", closer_of(open)))
        .at(span(source, &(place..place + 1)), "opened here"),
        FaultKind::WrongCloser { open: None, found } => Diagnostic::error(
            codes::WRONG_CLOSER,
            "Closing bracket without opening",
            format!("Nothing is open that `{found}` could close."),
        )
        .at(at, "")
        .with_help(format!("Remove this `{found}`, or add the bracket that it should close.")),
        FaultKind::Character(c) => bad_character(at, c),
        FaultKind::LoneReturn => Diagnostic::error(
            codes::BAD_CHARACTER,
            "Carriage return without newline",
            "Lines end with a newline, or with a carriage return and a newline.",
        )
        .at(at, "")
        .with_help("Save the file with Unix or Windows line ends."),
        FaultKind::TooDeep => too_deep(at),
    }
}

/// Nesting or chaining beyond the limit.
pub(crate) fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error(
        codes::TOO_DEEP,
        "Nested too deeply",
        format!("Brackets, blocks and texts nest at most {MAX_DEPTH} levels deep, and at most 128 operators or steps follow each other."),
    )
    .at(at, "too deep from here on")
    .with_help("Move the inner parts to `locals`.")
}

/// A character that can never stand outside of a text.
pub(crate) fn bad_character(at: Span, c: char) -> Diagnostic {
    let shown: String = if c.is_control() || c.is_whitespace() || !c.is_ascii() {
        let code = u32::from(c);
        if c.is_control() || c.is_whitespace() || invisible(c) {
            format!("U+{code:04X}")
        } else {
            format!("{c}` (U+{code:04X}) `").trim_end_matches(" `").to_owned()
        }
    } else {
        c.to_string()
    };
    let diagnostic = |detail: String| {
        Diagnostic::error(codes::BAD_CHARACTER, "Unexpected character", detail).at(at, "")
    };
    match c {
        '“' | '”' | '„' | '«' | '»' => {
            diagnostic("This is a typographic quote, not the `\"` of the language.".to_owned())
                .with_help("Write `\"`.")
        }
        '\'' | '‘' | '’' | '`' => {
            diagnostic("Texts stand in double quotes.".to_owned()).with_help("Write `\"`.")
        }
        ';' => diagnostic("Arguments end with their line, without `;`.".to_owned())
            .with_help("Remove the `;`."),
        '\0' => diagnostic("This is a NUL character: the file may not be text.".to_owned()),
        _ if c.is_whitespace() || invisible(c) => {
            diagnostic(format!("The character {shown} looks like a space or like nothing."))
                .with_help("Replace it with a plain space, or remove it.")
        }
        _ => diagnostic(format!("`{shown}` has no meaning here.")),
    }
}

fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn closer_of(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// What the parser found wrong in an expression: its message, where, and the whole.
///
/// The parser stops at the first token it cannot use and knows little of why; the text
/// around that place tells the common mistakes apart.
pub(crate) fn of_parser(
    source: SourceId,
    text: &str,
    whole: &Range<usize>,
    at: usize,
    message: &str,
) -> Diagnostic {
    let at = at.clamp(whole.start, whole.end);
    let found = token_at(text, at, whole.end);
    let place = span(source, &(at..at + found.len()));
    let error = |code, detail: String| {
        Diagnostic::error(code, "Expression cannot be understood", detail).at(place, "")
    };
    if message.contains("nested levels") || message.contains("chained binary") {
        return too_deep(place);
    }
    if message.contains("escape sequence") {
        return bad_template(place, "`\\` begins an escape, and this is none of them.")
            .with_help(r#"Write `\n`, `\r`, `\t`, `\"`, `\\`, `\uNNNN` or `\UNNNNNNNN`; for a backslash write `\\`."#);
    }
    if message.contains("hex code") {
        return bad_template(
            place,
            "`\\u` takes four hexadecimal digits and `\\U` eight, of a character that exists.",
        );
    }
    if message.contains("endif") || message.contains("endfor") || message.contains("\"else\"") {
        return bad_template(place, "A directive is not closed as it was opened.")
            .with_help("Close `%{ if }` with `%{ endif }` and `%{ for }` with `%{ endfor }`.");
    }
    if text[whole.clone()].trim().is_empty() {
        return error(codes::MALFORMED_EXPRESSION, "A value is missing.".to_owned());
    }
    let before = text[whole.start..at].trim_end();
    if let Some(diagnostic) = number_mistake(source, text, whole, at) {
        return diagnostic;
    }
    if text[at..whole.end].starts_with("%{") {
        return bad_template(place, "This directive is unknown or does not belong here.")
            .with_help("Directives are `if`, `else`, `endif`, `for` and `endfor`; write `%%{` for the characters themselves.");
    }
    if found.is_empty() {
        return error(
            codes::MALFORMED_EXPRESSION,
            format!("The expression ends too early, after `{}`.", brief(last_token(before))),
        );
    }
    if found.starts_with("=>") || message.contains("\"=>\"") {
        return error(
            codes::MALFORMED_EXPRESSION,
            format!("`{}` is not expected here.", brief(found)),
        )
        .with_help(
            "Write `{ for k, v in x : k => v }` for an object and `[for v in x : v]` for a list.",
        );
    }
    if found == "=" {
        return error(codes::MALFORMED_EXPRESSION, "A single `=` compares nothing.".to_owned())
            .with_help("Write `==` to compare.");
    }
    let helps = if ends_a_term(before) && starts_a_term(found) {
        Some("Put a `,` or an operator between the two.")
    } else {
        None
    };
    let after = last_token(before);
    let detail = if after.is_empty() {
        format!("`{}` cannot begin an expression.", brief(found))
    } else {
        format!("`{}` is not expected after `{}`.", brief(found), brief(after))
    };
    let diagnostic = error(codes::MALFORMED_EXPRESSION, detail);
    match helps {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

fn bad_template(at: Span, detail: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_TEMPLATE, "Text cannot be understood", detail).at(at, "")
}

/// `1_000`, `0x10`, `.5`, `1.`: numbers as other languages write them.
fn number_mistake(
    source: SourceId,
    text: &str,
    whole: &Range<usize>,
    at: usize,
) -> Option<Diagnostic> {
    let bytes = text.as_bytes();
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let mut start = at;
    while start > whole.start && part(bytes[start - 1]) {
        start -= 1;
    }
    let mut end = at;
    while end < whole.end && part(bytes[end]) {
        end += 1;
    }
    let word = &text[start..end];
    let digits = word.trim_start_matches('.');
    if word.len() < 2 || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let help = if digits.len() < word.len() {
        format!("Write `0{}`.", brief(word))
    } else if word.contains('_') {
        "Write the digits without `_`.".to_owned()
    } else if word.starts_with("0x") || word.starts_with("0o") || word.starts_with("0b") {
        "Write the number in decimal digits.".to_owned()
    } else {
        "Write a number with a unit as a text, in quotes.".to_owned()
    };
    let detail = format!("`{}` is not a number of the language.", brief(word));
    Some(
        Diagnostic::error(codes::BAD_NUMBER, "Not a number", detail)
            .at(span(source, &(start..end)), "")
            .with_help(help),
    )
}

/// The token at `at`, for quoting: a word, an operator or one character.
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
    if rest.starts_with('"')
        && let Some(close) = rest[1..].find('"')
    {
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

fn starts_a_term(found: &str) -> bool {
    let c = char_at(found, 0);
    is_ident_part(c) || matches!(c, '"' | '(' | '[' | '{')
}
