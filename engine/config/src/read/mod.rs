//! Arguments and blocks of a file: the structure is read here, the expressions by the parser.
//!
//! A mistake ends the argument or block header it is in, not the file: reading goes on at the
//! next line that looks like the beginning of something, so that each broken part of a file
//! gets its own message.

mod blocks;
mod items;
mod recover;

use crate::codes;
use crate::explain::explain;
use crate::lower::Lower;
use crate::scan::{self, Cut, Fault, FaultKind, Mode};
use crate::syntax::{self, Sink};
use crate::tree::{Argument, Arguments, Block, Body, Expr, ExprKind};
use crate::words::Words;
use addrs::Ident;
use diags::{Diagnostic, SourceId, Span};
use std::collections::BTreeMap;
use std::ops::Range;

/// A mistake may cost a look at the whole rest of the file. After so many bytes looked at in
/// vain, beside some times its length, the file is given up.
const MAX_WASTE: usize = 4 << 20;

/// Blocks that stand at the top of a file; inside of a block, at the start of a line, they
/// show that the block around them was never closed.
pub(crate) const TOP_LEVEL: [&str; 13] = [
    "clinch", "cluster", "rollout", "resource", "data", "variable", "locals", "output", "module",
    "check", "moved", "removed", "import",
];

/// Reads a whole file: `take` gets each block as soon as it is read, so that memory holds one
/// at a time. Gives back the arguments that stand outside of every block.
pub(crate) fn read_file(
    source: SourceId,
    text: &str,
    sink: &mut Sink,
    mut take: impl FnMut(Block, &mut Sink),
) -> BTreeMap<Ident, Argument> {
    let mut reader =
        Reader { source, text, pos: 0, sink, wasted: 0, unwinding: false, words: Words::default() };
    let mut body = Open::default();
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

/// A body that is still being read; a tree, since a hostile one may have very many arguments.
#[derive(Default)]
struct Open {
    arguments: BTreeMap<Ident, Argument>,
    blocks: Vec<Block>,
}

impl Open {
    fn close(self) -> Body {
        let mut arguments = Arguments::with_capacity(self.arguments.len());
        arguments.extend(self.arguments);
        Body { span: None, arguments, blocks: self.blocks }
    }
}

/// Reads one expression that fills the text.
pub(crate) fn read_expression(source: SourceId, text: &str, sink: &mut Sink) -> Expr {
    read_expression_in(source, text, 0, sink)
}

/// Reads one expression that fills the text from here on.
pub(crate) fn read_expression_in(
    source: SourceId,
    text: &str,
    pos: usize,
    sink: &mut Sink,
) -> Expr {
    let mut reader =
        Reader { source, text, pos, sink, wasted: 0, unwinding: false, words: Words::default() };
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

/// Reads the structure of one file.
struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    pos: usize,
    sink: &'a mut Sink,
    wasted: usize,
    words: Words,
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
        Lower::new(self.source, self.text, self.sink, &mut self.words)
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

    /// Reads items up to the `}` of the block around, or to the end of the file.
    fn body(&mut self, depth: usize, around: Option<Around>) -> Body {
        let mut body = Open::default();
        while self.next_item(around) {
            self.item(depth, around, &mut body);
            self.leave_when_full();
        }
        body.close()
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

    fn ident(&mut self, name: &Range<usize>) -> Option<Ident> {
        let text = self.text;
        self.lower().ident(&text[name.clone()], name)
    }
}
