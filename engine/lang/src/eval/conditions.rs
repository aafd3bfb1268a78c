//! What must hold: validations, preconditions, postconditions and checks.
//!
//! A condition that depends on something known only after apply is neither kept nor broken: it
//! is asked again when more is known.

use super::evaluator::Evaluator;
use super::expr::Eval;
use super::marks::unmark;
use super::names::Repetition;
use super::scope::Scope;
use crate::graph::{Node, Other};
use crate::references::targets;
use crate::{codes, text};
use addrs::{Ident, InstanceAddr, ModuleInstance, ResourceAddr};
use config::Condition;
use diags::{Code, Diagnostic, Diagnostics, Severity};
use std::collections::BTreeSet;
use values::{Type, Value};

/// What is said of a condition that does not hold.
struct Words {
    code: Code,
    severity: Severity,
    summary: &'static str,
    /// What it is about, as the subject of a sentence.
    of: String,
}

/// What a module was given and refuses: its own blocks, and those elsewhere that the value would
/// reach through its outputs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refused {
    modules: BTreeSet<ModuleInstance>,
    blocks: BTreeSet<ResourceAddr>,
}

impl Refused {
    /// Whether an instance hangs on a value that is refused.
    pub fn keeps(&self, addr: &InstanceAddr) -> bool {
        let within = |module: &ModuleInstance| addr.module.0.starts_with(&module.0);
        self.modules.iter().any(within)
            || (!self.blocks.is_empty() && self.blocks.contains(&addr.resource()))
    }
}

/// Where a condition is asked.
struct Asked<'q> {
    module: usize,
    repetition: &'q Repetition,
    /// What `self` is.
    own: Option<&'q Value>,
}

