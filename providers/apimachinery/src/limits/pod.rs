//! What a pod as a whole asks for.
//!
//! Containers run side by side and add up; init containers run one after the other and
//! count with their largest; restartable init containers (sidecars) do both: they add to
//! the containers, and to every init container that starts after them.

use serde_json::Value;

use super::{Amounts, amounts, list};

/// The sum of what the pod's containers request.
pub fn pod_requests(pod: &Value) -> Amounts {
    with_overhead(pod, total(pod, "requests"))
}

/// The sum of what the pod's containers are limited to.
pub fn pod_limits(pod: &Value) -> Amounts {
    let mut limits = total(pod, "limits");
    // Overhead only raises limits that exist.
    for (name, amount) in amounts(&pod["spec"]["overhead"]) {
        if let Some(limit) = limits.get_mut(&name) {
            *limit = limit.plus(amount);
        }
    }
    limits
}

fn with_overhead(pod: &Value, sum: Amounts) -> Amounts {
    let mut sum = sum;
    add(&mut sum, &amounts(&pod["spec"]["overhead"]));
    sum
}

/// The sums without overhead, as `LimitRange`s see them.
pub(super) fn total(pod: &Value, field: &str) -> Amounts {
    let spec = &pod["spec"];
    let mut sum = Amounts::new();
    for container in list(spec, "containers") {
        add(&mut sum, &amounts(&container["resources"][field]));
    }
    let mut sidecars = Amounts::new();
    let mut largest = Amounts::new();
    for container in list(spec, "initContainers") {
        let mut asked = amounts(&container["resources"][field]);
        if container["restartPolicy"] == "Always" {
            add(&mut sum, &asked);
            add(&mut sidecars, &asked);
            asked.clone_from(&sidecars);
        } else {
            add(&mut asked, &sidecars);
        }
        raise(&mut largest, &asked);
    }
    raise(&mut sum, &largest);
    // Pod-level resources take the place of the sums for the two that they may name.
    for (name, amount) in amounts(&spec["resources"][field]) {
        if matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-") {
            sum.insert(name, amount);
        }
    }
    sum
}

pub(super) fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let entry = sum.entry(name.clone()).or_insert_with(|| amount.minus(*amount));
        *entry = entry.plus(*amount);
    }
}

fn raise(sum: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let entry = sum.entry(name.clone()).or_insert(*amount);
        *entry = (*entry).max(*amount);
    }
}
