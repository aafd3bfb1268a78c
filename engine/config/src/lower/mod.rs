//! From the text of an expression to expressions of our own.
//!
//! Lists, objects and plain values are read here ([`literal`]); everything else is parsed by
//! `hcl-edit`, one expression at a time, and its nodes are lowered at once ([`nodes`]). What
//! the parser reads wrongly, slowly or not exactly (heredocs, long lists and objects, unusual
//! numbers) is blanked out in a copy before it sees the text, length for length, so that all
//! places stay right; those regions are then read by themselves.

mod literal;
mod nodes;
mod template;

use crate::codes;
use crate::explain::explain;
use crate::scan::{self, Cut, Found, Mode, Region, RegionKind};
use crate::syntax::{self, Sink};
use crate::text::brief;
use crate::tree::{Expr, ExprKind};
use crate::words::Words;
use addrs::Ident;
use diags::{Diagnostic, SourceId, Span};
use hcl_edit::expr::Expression;
use std::borrow::Cow;
use std::ops::Range;

/// The deepest tree that is built: everything behind walks it recursively.
const MAX_TREE: usize = 256;
/// The longest chain of steps.
const MAX_STEPS: usize = 128;

/// Reads expressions of one source.
pub(crate) struct Lower<'a> {
    source: SourceId,
    text: &'a str,
    sink: &'a mut Sink,
    words: &'a mut Words,
    depth: usize,
    cut: Cut,
}

/// One piece of text as the parser saw it.
struct Piece<'p> {
    /// What to add to a place of the parser to get one of the source. Wraps around.
    shift: usize,
    regions: &'p [Region],
}

impl Piece<'_> {
    /// The place in the source.
    fn range(&self, at: &Range<usize>) -> Range<usize> {
        at.start.wrapping_add(self.shift)..at.end.wrapping_add(self.shift)
    }

    fn region(&self, start: usize) -> Option<&Region> {
        let found = self.regions.binary_search_by_key(&start, |r| r.start).ok()?;
        self.regions.get(found)
    }
}

impl<'a> Lower<'a> {
    pub(crate) fn new(
        source: SourceId,
        text: &'a str,
        sink: &'a mut Sink,
        words: &'a mut Words,
    ) -> Self {
        Self { source, text, sink, words, depth: 0, cut: Cut::Wide }
    }

    fn span(&self, at: &Range<usize>) -> Span {
        syntax::span(self.source, at)
    }

    /// Reads an expression. On a mistake, says so and gives null.
    pub(crate) fn expression(&mut self, found: &Found) -> Expr {
        let span = self.span(&found.at);
        if self.depth >= MAX_TREE {
            self.sink.push(syntax::too_deep(span));
            return null(span);
        }
        self.depth += 1;
        let expr = if let Some(expr) = self.simple(&found.at) {
            expr
        } else if found.literal {
            Expr { span, kind: self.literal(&found.at) }
        } else {
            self.parsed(found).unwrap_or_else(|| null(span))
        };
        self.depth -= 1;
        expr
    }

    /// Reads an expression with the parser.
    fn parsed(&mut self, found: &Found) -> Option<Expr> {
        let seen = blank(self.text, &found.at, &found.regions);
        if seen.contains('\n') {
            // In parentheses, newlines are spaces, as they are inside of every bracket. At the
            // end of a line the scan has ended, so those that are here are inside of one.
            let wrapped = ["(", &seen, ")"].concat();
            let shift = found.at.start.wrapping_sub(1);
            return match hcl_edit::parser::parse_expr(&wrapped) {
                Ok(Expression::Parenthesis(inner)) => {
                    let piece = Piece { shift, regions: &found.regions };
                    Some(self.expr(inner.inner(), &piece))
                }
                Ok(_) => None,
                Err(error) => {
                    self.mistake(found, shift, &wrapped, &error);
                    None
                }
            };
        }
        match hcl_edit::parser::parse_expr(&seen) {
            Ok(node) => {
                let piece = Piece { shift: found.at.start, regions: &found.regions };
                Some(self.expr(&node, &piece))
            }
            Err(error) => {
                self.mistake(found, found.at.start, &seen, &error);
                None
            }
        }
    }

    /// Says what is wrong with an expression that the parser could not read.
    fn mistake(
        &mut self,
        found: &Found,
        shift: usize,
        seen: &str,
        error: &hcl_edit::parser::Error,
    ) {
        // Once more, with lists and objects apart: the mistake may be in one of their items.
        if self.cut == Cut::Wide
            && let Ok(again) = scan::scan(self.text, found.at.clone(), Mode::Inside, Cut::All)
            && again.found.regions != found.regions
        {
            let before = self.sink.count();
            self.cut = Cut::All;
            self.parsed(&again.found);
            self.cut = Cut::Wide;
            if self.sink.count() > before {
                return;
            }
        }
        self.parser_error(&found.at, shift, seen, error);
    }

    /// Says what the parser found wrong in `seen`, which is `range` of the source blanked.
    fn parser_error(
        &mut self,
        range: &Range<usize>,
        shift: usize,
        seen: &str,
        error: &hcl_edit::parser::Error,
    ) {
        let at = error_offset(seen, error).wrapping_add(shift);
        self.sink.push(explain(self.source, self.text, range, at, error.message()));
    }

