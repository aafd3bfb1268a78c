//! Rules of `ResourceQuota`.

use std::collections::BTreeSet;

use apimachinery::{FieldError, Quantity, limits, names};
use serde_json::Value;

use super::{invalid, list, text};

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];
/// Pairs that no object can satisfy together.
const CONTRADICTIONS: [[&str; 2]; 2] =
    [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

pub(super) fn created(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    for (name, amount) in spec["hard"].as_object().into_iter().flatten() {
        hard(name, amount, &mut errors);
    }
    scopes(spec, &mut errors);
    if !spec["scopeSelector"].is_null() {
        selector(spec, &mut errors);
    }
    errors
}

fn hard(name: &str, amount: &Value, errors: &mut Vec<FieldError>) {
    let path = format!("spec.hard[{name}]");
    errors.extend(invalid(&path, name, names::qualified_name(name)));
    if !name.contains('/') && !limits::standard_resource_name(name) {
        let why = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path.as_str(), name, why));
    }
    if !name.contains('/') && !limits::standard_quota_name(name) {
        errors.push(FieldError::invalid(
            path.as_str(),
            name,
            "must be a standard resource for quota",
        ));
    }
    let Some(quantity) = amount.as_str().and_then(|text| Quantity::parse(text).ok()) else {
        return;
    };
    if quantity.is_negative() {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(path.as_str(), amount.clone(), why));
    }
    if limits::integer_resource(name) && !quantity.is_integer() {
        errors.push(FieldError::invalid(path, amount.clone(), "must be an integer"));
    }
}

fn scopes(spec: &Value, errors: &mut Vec<FieldError>) {
    let named: Vec<&str> = list(spec, "scopes").iter().filter_map(Value::as_str).collect();
    for scope in &named {
        if !SCOPES.contains(scope) {
            errors.push(FieldError::invalid(
                "spec.scopes",
                spec["scopes"].clone(),
                "unsupported scope",
            ));
        }
        for name in spec["hard"].as_object().into_iter().flatten().map(|(name, _)| name) {
            if limits::standard_quota_name(name) && !fits(scope, name) {
                let why = "unsupported scope applied to resource";
                errors.push(FieldError::invalid("spec.scopes", spec["scopes"].clone(), why));
            }
        }
    }
    for pair in CONTRADICTIONS {
        if pair.iter().all(|scope| named.contains(scope)) {
            errors.push(FieldError::invalid(
                "spec.scopes",
                spec["scopes"].clone(),
                "conflicting scopes",
            ));
        }
    }
}

/// Whether a scope says anything about this resource.
fn fits(scope: &str, name: &str) -> bool {
    let plain = name.strip_prefix("requests.").or(name.strip_prefix("limits.")).unwrap_or(name);
    match scope {
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => matches!(name, "persistentvolumeclaims" | "requests.storage"),
        _ => name == "pods" || matches!(plain, "cpu" | "memory"),
    }
}

fn selector(spec: &Value, errors: &mut Vec<FieldError>) {
    let path = "spec.scopeSelector.matchExpressions";
    let mut named = BTreeSet::new();
    for expression in list(&spec["scopeSelector"], "matchExpressions") {
        let (scope, operator) = (text(expression, "scopeName"), text(expression, "operator"));
        if !SCOPES.contains(&scope) {
            errors.push(FieldError::invalid(
                format!("{path}.scopeName"),
                scope,
                "unsupported scope",
            ));
        }
        for name in spec["hard"].as_object().into_iter().flatten().map(|(name, _)| name) {
            if limits::standard_quota_name(name) && !fits(scope, name) {
                let why = "unsupported scope applied to resource";
                errors.push(FieldError::invalid(path, spec["scopeSelector"].clone(), why));
            }
        }
        let only_exists = !matches!(scope, "PriorityClass" | "VolumeAttributesClass");
        if only_exists && operator != "Exists" {
            let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(FieldError::invalid(format!("{path}.operator"), operator, why));
        }
        let values = list(expression, "values");
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(FieldError::required(format!("{path}.values"), why));
            }
            "In" | "NotIn" => {}
            "Exists" | "DoesNotExist" => {
                if !values.is_empty() {
                    let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                    errors.push(FieldError::invalid(
                        format!("{path}.values"),
                        expression["values"].clone(),
                        why,
                    ));
                }
            }
            other => {
                let why = "not a valid selector operator";
                errors.push(FieldError::invalid(format!("{path}.operator"), other, why));
            }
        }
        named.insert(scope);
    }
    for pair in CONTRADICTIONS {
        if pair.iter().all(|scope| named.contains(scope)) {
            errors.push(FieldError::invalid(path, spec["scopes"].clone(), "conflicting scopes"));
        }
    }
}

pub(super) fn changed(object: &Value, old: &Value) -> Vec<FieldError> {
    let set = |object: &Value| -> BTreeSet<String> {
        let scopes = list(&object["spec"], "scopes").iter().filter_map(Value::as_str);
        scopes.map(str::to_owned).collect()
    };
    if set(object) == set(old) {
        return Vec::new();
    }
    vec![FieldError::invalid("spec.scopes", object["spec"]["scopes"].clone(), "field is immutable")]
}
