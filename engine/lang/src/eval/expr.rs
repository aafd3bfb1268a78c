//! From an expression to a value.
//!
//! An error gives a diagnostic and an unknown value, so that the rest of the expression is
//! still looked at and no second error follows from the first.

use super::marks::{mark, unmark};
use super::mentions::mentions;
use super::names::{Names, Repetition, with_meant};
use super::objects::whole;
use super::ops;
use super::scope::Scope;
use super::types;
use crate::references::{Step, unwind};
use crate::{codes, text};
use addrs::Ident;
use config::{Expr, ExprKind};
use diags::{Diagnostic, Diagnostics, Span, did_you_mean};
use std::sync::Arc;
use values::{Type, Value};

/// Most diagnostics of one expression that are told; a `for` over ten thousand items that
/// all fail needs no ten thousand messages.
const MOST_TOLD: usize = 20;

/// Most expressions that are evaluated for one answer.
const MOST_SPENT: u64 = 20_000_000;

/// One evaluation: where it happens and what went wrong.
pub(crate) struct Eval<'e, 'a> {
    pub(crate) names: &'e Names<'a>,
    pub(crate) module: usize,
    pub(crate) repetition: &'e Repetition,
    pub(crate) diags: Diagnostics,
    /// How many errors there were, told or not.
    pub(crate) errors: usize,
    /// Whether something was used that failed earlier.
    pub(crate) poisoned: bool,
    /// Nobody will read the diagnostics.
    pub(super) muted: bool,
}

impl<'e, 'a> Eval<'e, 'a> {
    pub(crate) fn new(names: &'e Names<'a>, module: usize, repetition: &'e Repetition) -> Self {
        let (diags, errors) = (Diagnostics::new(), 0);
        Self { names, module, repetition, diags, errors, poisoned: false, muted: false }
    }

    /// The same place, with nobody listening.
    pub(super) fn quiet(&self) -> Self {
        Self { muted: true, ..Self::new(self.names, self.module, self.repetition) }
    }

    /// The same place, with diagnostics of its own that may be dropped.
    pub(super) fn apart(&self) -> Self {
        Self { muted: self.muted, ..Self::new(self.names, self.module, self.repetition) }
    }

    /// Takes over what went wrong apart.
    pub(super) fn absorb(&mut self, apart: Self) {
        self.errors += apart.errors;
        self.poisoned |= apart.poisoned;
        self.diags.extend(apart.diags);
    }

    pub(crate) fn failed(&self) -> bool {
        self.errors > 0 || self.poisoned
    }

    /// Tells an error, with the values of what `operands` refer to, and gives the value that
    /// stands for it.
    pub(crate) fn fail(
        &mut self,
        diagnostic: Diagnostic,
        operands: &[&Expr],
        scope: &Scope<'_>,
    ) -> Value {
        self.errors += 1;
        if !self.muted && self.errors <= MOST_TOLD {
            let involved = self.involve(diagnostic, operands, scope);
            self.diags.push(involved);
        }
        Value::Unknown(Type::Any)
    }

    fn involve(&self, mut d: Diagnostic, operands: &[&Expr], scope: &Scope<'_>) -> Diagnostic {
        let mut mentioned = Vec::new();
        for operand in operands {
            mentions(operand, &mut mentioned);
        }
        for expr in mentioned {
            let Some(name) = text::reference(expr) else { continue };
            if d.involved.iter().any(|i| i.name == name) {
                continue;
            }
            let mut quiet = self.quiet();
            let value = quiet.expr(expr, scope);
            if !quiet.failed() {
                d = d.involving(name, text::short(&value));
            }
        }
        d
    }

    pub(crate) fn expr(&mut self, expr: &Expr, scope: &Scope<'_>) -> Value {
        if !self.spend(expr) {
            return Value::Unknown(Type::Any);
        }
        match &expr.kind {
            ExprKind::Null => Value::Null,
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Number(n) => Value::Number(n.clone()),
            ExprKind::String(s) => Value::String(s.clone()),
            ExprKind::Template(parts) => self.template(parts, scope),
            ExprKind::List(items) => {
                let items: Vec<Value> = items.iter().map(|item| self.expr(item, scope)).collect();
                Value::List(Arc::new(items))
            }
            ExprKind::Object(items) => self.object(items, scope),
            ExprKind::Name(_) | ExprKind::Attr(_) | ExprKind::Index { .. } => {
                self.reference(expr, scope)
            }
            ExprKind::Splat { of, full: _, each } => self.splat(of, each, scope),
            ExprKind::SplatItem => scope.item().cloned().unwrap_or(Value::Unknown(Type::Any)),
            ExprKind::Call(call) => self.call(expr, call, scope),
            ExprKind::Unary(op, a) => ops::unary(self, *op, a, scope),
            ExprKind::Binary(op, a, b) => ops::binary(self, *op, (expr, a, b), scope),
            ExprKind::Conditional(parts) => self.conditional(parts, scope),
            ExprKind::Paren(inner) => self.expr(inner, scope),
            ExprKind::For(f) => self.for_expr(f, scope),
        }
    }

