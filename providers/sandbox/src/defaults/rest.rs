//! Defaults of bindings, classes, webhooks and definitions of custom resources.

use serde_json::{Value, json};

use super::{default, inside, items};
use crate::meta;

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn binding(object: &mut Value) {
    default(meta::map_at(object, "roleRef"), "apiGroup", RBAC);
    for subject in items(meta::as_map(object), "subjects") {
        let kind = subject.get("kind").and_then(Value::as_str);
        if matches!(kind, Some("User" | "Group")) {
            default(subject, "apiGroup", RBAC);
        }
    }
}

pub(super) fn priority_class(object: &mut Value) {
    default(meta::as_map(object), "preemptionPolicy", "PreemptLowerPriority");
}

pub(super) fn storage_class(object: &mut Value) {
    default(meta::as_map(object), "reclaimPolicy", "Delete");
    default(meta::as_map(object), "volumeBindingMode", "Immediate");
}

pub(super) fn webhooks(object: &mut Value) {
    let mutating = object["kind"] == "MutatingWebhookConfiguration";
    for hook in items(meta::as_map(object), "webhooks") {
        default(hook, "failurePolicy", "Fail");
        default(hook, "matchPolicy", "Equivalent");
        default(hook, "namespaceSelector", json!({}));
        default(hook, "objectSelector", json!({}));
        default(hook, "timeoutSeconds", 10);
        if mutating {
            default(hook, "reinvocationPolicy", "Never");
        }
        if let Some(service) =
            inside(hook, "clientConfig").and_then(|config| inside(config, "service"))
        {
            default(service, "port", 443);
        }
        for rule in items(hook, "rules") {
            default(rule, "scope", "*");
        }
    }
}

/// Of a `CustomResourceDefinition`: names that follow from the kind.
pub(super) fn definition(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    default(spec, "conversion", json!({"strategy": "None"}));
    if let Some(names) = inside(spec, "names") {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        default(names, "singular", kind.to_lowercase());
        default(names, "listKind", format!("{kind}List"));
    }
}
