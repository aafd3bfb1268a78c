//! What makes pods: deployments, replica sets, daemon sets and stateful sets.
//!
//! A deployment keeps one replica set per template; the one of the present template has
//! all replicas, the others none. Sets make and delete pods until the number is right.
//! Pods come into being by the same way as anybody's (defaults, limits, quotas), so a
//! refusal shows up in the conditions of the set.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{CONTROLLER_STATUS, set_status};
use crate::catalog::{self, Served};
use crate::handlers::{Env, delete, write};
use crate::meta;
use crate::store::Txn;

const DEPLOYMENTS: &str = "deployments.apps";
const REPLICA_SETS: &str = "replicasets.apps";
const DAEMON_SETS: &str = "daemonsets.apps";
const STATEFUL_SETS: &str = "statefulsets.apps";
/// The label that tells the pods of one template from those of another.
const TEMPLATE_HASH: &str = "pod-template-hash";

pub(super) fn is_workload(table: &str) -> bool {
    matches!(table, DEPLOYMENTS | REPLICA_SETS | DAEMON_SETS | STATEFUL_SETS)
}

/// Makes the pods be as a workload wants them.
pub(super) fn reconcile(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    if meta::is_terminating(object) {
        return;
    }
    match served.table.as_str() {
        DEPLOYMENTS => deployment(txn, env, served, object),
        REPLICA_SETS => replica_set(txn, env, served, object),
        DAEMON_SETS => daemon_set(txn, env, served, object),
        STATEFUL_SETS => stateful_set(txn, env, served, object),
        _ => {}
    }
}

/// Looks again at the workloads of a namespace, after one of their pods changed.
pub(super) fn reconcile_owners(txn: &mut Txn<'_>, env: &Env<'_>, object: &Value) {
    for owner in object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default() {
        let table = match owner["kind"].as_str() {
            Some("ReplicaSet") => REPLICA_SETS,
            Some("Deployment") => DEPLOYMENTS,
            Some("DaemonSet") => DAEMON_SETS,
            Some("StatefulSet") => STATEFUL_SETS,
            _ => continue,
        };
        let Some(served) = catalog::built_in_table(table) else { continue };
        let name = owner["name"].as_str().unwrap_or_default();
        let Some(owner_object) = txn.get(table, meta::namespace(object), name) else { continue };
        if meta::text(&owner_object, "uid") == owner["uid"] {
            reconcile(txn, env, served, &owner_object);
            if let Some(again) = txn.get(table, meta::namespace(object), name) {
                reconcile_owners(txn, env, &again);
            }
        }
    }
}

/// Looks again at everything that wants a pod on every node.
pub(super) fn reconcile_daemon_sets(txn: &mut Txn<'_>, env: &Env<'_>) {
    let Some(served) = catalog::built_in_table(DAEMON_SETS) else { return };
    for object in txn.list(DAEMON_SETS, None) {
        reconcile(txn, env, served, &object);
    }
}

fn deployment(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    let Some(sets) = catalog::built_in_table(REPLICA_SETS) else { return };
    let hash = template_hash(&object["spec"]["template"]);
    let name = format!("{}-{hash}", meta::name(object));
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let mut newest_old = 0;
    for old in owned(txn, REPLICA_SETS, object) {
        if meta::name(&old) != name {
            newest_old = newest_old.max(revision(&old));
            scale(txn, env, sets, &old, 0);
        }
    }
    let present = txn.get(REPLICA_SETS, meta::namespace(object), &name);
    let number = present.as_deref().map_or(0, revision).max(newest_old + 1);
    match present {
        Some(present) => {
            let mut numbered = (*present).clone();
            set_revision(&mut numbered, number);
            let present = super::write(txn, env, sets, Some(&present), numbered, super::CONTROLLER);
            scale(txn, env, sets, &present, replicas);
        }
        None => {
            let mut set = new_replica_set(object, &name, &hash, replicas);
            set_revision(&mut set, number);
            if let Ok(set) = write::create_as(txn, env, sets, &set, "kube-controller-manager") {
                replica_set(txn, env, sets, &set);
            }
        }
    }
    let present = txn.get(REPLICA_SETS, meta::namespace(object), &name);
    let status = deployment_status(env, object, present.as_deref());
    let live = txn.get(DEPLOYMENTS, meta::namespace(object), meta::name(object));
    if let Some(live) = live {
        let mut told = (*live).clone();
        set_revision(&mut told, number);
        meta::as_map(&mut told).insert("status".to_owned(), status);
        super::write(txn, env, served, Some(&live), told, CONTROLLER_STATUS);
    }
}