    /// The number as it is written: the parser's own value is rounded.
    fn number(&mut self, range: &Range<usize>) -> ExprKind {
        let written = &self.text[range.clone()];
        let digits = written.trim_start_matches(|c: char| !c.is_ascii_digit());
        let sign = if written.starts_with('-') { "-" } else { "" };
        let whole = digits.split(['.', 'e', 'E']).next().unwrap_or(digits);
        let span = self.span(range);
        if whole.len() > 1 && whole.starts_with('0') {
            let plain = digits.trim_start_matches('0');
            let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" }
                .to_owned()
                + plain;
            let detail = format!(
                "`{}` begins with a zero. Other languages read that as an octal number; this one has none.",
                brief(written)
            );
            self.sink.push(
                Diagnostic::error(codes::BAD_NUMBER, "Number with leading zero", detail)
                    .at(span, "")
                    .with_help(format!(
                        "Write `{sign}{}`, or `\"{}\"` if it is a string, as file modes are.",
                        brief(&plain),
                        brief(written)
                    )),
            );
            return ExprKind::Null;
        }
        match format!("{sign}{digits}").parse() {
            Ok(number) => ExprKind::Number(number),
            Err(why) => {
                let detail = format!("`{}` cannot be used: {why}.", brief(written));
                self.sink.push(
                    Diagnostic::error(codes::BAD_NUMBER, "Not a number", detail).at(span, ""),
                );
                ExprKind::Null
            }
        }
    }

    fn name(&mut self, name: &str, range: &Range<usize>) -> ExprKind {
        if let Some(meant) = foreign_word(name) {
            let detail = format!("`{name}` is a word of another language.");
            self.sink.push(
                Diagnostic::error(codes::FOREIGN_WORD, "Unknown word", detail)
                    .at(self.span(range), "")
                    .with_help(format!("Write `{meant}`.")),
            );
            return ExprKind::Null;
        }
        match self.ident(name, range) {
            Some(ident) => ExprKind::Name(ident),
            None => ExprKind::Null,
        }
    }

    /// The identifier, or a complaint.
    pub(crate) fn ident(&mut self, name: &str, range: &Range<usize>) -> Option<Ident> {
        match self.words.name(name) {
            Ok(ident) => Some(ident),
            Err(_) => {
                let detail = format!("`{}` is not an identifier.", brief(name));
                self.sink.push(
                    Diagnostic::error(codes::NOT_AN_IDENTIFIER, "Not an identifier", detail)
                        .at(self.span(range), "")
                        .with_help(
                            "Use letters, digits, `_` and `-`, beginning with a letter or `_`.",
                        ),
                );
                None
            }
        }
    }

    /// Reads the whole text as a template.
    pub(crate) fn template(&mut self) -> Expr {
        let whole = 0..self.text.len();
        Expr { span: self.span(&whole), kind: self.heredoc(false, &whole) }
    }

    /// Reads a part of the text as a template.
    pub(crate) fn template_in(&mut self, range: &Range<usize>) -> ExprKind {
        self.heredoc(false, range)
    }

    /// Reads the inside of a heredoc.
    fn heredoc(&mut self, flush: bool, body: &Range<usize>) -> ExprKind {
        let plain = &self.text[body.clone()];
        if !plain.contains("${") && !plain.contains("%{") {
            return template::plain(plain, flush, self.words);
        }
        let regions = match scan::scan(self.text, body.clone(), Mode::Template, self.cut) {
            Ok(scan) => scan.found.regions,
            Err(fault) => {
                self.sink.push(syntax::of_fault(self.source, self.text, &fault));
                return ExprKind::Null;
            }
        };
        let blanked = blank(self.text, body, &regions);
        match hcl_edit::parser::parse_template(&blanked) {
            Ok(node) => {
                let piece = Piece { shift: body.start, regions: &regions };
                template::lower(self, &node, template::Form::Heredoc { flush }, &piece)
            }
            Err(error) => {
                self.parser_error(body, body.start, &blanked, &error);
                ExprKind::Null
            }
        }
    }
}

fn null(span: Span) -> Expr {
    Expr { span, kind: ExprKind::Null }
}

/// The text of a range with its regions blanked out, byte for byte.
fn blank<'t>(text: &'t str, range: &Range<usize>, regions: &[Region]) -> Cow<'t, str> {
    if regions.is_empty() {
        return Cow::Borrowed(&text[range.clone()]);
    }
    let mut out = String::with_capacity(range.len());
    let mut from = range.start;
    for region in regions {
        out.push_str(&text[from..region.start]);
        let width = region.end - region.start;
        match region.kind {
            RegionKind::Number => out.extend(std::iter::repeat_n('0', width)),
            RegionKind::Heredoc { .. } => fill(&mut out, "\"", "\"", width),
            RegionKind::Literal => {
                let last = region.end - 1;
                fill(&mut out, &text[region.start..=region.start], &text[last..region.end], width);
            }
        }
        from = region.end;
    }
    out.push_str(&text[from..range.end]);
    Cow::Owned(out)
}

fn fill(out: &mut String, open: &str, close: &str, width: usize) {
    out.push_str(open);
    out.extend(std::iter::repeat_n(' ', width - open.len() - close.len()));
    out.push_str(close);
}

fn foreign_word(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" | "TRUE" => "true",
        "False" | "FALSE" => "false",
        "Null" | "NULL" | "None" | "nil" | "undefined" => "null",
        _ => return None,
    })
}

/// Where the parser stopped. At the end of its input it names the last character instead, and
/// only the column tells the two apart.
fn error_offset(seen: &str, error: &hcl_edit::parser::Error) -> usize {
    let location = error.location();
    let offset = location.offset();
    if offset + 1 < seen.len() {
        return offset;
    }
    let line = &seen[seen.rfind('\n').map_or(0, |i| i + 1)..];
    if location.column() > line.chars().count() { seen.len() } else { offset }
}
