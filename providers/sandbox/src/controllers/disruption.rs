//! The disruption controller: how many pods of a budget may go at the moment.

use std::sync::Arc;

use apimachinery::selector::LabelSelector;
use serde_json::{Value, json};

use super::{CONTROLLER_STATUS, set_status};
use crate::catalog;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

/// Counts again for every budget of a namespace.
pub(super) fn recount(txn: &mut Txn<'_>, env: &Env<'_>, namespace: &str) {
    let Some(served) = catalog::built_in_table("poddisruptionbudgets.policy") else { return };
    for budget in txn.list(&served.table, Some(namespace)) {
        let pods = covered(txn, &budget);
        let healthy = pods.iter().filter(|pod| is_healthy(pod)).count();
        let (expected, healthy) = (count(pods.len()), count(healthy));
        let desired = desired(&budget["spec"], expected);
        let allowed = if expected == 0 { 0 } else { (healthy - desired).max(0) };
        let condition = json!({
            "type": "DisruptionAllowed",
            "status": if allowed > 0 { "True" } else { "False" },
            "reason": if allowed > 0 { "SufficientPods" } else { "InsufficientPods" },
            "message": "",
            "lastTransitionTime": env.now_text,
            "observedGeneration": budget["metadata"]["generation"],
        });
        let before = &budget["status"]["conditions"][0];
        let conditions = if before["status"] == condition["status"] {
            json!([before])
        } else {
            json!([condition])
        };
        let status = json!({
            "observedGeneration": budget["metadata"]["generation"],
            "expectedPods": expected,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
            "conditions": conditions,
        });
        set_status(txn, env, served, &budget, status, CONTROLLER_STATUS);
    }
}

fn covered(txn: &Txn<'_>, budget: &Value) -> Vec<Arc<Value>> {
    let selector = &budget["spec"]["selector"];
    let Ok(parsed) = LabelSelector::from_object(selector) else { return Vec::new() };
    if selector.is_null() {
        return Vec::new();
    }
    let pods = txn.list("pods", Some(meta::namespace(budget))).into_iter();
    pods.filter(|pod| {
        let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        !over && parsed.matches_json(&pod["metadata"]["labels"])
    })
    .collect()
}

fn is_healthy(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    !meta::is_terminating(pod)
        && conditions
            .into_iter()
            .flatten()
            .any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// How many pods have to stay healthy.
fn desired(spec: &Value, expected: i64) -> i64 {
    if !spec["maxUnavailable"].is_null() {
        return (expected - amount(&spec["maxUnavailable"], expected)).max(0);
    }
    amount(&spec["minAvailable"], expected)
}

/// A number, or a share of the pods, rounded up.
fn amount(value: &Value, of: i64) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent = value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|text| text.parse::<i64>().ok());
    percent.map_or(0, |percent| (percent.clamp(0, 100) * of + 99) / 100)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
