//! From an expression to a value.
//!
//! An error gives a diagnostic and an unknown value, so that the rest of the expression is
//! still looked at and no second error follows from the first.

use super::marks::{mark, unmark};
use super::names::{Names, Repetition, with_meant};
use super::{ops, types};
use crate::references::{Step, unwind};
use crate::{codes, text};
use addrs::Ident;
use config::{Expr, ExprKind, For, ObjectKey, Part};
use diags::{Diagnostic, Diagnostics, Span, did_you_mean};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Type, Value};

/// Most diagnostics of one expression that are told; a `for` over ten thousand items that
/// all fail needs no ten thousand messages.
const MOST_TOLD: usize = 20;

/// Names that a `for` binds, and the item of a splat, innermost first.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'s> {
    Empty,
    Bound { name: &'s Ident, value: &'s Value, outer: &'s Scope<'s> },
    Item { value: &'s Value, outer: &'s Scope<'s> },
}

impl Scope<'_> {
    fn find(&self, wanted: &Ident) -> Option<&Value> {
        let mut scope = self;
        loop {
            match scope {
                Scope::Empty => return None,
                Scope::Bound { name, value, .. } if *name == wanted => return Some(value),
                Scope::Bound { outer, .. } | Scope::Item { outer, .. } => scope = outer,
            }
        }
    }

    fn item(&self) -> Option<&Value> {
        let mut scope = self;
        loop {
            match scope {
                Scope::Empty => return None,
                Scope::Item { value, .. } => return Some(value),
                Scope::Bound { outer, .. } => scope = outer,
            }
        }
    }
}

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
    muted: bool,
}

impl<'e, 'a> Eval<'e, 'a> {
    pub(crate) fn new(names: &'e Names<'a>, module: usize, repetition: &'e Repetition) -> Self {
        let (diags, errors) = (Diagnostics::new(), 0);
        Self { names, module, repetition, diags, errors, poisoned: false, muted: false }
    }

