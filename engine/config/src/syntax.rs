//! Mistakes of syntax in a person's words.

use crate::codes;
use crate::scan::{Fault, FaultKind, MAX_DEPTH, is_ident_part};
use crate::text::offset;
use diags::{Diagnostic, Diagnostics, SourceId, Span};
use std::ops::Range;

/// After so many messages about one file the rest is not read.
const MAX_MESSAGES: usize = 500;

/// Takes the messages about one file, and no more than a person can use.
#[derive(Default)]
pub(crate) struct Sink {
    kept: Vec<Diagnostic>,
    dropped: usize,
    first_dropped: Option<Span>,
}

impl Sink {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.len() < MAX_MESSAGES {
            self.kept.push(diagnostic);
            return;
        }
        if self.dropped == 0 {
            self.first_dropped = diagnostic.labels.first().map(|label| label.span);
        }
        self.dropped += 1;
    }

    /// How many there were, kept or not.
    pub(crate) fn count(&self) -> usize {
        self.kept.len() + self.dropped
    }

    pub(crate) fn is_full(&self) -> bool {
        self.dropped > 0
    }

    /// Forgets everything but this one.
    pub(crate) fn replace(&mut self, diagnostic: Diagnostic) {
        *self = Self::default();
        self.push(diagnostic);
    }

    /// The messages in the order of the places they point at first.
    pub(crate) fn finish(mut self) -> Diagnostics {
        self.kept.sort_by_key(|d| d.labels.first().map(|label| label.span));
        if self.dropped > 0 {
            let diagnostic = Diagnostic::error(
                codes::TOO_MANY_ERRORS,
                "Too many errors in one file",
                format!("After {MAX_MESSAGES} errors the rest of the file is not read."),
            );
            self.kept.push(match self.first_dropped {
                Some(span) => diagnostic.at(span, "the next one"),
                None => diagnostic,
            });
        }
        self.kept.into_iter().collect()
    }
}

/// Makes a span of a range.
pub(crate) fn span(source: SourceId, at: &Range<usize>) -> Span {
    Span { source, start: offset(at.start), end: offset(at.end) }
}

/// What the scanner found wrong.
pub(crate) fn of_fault(source: SourceId, text: &str, fault: &Fault) -> Diagnostic {
    let at = span(source, &fault.at);
    let unclosed = |detail: String| {
        Diagnostic::error(codes::UNCLOSED, "Something is never closed", detail)
            .at(at, "opened here")
    };
    match fault.kind {
        FaultKind::UnclosedString => Diagnostic::error(
            codes::UNCLOSED_STRING,
            "String without closing quote",
            "A quoted string ends on the line it begins on, and this one has no closing quote.",
        )
        .at(at, "begins here")
        .with_help(
            "Add the closing `\"`, write `\\n` for a new line, or a string of several lines as a heredoc (`<<EOT`).",
        ),
        FaultKind::UnclosedInterpolation => {
            unclosed("An interpolation or directive in a string has no closing `}`.".to_owned())
                .with_help(
                    "Add the closing `}`, or write `$${` for the characters `${` themselves.",
                )
        }
        FaultKind::UnclosedHeredoc => {
            let diagnostic = Diagnostic::error(
                codes::HEREDOC,
                "Heredoc without end",
                "No line of the file consists of this heredoc's marker alone.",
            )
            .at(at, "begins here")
            .with_help("End the text with a line that holds the marker and nothing else.");
            match almost_marker(text, &fault.at) {
                Some(almost) => {
                    diagnostic.at(span(source, &almost), "this line holds more than the marker")
                }
                None => diagnostic,
            }
        }
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

/// The line that was meant to end a heredoc: its marker, and then something else.
fn almost_marker(text: &str, heredoc: &Range<usize>) -> Option<Range<usize>> {
    let marker = text[heredoc.clone()].trim_start_matches(['<', '-']);
    let mut at = heredoc.end;
    text[heredoc.end..].split_inclusive('\n').find_map(|line| {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let after = line.trim().strip_prefix(marker)?;
        let other = !after.starts_with(is_ident_part);
        (other && start < at).then(|| start..start + marker.len())
    })
}

/// Nesting or chaining beyond the limit.
pub(crate) fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error(
        codes::TOO_DEEP,
        "Nested too deeply",
        format!("Brackets, blocks and templates nest at most {MAX_DEPTH} levels deep, and at most 128 operators or steps follow each other."),
    )
    .at(at, "too deep from here on")
    .with_help("Move the inner parts to `locals`.")
}

/// A character that can never stand outside of a text.
pub(crate) fn bad_character(at: Span, c: char) -> Diagnostic {
    let (detail, help) = match c {
        '“' | '”' | '„' | '«' | '»' => (
            format!("`{c}` is a typographic quote, not the `\"` of the language."),
            Some("Write `\"`."),
        ),
        '\'' | '‘' | '’' | '`' => {
            (format!("Strings stand in double quotes, not in {c}."), Some("Write `\"`."))
        }
        ';' => ("Arguments end with their line, without `;`.".to_owned(), Some("Remove the `;`.")),
        '$' => (
            "`$` has a meaning in strings only.".to_owned(),
            Some("Write the reference without `$`: `var.name`."),
        ),
        '\0' => ("This is a NUL character: the file may not be text.".to_owned(), None),
        _ if c.is_whitespace() || invisible(c) => (
            format!("The character U+{:04X} looks like a space or like nothing.", u32::from(c)),
            Some("Replace it with a plain space, or remove it."),
        ),
        _ if c.is_control() => {
            (format!("The control character U+{:04X} has no meaning.", u32::from(c)), None)
        }
        _ => (format!("`{c}` has no meaning here."), None),
    };
    let diagnostic =
        Diagnostic::error(codes::BAD_CHARACTER, "Unexpected character", detail).at(at, "");
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
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
