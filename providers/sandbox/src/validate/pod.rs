//! Rules of pods, the basic ones: names, images, resources, ports, volumes.

use std::collections::BTreeSet;

use apimachinery::{FieldError, Quantity, limits, names};
use serde_json::Value;

use super::{invalid, list, text};

/// The complaints about the spec of a pod or of a pod's template.
pub(super) fn pod_spec(spec: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let volumes = volume_names(spec, path, &mut errors);
    if list(spec, "containers").is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut seen = BTreeSet::new();
    for field in ["containers", "initContainers"] {
        for (index, one) in list(spec, field).iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            let name = text(one, "name");
            if name.is_empty() {
                errors.push(FieldError::required(format!("{path}.name"), ""));
            } else {
                errors.extend(invalid(&format!("{path}.name"), name, names::dns_1123_label(name)));
                if !seen.insert(name) {
                    errors.push(FieldError::duplicate(format!("{path}.name"), name));
                }
            }
            container(one, &path, &volumes, &mut errors);
        }
    }
    choice(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], &mut errors);
    choice(
        spec,
        "dnsPolicy",
        path,
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        &mut errors,
    );
    if !spec["activeDeadlineSeconds"].is_null()
        && spec["activeDeadlineSeconds"].as_i64().unwrap_or(0) < 1
    {
        let why = "must be between 1 and 2147483647, inclusive";
        let value = spec["activeDeadlineSeconds"].clone();
        errors.push(FieldError::invalid(format!("{path}.activeDeadlineSeconds"), value, why));
    }
    super::metadata::labels(&spec["nodeSelector"], &format!("{path}.nodeSelector"), &mut errors);
    for (index, one) in list(spec, "tolerations").iter().enumerate() {
        toleration(one, &format!("{path}.tolerations[{index}]"), &mut errors);
    }
    errors
}

fn toleration(one: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (key, value, operator) = (text(one, "key"), text(one, "value"), text(one, "operator"));
    if !key.is_empty() {
        errors.extend(invalid(&format!("{path}.key"), key, names::qualified_name(key)));
    } else if operator != "Exists" {
        let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(FieldError::invalid(format!("{path}.operator"), operator, why));
    }
    if !one["tolerationSeconds"].is_null() && text(one, "effect") != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(FieldError::invalid(format!("{path}.effect"), text(one, "effect"), why));
    }
    match operator {
        "" | "Equal" => {
            errors.extend(invalid(&format!("{path}.operator"), value, names::label_value(value)));
        }
        "Exists" => {
            if !value.is_empty() {
                let why = "value must be empty when `operator` is 'Exists'";
                errors.push(FieldError::invalid(format!("{path}.operator"), one.clone(), why));
            }
        }
        other => {
            let supported = ["Equal", "Exists"];
            errors.push(FieldError::not_supported(format!("{path}.operator"), other, &supported));
        }
    }
    let effect = text(one, "effect");
    if !effect.is_empty() && !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
        let supported = ["NoExecute", "NoSchedule", "PreferNoSchedule"];
        errors.push(FieldError::not_supported(format!("{path}.effect"), effect, &supported));
    }
}

fn choice(spec: &Value, field: &str, path: &str, supported: &[&str], errors: &mut Vec<FieldError>) {
    let value = text(spec, field);
    if !supported.contains(&value) {
        errors.push(FieldError::not_supported(format!("{path}.{field}"), value, supported));
    }
}

fn volume_names<'a>(
    spec: &'a Value,
    path: &str,
    errors: &mut Vec<FieldError>,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for (index, volume) in list(spec, "volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let name = text(volume, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else {
            errors.extend(invalid(&format!("{path}.name"), name, names::dns_1123_label(name)));
            if !seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), name));
            }
        }
    }
    seen
}

fn container(one: &Value, path: &str, volumes: &BTreeSet<&str>, errors: &mut Vec<FieldError>) {
    if text(one, "image").is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    }
    choice(one, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], errors);
    ports(one, path, errors);
    let mut mounted = BTreeSet::new();
    for (index, mount) in list(one, "volumeMounts").iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        let name = text(mount, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else if !volumes.contains(name) {
            let mut error = FieldError::required(format!("{path}.name"), "");
            error.kind = apimachinery::FieldErrorKind::NotFound;
            error.value = Some(Value::from(name));
            errors.push(error);
        }
        let place = text(mount, "mountPath");
        if place.is_empty() {
            errors.push(FieldError::required(format!("{path}.mountPath"), ""));
        } else if !mounted.insert(place) {
            errors.push(FieldError::invalid(format!("{path}.mountPath"), place, "must be unique"));
        }
    }
    for (index, variable) in list(one, "env").iter().enumerate() {
        if text(variable, "name").is_empty() {
            errors.push(FieldError::required(format!("{path}.env[{index}].name"), ""));
        }
    }
    resources(&one["resources"], &format!("{path}.resources"), errors);
}

