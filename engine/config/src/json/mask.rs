//! A copy of a JSON text that can be read as an expression of the language.
//!
//! Line breaks mean nothing in JSON. Texts with interpolations end where JSON says, and quotes in
//! them have a backslash (`"${file(\"x\")}"`), so they are read by themselves.

use crate::lower::Lower;
use crate::syntax::Sink;
use crate::tree::{Expr, ExprKind, For, ObjectKey, Part};
use crate::words::Words;
use diags::{SourceId, Span};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a text of JSON is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// A template, as in configuration.
    Templates,
    /// Itself, as in files of variables.
    Plain,
}

/// The copy, and the texts that are blanked out in it.
pub(super) struct Masked<'j> {
    json: &'j str,
    text: String,
    texts: Texts,
    /// What the texts at these places say, by their first bytes.
    blanked: BTreeMap<u32, String>,
}

impl<'j> Masked<'j> {
    /// From a text that is JSON.
    pub(super) fn new(json: &'j str, texts: Texts) -> Self {
        let mut text = String::with_capacity(json.len());
        let mut blanked = BTreeMap::new();
        let mut at = 0;
        while let Some(string) = next_string(json, at) {
            between(&json[at..string.start], &mut text);
            let raw = &json[string.clone()];
            match serde_json::from_str::<String>(raw) {
                Ok(decoded) if is_other(raw) => {
                    // Not twice the same: it may be a key.
                    let number = format!("{:x}", blanked.len());
                    let filling = number.chars().chain(std::iter::repeat('x'));
                    text.push('"');
                    text.extend(filling.take(raw.len() - 2));
                    text.push('"');
                    blanked.insert(crate::text::offset(string.start), decoded);
                }
                Ok(_) | Err(_) => text.push_str(raw),
            }
            at = string.end;
        }
        between(&json[at..], &mut text);
        Self { json, text, texts, blanked }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts what was blanked out back into the tree that was read; everything within such a text
    /// has the place of the whole.
    pub(super) fn restore(&self, expr: &mut Expr, source: SourceId, sink: &mut Sink) {
        if self.blanked.is_empty() {
            return;
        }
        match &mut expr.kind {
            ExprKind::List(items) => {
                for item in items {
                    self.restore(item, source, sink);
                }
            }
            ExprKind::Object(items) => {
                for (key, value) in items {
                    self.restore_key(key);
                    self.restore(value, source, sink);
                }
            }
            ExprKind::String(_) => {
                if let Some(text) = self.blanked.get(&expr.span.start) {
                    *expr = match self.texts {
                        Texts::Templates => template(self.json, text, expr.span, source, sink),
                        Texts::Plain => {
                            let kind = ExprKind::String(text.as_str().into());
                            Expr { span: expr.span, kind }
                        }
                    };
                }
            }
            // Everything else is within a text that was read as it is.
            _ => {}
        }
    }

    fn restore_key(&self, key: &mut ObjectKey) {
        let span = match key {
            ObjectKey::Name(_, span) => *span,
            ObjectKey::Expr(expr) => expr.span,
        };
        if let Some(text) = self.blanked.get(&span.start) {
            let kind = ExprKind::String(text.as_str().into());
            *key = ObjectKey::Expr(Expr { span, kind });
        }
    }
}

/// Line breaks between texts mean nothing.
fn between(json: &str, out: &mut String) {
    out.extend(json.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
}

/// The next text with its quotes.
fn next_string(json: &str, from: usize) -> Option<Range<usize>> {
    let start = from + json[from..].find('"')?;
    let mut escaped = false;
    for (i, byte) in json.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(start..i + 1),
            _ => {}
        }
    }
    None
}

/// Whether the language would read it otherwise.
/// Whether it is read by itself: the language knows no such escape, or does not see where an
/// interpolation ends that was never closed.
fn is_other(raw: &str) -> bool {
    let unknown = ["\\/", "\\b", "\\f", "\\ud", "\\uD"];
    raw.contains("${") || raw.contains("%{") || unknown.iter().any(|escape| raw.contains(escape))
}

/// A text as the template that it holds. Without any escape every part has its own place.
fn template(json: &str, text: &str, at: Span, source: SourceId, sink: &mut Sink) -> Expr {
    let inside = at.start as usize + 1..(at.end as usize).saturating_sub(1);
    let mut words = Words::default();
    if json.get(inside.clone()) == Some(text) {
        let kind = Lower::new(source, &json[..inside.end], sink, &mut words).template_in(&inside);
        return Expr { span: at, kind };
    }
    let mut inner = Sink::default();
    let mut expr = Lower::new(source, text, &mut inner, &mut words).template();
    for mut problem in inner.finish() {
        for label in &mut problem.labels {
            label.span = at;
        }
        sink.push(problem);
    }
    place(&mut expr, at);
    expr
}

/// Gives a whole tree one place.
fn place(expr: &mut Expr, at: Span) {
    expr.span = at;
    match &mut expr.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Name(_)
        | ExprKind::SplatItem => {}
        ExprKind::Template(parts) => place_parts(parts, at),
        ExprKind::List(items) => {
            for item in items {
                place(item, at);
            }
        }
        ExprKind::Object(items) => {
            for (key, value) in items {
                match key {
                    ObjectKey::Name(_, span) => *span = at,
                    ObjectKey::Expr(key) => place(key, at),
                }
                place(value, at);
            }
        }
        ExprKind::Attr(attr) => {
            attr.name_span = at;
            place(&mut attr.of, at);
        }
        ExprKind::Index { of, index } => {
            place(of, at);
            place(index, at);
        }
        ExprKind::Splat { of, each, .. } => {
            place(of, at);
            place(each, at);
        }
        ExprKind::Call(call) => {
            call.name_span = at;
            for arg in &mut call.args {
                place(arg, at);
            }
        }
        ExprKind::Unary(_, a) | ExprKind::Paren(a) => place(a, at),
        ExprKind::Binary(_, a, b) => {
            place(a, at);
            place(b, at);
        }
        ExprKind::Conditional(parts) => {
            for part in &mut **parts {
                place(part, at);
            }
        }
        ExprKind::For(node) => {
            let For { over, key, value, cond, .. } = &mut **node;
            for part in [Some(over), key.as_mut(), Some(value), cond.as_mut()].into_iter().flatten()
            {
                place(part, at);
            }
        }
    }
}

fn place_parts(parts: &mut [Part], at: Span) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(value) => place(value, at),
            Part::If(part) => {
                place(&mut part.cond, at);
                place_parts(&mut part.then, at);
                place_parts(&mut part.otherwise, at);
            }
            Part::For(part) => {
                place(&mut part.over, at);
                place_parts(&mut part.body, at);
            }
        }
    }
}
