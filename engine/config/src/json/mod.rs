//! The language written as JSON, for configuration that a program makes: `*.hcl.json`.
//!
//! As in Terraform (language reference, "JSON Configuration Syntax") each label of a block is one
//! level of objects, several blocks of one header are a list, texts are templates, what names
//! something (`depends_on`, `to`, `type`) is a text that holds the reference, and `//` is a
//! comment.
//!
//! A JSON text is nearly an expression of the language already. So it is checked to be JSON
//! (`serde_json`), then read as one expression, with the places of every part; what is written
//! otherwise in the language ([`Masked`]) is blanked out in a copy, length for length, and read by
//! itself.

mod forms;
mod mask;

use crate::codes;
use crate::read::{read_expression, read_expression_in};
use crate::syntax::{self, Sink};
use crate::text::{brief, nfc};
use crate::tree::{Argument, Arguments, Block, Body, Expr, ExprKind, ObjectKey};
use addrs::Ident;
use diags::{Diagnostic, SourceId, Span};
use forms::{Form, TOP};
use mask::{Masked, Texts};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whether a file, by its name or path, is JSON.
pub(crate) fn is_json(name: &str) -> bool {
    name.strip_suffix(".json").is_some()
}

/// Reads a whole file: `take` gets each block in the order of the text.
pub(crate) fn read_json(
    source: SourceId,
    text: &str,
    sink: &mut Sink,
    mut take: impl FnMut(Block, &mut Sink),
) {
    let Some(whole) = read(source, text, Texts::Templates, sink) else { return };
    let mut blocks = Vec::new();
    let mut reader = Reader { source, text, sink, blocks: &mut blocks };
    reader.top(whole);
    for block in blocks {
        take(block, sink);
    }
}

/// Reads a file of variables: an object of their values, in which texts are no templates.
pub(crate) fn read_values(
    source: SourceId,
    text: &str,
    sink: &mut Sink,
) -> BTreeMap<Ident, Argument> {
    let Some(whole) = read(source, text, Texts::Plain, sink) else { return BTreeMap::new() };
    let mut reader = Reader { source, text, sink, blocks: &mut Vec::new() };
    let ExprKind::Object(items) = whole.kind else {
        reader.wrong(whole.span, "A file of variables holds an object, with their names.");
        return BTreeMap::new();
    };
    let values = items.into_iter().filter_map(|(key, value)| {
        let (name, span) = reader.key(key)?;
        Some((name, Argument { span, value }))
    });
    values.collect()
}

/// The whole text as one expression; nothing after a mistake.
fn read(source: SourceId, text: &str, texts: Texts, sink: &mut Sink) -> Option<Expr> {
    if let Err(error) = serde_json::from_str::<&RawValue>(text) {
        sink.push(no_json(source, text, &error));
        return None;
    }
    let masked = Masked::new(text, texts);
    let before = sink.count();
    let mut whole = read_expression(source, masked.text(), sink);
    if sink.count() > before {
        return None;
    }
    // A mistake in a text leaves null there, and the rest is read.
    masked.restore(&mut whole, source, sink);
    Some(whole)
}

struct Reader<'r> {
    source: SourceId,
    text: &'r str,
    sink: &'r mut Sink,
    blocks: &'r mut Vec<Block>,
}

