//! Values that are read without the parser: plain ones, lists and objects.

use super::{Lower, MAX_STEPS, MAX_TREE};
use crate::codes;
use crate::scan::{Found, Item, Items, ident_end};
use crate::text::brief;
use crate::tree::{Attr, Expr, ExprKind, ObjectKey};
use diags::{Diagnostic, Span};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

impl Lower<'_> {
    /// Reads a plain string, a whole number, a keyword or a reference by names alone.
    pub(super) fn simple(&mut self, at: &Range<usize>) -> Option<Expr> {
        let text = &self.text[at.clone()];
        let span = self.span(at);
        let kind = match text.as_bytes().first()? {
            b'"' => {
                let inside = text.strip_prefix('"')?.strip_suffix('"')?;
                if inside.bytes().any(|b| matches!(b, b'"' | b'\\' | b'$' | b'%' | b'\n')) {
                    return None;
                }
                ExprKind::String(self.words.text(inside))
            }
            b'-' | b'0'..=b'9' => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let plain = digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit());
                if !plain || (digits.starts_with('0') && digits != "0") {
                    return None;
                }
                ExprKind::Number(text.parse::<i64>().ok()?.into())
            }
            _ => return self.names(at),
        };
        Some(Expr { span, kind })
    }

    /// `true`, `x`, `var.x.y`.
    fn names(&mut self, at: &Range<usize>) -> Option<Expr> {
        let text = self.text;
        let root = at.start..ident_end(text, at.start);
        if root.is_empty() || root.end > at.end {
            return None;
        }
        let word = &text[root.clone()];
        let span = self.span(&root);
        if root.end == at.end {
            let kind = match word {
                "null" => ExprKind::Null,
                "true" => ExprKind::Bool(true),
                "false" => ExprKind::Bool(false),
                name => self.name(name, &root),
            };
            return Some(Expr { span, kind });
        }
        if matches!(word, "null" | "true" | "false") || !word.is_ascii() {
            return None;
        }
        let mut steps = Vec::new();
        let mut end = root.end;
        while end < at.end {
            let name = end + 1..ident_end(text, end + 1);
            if text.as_bytes()[end] != b'.' || name.is_empty() || steps.len() > MAX_STEPS {
                return None;
            }
            if !text[name.clone()].is_ascii() {
                return None;
            }
            end = name.end;
            steps.push(name);
        }
        if end != at.end || self.depth + steps.len() > MAX_TREE || steps.len() > MAX_STEPS {
            return None;
        }
        let mut expr = Expr { span, kind: ExprKind::Name(self.words.name(word).ok()?) };
        for step in steps {
            let name = self.words.name(&text[step.clone()]).ok()?;
            let name_span = self.span(&step);
            let span = self.span(&(at.start..step.end));
            let attr = Box::new(Attr { of: expr, name, name_span });
            expr = Expr { span, kind: ExprKind::Attr(attr) };
        }
        Some(expr)
    }

    /// Reads a literal list or object, with its brackets.
    pub(super) fn literal(&mut self, range: &Range<usize>) -> ExprKind {
        let mut items = Items::new(self.text, range, self.cut);
        if self.text.as_bytes()[range.start] == b'[' {
            let mut list = Vec::new();
            while !self.sink.is_full()
                && let Some(item) = items.next()
            {
                if self.is_there(&item) {
                    list.push(self.expression(&item.value));
                }
            }
            return ExprKind::List(exact(list));
        }
        let mut object = Vec::new();
        while !self.sink.is_full()
            && let Some(item) = items.next()
        {
            object.extend(self.object_item(&item));
        }
        self.unique_keys(&object);
        ExprKind::Object(exact(object))
    }

    /// Whether there is something before the comma, or a complaint.
    fn is_there(&mut self, item: &Item) -> bool {
        let there = item.key.is_some() || !item.value.at.is_empty();
        if !there {
            let at = item.value.at.start;
            self.malformed(
                &(at..at + 1),
                "There is nothing before this `,`.",
                "Write a value before the `,`, or remove it.",
            );
        }
        there
    }

    fn malformed(&mut self, at: &Range<usize>, detail: &str, help: &str) {
        let summary = "Expression cannot be understood";
        self.sink.push(
            Diagnostic::error(codes::MALFORMED_EXPRESSION, summary, detail)
                .at(self.span(at), "")
                .with_help(help),
        );
    }

    fn object_item(&mut self, item: &Item) -> Option<(ObjectKey, Expr)> {
        if !self.is_there(item) {
            return None;
        }
        let Some((key, assign)) = &item.key else {
            let at = &item.value.at;
            let end = ident_end(self.text, at.start).min(at.end);
            self.malformed(
                &(at.start..if end > at.start { end } else { at.end }),
                "A key of an object is followed by `=` or `:` and its value.",
                "Write `KEY = VALUE`.",
            );
            return None;
        };
        if assign.len() > 1 {
            self.malformed(
                assign,
                "`=>` belongs to `for`; between a key and its value stands `=` or `:`.",
                "Write `=`.",
            );
        }
        if key.at.is_empty() {
            self.malformed(assign, "There is no key before this.", "Write `KEY = VALUE`.");
            return None;
        }
        if item.value.at.is_empty() {
            self.malformed(
                &(key.at.start..assign.end),
                "There is no value after this key.",
                "Write the value on the same line.",
            );
            return None;
        }
        let key = self.key(key);
        let value = self.expression(&item.value);
        Some((key?, value))
    }

    fn key(&mut self, found: &Found) -> Option<ObjectKey> {
        let at = &found.at;
        if ident_end(self.text, at.start) == at.end {
            // Keywords are names here: `{ null = 1 }` has the key "null".
            let name = self.ident(&self.text[at.clone()], at)?;
            return Some(ObjectKey::Name(name, self.span(at)));
        }
        let key = self.expression(found);
        let ambiguous =
            matches!(key.kind, ExprKind::Attr(_) | ExprKind::Index { .. } | ExprKind::Splat { .. });
        if ambiguous {
            self.ambiguous_key(key.span);
            return None;
        }
        Some(ObjectKey::Expr(key))
    }

    pub(super) fn ambiguous_key(&mut self, at: Span) {
        self.sink.push(
            Diagnostic::error(
                codes::MALFORMED_EXPRESSION,
                "Ambiguous key of an object",
                "A key with dots or brackets could be a string or a reference.",
            )
            .at(at, "")
            .with_help("Write it in quotes for a string, in parentheses for a reference."),
        );
    }

    /// Refuses a key that comes twice: one of the two would be lost silently.
    pub(super) fn unique_keys(&mut self, items: &[(ObjectKey, Expr)]) {
        // Whether the key is a constant, and its text.
        let mut seen: BTreeMap<(bool, Cow<'_, str>), Span> = BTreeMap::new();
        for (key, _) in items {
            let (key, span) = match key {
                ObjectKey::Name(name, span) => ((true, Cow::Borrowed(name.as_str())), *span),
                ObjectKey::Expr(Expr { kind: ExprKind::String(text), span }) => {
                    ((true, Cow::Borrowed(&**text)), *span)
                }
                ObjectKey::Expr(Expr { kind: ExprKind::Number(n), span }) => {
                    ((true, Cow::Owned(n.to_string())), *span)
                }
                ObjectKey::Expr(Expr { kind: _, span }) => {
                    let at = span.start as usize..span.end as usize;
                    ((false, Cow::Borrowed(self.text.get(at).unwrap_or(""))), *span)
                }
            };
            if let Some(first) = seen.get(&key) {
                self.sink.push(duplicate_key(&key.1, *first, span));
            } else {
                seen.insert(key, span);
            }
        }
    }
}

fn duplicate_key(key: &str, first: Span, second: Span) -> Diagnostic {
    let detail = format!("The key `{}` comes twice, and an object keeps one.", brief(key));
    Diagnostic::error(codes::DUPLICATE_KEY, "Key comes twice", detail)
        .at(second, "again here")
        .at(first, "first here")
        .with_help("Remove one of the two.")
}

/// The same items without room for more: a configuration has very many literals. To shrink a list
/// is not enough, since an allocator leaves it in its place when half of that is still used.
pub(super) fn exact<T>(items: Vec<T>) -> Box<[T]> {
    if items.len() == items.capacity() {
        return items.into();
    }
    let mut exact = Vec::with_capacity(items.len());
    exact.extend(items);
    exact.into()
}
