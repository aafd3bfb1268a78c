//! What a server does to objects of a kind beside storing them: what a request may
//! not touch, when the generation counts, what a new object's status is.
//!
//! A request is either about the object, and then cannot change the status, or about
//! a subresource, and then cannot change anything else.

use serde_json::{Value, json};

use crate::catalog::Served;
use crate::meta;
use crate::ssa::set::Set;

/// When a change makes the generation count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Never,
    /// When these fields differ; an empty list is no list.
    Changes(&'static [&'static str]),
    /// As `Changes`, but an empty list differs from none.
    StrictChanges(&'static [&'static str]),
    /// At creation only.
    Once,
    /// When anything beside metadata and status differs.
    AllButStatus,
}

fn counts(served: &Served) -> Counts {
    if served.custom {
        return Counts::AllButStatus;
    }
    match served.table.as_str() {
        "networkpolicies.networking.k8s.io" => Counts::StrictChanges(&["spec"]),
        "mutatingwebhookconfigurations.admissionregistration.k8s.io"
        | "validatingwebhookconfigurations.admissionregistration.k8s.io" => {
            Counts::StrictChanges(&["webhooks"])
        }
        "podtemplates" => Counts::Changes(&["template"]),
        "deployments.apps" => Counts::Changes(&["spec", "metadata.annotations"]),
        "priorityclasses.scheduling.k8s.io" => Counts::Once,
        "endpointslices.discovery.k8s.io" => {
            Counts::Changes(&["addressType", "endpoints", "ports", "metadata.labels"])
        }
        "pods"
        | "replicationcontrollers"
        | "daemonsets.apps"
        | "replicasets.apps"
        | "statefulsets.apps"
        | "jobs.batch"
        | "cronjobs.batch"
        | "ingresses.networking.k8s.io"
        | "ingressclasses.networking.k8s.io"
        | "poddisruptionbudgets.policy"
        | "resourceslices.resource.k8s.io"
        | "deviceclasses.resource.k8s.io"
        | "csidrivers.storage.k8s.io"
        | "flowschemas.flowcontrol.apiserver.k8s.io"
        | "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
        | "horizontalpodautoscalers.autoscaling"
        | "customresourcedefinitions.apiextensions.k8s.io"
        | "validatingadmissionpolicies.admissionregistration.k8s.io"
        | "mutatingadmissionpolicies.admissionregistration.k8s.io"
        | "validatingadmissionpolicybindings.admissionregistration.k8s.io"
        | "mutatingadmissionpolicybindings.admissionregistration.k8s.io" => {
            Counts::Changes(&["spec"])
        }
        _ => Counts::Never,
    }
}

/// What a request on the object (`""`) or a subresource cannot change, and so not own.
pub(crate) fn ignored(served: &Served, subresource: &str) -> Set {
    let has_status = served.resource.has_subresource("status");
    match (subresource, served.table.as_str()) {
        ("", "certificatesigningrequests.certificates.k8s.io") => {
            Set::of_fields(&[&["spec"], &["status"]])
        }
        ("", "pods") => Set::of_fields(&[&["status"]]),
        ("", _) if has_status => Set::of_fields(&[&["status"]]),
        ("status", "pods") => Set::of_fields(&[
            &["spec"],
            &["metadata", "deletionTimestamp"],
            &["metadata", "ownerReferences"],
        ]),
        ("status", "deployments.apps" | "replicasets.apps") => {
            Set::of_fields(&[&["spec"], &["metadata", "labels"]])
        }
        ("approval", _) => Set::of_fields(&[&["spec"], &["status", "certificate"]]),
        ("status", _) => Set::of_fields(&[&["spec"]]),
        _ => Set::default(),
    }
}

/// Makes a new object what the server stores at first.
pub(crate) fn prepare_create(served: &Served, object: &mut Value) {
    let has_status = served.resource.has_subresource("status");
    match served.table.as_str() {
        "namespaces" => {
            meta::as_map(object).insert("status".to_owned(), json!({"phase": "Active"}));
            let finalizers = meta::map_at(object, "spec");
            let list = finalizers.entry("finalizers").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut()
                && !list.contains(&Value::from("kubernetes"))
            {
                list.push(Value::from("kubernetes"));
            }
        }
        "pods" => {
            let qos = crate::controllers::scheduler::qos_class(object);
            let status = json!({"phase": "Pending", "qosClass": qos});
            meta::as_map(object).insert("status".to_owned(), status);
        }
        "persistentvolumeclaims" | "persistentvolumes" => {
            meta::as_map(object).insert("status".to_owned(), json!({"phase": "Pending"}));
        }
        // Kubelets register their nodes with a status.
        "nodes" => {}
        "services" => {
            let status = json!({"loadBalancer": {}});
            meta::as_map(object).insert("status".to_owned(), status);
        }
        _ if has_status => {
            meta::as_map(object).remove("status");
        }
        _ => {}
    }
    if served.table == "secrets" {
        merge_string_data(object);
    }
    if served.table == "certificatesigningrequests.certificates.k8s.io" {
        // The sandbox knows one user, whom `reviews` names.
        let spec = meta::map_at(object, "spec");
        spec.insert("username".to_owned(), json!("sandbox"));
        spec.insert("groups".to_owned(), json!(["system:masters", "system:authenticated"]));
    }
    if served.table == "daemonsets.apps" {
        set_template_generation(object, template_generation(object).max(1));
    }
    if counts(served) == Counts::Never {
        meta::unset(object, "generation");
    } else {
        meta::set(object, "generation", Value::from(1));
    }
}

