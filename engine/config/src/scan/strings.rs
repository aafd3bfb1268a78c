//! Quoted strings, templates and heredocs.

use super::scanner::{Frame, Scanner};
use super::{Fault, FaultKind, RegionKind, char_at, ident_end};

impl Scanner<'_> {
    pub(super) fn quoted(&mut self) -> Result<(), Fault> {
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
    pub(super) fn unclosed_text(&self) -> Fault {
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
    pub(super) fn marker(&mut self) -> Result<(), Fault> {
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
    pub(super) fn heredoc(&mut self) -> Result<bool, Fault> {
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
    pub(super) fn heredoc_line(&mut self) {
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

    pub(super) fn template_text(&mut self) -> Result<(), Fault> {
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
