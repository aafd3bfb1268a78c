//! The scheduler and the nodes' agents: pods find a node with room and run at once.

use std::sync::Arc;

use apimachinery::Quantity;
use apimachinery::limits::{self, Amounts};
use apimachinery::selector::LabelSelector;
use serde_json::{Value, json};

use super::{KUBELET_STATUS, SCHEDULER_STATUS, set_status, write};
use crate::catalog;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

/// How much a pod can count on its resources.
pub(crate) fn qos_class(pod: &Value) -> &'static str {
    let containers = |field: &str| pod["spec"][field].as_array().cloned().unwrap_or_default();
    let all: Vec<Value> =
        containers("containers").into_iter().chain(containers("initContainers")).collect();
    let (mut any, mut guaranteed) = (false, true);
    for container in &all {
        let requests = limits::amounts(&container["resources"]["requests"]);
        let limits = limits::amounts(&container["resources"]["limits"]);
        for name in ["cpu", "memory"] {
            let (request, limit) = (requests.get(name), limits.get(name));
            any |= request.or(limit).is_some_and(|amount| !amount.is_zero());
            guaranteed &= limit.is_some_and(|limit| !limit.is_zero() && request == Some(limit));
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Places every pod that waits, in the order of their names.
pub(super) fn schedule_pending(txn: &mut Txn<'_>, env: &Env<'_>) {
    let waiting = txn.list("pods", None).into_iter().filter(|pod| {
        !meta::is_terminating(pod)
            && matches!(pod["status"]["phase"].as_str(), None | Some("Pending"))
    });
    for pod in waiting.collect::<Vec<_>>() {
        place(txn, env, &pod);
    }
}

/// Finds a node for a pod, or says why there is none.
pub(super) fn place(txn: &mut Txn<'_>, env: &Env<'_>, pod: &Arc<Value>) {
    let Some(served) = catalog::built_in_table("pods") else { return };
    if let Some(node) = pod["spec"]["nodeName"].as_str().filter(|name| !name.is_empty()) {
        if txn.get("nodes", "", node).is_some() {
            let status = running(env, pod, node);
            set_status(txn, env, served, pod, status, KUBELET_STATUS);
        }
        return;
    }
    let nodes = txn.list("nodes", None);
    let mut reasons: Vec<(usize, String)> = Vec::new();
    let mut fitting: Vec<(usize, &str)> = Vec::new();
    for node in &nodes {
        match misfit(txn, pod, node) {
            None => fitting.push((pods_on(txn, meta::name(node)), meta::name(node))),
            Some(reason) => match reasons.iter_mut().find(|(_, known)| *known == reason) {
                Some((count, _)) => *count += 1,
                None => reasons.push((1, reason)),
            },
        }
    }
    // The emptiest node takes it; the name breaks ties.
    if let Some((_, name)) = fitting.iter().min() {
        let mut bound = (**pod).clone();
        meta::map_at(&mut bound, "spec").insert("nodeName".to_owned(), Value::from(*name));
        let author = super::Author { name: "kube-scheduler", subresource: "" };
        let bound = write(txn, env, served, Some(pod), bound, author);
        let status = running(env, &bound, name);
        set_status(txn, env, served, &bound, status, KUBELET_STATUS);
        return;
    }
    reasons.sort_by(|a, b| a.1.cmp(&b.1));
    let why: Vec<String> =
        reasons.iter().map(|(count, reason)| format!("{count} {reason}")).collect();
    let message = if nodes.is_empty() {
        "no nodes available to schedule pods".to_owned()
    } else {
        format!("0/{} nodes are available: {}.", nodes.len(), why.join(", "))
    };
    let known = pod["status"]["conditions"].as_array().into_iter().flatten();
    if known.into_iter().any(|condition| condition["message"] == message.as_str()) {
        return;
    }
    let mut status = pod["status"].clone();
    meta::as_map(&mut status).insert("phase".to_owned(), json!("Pending"));
    meta::as_map(&mut status).insert(
        "conditions".to_owned(),
        json!([{
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": null,
            "lastTransitionTime": env.now_text,
        }]),
    );
    set_status(txn, env, served, pod, status, SCHEDULER_STATUS);
}

fn pods_on(txn: &Txn<'_>, node: &str) -> usize {
    txn.list("pods", None).iter().filter(|pod| pod["spec"]["nodeName"] == node).count()
}

/// Whether a daemon with this spec belongs on a node; daemons ignore cordons.
pub(super) fn accepts(spec: &Value, node: &Value) -> bool {
    repelled(spec, node).is_none()
}

/// Why a pod does not go to a node; `None` if it does.
fn misfit(txn: &Txn<'_>, pod: &Value, node: &Value) -> Option<String> {
    let spec = &pod["spec"];
    if node["spec"]["unschedulable"] == true {
        return Some("node(s) were unschedulable".to_owned());
    }
    if let Some(why) = repelled(spec, node) {
        return Some(why);
    }
    let free = free(txn, node);
    let mut wanted = limits::pod_requests(pod);
    wanted.insert("pods".to_owned(), Quantity::from_integer(1));
    wanted.into_iter().find_map(|(name, amount)| {
        let left = free.get(&name).copied().unwrap_or_else(Quantity::zero);
        (!amount.is_zero() && amount > left).then(|| match name.as_str() {
            "pods" => "Too many pods".to_owned(),
            name => format!("Insufficient {name}"),
        })
    })
}

/// Why labels or taints keep a pod from a node.
fn repelled(spec: &Value, node: &Value) -> Option<String> {
    let labels = &node["metadata"]["labels"];
    let selector = json!({"matchLabels": spec["nodeSelector"]});
    if !LabelSelector::from_object(&selector).is_ok_and(|selector| selector.matches_json(labels)) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    for taint in node["spec"]["taints"].as_array().into_iter().flatten() {
        let repels = matches!(taint["effect"].as_str(), Some("NoSchedule" | "NoExecute"));
        if repels && !tolerated(spec, taint) {
            let key = taint["key"].as_str().unwrap_or_default();
            let value = taint["value"].as_str().unwrap_or_default();
            return Some(format!("node(s) had untolerated taint {{{key}: {value}}}"));
        }
    }
    None
}

fn tolerated(spec: &Value, taint: &Value) -> bool {
    spec["tolerations"].as_array().into_iter().flatten().any(|one| {
        let effect = one["effect"].is_null() || one["effect"] == taint["effect"];
        let any_key = one["key"].is_null() && one["operator"] == "Exists";
        let value = match one["operator"].as_str() {
            Some("Exists") => true,
            _ => {
                one["value"].as_str().unwrap_or_default()
                    == taint["value"].as_str().unwrap_or_default()
            }
        };
        effect && (any_key || (one["key"] == taint["key"] && value))
    })
}

/// What a node has left.
fn free(txn: &Txn<'_>, node: &Value) -> Amounts {
    let mut free = limits::amounts(&node["status"]["allocatable"]);
    for pod in txn.list("pods", None) {
        let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if over || pod["spec"]["nodeName"] != meta::name(node) {
            continue;
        }
        let mut taken = limits::pod_requests(&pod);
        taken.insert("pods".to_owned(), Quantity::from_integer(1));
        for (name, amount) in taken {
            if let Some(left) = free.get_mut(&name) {
                *left = left.minus(amount);
            }
        }
    }
    free
}

/// The status that a node's agent reports for a pod that runs.
fn running(env: &Env<'_>, pod: &Value, node: &str) -> Value {
    let now = env.now_text.as_str();
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| {
            json!({
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "containerID": format!("sandbox://{}/{}", meta::text(pod, "uid"), container["name"].as_str().unwrap_or_default()),
                "ready": true,
                "started": true,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            })
        })
        .collect();
    json!({
        "phase": "Running",
        "qosClass": qos_class(pod),
        "startTime": now,
        "hostIP": node_address(node),
        "hostIPs": [{"ip": node_address(node)}],
        "podIP": pod_address(pod),
        "podIPs": [{"ip": pod_address(pod)}],
        "conditions": [
            condition("PodReadyToStartContainers"),
            condition("Initialized"),
            condition("Ready"),
            condition("ContainersReady"),
            condition("PodScheduled"),
        ],
        "containerStatuses": statuses,
    })
}

fn node_address(node: &str) -> String {
    // The address only has to be stable and plausible.
    let sum = node.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 200);
    format!("192.0.2.{}", 11 + sum)
}

fn pod_address(pod: &Value) -> String {
    let text = format!("{}/{}", meta::namespace(pod), meta::name(pod));
    let sum = text.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 62_000);
    format!("10.244.{}.{}", sum / 250, 1 + sum % 250)
}
