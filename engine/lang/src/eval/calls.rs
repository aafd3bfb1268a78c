//! Calls of functions, and those that are no functions: `try`, `can` and `ephemeralasnull`.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::mentions::references;
use super::scope::Scope;
use crate::ephemeral::{AS_NULL, Ephemeral};
use crate::functions::files::OF_FILES;
use crate::manifests::MANIFESTS;
use crate::{codes, text};
use config::{Call, Expr, ExprKind, ObjectKey};
use diags::Diagnostic;
use values::{Map, Type, Value};

impl Eval<'_, '_> {
    pub(super) fn call(&mut self, expr: &Expr, call: &Call, scope: &Scope<'_>) -> Value {
        let Call { name, name_span, args, expand } = call;
        let (name, name_span, expand) = (&**name, *name_span, *expand);
        match name {
            "try" => return self.call_try(expr, args, scope),
            "can" if args.len() == 1 && !expand => return self.call_can(args, scope),
            AS_NULL if args.len() == 1 && !expand => return self.call_as_null(&args[0], scope),
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
        if name == MANIFESTS {
            return mark(self.call_manifests(expr, args, values, scope), spread_mark);
        }
        if OF_FILES.contains(&name) {
            return mark(self.call_file(function, expr, args, values, scope), spread_mark);
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

    /// What the files hold that were read with the configuration.
    fn call_manifests(
        &mut self,
        expr: &Expr,
        args: &[Expr],
        patterns: Vec<Value>,
        scope: &Scope<'_>,
    ) -> Value {
        let mut all = Map::new();
        for (i, pattern) in patterns.iter().enumerate() {
            let found = pattern.as_str().and_then(|p| self.names.config.manifests.get(p));
            let Some(found) = found else {
                let at = args.get(i).or(args.last()).unwrap_or(expr);
                let why = "Files are read with the configuration, before anything is planned, and \
                           by then it is not known which ones are meant here.";
                let d = Diagnostic::error(codes::LATE_FILES, "Files not known in time", why)
                    .at(at.span, "")
                    .with_help(
                        "Name them by text, variables of the root module and locals, and choose \
                         among the objects with a `for` expression.",
                    );
                return self.fail(d, &[at], scope);
            };
            if !found.complete {
                // Why is told where the files were read.
                self.errors += 1;
                return Value::Unknown(Type::Any);
            }
            all.extend(found.objects.iter().map(|(key, m)| (key.clone(), m.value.clone())));
        }
        Value::map(all)
    }

    fn call_try(&mut self, expr: &Expr, args: &[Expr], scope: &Scope<'_>) -> Value {
        let mut failures = Vec::new();
        // That an expression failed may tell something about a secret in it.
        let mut marked = false;
        for arg in args {
            let mut inner = self.apart();
            let value = inner.expr(arg, scope);
            self.poisoned |= inner.poisoned;
            if inner.errors > 0 {
                failures.extend(inner.diags);
                marked |= self.touches_secret(arg, scope);
                continue;
            }
            // What is not known yet may still fail during apply, and then another argument
            // counts: nothing of it may be promised now.
            if !value.is_known() {
                return mark(Value::Unknown(Type::Any), marked || value.has_sensitive());
            }
            return mark(value, marked);
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

    /// The value without what is ephemeral. Which parts are stands in the text: in a literal, and in
    /// a local that is one, each part is looked at; anything else is ephemeral as a whole.
    fn call_as_null(&mut self, arg: &Expr, scope: &Scope<'_>) -> Value {
        let names = self.names;
        let here = &names.modules[self.module];
        match Ephemeral::of(names.config, &here.path, here.module) {
            Some(ephemeral) => match local(here.module, arg) {
                // What a `for` around the call binds means nothing where the local is written.
                Some(value) => self.as_null(&ephemeral, value, &Scope::Empty),
                None => self.as_null(&ephemeral, arg, scope),
            },
            None => self.expr(arg, scope),
        }
    }

    fn as_null(&mut self, names: &Ephemeral<'_>, expr: &Expr, scope: &Scope<'_>) -> Value {
        if !names.touches(expr) {
            return self.expr(expr, scope);
        }
        match &expr.kind {
            ExprKind::Paren(inner) => self.as_null(names, inner, scope),
            ExprKind::List(items) => {
                Value::list(items.iter().map(|item| self.as_null(names, item, scope)))
            }
            ExprKind::Object(items) => {
                let mut map = Map::new();
                for (key, item) in items {
                    let key = match key {
                        ObjectKey::Name(key, _) => key.as_str().into(),
                        ObjectKey::Expr(Expr { kind: ExprKind::String(key), .. }) => key.clone(),
                        ObjectKey::Expr(_) => return Value::Null,
                    };
                    map.insert(key, self.as_null(names, item, scope));
                }
                Value::map(map)
            }
            _ => Value::Null,
        }
    }

    fn call_can(&mut self, args: &[Expr], scope: &Scope<'_>) -> Value {
        let mut inner = self.quiet();
        let values: Vec<Value> = args.iter().map(|arg| inner.expr(arg, scope)).collect();
        self.poisoned |= inner.poisoned;
        let marked = values.iter().any(Value::has_sensitive)
            || args.iter().any(|arg| self.touches_secret(arg, scope));
        let result = if inner.errors > 0 {
            Value::Bool(false)
        } else if values.iter().all(Value::is_known) {
            Value::Bool(true)
        } else {
            Value::Unknown(Type::Bool)
        };
        mark(result, marked)
    }

    /// Whether an expression uses something sensitive, as far as its references lead.
    pub(super) fn touches_secret(&self, expr: &Expr, scope: &Scope<'_>) -> bool {
        let mut found = Vec::new();
        references(expr, &mut found);
        self.any_secret(found, scope)
    }

    /// Whether any of these references leads to something sensitive.
    pub(super) fn any_secret(&self, references: Vec<&Expr>, scope: &Scope<'_>) -> bool {
        references.into_iter().any(|reference| {
            // The furthest part of a reference that has a value decides.
            let mut part = reference;
            loop {
                let mut quiet = self.quiet();
                let value = quiet.expr(part, scope);
                if quiet.errors == 0 {
                    let whole = std::ptr::eq(part, reference);
                    return if whole {
                        value.has_sensitive()
                    } else {
                        matches!(value, Value::Sensitive(_))
                    };
                }
                match part.kind.of() {
                    Some(of) => part = of,
                    None => return false,
                }
            }
        })
    }
}

/// What a local is that is named alone.
fn local<'x>(module: &'x config::Module, expr: &Expr) -> Option<&'x Expr> {
    match &expr.kind {
        ExprKind::Attr(attr) if matches!(&attr.of.kind, ExprKind::Name(root) if root == "local") => {
            module.locals.get(&attr.name).map(|local| &local.value)
        }
        _ => None,
    }
}
