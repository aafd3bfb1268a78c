//! Objects as rows of a table, which is what `kubectl get` shows, and as bare metadata.
//!
//! The columns are the real server's, recorded; the cells are computed here for the
//! kinds that people look at. A column that is not computed shows `<none>`.

use apimachinery::discovery::{self, Column};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::catalog::Served;
use crate::handlers::read::{self, Page};
use crate::meta;

/// How a client wants to see what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Whole objects.
    Full,
    /// Rows of a table.
    Table,
    /// Metadata alone.
    Metadata,
}

impl Shape {
    /// What an `Accept` header asks for first.
    pub(crate) fn wanted(accept: &str) -> Self {
        for choice in accept.split(',') {
            let has = |part: &str| choice.split(';').any(|found| found.trim() == part);
            if has("as=Table") && has("v=v1") {
                return Self::Table;
            }
            if has("as=PartialObjectMetadata") || has("as=PartialObjectMetadataList") {
                return Self::Metadata;
            }
            if choice.trim().starts_with("application/json") && !choice.contains("as=") {
                return Self::Full;
            }
        }
        Self::Full
    }

    /// One object in this shape.
    pub(crate) fn one(self, served: &Served, object: &Value, now: Timestamp) -> Value {
        match self {
            Self::Full => object.clone(),
            Self::Metadata => metadata_only(object),
            Self::Table => {
                let version = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                table(served, version, std::iter::once(object), now)
            }
        }
    }

    /// The list of a page in this shape, as it goes over the wire.
    pub(crate) fn many(self, served: &Served, page: &Page, now: Timestamp) -> String {
        let items = || page.items.iter().map(|object| object.peek());
        let list = match self {
            Self::Full => return read::list_text(served, page),
            Self::Table => {
                let items: Vec<_> = items().collect();
                table(served, page.metadata.clone(), items.iter().map(|object| &**object), now)
            }
            Self::Metadata => json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": page.metadata,
                "items": items().map(|object| metadata_only(&object)).collect::<Vec<_>>(),
            }),
        };
        list.to_string()
    }
}

fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

