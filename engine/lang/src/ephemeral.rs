//! Which names of a module stand for values of one run alone.
//!
//! That is told from the text: what refers to something ephemeral is ephemeral itself, but for what
//! stands in a call of [`AS_NULL`].

use crate::references::{Found, Ref, Target, targets, walk};
use addrs::{Ident, ModulePath};
use config::{Config, Expr, Module};
use diags::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The function whose result is never ephemeral.
pub(crate) const AS_NULL: &str = "ephemeralasnull";

/// What is ephemeral in a module.
pub(crate) struct Ephemeral<'e> {
    config: &'e Config,
    path: &'e ModulePath,
    module: &'e Module,
    /// Locals that are made from something ephemeral.
    locals: BTreeSet<Ident>,
}

impl<'e> Ephemeral<'e> {
    /// Nothing when nothing can be ephemeral here at all.
    pub(crate) fn of(config: &'e Config, path: &'e ModulePath, module: &'e Module) -> Option<Self> {
        let mut here = Self { config, path, module, locals: BTreeSet::new() };
        let of_call = |call: &Ident| here.called(call).is_some_and(has_ephemeral_output);
        let any = module.variables.values().any(|variable| variable.ephemeral)
            || module.calls.keys().any(of_call)
            || has_ephemeral_output(module);
        if any {
            here.locals = here.locals();
        }
        any.then_some(here)
    }

    pub(crate) fn called(&self, call: &Ident) -> Option<&'e Module> {
        let mut path = self.path.clone();
        path.push(call.clone());
        self.config.modules.get(&path)
    }

    pub(crate) fn is(&self, target: &Target) -> bool {
        match target {
            Target::Variable(name) => self.module.variables.get(name).is_some_and(|v| v.ephemeral),
            Target::Local(name) => self.locals.contains(name),
            Target::Module(call, Some(output)) => {
                let output = self.called(call).and_then(|module| module.outputs.get(output));
                output.is_some_and(|output| output.ephemeral)
            }
            Target::Module(call, None) => self.called(call).is_some_and(has_ephemeral_output),
            Target::Resource(..) => false,
        }
    }

    /// Whether an expression refers to anything ephemeral, wherever in it.
    pub(crate) fn touches(&self, expr: &Expr) -> bool {
        targets([expr]).iter().any(|r| self.is(&r.target))
    }

    fn locals(&self) -> BTreeSet<Ident> {
        let mut users: BTreeMap<Ident, Vec<&Ident>> = BTreeMap::new();
        let mut open = Vec::new();
        for (name, local) in &self.module.locals {
            for Ref { target, .. } in kept([&local.value]) {
                if self.is(&target) {
                    open.push(name);
                } else if let Target::Local(used) = target {
                    users.entry(used).or_default().push(name);
                }
            }
        }
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if found.insert(name.clone()) {
                open.extend(users.get(name).into_iter().flatten());
            }
        }
        found
    }
}

/// What expressions refer to outside of [`AS_NULL`].
pub(crate) fn kept<'x>(exprs: impl IntoIterator<Item = &'x Expr>) -> Vec<Ref> {
    let mut all = Vec::new();
    for expr in exprs {
        let mut nulled: Vec<Span> = Vec::new();
        walk(expr, &mut |found| {
            if let Found::Call { name: AS_NULL, whole, .. } = found {
                nulled.push(whole);
            }
        });
        if nulled.is_empty() {
            all.extend(targets([expr]));
            continue;
        }
        let mut refs = Vec::new();
        walk(expr, &mut |found| {
            if let Found::Name { root, steps, whole, .. } = found
                && let crate::references::Meaning::Target(target, _) =
                    crate::references::meaning(root, &steps)
            {
                refs.push(Ref { target, span: whole });
            }
        });
        let inside = |span: Span| nulled.iter().any(|n| n.start <= span.start && span.end <= n.end);
        all.extend(refs.into_iter().filter(|r| !inside(r.span)));
    }
    all
}

fn has_ephemeral_output(module: &Module) -> bool {
    module.outputs.values().any(|output| output.ephemeral)
}
