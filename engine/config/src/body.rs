//! Arguments and blocks of a file: the structure is read here, the expressions by the parser.
//!
//! A mistake ends the argument or block header it is in, not the file: reading goes on at the
//! next line that looks like the beginning of something, so that each broken part of a file
//! gets its own message.

use crate::codes;
use crate::explain::explain;
use crate::lower::Lower;
use crate::scan::{self, Cut, Fault, FaultKind, MAX_DEPTH, Mode, char_at, ident_end};
use crate::syntax::{self, Sink};
use crate::text::brief;
use crate::tree::{Argument, Block, Body, Expr, ExprKind};
use addrs::Ident;
use diags::{Diagnostic, SourceId, Span};
use std::collections::BTreeMap;
use std::ops::Range;

/// A mistake may cost a look at the whole rest of the file. After so many bytes looked at in
/// vain, beside some times its length, the file is given up.
const MAX_WASTE: usize = 4 << 20;

/// Blocks that stand at the top of a file; inside of a block, at the start of a line, they
/// show that the block around them was never closed.
pub(crate) const TOP_LEVEL: [&str; 8] =
    ["clinch", "cluster", "resource", "data", "variable", "locals", "output", "module"];

/// Reads a whole file: `take` gets each block as soon as it is read, so that memory holds one
/// at a time. Gives back the arguments that stand outside of every block.
pub(crate) fn read_file(
    source: SourceId,
    text: &str,
    sink: &mut Sink,
    mut take: impl FnMut(Block, &mut Sink),
) -> BTreeMap<Ident, Argument> {
    let mut reader = Reader { source, text, pos: 0, sink, wasted: 0, unwinding: false };
    let mut body = Body::default();
    while reader.next_item(None) {
        reader.item(0, None, &mut body);
        for block in body.blocks.drain(..) {
            take(block, reader.sink);
        }
        reader.leave_when_full();
    }
    if sink.count() > 0
        && let Some(conflict) = conflict(source, text)
    {
        // Whatever was read is half of one version and half of the other.
        sink.replace(conflict);
        return BTreeMap::new();
    }
    body.arguments
}

/// Reads one expression that fills the text.
pub(crate) fn read_expression(source: SourceId, text: &str, sink: &mut Sink) -> Expr {
    let mut reader = Reader { source, text, pos: 0, sink, wasted: 0, unwinding: false };
    reader.skip_blank();
    let start = reader.pos;
    let nothing = |at: &Range<usize>| Expr { span: syntax::span(source, at), kind: ExprKind::Null };
    let scan = match scan::scan(text, start..text.len(), Mode::Value, Cut::Wide) {
        Ok(scan) => scan,
        Err(fault) => {
            reader.report(syntax::of_fault(source, text, &fault));
            return nothing(&fault.at);
        }
    };
    reader.pos = scan.stop;
    reader.skip_blank();
    if !reader.at_end() {
        let whole = start..text.len();
        reader.report(explain(source, text, &whole, reader.pos, "unexpected token"));
        return nothing(&(start..scan.found.at.end));
    }
    reader.lower().expression(&scan.found)
}

/// The markers that a version control system leaves make every other message noise.
fn conflict(source: SourceId, text: &str) -> Option<Diagnostic> {
    let place = |marker: &str| {
        let mut at = 0;
        text.split_inclusive('\n').find_map(|line| {
            let start = at;
            at += line.len();
            line.starts_with(marker).then(|| start..start + line.trim_end().len().min(60))
        })
    };
    let ours = place("<<<<<<< ")?;
    let theirs = place(">>>>>>> ")?;
    Some(
        Diagnostic::error(
            codes::MERGE_CONFLICT,
            "Unresolved merge conflict",
            "The file holds two versions of the same lines, and the markers of the merge.",
        )
        .at(syntax::span(source, &floor(text, ours)), "begins here")
        .at(syntax::span(source, &floor(text, theirs)), "ends here")
        .with_help("Keep one of the two versions and remove the lines with markers."),
    )
}

fn floor(text: &str, mut at: Range<usize>) -> Range<usize> {
    while !text.is_char_boundary(at.end) {
        at.end -= 1;
    }
    at
}

/// Whether a label is more than its characters.
pub(crate) fn is_template(label: &str) -> bool {
    label.contains('\\') || label.contains("${") || label.contains("%{")
}

struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    pos: usize,
    sink: &'a mut Sink,
    wasted: usize,
    /// A block was left without its `}`: those around it are left too, silently.
    unwinding: bool,
}

