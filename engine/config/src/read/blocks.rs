//! Blocks: labels, braces, and those on one line.

use super::{Around, Open, Place, Reader, TOP_LEVEL, is_template};
use crate::codes;
use crate::scan::{self, Cut, MAX_DEPTH, Mode, ident_end};
use crate::syntax;
use crate::text::brief;
use crate::tree::{Block, Body};
use diags::{Diagnostic, Span};
use std::ops::Range;

impl Reader<'_> {
    /// At the first label of a block, or at what was meant as a value.
    pub(super) fn labels(&mut self, place: Place, name: &Range<usize>, body: &mut Open) {
        let mut labels: Vec<(String, Span)> = Vec::new();
        loop {
            self.skip_spaces();
            let start = self.pos;
            if self.byte(0) == b'{' {
                return self.block(place, name, labels, body);
            }
            let end = if self.byte(0) == b'"' {
                self.quoted_label()
            } else {
                ident_end(self.text, start)
            };
            if end == start {
                break;
            }
            let written = &self.text[start..end];
            let label =
                written.strip_prefix('"').map_or(written, |l| l.strip_suffix('"').unwrap_or(l));
            let span = self.span(&(start..end));
            if is_template(label) {
                self.report(
                    Diagnostic::error(
                        codes::NOT_AN_IDENTIFIER,
                        "Label is not constant",
                        "A label is a constant, without interpolation and escapes.",
                    )
                    .at(span, "")
                    .with_help("Write the name itself."),
                );
            }
            labels.push((label.to_owned(), span));
            self.pos = end;
        }
        self.no_brace(place, name, labels, body);
    }

    /// One past the closing quote of a label, or the end of the line.
    pub(super) fn quoted_label(&self) -> usize {
        let line = &self.text[self.pos..self.line_end()];
        match line[1..].find('"') {
            Some(close) => self.pos + close + 2,
            None => self.pos + line.trim_end().len(),
        }
    }

    /// Labels, but no `{` on their line.
    pub(super) fn no_brace(
        &mut self,
        place: Place,
        name: &Range<usize>,
        labels: Vec<(String, Span)>,
        body: &mut Open,
    ) {
        let word = brief(&self.text[name.clone()]);
        let header = name.start..self.pos;
        let here = self.pos;
        if matches!(self.byte(0), b'\n' | b'#' | b'/') || self.at_end() {
            self.skip_blank();
            if self.byte(0) == b'{' {
                self.malformed(
                    &(self.pos..self.pos + 1),
                    "The `{` of a block stands on the line of its name and labels.",
                    "Move the `{` to the end of the line above.",
                );
                return self.block(place, name, labels, body);
            }
            self.pos = here;
        }
        if self.byte(0) == b'=' {
            let at = header.start..self.pos + 1;
            if TOP_LEVEL.contains(&word.as_str()) {
                let help = "Write the `{` right after the labels.";
                self.malformed(&at, format!("`{word}` is a block, without `=`."), help);
            } else {
                let help = "Write one name before the `=`, without spaces and quotes.";
                self.malformed(&at, "The name of an argument is one word.", help);
            }
        } else if let [(label, _)] = labels.as_slice() {
            let help = if TOP_LEVEL.contains(&word.as_str()) {
                format!("Write `{word} \"{}\" {{`.", brief(label))
            } else {
                format!("Write `{word} = ...` for an argument, `{word} \"...\" {{` for a block.")
            };
            self.malformed(&header, format!("`{word}` is followed by neither `=` nor `{{`."), help);
        } else {
            let at = self.pos..self.pos;
            self.malformed(
                &at,
                format!("The labels of `{word}` are not followed by `{{`."),
                "End the line with `{`.",
            );
        }
        self.resume_after(name.start, self.pos);
    }

    /// At the `{` of a block.
    pub(super) fn block(
        &mut self,
        place: Place,
        name: &Range<usize>,
        labels: Vec<(String, Span)>,
        body: &mut Open,
    ) {
        let brace = self.pos;
        if place.depth >= MAX_DEPTH {
            let at = self.span(name);
            self.report(syntax::too_deep(at));
            self.leave_to_next_block();
            return;
        }
        let header = name.start..labels.last().map_or(name.end, |(_, s)| s.end as usize);
        self.pos += 1;
        let around = Around { brace, at_margin: place.at_margin };
        self.skip_spaces();
        self.skip_line_comment();
        if self.lone_return() {
            return;
        }
        let mut inner = if self.byte(0) == b'\n' || self.at_end() {
            self.body(place.depth + 1, Some(around))
        } else {
            self.one_line(brace)
        };
        inner.span = Some(self.span(&(brace..self.pos)));
        self.end_of_block(name);
        if let Some(ident) = self.ident(name) {
            body.blocks.push(Block {
                span: self.span(&header),
                name: ident,
                labels,
                body: inner,
                each: None,
            });
        }
    }

    pub(super) fn end_of_block(&mut self, name: &Range<usize>) {
        if !self.unwinding && self.text[..self.pos].ends_with('}') {
            self.end_of_item(name, "a block");
        }
    }

    /// `{ name = value }` on one line.
    pub(super) fn one_line(&mut self, brace: usize) -> Body {
        let mut body = Open::default();
        self.fill_one_line(brace, &mut body);
        body.close()
    }

    fn fill_one_line(&mut self, brace: usize, body: &mut Open) {
        let start = self.pos;
        let name = start..ident_end(self.text, start);
        if !name.is_empty() {
            self.pos = name.end;
            self.skip_spaces();
            let assigns = self.byte(0) == b'=' && self.byte(1) != b'=';
            if !assigns || self.holds_more_than_one() {
                self.one_line_mistake(brace);
                return;
            }
            self.pos += 1;
            let Some((value, clean)) = self.value(&name) else { return };
            self.keep(&name, value, body);
            if !clean {
                return;
            }
        }
        self.skip_spaces();
        if self.byte(0) == b'}' {
            self.pos += 1;
        } else {
            self.one_line_mistake(brace);
        }
    }

    /// At the `=` of a one-line block: whether a second one, or a comma, follows on the line.
    pub(super) fn holds_more_than_one(&self) -> bool {
        let start = self.pos + 1;
        let Ok(scan) = scan::scan(self.text, start..self.text.len(), Mode::Value, Cut::Wide) else {
            return false;
        };
        let before = |rest: &str| {
            let at = scan.found.at.end - rest.len();
            self.text[..at].chars().next_back()
        };
        let second = scan::find_outside(self.text, start..scan.found.at.end, |rest| {
            let alone = rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=>");
            rest.starts_with(',') || (alone && !matches!(before(rest), Some('=' | '!' | '<' | '>')))
        });
        second.is_some()
    }

    pub(super) fn one_line_mistake(&mut self, brace: usize) {
        let at = self.span(&(brace..brace + 1));
        self.report(
            Diagnostic::error(
                codes::ONE_LINE_BLOCK,
                "Block on one line holds too much",
                "A block on one line holds at most one argument, and no block.",
            )
            .at(at, "begins here")
            .with_help("Put each argument on a line of its own, and the `}` below them."),
        );
        match scan::scan(self.text, brace..self.text.len(), Mode::Value, Cut::Wide) {
            Ok(scan) => self.pos = scan.found.at.end,
            Err(_) => self.pos = self.line_end(),
        }
    }
}
