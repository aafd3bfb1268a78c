//! Finding where an expression ends, without understanding it.
//!
//! The scanner knows strings, templates, heredocs, comments, numbers and brackets, and keeps
//! its own stack, so that no input makes it recurse. It reports the first mistake that only
//! it can place exactly (an unclosed string, say), and the regions that the parser cannot or
//! should not read itself.

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

enum Frame {
    Value,
    Inside,
    Template,
    Bracket { open: u8, at: usize, separators: u32, literal: bool, mark: usize },
    Quoted { at: usize },
    Interpolation { at: usize },
    Heredoc { at: usize, body: usize, flush: bool, marker: Range<usize>, mark: usize },
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    limit: usize,
    /// The first byte that is neither space nor comment.
    begin: Option<usize>,
    /// One past the last such byte.
    end: usize,
    /// Where a literal that begins at `begin` was closed.
    closed: Option<usize>,
    stack: Vec<Frame>,
    regions: Vec<Region>,
    cut: Cut,
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

/// One item of a list or an object.
pub(crate) struct Item {
    /// What stands before `=`, `:` or (by mistake) `=>`, and where that stands.
    pub(crate) key: Option<(Found, Range<usize>)>,
    /// The value; empty when there is none.
    pub(crate) value: Found,
}

/// The items of a literal list or object that was scanned before, without fault.
pub(crate) struct Items<'a> {
    scanner: Scanner<'a>,
    is_object: bool,
}

impl<'a> Items<'a> {
    /// `range` has the brackets.
    pub(crate) fn new(text: &'a str, range: &Range<usize>, cut: Cut) -> Self {
        let is_object = text.as_bytes()[range.start] == b'{';
        let inside = range.start + 1..range.end - 1;
        Self { scanner: Scanner::new(text, &inside, Frame::Inside, cut), is_object }
    }

    fn found(&mut self) -> Found {
        let scanner = &mut self.scanner;
        let begin = scanner.begin.take().unwrap_or(scanner.pos);
        let at = begin..scanner.end.max(begin);
        let literal = scanner.closed.take() == Some(at.end);
        Found { at, literal, regions: std::mem::take(&mut scanner.regions) }
    }
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let mut key = None;
        loop {
            let scanner = &mut self.scanner;
            if scanner.pos >= scanner.limit {
                if scanner.begin.is_none() && key.is_none() {
                    return None;
                }
                return Some(Item { key, value: self.found() });
            }
            if scanner.stack.len() == 1 {
                let begun = scanner.begin.is_some() || key.is_some();
                match scanner.bytes[scanner.pos] {
                    b',' => {
                        let value = self.found();
                        self.scanner.pos += 1;
                        return Some(Item { key, value });
                    }
                    b'\n' if self.is_object && begun => {
                        let value = self.found();
                        self.scanner.pos += 1;
                        return Some(Item { key, value });
                    }
                    b'=' | b':' if self.is_object && key.is_none() && scanner.assigns() => {
                        let start = scanner.pos;
                        let found = self.found();
                        let arrow = self.scanner.peek(1) == b'>';
                        self.scanner.pos += if arrow { 2 } else { 1 };
                        key = Some((found, start..self.scanner.pos));
                        continue;
                    }
                    _ => {}
                }
            }
            if !matches!(self.scanner.step(), Ok(true)) {
                self.scanner.pos = self.scanner.limit;
            }
        }
    }
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

