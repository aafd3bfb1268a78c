//! The nodes that are simulated, and what their agents do.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{KUBELET_STATUS, set_status};
use crate::admission;
use crate::catalog;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

/// Adds the nodes that a new sandbox starts with.
pub(crate) fn populate(txn: &mut Txn<'_>, env: &Env<'_>) {
    for (number, name) in ["control-plane-1", "worker-1", "worker-2"].iter().enumerate() {
        let Some(served) = catalog::built_in_table("nodes") else { return };
        let mut node = node(env, name, number);
        let status = meta::as_map(&mut node).remove("status").unwrap_or_default();
        meta::set(&mut node, "uid", Value::from(env.identities.next_uid()));
        meta::set(&mut node, "creationTimestamp", Value::from(env.now_text.as_str()));
        let author = super::Author { name: "kubelet", subresource: "" };
        let node = super::write(txn, env, served, None, node, author);
        set_status(txn, env, served, &node, status, KUBELET_STATUS);
    }
}

/// The annotation of nodes that have no machine, by which kwok knows them as well: they are
/// ready as soon as they are there.
const PLAYED: &str = "kwok.x-k8s.io/node";

fn node(env: &Env<'_>, name: &str, number: usize) -> Value {
    let control_plane = number == 0;
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
    });
    let mut spec = json!({
        "podCIDR": format!("10.244.{number}.0/24"),
        "podCIDRs": [format!("10.244.{number}.0/24")],
    });
    if control_plane {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = json!("");
        spec["taints"] =
            json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": spec,
        "status": status(env, name, number),
    })
}

fn status(env: &Env<'_>, name: &str, number: usize) -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": env.now_text,
            "lastTransitionTime": env.now_text,
        })
    };
    json!({
        "addresses": [
            {"type": "InternalIP", "address": format!("192.0.2.{}", 11 + number)},
            {"type": "Hostname", "address": name},
        ],
        "capacity": {
            "cpu": "4",
            "ephemeral-storage": "102400Mi",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": "16Gi",
            "pods": "110",
        },
        "allocatable": {
            "cpu": "4",
            "ephemeral-storage": "96636764160",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": "16282Mi",
            "pods": "110",
        },
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.12.0",
            "kubeProxyVersion": "",
            "kubeletVersion": crate::info::GIT_VERSION,
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": "clinch sandbox",
            "systemUUID": "",
        },
    })
}

/// The agent copies extended resources from what a node has to what may be allocated.
pub(super) fn after_write(txn: &mut Txn<'_>, env: &Env<'_>, node: &Arc<Value>) {
    let Some(served) = catalog::built_in_table("nodes") else { return };
    let mut status = node["status"].clone();
    let empty = Map::new();
    let capacity = status["capacity"].as_object().unwrap_or(&empty).clone();
    let mut allocatable = status["allocatable"].as_object().unwrap_or(&empty).clone();
    let extended = apimachinery::names::is_extended_resource;
    allocatable.retain(|name, _| !extended(name) || capacity.contains_key(name));
    for (name, amount) in &capacity {
        if extended(name) {
            allocatable.insert(name.clone(), amount.clone());
        }
    }
    let mut node = node.clone();
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    let reports = conditions.any(|one| one["type"] == "Ready");
    if !reports && !node["metadata"]["annotations"][PLAYED].is_null() {
        let played = self::status(env, meta::name(&node), 0);
        for field in ["addresses", "conditions", "nodeInfo"] {
            meta::as_map(&mut status).insert(field.to_owned(), played[field].clone());
        }
        if allocatable.is_empty() {
            node = set_status(txn, env, served, &node, status.clone(), KUBELET_STATUS);
        }
    }
    if !allocatable.is_empty() {
        meta::as_map(&mut status).insert("allocatable".to_owned(), Value::Object(allocatable));
        node = set_status(txn, env, served, &node, status, KUBELET_STATUS);
    }
    ready_taint(txn, env, &node);
}

/// What a kubelet does that finds no record of its device plugins when it registers: extended
/// resources are worth nothing until somebody says otherwise.
///
/// Fact: <https://github.com/kubernetes/kubernetes/issues/64784>.
pub(crate) fn forget_devices(txn: &mut Txn<'_>, env: &Env<'_>, name: &str) -> bool {
    let Some(served) = catalog::built_in_table("nodes") else { return false };
    let Some(node) = txn.get("nodes", "", name) else { return false };
    let mut status = node["status"].clone();
    for list in ["capacity", "allocatable"] {
        let amounts = status.get_mut(list).and_then(Value::as_object_mut).into_iter().flatten();
        for (resource, amount) in amounts {
            if apimachinery::names::is_extended_resource(resource) {
                *amount = json!("0");
            }
        }
    }
    set_status(txn, env, served, &node, status, KUBELET_STATUS);
    true
}

/// A node that is ready loses the taint that says it is not, and gets it back when it is not.
fn ready_taint(txn: &mut Txn<'_>, env: &Env<'_>, node: &Value) {
    let Some(served) = catalog::built_in_table("nodes") else { return };
    let conditions = node["status"]["conditions"].as_array();
    let is_ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let mut kept: Vec<Value> =
        taints.iter().filter(|taint| taint["key"] != admission::NOT_READY).cloned().collect();
    if !is_ready {
        kept.push(json!({"key": admission::NOT_READY, "effect": "NoSchedule"}));
    }
    if kept.len() == taints.len() {
        return;
    }
    let mut changed = node.clone();
    let spec = meta::map_at(&mut changed, "spec");
    if kept.is_empty() {
        spec.remove("taints");
    } else {
        spec.insert("taints".to_owned(), Value::Array(kept));
    }
    super::write(txn, env, served, Some(node), changed, super::CONTROLLER);
}
