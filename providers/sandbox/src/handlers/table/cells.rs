//! What stands in the cells of a table, for the kinds that people look at. A column that is not
//! computed shows `<none>`.

use apimachinery::discovery::Column;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::catalog::Served;
use crate::custom::columns;
use crate::meta;

pub(super) fn cell(served: &Served, column: &Column, object: &Value, now: Timestamp) -> Value {
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
        ("daemonsets.apps", "Node Selector") => {
            json!(pairs(&spec["template"]["spec"]["nodeSelector"]))
        }
        ("cronjobs.batch", "Schedule") => text(&spec["schedule"]),
        ("cronjobs.batch", "Timezone") => text(&spec["timeZone"]),
        ("cronjobs.batch", "Suspend") => {
            json!(if shown_bool(&spec["suspend"]) { "True" } else { "False" })
        }
        ("cronjobs.batch", "Active") => json!(status["active"].as_array().map_or(0, Vec::len)),
        ("cronjobs.batch", "Containers") => {
            json!(of_containers(&spec["jobTemplate"]["spec"], "name"))
        }
        ("cronjobs.batch", "Images") => json!(of_containers(&spec["jobTemplate"]["spec"], "image")),
        ("jobs.batch", "Status") => json!(job_status(object)),
        ("jobs.batch", "Completions") => {
            let wanted = spec["completions"].as_i64().unwrap_or(1);
            json!(format!("{}/{wanted}", status["succeeded"].as_i64().unwrap_or(0)))
        }
        ("jobs.batch", "Duration") if status["startTime"].is_null() => json!(""),
        (
            "rolebindings.rbac.authorization.k8s.io"
            | "clusterrolebindings.rbac.authorization.k8s.io",
            name,
        ) => binding(object, name),
        ("ingresses.networking.k8s.io", name) => ingress(object, name),
        ("priorityclasses.scheduling.k8s.io", "Value") => object["value"].clone(),
        ("priorityclasses.scheduling.k8s.io", "Global-Default") => {
            json!(shown_bool(&object["globalDefault"]))
        }
        ("priorityclasses.scheduling.k8s.io", "PreemptionPolicy") => {
            text(&object["preemptionPolicy"])
        }
        ("storageclasses.storage.k8s.io", "Provisioner") => text(&object["provisioner"]),
        ("storageclasses.storage.k8s.io", "ReclaimPolicy") => text(&object["reclaimPolicy"]),
        ("storageclasses.storage.k8s.io", "VolumeBindingMode") => {
            text(&object["volumeBindingMode"])
        }
        ("storageclasses.storage.k8s.io", "AllowVolumeExpansion") => {
            json!(shown_bool(&object["allowVolumeExpansion"]))
        }
        ("leases.coordination.k8s.io", "Holder") => {
            json!(spec["holderIdentity"].as_str().unwrap_or_default())
        }
        ("runtimeclasses.node.k8s.io", "Handler") => text(&object["handler"]),
        ("ingressclasses.networking.k8s.io", "Controller") => text(&spec["controller"]),
        ("persistentvolumeclaims" | "persistentvolumes", name) => volume(served, object, name),
        ("certificatesigningrequests.certificates.k8s.io", name) => signing(object, name),
        ("horizontalpodautoscalers.autoscaling", name) => autoscaler(object, name),
        (
            "validatingwebhookconfigurations.admissionregistration.k8s.io"
            | "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "Webhooks",
        ) => json!(object["webhooks"].as_array().map_or(0, Vec::len)),
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
    since_text(meta::text(object, "creationTimestamp"), now)
}

fn since_text(since: &str, now: Timestamp) -> String {
    match since.parse::<Timestamp>() {
        Ok(since) => duration(now.as_second().saturating_sub(since.as_second()).max(0)),
        Err(_) => "<unknown>".to_owned(),
    }
}

fn duration(seconds: i64) -> String {
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

/// The value at a path of a definition's column; null where there is none.
pub(super) fn at_path(column: &Column, path: &str, object: &Value, now: Timestamp) -> Value {
    let Some(found) = columns::first(object, path) else { return Value::Null };
    match (column.kind.as_str(), found) {
        ("date", Value::String(since)) => json!(since_text(since, now)),
        ("integer" | "number" | "boolean", value) => value.clone(),
        (_, Value::String(text)) => json!(text),
        (_, other) => json!(other.to_string()),
    }
}

fn shown_bool(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

/// `a=b,c=d`, in order.
fn pairs(map: &Value) -> String {
    let entries = map.as_object().into_iter().flatten();
    let shown: Vec<String> = entries
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    if shown.is_empty() { "<none>".to_owned() } else { shown.join(",") }
}

fn job_status(job: &Value) -> &'static str {
    let conditions = job["status"]["conditions"].as_array();
    let is = |kind: &str| {
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == kind && one["status"] == "True")
    };
    match () {
        () if is("Complete") => "Complete",
        () if is("Failed") => "Failed",
        () if meta::is_terminating(job) => "Terminating",
        () if is("Suspended") => "Suspended",
        () => "Running",
    }
}

