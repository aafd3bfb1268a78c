//! What makes pods: here only its status, so that those who wait for it go on.
//!
//! No pods are made. The status says that all replicas are there, which is what a
//! healthy cluster says a moment after the write.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{CONTROLLER_STATUS, set_status};
use crate::catalog::Served;
use crate::handlers::Env;
use crate::store::Txn;

pub(super) fn is_workload(table: &str) -> bool {
    matches!(
        table,
        "deployments.apps" | "daemonsets.apps" | "replicasets.apps" | "statefulsets.apps"
    )
}

pub(super) fn after_write(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    let generation = object["metadata"]["generation"].clone();
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = match served.table.as_str() {
        "deployments.apps" => deployment(env, object, &generation, replicas),
        "daemonsets.apps" => {
            let nodes = txn.list("nodes", None);
            let fit = nodes.iter().filter(|node| node["spec"]["taints"].is_null()).count();
            json!({
                "observedGeneration": generation,
                "currentNumberScheduled": fit,
                "desiredNumberScheduled": fit,
                "numberAvailable": fit,
                "numberMisscheduled": 0,
                "numberReady": fit,
                "updatedNumberScheduled": fit,
            })
        }
        "statefulsets.apps" => json!({
            "observedGeneration": generation,
            "replicas": replicas,
            "readyReplicas": replicas,
            "currentReplicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": replicas,
            "collisionCount": 0,
            "currentRevision": "1",
            "updateRevision": "1",
        }),
        _ => json!({
            "observedGeneration": generation,
            "replicas": replicas,
            "fullyLabeledReplicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
        }),
    };
    set_status(txn, env, served, object, status, CONTROLLER_STATUS);
}

fn deployment(env: &Env<'_>, object: &Value, generation: &Value, replicas: i64) -> Value {
    let before = &object["status"]["conditions"];
    let since = |kind: &str| {
        let known =
            before.as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
        known.map_or_else(
            || json!(env.now_text),
            |condition| condition["lastTransitionTime"].clone(),
        )
    };
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": since(kind),
            "lastUpdateTime": since(kind),
        })
    };
    json!({
        "observedGeneration": generation,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [
            condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
            condition("Progressing", "NewReplicaSetAvailable", "ReplicaSet has successfully progressed."),
        ],
    })
}
