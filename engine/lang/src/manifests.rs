//! Which files of YAML a configuration reads: what its calls of `manifests` name.
//!
//! Files are read while a configuration is loaded, so that a plan is made from texts that are
//! all at hand. What a call names must be known by then: from texts, variables of the root and
//! locals, not from `each` or from the results of resources.

use crate::graph::{lifecycle_exprs, output_exprs};
use crate::references::{Found, body_exprs, walk};
use crate::{Evaluator, References, Schemas};
use addrs::{Ident, ModuleInstance, ModulePath};
use config::{Config, Expr, ExprKind, Module};
use diags::Span;
use std::collections::BTreeMap;
use values::Value;

/// The function.
pub(crate) const MANIFESTS: &str = "manifests";

/// The patterns that are named and not in `config.manifests` yet, each with its place. Reading
/// them may lead to more.
pub fn wanted_manifests(
    config: &Config,
    schemas: &dyn Schemas,
    references: &References,
    variables: &BTreeMap<Ident, Value>,
    cwd: &str,
) -> BTreeMap<String, Span> {
    let mut wanted = BTreeMap::new();
    let mut calls: Vec<(&ModulePath, &Expr)> = Vec::new();
    for (path, module) in &config.modules {
        for expr in exprs(module) {
            walk(expr, &mut |found| {
                if let Found::Call { name: MANIFESTS, inner, .. } = found {
                    calls.extend(inner.iter().map(|arg| (path, arg)));
                }
            });
        }
    }
    if calls.is_empty() {
        return wanted;
    }
    let mut evaluator = Evaluator::new(config, schemas, references, variables.clone(), cwd);
    for (path, expr) in calls {
        for module in instances(&mut evaluator, path, expr) {
            // What goes wrong here goes wrong again where the value is needed, and is told there.
            let (value, _) = evaluator.evaluate(&module, expr);
            for pattern in texts(&value) {
                if !config.manifests.contains_key(pattern) {
                    wanted.entry(pattern.to_owned()).or_insert(expr.span);
                }
            }
        }
    }
    wanted
}

/// The texts of a value: itself, or its items where a list is spread.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_list().unwrap_or_default().iter();
    items.chain([value]).filter_map(Value::as_str)
}

/// All instances of a module.
fn instances(evaluator: &mut Evaluator<'_>, path: &ModulePath, expr: &Expr) -> Vec<ModuleInstance> {
    let mut found = vec![ModuleInstance::root()];
    for call in path {
        let mut inner = Vec::new();
        for outer in found {
            // Looking at anything there expands the calls on the way.
            let here = Expr { kind: ExprKind::Null, ..expr.clone() };
            let _ = evaluator.evaluate(&outer, &here);
            evaluator.expand(&outer, call);
            for key in evaluator.module_keys(&outer, call) {
                let mut module = outer.clone();
                module.0.push((call.clone(), key));
                inner.push(module);
            }
        }
        found = inner;
    }
    found
}

/// Every expression of a module.
pub(crate) fn exprs(module: &Module) -> Vec<&Expr> {
    let mut all: Vec<&Expr> = Vec::new();
    all.extend(module.locals.values().map(|local| &local.value));
    all.extend(module.outputs.values().flat_map(output_exprs));
    for cluster in module.clusters.values() {
        all.extend(body_exprs(&cluster.body));
    }
    for rollout in &module.rollouts {
        all.extend(body_exprs(&rollout.body));
    }
    for resource in module.resources.values() {
        all.extend(body_exprs(&resource.body));
        all.extend(crate::place::repeat(&resource.repeat));
        all.extend(lifecycle_exprs(resource.lifecycle()));
    }
    let asserts = module.checks.values().flat_map(|check| &check.asserts);
    let conditions = asserts.chain(module.variables.values().flat_map(|v| &v.validations));
    all.extend(conditions.flat_map(|c| [&c.condition, &c.error_message]));
    for call in module.calls.values() {
        all.extend(call.arguments.values().map(|argument| &argument.value));
        all.extend(crate::place::repeat(&call.repeat));
    }
    all
}
