//! Defaults of what makes pods: deployments, daemon sets, stateful sets, jobs.

use serde_json::{Map, Value, json};

use super::{default, inside, items, pod};
use crate::meta;

fn template(spec: &mut Map<String, Value>) {
    let template = spec.entry("template").or_insert_with(|| Value::Object(Map::new()));
    pod::template(meta::as_map(template));
}

pub(super) fn deployment(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    template(spec);
    default(spec, "replicas", 1);
    let strategy = meta::as_map(spec.entry("strategy").or_insert_with(|| json!({})));
    default(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
        let rolling = meta::as_map(strategy.entry("rollingUpdate").or_insert_with(|| json!({})));
        default(rolling, "maxUnavailable", "25%");
        default(rolling, "maxSurge", "25%");
    }
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
}

pub(super) fn daemon_set(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    template(spec);
    let strategy = meta::as_map(spec.entry("updateStrategy").or_insert_with(|| json!({})));
    default(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
        let rolling = meta::as_map(strategy.entry("rollingUpdate").or_insert_with(|| json!({})));
        default(rolling, "maxUnavailable", 1);
        default(rolling, "maxSurge", 0);
    }
    default(spec, "revisionHistoryLimit", 10);
}

pub(super) fn stateful_set(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    template(spec);
    default(spec, "podManagementPolicy", "OrderedReady");
    let strategy = meta::as_map(spec.entry("updateStrategy").or_insert_with(|| json!({})));
    default(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
        let rolling = meta::as_map(strategy.entry("rollingUpdate").or_insert_with(|| json!({})));
        default(rolling, "partition", 0);
        default(rolling, "maxUnavailable", 1);
    }
    let retention = spec.entry("persistentVolumeClaimRetentionPolicy").or_insert_with(|| json!({}));
    default(meta::as_map(retention), "whenDeleted", "Retain");
    default(meta::as_map(retention), "whenScaled", "Retain");
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    for claim in items(spec, "volumeClaimTemplates") {
        default(claim, "apiVersion", "v1");
        default(claim, "kind", "PersistentVolumeClaim");
        if let Some(spec) = inside(claim, "spec") {
            super::core::claim_spec(spec);
        }
        default(claim, "status", json!({"phase": "Pending"}));
    }
}

pub(super) fn replica_set(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    template(spec);
    default(spec, "replicas", 1);
}

pub(super) fn job(spec: &mut Map<String, Value>) {
    template(spec);
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    default(spec, "backoffLimit", 6);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    default(spec, "podReplacementPolicy", "TerminatingOrFailed");
}

pub(super) fn cron_job(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    if let Some(template) = inside(spec, "jobTemplate")
        && let Some(job_spec) = inside(template, "spec")
        && let Some(template) = inside(job_spec, "template")
    {
        // The template is not a job yet: only its pods get their defaults.
        pod::template(template);
    }
}
