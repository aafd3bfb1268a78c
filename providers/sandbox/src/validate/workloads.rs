//! Rules of what makes pods: deployments, daemon sets, replica sets, stateful sets.

use apimachinery::FieldError;
use apimachinery::selector::LabelSelector;
use serde_json::Value;

use super::network::selector;
use super::{immutable, pod, text};
use crate::catalog::Served;

pub(super) fn created(served: &Served, object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if spec["replicas"].as_i64().is_some_and(|count| count < 0) {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid("spec.replicas", spec["replicas"].clone(), why));
    }
    if spec["selector"].is_null() {
        if served.table != "daemonsets.apps" {
            errors.push(FieldError::required("spec.selector", ""));
        }
    } else {
        selector(&spec["selector"], "spec.selector", &mut errors);
        let empty = |field: &str| crate::kinds::same(&spec["selector"][field], &Value::Null);
        if empty("matchLabels") && empty("matchExpressions") {
            let why = match served.table.as_str() {
                "deployments.apps" => "empty selector is invalid for deployment",
                "daemonsets.apps" => "empty selector is invalid for daemonset",
                "statefulsets.apps" => "empty selector is invalid for statefulset",
                _ => "empty selector is invalid for replica set",
            };
            errors.push(FieldError::invalid("spec.selector", spec["selector"].clone(), why));
        }
    }
    template(spec, &mut errors);
    errors
}

fn template(spec: &Value, errors: &mut Vec<FieldError>) {
    let template = &spec["template"];
    let labels = &template["metadata"]["labels"];
    // No selector at all selects nothing, not even the template.
    let mismatch = spec["selector"].is_null()
        || LabelSelector::from_object(&spec["selector"]).is_ok_and(|selector| {
            !selector.requirements.is_empty() && !selector.matches_json(labels)
        });
    if mismatch {
        let why = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", labels.clone(), why));
    }
    super::metadata::labels(labels, "spec.template.labels", errors);
    errors.extend(pod::pod_spec(&template["spec"], "spec.template.spec"));
    if text(&template["spec"], "restartPolicy") != "Always" {
        errors.push(FieldError::not_supported(
            "spec.template.spec.restartPolicy",
            text(&template["spec"], "restartPolicy"),
            &["Always"],
        ));
    }
}

/// What selects the pods of a workload cannot change.
pub(super) fn changed(served: &Served, object: &Value, old: &Value) -> Vec<FieldError> {
    let (spec, before) = (&object["spec"], &old["spec"]);
    if served.table == "statefulsets.apps" {
        const FREE: [&str; 7] = [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ];
        let fixed = |spec: &Value| -> Value {
            let fields = spec.as_object().into_iter().flatten();
            fields
                .filter(|(name, _)| !FREE.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        if crate::kinds::same(&fixed(spec), &fixed(before)) {
            return Vec::new();
        }
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        return vec![FieldError::forbidden("spec", why)];
    }
    immutable("spec.selector", &spec["selector"], &before["selector"]).into_iter().collect()
}
