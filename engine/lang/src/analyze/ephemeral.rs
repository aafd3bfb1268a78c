//! Values for one run alone: where they may be used.
//!
//! A variable that is `ephemeral` is neither in a plan nor in the state, so nothing that is may be
//! made from it. That is told from the text alone: what refers to it is ephemeral itself. Rules as
//! in Terraform ("Ephemeral values"), with `cluster` blocks in the place of providers.

use crate::codes;
use crate::references::{Ref, Target, body_exprs, targets};
use addrs::{Ident, ModulePath};
use config::{Condition, Config, Expr, Module};
use diags::{Diagnostic, Diagnostics};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(config: &Config, path: &ModulePath, module: &Module, told: &mut Diagnostics) {
    let mut here = Here { config, path, module, locals: BTreeSet::new(), told };
    if !here.has_any() {
        return;
    }
    here.locals = here.locals();
    here.outputs();
    here.calls();
    for rollout in &module.rollouts {
        here.refuse(body_exprs(&rollout.body), "a rollout is a part of a plan");
    }
    for import in &module.imports {
        let keys = import.keys.iter().map(|key| &key.value);
        here.refuse(keys.chain(&import.for_each).chain(&import.id), "an import is in a plan");
    }
    for resource in module.resources.values() {
        let what = "the arguments of resources and data sources are in plans";
        here.refuse(body_exprs(&resource.body), what);
        here.refuse(crate::place::repeat(&resource.repeat), "addresses are in the state");
        let lifecycle = resource.lifecycle();
        here.refuse(crate::graph::early_exprs(lifecycle), "a plan shows what `lifecycle` does");
        here.messages(lifecycle.preconditions.iter().chain(&lifecycle.postconditions));
    }
    for variable in module.variables.values() {
        here.messages(&variable.validations);
    }
    for check in module.checks.values() {
        here.messages(&check.asserts);
    }
}

struct Here<'h> {
    config: &'h Config,
    path: &'h ModulePath,
    module: &'h Module,
    /// Locals that are made from something ephemeral.
    locals: BTreeSet<Ident>,
    told: &'h mut Diagnostics,
}

impl Here<'_> {
    /// Whether anything can be ephemeral here at all.
    fn has_any(&self) -> bool {
        let outputs = |call: &Ident| self.called(call).is_some_and(has_ephemeral_output);
        let mut outputs_here = self.module.outputs.values();
        self.module.variables.values().any(|variable| variable.ephemeral)
            || self.module.calls.keys().any(outputs)
            || outputs_here.any(|output| output.ephemeral)
    }

    fn called(&self, call: &Ident) -> Option<&Module> {
        let mut path = self.path.clone();
        path.push(call.clone());
        self.config.modules.get(&path)
    }

    fn is_ephemeral(&self, target: &Target) -> bool {
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

    fn locals(&self) -> BTreeSet<Ident> {
        let mut users: BTreeMap<Ident, Vec<&Ident>> = BTreeMap::new();
        let mut open = Vec::new();
        for (name, local) in &self.module.locals {
            for Ref { target, .. } in targets([&local.value]) {
                if self.is_ephemeral(&target) {
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

    fn outputs(&mut self) {
        for (name, output) in &self.module.outputs {
            if output.ephemeral && self.path.is_empty() {
                let detail = format!(
                    "`{name}` is an output of the root module, which the state keeps and others \
                     read."
                );
                let d = Diagnostic::error(codes::EPHEMERAL, "Output that is kept nowhere", detail);
                self.told.push(d.at(output.span, "").with_help("Remove `ephemeral`."));
            } else if !output.ephemeral {
                let what = "outputs are in plans and in the state";
                self.refuse([&output.value], what);
            }
            self.messages(&output.preconditions);
        }
    }

    fn calls(&mut self) {
        for call in self.module.calls.values() {
            self.refuse(crate::place::repeat(&call.repeat), "addresses are in the state");
            for (name, argument) in &call.arguments {
                let variable = self.called(&call.name).and_then(|m| m.variables.get(name));
                if variable.is_some_and(|variable| !variable.ephemeral) {
                    let what = format!("the variable `{name}` of the module is not");
                    self.refuse([&argument.value], &what);
                }
            }
        }
    }

    /// Conditions may ask for anything; what they say is printed.
    fn messages<'c>(&mut self, conditions: impl IntoIterator<Item = &'c Condition>) {
        for condition in conditions {
            self.refuse([&condition.error_message], "messages are printed");
        }
    }

    fn refuse<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>, why: &str) {
        for Ref { target, span } in targets(exprs) {
            if !self.is_ephemeral(&target) {
                continue;
            }
            let detail = format!("The value is for this run alone and kept nowhere, and {why}.");
            let help = "Use it in a `cluster` block, in conditions, or for what is `ephemeral` \
                        too. What a Secret holds can come from the environment by `data_from`.";
            let d = Diagnostic::error(codes::EPHEMERAL, "Ephemeral value would be kept", detail);
            self.told.push(d.at(span, "").with_help(help));
        }
    }
}

fn has_ephemeral_output(module: &Module) -> bool {
    module.outputs.values().any(|output| output.ephemeral)
}