    /// Counts one value more; false when there were too many. A `for` in a `for` in a `for` must
    /// end some time, with one message.
    pub(super) fn spend(&mut self, expr: &Expr) -> bool {
        let spent = self.names.spent.get() + 1;
        self.names.spent.set(spent);
        if spent <= MOST_SPENT {
            return true;
        }
        self.errors += 1;
        if spent == MOST_SPENT + 1 {
            let d = Diagnostic::error(
                codes::NO_RESULT,
                "Expression without end",
                format!(
                    "More than {} million values were computed for it.",
                    MOST_SPENT / 1_000_000
                ),
            );
            self.diags.push(d.at(expr.span, ""));
        }
        false
    }

    fn reference(&mut self, expr: &Expr, scope: &Scope<'_>) -> Value {
        let (base, steps) = unwind(expr);
        let (mut value, used) = match &base.kind {
            ExprKind::Name(root) => match scope.find(root) {
                Some(bound) => (bound.clone(), 0),
                None => self.global(root, base.span, &steps, expr.span, scope),
            },
            _ => (self.expr(base, scope), 0),
        };
        for step in &steps[used.min(steps.len())..] {
            value = match step {
                Step::Attr(name, span) => self.attr(value, name, *span, (base, expr), scope),
                Step::Index(index) => {
                    let key = self.expr(index, scope);
                    self.index(value, key, index, expr, scope)
                }
            };
        }
        value
    }

