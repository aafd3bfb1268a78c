//! Values that were decided during apply: the operation as it is really done.

use crate::PlanInput;
use crate::declare::evaluator;
use addrs::InstanceAddr;
use diags::Diagnostics;
use plans::{Action, Exported, GuardKind, Op, Step};
use provider::{Decision, Observation, PlanRequest, Planned};
use std::collections::{BTreeMap, BTreeSet};
use values::{Disruption, Value};

/// What apply has learnt so far: what each finished instance exports.
pub type Known = BTreeMap<InstanceAddr, Exported>;

/// The operation of a late step with everything known, and the arguments that it comes from.
/// Fails when a part that the plan showed as known would change, when it would cost more than
/// `most`, or when something is still unknown.
pub fn resolve(
    input: &PlanInput<'_, '_>,
    known: &Known,
    step: &Step,
    addr: &InstanceAddr,
    observed: &Observation,
    most: Disruption,
) -> Result<(Op, Value), String> {
    let kind = input
        .catalog
        .resource(addr.ty.as_str())
        .ok_or_else(|| format!("there is no resource type `{}`", addr.ty))?;
    let mut evaluator = evaluator(input);
    for (addr, exported) in known {
        evaluator.set(addr.clone(), exported.clone());
    }
    let (_, mut problems) = evaluator.preconditions(addr);
    let (args, wrong) = evaluator.arguments(addr);
    problems.extend(wrong);
    if let Some(problem) = problems.iter().find(|d| d.severity == diags::Severity::Error) {
        return Err(format!("{}: {}", problem.summary, problem.detail));
    }
    let (lifecycle, _) = evaluator.lifecycle(addr);
    let (imports, _) = evaluator.imports();
    let asked = |observed: &Observation| {
        let planned = kind.plan(&PlanRequest {
            identity: &step.op.identity,
            desired: Some(&args),
            observed,
            recorded: input.state.records.get(addr),
            preview: None,
            asked: None,
            ignore: &lifecycle.ignore,
            created: &BTreeSet::new(),
            project: &input.options.project,
            protect: lifecycle.prevent_destroy,
            release: lifecycle.release,
            wait: lifecycle.wait_timeout,
            adopt: crate::adopted::import(&imports, addr).is_some(),
        });
        match planned {
            Planned::NeedsPreview(op) => Ok(vec![op]),
            Planned::Decided(decision) => within(*decision, most),
            Planned::Failed(problems) => {
                let texts: Vec<_> = problems.iter().map(|p| p.detail.clone()).collect();
                Err(texts.join(" "))
            }
        }
    };
    // A creation was planned for an object that is not there. By now it may be, made by this
    // very step before a run broke off, and it is still the creation that is meant.
    let absent = step.action == Action::Create;
    let ops = asked(if absent { &Observation::Absent } else { observed })?;
    let op = match ops.into_iter().find(|op| op.name == step.op.name) {
        // What surrounds a thing that is not there (whether its service runs, say) was looked at
        // for the plan, and is what the step asks for.
        Some(op) if absent => Op { guard: step.op.guard.clone(), ..op },
        Some(op) => op,
        // Nothing is left to do to the object: the operation is the planned one, with what is
        // decided by now as it would be written into an object that is not there.
        None => match asked(&Observation::Absent)?.first() {
            Some(op) => Op { args: filled(&step.op.args, &op.args), ..step.op.clone() },
            None => step.op.clone(),
        },
    };
    if !op.args.is_known() {
        return Err("a value that was to be decided by an earlier step is still unknown".into());
    }
    if let Some(path) = first_change(&step.op.args, &op.args, &values::Path::root()) {
        return Err(format!(
            "`{path}` is no longer what the plan showed; plan again to see the new value"
        ));
    }
    Ok((op, args))
}

/// The operations, if they do not cost more than the plan showed, nor what nobody knows how to do.
fn within(decision: Decision, most: Disruption) -> Result<Vec<Op>, String> {
    if let Some(guard) = decision.guards.iter().find(|guard| guard.kind == GuardKind::Disruption) {
        return Err(guard.why.clone());
    }
    if decision.disruption > most {
        return Err(format!(
            "it costs a {} now, and the plan showed at most a {most}; plan again",
            decision.disruption
        ));
    }
    Ok(decision.ops)
}

