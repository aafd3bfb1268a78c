//! Object literals and `for`.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::scope::Scope;
use super::types;
use crate::{codes, text};
use config::{Expr, For, ObjectKey};
use diags::Diagnostic;
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Type, Value};

/// What a `for` goes over.
pub(super) enum Items {
    Known(Vec<(Value, Value)>),
    Unknown,
}

/// What the rounds of a `for` have made so far.
#[derive(Default)]
struct Made {
    list: Vec<Value>,
    map: BTreeMap<Arc<str>, Value>,
    groups: BTreeMap<Arc<str>, Vec<Value>>,
    /// A key or a condition is not known, so neither are the entries.
    unknown: bool,
    marked: bool,
}

/// A value whose parts need no marks of their own when the whole has one.
pub(super) fn whole(value: Value, marked: bool) -> Value {
    if marked { value.exposed().0.into_sensitive() } else { value }
}

impl Made {
    fn finish(self, f: &For) -> Value {
        let result = match (&f.key, f.group) {
            (None, _) => Value::list(self.list),
            (Some(_), false) => Value::map(self.map),
            (Some(_), true) => {
                Value::map(self.groups.into_iter().map(|(key, list)| (key, Value::list(list))))
            }
        };
        if self.unknown {
            let marked = self.marked || result.has_sensitive();
            return mark(Value::Unknown(Type::Any), marked);
        }
        whole(result, self.marked)
    }
}

impl Eval<'_, '_> {
    pub(super) fn object(&mut self, items: &[(ObjectKey, Expr)], scope: &Scope<'_>) -> Value {
        let mut map = BTreeMap::new();
        let (mut unknown, mut marked) = (false, false);
        for (key, value_expr) in items {
            let value = self.expr(value_expr, scope);
            let name = match key {
                ObjectKey::Name(name, _) => Some(name.shared()),
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
        let object = if unknown { Value::Unknown(Type::Any) } else { Value::map(map) };
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

    pub(super) fn for_expr(&mut self, f: &For, scope: &Scope<'_>) -> Value {
        let Some((items, marked)) = self.items(&f.over, scope) else {
            return Value::Unknown(Type::Any);
        };
        let Items::Known(items) = items else {
            return mark(Value::Unknown(Type::Any), marked);
        };
        let mut made = Made { marked, ..Made::default() };
        for (key, value) in &items {
            let with_value = Scope::Bound { name: &f.value_name, value, outer: scope };
            match &f.key_name {
                Some(name) => {
                    let both = Scope::Bound { name, value: key, outer: &with_value };
                    self.for_item(f, &both, &mut made);
                }
                None => self.for_item(f, &with_value, &mut made),
            }
        }
        made.finish(f)
    }

    /// One round of a `for`.
    fn for_item(&mut self, f: &For, scope: &Scope<'_>, made: &mut Made) {
        if let Some(cond) = &f.cond {
            let (truth, marked) = self.truth(cond, "Invalid condition of a `for`", scope);
            made.marked |= marked;
            match truth {
                Some(true) => {}
                Some(false) => return,
                None => {
                    made.unknown = true;
                    return;
                }
            }
        }
        let Some(key_expr) = &f.key else {
            made.list.push(self.expr(&f.value, scope));
            return;
        };
        let (key, marked) = unmark(self.expr(key_expr, scope));
        made.marked |= marked;
        let value = self.expr(&f.value, scope);
        let Some(key) = self.key(key, key_expr, marked, scope) else {
            made.unknown = true;
            made.marked |= value.has_sensitive();
            return;
        };
        if f.group {
            made.groups.entry(key).or_default().push(value);
            return;
        }
        let shown = if made.marked { String::new() } else { format!(" `{key}`") };
        if made.map.insert(key, value).is_some() {
            let d = Diagnostic::error(
                codes::BAD_FOR,
                "Duplicate key in a `for`",
                format!("Two items make the key{shown}."),
            )
            .at(key_expr.span, "")
            .with_help("To gather all values of one key in a list, write `...` after the value.");
            self.fail(d, &[key_expr], scope);
        }
    }

    /// What a `for` goes over, and whether it was marked; `None` after an error. What stands
    /// in something sensitive is so by itself as well: a message may show it.
    pub(super) fn items(&mut self, over: &Expr, scope: &Scope<'_>) -> Option<(Items, bool)> {
        let (value, marked) = unmark(self.expr(over, scope));
        let wrong = match &value {
            Value::Unknown(ty) if !types::is_primitive(ty) => {
                return Some((Items::Unknown, marked));
            }
            Value::List(items) => {
                let items = items.iter().map(|item| mark(item.clone(), marked));
                let entries = (0u64..).map(super::names::integer).zip(items);
                return Some((Items::Known(entries.collect()), marked));
            }
            Value::Map(map) => {
                let part = |v: Value| mark(v, marked);
                let entries =
                    map.iter().map(|(k, v)| (part(Value::String(k.clone())), part(v.clone())));
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
}