    fn global(
        &mut self,
        root: &Ident,
        root_span: Span,
        steps: &[Step<'_>],
        whole: Span,
        scope: &Scope<'_>,
    ) -> (Value, usize) {
        // The place of the reference is what names the thing, not all that follows.
        let named = steps.iter().take(2).fold(root_span, |span, step| match step {
            Step::Attr(_, s) => span.to(*s),
            Step::Index(_) => span,
        });
        let place = if steps.is_empty() { whole } else { named };
        let (world, module, repetition) = (self.names, self.module, self.repetition);
        let resolved =
            world.resolve(module, repetition, root, steps, place, &mut |e| self.expr(e, scope));
        match resolved {
            Ok((value, used, failed)) => {
                self.poisoned |= failed;
                (value, used)
            }
            Err(d) => (self.fail(*d, &[], scope), steps.len()),
        }
    }

    fn attr(
        &mut self,
        of: Value,
        name: &Ident,
        span: Span,
        (base, whole): (&Expr, &Expr),
        scope: &Scope<'_>,
    ) -> Value {
        let (of, marked) = unmark(of);
        let found = match &of {
            Value::Map(map) => match map.get(name.as_str()) {
                Some(value) => value.clone(),
                None => {
                    let d = Diagnostic::error(
                        codes::UNKNOWN_ATTRIBUTE,
                        "Unknown attribute",
                        if marked {
                            format!("This object has no attribute `{name}`.")
                        } else {
                            format!(
                                "This object has no attribute `{name}`; it has {}.",
                                text::listed(map.keys().map(|k| &**k))
                            )
                        },
                    );
                    let meant = did_you_mean(name.as_str(), map.keys().map(|k| &**k));
                    let d = match meant {
                        Some(meant) if !marked => with_meant(d, Some(meant.to_owned())),
                        _ => d,
                    };
                    self.fail(d.at(span, ""), &[], scope)
                }
            },
            Value::Unknown(ty) => match ty {
                Type::Any => Value::Unknown(Type::Any),
                Type::Map(item) => Value::Unknown((**item).clone()),
                Type::Object(attrs) => match attrs.iter().find(|a| a.name == name.as_str()) {
                    Some(attr) => Value::Unknown(attr.ty.clone()),
                    None => {
                        let names = attrs.iter().map(|a| a.name.as_str());
                        let d = Diagnostic::error(
                            codes::UNKNOWN_ATTRIBUTE,
                            "Unknown attribute",
                            format!(
                                "This object has no attribute `{name}`; it has {}.",
                                text::listed(names.clone())
                            ),
                        );
                        let meant = did_you_mean(name.as_str(), names).map(str::to_owned);
                        self.fail(with_meant(d, meant).at(span, ""), &[], scope)
                    }
                },
                other => {
                    let d = Diagnostic::error(
                        codes::UNKNOWN_ATTRIBUTE,
                        "Unknown attribute",
                        format!("This will be a value of type {other}, which has no attributes."),
                    );
                    self.fail(d.at(span, ""), &[], scope)
                }
            },
            Value::Null => {
                let d = Diagnostic::error(
                    codes::NULL,
                    "Attribute of null",
                    format!("This is null, so it has no attribute `{name}`."),
                )
                .at(span, "");
                self.fail(d, &[base], scope)
            }
            Value::List(_) => {
                let d = Diagnostic::error(
                    codes::UNKNOWN_ATTRIBUTE,
                    "Unknown attribute",
                    format!("This is a list; only its items can have an attribute `{name}`."),
                )
                .at(span, "")
                .with_help(format!(
                    "Choose an item with `[0].{name}`, or take all with `[*].{name}`."
                ));
                self.fail(d, &[], scope)
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Sensitive(_) => {
                let d = Diagnostic::error(
                    codes::UNKNOWN_ATTRIBUTE,
                    "Unknown attribute",
                    format!(
                        "This is {}, which has no attributes, so there is no `{name}`.",
                        text::article(&of)
                    ),
                )
                .at(span, "");
                self.fail(d, &[whole], scope)
            }
        };
        mark(found, marked)
    }

    fn index(
        &mut self,
        of: Value,
        key: Value,
        key_expr: &Expr,
        whole: &Expr,
        scope: &Scope<'_>,
    ) -> Value {
        let (of, of_marked) = unmark(of);
        let (key, key_marked) = unmark(key);
        let marked = of_marked || key_marked;
        let found = match super::access::index(&of, &key, marked) {
            Ok(value) => value,
            Err(mistake) => {
                let d = Diagnostic::error(mistake.code, mistake.summary, mistake.why)
                    .at(key_expr.span, "");
                let d = match mistake.meant {
                    Some(meant) => with_meant(d, Some(format!("[{meant:?}]"))),
                    None => d,
                };
                // Of a map the message already says which keys there are.
                let operands: &[&Expr] = match of {
                    Value::Null | Value::List(_) => &[indexed(whole, key_expr), key_expr],
                    _ => &[key_expr],
                };
                self.fail(d, operands, scope)
            }
        };
        mark(found, marked)
    }

    fn splat(&mut self, of: &Expr, each: &Expr, scope: &Scope<'_>) -> Value {
        let (value, marked) = unmark(self.expr(of, scope));
        // What stands in something sensitive is so by itself as well: a message may show it.
        let mut one = |value: &Value| {
            let value = mark(value.clone(), marked);
            self.expr(each, &Scope::Item { value: &value, outer: scope })
        };
        let result = match &value {
            Value::Null => Value::list([]),
            Value::Unknown(Type::List(item) | Type::Set(item)) => {
                match unmark(one(&Value::Unknown((**item).clone()))) {
                    (Value::Unknown(ty), inner) => mark(Value::Unknown(Type::list(ty)), inner),
                    (_, inner) => mark(Value::Unknown(Type::Any), inner),
                }
            }
            Value::Unknown(ty) => {
                // It may be null or one thing; what is asked of that can be wrong already.
                if types::is_primitive(ty) {
                    one(&value);
                }
                Value::Unknown(Type::Any)
            }
            Value::List(items) => Value::list(items.iter().map(one).collect::<Vec<_>>()),
            // One thing is a list of one.
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Map(_)
            | Value::Sensitive(_) => Value::list([one(&value)]),
        };
        whole(result, marked)
    }
}

/// What an index within a reference chooses from: `a.b` of `a.b[0].c` and its `0`.
fn indexed<'x>(whole: &'x Expr, key: &Expr) -> &'x Expr {
    let mut at = whole;
    loop {
        match &at.kind {
            ExprKind::Index { of, index } if std::ptr::eq(&raw const **index, key) => return of,
            kind => match kind.of() {
                Some(of) => at = of,
                None => return whole,
            },
        }
    }
}