/// What was planned, and for its unknown parts what stands there now.
fn filled(planned: &Value, now: &Value) -> Value {
    match (planned, now) {
        (Value::Unknown(_), now) => now.clone(),
        // A stored plan keeps no secret.
        (Value::Sensitive(planned), now) if !planned.expose().is_known() => now.clone(),
        (Value::Map(planned), Value::Map(now)) => Value::map(planned.iter().map(|(name, part)| {
            let part = now.get(name).map_or_else(|| part.clone(), |now| filled(part, now));
            (name.clone(), part)
        })),
        (Value::List(planned), Value::List(now)) if planned.len() == now.len() => {
            Value::list(planned.iter().zip(now.iter()).map(|(part, now)| filled(part, now)))
        }
        (planned, _) => planned.clone(),
    }
}

/// What the outputs are, now that all instances are known.
pub fn outputs(input: &PlanInput<'_, '_>, known: &Known) -> (BTreeMap<String, Value>, Diagnostics) {
    let mut evaluator = evaluator(input);
    for (addr, exported) in known {
        evaluator.set(addr.clone(), exported.clone());
    }
    let (outputs, diagnostics) = evaluator.outputs();
    let marked = outputs.into_iter().map(|(name, (value, sensitive))| {
        (name, if sensitive { value.into_sensitive() } else { value })
    });
    (marked.collect(), diagnostics)
}

/// Whether something must hold of an instance once it is done.
pub fn has_postconditions(config: &config::Config, addr: &InstanceAddr) -> bool {
    let module = config.modules.get(&addr.module.path());
    let block = module.and_then(|module| module.resources.get(&addr.resource()));
    block.is_some_and(|block| !block.lifecycle().postconditions.is_empty())
}

/// What must hold of an instance that is done, and does not.
pub fn unkept(input: &PlanInput<'_, '_>, known: &Known, addr: &InstanceAddr) -> Diagnostics {
    let mut evaluator = evaluator(input);
    for (addr, exported) in known {
        evaluator.set(addr.clone(), exported.clone());
    }
    match known.get(addr) {
        Some(exported) => evaluator.postconditions(addr, exported).1,
        None => Diagnostics::new(),
    }
}

/// What does not hold now that all instances are known: conditions of resources that the plan
/// could not tell yet, and what is only warned of.
pub fn conditions(input: &PlanInput<'_, '_>, known: &Known) -> Diagnostics {
    let mut evaluator = evaluator(input);
    for (addr, exported) in known {
        evaluator.set(addr.clone(), exported.clone());
    }
    let mut told = Diagnostics::new();
    for (addr, exported) in known {
        told.extend(evaluator.postconditions(addr, exported).1);
    }
    told.extend(evaluator.checks());
    told
}

/// The first known part of what was planned that is not so in what would be done.
fn first_change(planned: &Value, now: &Value, path: &values::Path) -> Option<values::Path> {
    match (planned, now) {
        (Value::Unknown(_), _) => None,
        // A stored plan keeps no secret, so it cannot be compared, only recomputed.
        (Value::Sensitive(a), _) if !a.expose().is_known() => None,
        (Value::Map(a), Value::Map(b)) => {
            // How an operation verifies itself is not a part of what it does to the object.
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            names.into_iter().filter(|n| !(path.steps().is_empty() && &***n == "verify")).find_map(
                |name| match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => first_change(a, b, &path.clone().attr(name)),
                    _ => Some(path.clone().attr(name)),
                },
            )
        }
        (Value::List(a), Value::List(b)) if a.len() == b.len() => a
            .iter()
            .zip(b.iter())
            .enumerate()
            .find_map(|(i, (a, b))| first_change(a, b, &path.clone().index(i))),
        (a, b) => (a != b).then(|| path.clone()),
    }
}
