//! Tokens outside of strings: brackets, numbers, comments, names.

use super::{
    Cut, Fault, FaultKind, MAX_DEPTH, Region, RegionKind, char_at, ident_end, is_ident_part,
};
use std::ops::Range;

/// What the scanner is inside of.
pub(super) enum Frame {
    Value,
    Inside,
    Template,
    Bracket { open: u8, at: usize, separators: u32, literal: bool, mark: usize },
    Quoted { at: usize },
    Interpolation { at: usize },
    Heredoc { at: usize, body: usize, flush: bool, marker: Range<usize>, mark: usize },
}

/// Goes through a text token by token.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) pos: usize,
    pub(super) limit: usize,
    /// The first byte that is neither space nor comment.
    pub(super) begin: Option<usize>,
    /// One past the last such byte.
    pub(super) end: usize,
    /// Where a literal that begins at `begin` was closed.
    pub(super) closed: Option<usize>,
    pub(super) stack: Vec<Frame>,
    pub(super) regions: Vec<Region>,
    pub(super) cut: Cut,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, range: &Range<usize>, base: Frame, cut: Cut) -> Self {
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

    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    pub(super) fn run(&mut self) -> Result<(), Fault> {
        while self.pos < self.limit {
            if !self.step()? {
                return Ok(());
            }
        }
        self.finish()
    }

    /// At the end of the range: whatever is still open is never closed.
    pub(super) fn finish(&self) -> Result<(), Fault> {
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
    pub(super) fn step(&mut self) -> Result<bool, Fault> {
        match self.stack.last() {
            Some(Frame::Quoted { .. }) => self.quoted().map(|()| true),
            Some(Frame::Heredoc { .. } | Frame::Template) => self.template_text().map(|()| true),
            _ => self.token(),
        }
    }

    pub(super) fn token(&mut self) -> Result<bool, Fault> {
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

    pub(super) fn significant(&mut self, width: usize) {
        self.begin.get_or_insert(self.pos);
        self.pos += width;
        self.end = self.pos;
    }

    pub(super) fn fault(&self, width: usize, kind: FaultKind) -> Fault {
        self.fault_at(self.pos..(self.pos + width).min(self.limit), kind)
    }

    pub(super) fn fault_at(&self, at: Range<usize>, kind: FaultKind) -> Fault {
        Fault { at, kind, reached: self.pos, nested: self.stack.len() > 1 }
    }

    pub(super) fn push(&mut self, frame: Frame, width: usize) -> Result<(), Fault> {
        if self.stack.len() > MAX_DEPTH {
            return Err(self.fault(width, FaultKind::TooDeep));
        }
        self.stack.push(frame);
        self.significant(width);
        Ok(())
    }

    pub(super) fn line_comment(&mut self) {
        let rest = &self.bytes[self.pos..];
        self.pos += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    pub(super) fn block_comment(&mut self) -> Result<(), Fault> {
        match self.text[self.pos + 2..self.limit].find("*/") {
            Some(length) => {
                self.pos += length + 4;
                Ok(())
            }
            None => Err(self.fault(2, FaultKind::UnclosedComment)),
        }
    }

    pub(super) fn open(&mut self, open: u8) -> Result<(), Fault> {
        let inside = self.text[self.pos + 1..self.limit].trim_start();
        let is_for = inside
            .strip_prefix("for")
            .is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n', '#', '/']));
        let literal = open != b'(' && !is_for && self.is_term_start(open);
        let mark = self.regions.len();
        self.push(Frame::Bracket { open, at: self.pos, separators: 0, literal, mark }, 1)
    }

    /// Whether a bracket here starts a literal rather than an index of what stands before it.
    pub(super) fn is_term_start(&self, open: u8) -> bool {
        let before = self.text[..self.end].chars().next_back();
        open == b'{'
            || !before.is_some_and(|c| is_ident_part(c) || matches!(c, ')' | ']' | '}' | '"' | '*'))
    }

    pub(super) fn close(&mut self, found: u8) -> Result<bool, Fault> {
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
    pub(super) fn assigns(&self) -> bool {
        let before = self.pos.checked_sub(1).map_or(0, |i| self.bytes[i]);
        let (here, after) = (self.bytes[self.pos], self.peek(1));
        if here == b':' {
            before != b':' && after != b':'
        } else {
            after != b'=' && !matches!(before, b'=' | b'!' | b'<' | b'>')
        }
    }

    /// A region from `start` up to here takes the place of the regions inside it.
    pub(super) fn region(&mut self, start: usize, mark: usize, kind: RegionKind) {
        self.regions.truncate(mark);
        self.regions.push(Region { start, end: self.pos, kind });
    }

    pub(super) fn number(&mut self) {
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
}