impl Reader<'_> {
    fn top(&mut self, whole: Expr) {
        match whole.kind {
            ExprKind::List(parts) => parts.into_iter().for_each(|part| self.top(part)),
            ExprKind::Object(items) => {
                for (key, value) in items {
                    let Some((name, at)) = self.key(key) else { continue };
                    let unknown = &forms::UNKNOWN;
                    let form = forms::find(TOP, name.as_str()).unwrap_or(unknown);
                    let mut found = Vec::new();
                    self.unfold(&(name, at), form, value, &mut Vec::new(), &mut found);
                    self.blocks.extend(found);
                }
            }
            _ => self.wrong(whole.span, "The file holds an object, with the names of blocks."),
        }
    }

    /// The name and place of a key; `//` is a comment.
    fn key(&mut self, key: ObjectKey) -> Option<(Ident, Span)> {
        let (text, span) = plain(key)?;
        if text == "//" {
            return None;
        }
        match nfc(&text).parse() {
            Ok(name) => Some((name, span)),
            Err(_) => {
                let detail = format!("`{}` is not an identifier.", brief(&text));
                let d = Diagnostic::error(codes::NOT_AN_IDENTIFIER, "Not an identifier", detail);
                self.sink.push(d.at(span, "").with_help(
                    "Use letters, digits, `_` and `-`, beginning with a letter or `_`.",
                ));
                None
            }
        }
    }

    /// The blocks of one name: as many levels of objects as there are labels, then the inside.
    fn unfold(
        &mut self,
        name: &(Ident, Span),
        form: &Form,
        value: Expr,
        labels: &mut Vec<(String, Span)>,
        found: &mut Vec<Block>,
    ) {
        match value.kind {
            ExprKind::List(parts) => {
                for part in parts {
                    self.unfold(name, form, part, labels, found);
                }
            }
            ExprKind::Null => {}
            ExprKind::Object(items) if labels.len() < form.labels => {
                for (key, inner) in items {
                    let Some(label) = plain(key).filter(|(text, _)| text != "//") else { continue };
                    labels.push(label);
                    self.unfold(name, form, inner, labels, found);
                    labels.pop();
                }
            }
            ExprKind::Object(items) => {
                // The header is spread over lines; its last part says which block it is.
                let span = labels.last().map_or(name.1, |(_, span)| *span);
                let body = self.body(form, items, value.span);
                let (name, labels) = (name.0.clone(), labels.clone());
                found.push(Block { span, name, labels, body, each: None });
            }
            _ => {
                let what =
                    if labels.len() < form.labels { "a label belongs" } else { "arguments belong" };
                let detail = format!("A block `{}` is an object, and {what} in it here.", name.0);
                self.wrong(value.span, &detail);
            }
        }
    }

    fn body(&mut self, form: &Form, items: Box<[(ObjectKey, Expr)]>, span: Span) -> Body {
        let mut body =
            Body { span: Some(span), arguments: Arguments::new_vec(), blocks: Vec::new() };
        for (key, value) in items {
            let Some((name, at)) = self.key(key) else { continue };
            if let Some(inner) = forms::find(form.blocks, name.as_str()) {
                self.unfold(&(name, at), inner, value, &mut Vec::new(), &mut body.blocks);
                continue;
            }
            let named = form.names.contains(&name.as_str());
            let value = if named { self.named(value) } else { value };
            body.arguments.insert(name, Argument { span: at, value });
        }
        body
    }

    /// A text that holds an expression, or a list of such texts.
    fn named(&mut self, value: Expr) -> Expr {
        match value.kind {
            ExprKind::List(items) => {
                let items = items.into_iter().map(|item| self.named(item)).collect();
                Expr { span: value.span, kind: ExprKind::List(items) }
            }
            ExprKind::String(_) => {
                let (start, end) = (value.span.start as usize + 1, value.span.end as usize - 1);
                let mut text = Cow::Borrowed(&self.text[..end]);
                if text[start..].contains('\\') {
                    let inner = bare_quotes(&text[start..]);
                    text.to_mut().replace_range(start.., &inner);
                }
                read_expression_in(self.source, &text, start, self.sink)
            }
            _ => value,
        }
    }

    fn wrong(&mut self, at: Span, detail: &str) {
        let d = Diagnostic::error(codes::BAD_JSON, "Not the configuration as JSON", detail);
        self.sink.push(d.at(at, "").with_help(
            "Write `{ \"BLOCK\": { \"LABEL\": { \"ARGUMENT\": VALUE } } }`, with a level for each label.",
        ));
    }
}

/// Quotes in a text of JSON as the language writes them, length for length: a blank takes the
/// place of each backslash, outside of what is quoted.
fn bare_quotes(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for (i, part) in raw.split("\\\"").enumerate() {
        out.push_str(match i {
            0 => "",
            i if i % 2 == 1 => " \"",
            _ => "\" ",
        });
        out.push_str(part);
    }
    out
}

/// The text of a key.
fn plain(key: ObjectKey) -> Option<(String, Span)> {
    match key {
        ObjectKey::Name(name, span) => Some((name.to_string(), span)),
        ObjectKey::Expr(Expr { kind: ExprKind::String(text), span }) => {
            Some((text.to_string(), span))
        }
        ObjectKey::Expr(_) => None,
    }
}

fn no_json(source: SourceId, text: &str, error: &serde_json::Error) -> Diagnostic {
    let before: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (before + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default();
    Diagnostic::error(codes::BAD_JSON, "Not JSON", format!("The text is no JSON: {why}."))
        .at(syntax::span(source, &(at..end)), "")
        .with_help("Names of files with HCL in them end in `.hcl` alone.")
}