/// The annotation that numbers the templates of a deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";

fn revision(set: &Value) -> u64 {
    let text = set["metadata"]["annotations"][REVISION].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn set_revision(object: &mut Value, number: u64) {
    let annotations =
        meta::map_at(object, "metadata").entry("annotations").or_insert_with(|| json!({}));
    meta::as_map(annotations).insert(REVISION.to_owned(), json!(number.to_string()));
}

fn new_replica_set(deployment: &Value, name: &str, hash: &str, replicas: i64) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    let mut selector = deployment["spec"]["selector"].clone();
    with_hash(meta::map_at(&mut template, "metadata"), "labels", hash);
    with_hash(meta::as_map(&mut selector), "matchLabels", hash);
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": meta::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner(deployment, "apps/v1", "Deployment")],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    })
}

fn with_hash(map: &mut Map<String, Value>, field: &str, hash: &str) {
    let labels = map.entry(field).or_insert_with(|| json!({}));
    meta::as_map(labels).insert(TEMPLATE_HASH.to_owned(), json!(hash));
}

fn scale(txn: &mut Txn<'_>, env: &Env<'_>, sets: &Served, set: &Arc<Value>, replicas: i64) {
    if set["spec"]["replicas"].as_i64() == Some(replicas) {
        return replica_set(txn, env, sets, set);
    }
    let mut wanted = (**set).clone();
    meta::map_at(&mut wanted, "spec").insert("replicas".to_owned(), json!(replicas));
    let generation = wanted["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
    meta::set(&mut wanted, "generation", json!(generation));
    let written = super::write(txn, env, sets, Some(set), wanted, super::CONTROLLER);
    replica_set(txn, env, sets, &written);
}

fn replica_set(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let pods = living(owned(txn, "pods", object));
    let have = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let mut refusal = None;
    for _ in have..wanted {
        let mut pod = pod_of(object, "ReplicaSet");
        meta::set(&mut pod, "generateName", json!(format!("{}-", meta::name(object))));
        if let Err(why) = new_pod(txn, env, &pod) {
            refusal = Some(why);
            break;
        }
    }
    let surplus = usize::try_from(have - wanted).unwrap_or(0);
    for pod in pods.iter().rev().take(surplus) {
        drop_pod(txn, env, pod);
    }
    let pods = living(owned(txn, "pods", object));
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let mut status = json!({
        "observedGeneration": object["metadata"]["generation"],
        "replicas": pods.len(),
        "fullyLabeledReplicas": pods.len(),
        "readyReplicas": ready,
        "availableReplicas": ready,
    });
    if let Some(why) = refusal {
        status["conditions"] = json!([{
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": why,
            "lastTransitionTime": env.now_text,
        }]);
    }
    let live = txn.get(REPLICA_SETS, meta::namespace(object), meta::name(object));
    if let Some(live) = live {
        set_status(txn, env, served, &live, status, CONTROLLER_STATUS);
    }
}

fn daemon_set(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    let hash = template_hash(&object["spec"]["template"]);
    let nodes = txn.list("nodes", None);
    let tolerant = with_daemon_tolerations(&object["spec"]["template"]["spec"]);
    let fitting: Vec<&Arc<Value>> =
        nodes.iter().filter(|node| super::scheduler::accepts(&tolerant, node)).collect();
    for pod in living(owned(txn, "pods", object)) {
        let current = pod["metadata"]["labels"]["controller-revision-hash"] == hash.as_str();
        let placed = fitting.iter().any(|node| pod["spec"]["nodeName"] == meta::name(node));
        if !current || !placed {
            drop_pod(txn, env, &pod);
        }
    }
    for node in &fitting {
        let there = living(owned(txn, "pods", object));
        if there.iter().any(|pod| pod["spec"]["nodeName"] == meta::name(node)) {
            continue;
        }
        let mut pod = pod_of(object, "DaemonSet");
        meta::set(&mut pod, "generateName", json!(format!("{}-", meta::name(object))));
        let labels =
            meta::map_at(&mut pod, "metadata").entry("labels").or_insert_with(|| json!({}));
        meta::as_map(labels).insert("controller-revision-hash".to_owned(), json!(hash));
        let spec = meta::map_at(&mut pod, "spec");
        spec.insert("tolerations".to_owned(), tolerant["tolerations"].clone());
        // The real controller pins its pods by affinity; the name has the same effect.
        spec.insert("nodeName".to_owned(), json!(meta::name(node)));
        // A refusal shows in the numbers: a node without its pod.
        let _ = new_pod(txn, env, &pod);
    }
    let pods = living(owned(txn, "pods", object));
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let status = json!({
        "observedGeneration": object["metadata"]["generation"],
        "currentNumberScheduled": pods.len(),
        "desiredNumberScheduled": fitting.len(),
        "numberAvailable": ready,
        "numberMisscheduled": 0,
        "numberReady": ready,
        "updatedNumberScheduled": pods.len(),
    });
    let live = txn.get(DAEMON_SETS, meta::namespace(object), meta::name(object));
    if let Some(live) = live {
        set_status(txn, env, served, &live, status, CONTROLLER_STATUS);
    }
}

/// Daemons stay on nodes that are in trouble or cordoned.
fn with_daemon_tolerations(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let list = meta::as_map(&mut spec).entry("tolerations").or_insert_with(|| json!([]));
    let tolerate =
        |key: &str, effect: &str| json!({"key": key, "operator": "Exists", "effect": effect});
    if let Some(list) = list.as_array_mut() {
        for (key, effect) in [
            ("node.kubernetes.io/not-ready", "NoExecute"),
            ("node.kubernetes.io/unreachable", "NoExecute"),
            ("node.kubernetes.io/disk-pressure", "NoSchedule"),
            ("node.kubernetes.io/memory-pressure", "NoSchedule"),
            ("node.kubernetes.io/pid-pressure", "NoSchedule"),
            ("node.kubernetes.io/unschedulable", "NoSchedule"),
        ] {
            list.push(tolerate(key, effect));
        }
    }
    spec
}

fn stateful_set(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let hash = template_hash(&object["spec"]["template"]);
    let revision = format!("{}-{hash}", meta::name(object));
    let named = |ordinal: i64| format!("{}-{ordinal}", meta::name(object));
    for pod in living(owned(txn, "pods", object)) {
        let current = pod["metadata"]["labels"]["controller-revision-hash"] == revision.as_str();
        let kept = (0..wanted).any(|ordinal| named(ordinal) == meta::name(&pod));
        if !current || !kept {
            drop_pod(txn, env, &pod);
        }
    }
    for ordinal in 0..wanted {
        if txn.get("pods", meta::namespace(object), &named(ordinal)).is_some() {
            continue;
        }
        let mut pod = pod_of(object, "StatefulSet");
        meta::set(&mut pod, "name", json!(named(ordinal)));
        let labels =
            meta::map_at(&mut pod, "metadata").entry("labels").or_insert_with(|| json!({}));
        let labels = meta::as_map(labels);
        labels.insert("controller-revision-hash".to_owned(), json!(revision));
        labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), json!(named(ordinal)));
        labels.insert("apps.kubernetes.io/pod-index".to_owned(), json!(ordinal.to_string()));
        if new_pod(txn, env, &pod).is_err() {
            // Pods come one after the other: the rest waits for this one.
            break;
        }
    }
    let pods = living(owned(txn, "pods", object));
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let status = json!({
        "observedGeneration": object["metadata"]["generation"],
        "replicas": pods.len(),
        "readyReplicas": ready,
        "currentReplicas": pods.len(),
        "updatedReplicas": pods.len(),
        "availableReplicas": ready,
        "collisionCount": 0,
        "currentRevision": revision,
        "updateRevision": revision,
    });
    let live = txn.get(STATEFUL_SETS, meta::namespace(object), meta::name(object));
    if let Some(live) = live {
        set_status(txn, env, served, &live, status, CONTROLLER_STATUS);
    }
}

