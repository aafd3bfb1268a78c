//! Rules of `ConfigMap`, `Secret`, the status of `Node`, and RBAC.

use apimachinery::selector::LabelSelector;
use apimachinery::{FieldError, Quantity, limits, names};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{immutable, invalid, list, text};

/// The most bytes of all data of a map or secret together.
const DATA_MAX: usize = 1024 * 1024;
/// The annotation that says whose token a secret holds.
const ACCOUNT: &str = "kubernetes.io/service-account.name";

pub(super) fn config_map(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        errors.extend(invalid(&format!("data[{key}]"), key, names::config_map_key(key)));
        if object["binaryData"].get(key).is_some() {
            let why = "duplicate of key present in binaryData";
            errors.push(FieldError::invalid(format!("data[{key}]"), key.as_str(), why));
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        errors.extend(invalid(&format!("binaryData[{key}]"), key, names::config_map_key(key)));
        size += value.as_str().map_or(0, |text| text.len() / 4 * 3);
    }
    if size > DATA_MAX {
        // The real server names the whole object here, with an empty path.
        errors.push(FieldError::too_long("", DATA_MAX));
    }
    errors
}

pub(super) fn secret(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        errors.extend(invalid(&format!("data[{key}]"), key, names::config_map_key(key)));
        size += value.as_str().map_or(0, |text| text.len() / 4 * 3);
    }
    if size > DATA_MAX {
        errors.push(FieldError::too_long("data", DATA_MAX));
    }
    let needs: &[&str] = match text(object, "type") {
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    let has = |key: &str| object["data"].get(key).is_some();
    for key in needs.iter().filter(|key| !has(key)) {
        errors.push(FieldError::required(format!("data[{key}]"), ""));
    }
    match text(object, "type") {
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            for key in ["username", "password"] {
                errors.push(FieldError::required(format!("data[{key}]"), ""));
            }
        }
        "kubernetes.io/service-account-token"
            if text(&object["metadata"]["annotations"], ACCOUNT).is_empty() =>
        {
            errors.push(FieldError::required(format!("metadata.annotations[{ACCOUNT}]"), ""));
        }
        "kubernetes.io/dockercfg" => errors.extend(not_json(object, ".dockercfg")),
        "kubernetes.io/dockerconfigjson" => errors.extend(not_json(object, ".dockerconfigjson")),
        _ => {}
    }
    errors
}

/// Data that must be JSON and is not. The real server says where, in the words of its parser.
fn not_json(object: &Value, key: &str) -> Option<FieldError> {
    let text = object["data"][key].as_str()?;
    let bytes = STANDARD.decode(text).ok()?;
    serde_json::from_slice::<Value>(&bytes).err()?;
    let hidden = "<secret contents redacted>";
    Some(FieldError::invalid(format!("data[{key}]"), hidden, "is not JSON"))
}

/// Maps and secrets that are marked immutable keep their data and their mark.
pub(super) fn data_changed(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if object["kind"] == "Secret" {
        errors.extend(immutable("type", &object["type"], &old["type"]));
    }
    if old["immutable"] != true {
        return errors;
    }
    let why = "field is immutable when `immutable` is set";
    if object["immutable"] != true {
        errors.push(FieldError::forbidden("immutable", why));
    }
    for field in ["data", "binaryData"] {
        if !crate::kinds::same(&object[field], &old[field]) {
            errors.push(FieldError::forbidden(field, why));
        }
    }
    errors
}

/// Amounts of a node: not negative, and whole where they are counted.
pub(super) fn node_status(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["capacity", "allocatable"] {
        for (name, amount) in object["status"][field].as_object().into_iter().flatten() {
            let path = format!("status.{field}.{name}");
            errors.extend(invalid(&path, name, names::qualified_name(name)));
            let Some(quantity) = amount.as_str().and_then(|text| Quantity::parse(text).ok()) else {
                continue;
            };
            if quantity.is_negative() {
                let why = "must be greater than or equal to 0";
                errors.push(FieldError::invalid(path, amount.clone(), why));
            } else if limits::integer_resource(name) && !quantity.is_integer() {
                errors.push(FieldError::invalid(path, amount.clone(), "must be an integer"));
            }
        }
    }
    errors
}