/// The block around a body.
#[derive(Clone, Copy)]
struct Around {
    /// Its `{`.
    brace: usize,
    /// Whether the outermost block begins at the margin.
    at_margin: bool,
}

/// Where an item stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    at_margin: bool,
}

impl Reader<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    fn span(&self, at: &Range<usize>) -> Span {
        syntax::span(self.source, at)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
    }

    fn lower(&mut self) -> Lower<'_> {
        Lower::new(self.source, self.text, self.sink)
    }

    fn malformed(&mut self, at: &Range<usize>, detail: impl Into<String>, help: impl Into<String>) {
        let span = self.span(at);
        self.report(
            Diagnostic::error(codes::MALFORMED_ITEM, "Argument or block not understood", detail)
                .at(span, "")
                .with_help(help),
        );
    }

    /// Skips spaces and comments within a line; comments of `/* */` may span lines.
    fn skip_spaces(&mut self) {
        loop {
            match self.byte(0) {
                b' ' | b'\t' => self.pos += 1,
                b'\r' if self.byte(1) == b'\n' => self.pos += 1,
                b'/' if self.byte(1) == b'*' => self.skip_comment(),
                _ => return,
            }
            if self.at_end() {
                return;
            }
        }
    }

    fn skip_comment(&mut self) {
        match self.text[self.pos + 2..].find("*/") {
            Some(length) => self.pos += length + 4,
            None => {
                let at = self.pos..self.pos + 2;
                let fault = Fault::plain(at, FaultKind::UnclosedComment);
                self.report(syntax::of_fault(self.source, self.text, &fault));
                self.leave_file();
            }
        }
    }

    fn skip_line_comment(&mut self) {
        if self.byte(0) == b'#' || (self.byte(0) == b'/' && self.byte(1) == b'/') {
            self.pos = self.line_end();
        }
    }

    /// Skips spaces, comments and newlines.
    fn skip_blank(&mut self) {
        while !self.at_end() {
            let before = self.pos;
            self.skip_spaces();
            self.skip_line_comment();
            if self.byte(0) == b'\n' {
                self.pos += 1;
            }
            if self.pos == before {
                return;
            }
        }
    }

    fn line_end(&self) -> usize {
        let rest = &self.text.as_bytes()[self.pos.min(self.text.len())..];
        self.pos + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |i| i + 1)
    }

    fn indent(&self, at: usize) -> usize {
        let line = &self.text.as_bytes()[self.line_start(at)..];
        line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    /// Goes to the first line below `from` that may begin something beside or outside of what
    /// began at `from`.
    fn resume_after(&mut self, from: usize, reached: usize) {
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

    /// Reads items up to the `}` of the block around, or to the end of the file.
    fn body(&mut self, depth: usize, around: Option<Around>) -> Body {
        let start = self.pos;
        let mut body = Body::default();
        while self.next_item(around) {
            self.item(depth, around, &mut body);
            self.leave_when_full();
        }
        body.span = Some(self.span(&(start..self.pos)));
        body
    }

    /// Goes to the next item of a body; false at its end.
    fn next_item(&mut self, around: Option<Around>) -> bool {
        if self.unwinding && around.is_some() {
            return false;
        }
        self.unwinding = false;
        self.skip_blank();
        if self.wasted > MAX_WASTE + 4 * self.text.len() {
            self.leave_file();
            return false;
        }
        let Some(around) = around else {
            while self.byte(0) == b'}' {
                let kind = FaultKind::WrongCloser { open: None, found: '}' };
                let fault = Fault::plain(self.pos..self.pos + 1, kind);
                self.report(syntax::of_fault(self.source, self.text, &fault));
                self.pos += 1;
                self.skip_blank();
            }
            return !self.at_end();
        };
        if self.byte(0) == b'}' {
            self.pos += 1;
            return false;
        }
        if self.at_end() || (around.at_margin && self.begins_top_level()) {
            self.unclosed_block(around);
            self.unwinding = true;
            return false;
        }
        true
    }

    fn unclosed_block(&mut self, around: Around) {
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

    fn ident(&mut self, name: &Range<usize>) -> Option<Ident> {
        let text = self.text;
        Lower::new(self.source, text, self.sink).ident(&text[name.clone()], name)
    }

    /// Whether a block of the top level begins here, at the margin.
    fn begins_top_level(&self) -> bool {
        let end = ident_end(self.text, self.pos);
        let word = &self.text[self.pos..end];
        if self.line_start(self.pos) != self.pos || !TOP_LEVEL.contains(&word) {
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

    fn item(&mut self, depth: usize, around: Option<Around>, body: &mut Body) {
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
    fn not_an_item(&mut self, start: usize) {
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
            self.malformed(&at, detail, "Begin with a name: `name = ...` or `name { ... }`.");
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
    fn argument(&mut self, name: &Range<usize>, body: &mut Body) {
        self.pos += 1;
        let Some((value, clean)) = self.value(name) else { return };
        if clean {
            self.end_of_item(name, "an argument");
        }
        self.keep(name, value, body);
    }

    /// Reads the value after `=`. When its end cannot be found, it is null, and reading goes
    /// on at another line: the value is not clean.
    fn value(&mut self, name: &Range<usize>) -> Option<(Expr, bool)> {
        self.skip_spaces();
        let start = self.pos;
        if self.at_end() || matches!(self.byte(0), b'\n' | b'}' | b'#') {
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

    /// Goes to where reading can go on after a mistake in the value of `name`.
    fn recover(&mut self, name: &Range<usize>, fault: &Fault) {
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
    fn skip_heredoc(&mut self, start: &Range<usize>) {
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
    fn lone_return(&mut self) -> bool {
        let alone = self.byte(0) == b'\r';
        if alone {
            let fault = Fault::plain(self.pos..self.pos + 1, FaultKind::LoneReturn);
            self.report(syntax::of_fault(self.source, self.text, &fault));
            self.leave_file();
        }
        alone
    }

    fn leave_when_full(&mut self) {
        if self.sink.is_full() {
            self.leave_file();
        }
    }

    fn leave_file(&mut self) {
        self.pos = self.text.len();
        self.unwinding = true;
    }

    fn keep(&mut self, name: &Range<usize>, value: Expr, body: &mut Body) {
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
    fn end_of_item(&mut self, item: &Range<usize>, what: &str) {
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

    /// At the first label of a block, or at what was meant as a value.
    fn labels(&mut self, place: Place, name: &Range<usize>, body: &mut Body) {
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
    fn quoted_label(&self) -> usize {
        let line = &self.text[self.pos..self.line_end()];
        match line[1..].find('"') {
            Some(close) => self.pos + close + 2,
            None => self.pos + line.trim_end().len(),
        }
    }

    /// Labels, but no `{` on their line.
    fn no_brace(
        &mut self,
        place: Place,
        name: &Range<usize>,
        labels: Vec<(String, Span)>,
        body: &mut Body,
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
            self.malformed(
                &at,
                "The name of an argument is one word.",
                "Write one name before the `=`, without spaces and quotes.",
            );
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
    fn block(
        &mut self,
        place: Place,
        name: &Range<usize>,
        labels: Vec<(String, Span)>,
        body: &mut Body,
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
        let inner = if self.byte(0) == b'\n' || self.at_end() {
            self.body(place.depth + 1, Some(around))
        } else {
            self.one_line(brace)
        };
        self.end_of_block(name);
        if let Some(ident) = self.ident(name) {
            body.blocks.push(Block { span: self.span(&header), name: ident, labels, body: inner });
        }
    }

    fn end_of_block(&mut self, name: &Range<usize>) {
        if !self.unwinding && self.text[..self.pos].ends_with('}') {
            self.end_of_item(name, "a block");
        }
    }

    /// Leaves all blocks, however deep, for the next block at the margin.
    fn leave_to_next_block(&mut self) {
        self.unwinding = true;
        while !self.at_end() {
            self.pos = (self.line_end() + 1).min(self.text.len());
            if self.begins_top_level() {
                return;
            }
        }
    }

    /// `{ name = value }` on one line.
    fn one_line(&mut self, brace: usize) -> Body {
        let mut body = Body::default();
        let start = self.pos;
        let name = start..ident_end(self.text, start);
        if !name.is_empty() {
            self.pos = name.end;
            self.skip_spaces();
            let assigns = self.byte(0) == b'=' && self.byte(1) != b'=';
            if !assigns || self.holds_more_than_one() {
                self.one_line_mistake(brace);
                return body;
            }
            self.pos += 1;
            let Some((value, clean)) = self.value(&name) else { return body };
            self.keep(&name, value, &mut body);
            if !clean {
                return body;
            }
        }
        self.skip_spaces();
        if self.byte(0) == b'}' {
            self.pos += 1;
        } else {
            self.one_line_mistake(brace);
        }
        body.span = Some(self.span(&(brace + 1..self.pos)));
        body
    }

    /// At the `=` of a one-line block: whether a second one, or a comma, follows on the line.
    fn holds_more_than_one(&self) -> bool {
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

    fn one_line_mistake(&mut self, brace: usize) {
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