impl Evaluator<'_> {
    /// The validations of the root module's variables.
    pub fn validations(&mut self) -> Diagnostics {
        self.validations_in(0..1).1
    }

    /// The validations of the variables of all modules that were called so far, and what is not
    /// to be planned because of those that do not hold.
    pub fn validations_of_modules(&mut self) -> (Refused, Diagnostics) {
        let (variables, told) = self.validations_in(1..self.names.modules.len());
        let mut refused = Refused::default();
        let graph = &self.names.references.graph;
        for (module, name) in variables {
            let module = &self.names.modules[module];
            refused.modules.insert(module.instance.clone());
            let variable = Other::Variable(module.path.clone(), name);
            for node in graph.find(&variable).map(|n| graph.all_users(n)).unwrap_or_default() {
                if let Node::Resource(block) = node
                    && !block.module.starts_with(&module.path)
                {
                    refused.blocks.insert(block.clone());
                }
            }
        }
        (refused, told)
    }

    fn validations_in(
        &mut self,
        modules: std::ops::Range<usize>,
    ) -> (Vec<(usize, Ident)>, Diagnostics) {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        let mut refused = Vec::new();
        for at in modules {
            let here = &self.names.modules[at];
            let (module, parent) = (here.module, here.parent);
            let instance = here.instance.to_string();
            for variable in module.variables.values() {
                let prefix =
                    if instance.is_empty() { String::new() } else { format!("{instance}.") };
                let words = Words {
                    code: codes::CONDITION_FAILED,
                    severity: Severity::Error,
                    summary: "Invalid value for a variable",
                    of: format!("`{prefix}var.{}`", variable.name),
                };
                let asked = Asked { module: at, repetition: &Repetition::Once, own: None };
                let mut found = Diagnostics::new();
                for condition in &variable.validations {
                    self.ask(condition, &asked, &words, &mut found);
                }
                if found.has_errors() {
                    refused.push((at, variable.name.clone()));
                }
                let argument = parent.and_then(|(_, call)| call.arguments.get(&variable.name));
                told.extend(found.into_iter().map(|d| match argument {
                    Some(argument) => d.at(argument.value.span, "given here"),
                    None => d.at(variable.span, "declared here"),
                }));
            }
        }
        (refused, self.news(told))
    }

    /// What must hold before an instance is touched or read. The truth says whether that is
    /// known only after apply.
    pub fn preconditions(&mut self, addr: &InstanceAddr) -> (bool, Diagnostics) {
        self.of_instance(addr, None)
    }

    /// What must hold of an instance, with what it exports. The truth says whether that is
    /// known only after apply.
    pub fn postconditions(&mut self, addr: &InstanceAddr, exported: &Value) -> (bool, Diagnostics) {
        self.of_instance(addr, Some(exported))
    }

    fn of_instance(&mut self, addr: &InstanceAddr, own: Option<&Value>) -> (bool, Diagnostics) {
        let module = self.names.config.modules.get(&addr.module.path());
        let Some(block) = module.and_then(|module| module.resources.get(&addr.resource())) else {
            return (false, Diagnostics::new());
        };
        let lifecycle = block.lifecycle();
        let (conditions, summary) = match own {
            None => (&lifecycle.preconditions, "Precondition does not hold"),
            Some(_) => (&lifecycle.postconditions, "Postcondition does not hold"),
        };
        let mut told = Diagnostics::new();
        if conditions.is_empty() {
            return (false, told);
        }
        self.names.spent.set(0);
        let Some((module, _, repetition)) = self.find(addr, &mut told) else {
            return (false, self.news(told));
        };
        let words = Words {
            code: codes::CONDITION_FAILED,
            severity: Severity::Error,
            summary,
            of: format!("`{addr}`"),
        };
        let asked = Asked { module, repetition: &repetition, own };
        let mut open = false;
        for condition in conditions {
            open |= self.ask(condition, &asked, &words, &mut told);
        }
        let told = told.into_iter().map(|d| d.for_address(addr)).collect();
        (open, self.news(told))
    }

    /// The preconditions of the outputs of all modules.
    pub(super) fn output_conditions(&mut self, told: &mut Diagnostics) {
        for at in 0..self.names.modules.len() {
            let module = self.names.modules[at].module;
            for (name, output) in &module.outputs {
                let words = Words {
                    code: codes::CONDITION_FAILED,
                    severity: Severity::Error,
                    summary: "Precondition of an output does not hold",
                    of: format!("the output `{name}`"),
                };
                let asked = Asked { module: at, repetition: &Repetition::Once, own: None };
                for condition in &output.preconditions {
                    self.ask(condition, &asked, &words, told);
                }
            }
        }
    }

    /// What the `check` blocks of all modules warn of.
    pub fn checks(&mut self) -> Diagnostics {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        self.names.prepare_rest(&mut Diagnostics::new());
        for at in 0..self.names.modules.len() {
            let module = self.names.modules[at].module;
            for (name, check) in &module.checks {
                let words = Words {
                    code: codes::CHECK_FAILED,
                    severity: Severity::Warning,
                    summary: "Check does not hold",
                    of: format!("`check.{name}`"),
                };
                let asked = Asked { module: at, repetition: &Repetition::Once, own: None };
                for condition in &check.asserts {
                    self.ask(condition, &asked, &words, &mut told);
                }
            }
        }
        self.news(told)
    }

    /// Tells what does not hold; whether it is known only after apply.
    fn ask(
        &mut self,
        condition: &Condition,
        asked: &Asked<'_>,
        words: &Words,
        told: &mut Diagnostics,
    ) -> bool {
        let refs = targets([&condition.condition, &condition.error_message]);
        self.names.prepare(asked.module, &refs, &mut Diagnostics::new());
        let mut eval = Eval::new(&self.names, asked.module, asked.repetition);
        let Ok(own_name) = "self".parse::<Ident>() else { return false };
        let empty = Scope::Empty;
        let scope = match asked.own {
            Some(value) => Scope::Bound { name: &own_name, value, outer: &empty },
            None => Scope::Empty,
        };
        let (value, _) = unmark(eval.expr(&condition.condition, &scope));
        if eval.failed() {
            // A check only ever warns, also of a condition that has no value.
            told.extend(
                eval.diags.into_iter().map(|d| Diagnostic { severity: words.severity, ..d }),
            );
            return false;
        }
        match values::conform(&value, &Type::Bool) {
            Ok(Value::Bool(true)) => false,
            Ok(Value::Unknown(_)) => true,
            Ok(Value::Bool(false)) => {
                let detail = message(&mut eval, condition, &scope, words);
                let d = Diagnostic::error(words.code, words.summary, detail)
                    .at(condition.condition.span, "this does not hold");
                let d = Diagnostic { severity: words.severity, ..d };
                eval.fail(d, &[&condition.condition], &scope);
                told.extend(eval.diags);
                false
            }
            Ok(_) | Err(_) => {
                let d = Diagnostic::error(
                    codes::BAD_CONDITION,
                    "Condition is neither true nor false",
                    format!("A condition is a bool, and this is {}.", text::article(&value)),
                );
                let d = d.at(condition.condition.span, "");
                eval.fail(d, &[&condition.condition], &scope);
                told.extend(eval.diags);
                false
            }
        }
    }
}

/// What the configuration says of a condition that does not hold, or that it cannot be said.
fn message(
    eval: &mut Eval<'_, '_>,
    condition: &Condition,
    scope: &Scope<'_>,
    words: &Words,
) -> String {
    let (value, marked) = unmark(eval.expr(&condition.error_message, scope));
    let of = super::names::capital(&words.of);
    match values::conform(&value, &Type::String) {
        Ok(_) if marked || value.has_sensitive() => {
            format!("{of}: the message holds a sensitive value, so it is not shown.")
        }
        Ok(Value::String(text)) if !text.trim().is_empty() => format!("{of}: {}", text.trim_end()),
        Ok(Value::Unknown(_)) => format!("{of}: the message is known only after apply."),
        Ok(_) | Err(_) => format!("{of}: the condition does not hold, and its message is no text."),
    }
}
