//! The arguments of blocks: what is written for each, made to fit the schema.

use super::expr::Eval;
use super::marks::unmark;
use super::names::{Names, Repetition};
use super::prepare::mismatch;
use super::scope::Scope;
use crate::{codes, place};
use addrs::Ident;
use config::Body;
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
        let raw = self.raw(attr.name, &attr.ty, body);
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

    /// What is written for an argument, as an expression or as blocks; `None` for nothing.
    fn raw(&mut self, name: &str, ty: &Type, body: &Body) -> Option<Value> {
        if let Some(argument) = body.arguments.get(name) {
            let mut eval = Eval::new(self.names, self.module, self.repetition);
            let value = eval.expr(&argument.value, &Scope::Empty);
            self.told.extend(eval.diags);
            return Some(value);
        }
        let mut blocks = body.blocks.iter().filter(|b| b.name == *name).peekable();
        blocks.peek()?;
        match ty {
            Type::List(item) | Type::Set(item) => {
                Some(Value::list(blocks.map(|b| self.object(item, &b.body)).collect::<Vec<_>>()))
            }
            _ => blocks.next().map(|b| self.object(ty, &b.body)),
        }
    }

    fn object(&mut self, ty: &Type, body: &Body) -> Value {
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        if let Type::Object(attrs) = ty {
            for attr in attrs {
                let value = self.raw(&attr.name, &attr.ty, body);
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
            if let Some(value) = self.raw(name.as_str(), &inner, body) {
                map.insert(name.as_str().into(), value);
            }
        }
        Value::map(map)
    }
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
