//! The rules of metadata: names, labels, annotations, finalizers, owners.

use apimachinery::{FieldError, names};
use serde_json::Value;

use super::{invalid, list, text};
use crate::catalog::Served;

pub(super) fn created(served: &Served, object: &Value) -> Vec<FieldError> {
    let metadata = &object["metadata"];
    let mut errors = Vec::new();
    let name = text(metadata, "name");
    let generate = text(metadata, "generateName");
    if !generate.is_empty() {
        let prefix = generate.trim_end_matches('-');
        errors.extend(invalid("metadata.generateName", generate, name_rule(served)(prefix)));
    }
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(invalid("metadata.name", name, name_rule(served)(name)));
    }
    if served.resource.namespaced {
        let namespace = text(metadata, "namespace");
        if namespace.is_empty() {
            errors.push(FieldError::required("metadata.namespace", ""));
        } else {
            errors.extend(invalid(
                "metadata.namespace",
                namespace,
                names::dns_1123_label(namespace),
            ));
        }
    }
    errors.extend(common(metadata));
    errors
}

pub(super) fn changed(served: &Served, object: &Value, old: &Value) -> Vec<FieldError> {
    let (metadata, before) = (&object["metadata"], &old["metadata"]);
    let mut errors = Vec::new();
    for field in ["name", "namespace", "uid"] {
        if metadata[field] != before[field] {
            let path = format!("metadata.{field}");
            errors.push(FieldError::invalid(path, metadata[field].clone(), "field is immutable"));
        }
    }
    if !before["deletionTimestamp"].is_null() {
        let added: Vec<&Value> = list(metadata, "finalizers")
            .iter()
            .filter(|name| !list(before, "finalizers").contains(name))
            .collect();
        if !added.is_empty() {
            let shown: Vec<String> =
                added.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect();
            errors.push(FieldError::forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    shown.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
                ),
            ));
        }
    }
    errors.extend(common(metadata));
    // For these kinds the real server checks the same rules twice, and says so twice.
    if matches!(served.table.as_str(), "configmaps" | "secrets" | "serviceaccounts" | "services") {
        errors.extend(common(metadata));
    }
    errors
}

fn common(metadata: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    labels(&metadata["labels"], "metadata.labels", &mut errors);
    let mut size = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        // Keys of annotations may have capitals in their domain.
        errors.extend(invalid(
            "metadata.annotations",
            key,
            names::qualified_name(&key.to_lowercase()),
        ));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > names::ANNOTATIONS_MAX {
        errors.push(FieldError::too_long("metadata.annotations", names::ANNOTATIONS_MAX));
    }
    for (index, finalizer) in list(metadata, "finalizers").iter().enumerate() {
        let finalizer = finalizer.as_str().unwrap_or_default();
        let path = format!("metadata.finalizers[{index}]");
        errors.extend(invalid(&path, finalizer, names::qualified_name(finalizer)));
        let standard = matches!(finalizer, "orphan" | "foregroundDeletion" | "kubernetes");
        if !finalizer.contains('/') && !standard {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(path, finalizer, why));
        }
    }
    let mut controllers = 0;
    for (index, owner) in list(metadata, "ownerReferences").iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, field).is_empty() {
                let path = format!("metadata.ownerReferences[{index}].{field}");
                errors.push(FieldError::required(path, "must not be empty"));
            }
        }
        controllers += usize::from(owner["controller"] == true);
    }
    if controllers > 1 {
        let why = "Only one reference can have Controller set to true";
        let value = metadata["ownerReferences"].clone();
        errors.push(FieldError::invalid("metadata.ownerReferences", value, why));
    }
    errors
}

/// Complaints about a map of labels.
pub(super) fn labels(labels: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        errors.extend(invalid(path, key, names::qualified_name(key)));
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid(path, value, names::label_value(value)));
    }
}

fn name_rule(served: &Served) -> fn(&str) -> Vec<String> {
    match served.table.as_str() {
        "namespaces" => names::dns_1123_label,
        "services" => names::dns_1035_label,
        table if table.ends_with("rbac.authorization.k8s.io") => names::path_segment,
        _ => names::dns_1123_subdomain,
    }
}
