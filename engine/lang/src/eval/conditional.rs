//! Conditions, and the choice between two results.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::scope::Scope;
use super::{ops, types};
use crate::{codes, text};
use config::Expr;
use diags::Diagnostic;
use values::{Type, Value};

impl Eval<'_, '_> {
    /// A bool, known or not, and whether it was marked; anything else is an error.
    pub(super) fn truth(
        &mut self,
        expr: &Expr,
        summary: &'static str,
        scope: &Scope<'_>,
    ) -> (Option<bool>, bool) {
        let (value, marked) = unmark(self.expr(expr, scope));
        let wrong = matches!(&value, Value::Unknown(ty) if !types::can_be(ty, &Type::Bool));
        match values::conform(&value, &Type::Bool) {
            Ok(Value::Bool(b)) => (Some(b), marked),
            Ok(Value::Null) => {
                let why = "A condition is true or false, and this is null.";
                let d = Diagnostic::error(codes::BAD_CONDITIONAL, summary, why).at(expr.span, "");
                self.fail(d, &[expr], scope);
                (None, marked)
            }
            Ok(_) if !wrong => (None, marked),
            _ => {
                let why =
                    format!("A condition is true or false, and this is {}.", text::article(&value));
                let d = Diagnostic::error(codes::BAD_CONDITIONAL, summary, why).at(expr.span, "");
                self.fail(d, &[expr], scope);
                (None, marked)
            }
        }
    }

    pub(super) fn conditional(
        &mut self,
        [cond, then, otherwise]: &[Expr; 3],
        scope: &Scope<'_>,
    ) -> Value {
        let before = self.errors;
        let (truth, marked) = self.truth(cond, "Invalid condition", scope);
        if self.errors > before {
            return mark(Value::Unknown(Type::Any), marked);
        }
        let Some(truth) = truth else {
            let mut quiet = self.quiet();
            let (a, b) = (quiet.expr(then, scope), quiet.expr(otherwise, scope));
            let (ta, tb) = (types::type_of(&a), types::type_of(&b));
            let ty = match (ta, tb) {
                (ta, tb) if ta == tb => ta,
                (Type::Any, t) if a.is_null() => t,
                (t, Type::Any) if b.is_null() => t,
                _ => Type::Any,
            };
            let touched =
                quiet.errors > 0 && [then, otherwise].iter().any(|e| self.touches_secret(e, scope));
            let marked = marked || touched || a.has_sensitive() || b.has_sensitive();
            // Whichever it will be, it is this.
            if !quiet.failed() && ops::equal(&a, &b) == Some(true) {
                return mark(a, marked);
            }
            return mark(Value::Unknown(ty), marked);
        };
        let (chosen, other) = if truth { (then, otherwise) } else { (otherwise, then) };
        let value = self.expr(chosen, scope);
        // The other result decides the type only: its errors and its value do not matter.
        let mut quiet = self.quiet();
        let unchosen = quiet.expr(other, scope);
        let value = if quiet.failed() {
            value
        } else if let Some(alike) = types::like(&value, &unchosen) {
            alike
        } else {
            let (a, b) = if truth { (&value, &unchosen) } else { (&unchosen, &value) };
            let kind = |v: &Value| text::article(&unmark(v.clone()).0);
            let d = Diagnostic::error(
                codes::BAD_CONDITIONAL,
                "Results of different kinds",
                format!(
                    "Both results of a conditional have one type, and here the first is {} \
                     while the second is {}.",
                    kind(a),
                    kind(b)
                ),
            )
            .at(then.span, "first result")
            .at(otherwise.span, "second result");
            self.fail(d, &[], scope)
        };
        mark(value, marked)
    }
}
