//! Rules of `PriorityClass` and `PodDisruptionBudget`.

use apimachinery::FieldError;
use serde_json::{Value, json};

use super::network::selector;
use super::{immutable, text};

/// The highest priority that is not the cluster's own.
const HIGHEST: i64 = 1_000_000_000;

/// The cluster's own classes and their values.
pub(crate) const SYSTEM: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

pub(super) fn priority_class(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = crate::meta::name(object);
    let value = object["value"].as_i64().unwrap_or_default();
    if name.starts_with("system-") {
        if !SYSTEM.contains(&(name, value)) {
            let why = format!(
                "priority class names with 'system-' prefix are reserved for system use only. \
                 error: {name} is not a known system priority class"
            );
            errors.push(FieldError::forbidden("metadata.name", why));
        }
    } else if value > HIGHEST {
        let why = format!("maximum allowed value of a user defined priority is {HIGHEST}");
        errors.push(FieldError::forbidden("value", why));
    }
    errors
}

/// How a new class preempts; of one that exists it is not judged but kept.
pub(super) fn priority_class_created(object: &Value) -> Vec<FieldError> {
    let policy = text(object, "preemptionPolicy");
    let known = ["PreemptLowerPriority", "Never"];
    let wrong = (!known.contains(&policy))
        .then(|| FieldError::not_supported("preemptionPolicy", policy, &known));
    wrong.into_iter().collect()
}

pub(super) fn priority_class_changed(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if object["value"] != old["value"] {
        errors.push(FieldError::forbidden("value", "may not be changed in an update."));
    }
    let policy = (&object["preemptionPolicy"], &old["preemptionPolicy"]);
    errors.extend(immutable("preemptionPolicy", policy.0, policy.1));
    errors
}

const PERCENT_RULE: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

pub(super) fn disruption_budget(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        // The real server shows its internal form, with capital names.
        let shown = json!({
            "MinAvailable": spec["minAvailable"],
            "Selector": spec["selector"],
            "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec["unhealthyPodEvictionPolicy"],
        });
        let why = "minAvailable and maxUnavailable cannot be both set";
        errors.push(FieldError::invalid("spec", shown, why));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        share(&spec[field], &format!("spec.{field}"), &mut errors);
    }
    let policy = &spec["unhealthyPodEvictionPolicy"];
    let known = ["AlwaysAllow", "IfHealthyBudget"];
    if let Some(policy) = policy.as_str().filter(|policy| !known.contains(policy)) {
        errors.push(FieldError::not_supported("spec.unhealthyPodEvictionPolicy", policy, &known));
    }
    selector(&spec["selector"], "spec.selector", &mut errors);
    errors
}

/// A number of pods, or a part of them.
fn share(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut wrong = |why: &str| errors.push(FieldError::invalid(path, value.clone(), why));
    match value {
        Value::String(text) => {
            let digits = text.strip_suffix('%').filter(|digits| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
            match digits.map(str::parse::<i64>) {
                None => wrong(PERCENT_RULE),
                Some(Ok(0..=100)) => {}
                Some(_) => wrong("must not be greater than 100%"),
            }
        }
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            wrong("must be greater than or equal to 0");
        }
        // Anything else was refused while it was decoded.
        Value::Null | Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
    }
}
