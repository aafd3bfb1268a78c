//! What an expression refers to.

use crate::tree::{Expr, ExprKind, ObjectKey, Part};
use addrs::Ident;
use diags::Span;
use std::sync::Arc;
use values::Number;

/// A reference: a root name and the steps that follow it, as far as they are constant.
///
/// `resource_quota.team["a"].hard[var.k].x` has the root `resource_quota` and the steps
/// `team`, `"a"`, `hard`; the `var.k` inside it is a reference of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'e> {
    /// `var`, `local`, `data`, `module`, `each`, a resource type.
    pub root: &'e Ident,
    /// The root's place.
    pub root_span: Span,
    /// From the outside in.
    pub steps: Vec<ReferenceStep<'e>>,
    /// From the root to the last of the steps.
    pub span: Span,
}

/// One constant step of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceStep<'e> {
    /// `.name`.
    Attr(&'e Ident, Span),
    /// `["key"]`.
    Key(&'e Arc<str>, Span),
    /// `[0]` or `.0`.
    Index(&'e Number, Span),
}

impl ReferenceStep<'_> {
    /// The name or key, when the step is not a number.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Attr(name, _) => Some(name.as_str()),
            Self::Key(key, _) => Some(key),
            Self::Index(..) => None,
        }
    }

    /// Where the name, key or number stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Attr(_, span) | Self::Key(_, span) | Self::Index(_, span) => *span,
        }
    }
}

/// Every reference of an expression in source order, at any depth, without the names that a
/// `for` or `%{ for }` binds.
pub fn references(expr: &Expr) -> Vec<Reference<'_>> {
    let mut collector = Collector { bound: Vec::new(), found: Vec::new() };
    collector.expr(expr);
    collector.found
}

struct Collector<'e> {
    bound: Vec<&'e Ident>,
    found: Vec<Reference<'e>>,
}

impl<'e> Collector<'e> {
    fn expr(&mut self, expr: &'e Expr) {
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::String(_)
            | ExprKind::SplatItem => {}
            ExprKind::Template(parts) => self.parts(parts),
            ExprKind::List(items) => {
                for item in items {
                    self.expr(item);
                }
            }
            ExprKind::Object(items) => {
                for (key, value) in items {
                    if let ObjectKey::Expr(key) = key {
                        self.expr(key);
                    }
                    self.expr(value);
                }
            }
            ExprKind::Name(_) | ExprKind::Attr(_) | ExprKind::Index { .. } => {
                self.chain(expr);
            }
            ExprKind::Splat { of, full: _, each } => {
                self.expr(of);
                self.expr(each);
            }
            ExprKind::Call(call) => {
                for arg in &call.args {
                    self.expr(arg);
                }
            }
            ExprKind::Unary(_, a) | ExprKind::Paren(a) => self.expr(a),
            ExprKind::Binary(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Conditional(parts) => {
                for part in &**parts {
                    self.expr(part);
                }
            }
            ExprKind::For(node) => {
                self.expr(&node.over);
                let bound = self.bind(node.key_name.as_ref(), &node.value_name);
                let inner = [node.key.as_ref(), Some(&node.value), node.cond.as_ref()];
                for inner in inner.into_iter().flatten() {
                    self.expr(inner);
                }
                self.bound.truncate(bound);
            }
        }
    }

    /// Binds the names of a `for`; gives back how many were bound before.
    fn bind(&mut self, key: Option<&'e Ident>, value: &'e Ident) -> usize {
        let before = self.bound.len();
        self.bound.extend(key);
        self.bound.push(value);
        before
    }

    fn parts(&mut self, parts: &'e [Part]) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Value(value) => self.expr(value),
                Part::If(part) => {
                    self.expr(&part.cond);
                    self.parts(&part.then);
                    self.parts(&part.otherwise);
                }
                Part::For(part) => {
                    self.expr(&part.over);
                    let bound = self.bind(part.key.as_ref(), &part.value);
                    self.parts(&part.body);
                    self.bound.truncate(bound);
                }
            }
        }
    }

    /// A name with the attributes and indexes that follow it.
    fn chain(&mut self, expr: &'e Expr) {
        let mut links = Vec::new();
        let mut at = expr;
        while let Some(of) = at.kind.of() {
            links.push(at);
            at = of;
        }
        links.reverse();
        let ExprKind::Name(root) = &at.kind else {
            self.expr(at);
            self.indexes(&links);
            return;
        };
        if !self.bound.contains(&root) {
            let constant: Vec<_> = links.iter().map_while(|link| step(link)).collect();
            let last = constant.len().checked_sub(1).and_then(|i| links.get(i));
            let span = last.map_or(at.span, |link| link.span);
            self.found.push(Reference { root, root_span: at.span, steps: constant, span });
        }
        self.indexes(&links);
    }

    /// Looks into the indexes of the links.
    fn indexes(&mut self, links: &[&'e Expr]) {
        for link in links {
            if let ExprKind::Index { of: _, index } = &link.kind {
                self.expr(index);
            }
        }
    }
}

fn step(link: &Expr) -> Option<ReferenceStep<'_>> {
    match &link.kind {
        ExprKind::Attr(attr) => Some(ReferenceStep::Attr(&attr.name, attr.name_span)),
        ExprKind::Index { of: _, index } => match &index.kind {
            ExprKind::String(key) => Some(ReferenceStep::Key(key, index.span)),
            ExprKind::Number(number) => Some(ReferenceStep::Index(number, index.span)),
            _ => None,
        },
        _ => None,
    }
}
