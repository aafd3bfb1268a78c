//! One node at a time, and an empty one.

use super::Moment;
use crate::touch::Touch;
use crate::world::{NodeView, World};

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let Moment::Effect(touch) = moment else { return Ok(()) };
    let node = match touch {
        Touch::Object(request) if request.resource == "nodes" => &request.name,
        Touch::Command { node, .. } => node,
        Touch::Object(_) | Touch::File { .. } => return Ok(()),
    };
    let nodes = world.nodes();
    let ours: Vec<&str> = nodes.iter().filter(|n| n.holder.is_some()).map(name).collect();
    if ours.len() > 1 {
        return Err(format!("{} are cordoned by clinch at once.", ours.join(" and ")));
    }
    // What a run that died left out of service is none more when it is gone on with.
    let (is_left, fell) =
        world.history(|history| (history.left.contains(node), history.fell.clone()));
    // Whoever is to blame for the others: a node is taken out when all of them are in service.
    let is_taken = matches!(touch, Touch::Object(_)) && ours == [node.as_str()] && !is_left;
    let is_out = |one: &&NodeView| one.name != *node && (one.unschedulable || !one.ready);
    if let Some(other) = nodes.iter().find(is_out).filter(|_| is_taken) {
        let other = &other.name;
        return Err(format!("{node} is taken out of service while {other} is out of it."));
    }
    // What the rollout costs is a drain: nobody is there any more when the kubelet stops.
    let left = match touch {
        Touch::Command { .. } => world.moving_pods_on(node),
        Touch::Object(_) | Touch::File { .. } => Vec::new(),
    };
    if !left.is_empty() {
        return Err(format!("{node} is disturbed and still has {}.", left.join(" and ")));
    }
    // A kubelet that clinch stopped keeps its node out, whether or not it is cordoned.
    let is_down = |one: &&NodeView| {
        let down = world.machines.get(&one.name).is_some_and(|m| m.kubelet(|k| !k.is_up()));
        one.name != *node && down && !is_left && !fell.contains(&one.name)
    };
    match nodes.iter().find(is_down) {
        None => Ok(()),
        Some(other) => {
            let other = &other.name;
            Err(format!("{node} is disturbed while the kubelet of {other} does not run."))
        }
    }
}

fn name(node: &NodeView) -> &str {
    &node.name
}
