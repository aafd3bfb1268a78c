//! What `lifecycle` says about one instance.
//!
//! Its arguments are ordinary expressions over what is known before anything is planned:
//! variables, locals, `each` and `count`. `replace_triggered_by` alone speaks of results, and
//! names them instead of giving a value.

use super::evaluator::Evaluator;
use super::expr::Eval;
use super::marks::unmark;
use super::names::{Expansion, Repetition, instance_key};
use super::scope::Scope;
use crate::references::{Meaning, Step, Target, meaning, unwind};
use crate::{codes, text};
use addrs::{InstanceAddr, InstanceKey, Mode, ModuleInstance, ResourceAddr};
use config::{Expr, ExprKind, Ignore};
use diags::{Diagnostic, Diagnostics, Span};
use values::{Path, Type, Value};

/// What `lifecycle` says about one instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// Refuse every plan that deletes it.
    pub prevent_destroy: bool,
    /// Create the object that its block means from now on before the one that it meant goes.
    pub create_before_destroy: bool,
    /// Arguments to leave as they are once it exists; with `all` those that do not say which
    /// object is meant.
    pub ignore: Vec<Path>,
    /// How many seconds to wait until it is ready; 0 is not at all.
    pub wait_timeout: Option<u64>,
    /// Give its fields back instead of deleting it.
    pub release: bool,
}

/// One item of `replace_triggered_by`: what replaces an instance when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The block that is named.
    pub block: ResourceAddr,
    /// The instance of the module that it stands in.
    module: ModuleInstance,
    /// One instance of the block; all of them without one.
    key: Option<InstanceKey>,
    /// The attribute that counts; the root when all of them do.
    pub path: Path,
    /// As it is written.
    pub text: String,
}

impl Trigger {
    /// Whether an instance is meant by it.
    pub fn means(&self, addr: &InstanceAddr) -> bool {
        addr.mode == self.block.mode
            && addr.ty == self.block.ty
            && addr.name == self.block.name
            && addr.module == self.module
            && self.key.as_ref().is_none_or(|key| *key == addr.key)
    }
}

/// An argument that is looked at.
struct Meta<'m> {
    name: &'static str,
    summary: &'static str,
    expr: &'m Expr,
    ty: Type,
}

/// Where the expressions of a block are evaluated.
struct Here<'h> {
    addr: &'h InstanceAddr,
    module: usize,
    repetition: Repetition,
}

impl<'a> Evaluator<'a> {
    /// Whether `lifecycle` says nothing about the instances of a block: nothing is ignored or
    /// protected, and no condition has to hold.
    pub fn is_plain(&self, block: &ResourceAddr) -> bool {
        let module = self.names.config.modules.get(&block.module);
        let block = module.and_then(|module| module.resources.get(block));
        block.is_some_and(|block| block.lifecycle.is_none())
    }

    fn has_no_lifecycle(&self, addr: &InstanceAddr) -> bool {
        self.is_plain(&addr.resource())
    }

    /// What `lifecycle` says about an instance.
    pub fn lifecycle(&mut self, addr: &InstanceAddr) -> (Lifecycle, Diagnostics) {
        let mut lifecycle = Lifecycle::default();
        let mut told = Diagnostics::new();
        if self.has_no_lifecycle(addr) {
            return (lifecycle, told);
        }
        let Some((here, said)) = self.said(addr, &mut told) else {
            return (lifecycle, self.news(told));
        };
        lifecycle.ignore = self.ignored(addr, &said.ignore_changes);
        if let Some(expr) = &said.delete {
            lifecycle.release = self.release(&here, expr, &mut told);
        }
        if let Some(expr) = &said.wait_timeout {
            lifecycle.wait_timeout = self.wait_timeout(&here, expr, &mut told);
        }
        if let Some(expr) = &said.create_before_destroy {
            let (name, summary) = ("create_before_destroy", "Invalid create_before_destroy");
            let meta = Meta { name, summary, expr, ty: Type::Bool };
            let value = self.meta(&here, &meta, &mut told);
            lifecycle.create_before_destroy = value == Some(Value::Bool(true));
        }
        if let Some(expr) = &said.prevent_destroy {
            let (name, summary) = ("prevent_destroy", "Invalid prevent_destroy");
            let meta = Meta { name, summary, expr, ty: Type::Bool };
            // When in doubt, protect.
            let value = self.meta(&here, &meta, &mut told);
            lifecycle.prevent_destroy = value != Some(Value::Bool(false));
        }
        (lifecycle, self.news(told))
    }

