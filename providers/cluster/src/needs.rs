//! What must exist before an object, when the same configuration declares it.
//!
//! Names that nothing declares are ignored by the planner, so it costs nothing to name what
//! may exist.

use crate::api::ObjectRef;
use crate::definition;
use apimachinery::discovery;
use plans::{Identity, ObjectKey};
use provider::PlanRequest;
use values::Value;

/// Kinds of which a configuration has very many, and which name no other object: they need not be
/// put together to find that out.
const REFER_TO_NOTHING: &[(&str, &str)] = &[
    ("v1", "ConfigMap"),
    ("v1", "LimitRange"),
    ("v1", "Namespace"),
    ("v1", "ResourceQuota"),
    ("v1", "Secret"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
];

/// Keys of what the object needs: its namespace, the definition of its kind, and what its
/// specification refers to by name.
pub(crate) fn needs(identity: &Identity, intent: impl FnOnce() -> Value) -> Vec<ObjectKey> {
    let text = |name: &str| identity.args.get(name).and_then(Value::as_str).unwrap_or("");
    let (version, kind, namespace) = (text("api_version"), text("kind"), text("namespace"));
    let mut keys = Vec::new();
    if !namespace.is_empty() {
        keys.push(ObjectRef::cluster_wide("v1", "Namespace", namespace).key());
    }
    let (group, _) = discovery::split_api_version(version);
    if !group.is_empty() && discovery::by_kind(version, kind).is_none() {
        keys.push(definition::kind_key(group, kind));
    }
    if !REFER_TO_NOTHING.contains(&(version, kind)) {
        keys.extend(references(kind, namespace, &intent()));
    }
    keys.retain(|key| *key != identity.key);
    keys.sort();
    keys.dedup();
    keys
}

/// Why nothing can be asked about the object yet: what it lives in is created by this plan.
pub(crate) fn created_here(request: &PlanRequest<'_>) -> Option<String> {
    let text = |name: &str| request.identity.args.get(name).and_then(Value::as_str).unwrap_or("");
    let namespace = text("namespace");
    let key = ObjectRef::cluster_wide("v1", "Namespace", namespace).key();
    if !namespace.is_empty() && request.created.contains(&key) {
        return Some(format!("namespace `{namespace}` is created by this plan"));
    }
    None
}

/// Whether this plan brings or changes the definition of the object's kind, so that the
/// server's no is not the last word.
pub(crate) fn defined_here(request: &PlanRequest<'_>) -> bool {
    let text = |name: &str| request.identity.args.get(name).and_then(Value::as_str).unwrap_or("");
    let (group, _) = discovery::split_api_version(text("api_version"));
    request.created.contains(&definition::kind_key(group, text("kind")))
}

/// What the specification names.
fn references(kind: &str, namespace: &str, intent: &Value) -> Vec<ObjectKey> {
    let mut found = Vec::new();
    let inside = |version: &str, kind: &str, name: &str| {
        ObjectRef::namespaced(version, kind, namespace, name).key()
    };
    let wide =
        |version: &str, kind: &str, name: &str| ObjectRef::cluster_wide(version, kind, name).key();
    if let Some(pod) = pod_spec(kind, intent) {
        let text = |name: &str| pod.get(name).and_then(Value::as_str);
        found.extend(text("serviceAccountName").map(|n| inside("v1", "ServiceAccount", n)));
        found.extend(
            text("priorityClassName").map(|n| wide("scheduling.k8s.io/v1", "PriorityClass", n)),
        );
        found.extend(text("runtimeClassName").map(|n| wide("node.k8s.io/v1", "RuntimeClass", n)));
        named(pod, &mut |kind, name| found.push(inside("v1", kind, name)));
        found.extend(pull_secrets(pod).map(|n| inside("v1", "Secret", n)));
    }
    if kind == "ServiceAccount" {
        found.extend(pull_secrets(intent).map(|n| inside("v1", "Secret", n)));
    }
    if let Some(role) = intent.get("roleRef") {
        let text = |name: &str| role.get(name).and_then(Value::as_str);
        match (text("kind"), text("name")) {
            (Some("Role"), Some(n)) => {
                found.push(inside("rbac.authorization.k8s.io/v1", "Role", n));
            }
            (Some("ClusterRole"), Some(n)) => {
                found.push(wide("rbac.authorization.k8s.io/v1", "ClusterRole", n));
            }
            _ => {}
        }
        for subject in intent.get("subjects").and_then(Value::as_list).unwrap_or(&[]) {
            let text = |name: &str| subject.get(name).and_then(Value::as_str);
            if let (Some("ServiceAccount"), Some(name)) = (text("kind"), text("name")) {
                let of = text("namespace").unwrap_or(namespace);
                found.push(ObjectRef::namespaced("v1", "ServiceAccount", of, name).key());
            }
        }
    }
    found
}

/// The Secrets that images are fetched with.
fn pull_secrets(of: &Value) -> impl Iterator<Item = &str> {
    let list = of.get("imagePullSecrets").and_then(Value::as_list).unwrap_or(&[]);
    list.iter().filter_map(|secret| secret.get("name").and_then(Value::as_str))
}

fn pod_spec<'a>(kind: &str, intent: &'a Value) -> Option<&'a Value> {
    let spec = intent.get("spec")?;
    match kind {
        "Pod" => Some(spec),
        "CronJob" => spec.get("jobTemplate")?.get("spec")?.get("template")?.get("spec"),
        _ => spec.get("template")?.get("spec"),
    }
}

/// Every `ConfigMap`, Secret and claim that a pod names, wherever in it.
fn named(value: &Value, found: &mut impl FnMut(&'static str, &str)) {
    match value {
        Value::List(items) => items.iter().for_each(|item| named(item, found)),
        Value::Map(map) => {
            for (name, value) in map.iter() {
                let (kind, field) = match &**name {
                    "configMap" | "configMapRef" | "configMapKeyRef" => ("ConfigMap", "name"),
                    "secretRef" | "secretKeyRef" => ("Secret", "name"),
                    "secret" => ("Secret", "secretName"),
                    "persistentVolumeClaim" => ("PersistentVolumeClaim", "claimName"),
                    _ => {
                        named(value, found);
                        continue;
                    }
                };
                // In a projected volume a Secret is named as everything else is.
                let text = |field: &str| value.get(field).and_then(Value::as_str);
                if let Some(referred) = text(field).or_else(|| text("name")) {
                    found(kind, referred);
                }
            }
        }
        _ => {}
    }
}