impl<'a> Scanner<'a> {
    fn new(text: &'a str, range: &Range<usize>, base: Frame, cut: Cut) -> Self {
        Self {
            text,
            bytes: &text.as_bytes()[..range.end],
            pos: range.start,
            limit: range.end,
            begin: None,
            end: range.start,
            closed: None,
            stack: vec![base],
            regions: Vec::new(),
            cut,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn run(&mut self) -> Result<(), Fault> {
        while self.pos < self.limit {
            if !self.step()? {
                return Ok(());
            }
        }
        self.finish()
    }

    /// At the end of the range: whatever is still open is never closed.
    fn finish(&self) -> Result<(), Fault> {
        let Some(frame) = self.stack.last() else { return Ok(()) };
        let (at, kind) = match frame {
            Frame::Value | Frame::Inside | Frame::Template => return Ok(()),
            Frame::Bracket { open, at, .. } => {
                (*at..at + 1, FaultKind::UnclosedBracket(char::from(*open)))
            }
            Frame::Quoted { at } => (*at..self.limit, FaultKind::UnclosedString),
            Frame::Interpolation { at } => (*at..at + 2, FaultKind::UnclosedInterpolation),
            Frame::Heredoc { at, marker, .. } => (*at..marker.end, FaultKind::UnclosedHeredoc),
        };
        Err(self.fault_at(at, kind))
    }

    /// Moves on by one token; false when the value ends here.
    fn step(&mut self) -> Result<bool, Fault> {
        match self.stack.last() {
            Some(Frame::Quoted { .. }) => self.quoted().map(|()| true),
            Some(Frame::Heredoc { .. } | Frame::Template) => self.template_text().map(|()| true),
            _ => self.token(),
        }
    }

    fn token(&mut self) -> Result<bool, Fault> {
        let byte = self.bytes[self.pos];
        match byte {
            b' ' | b'\t' => {
                let rest = &self.bytes[self.pos..];
                let other = rest.iter().position(|b| !matches!(b, b' ' | b'\t'));
                self.pos += other.unwrap_or(rest.len());
            }
            b'\n' => {
                match self.stack.last_mut() {
                    Some(Frame::Value) => return Ok(false),
                    Some(Frame::Bracket { open: b'{', separators, .. }) => *separators += 1,
                    _ => {}
                }
                self.pos += 1;
            }
            b'\r' if self.peek(1) == b'\n' => self.pos += 1,
            b'\r' => return Err(self.fault(1, FaultKind::LoneReturn)),
            b'#' => self.line_comment(),
            b'/' if self.peek(1) == b'/' => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment()?,
            b'"' => self.push(Frame::Quoted { at: self.pos }, 1)?,
            b'(' | b'[' | b'{' => self.open(byte)?,
            b')' | b']' | b'}' => return self.close(byte),
            b'<' if self.peek(1) == b'<' && self.heredoc()? => {}
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => {
                // A legacy index, `a.0.b`: its digits are no number of their own.
                self.significant(1);
                while self.peek(0).is_ascii_digit() {
                    self.significant(1);
                }
            }
            b'~' if self.peek(1) == b'}' => self.pos += 1,
            b',' => {
                if let Some(Frame::Bracket { separators, .. }) = self.stack.last_mut() {
                    *separators += 1;
                }
                self.significant(1);
            }
            b'.' | b'=' | b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'<' | b'>' | b'&' | b'|'
            | b'?' | b':' => self.significant(1),
            _ => {
                let end = ident_end(self.text, self.pos);
                if end == self.pos {
                    let c = char_at(self.text, self.pos);
                    return Err(self.fault(c.len_utf8(), FaultKind::Character(c)));
                }
                self.significant(end - self.pos);
            }
        }
        Ok(true)
    }

    fn significant(&mut self, width: usize) {
        self.begin.get_or_insert(self.pos);
        self.pos += width;
        self.end = self.pos;
    }

    fn fault(&self, width: usize, kind: FaultKind) -> Fault {
        self.fault_at(self.pos..(self.pos + width).min(self.limit), kind)
    }

    fn fault_at(&self, at: Range<usize>, kind: FaultKind) -> Fault {
        Fault { at, kind, reached: self.pos, nested: self.stack.len() > 1 }
    }

    fn push(&mut self, frame: Frame, width: usize) -> Result<(), Fault> {
        if self.stack.len() > MAX_DEPTH {
            return Err(self.fault(width, FaultKind::TooDeep));
        }
        self.stack.push(frame);
        self.significant(width);
        Ok(())
    }

    fn line_comment(&mut self) {
        let rest = &self.bytes[self.pos..];
        self.pos += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn block_comment(&mut self) -> Result<(), Fault> {
        match self.text[self.pos + 2..self.limit].find("*/") {
            Some(length) => {
                self.pos += length + 4;
                Ok(())
            }
            None => Err(self.fault(2, FaultKind::UnclosedComment)),
        }
    }

    fn open(&mut self, open: u8) -> Result<(), Fault> {
        let inside = self.text[self.pos + 1..self.limit].trim_start();
        let is_for = inside
            .strip_prefix("for")
            .is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n', '#', '/']));
        let literal = open != b'(' && !is_for && self.is_term_start(open);
        let mark = self.regions.len();
        self.push(Frame::Bracket { open, at: self.pos, separators: 0, literal, mark }, 1)
    }

    /// Whether a bracket here starts a literal rather than an index of what stands before it.
    fn is_term_start(&self, open: u8) -> bool {
        let before = self.text[..self.end].chars().next_back();
        open == b'{'
            || !before.is_some_and(|c| is_ident_part(c) || matches!(c, ')' | ']' | '}' | '"' | '*'))
    }

    fn close(&mut self, found: u8) -> Result<bool, Fault> {
        let closes = |open: u8| matches!((open, found), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
        match self.stack.last() {
            Some(Frame::Bracket { open, at, separators, literal, mark }) if closes(*open) => {
                let (at, wide, mark) = (*at, *literal && *separators > self.cut.threshold(), *mark);
                let literal = *literal;
                self.stack.pop();
                self.significant(1);
                if literal && self.stack.len() == 1 && self.begin == Some(at) {
                    self.closed = Some(self.pos);
                }
                if wide {
                    self.region(at, mark, RegionKind::Literal);
                }
                Ok(true)
            }
            Some(Frame::Interpolation { .. }) if found == b'}' => {
                self.stack.pop();
                self.significant(1);
                Ok(true)
            }
            Some(Frame::Value) if found == b'}' => Ok(false),
            Some(Frame::Bracket { open, at, .. }) => {
                let open = Some((char::from(*open), *at));
                Err(self.fault(1, FaultKind::WrongCloser { open, found: char::from(found) }))
            }
            Some(Frame::Interpolation { at }) => {
                let open = Some(('{', *at + 1));
                Err(self.fault(1, FaultKind::WrongCloser { open, found: char::from(found) }))
            }
            _ => {
                Err(self.fault(1, FaultKind::WrongCloser { open: None, found: char::from(found) }))
            }
        }
    }

    /// Whether the `=` or `:` here stands between a key and its value.
    fn assigns(&self) -> bool {
        let before = self.pos.checked_sub(1).map_or(0, |i| self.bytes[i]);
        let (here, after) = (self.bytes[self.pos], self.peek(1));
        if here == b':' {
            before != b':' && after != b':'
        } else {
            after != b'=' && !matches!(before, b'=' | b'!' | b'<' | b'>')
        }
    }

    /// A region from `start` up to here takes the place of the regions inside it.
    fn region(&mut self, start: usize, mark: usize, kind: RegionKind) {
        self.regions.truncate(mark);
        self.regions.push(Region { start, end: self.pos, kind });
    }

    fn number(&mut self) {
        let start = self.pos;
        self.begin.get_or_insert(start);
        let digits = |scanner: &mut Self| {
            while scanner.peek(0).is_ascii_digit() {
                scanner.pos += 1;
            }
        };
        digits(self);
        let mut plain = true;
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.pos += 1;
            digits(self);
            plain = false;
        }
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if matches!(self.peek(0), b'e' | b'E') && self.peek(1 + sign).is_ascii_digit() {
            self.pos += 1 + sign;
            digits(self);
            plain = false;
        }
        self.end = self.pos;
        if !plain || self.pos - start > 18 {
            let mark = self.regions.len();
            self.region(start, mark, RegionKind::Number);
        }
    }

    fn quoted(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.pos..];
        let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\' | b'\n' | b'$' | b'%'));
        self.significant(plain.unwrap_or(rest.len()));
        if plain.is_none() {
            return Ok(());
        }
        match self.bytes[self.pos] {
            b'"' => {
                self.stack.pop();
                self.significant(1);
            }
            b'\\' if self.peek(1) == b'\n' => self.significant(1),
            b'\\' => {
                self.pos += 1;
                let width = char_at(self.text, self.pos).len_utf8();
                self.significant(width.min(self.limit - self.pos));
            }
            b'\n' => {
                return Err(self.unclosed_text());
            }
            _ => self.marker()?,
        }
        Ok(())
    }

    /// At the end of a line in a text. When the text is in an interpolation of another text on
    /// this line, its quote was meant to close that one, and the interpolation is unclosed.
    fn unclosed_text(&self) -> Fault {
        let line = self.text[..self.pos].rfind('\n').map_or(0, |i| i + 1);
        let (at, kind) = match self.stack.as_slice() {
            [
                ..,
                Frame::Quoted { at: outer },
                Frame::Interpolation { at },
                Frame::Quoted { .. },
            ] if *outer >= line => (*at..*at + 2, FaultKind::UnclosedInterpolation),
            [.., Frame::Quoted { at }] => (*at..self.pos, FaultKind::UnclosedString),
            _ => (self.pos..self.pos, FaultKind::UnclosedString),
        };
        let end = self.text[at.clone()].trim_end().len();
        let mut fault = self.fault_at(at.start..at.start + end, kind);
        // The text itself is no nesting; nor is an interpolation that ends with its line.
        let own = if kind == FaultKind::UnclosedInterpolation { 3 } else { 1 };
        fault.nested = self.stack.len() > 1 + own;
        fault
    }

    /// At a `$` or `%` of a template: an escaped marker, a real one, or just the character.
    fn marker(&mut self) -> Result<(), Fault> {
        let sign = self.bytes[self.pos];
        if self.peek(1) == sign && self.peek(2) == b'{' {
            self.significant(3);
        } else if self.peek(1) == b'{' {
            let at = self.pos;
            self.push(Frame::Interpolation { at }, 2)?;
            if self.peek(0) == b'~' {
                self.significant(1);
            }
        } else {
            self.significant(1);
        }
        Ok(())
    }

    /// Reads `<<EOT` and its newline; false when this is no heredoc.
    fn heredoc(&mut self) -> Result<bool, Fault> {
        let flush = self.peek(2) == b'-';
        let name = self.pos + 2 + usize::from(flush);
        let end = ident_end(self.text, name).min(self.limit);
        if end == name {
            return Ok(false);
        }
        let body = match &self.bytes[end..] {
            [b'\n', ..] => end + 1,
            [b'\r', b'\n', ..] => end + 2,
            _ => return Err(self.fault_at(self.pos..end, FaultKind::HeredocStart)),
        };
        let (at, mark) = (self.pos, self.regions.len());
        self.push(Frame::Heredoc { at, body, flush, marker: name..end, mark }, body - at)?;
        self.heredoc_line();
        Ok(true)
    }

    /// At the start of a line of a heredoc: closes it when the line is its marker.
    fn heredoc_line(&mut self) {
        let Some(Frame::Heredoc { at, body, flush, marker, mark }) = self.stack.last() else {
            return;
        };
        let rest = &self.bytes[self.pos..];
        let line = &rest[..rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())];
        if line.trim_ascii() != &self.bytes[marker.clone()] {
            return;
        }
        let (at, body, flush, mark) = (*at, *body..self.pos, *flush, *mark);
        let indent = line.len() - line.trim_ascii_start().len();
        let width = indent + line.trim_ascii().len();
        self.stack.pop();
        self.significant(width);
        self.region(at, mark, RegionKind::Heredoc { flush, body });
    }

    fn template_text(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.pos..];
        let plain = rest.iter().position(|b| matches!(b, b'\n' | b'$' | b'%'));
        self.significant(plain.unwrap_or(rest.len()));
        match plain.map(|_| self.bytes[self.pos]) {
            Some(b'\n') => {
                self.significant(1);
                self.heredoc_line();
            }
            Some(_) => self.marker()?,
            None => {}
        }
        Ok(())
    }
}
