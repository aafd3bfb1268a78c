//! Where a part of a value is written.

use crate::manifests::MANIFESTS;
use crate::references::{Meaning, Step as RefStep, Target, meaning, unwind};
use addrs::{Ident, ModulePath};
use config::{Body, Config, Expr, ExprKind, For, Found, Manifest, ObjectKey, Repeat};
use diags::Span;
use std::collections::BTreeSet;
use values::Step;

/// Longest chain of names that is followed.
const FURTHEST: usize = 64;

/// What was written, and which variables of the root have their defaults.
#[derive(Clone, Copy)]
pub(crate) struct Written<'w> {
    pub(crate) config: &'w Config,
    pub(crate) defaulted: &'w BTreeSet<Ident>,
    /// What `each` stands for: the expression of `for_each`, and the key of the instance.
    pub(crate) each: Option<(&'w Expr, &'w str)>,
}

/// The deepest place within `expr` that the steps lead to: through literals, and through
/// locals and variables that stand there by themselves.
pub(crate) fn within(
    written: Written<'_>,
    module: &ModulePath,
    expr: &Expr,
    steps: &[Step],
) -> Span {
    follow(written, module, expr, steps, FURTHEST)
}

/// Whether this part of a value stands somewhere by itself, rather than coming as a part of
/// something computed.
pub(crate) fn is_written(
    written: Written<'_>,
    module: &ModulePath,
    expr: &Expr,
    steps: &[Step],
) -> bool {
    let Some((_, outer)) = steps.split_last() else { return true };
    within(written, module, expr, steps) != within(written, module, expr, outer)
}

fn follow(
    written: Written<'_>,
    module: &ModulePath,
    expr: &Expr,
    steps: &[Step],
    hops: usize,
) -> Span {
    let Some((step, rest)) = steps.split_first() else { return expr.span };
    match (&expr.kind, step) {
        (ExprKind::Paren(inner), _) => follow(written, module, inner, steps, hops),
        (ExprKind::Object(items), Step::Attr(wanted)) => {
            let found = items.iter().rev().find(|(key, _)| match key {
                ObjectKey::Name(name, _) => name.as_str() == &**wanted,
                ObjectKey::Expr(key) => is_text(key, wanted),
            });
            found.map_or(expr.span, |(_, value)| follow(written, module, value, rest, hops))
        }
        (ExprKind::List(items), Step::Index(i)) => {
            items.get(*i).map_or(expr.span, |item| follow(written, module, item, rest, hops))
        }
        (ExprKind::List(items), Step::Item(key)) => {
            let found =
                items.iter().find(|item| key.0.iter().all(|(name, value)| has(item, name, value)));
            found.map_or(expr.span, |item| follow(written, module, item, rest, hops))
        }
        (ExprKind::Call(call), Step::Attr(key)) if &*call.name == MANIFESTS => {
            manifest(written, &call.args, key).map_or(expr.span, |found| found.place_of(rest))
        }
        (ExprKind::For(each), Step::Attr(_)) if hops > 0 => {
            passed_on(each).map_or(expr.span, |over| follow(written, module, over, steps, hops - 1))
        }
        (ExprKind::Attr(_) | ExprKind::Index { .. }, _) if hops > 0 => {
            reference(written, module, expr, steps, hops).unwrap_or(expr.span)
        }
        _ => expr.span,
    }
}

/// The object of this key, when it is clear which files are meant.
fn manifest<'w>(written: Written<'w>, args: &[Expr], key: &str) -> Option<&'w Manifest> {
    let all = &written.config.manifests;
    let literal = |arg: &Expr| match &arg.kind {
        ExprKind::String(text) => all.get(&**text),
        _ => None,
    };
    if let Some(found) = args.iter().filter_map(literal).find_map(|m| m.objects.get(key)) {
        return Some(found);
    }
    let mut found = all.values().filter_map(|manifests| manifests.objects.get(key));
    let first = found.next()?;
    found.all(|other| other.source == first.source).then_some(first)
}