fn table<'a>(
    served: &Served,
    metadata: Value,
    items: impl Iterator<Item = &'a Value>,
    now: Timestamp,
) -> Value {
    let columns = columns(served);
    let definitions: Vec<Value> = columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": column.kind,
                "format": column.format,
                "description": "",
                "priority": column.priority,
            })
        })
        .collect();
    let rows: Vec<Value> = items
        .map(|object| {
            let cells: Vec<Value> =
                columns.iter().map(|column| cell(served, column, object, now)).collect();
            json!({"cells": cells, "object": metadata_only(object)})
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

fn columns(served: &Served) -> Vec<Column> {
    if let Some(columns) = discovery::columns(&served.resource) {
        return columns.to_vec();
    }
    let column = |name: &str, kind: &str, format: &str| Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: format.to_owned(),
        priority: 0,
    };
    let age = if served.custom { ("Age", "date") } else { ("Created At", "date") };
    vec![column("Name", "string", "name"), column(age.0, age.1, "")]
}

fn cell(served: &Served, column: &Column, object: &Value, now: Timestamp) -> Value {
    let (spec, status) = (&object["spec"], &object["status"]);
    let text = |value: &Value| match value {
        Value::Null => json!("<none>"),
        Value::String(text) if text.is_empty() => json!("<none>"),
        Value::String(text) => json!(text),
        other => json!(other.to_string()),
    };
    let number = |value: &Value| json!(value.as_i64().unwrap_or(0));
    match (served.table.as_str(), column.name.as_str()) {
        (_, "Name") => object["metadata"]["name"].clone(),
        (_, "Created At") => object["metadata"]["creationTimestamp"].clone(),
        (_, "Age") => json!(age(object, now)),
        ("namespaces" | "persistentvolumeclaims" | "persistentvolumes", "Status") => {
            text(&status["phase"])
        }
        ("configmaps", "Data") => {
            let count = |field: &str| object[field].as_object().map_or(0, serde_json::Map::len);
            json!((count("data") + count("binaryData")).to_string())
        }
        ("secrets", "Data") => json!(object["data"].as_object().map_or(0, serde_json::Map::len)),
        ("secrets" | "services", "Type") => {
            text(if served.table == "secrets" { &object["type"] } else { &spec["type"] })
        }
        ("services", "Cluster-IP") => text(&spec["clusterIP"]),
        ("services", "Port(s)") => json!(ports(spec)),
        ("pods", "Ready") => json!(ready(object)),
        ("pods", "Status") => json!(pod_status(object)),
        ("pods", "Restarts") => json!("0"),
        ("pods", "IP") => text(&status["podIP"]),
        ("pods", "Node") => text(&spec["nodeName"]),
        ("nodes", "Status") => json!(node_status(object)),
        ("nodes", "Roles") => json!(node_roles(object)),
        ("nodes", "Version") => text(&status["nodeInfo"]["kubeletVersion"]),
        ("nodes", "Internal-IP") => text(&status["addresses"][0]["address"]),
        ("nodes", "OS-Image") => text(&status["nodeInfo"]["osImage"]),
        ("nodes", "Kernel-Version") => text(&status["nodeInfo"]["kernelVersion"]),
        ("nodes", "Container-Runtime") => text(&status["nodeInfo"]["containerRuntimeVersion"]),
        ("deployments.apps" | "statefulsets.apps", "Ready") => {
            let ready = status["readyReplicas"].as_i64().unwrap_or(0);
            json!(format!("{ready}/{}", spec["replicas"].as_i64().unwrap_or(0)))
        }
        ("deployments.apps", "Up-to-date") => number(&status["updatedReplicas"]),
        ("deployments.apps", "Available") => number(&status["availableReplicas"]),
        ("replicasets.apps", "Desired") => number(&spec["replicas"]),
        ("replicasets.apps", "Current") => number(&status["replicas"]),
        ("replicasets.apps", "Ready") => number(&status["readyReplicas"]),
        ("daemonsets.apps", "Desired") => number(&status["desiredNumberScheduled"]),
        ("daemonsets.apps", "Current") => number(&status["currentNumberScheduled"]),
        ("daemonsets.apps", "Ready") => number(&status["numberReady"]),
        ("daemonsets.apps", "Up-to-date") => number(&status["updatedNumberScheduled"]),
        ("daemonsets.apps", "Available") => number(&status["numberAvailable"]),
        ("resourcequotas", "Request") => json!(quota(object, false)),
        ("resourcequotas", "Limit") => json!(quota(object, true)),
        ("networkpolicies.networking.k8s.io", "Pod-Selector") => {
            json!(selector(&spec["podSelector"]))
        }
        ("poddisruptionbudgets.policy", "Allowed Disruptions") => {
            number(&status["disruptionsAllowed"])
        }
        (_, "Containers") => json!(of_containers(spec, "name")),
        (_, "Images") => json!(of_containers(spec, "image")),
        (_, "Selector") => json!(selector_of(spec)),
        ("poddisruptionbudgets.policy", "Min Available") => or_not_there(&spec["minAvailable"]),
        ("poddisruptionbudgets.policy", "Max Unavailable") => or_not_there(&spec["maxUnavailable"]),
        (_, _) if column.kind == "integer" => json!(0),
        _ => json!("<none>"),
    }
}

/// The time since an object was made, in the two largest units that matter.
fn age(object: &Value, now: Timestamp) -> String {
    let Ok(since) = meta::text(object, "creationTimestamp").parse::<Timestamp>() else {
        return "<unknown>".to_owned();
    };
    let seconds = now.as_second().saturating_sub(since.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let with_rest = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{small}") }
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => with_rest(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with_rest(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with_rest(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

fn ports(spec: &Value) -> String {
    let ports = spec["ports"].as_array().cloned().unwrap_or_default();
    if ports.is_empty() {
        return "<none>".to_owned();
    }
    let shown = ports.iter().map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        match port["nodePort"].as_i64() {
            Some(node) => format!("{}:{node}/{protocol}", port["port"]),
            None => format!("{}/{protocol}", port["port"]),
        }
    });
    shown.collect::<Vec<_>>().join(",")
}

fn ready(pod: &Value) -> String {
    let statuses = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    format!("{ready}/{}", pod["spec"]["containers"].as_array().map_or(0, Vec::len))
}

fn pod_status(pod: &Value) -> &str {
    if meta::is_terminating(pod) {
        return "Terminating";
    }
    pod["status"]["phase"].as_str().unwrap_or("Unknown")
}

fn node_status(node: &Value) -> String {
    let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
    let mut shown = if ready { "Ready" } else { "NotReady" }.to_owned();
    if node["spec"]["unschedulable"] == true {
        shown.push_str(",SchedulingDisabled");
    }
    shown
}

fn node_roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    let roles: Vec<String> = labels
        .keys()
        .filter_map(|key| key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned))
        .collect();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn of_containers(spec: &Value, field: &str) -> String {
    let containers = spec["template"]["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let values: Vec<&str> = containers.iter().filter_map(|one| one[field].as_str()).collect();
    values.join(",")
}

/// Services select by a plain map, workloads by a selector.
fn selector_of(spec: &Value) -> String {
    let selector_object = match &spec["selector"] {
        plain if plain["matchLabels"].is_null() && plain["matchExpressions"].is_null() => {
            json!({"matchLabels": plain})
        }
        selector => selector.clone(),
    };
    selector(&selector_object)
}

fn or_not_there(value: &Value) -> Value {
    match value {
        Value::Null => json!("N/A"),
        Value::String(text) => json!(text),
        other => json!(other.to_string()),
    }
}

fn quota(quota: &Value, limits: bool) -> String {
    let hard = quota["status"]["hard"].as_object().cloned().unwrap_or_default();
    let shown = hard.iter().filter(|(name, _)| name.starts_with("limits.") == limits).map(
        |(name, hard)| {
            let used = quota["status"]["used"][name].as_str().unwrap_or("0");
            format!("{name}: {used}/{}", hard.as_str().unwrap_or_default())
        },
    );
    shown.collect::<Vec<_>>().join(", ")
}

fn selector(selector: &Value) -> String {
    let text = apimachinery::selector::LabelSelector::from_object(selector)
        .map(|selector| selector.to_string())
        .unwrap_or_default();
    if text.is_empty() { "<none>".to_owned() } else { text }
}