    /// The same place, with nobody listening.
    fn quiet(&self) -> Self {
        Self { muted: true, ..Self::new(self.names, self.module, self.repetition) }
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
        operands.iter().for_each(|operand| mentions(operand, &mut mentioned));
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
            ExprKind::Name(_) | ExprKind::Attr { .. } | ExprKind::Index { .. } => {
                self.reference(expr, scope)
            }
            ExprKind::Splat { of, full: _, each } => self.splat(of, each, scope),
            ExprKind::SplatItem => scope.item().cloned().unwrap_or(Value::Unknown(Type::Any)),
            ExprKind::Call { name, name_span, args, expand } => {
                self.call(expr, name, *name_span, args, *expand, scope)
            }
            ExprKind::Unary(op, a) => ops::unary(self, *op, a, scope),
            ExprKind::Binary(op, a, b) => ops::binary(self, *op, (expr, a, b), scope),
            ExprKind::Conditional(cond, then, otherwise) => {
                self.conditional(expr, (cond, then, otherwise), scope)
            }
            ExprKind::Paren(inner) => self.expr(inner, scope),
            ExprKind::For(f) => self.for_expr(f, scope),
        }
    }

    // References -------------------------------------------------------------------------

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
                    self.index(value, key, index, (base, expr), scope)
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
        let names = self.names;
        let (module, repetition) = (self.module, self.repetition);
        let resolved =
            names.resolve(module, repetition, root, steps, place, &mut |e| self.expr(e, scope));
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
        (base, whole): (&Expr, &Expr),
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
                let operands: &[&Expr] =
                    if matches!(of, Value::Null) { &[base, key_expr] } else { &[key_expr] };
                let _ = whole;
                self.fail(d, operands, scope)
            }
        };
        mark(found, marked)
    }

    fn splat(&mut self, of: &Expr, each: &Expr, scope: &Scope<'_>) -> Value {
        let (value, marked) = unmark(self.expr(of, scope));
        let result = match &value {
            Value::Null => Value::list([]),
            Value::Unknown(ty) => match ty {
                Type::List(item) | Type::Set(item) => {
                    let item = Value::Unknown((**item).clone());
                    let one = self.expr(each, &Scope::Item { value: &item, outer: scope });
                    match unmark(one) {
                        (Value::Unknown(ty), inner) => mark(Value::Unknown(Type::list(ty)), inner),
                        (_, inner) => mark(Value::Unknown(Type::Any), inner),
                    }
                }
                _ => Value::Unknown(Type::Any),
            },
            Value::List(items) => Value::list(
                items
                    .iter()
                    .map(|item| self.expr(each, &Scope::Item { value: item, outer: scope }))
                    .collect::<Vec<_>>(),
            ),
            // One thing is a list of one.
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Map(_)
            | Value::Sensitive(_) => {
                Value::list([self.expr(each, &Scope::Item { value: &value, outer: scope })])
            }
        };
        mark(result, marked)
    }

    // Composition ------------------------------------------------------------------------

    fn object(&mut self, items: &[(ObjectKey, Expr)], scope: &Scope<'_>) -> Value {
        let mut map = BTreeMap::new();
        let (mut unknown, mut marked) = (false, false);
        for (key, value_expr) in items {
            let value = self.expr(value_expr, scope);
            let name = match key {
                ObjectKey::Name(name, _) => Some(Arc::from(name.as_str())),
                ObjectKey::Expr(key_expr) => {
                    let key = self.expr(key_expr, scope);
                    let (key, key_marked) = unmark(key);
                    marked |= key_marked;
                    self.key(key, key_expr, key_marked, scope)
                }
            };
            match name {
                Some(name) => drop(map.insert(name, value)),
                None => unknown = true,
            }
            marked |= unknown && map.values().any(Value::has_sensitive);
        }
        let object = if unknown { Value::Unknown(Type::Any) } else { Value::Map(Arc::new(map)) };
        mark(object, marked)
    }

    /// The key of an object; `None` when unknown or wrong.
    fn key(
        &mut self,
        key: Value,
        expr: &Expr,
        hidden: bool,
        scope: &Scope<'_>,
    ) -> Option<Arc<str>> {
        match &key {
            Value::Unknown(_) => None,
            Value::Null => {
                let d = Diagnostic::error(
                    codes::NULL,
                    "Null as a key",
                    "The key of an object is a text, and this is null.",
                )
                .at(expr.span, "");
                self.fail(d, &[expr], scope);
                None
            }
            _ => match values::conform(&key, &Type::String) {
                Ok(Value::String(text)) => Some(text),
                _ => {
                    let what =
                        if hidden { "something else".to_owned() } else { text::article(&key) };
                    let d = Diagnostic::error(
                        codes::WRONG_OPERAND,
                        "Invalid key",
                        format!("The key of an object is a text, and this is {what}."),
                    )
                    .at(expr.span, "");
                    self.fail(d, &[expr], scope);
                    None
                }
            },
        }
    }

    /// A bool, known or not, and whether it was marked; anything else is an error.
    pub(crate) fn truth(
        &mut self,
        expr: &Expr,
        summary: &'static str,
        scope: &Scope<'_>,
    ) -> (Option<bool>, bool) {
        let (value, marked) = unmark(self.expr(expr, scope));
        match values::conform(&value, &Type::Bool) {
            Ok(Value::Bool(b)) => (Some(b), marked),
            Ok(Value::Null) => {
                let why = "A condition is true or false, and this is null.";
                let d = Diagnostic::error(codes::BAD_CONDITIONAL, summary, why).at(expr.span, "");
                self.fail(d, &[expr], scope);
                (None, marked)
            }
            Ok(_) => (None, marked),
            Err(_) => {
                let why =
                    format!("A condition is true or false, and this is {}.", text::article(&value));
                let d = Diagnostic::error(codes::BAD_CONDITIONAL, summary, why).at(expr.span, "");
                self.fail(d, &[expr], scope);
                (None, marked)
            }
        }
    }

    fn conditional(
        &mut self,
        expr: &Expr,
        (cond, then, otherwise): (&Expr, &Expr, &Expr),
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
            let marked = marked || a.has_sensitive() || b.has_sensitive();
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
            let _ = expr;
            self.fail(d, &[], scope)
        };
        mark(value, marked)
    }

    fn for_expr(&mut self, f: &For, scope: &Scope<'_>) -> Value {
        let Some((items, mut marked)) = self.items(&f.over, scope) else {
            return Value::Unknown(Type::Any);
        };
        let Items::Known(items) = items else {
            return mark(Value::Unknown(Type::Any), marked);
        };
        let mut list = Vec::new();
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let mut groups: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        let mut unknown = false;
        for (key, value) in &items {
            let with_value = Scope::Bound { name: &f.value_name, value, outer: scope };
            let with_key;
            let inner = match &f.key_name {
                Some(name) => {
                    with_key = Scope::Bound { name, value: key, outer: &with_value };
                    &with_key
                }
                None => &with_value,
            };
            if let Some(cond) = &f.cond {
                let (truth, cond_marked) = self.truth(cond, "Invalid condition of a `for`", inner);
                marked |= cond_marked;
                match truth {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        unknown = true;
                        continue;
                    }
                }
            }
            let Some(key_expr) = &f.key else {
                list.push(self.expr(&f.value, inner));
                continue;
            };
            let (made, key_marked) = unmark(self.expr(key_expr, inner));
            marked |= key_marked;
            let result = self.expr(&f.value, inner);
            let Some(made) = self.key(made, key_expr, key_marked, inner) else {
                unknown = true;
                marked |= result.has_sensitive();
                continue;
            };
            if f.group {
                groups.entry(made).or_default().push(result);
            } else if map.contains_key(&made) {
                let what = if marked { String::new() } else { format!(" `{made}`") };
                let d = Diagnostic::error(
                    codes::BAD_FOR,
                    "Duplicate key in a `for`",
                    format!("Two items make the key{what}."),
                )
                .at(key_expr.span, "")
                .with_help(
                    "To gather all values of one key in a list, write `...` after the value.",
                );
                self.fail(d, &[key_expr], inner);
            } else {
                map.insert(made, result);
            }
        }
        let result = match (&f.key, f.group) {
            (None, _) => Value::list(list),
            (Some(_), false) => Value::Map(Arc::new(map)),
            (Some(_), true) => {
                Value::map(groups.into_iter().map(|(key, list)| (key, Value::list(list))))
            }
        };
        if unknown {
            let marked = marked || result.has_sensitive();
            return mark(Value::Unknown(Type::Any), marked);
        }
        mark(result, marked)
    }

    /// What a `for` goes over, and whether it was marked; `None` after an error.
    fn items(&mut self, over: &Expr, scope: &Scope<'_>) -> Option<(Items, bool)> {
        let (value, marked) = unmark(self.expr(over, scope));
        let wrong = match &value {
            Value::Unknown(_) => return Some((Items::Unknown, marked)),
            Value::List(items) => {
                let entries = (0u64..).map(super::names::integer).zip(items.iter().cloned());
                return Some((Items::Known(entries.collect()), marked));
            }
            Value::Map(map) => {
                let entries = map.iter().map(|(k, v)| (Value::String(k.clone()), v.clone()));
                return Some((Items::Known(entries.collect()), marked));
            }
            other => text::article(other),
        };
        let d = Diagnostic::error(
            codes::BAD_FOR,
            "Nothing to go over",
            format!("A `for` goes over a list or an object, and this is {wrong}."),
        )
        .at(over.span, "");
        self.fail(d, &[over], scope);
        None
    }

    // Templates --------------------------------------------------------------------------

    fn template(&mut self, parts: &[Part], scope: &Scope<'_>) -> Value {
        // `"${x}"` is `x` itself, whatever it is.
        if let [Part::Value(only)] = parts {
            return self.expr(only, scope);
        }
        let mut text = Text::default();
        self.parts(parts, scope, &mut text);
        let value = if text.unknown {
            Value::Unknown(Type::String)
        } else {
            Value::String(text.known.into())
        };
        mark(value, text.marked)
    }

    fn parts(&mut self, parts: &[Part], scope: &Scope<'_>, out: &mut Text) {
        for part in parts {
            match part {
                Part::Text(text) => out.known.push_str(text),
                Part::Value(expr) => self.part(expr, scope, out),
                Part::If { cond, then, otherwise } => {
                    let (truth, marked) = self.truth(cond, "Invalid condition", scope);
                    out.marked |= marked;
                    match truth {
                        Some(true) => self.parts(then, scope, out),
                        Some(false) => self.parts(otherwise, scope, out),
                        None => {
                            out.unknown = true;
                            // What might be shown decides whether the whole is sensitive.
                            let mut quiet = self.quiet();
                            let mut either = Text::default();
                            quiet.parts(then, scope, &mut either);
                            quiet.parts(otherwise, scope, &mut either);
                            out.marked |= either.marked;
                        }
                    }
                }
                Part::For { key, value, over, body } => match self.items(over, scope) {
                    None => out.unknown = true,
                    Some((Items::Unknown, marked)) => {
                        out.unknown = true;
                        out.marked |= marked;
                    }
                    Some((Items::Known(items), marked)) => {
                        out.marked |= marked;
                        for (k, v) in &items {
                            let with_value = Scope::Bound { name: value, value: v, outer: scope };
                            match key {
                                Some(name) => {
                                    let both = Scope::Bound { name, value: k, outer: &with_value };
                                    self.parts(body, &both, out);
                                }
                                None => self.parts(body, &with_value, out),
                            }
                        }
                    }
                },
            }
        }
    }

    fn part(&mut self, expr: &Expr, scope: &Scope<'_>, out: &mut Text) {
        let (value, marked) = unmark(self.expr(expr, scope));
        out.marked |= marked;
        match &value {
            Value::String(s) => out.known.push_str(s),
            Value::Number(n) => out.known.push_str(&n.to_string()),
            Value::Bool(b) => out.known.push_str(if *b { "true" } else { "false" }),
            Value::Unknown(_) => out.unknown = true,
            Value::Null | Value::List(_) | Value::Map(_) | Value::Sensitive(_) => {
                let d = Diagnostic::error(
                    codes::NOT_TEXT,
                    "Value that is no text",
                    format!(
                        "Only a string, number or bool can stand in a text, and this is {}.",
                        text::article(&value)
                    ),
                )
                .at(expr.span, "");
                let d = match &value {
                    Value::Null => d.with_help(
                        "Give a default with `coalesce(..., \"\")`, or leave the part out with \
                         a condition.",
                    ),
                    Value::List(_) => d.with_help("Join its items with `join(\", \", ...)`."),
                    _ => d.with_help("Write it as JSON with `jsonencode(...)`."),
                };
                out.unknown = true;
                self.fail(d, &[expr], scope);
            }
        }
    }

    // Calls ------------------------------------------------------------------------------

    fn call(
        &mut self,
        expr: &Expr,
        name: &str,
        name_span: Span,
        args: &[Expr],
        expand: bool,
        scope: &Scope<'_>,
    ) -> Value {
        match name {
            "try" => return self.call_try(expr, args, scope),
            "can" => return self.call_can(args, scope),
            _ => {}
        }
        let Some(function) = crate::functions::find(name) else {
            let d = crate::functions::unknown_function(name, name_span);
            return self.fail(d, &[], scope);
        };
        let before = self.errors;
        let mut values: Vec<Value> = args.iter().map(|arg| self.expr(arg, scope)).collect();
        if self.errors > before {
            return Value::Unknown(Type::Any);
        }
        let mut spread_mark = false;
        if expand && let Some(last) = values.pop() {
            let (last, marked) = unmark(last);
            spread_mark = marked;
            match last {
                Value::List(items) => values.extend(items.iter().cloned()),
                Value::Unknown(_) => {
                    let marked = marked || values.iter().any(Value::has_sensitive);
                    return mark(Value::Unknown(function.result()), marked);
                }
                other => {
                    let at = args.last().map_or(expr.span, |a| a.span);
                    let d = Diagnostic::error(
                        codes::WRONG_OPERAND,
                        "Nothing to spread",
                        format!("`...` spreads a list, and this is {}.", text::article(&other)),
                    )
                    .at(at, "");
                    return self.fail(d, &args.last().into_iter().collect::<Vec<_>>(), scope);
                }
            }
        }
        if let Some(d) = function.wrong_count(values.len(), expr.span) {
            return self.fail(d, &[], scope);
        }
        match function.call(values) {
            Ok(value) => mark(value, spread_mark),
            Err(failed) => {
                let at = failed.arg.and_then(|i| args.get(i).or(args.last())).unwrap_or(expr);
                let d = Diagnostic::error(
                    codes::FUNCTION_FAILED,
                    "Function cannot be applied",
                    format!("`{name}`: {}.", failed.why),
                )
                .at(at.span, "");
                let d = match failed.help {
                    Some(help) => d.with_help(help),
                    None => d,
                };
                let operands: Vec<&Expr> = args.iter().collect();
                self.fail(d, &operands, scope)
            }
        }
    }

    fn call_try(&mut self, expr: &Expr, args: &[Expr], scope: &Scope<'_>) -> Value {
        let mut failures = Vec::new();
        for arg in args {
            let mut inner = Self::new(self.names, self.module, self.repetition);
            inner.muted = self.muted;
            let value = inner.expr(arg, scope);
            self.poisoned |= inner.poisoned;
            if inner.errors > 0 {
                failures.extend(inner.diags);
                continue;
            }
            // What is not known yet may still fail during apply, and then another argument
            // counts: nothing of it may be promised now.
            if !value.is_known() {
                return mark(Value::Unknown(Type::Any), value.has_sensitive());
            }
            return value;
        }
        let mut d = Diagnostic::error(
            codes::FUNCTION_FAILED,
            "Nothing left to try",
            if args.is_empty() {
                "`try` needs at least one expression.".to_owned()
            } else {
                "Every expression of this `try` fails.".to_owned()
            },
        )
        .at(expr.span, "");
        for failure in failures.iter().take(5) {
            if let Some(label) = failure.labels.first() {
                d = d.at(label.span, failure.detail.clone());
            }
        }
        self.fail(d, &[], scope)
    }

    fn call_can(&mut self, args: &[Expr], scope: &Scope<'_>) -> Value {
        let mut inner = self.quiet();
        let values: Vec<Value> = args.iter().map(|arg| inner.expr(arg, scope)).collect();
        self.poisoned |= inner.poisoned;
        let marked = values.iter().any(Value::has_sensitive);
        let result = if inner.errors > 0 {
            Value::Bool(false)
        } else if values.iter().all(Value::is_known) {
            Value::Bool(true)
        } else {
            Value::Unknown(Type::Bool)
        };
        mark(result, marked)
    }
}

/// What a `for` goes over.
enum Items {
    Known(Vec<(Value, Value)>),
    Unknown,
}

/// A text in the making.
#[derive(Default)]
struct Text {
    known: String,
    unknown: bool,
    marked: bool,
}

/// The references in an expression, as long as each can be, in source order.
fn mentions<'x>(expr: &'x Expr, out: &mut Vec<&'x Expr>) {
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
            items.iter().for_each(|item| mentions(item, out));
        }
        ExprKind::Object(items) => items.iter().for_each(|(_, value)| mentions(value, out)),
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
