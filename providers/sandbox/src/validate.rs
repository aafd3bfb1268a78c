//! Which objects are refused, and for which of their fields.
//!
//! [`created`] and [`changed`] work on the normal form after defaulting and return
//! every complaint, in the real server's words. Kinds without a module here are held
//! to the rules of metadata alone; the README lists them.

mod core;
mod metadata;
mod network;
mod pod;
pub(crate) mod policy;
mod quota;
mod workloads;

use apimachinery::FieldError;
use serde_json::Value;

use crate::catalog::Served;

/// The complaints about a new object.
pub(crate) fn created(served: &Served, object: &Value) -> Vec<FieldError> {
    let mut errors = metadata::created(served, object);
    if let Some(definition) = &served.definition {
        errors.extend(definition.complaints(object, ""));
        return errors;
    }
    errors.extend(rules(served, object));
    if served.table == "priorityclasses.scheduling.k8s.io" {
        errors.extend(policy::priority_class_created(object));
    }
    errors
}

/// The complaints about a change.
pub(crate) fn changed(
    served: &Served,
    subresource: &str,
    object: &Value,
    old: &Value,
) -> Vec<FieldError> {
    let mut errors = metadata::changed(served, object, old);
    if let Some(definition) = &served.definition {
        errors.extend(definition.complaints(object, subresource));
        return errors;
    }
    match served.table.as_str() {
        "nodes" if subresource == "status" => errors.extend(core::node_status(object)),
        _ if subresource == "status" => {}
        "pods" => errors.extend(pod::changed(object, old)),
        table => {
            errors.extend(rules(served, object));
            errors.extend(match table {
                "configmaps" | "secrets" => core::data_changed(object, old),
                "resourcequotas" => quota::changed(object, old),
                "services" => network::service_changed(object, old),
                "deployments.apps" | "daemonsets.apps" | "replicasets.apps"
                | "statefulsets.apps" => workloads::changed(served, object, old),
                "rolebindings.rbac.authorization.k8s.io"
                | "clusterrolebindings.rbac.authorization.k8s.io" => {
                    core::binding_changed(object, old)
                }
                "priorityclasses.scheduling.k8s.io" => policy::priority_class_changed(object, old),
                _ => Vec::new(),
            });
        }
    }
    errors
}

/// The rules that hold for new and changed objects alike.
fn rules(served: &Served, object: &Value) -> Vec<FieldError> {
    match served.table.as_str() {
        "configmaps" => core::config_map(object),
        "secrets" => core::secret(object),
        "nodes" => core::node_status(object),
        "limitranges" => {
            let items = object["spec"]["limits"].as_array().map_or(&[][..], Vec::as_slice);
            apimachinery::limits::validate_items(items)
        }
        "resourcequotas" => quota::created(object),
        "networkpolicies.networking.k8s.io" => network::policy(object),
        "services" => network::service(object),
        "pods" => pod::pod_spec(&object["spec"], "spec"),
        "deployments.apps" | "daemonsets.apps" | "replicasets.apps" | "statefulsets.apps" => {
            workloads::created(served, object)
        }
        "rolebindings.rbac.authorization.k8s.io"
        | "clusterrolebindings.rbac.authorization.k8s.io" => core::binding(object),
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            core::role(object)
        }
        "priorityclasses.scheduling.k8s.io" => policy::priority_class(object),
        "poddisruptionbudgets.policy" => policy::disruption_budget(object),
        _ => Vec::new(),
    }
}

/// The list under a field; empty where there is none.
fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// Complaints that are texts, about one field.
fn invalid(field: &str, value: &str, why: Vec<String>) -> impl Iterator<Item = FieldError> {
    why.into_iter().map(move |why| FieldError::invalid(field, value, why))
}

/// A field that may not change any more.
fn immutable(field: &str, object: &Value, old: &Value) -> Option<FieldError> {
    (!crate::kinds::same(object, old))
        .then(|| FieldError::invalid(field, object.clone(), "field is immutable"))
}
