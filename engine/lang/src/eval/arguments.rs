//! The arguments of blocks: what is written for each, made to fit the schema.

use super::expr::Eval;
use super::marks::{mark, unmark};
use super::names::{Names, Repetition};
use super::objects::Items;
use super::prepare::mismatch;
use super::scope::Scope;
use crate::{codes, place};
use addrs::Ident;
use config::{Block, Body, Dynamic};
use diags::{Diagnostic, Diagnostics, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::{Attr, Path, Role, Type, Value};

/// Builds the arguments of one instance.
pub(super) struct Arguments<'e, 'a> {
    pub(super) names: &'e Names<'a>,
    pub(super) module: usize,
    pub(super) repetition: &'e Repetition,
    pub(super) told: Diagnostics,
}

impl Arguments<'_, '_> {
    pub(super) fn argument(&mut self, attr: &Attr, body: &Body, block: Span) -> Value {
        let before = self.told.len();
        let raw = self.raw(attr.name, &attr.ty, body, &Scope::Empty);
        let failed = self.told.len() > before;
        let given = raw.unwrap_or(Value::Null);
        let (plain, hidden) = unmark(given);
        let value = match (&plain, &attr.role) {
            (Value::Null, Role::Default(default) | Role::IdentityOr(default)) => default.clone(),
            (Value::Null, Role::Required | Role::Identity) if !failed => {
                let at = body.arguments.get(attr.name).map(|a| a.value.span);
                // A missing argument is reported by the analysis, at the block.
                if let Some(span) = at {
                    let d = Diagnostic::error(
                        codes::MISSING_ARGUMENT,
                        "Missing argument",
                        format!("`{}` must have a value, and this is null.", attr.name),
                    );
                    self.told.push(d.at(span, ""));
                }
                self.none_made(attr.name, body);
                Value::Unknown(attr.ty.clone())
            }
            _ => plain,
        };
        let fitted = match values::conform(&value, &attr.ty) {
            Ok(value) => value,
            Err(mismatches) => {
                for m in mismatches {
                    let steps = Path::root().attr(attr.name);
                    let path = m.path.steps().iter().cloned().fold(steps, Path::step);
                    let module = &self.names.modules[self.module].path;
                    let found = place::in_body(self.names.written(), module, body, path.steps());
                    let of = format!("argument `{}`", attr.name);
                    let d = mismatch(&m, &of, found.unwrap_or(block));
                    self.told.push(d);
                }
                Value::Unknown(attr.ty.clone())
            }
        };
        // Nothing given is no secret; it must stay clear that nothing is given.
        let secret = attr.sensitive && !fitted.is_null();
        if secret || hidden { fitted.into_sensitive() } else { fitted }
    }

    /// A block that is needed, and that `dynamic` made none of.
    fn none_made(&mut self, name: &str, body: &Body) {
        let dynamic = body.blocks.iter().find(|b| b.name == *name).and_then(|b| b.each.as_ref());
        let Some(each) = dynamic else { return };
        let d = Diagnostic::error(
            codes::MISSING_ARGUMENT,
            "Missing argument",
            format!("A block `{name}` is needed, and there is nothing to make one of."),
        );
        self.told.push(d.at(each.for_each.span, "this is empty"));
    }

    /// What is written for an argument, as an expression or as blocks; `None` for nothing.
    fn raw(&mut self, name: &str, ty: &Type, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        if let Some(argument) = body.arguments.get(name) {
            let mut eval = Eval::new(self.names, self.module, self.repetition);
            let value = eval.expr(&argument.value, scope);
            self.told.extend(eval.diags);
            return Some(value);
        }
        let blocks: Vec<&Block> = body.blocks.iter().filter(|b| b.name == *name).collect();
        let item = match ty {
            Type::List(item) | Type::Set(item) => item,
            other => other,
        };
        let mut made = Made::default();
        for block in &blocks {
            match &block.each {
                None => made.values.push(self.object(item, &block.body, scope)),
                Some(each) => self.repeated(block, each, item, scope, &mut made),
            }
        }
        if made.unknown {
            return Some(mark(Value::Unknown(ty.clone()), made.marked));
        }
        if made.values.is_empty() {
            return None;
        }
        if matches!(ty, Type::List(_) | Type::Set(_)) {
            return Some(mark(Value::list(made.values), made.marked));
        }
        if let (2.., Some(block)) = (made.values.len(), blocks.last()) {
            let count = made.values.len();
            let why = format!("A block `{name}` can stand here once, and these are {count}.");
            let d = Diagnostic::error(codes::WRONG_FORM, "Repeated block", why);
            self.told.push(d.at(block.span, ""));
        }
        made.values.into_iter().next().map(|value| mark(value, made.marked))
    }

    /// A block once for each item.
    fn repeated(
        &mut self,
        block: &Block,
        each: &Dynamic,
        item: &Type,
        scope: &Scope<'_>,
        made: &mut Made,
    ) {
        let mut eval = Eval::new(self.names, self.module, self.repetition);
        let items = eval.items(&each.for_each, scope);
        self.told.extend(eval.diags);
        let Some((items, marked)) = items else {
            made.unknown = true;
            return;
        };
        made.marked |= marked;
        let Items::Known(items) = items else {
            made.unknown = true;
            return;
        };
        for (key, value) in items {
            let value = Value::map([("key", key), ("value", value)]);
            let inner = Scope::Bound { name: &each.iterator, value: &value, outer: scope };
            made.values.push(self.object(item, &block.body, &inner));
        }
    }

    fn object(&mut self, ty: &Type, body: &Body, scope: &Scope<'_>) -> Value {
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        if let Type::Object(attrs) = ty {
            for attr in attrs {
                let value = self.raw(&attr.name, &attr.ty, body, scope);
                if value.is_none() && !attr.optional {
                    self.none_made(&attr.name, body);
                }
                // What is missing or too much is reported by the analysis, and once is enough.
                let missing = || (!attr.optional).then(|| Value::Unknown(attr.ty.clone()));
                if let Some(value) = value.or_else(missing) {
                    map.insert(attr.name.as_str().into(), value);
                }
            }
            return Value::map(map);
        }
        let inner = if let Type::Map(item) = ty { (**item).clone() } else { Type::Any };
        let names: BTreeSet<&Ident> =
            body.arguments.keys().chain(body.blocks.iter().map(|b| &b.name)).collect();
        for name in names {
            if let Some(value) = self.raw(name.as_str(), &inner, body, scope) {
                map.insert(name.as_str().into(), value);
            }
        }
        Value::map(map)
    }
}

/// The blocks of one name so far.
#[derive(Default)]
struct Made {
    values: Vec<Value>,
    /// How many there are is not known.
    unknown: bool,
    marked: bool,
}

/// A body without a schema: arguments by name, blocks as lists of objects. The labels of a block
/// have the empty name, which no argument can have.
pub(super) fn free_body(eval: &mut Eval<'_, '_>, body: &Body) -> Value {
    let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for (name, argument) in &body.arguments {
        map.insert(name.as_str().into(), eval.expr(&argument.value, &Scope::Empty));
    }
    let mut lists: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
    for block in &body.blocks {
        let mut value = free_body(eval, &block.body);
        if let (false, Some(map)) = (block.labels.is_empty(), value.as_map()) {
            let labels = block.labels.iter().map(|(label, _)| Value::from(label.as_str()));
            let labels = ("".into(), Value::list(labels));
            value = Value::map(map.clone().into_iter().chain([labels]));
        }
        lists.entry(block.name.as_str().into()).or_default().push(value);
    }
    map.extend(lists.into_iter().map(|(name, list)| (name, Value::list(list))));
    Value::map(map)
}
