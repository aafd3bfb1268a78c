//! Where reading goes on after a mistake.

use super::{Around, Reader, TOP_LEVEL};
use crate::codes;
use crate::scan::{self, Fault, FaultKind, ident_end};
use crate::syntax;
use diags::Diagnostic;
use std::ops::Range;

impl Reader<'_> {
    /// Goes to the first line below `from` that may begin something beside or outside of what
    /// began at `from`.
    pub(super) fn resume_after(&mut self, from: usize, reached: usize) {
        let indent = self.indent(from);
        self.pos = reached.max(from);
        loop {
            self.pos = self.line_end();
            if self.at_end() {
                return;
            }
            self.pos += 1;
            let line = &self.text[self.pos..self.line_end()];
            let rest = line.trim_start_matches([' ', '\t']);
            let own = line.len() - rest.len();
            let begins = rest.starts_with(|c: char| scan::is_ident_start(c) || c == '}');
            let closer = rest.starts_with('}');
            if begins && (own < indent || (own == indent && !closer)) {
                return;
            }
        }
    }

    pub(super) fn unclosed_block(&mut self, around: Around) {
        let brace = self.span(&(around.brace..around.brace + 1));
        let mut diagnostic = Diagnostic::error(
            codes::UNCLOSED,
            "Something is never closed",
            "The `{` of this block has no closing `}`.",
        )
        .at(brace, "opened here")
        .with_help("Add the closing `}`.");
        if !self.at_end() {
            let next = self.span(&(self.pos..ident_end(self.text, self.pos)));
            diagnostic = diagnostic.at(next, "the next block begins here");
        }
        self.report(diagnostic);
    }

    /// Whether a block of the top level begins here, at the margin.
    pub(super) fn begins_top_level(&self) -> bool {
        let end = ident_end(self.text, self.pos);
        let word = &self.text[self.pos..end];
        if !TOP_LEVEL.contains(&word) || self.line_start(self.pos) != self.pos {
            return false;
        }
        let line = self.text[end..].split('\n').next().unwrap_or("");
        let quotes = line.matches('"').count();
        let labels = match word {
            "resource" | "data" => 4,
            "locals" | "clinch" => 0,
            _ => 2,
        };
        quotes == labels && line.trim_end().ends_with('{')
    }

    /// Goes to where reading can go on after a mistake in the value of `name`.
    pub(super) fn recover(&mut self, name: &Range<usize>, fault: &Fault) {
        match fault.kind {
            FaultKind::UnclosedComment => self.leave_file(),
            FaultKind::UnclosedHeredoc => {
                self.pos = fault.at.end;
                self.leave_to_next_block();
            }
            FaultKind::HeredocStart => self.skip_heredoc(&fault.at),
            _ if !fault.nested => {
                self.pos = fault.at.end;
                self.pos = self.line_end();
            }
            // What was opened there holds nothing of what follows.
            FaultKind::WrongCloser { open: Some((_, at)), .. } => {
                self.resume_after(name.start, at);
            }
            FaultKind::UnclosedBracket(_) | FaultKind::UnclosedInterpolation => {
                self.resume_after(name.start, fault.at.start);
            }
            FaultKind::UnclosedString
            | FaultKind::WrongCloser { open: None, .. }
            | FaultKind::Character(_)
            | FaultKind::LoneReturn
            | FaultKind::TooDeep => self.resume_after(name.start, fault.reached),
        }
    }

    /// Goes past the end of a heredoc that did not begin well.
    pub(super) fn skip_heredoc(&mut self, start: &Range<usize>) {
        let marker = self.text[start.clone()].trim_start_matches(['<', '-']);
        self.pos = start.end;
        self.pos = self.line_end();
        let mut at = self.pos;
        for line in self.text[self.pos..].split_inclusive('\n') {
            at += line.len();
            if line.trim() == marker {
                self.pos = at;
                return;
            }
        }
    }

    /// Whether a carriage return stands here alone; the rest of the file is then one line.
    pub(super) fn lone_return(&mut self) -> bool {
        let alone = self.byte(0) == b'\r';
        if alone {
            let fault = Fault::plain(self.pos..self.pos + 1, FaultKind::LoneReturn);
            self.report(syntax::of_fault(self.source, self.text, &fault));
            self.leave_file();
        }
        alone
    }

    pub(super) fn leave_when_full(&mut self) {
        if self.sink.is_full() {
            self.leave_file();
        }
    }

    pub(super) fn leave_file(&mut self) {
        self.pos = self.text.len();
        self.unwinding = true;
    }

    /// Leaves all blocks, however deep, for the next block at the margin.
    pub(super) fn leave_to_next_block(&mut self) {
        self.unwinding = true;
        while !self.at_end() {
            self.pos = (self.line_end() + 1).min(self.text.len());
            if self.begins_top_level() {
                return;
            }
        }
    }
}
