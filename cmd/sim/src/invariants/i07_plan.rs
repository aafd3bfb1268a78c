//! Nothing that the plan does not say.

use super::Moment;
use crate::touch::{Request, Touch};
use crate::world::World;
use plans::Step;
use values::Value;

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let Moment::Effect(touch) = moment else { return Ok(()) };
    if touch.is_of_state() {
        return Ok(());
    }
    let said = world.history(|history| {
        history.plan().is_some_and(|plan| plan.steps.iter().any(|step| covers(step, touch)))
    });
    if said { Ok(()) } else { Err(format!("`{touch}` is in no step of the plan.")) }
}

/// Whether a step may do this.
pub(super) fn covers(step: &Step, touch: &Touch) -> bool {
    let ty = step.op.ty.as_str();
    let on = |node: &str| step.scope.node_name() == Some(node);
    match touch {
        Touch::File { node, path, .. } => {
            let own = step.op.identity.args.get("path").and_then(Value::as_str);
            // What clinch keeps beside a file, and notes of the program that reads it.
            let beside = path.starts_with("/var/lib/clinch/")
                || (ty == "kubelet_config" && path.starts_with("/var/lib/kubelet/"));
            on(node) && (own == Some(path) || (own.is_some() && beside))
        }
        Touch::Command { node, .. } => on(node) && ty == "kubelet_config",
        Touch::Object(request) if ty == "rollout" => of_rollout(step, request),
        Touch::Object(request) => step.op.identity.shown.ends_with(&request.name),
    }
}

fn of_rollout(step: &Step, request: &Request) -> bool {
    let on = |node: &str| step.scope.node_name() == Some(node);
    match (step.op.name.as_str(), request.resource.as_str(), request.subresource.as_str()) {
        ("cordon" | "uncordon", "nodes", "") => on(&request.name),
        ("drain", "pods", "eviction") => request.pods_node.as_deref().is_some_and(on),
        _ => false,
    }
}