pub(super) fn binding(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let role = &object["roleRef"];
    if text(role, "apiGroup") != "rbac.authorization.k8s.io" {
        let supported = ["rbac.authorization.k8s.io"];
        errors.push(FieldError::not_supported(
            "roleRef.apiGroup",
            text(role, "apiGroup"),
            &supported,
        ));
    }
    let kinds: &[&str] = if object["kind"] == "ClusterRoleBinding" {
        &["ClusterRole"]
    } else {
        &["Role", "ClusterRole"]
    };
    if !kinds.contains(&text(role, "kind")) {
        errors.push(FieldError::not_supported("roleRef.kind", text(role, "kind"), kinds));
    }
    if text(role, "name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    } else {
        errors.extend(invalid(
            "roleRef.name",
            text(role, "name"),
            names::path_segment(text(role, "name")),
        ));
    }
    for (index, subject) in list(object, "subjects").iter().enumerate() {
        subject_errors(object, subject, &format!("subjects[{index}]"), &mut errors);
    }
    errors
}

fn subject_errors(object: &Value, subject: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if text(subject, "name").is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    }
    let group = text(subject, "apiGroup");
    match text(subject, "kind") {
        "ServiceAccount" => {
            if !group.is_empty() {
                errors.push(FieldError::not_supported(format!("{path}.apiGroup"), group, &[""]));
            }
            if text(subject, "namespace").is_empty() && object["kind"] == "ClusterRoleBinding" {
                errors.push(FieldError::required(format!("{path}.namespace"), ""));
            }
        }
        "User" | "Group" => {
            let wanted = "rbac.authorization.k8s.io";
            if group != wanted {
                errors.push(FieldError::not_supported(
                    format!("{path}.apiGroup"),
                    group,
                    &[wanted],
                ));
            }
        }
        other => {
            let supported = ["ServiceAccount", "User", "Group"];
            errors.push(FieldError::not_supported(format!("{path}.kind"), other, &supported));
        }
    }
}

pub(super) fn binding_changed(object: &Value, old: &Value) -> Vec<FieldError> {
    if object["roleRef"] == old["roleRef"] {
        return Vec::new();
    }
    // The real server shows its internal form, with capital names.
    let role = &object["roleRef"];
    let shown = serde_json::json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]});
    vec![FieldError::invalid("roleRef", shown, "cannot change roleRef")]
}

pub(super) fn role(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, rule) in list(object, "rules").iter().enumerate() {
        let path = format!("rules[{index}]");
        if list(rule, "verbs").is_empty() {
            errors.push(FieldError::required(
                format!("{path}.verbs"),
                "verbs must contain at least one value",
            ));
        }
        if !list(rule, "nonResourceURLs").is_empty() {
            let mut wrong = |why: &str| {
                let value = rule["nonResourceURLs"].clone();
                errors.push(FieldError::invalid(format!("{path}.nonResourceURLs"), value, why));
            };
            if object["kind"] == "Role" {
                wrong("namespaced rules cannot apply to non-resource URLs");
            }
            let resources = ["apiGroups", "resources", "resourceNames"];
            if resources.iter().any(|field| !list(rule, field).is_empty()) {
                wrong("rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if list(rule, "apiGroups").is_empty() {
            let why = "resource rules must supply at least one api group";
            errors.push(FieldError::required(format!("{path}.apiGroups"), why));
        }
        if list(rule, "resources").is_empty() {
            let why = "resource rules must supply at least one resource";
            errors.push(FieldError::required(format!("{path}.resources"), why));
        }
    }
    aggregation(object, &mut errors);
    errors
}

/// Whose rules a role gathers.
fn aggregation(object: &Value, errors: &mut Vec<FieldError>) {
    if object["aggregationRule"].is_null() {
        return;
    }
    let path = "aggregationRule.clusterRoleSelectors";
    let selectors = list(&object["aggregationRule"], "clusterRoleSelectors");
    if selectors.is_empty() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(FieldError::required(path, why));
    }
    for (index, selector) in selectors.iter().enumerate() {
        let path = format!("{path}[{index}]");
        super::network::selector(selector, &path, errors);
        if LabelSelector::from_object(selector).is_err() {
            errors.push(FieldError::invalid(path, Value::Null, "invalid label selector."));
        }
    }
}
