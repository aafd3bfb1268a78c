//! The references in an expression, as expressions, for messages.

use crate::references::{Step, unwind};
use config::{Expr, ExprKind, ObjectKey, Part};

/// The references in an expression that a message can show, in source order.
pub(crate) fn mentions<'x>(expr: &'x Expr, out: &mut Vec<&'x Expr>) {
    collect(expr, false, 6, out);
}

/// All references in an expression, also where a `for` binds other names.
pub(crate) fn references<'x>(expr: &'x Expr, out: &mut Vec<&'x Expr>) {
    collect(expr, true, usize::MAX, out);
}

/// All references in the parts of a text.
pub(crate) fn references_in(parts: &[Part]) -> Vec<&Expr> {
    let mut out = Vec::new();
    collect_parts(parts, true, usize::MAX, &mut out);
    out
}

fn collect<'x>(expr: &'x Expr, within: bool, most: usize, out: &mut Vec<&'x Expr>) {
    if out.len() >= most {
        return;
    }
    let mut again = |expr: &'x Expr| collect(expr, within, most, out);
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Attr(_) | ExprKind::Index { .. } => {
            let (base, steps) = unwind(expr);
            if matches!(base.kind, ExprKind::Name(_)) {
                out.push(expr);
            } else {
                again(base);
            }
            for step in steps {
                if let Step::Index(index) = step {
                    collect(index, within, most, out);
                }
            }
        }
        ExprKind::Template(parts) => collect_parts(parts, within, most, out),
        ExprKind::List(items) => items.iter().for_each(again),
        ExprKind::Call(call) => call.args.iter().for_each(again),
        ExprKind::Object(items) => {
            for (key, value) in items {
                if let (ObjectKey::Expr(key), true) = (key, within) {
                    again(key);
                }
                again(value);
            }
        }
        ExprKind::Splat { of, each, .. } => {
            again(of);
            if within {
                again(each);
            }
        }
        ExprKind::Unary(_, a) | ExprKind::Paren(a) => again(a),
        ExprKind::Binary(_, a, b) => {
            again(a);
            again(b);
        }
        ExprKind::Conditional(parts) => parts.iter().for_each(again),
        ExprKind::For(f) => {
            again(&f.over);
            if within {
                f.key.iter().chain([&f.value]).chain(&f.cond).for_each(again);
            }
        }
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::SplatItem => {}
    }
}

fn collect_parts<'x>(parts: &'x [Part], within: bool, most: usize, out: &mut Vec<&'x Expr>) {
    for part in parts {
        match part {
            Part::Value(expr) => collect(expr, within, most, out),
            Part::If(part) if within => {
                collect(&part.cond, within, most, out);
                collect_parts(&part.then, within, most, out);
                collect_parts(&part.otherwise, within, most, out);
            }
            Part::For(part) if within => {
                collect(&part.over, within, most, out);
                collect_parts(&part.body, within, most, out);
            }
            Part::Text(_) | Part::If(_) | Part::For(_) => {}
        }
    }
}
