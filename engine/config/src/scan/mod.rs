//! Finding where an expression ends, without understanding it.
//!
//! The scanner knows strings, templates, heredocs, comments, numbers and brackets, and keeps
//! its own stack, so that no input makes it recurse. It reports the first mistake that only
//! it can place exactly (an unclosed string, say), and the regions that the parser cannot or
//! should not read itself.

mod items;
mod scanner;
mod strings;

pub(crate) use items::{Item, Items};
use scanner::{Frame, Scanner};
use std::ops::Range;

/// Deeper nesting than this is refused; the parser behind has the same limit.
pub(crate) const MAX_DEPTH: usize = 64;

/// Which lists and objects inside of an expression are read apart from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Those with many items: the parser's time for an object grows with their square.
    Wide,
    /// All, so that each mistake is found where it is.
    All,
}

impl Cut {
    /// Literals with more separators than this are cut out.
    fn threshold(self) -> u32 {
        match self {
            Self::Wide => 200,
            Self::All => 0,
        }
    }
}

/// What follows the start of the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A value: ends with its line, or before a `}`.
    Value,
    /// The inside of a bracket, up to the end of the range.
    Inside,
    /// A template without quotes, up to the end of the range.
    Template,
}

/// A part of an expression that is read apart from the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: RegionKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegionKind {
    /// `<<EOT` up to the marker; the body excludes both.
    Heredoc { flush: bool, body: Range<usize> },
    /// A literal list or object, with its brackets.
    Literal,
    /// A number that the parser would round or refuse.
    Number,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Where it stopped: a newline, a `}`, or the end.
    pub(crate) stop: usize,
    /// What it found.
    pub(crate) found: Found,
}

/// An expression that was found but not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Without spaces and comments around it.
    pub(crate) at: Range<usize>,
    /// Whether it is one literal list or object and nothing else.
    pub(crate) literal: bool,
    /// In order, none inside another.
    pub(crate) regions: Vec<Region>,
}

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: Range<usize>,
    pub(crate) kind: FaultKind,
    /// How far the scan had come.
    pub(crate) reached: usize,
    /// Whether it was inside of brackets or an interpolation.
    pub(crate) nested: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    UnclosedString,
    UnclosedInterpolation,
    UnclosedHeredoc,
    HeredocStart,
    UnclosedBracket(char),
    UnclosedComment,
    /// A closer that does not fit; where the bracket was opened, if any.
    WrongCloser {
        open: Option<(char, usize)>,
        found: char,
    },
    Character(char),
    LoneReturn,
    TooDeep,
}

impl Fault {
    /// A mistake outside of every bracket.
    pub(crate) fn plain(at: Range<usize>, kind: FaultKind) -> Self {
        Self { reached: at.end, at, kind, nested: false }
    }
}

/// Scans `range` of `text`; a value may end before the range does.
pub(crate) fn scan(text: &str, range: Range<usize>, mode: Mode, cut: Cut) -> Result<Scan, Fault> {
    let base = match mode {
        Mode::Value => Frame::Value,
        Mode::Inside => Frame::Inside,
        Mode::Template => Frame::Template,
    };
    let mut scanner = Scanner::new(text, &range, base, cut);
    scanner.run()?;
    let begin = scanner.begin.unwrap_or(range.start);
    let at = begin..scanner.end.max(begin);
    let literal = scanner.closed == Some(at.end);
    Ok(Scan { stop: scanner.pos, found: Found { at, literal, regions: scanner.regions } })
}

/// Where in a scanned range, outside of all brackets and texts, a token satisfies `wanted`.
pub(crate) fn find_outside(
    text: &str,
    range: Range<usize>,
    wanted: impl Fn(&str) -> bool,
) -> Option<usize> {
    let mut scanner = Scanner::new(text, &range, Frame::Inside, Cut::Wide);
    while scanner.pos < scanner.limit {
        let at = scanner.pos;
        if scanner.stack.len() == 1 && text.is_char_boundary(at) && wanted(&text[at..range.end]) {
            return Some(at);
        }
        if !matches!(scanner.step(), Ok(true)) {
            return None;
        }
    }
    None
}

pub(crate) fn is_ident_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Combining marks are let through: an identifier is normalised before it is judged.
pub(crate) fn is_ident_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-' || unicode_normalization::char::is_combining_mark(c)
}

/// One past the identifier that starts at `pos`; `pos` itself when there is none.
pub(crate) fn ident_end(text: &str, pos: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = pos;
    while let Some(&byte) = bytes.get(at) {
        let (part, width) = if byte.is_ascii() {
            let letter = byte.is_ascii_alphabetic() || byte == b'_';
            (letter || (at > pos && (byte.is_ascii_digit() || byte == b'-')), 1)
        } else {
            let c = char_at(text, at);
            (if at == pos { is_ident_start(c) } else { is_ident_part(c) }, c.len_utf8())
        };
        if !part {
            break;
        }
        at += width;
    }
    at
}

pub(crate) fn char_at(text: &str, pos: usize) -> char {
    text.get(pos..).and_then(|rest| rest.chars().next()).unwrap_or('\0')
}
