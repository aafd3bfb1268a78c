//! The data source `nodes`.

use super::object::broken;
use super::target;
use access::{Cluster, Query, json};
use addrs::TypeName;
use plans::{Exported, Problem};
use serde_json::Value as Json;
use values::Value;

/// Either of these labels says that a node carries the control plane.
const CONTROL_PLANE: &[&str] =
    &["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

pub(super) async fn read(
    cluster: &Cluster,
    ty: &TypeName,
    args: &Value,
) -> Result<Exported, Problem> {
    if *ty != "nodes" {
        return Err(broken(format!("There is no data source `{ty}`.")));
    }
    let selector = selector(args.get("selector"))?;
    let query = Query { labels: selector.as_deref(), ..Query::default() };
    let listing = cluster.list(&target::nodes(), query, Some).await;
    let mut nodes = listing.map_err(|error| error.to_problem())?.items;
    if let Some(wanted) = args.get("control_plane").and_then(Value::as_bool) {
        nodes.retain(|node| is_control_plane(node) == wanted);
    }
    // By name, not in the order of the answer: equal clusters give equal plans.
    nodes.sort_by(|a, b| name(a).cmp(name(b)));
    let names = Value::list(nodes.iter().map(|node| name(node).into()));
    let mut out = args.as_map().cloned().unwrap_or_default();
    out.insert("names".into(), names);
    out.insert("nodes".into(), Value::list(nodes.iter().map(exported)));
    Ok(Value::map(out))
}

fn name(node: &Json) -> &str {
    node["metadata"]["name"].as_str().unwrap_or_default()
}

/// `a=b,c=d`, as the server reads it.
fn selector(labels: Option<&Value>) -> Result<Option<String>, Problem> {
    let labels = match labels {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Map(labels)) => labels,
        Some(_) => return Err(broken("`selector` of `nodes` is no map.")),
    };
    let mut parts = Vec::new();
    for (key, value) in labels.iter() {
        match value.as_str() {
            Some(value) => parts.push(format!("{key}={value}")),
            None => return Err(broken(format!("`selector[\"{key}\"]` of `nodes` is no text."))),
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(",")))
}

fn is_control_plane(node: &Json) -> bool {
    CONTROL_PLANE.iter().any(|label| node["metadata"]["labels"].get(*label).is_some())
}

fn exported(node: &Json) -> Value {
    let (spec, status) = (&node["spec"], &node["status"]);
    let info = &status["nodeInfo"];
    let map = |of: &Json| match of {
        Json::Object(_) => json::from_json(of),
        _ => Value::empty_map(),
    };
    let text = |of: &Json| of.as_str().map_or(Value::Null, Value::from);
    let taints = spec["taints"].as_array().map(Vec::as_slice).unwrap_or_default();
    let taint = |taint: &Json| {
        Value::map(["key", "value", "effect"].map(|name| (name, text(&taint[name]))))
    };
    let list = |of: &Json| of.as_array().cloned().unwrap_or_default();
    let ready =
        list(&status["conditions"]).iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
    let addresses = list(&status["addresses"]);
    let internal = addresses.iter().find(|a| a["type"] == "InternalIP");
    Value::map([
        ("name", name(node).into()),
        ("labels", map(&node["metadata"]["labels"])),
        ("taints", Value::list(taints.iter().map(taint))),
        ("unschedulable", (spec["unschedulable"] == true).into()),
        ("capacity", map(&status["capacity"])),
        ("allocatable", map(&status["allocatable"])),
        ("kubelet_version", text(&info["kubeletVersion"])),
        ("os", text(&info["operatingSystem"])),
        ("architecture", text(&info["architecture"])),
        ("container_runtime", text(&info["containerRuntimeVersion"])),
        ("ready", ready.into()),
        ("internal_ip", internal.map_or(Value::Null, |a| text(&a["address"]))),
    ])
}