fn ports(one: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, port) in list(one, "ports").iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if wrong.is_empty() && !seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), name));
            }
            errors.extend(invalid(&format!("{path}.name"), name, wrong));
        }
        let number = port["containerPort"].as_i64().unwrap_or(0);
        if number == 0 {
            errors.push(FieldError::required(format!("{path}.containerPort"), ""));
        } else {
            for why in names::port_number(number) {
                errors.push(FieldError::invalid(format!("{path}.containerPort"), number, why));
            }
        }
        let protocol = text(port, "protocol");
        if !["TCP", "UDP", "SCTP"].contains(&protocol) {
            let supported = ["SCTP", "TCP", "UDP"];
            errors.push(FieldError::not_supported(
                format!("{path}.protocol"),
                protocol,
                &supported,
            ));
        }
    }
}

/// Requests and limits of a container.
fn resources(resources: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let limits = amounts(resources, "limits", path, errors);
    let requests = amounts(resources, "requests", path, errors);
    for (name, request) in &requests {
        let at = format!("{path}.requests");
        let shared = limits.iter().find(|(known, _)| known == name).map(|(_, limit)| limit);
        let overcommits = names::is_native_resource(name) && !name.starts_with("hugepages-");
        match shared {
            Some(limit) if !overcommits && request != limit => {
                let why = format!("must be equal to {name} limit of {limit}");
                errors.push(FieldError::invalid(at, request.to_string(), why));
            }
            Some(limit) if overcommits && request > limit => {
                let why = format!("must be less than or equal to {name} limit of {limit}");
                errors.push(FieldError::invalid(at, request.to_string(), why));
            }
            None if !overcommits => {
                let why = "Limit must be set for non overcommitable resources";
                errors.push(FieldError::required(format!("{path}.limits"), why));
            }
            _ => {}
        }
    }
}

fn amounts<'a>(
    resources: &'a Value,
    field: &str,
    path: &str,
    errors: &mut Vec<FieldError>,
) -> Vec<(&'a String, Quantity)> {
    let mut read = Vec::new();
    for (name, amount) in resources[field].as_object().into_iter().flatten() {
        let at = format!("{path}.{field}[{name}]");
        errors.extend(invalid(&at, name, names::qualified_name(name)));
        let standard = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage");
        if !name.contains('/') && !limits::standard_resource_name(name) {
            let why = "must be a standard resource type or fully qualified";
            errors.push(FieldError::invalid(&*at, name.as_str(), why));
        }
        if !name.contains('/') && !standard && !name.starts_with("hugepages-") {
            errors.push(FieldError::invalid(
                &*at,
                name.as_str(),
                "must be a standard resource for containers",
            ));
        }
        let Some(quantity) = amount.as_str().and_then(|text| Quantity::parse(text).ok()) else {
            continue;
        };
        if quantity.is_negative() {
            errors.push(FieldError::invalid(
                &*at,
                amount.clone(),
                "must be greater than or equal to 0",
            ));
        }
        if limits::integer_resource(name) && !quantity.is_integer() {
            errors.push(FieldError::invalid(&*at, amount.clone(), "must be an integer"));
        }
        read.push((name, quantity));
    }
    read
}

/// A pod that exists changes its images and little else.
pub(super) fn changed(object: &Value, old: &Value) -> Vec<FieldError> {
    let fixed = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        let map = crate::meta::as_map(&mut spec);
        for field in
            ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "nodeName"]
        {
            map.remove(field);
        }
        for field in ["containers", "initContainers"] {
            for container in map.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
            {
                crate::meta::as_map(container).remove("image");
            }
        }
        spec
    };
    if crate::kinds::same(&fixed(object), &fixed(old)) {
        return Vec::new();
    }
    let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    vec![FieldError::forbidden("spec", why)]
}