    /// What replaces an instance when it changes.
    pub fn triggers(&mut self, addr: &InstanceAddr) -> (Vec<Trigger>, Diagnostics) {
        let mut told = Diagnostics::new();
        if self.has_no_lifecycle(addr) {
            return (Vec::new(), told);
        }
        let mut found = Vec::new();
        if let Some((here, said)) = self.said(addr, &mut told) {
            for expr in &said.replace_triggered_by {
                found.extend(self.trigger(&here, expr, &mut told));
            }
        }
        let told = told.into_iter().map(|d| d.for_address(addr)).collect();
        (found, self.news(told))
    }

    /// The block of an instance, with all that its `lifecycle` names computed.
    fn said<'h>(
        &mut self,
        addr: &'h InstanceAddr,
        told: &mut Diagnostics,
    ) -> Option<(Here<'h>, &'a config::Lifecycle)> {
        self.names.spent.set(0);
        let (module, key, repetition) = self.find(addr, told)?;
        let here = &self.names.modules[module];
        let block: &'a config::Resource = here.resources.get(&key)?.block;
        if let Some(refs) = here.refs.resources.get(&key) {
            self.names.prepare(module, &refs.lifecycle, told);
        }
        Some((Here { addr, module, repetition }, block.lifecycle()))
    }

    fn ignored(&self, addr: &InstanceAddr, ignore: &Ignore) -> Vec<Path> {
        match ignore {
            Ignore::Nothing => Vec::new(),
            Ignore::Paths(paths) => paths.iter().map(|(path, _)| path.clone()).collect(),
            Ignore::All(_) => {
                let attrs = self.schema(addr.mode, &addr.ty).map(|schema| schema.attrs.iter());
                let attrs = attrs.into_iter().flatten();
                let attrs = attrs.filter(|attr| attr.is_argument() && !attr.is_identity());
                attrs.map(|attr| Path::root().attr(attr.name)).collect()
            }
        }
    }

    fn release(&mut self, here: &Here<'_>, expr: &Expr, told: &mut Diagnostics) -> bool {
        let meta = Meta { name: "delete", summary: "Invalid delete", expr, ty: Type::String };
        let Some(value) = self.meta(here, &meta, told) else { return false };
        let text = value.as_str().unwrap_or_default();
        if !["release", "delete"].contains(&text) {
            let detail = format!(
                "`delete` is \"delete\" (the object is deleted once nothing declares it) or \
                 \"release\" (it stays, without the fields that only this configuration set), \
                 and this is {text:?}."
            );
            told.push(meta.bad(here, detail));
        }
        text == "release"
    }

    fn wait_timeout(
        &mut self,
        here: &Here<'_>,
        expr: &Expr,
        told: &mut Diagnostics,
    ) -> Option<u64> {
        let (name, summary) = ("wait_timeout", "Invalid wait_timeout");
        let meta = Meta { name, summary, expr, ty: Type::String };
        let value = self.meta(here, &meta, told)?;
        let text = value.as_str().unwrap_or_default();
        let seconds = text::seconds(text);
        if seconds.is_none() {
            let text = text::short_str(text);
            let detail = format!("`{text}` is not a duration such as `90s`, `10m` or `1h`.");
            told.push(meta.bad(here, detail).with_help("With `0s` nothing is waited for."));
        }
        seconds
    }

    /// The value of an argument; nothing after it was told why there is none.
    fn meta(&self, here: &Here<'_>, meta: &Meta<'_>, told: &mut Diagnostics) -> Option<Value> {
        let mut eval = Eval::new(&self.names, here.module, &here.repetition);
        let (value, marked) = unmark(eval.expr(meta.expr, &Scope::Empty));
        let failed = eval.failed();
        told.extend(eval.diags);
        let fitted = values::conform(&value, &meta.ty);
        if let Ok(Value::Bool(_) | Value::String(_)) = fitted {
            if !marked {
                return fitted.ok();
            }
            let detail =
                format!("`{}` is sensitive, and what a plan does would show it.", meta.name);
            told.push(meta.bad(here, detail));
            return None;
        }
        if failed || self.is_told(meta.expr.span) {
            return None;
        }
        let wanted = if meta.ty == Type::Bool { "true or false" } else { "a text" };
        let why = match fitted {
            Ok(Value::Unknown(_)) => "it is known only after apply".to_owned(),
            _ => format!("it is {}", text::article(&value)),
        };
        let detail = format!("`{}` is {wanted} before anything is planned, and {why}.", meta.name);
        told.push(meta.bad(here, detail));
        None
    }

    fn trigger(&self, here: &Here<'_>, expr: &Expr, told: &mut Diagnostics) -> Option<Trigger> {
        let mut eval = Eval::new(&self.names, here.module, &here.repetition);
        // Whatever is wrong with the reference is told as anywhere else.
        eval.expr(expr, &Scope::Empty);
        if eval.failed() {
            told.extend(eval.diags);
            return None;
        }
        let (base, steps) = unwind(expr);
        let ExprKind::Name(root) = &base.kind else { return None };
        let Meaning::Target(Target::Resource(Mode::Managed, ty, name), used) =
            meaning(root, &steps)
        else {
            return None;
        };
        let module = &self.names.modules[here.module];
        let block = module.resources.get(&(Mode::Managed, ty, name))?;
        let rest = &steps[used..];
        let (key, rest) = match (block.expansion.as_ref()?, rest.split_first()) {
            (Expansion::Once, _) => (Some(InstanceKey::None), rest),
            (expansion, Some((Step::Index(index), rest))) => {
                let value = eval.expr(index, &Scope::Empty);
                let name = text::reference(base).unwrap_or_default();
                let (key, _) = instance_key(expansion, value, &name, index.span).ok()??;
                (Some(key), rest)
            }
            (_, _) => (None, rest),
        };
        let mut path = Path::root();
        for step in rest {
            path = match step {
                Step::Attr(name, _) => path.attr(name.as_str()),
                Step::Index(index) => match unmark(eval.expr(index, &Scope::Empty)).0 {
                    Value::String(key) => path.attr(&key),
                    Value::Number(n) => path.index(usize::try_from(n.as_i64()?).ok()?),
                    // What is within counts as a whole.
                    _ => break,
                },
            };
        }
        let text = text::reference(expr).unwrap_or_else(|| block.block.addr.to_string());
        let module = module.instance.clone();
        Some(Trigger { block: block.block.addr.clone(), module, key, path, text })
    }

    /// Where `create_before_destroy` of an instance is written.
    pub fn create_before_destroy_at(&self, addr: &InstanceAddr) -> Option<Span> {
        let module = self.names.config.modules.get(&addr.module.path())?;
        let lifecycle = module.resources.get(&addr.resource())?.lifecycle();
        Some(lifecycle.create_before_destroy.as_ref()?.span)
    }
}

impl Meta<'_> {
    fn bad(&self, here: &Here<'_>, detail: String) -> Diagnostic {
        Diagnostic::error(codes::BAD_LIFECYCLE, self.summary, detail)
            .at(self.expr.span, "")
            .for_address(here.addr)
    }
}
