//! Defaults of pods and of the templates of pods.

use serde_json::{Map, Value, json};

use super::{default, inside, items, round_amounts, round_resources};
use crate::meta;

/// Of a pod itself: what templates do not get.
pub(super) fn pod(object: &mut Value) {
    let spec = meta::map_at(object, "spec");
    for field in ["containers", "initContainers"] {
        for container in items(spec, field) {
            requests_from_limits(container);
        }
    }
    default(spec, "enableServiceLinks", true);
    spec_defaults(spec);
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        for field in ["initContainers", "containers"] {
            for container in items(spec, field) {
                host_ports(container);
            }
        }
    }
}

/// On the node's network a port of a container is the same port of the node.
fn host_ports(container: &mut Map<String, Value>) {
    for port in items(container, "ports") {
        if let Some(number) = port.get("containerPort").cloned() {
            default(port, "hostPort", number);
        }
    }
}

/// Of a template inside a workload.
pub(super) fn template(template: &mut Map<String, Value>) {
    let spec = template.entry("spec").or_insert_with(|| Value::Object(Map::new()));
    spec_defaults(meta::as_map(spec));
}

/// A limit without a request is its own request.
fn requests_from_limits(container: &mut Map<String, Value>) {
    let Some(resources) = inside(container, "resources") else { return };
    let Some(limits) = inside(resources, "limits").cloned() else { return };
    let requests = resources.entry("requests").or_insert_with(|| Value::Object(Map::new()));
    for (name, amount) in limits {
        meta::as_map(requests).entry(name).or_insert(amount);
    }
}

fn spec_defaults(spec: &mut Map<String, Value>) {
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "restartPolicy", "Always");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", "default-scheduler");
    round_amounts(inside(spec, "overhead"));
    round_resources(spec);
    for field in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, field) {
            container_defaults(container);
        }
    }
    for volume in items(spec, "volumes") {
        volume_defaults(volume);
    }
}

fn container_defaults(container: &mut Map<String, Value>) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if tag(image) == "latest" { "Always" } else { "IfNotPresent" };
    default(container, "imagePullPolicy", policy);
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    round_resources(container);
    for port in items(container, "ports") {
        default(port, "protocol", "TCP");
    }
    for field in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = inside(container, field) {
            default(probe, "timeoutSeconds", 1);
            default(probe, "periodSeconds", 10);
            default(probe, "successThreshold", 1);
            default(probe, "failureThreshold", 3);
            http_get(probe);
            if let Some(grpc) = inside(probe, "grpc") {
                default(grpc, "service", "");
            }
        }
    }
    if let Some(lifecycle) = inside(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = inside(lifecycle, hook) {
                http_get(hook);
            }
        }
    }
    for variable in items(container, "env") {
        if let Some(source) = inside(variable, "valueFrom") {
            if let Some(field) = inside(source, "fieldRef") {
                default(field, "apiVersion", "v1");
            }
            if let Some(file) = inside(source, "fileKeyRef") {
                default(file, "optional", false);
            }
        }
    }
}

fn http_get(handler: &mut Map<String, Value>) {
    if let Some(get) = inside(handler, "httpGet") {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
}

/// The tag of an image; `latest` when it has neither tag nor digest.
fn tag(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.rsplit_once(':') {
        _ if name.contains('@') => "",
        Some((_, tag)) => tag,
        None => "latest",
    }
}

fn volume_defaults(volume: &mut Map<String, Value>) {
    if volume.keys().all(|field| field == "name") {
        default(volume, "emptyDir", json!({}));
    }
    for field in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = inside(volume, field) {
            default(source, "defaultMode", 420);
        }
    }
    if let Some(path) = inside(volume, "hostPath") {
        default(path, "type", "");
    }
    if let Some(source) = inside(volume, "downwardAPI") {
        downward_items(source);
    }
    if let Some(projected) = inside(volume, "projected") {
        for source in items(projected, "sources") {
            if let Some(token) = inside(source, "serviceAccountToken") {
                default(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = inside(source, "downwardAPI") {
                downward_items(downward);
            }
        }
    }
    if let Some(template) =
        inside(volume, "ephemeral").and_then(|it| inside(it, "volumeClaimTemplate"))
        && let Some(spec) = inside(template, "spec")
    {
        super::core::claim_spec(spec);
    }
}

fn downward_items(source: &mut Map<String, Value>) {
    for item in items(source, "items") {
        if let Some(field) = inside(item, "fieldRef") {
            default(field, "apiVersion", "v1");
        }
    }
}
