//! The references in an expression, as expressions, for messages.

use crate::references::{Step, unwind};
use config::{Expr, ExprKind, Part};

/// The references in an expression, as long as each can be, in source order.
pub(crate) fn mentions<'x>(expr: &'x Expr, out: &mut Vec<&'x Expr>) {
    const MOST: usize = 6;
    if out.len() >= MOST {
        return;
    }
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Attr { .. } | ExprKind::Index { .. } => {
            let (base, steps) = unwind(expr);
            if matches!(base.kind, ExprKind::Name(_)) {
                out.push(expr);
            } else {
                mentions(base, out);
            }
            for step in steps {
                if let Step::Index(index) = step {
                    mentions(index, out);
                }
            }
        }
        ExprKind::Template(parts) => {
            for part in parts {
                if let Part::Value(expr) = part {
                    mentions(expr, out);
                }
            }
        }
        ExprKind::List(items) | ExprKind::Call { args: items, .. } => {
            for item in items {
                mentions(item, out);
            }
        }
        ExprKind::Object(items) => {
            for (_, value) in items {
                mentions(value, out);
            }
        }
        ExprKind::Splat { of, .. } => mentions(of, out),
        ExprKind::Unary(_, a) | ExprKind::Paren(a) => mentions(a, out),
        ExprKind::Binary(_, a, b) => {
            mentions(a, out);
            mentions(b, out);
        }
        ExprKind::Conditional(a, b, c) => {
            mentions(a, out);
            mentions(b, out);
            mentions(c, out);
        }
        ExprKind::For(f) => mentions(&f.over, out),
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::SplatItem => {}
    }
}