fn binding(object: &Value, column: &str) -> Value {
    let (reference, subjects) = (&object["roleRef"], object["subjects"].as_array());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_kind = |kind: &str| {
        let shown = subjects.into_iter().flatten().filter(|subject| subject["kind"] == kind);
        let shown: Vec<String> = shown
            .map(|subject| match subject["namespace"].as_str() {
                Some(namespace) => format!("{namespace}/{}", text(&subject["name"])),
                None => text(&subject["name"]),
            })
            .collect();
        json!(shown.join(", "))
    };
    match column {
        "Role" => json!(format!("{}/{}", text(&reference["kind"]), text(&reference["name"]))),
        "Users" => of_kind("User"),
        "Groups" => of_kind("Group"),
        _ => of_kind("ServiceAccount"),
    }
}

fn ingress(object: &Value, column: &str) -> Value {
    let spec = &object["spec"];
    let rules = spec["rules"].as_array();
    match column {
        "Class" => json!(spec["ingressClassName"].as_str().unwrap_or("<none>")),
        "Hosts" => {
            let hosts = rules.into_iter().flatten().filter_map(|rule| rule["host"].as_str());
            let hosts: Vec<&str> = hosts.filter(|host| !host.is_empty()).collect();
            json!(if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") })
        }
        "Ports" => json!(if spec["tls"].is_array() { "80, 443" } else { "80" }),
        _ => {
            let addresses = object["status"]["loadBalancer"]["ingress"].as_array();
            let addresses = addresses.into_iter().flatten();
            let shown: Vec<&str> = addresses
                .filter_map(|one| one["ip"].as_str().or_else(|| one["hostname"].as_str()))
                .collect();
            json!(shown.join(","))
        }
    }
}

fn volume(served: &Served, object: &Value, column: &str) -> Value {
    let (spec, status) = (&object["spec"], &object["status"]);
    let text = |value: &Value| json!(value.as_str().unwrap_or_default());
    let is_claim = served.table == "persistentvolumeclaims";
    let of = if is_claim { status } else { spec };
    match column {
        "Volume" => text(&spec["volumeName"]),
        "Capacity" => text(&of["capacity"]["storage"]),
        "Access Modes" => {
            let short = |mode: &Value| match mode.as_str() {
                Some("ReadWriteOnce") => "RWO",
                Some("ReadOnlyMany") => "ROX",
                Some("ReadWriteMany") => "RWX",
                Some("ReadWriteOncePod") => "RWOP",
                _ => "",
            };
            let modes = of["accessModes"].as_array().into_iter().flatten();
            json!(modes.map(short).collect::<Vec<_>>().join(","))
        }
        "Reclaim Policy" => text(&spec["persistentVolumeReclaimPolicy"]),
        "Claim" => match &spec["claimRef"] {
            Value::Null => json!(""),
            claim => json!(format!(
                "{}/{}",
                meta::plain(&claim["namespace"]),
                meta::plain(&claim["name"])
            )),
        },
        "StorageClass" => text(&spec["storageClassName"]),
        "VolumeAttributesClass" => {
            json!(spec["volumeAttributesClassName"].as_str().unwrap_or("<unset>"))
        }
        "VolumeMode" => json!(spec["volumeMode"].as_str().unwrap_or("<unset>")),
        _ => text(&status["reason"]),
    }
}

fn signing(object: &Value, column: &str) -> Value {
    let (spec, status) = (&object["spec"], &object["status"]);
    match column {
        "SignerName" => spec["signerName"].clone(),
        "Requestor" => json!(spec["username"].as_str().unwrap_or_default()),
        "RequestedDuration" => match spec["expirationSeconds"].as_i64() {
            Some(seconds) => json!(duration(seconds)),
            None => json!("<none>"),
        },
        _ => {
            let conditions = status["conditions"].as_array().into_iter().flatten();
            let mut shown: Vec<&str> = conditions.filter_map(|one| one["type"].as_str()).collect();
            if shown.is_empty() {
                shown.push("Pending");
            }
            if status["certificate"].is_string() {
                shown.push("Issued");
            }
            json!(shown.join(","))
        }
    }
}

fn autoscaler(object: &Value, column: &str) -> Value {
    let (spec, status) = (&object["spec"], &object["status"]);
    match column {
        "Reference" => {
            let target = &spec["scaleTargetRef"];
            json!(format!("{}/{}", meta::plain(&target["kind"]), meta::plain(&target["name"])))
        }
        "MinPods" => json!(spec["minReplicas"].as_i64().unwrap_or(1).to_string()),
        "MaxPods" => json!(spec["maxReplicas"].as_i64().unwrap_or(0).to_string()),
        "Replicas" => json!(status["currentReplicas"].as_i64().unwrap_or(0).to_string()),
        _ => {
            let metrics = spec["metrics"].as_array().into_iter().flatten();
            let shown = metrics.map(|metric| {
                match metric["resource"]["target"]["averageUtilization"].as_i64() {
                    Some(wanted) => {
                        let name = meta::plain(&metric["resource"]["name"]);
                        format!("{name}: <unknown>/{wanted}%")
                    }
                    None => "<unknown>".to_owned(),
                }
            });
            let shown: Vec<String> = shown.collect();
            json!(if shown.is_empty() { "<none>".to_owned() } else { shown.join(", ") })
        }
    }
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
