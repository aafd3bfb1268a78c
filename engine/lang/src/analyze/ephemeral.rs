//! Values for one run alone: where they may be used.
//!
//! A variable that is `ephemeral` is neither in a plan nor in the state, so nothing that is may be
//! made from it. That is told from the text alone: what refers to it is ephemeral itself. Rules as
//! in Terraform ("Ephemeral values"), with `cluster` blocks in the place of providers.

use crate::codes;
use crate::ephemeral::{Ephemeral, kept};
use crate::references::{Ref, body_exprs};
use addrs::ModulePath;
use config::{Condition, Config, Expr, Module};
use diags::{Diagnostic, Diagnostics};

pub(super) fn check(config: &Config, path: &ModulePath, module: &Module, told: &mut Diagnostics) {
    let Some(names) = Ephemeral::of(config, path, module) else { return };
    let mut here = Here { names, path, module, told };
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
    names: Ephemeral<'h>,
    path: &'h ModulePath,
    module: &'h Module,
    told: &'h mut Diagnostics,
}

impl Here<'_> {
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
                let variable = self.names.called(&call.name).and_then(|m| m.variables.get(name));
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
        for Ref { target, span } in kept(exprs) {
            if !self.names.is(&target) {
                continue;
            }
            let detail = format!("The value is for this run alone and kept nowhere, and {why}.");
            let help = "Use it in a `cluster` block, in conditions, or for what is `ephemeral` \
                        too; `ephemeralasnull` leaves it out. What a Secret holds can come from the environment by `data_from`.";
            let d = Diagnostic::error(codes::EPHEMERAL, "Ephemeral value would be kept", detail);
            self.told.push(d.at(span, "").with_help(help));
        }
    }
}
