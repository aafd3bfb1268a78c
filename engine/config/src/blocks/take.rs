//! Taking arguments out of a body.

use super::Declare;
use crate::codes;
use crate::references::references;
use crate::text::{brief, nearest};
use crate::tree::{Argument, Block, Body, Expr, ExprKind, ObjectKey, Part, Repeat};
use diags::{Diagnostic, Span};

impl Declare<'_> {
    /// Takes a constant text.
    pub(super) fn text(&mut self, body: &mut Body, name: &str) -> Option<(String, Span)> {
        let argument = body.arguments.remove(name)?;
        let value = unwrap(&argument.value);
        if let ExprKind::String(text) = &value.kind {
            return Some((text.to_string(), value.span));
        }
        self.not_constant(name, &argument.value, "a string in quotes, without interpolation");
        None
    }

    /// Takes a constant truth; false when there is none.
    pub(super) fn truth(&mut self, body: &mut Body, name: &str, otherwise: bool) -> bool {
        let Some(argument) = body.arguments.remove(name) else { return otherwise };
        if let ExprKind::Bool(truth) = unwrap(&argument.value).kind {
            return truth;
        }
        self.not_constant(name, &argument.value, "`true` or `false`");
        otherwise
    }

    pub(super) fn not_constant(&mut self, name: &str, value: &Expr, what: &str) {
        self.diags.push(
            Diagnostic::error(
                codes::NOT_CONSTANT,
                "Not a constant",
                format!("`{name}` is read before anything is evaluated."),
            )
            .at(value.span, "")
            .with_help(format!("Write {what}.")),
        );
    }

    /// Takes `count` or `for_each`.
    pub(super) fn repeat(&mut self, body: &mut Body) -> Repeat {
        let count = body.arguments.remove("count");
        let for_each = body.arguments.remove("for_each");
        match (count, for_each) {
            (None, None) => Repeat::Once,
            (Some(count), None) => Repeat::Count(count.value),
            (None, Some(for_each)) => Repeat::ForEach(for_each.value),
            (Some(count), Some(for_each)) => {
                let (first, second) = if count.span.start < for_each.span.start {
                    (count.span, for_each.span)
                } else {
                    (for_each.span, count.span)
                };
                self.diags.push(
                    Diagnostic::error(
                        codes::COUNT_AND_FOR_EACH,
                        "Both count and for_each",
                        "`count` and `for_each` both say how many instances there are.",
                    )
                    .at(second, "set here too")
                    .at(first, "set here")
                    .with_help("Keep one of the two."),
                );
                Repeat::ForEach(for_each.value)
            }
        }
    }

    /// `enabled` of a `lifecycle` block, which says by itself how many instances there are.
    pub(super) fn enabled(&mut self, repeat: Repeat, enabled: Expr) -> Repeat {
        let (name, other) = match &repeat {
            Repeat::Once | Repeat::Enabled(_) => return Repeat::Enabled(enabled),
            Repeat::Count(expr) => ("count", expr.span),
            Repeat::ForEach(expr) => ("for_each", expr.span),
        };
        let detail = format!("`{name}` and `enabled` both say how many instances there are.");
        let help = match name {
            "count" => "Keep one of the two: with `count = ... ? 1 : 0` none is needed.",
            _ => "Keep one of the two: leave out of `for_each` what is not enabled.",
        };
        self.diags.push(
            Diagnostic::error(codes::ENABLED_AND_REPEATED, "Enabled and repeated", detail)
                .at(enabled.span, "set here too")
                .at(other, "set here")
                .with_help(help),
        );
        repeat
    }

    /// Takes `depends_on`: a list of references.
    pub(super) fn depends_on(&mut self, body: &mut Body) -> Vec<Expr> {
        let Some(argument) = body.arguments.remove("depends_on") else { return Vec::new() };
        let ExprKind::List(items) = argument.value.kind else {
            self.bad_depends_on(argument.value.span, "`depends_on` is a list in brackets.");
            return Vec::new();
        };
        let mut kept = Vec::new();
        for item in items {
            if is_reference(&item) {
                kept.push(item);
            } else if matches!(item.kind, ExprKind::String(_)) {
                self.bad_depends_on(item.span, "A reference stands without quotes.");
            } else {
                self.bad_depends_on(item.span, "This is not a reference to something declared.");
            }
        }
        kept
    }

    fn bad_depends_on(&mut self, at: Span, detail: &str) {
        self.diags.push(
            Diagnostic::error(codes::BAD_DEPENDS_ON, "Not a reference", detail)
                .at(at, "")
                .with_help("Write `depends_on = [TYPE.NAME, module.NAME]`."),
        );
    }

    /// Complains about an argument that must be there; its place is the header.
    pub(super) fn missing(&mut self, block: &Block, name: &str, example: &str) {
        self.diags.push(
            Diagnostic::error(
                codes::MISSING_ARGUMENT,
                "Argument missing",
                format!("The block `{}` needs `{name}`.", block.name),
            )
            .at(block.span, "")
            .with_help(format!("Add `{name} = {example}`.")),
        );
    }

    /// Complains about a nested block that must be there.
    pub(super) fn missing_block(&mut self, block: &Block, name: &str) {
        self.diags.push(
            Diagnostic::error(
                codes::MISSING_ARGUMENT,
                "Block missing",
                format!("The block `{}` needs a block `{name}`.", block.name),
            )
            .at(block.span, "")
            .with_help(format!("Add `{name} {{ ... }}`.")),
        );
    }

    /// Whatever is left in the body is unknown. `later` names what this version lacks.
    pub(super) fn nothing_left(&mut self, body: &Body, of: &str, known: &[&str], later: &[&str]) {
        for (name, argument) in &body.arguments {
            self.left_over(name.as_str(), argument.span, of, known, later, "argument");
        }
        for block in &body.blocks {
            self.left_over(block.name.as_str(), block.span, of, known, later, "block");
        }
    }

    fn left_over(
        &mut self,
        name: &str,
        at: Span,
        of: &str,
        known: &[&str],
        later: &[&str],
        what: &str,
    ) {
        let shown = brief(name);
        if later.contains(&name) {
            let detail = format!("This version of clinch does not know `{shown}` in `{of}`.");
            let diagnostic = Diagnostic::error(codes::NOT_YET, "Not in this version", detail);
            self.diags.push(diagnostic.at(at, ""));
            return;
        }
        let summary = if what == "block" { "Unknown block" } else { "Unknown argument" };
        let help = if known.contains(&name) {
            format!("Write `{shown} = ...`.")
        } else {
            match nearest(name, known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("`{of}` knows `{}`.", known.join("`, `")),
            }
        };
        self.diags.push(
            Diagnostic::error(
                codes::UNKNOWN_ARGUMENT,
                summary,
                format!("`{of}` has no {what} `{shown}`."),
            )
            .at(at, "")
            .with_help(help),
        );
    }

    /// The value of an argument that must be there, or null after a complaint.
    pub(super) fn required(&mut self, block: &mut Block, name: &str, example: &str) -> Expr {
        match block.body.arguments.remove(name) {
            Some(Argument { span: _, value }) => value,
            None => {
                self.missing(block, name, example);
                Expr { span: block.span, kind: ExprKind::Null }
            }
        }
    }
}