/// What a `for` goes over, when it passes keys and values on as they are.
fn passed_on(each: &For) -> Option<&Expr> {
    let is = |expr: &Expr, name: &Ident| matches!(&expr.kind, ExprKind::Name(n) if n == name);
    let key = each.key.as_ref().zip(each.key_name.as_ref())?;
    (is(key.0, key.1) && is(&each.value, &each.value_name)).then_some(&each.over)
}

fn is_text(expr: &Expr, wanted: &str) -> bool {
    match &expr.kind {
        ExprKind::String(s) => **s == *wanted,
        ExprKind::Paren(inner) => is_text(inner, wanted),
        _ => false,
    }
}

/// Whether an object literal has this attribute with this literal value.
fn has(item: &Expr, name: &str, value: &values::Value) -> bool {
    let ExprKind::Object(entries) = &item.kind else { return false };
    entries.iter().any(|(key, entry)| {
        let named = match key {
            ObjectKey::Name(n, _) => n.as_str() == name,
            ObjectKey::Expr(key) => is_text(key, name),
        };
        named
            && match (&entry.kind, value) {
                (ExprKind::String(s), values::Value::String(v)) => s == v,
                (ExprKind::Number(n), values::Value::Number(v)) => n == v,
                _ => false,
            }
    })
}

fn reference(
    written: Written<'_>,
    module: &ModulePath,
    expr: &Expr,
    steps: &[Step],
    hops: usize,
) -> Option<Span> {
    let (base, path) = unwind(expr);
    let ExprKind::Name(root) = &base.kind else { return None };
    let (target, used) = match meaning(root, &path) {
        Meaning::Target(target, used) => (Some(target), used),
        Meaning::Each(name) if name.as_str() == "value" => (None, 1),
        Meaning::Each(_) | Meaning::Count(_) | Meaning::Path(_) | Meaning::Nothing(_) => {
            return None;
        }
    };
    // What the reference itself goes into comes before what is asked for.
    let mut all: Vec<Step> = Vec::new();
    for step in path.get(used..)? {
        all.push(match step {
            RefStep::Attr(name, _) => Step::Attr(name.as_str().into()),
            RefStep::Index(index) => match &index.kind {
                ExprKind::String(s) => Step::Attr(s.clone()),
                ExprKind::Number(n) => Step::Index(usize::try_from(n.as_i64()?).ok()?),
                _ => return None,
            },
        });
    }
    all.extend(steps.iter().cloned());
    let Some(target) = target else {
        let (expr, key) = written.each?;
        all.insert(0, Step::Attr(key.into()));
        return Some(follow(Written { each: None, ..written }, module, expr, &all, hops - 1));
    };
    let here = written.config.modules.get(module)?;
    match target {
        Target::Local(name) => {
            let local = here.locals.get(&name)?;
            Some(follow(written, module, &local.value, &all, hops - 1))
        }
        Target::Variable(name) => {
            let default = || here.variables.get(&name)?.default.as_ref();
            let Some((call, outer)) = module.split_last() else {
                let default = default().filter(|_| written.defaulted.contains(&name))?;
                return Some(follow(written, module, default, &all, hops - 1));
            };
            let outer = outer.to_vec();
            let call = written.config.modules.get(&outer)?.calls.get(call)?;
            match call.arguments.get(&name) {
                Some(argument) => {
                    let written = Written { each: None, ..written };
                    Some(follow(written, &outer, &argument.value, &all, hops - 1))
                }
                None => Some(follow(written, module, default()?, &all, hops - 1)),
            }
        }
        Target::Module(..) | Target::Resource(..) => None,
    }
}

/// The deepest place within a body that the steps lead to; `None` when not even the argument
/// is written.
pub(crate) fn in_body(
    written: Written<'_>,
    module: &ModulePath,
    body: &Body,
    steps: &[Step],
) -> Option<Span> {
    Some(match body.part(steps)? {
        Found::Argument(value, rest) => within(written, module, value, rest),
        Found::Block(block) => block.span,
    })
}

/// The expression of `count`, `for_each` or `enabled`.
pub(crate) fn repeat(repeat: &Repeat) -> Option<&Expr> {
    match repeat {
        Repeat::Once => None,
        Repeat::Count(expr) | Repeat::ForEach(expr) | Repeat::Enabled(expr) => Some(expr),
    }
}
