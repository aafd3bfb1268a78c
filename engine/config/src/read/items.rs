//! Arguments, and what was meant as one.

use super::{Around, Open, Place, Reader, TOP_LEVEL};
use crate::codes;
use crate::explain::GOES_ON;
use crate::scan::{self, Cut, Fault, FaultKind, Mode, char_at, ident_end};
use crate::syntax;
use crate::text::brief;
use crate::tree::{Argument, Expr, ExprKind};
use diags::Diagnostic;
use std::ops::Range;

impl Reader<'_> {
    pub(super) fn item(&mut self, depth: usize, around: Option<Around>, body: &mut Open) {
        let at_margin = match around {
            Some(around) => around.at_margin,
            None => self.line_start(self.pos) == self.pos,
        };
        let place = Place { depth, at_margin };
        let start = self.pos;
        let end = ident_end(self.text, start);
        if end == start {
            self.not_an_item(start);
            return;
        }
        let name = start..end;
        self.pos = end;
        self.skip_spaces();
        match self.byte(0) {
            b'=' if self.byte(1) != b'=' => self.argument(&name, body),
            b':' => {
                let at = self.pos..self.pos + 1;
                self.malformed(
                    &at,
                    "An argument has `=` between its name and its value.",
                    "Write `=` instead of `:`.",
                );
                self.argument(&name, body);
            }
            b'{' => self.block(place, &name, Vec::new(), body),
            b'"' => self.labels(place, &name, body),
            _ if ident_end(self.text, self.pos) > self.pos => self.labels(place, &name, body),
            _ => {
                let word = brief(&self.text[name.clone()]);
                let (detail, help) = match self.byte(0) {
                    b'.' | b'[' => (
                        "The name of an argument is one word, without `.` and `[`.".to_owned(),
                        "Write nested values as an object: `a = { b = 1 }`.".to_owned(),
                    ),
                    b'=' => (
                        format!("`{word}` is followed by `==`, which compares."),
                        "Write a single `=`.".to_owned(),
                    ),
                    _ if TOP_LEVEL.contains(&word.as_str()) => (
                        format!("`{word}` is not followed by `{{`."),
                        format!("Write `{word} {{`, with labels before the `{{` if it has some."),
                    ),
                    _ => (
                        format!("`{word}` is neither an argument nor a block."),
                        format!(
                            "Write `{word} = ...` for an argument, `{word} {{ ... }}` for a block."
                        ),
                    ),
                };
                self.malformed(&name, detail, help);
                self.resume_after(start, self.pos);
            }
        }
    }

    /// At something that begins neither an argument nor a block.
    pub(super) fn not_an_item(&mut self, start: usize) {
        let line = &self.text[start..self.line_end()];
        if let Some(quoted) = line.strip_prefix('"') {
            let close = quoted.find('"').map_or(line.len(), |i| i + 2);
            let at = start..start + close;
            let after = line[close..].trim_start();
            if after.starts_with('=') || after.starts_with(':') {
                let name = brief(line[..close].trim_matches('"'));
                self.malformed(
                    &at,
                    "The name of an argument stands without quotes.",
                    format!("Write `{name} = ...`."),
                );
            } else {
                self.malformed(
                    &at,
                    "A string alone is neither an argument nor a block.",
                    "Give it a name: `name = \"...\"`.",
                );
            }
        } else if line.starts_with([')', ']']) {
            let found = char_at(line, 0);
            let kind = FaultKind::WrongCloser { open: None, found };
            let fault = Fault::plain(start..start + 1, kind);
            self.report(syntax::of_fault(self.source, self.text, &fault));
        } else if line.starts_with(|c: char| c.is_ascii_graphic() && !matches!(c, '\'' | '`' | ';'))
        {
            let word = line.split_whitespace().next().unwrap_or(line);
            let at = start..start + word.len();
            let detail = format!("`{}` begins neither an argument nor a block.", brief(word));
            let help = "Begin with a name: `name = ...` or `name { ... }`.";
            self.malformed(&at, detail, if continues(word) { GOES_ON } else { help });
        } else {
            let c = char_at(line, 0);
            let at = self.span(&(start..start + c.len_utf8()));
            let diagnostic = if c == '\r' {
                let fault = Fault::plain(start..start + 1, FaultKind::LoneReturn);
                syntax::of_fault(self.source, self.text, &fault)
            } else {
                syntax::bad_character(at, c)
            };
            self.report(diagnostic);
        }
        self.resume_after(start, start);
    }

    /// At the `=` (or a mistaken `:`) of an argument.
    pub(super) fn argument(&mut self, name: &Range<usize>, body: &mut Open) {
        self.pos += 1;
        let before = self.sink.count();
        let Some((value, clean)) = self.value(name) else { return };
        if clean {
            self.end_of_item(name, "an argument");
            if self.sink.count() > before {
                self.skip_continuation();
            }
        }
        self.keep(name, value, body);
    }

    /// After a broken expression: goes past lines that can only be more of it.
    fn skip_continuation(&mut self) {
        loop {
            let here = self.pos;
            self.skip_blank();
            let more = self.byte(0).is_ascii_digit() || continues(&self.text[self.pos..]);
            if self.at_end() {
                return;
            }
            if !more || self.line_start(here) == self.line_start(self.pos) {
                self.pos = here;
                return;
            }
            self.pos = self.line_end();
        }
    }

    /// Reads the value after `=`. When its end cannot be found, it is null, and reading goes
    /// on at another line: the value is not clean.
    pub(super) fn value(&mut self, name: &Range<usize>) -> Option<(Expr, bool)> {
        self.skip_spaces();
        let start = self.pos;
        let comment = self.text[start..].starts_with("//");
        if self.at_end() || comment || matches!(self.byte(0), b'\n' | b'}' | b'#') {
            let word = brief(&self.text[name.clone()]);
            self.malformed(
                &(name.start..start),
                format!("`{word}` has no value."),
                "Write the value on the line of the `=`; only brackets go on to further lines.",
            );
            self.pos = self.line_end();
            return None;
        }
        match scan::scan(self.text, start..self.text.len(), Mode::Value, Cut::Wide) {
            Ok(scan) => {
                self.pos = scan.stop;
                Some((self.lower().expression(&scan.found), true))
            }
            Err(fault) => {
                self.wasted += fault.reached - start;
                self.report(syntax::of_fault(self.source, self.text, &fault));
                let span = self.span(&(start..start));
                self.recover(name, &fault);
                Some((Expr { span, kind: ExprKind::Null }, false))
            }
        }
    }

    pub(super) fn keep(&mut self, name: &Range<usize>, value: Expr, body: &mut Open) {
        let span = self.span(name);
        let Some(ident) = self.ident(name) else {
            return;
        };
        match body.arguments.get(&ident) {
            Some(first) => {
                let first = first.span;
                let detail = format!("`{}` is set twice in one block.", brief(ident.as_str()));
                self.report(
                    Diagnostic::error(codes::DUPLICATE_ARGUMENT, "Argument set twice", detail)
                        .at(span, "set again here")
                        .at(first, "first set here")
                        .with_help("Remove one of the two."),
                );
            }
            None => {
                body.arguments.insert(ident, Argument { span, value });
            }
        }
    }

    /// After an argument or a block comes a new line, or the `}` of the block around.
    pub(super) fn end_of_item(&mut self, item: &Range<usize>, what: &str) {
        self.skip_spaces();
        self.skip_line_comment();
        if self.at_end() || self.byte(0) == b'\n' {
            return;
        }
        let at = self.pos..self.pos + char_at(self.text, self.pos).len_utf8();
        let detail = format!("After {what} comes a new line.");
        self.malformed(&at, detail, "Put this on a line of its own.");
        if self.byte(0) != b'}' {
            self.resume_after(item.start, self.pos);
        }
    }
}

/// Whether a line looks like the rest of the expression above it.
fn continues(line: &str) -> bool {
    line.starts_with(['+', '-', '*', '/', '%', '?', ':', '&', '|', '<', '>', '.'])
}