/// Undoes what this request may not change, and counts the generation.
pub(crate) fn prepare_update(served: &Served, subresource: &str, object: &mut Value, old: &Value) {
    if served.table == "secrets" {
        merge_string_data(object);
    }
    if matches!(subresource, "status" | "approval") {
        restore_all_but_status(served, object, old);
        if subresource == "approval" {
            approve(object, old);
        }
    } else if served.resource.has_subresource("status") {
        restore(object, old, "status");
        if served.table == "namespaces" {
            // Only the `finalize` subresource removes these.
            let finalizers = old["spec"]["finalizers"].clone();
            if subresource != "finalize" && !finalizers.is_null() {
                meta::map_at(object, "spec").insert("finalizers".to_owned(), finalizers);
            }
        }
        if served.table.starts_with("certificatesigningrequests") {
            restore(object, old, "spec");
        }
    }
    let before = old["metadata"]["generation"].as_i64();
    let changed =
        !matches!(subresource, "status" | "approval") && spec_changed(served, object, old);
    if served.table == "daemonsets.apps" {
        let template = !same(&object["spec"]["template"], &old["spec"]["template"]);
        set_template_generation(object, template_generation(old) + i64::from(template));
    }
    let generation = before.map(|count| Value::from(count + i64::from(changed)));
    meta::put(object, "generation", generation);
}

/// What reading an object adds to it in the real server, before anybody's fields are recorded.
pub(crate) fn convert(served: &Served, object: &mut Value) {
    if served.table == "daemonsets.apps" {
        set_template_generation(object, template_generation(object));
    }
}

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn template_generation(object: &Value) -> i64 {
    let text = object["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The count of a daemon set's templates lives in an annotation; requests cannot change it.
fn set_template_generation(object: &mut Value, count: i64) {
    let annotations =
        meta::map_at(object, "metadata").entry("annotations").or_insert_with(|| json!({}));
    meta::as_map(annotations)
        .insert(TEMPLATE_GENERATION.to_owned(), Value::from(count.to_string()));
}

/// An approval is about the conditions alone.
fn approve(object: &mut Value, old: &Value) {
    let conditions = object["status"].get("conditions").cloned();
    let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
    if let Some(conditions) = conditions {
        meta::as_map(&mut status).insert("conditions".to_owned(), conditions);
    }
    meta::as_map(object).insert("status".to_owned(), status);
}

fn restore(object: &mut Value, old: &Value, field: &str) {
    match old.get(field) {
        Some(value) => meta::as_map(object).insert(field.to_owned(), value.clone()),
        None => meta::as_map(object).remove(field),
    };
}

fn restore_all_but_status(served: &Served, object: &mut Value, old: &Value) {
    let status = object.get("status").cloned();
    let labels = object["metadata"]["labels"].clone();
    let annotations = object["metadata"]["annotations"].clone();
    let managed = object["metadata"]["managedFields"].clone();
    let version = object["metadata"]["resourceVersion"].clone();
    *object = old.clone();
    match status {
        Some(status) => meta::as_map(object).insert("status".to_owned(), status),
        None => meta::as_map(object).remove("status"),
    };
    // Most kinds let a status request change labels and annotations; custom ones do not.
    if !served.custom {
        if !matches!(served.table.as_str(), "deployments.apps" | "replicasets.apps") {
            meta::put(object, "labels", Some(labels).filter(|value| !value.is_null()));
        }
        meta::put(object, "annotations", Some(annotations).filter(|value| !value.is_null()));
    }
    meta::put(object, "managedFields", Some(managed).filter(|value| !value.is_null()));
    meta::put(object, "resourceVersion", Some(version).filter(|value| !value.is_null()));
}

fn spec_changed(served: &Served, object: &Value, old: &Value) -> bool {
    let at = |object: &Value, path: &str| {
        path.split('.')
            .try_fold(object, |value, name| value.get(name))
            .cloned()
            .unwrap_or(Value::Null)
    };
    match counts(served) {
        Counts::Never | Counts::Once => false,
        Counts::Changes(paths) => paths.iter().any(|path| !same(&at(object, path), &at(old, path))),
        Counts::StrictChanges(paths) => paths.iter().any(|path| at(object, path) != at(old, path)),
        Counts::AllButStatus => {
            let rest = |object: &Value| {
                let mut object = object.clone();
                for field in ["metadata", "status"] {
                    meta::as_map(&mut object).remove(field);
                }
                object
            };
            rest(object) != rest(old)
        }
    }
}

/// Equal where an empty list or map is as good as none.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let names = x.keys().chain(y.keys());
            names.into_iter().all(|name| {
                let (x, y) =
                    (x.get(name).unwrap_or(&Value::Null), y.get(name).unwrap_or(&Value::Null));
                same(x, y)
            })
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (a, b) => a == b || (empty(a) && empty(b)),
    }
}

/// `stringData` is written into `data` and not kept.
fn merge_string_data(object: &mut Value) {
    use base64::Engine;
    let Some(Value::Object(texts)) = meta::as_map(object).remove("stringData") else { return };
    let data = meta::map_at(object, "data");
    for (name, text) in texts {
        let text = text.as_str().unwrap_or_default();
        data.insert(name, Value::from(base64::engine::general_purpose::STANDARD.encode(text)));
    }
}