/// Without the parentheses around it.
pub(super) fn unwrap(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) => unwrap(inner),
        _ => expr,
    }
}

/// `a.b`, `module.a`, `a.b["c"]`.
fn is_reference(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Attr(attr) => matches!(attr.of.kind, ExprKind::Name(_)) || is_reference(&attr.of),
        ExprKind::Index { of, index } => {
            let constant = matches!(index.kind, ExprKind::String(_) | ExprKind::Number(_));
            constant && is_reference(of)
        }
        _ => false,
    }
}

/// Whether a value needs nothing to be evaluated: no reference and no function.
pub(super) fn is_constant(expr: &Expr) -> bool {
    references(expr).is_empty() && !calls(expr)
}

fn calls(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(_) => true,
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Name(_)
        | ExprKind::SplatItem => false,
        ExprKind::Template(parts) => parts.iter().any(part_calls),
        ExprKind::List(items) => items.iter().any(calls),
        ExprKind::Object(items) => items
            .iter()
            .any(|(key, value)| calls(value) || matches!(key, ObjectKey::Expr(key) if calls(key))),
        ExprKind::Attr(attr) => calls(&attr.of),
        ExprKind::Index { of, index } => calls(of) || calls(index),
        ExprKind::Splat { of, each, .. } => calls(of) || calls(each),
        ExprKind::Unary(_, a) | ExprKind::Paren(a) => calls(a),
        ExprKind::Binary(_, a, b) => calls(a) || calls(b),
        ExprKind::Conditional(parts) => parts.iter().any(calls),
        ExprKind::For(node) => {
            [Some(&node.over), node.key.as_ref(), Some(&node.value), node.cond.as_ref()]
                .into_iter()
                .flatten()
                .any(calls)
        }
    }
}

fn part_calls(part: &Part) -> bool {
    match part {
        Part::Text(_) => false,
        Part::Value(value) => calls(value),
        Part::If(part) => {
            calls(&part.cond) || part.then.iter().chain(&part.otherwise).any(part_calls)
        }
        Part::For(part) => calls(&part.over) || part.body.iter().any(part_calls),
    }
}
