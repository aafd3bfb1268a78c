//! `import` blocks: whose objects are to be taken over.

use super::evaluator::Evaluator;
use super::expr::Eval;
use super::marks::unmark;
use super::names::{Expansion, Repetition};
use super::scope::Scope;
use crate::references::targets;
use crate::{codes, expand, text};
use addrs::InstanceKey;
use config::{Expr, Import, Named};
use diags::{Diagnostic, Diagnostics, Span};
use values::{Type, Value};

/// One object that is to be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Whose object it is.
    pub to: Named,
    /// Which object that is, as a person calls it.
    pub id: Option<(String, Span)>,
}

impl Evaluator<'_> {
    /// What the root module says is to be taken over, each block once for each of its `for_each`.
    pub fn imports(&mut self) -> (Vec<Imported>, Diagnostics) {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        let mut found = Vec::new();
        let module = self.names.modules[0].module;
        for import in &module.imports {
            let exprs = import.keys.iter().map(|key| &key.value);
            let refs = targets(exprs.chain(&import.id).chain(&import.for_each));
            self.names.prepare(0, &refs, &mut told);
            let expansion = match &import.for_each {
                Some(expr) => self.expansion_of(expr, &mut told),
                None => Expansion::Once,
            };
            for key in expansion.keys() {
                let repetition = expansion.repetition(&key).unwrap_or_default();
                found.extend(self.import(import, &repetition, &mut told));
            }
        }
        (found, self.news(told))
    }

    fn expansion_of(&self, expr: &Expr, told: &mut Diagnostics) -> Expansion {
        let mut eval = Eval::new(&self.names, 0, &Repetition::Once);
        let value = eval.expr(expr, &Scope::Empty);
        let failed = eval.failed();
        told.extend(eval.diags);
        if failed {
            return Expansion::None;
        }
        let here = expand::Here { names: &self.names, module: 0, expr };
        expand::for_each(&here, value).unwrap_or_else(|why| {
            told.push(*why);
            Expansion::None
        })
    }

    fn import(
        &self,
        import: &Import,
        repetition: &Repetition,
        told: &mut Diagnostics,
    ) -> Option<Imported> {
        let mut to = import.to.clone();
        for late in &import.keys {
            let key = match self.name(&late.value, repetition, "A key of an instance", told)? {
                Value::Number(n) => {
                    InstanceKey::Index(n.as_i64().and_then(|n| u64::try_from(n).ok())?)
                }
                Value::String(key) => InstanceKey::Key(key),
                _ => return None,
            };
            match (late.call, &mut to.resource) {
                (Some(call), _) => to.modules.get_mut(call)?.1 = Some(key),
                (None, Some(resource)) => resource.key = Some(key),
                (None, None) => return None,
            }
        }
        let id = match &import.id {
            Some(expr) => {
                let value = self.name(expr, repetition, "`id`", told)?;
                let text = values::conform(&value, &Type::String).ok()?;
                Some((text.as_str()?.to_owned(), expr.span))
            }
            None => None,
        };
        Some(Imported { to, id })
    }

    /// A text or a number that is known and no secret.
    fn name(
        &self,
        expr: &Expr,
        repetition: &Repetition,
        what: &str,
        told: &mut Diagnostics,
    ) -> Option<Value> {
        let mut eval = Eval::new(&self.names, 0, repetition);
        let (value, marked) = unmark(eval.expr(expr, &Scope::Empty));
        if eval.failed() {
            told.extend(eval.diags);
            return None;
        }
        let why = match &value {
            _ if marked => "this is sensitive, and a plan would show it".to_owned(),
            Value::String(_) | Value::Number(_) => return Some(value),
            Value::Unknown(_) => "this is known only after apply".to_owned(),
            other => format!("this is {}", text::article(other)),
        };
        let detail = format!("{what} in `import` is a text or a number, and {why}.");
        let d = Diagnostic::error(codes::BAD_IMPORT, "Invalid import", detail).at(expr.span, "");
        eval.fail(d, &[expr], &Scope::Empty);
        told.extend(eval.diags);
        None
    }
}