/// A pod by the template of its owner, without a name.
fn pod_of(owner_object: &Value, kind: &str) -> Value {
    let template = &owner_object["spec"]["template"];
    let mut metadata = template["metadata"].as_object().cloned().unwrap_or_default();
    metadata.retain(|field, _| matches!(field.as_str(), "labels" | "annotations" | "finalizers"));
    metadata.insert("namespace".to_owned(), json!(meta::namespace(owner_object)));
    metadata.insert("ownerReferences".to_owned(), json!([owner(owner_object, "apps/v1", kind)]));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

fn owner(object: &Value, api_version: &str, kind: &str) -> Value {
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "name": meta::name(object),
        "uid": meta::text(object, "uid"),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Makes a pod and lets it find its node; the text says why it was refused.
fn new_pod(txn: &mut Txn<'_>, env: &Env<'_>, pod: &Value) -> Result<(), String> {
    let Some(pods) = catalog::built_in_table("pods") else { return Ok(()) };
    let pod = write::create_as(txn, env, pods, pod, "kube-controller-manager")
        .map_err(|error| error.message)?;
    super::scheduler::place(txn, env, &pod);
    Ok(())
}

fn drop_pod(txn: &mut Txn<'_>, env: &Env<'_>, pod: &Value) {
    if let Some(pods) = catalog::built_in_table("pods") {
        delete::remove(txn, env, pods, pod);
    }
}

/// The objects of a table whose controller is this object.
fn owned(txn: &Txn<'_>, table: &str, object: &Value) -> Vec<Arc<Value>> {
    let uid = meta::text(object, "uid");
    let owned = txn.owned_by(uid).into_iter().filter(|(found, _)| found == table);
    owned
        .map(|(_, one)| one)
        .filter(|one| {
            let owners = one["metadata"]["ownerReferences"].as_array();
            owners
                .into_iter()
                .flatten()
                .any(|owner| owner["uid"] == uid && owner["controller"] == true)
        })
        .collect()
}

fn living(pods: Vec<Arc<Value>>) -> Vec<Arc<Value>> {
    let over = |pod: &Value| {
        meta::is_terminating(pod)
            || matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
    };
    pods.into_iter().filter(|pod| !over(pod)).collect()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// A short name for a template; equal templates have equal names.
fn template_hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = Sha256::digest(template.to_string().as_bytes());
    digest
        .iter()
        .take(10)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}

fn deployment_status(env: &Env<'_>, object: &Value, set: Option<&Value>) -> Value {
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let of_set = |field: &str| set.and_then(|set| set["status"][field].as_i64()).unwrap_or(0);
    let (replicas, ready) = (of_set("replicas"), of_set("readyReplicas"));
    let failure =
        set.and_then(|set| set["status"]["conditions"].as_array().cloned()).unwrap_or_default();
    let failed = failure.iter().find(|condition| condition["type"] == "ReplicaFailure");
    let available = ready >= wanted;
    let mut conditions = vec![
        condition(
            env,
            object,
            ("Available", available),
            if available { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" },
            if available {
                "Deployment has minimum availability."
            } else {
                "Deployment does not have minimum availability."
            },
        ),
        condition(
            env,
            object,
            ("Progressing", true),
            if available { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" },
            if available {
                "ReplicaSet has successfully progressed."
            } else {
                "ReplicaSet is progressing."
            },
        ),
    ];
    if let Some(failed) = failed {
        let message = failed["message"].as_str().unwrap_or_default();
        conditions.push(condition(env, object, ("ReplicaFailure", true), "FailedCreate", message));
    }
    let mut status = json!({
        "observedGeneration": object["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": conditions,
    });
    if wanted > ready {
        status["unavailableReplicas"] = json!(wanted - ready);
    }
    status
}

fn condition(
    env: &Env<'_>,
    object: &Value,
    kind: (&str, bool),
    reason: &str,
    message: &str,
) -> Value {
    let status = if kind.1 { "True" } else { "False" };
    let before = object["status"]["conditions"].as_array();
    let before = before.into_iter().flatten().find(|known| known["type"] == kind.0);
    let same = before.filter(|known| known["status"] == status && known["reason"] == reason);
    let since =
        |field: &str| same.map_or_else(|| json!(env.now_text), |known| known[field].clone());
    json!({
        "type": kind.0,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since("lastTransitionTime"),
        "lastUpdateTime": since("lastUpdateTime"),
    })
}
