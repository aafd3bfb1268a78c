//! Data sources: objects that are read and not managed.

use super::object::broken;
use super::{docker, nodes, target};
use crate::codes;
use crate::shown;
use access::{Cluster, Query, Resource, json};
use addrs::TypeName;
use plans::{Exported, Problem};
use serde_json::Value as Json;
use values::{Path, Value};

pub(super) async fn read(
    cluster: &Cluster,
    ty: &TypeName,
    args: &Value,
) -> Result<Exported, Problem> {
    match ty.as_str() {
        "docker_dependents" => docker::read(cluster, args).await,
        "nodes" => nodes::read(cluster, ty, args).await,
        "object" => object(cluster, args).await,
        "objects" => objects(cluster, args).await,
        "pods" => pods(cluster, args).await,
        other => Err(broken(format!("There is no data source `{other}`."))),
    }
}

pub(super) fn text<'a>(args: &'a Value, name: &str) -> Option<&'a str> {
    args.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The arguments with what was found.
pub(super) fn with(args: &Value, found: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut out = args.as_map().cloned().unwrap_or_default();
    out.extend(found.into_iter().map(|(name, value)| (name.into(), value)));
    Value::map(out)
}

/// Where the kind is that the arguments name.
async fn resource(cluster: &Cluster, args: &Value) -> Result<Resource, Problem> {
    let (version, kind) = (text(args, "api_version"), text(args, "kind"));
    let (version, kind) = (version.unwrap_or_default(), kind.unwrap_or_default());
    let found = cluster.resolve(version, kind).await.map_err(|error| error.to_problem())?;
    found.ok_or_else(|| {
        let detail = format!("The server has no kind `{kind}` in `{version}`.");
        Problem::error(codes::NO_KIND, "Kind does not exist", Path::of("kind"), detail)
            .with_help("`kubectl api-resources` lists the kinds that there are.")
    })
}

/// A namespace exactly where the kind wants one. In the wrong place everything would look
/// absent.
fn fits(resource: &Resource, namespace: Option<&str>) -> Result<(), Problem> {
    let wrong = |path: &str, detail: String| {
        Err(Problem::error(codes::LOOK, "Object cannot be looked for", Path::of(path), detail))
    };
    match (namespace, resource.namespaced) {
        (Some(_), false) => {
            wrong("namespace", format!("A {} lives in no namespace.", resource.kind))
        }
        (None, true) => {
            wrong("kind", format!("A {} lives in a namespace, and none is given.", resource.kind))
        }
        (Some(_), true) | (None, false) => Ok(()),
    }
}

async fn object(cluster: &Cluster, args: &Value) -> Result<Exported, Problem> {
    let resource = resource(cluster, args).await?;
    let (namespace, name) = (text(args, "namespace"), text(args, "name").unwrap_or_default());
    fits(&resource, namespace)?;
    let found = match cluster.get(&resource, namespace, name).await {
        Ok(live) => shown::exported(&json::from_json(&live)),
        Err(error) if error.is_object_not_found() => {
            if args.get("optional").and_then(Value::as_bool) == Some(true) {
                Value::Null
            } else {
                return Err(missing(&resource, namespace, name));
            }
        }
        Err(error) => return Err(error.to_problem()),
    };
    Ok(with(args, [("object", found)]))
}

fn missing(resource: &Resource, namespace: Option<&str>, name: &str) -> Problem {
    let place = namespace.map(|namespace| format!(" in namespace `{namespace}`"));
    let place = place.unwrap_or_default();
    let detail = format!("There is no {} `{name}`{place}.", resource.kind);
    Problem::error(codes::LOOK, "Object does not exist", Path::of("name"), detail)
        .with_help("Check the name, or write `optional = true` if it may be missing.")
}

/// `a=b,c=d`, as the server reads it.
fn selector(args: &Value) -> Result<Option<String>, Problem> {
    let labels = match args.get("selector") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Map(labels)) => labels,
        Some(_) => return Err(broken("`selector` is no map.")),
    };
    let mut parts = Vec::new();
    for (key, value) in labels.iter() {
        match value.as_str() {
            Some(value) => parts.push(format!("{key}={value}")),
            None => return Err(broken(format!("`selector[\"{key}\"]` is no text."))),
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(",")))
}

/// What fits, by namespace and name, not in the order of the answer: equal clusters give
/// equal plans.
async fn listed(
    cluster: &Cluster,
    resource: &Resource,
    args: &Value,
    fields: Option<&str>,
) -> Result<Vec<Json>, Problem> {
    let (namespace, labels) = (text(args, "namespace"), selector(args)?);
    let query = Query { namespace, labels: labels.as_deref(), fields };
    let listing = cluster.list(resource, query, Some).await;
    let mut found = listing.map_err(|error| error.to_problem())?.items;
    let key = |object: &Json| {
        ["namespace", "name"].map(|part| object["metadata"][part].as_str().map(str::to_owned))
    };
    found.sort_by_key(key);
    Ok(found)
}

fn names(found: &[Json]) -> Value {
    Value::list(found.iter().map(|one| string(&one["metadata"]["name"])))
}

fn string(of: &Json) -> Value {
    of.as_str().map_or(Value::Null, Value::from)
}

async fn objects(cluster: &Cluster, args: &Value) -> Result<Exported, Problem> {
    let resource = resource(cluster, args).await?;
    if !resource.namespaced {
        fits(&resource, text(args, "namespace"))?;
    }
    let found = listed(cluster, &resource, args, None).await?;
    let named = |live: &Json| {
        let mut object = live.clone();
        // Items of a list do not say what they are.
        object["apiVersion"] = resource.api_version.as_str().into();
        object["kind"] = resource.kind.as_str().into();
        shown::exported(&json::from_json(&object))
    };
    let all = Value::list(found.iter().map(named));
    Ok(with(args, [("names", names(&found)), ("objects", all)]))
}

async fn pods(cluster: &Cluster, args: &Value) -> Result<Exported, Problem> {
    let field = text(args, "node").map(|node| format!("spec.nodeName={node}"));
    let found = listed(cluster, &target::pods(), args, field.as_deref()).await?;
    let all = Value::list(found.iter().map(pod));
    Ok(with(args, [("names", names(&found)), ("pods", all)]))
}

fn pod(pod: &Json) -> Value {
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    let list = |of: &Json| of.as_array().cloned().unwrap_or_default();
    let labels = match &metadata["labels"] {
        labels @ Json::Object(_) => json::from_json(labels),
        _ => Value::empty_map(),
    };
    let ready =
        list(&status["conditions"]).iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
    let restarts = list(&status["containerStatuses"]);
    let restarts: i64 = restarts.iter().filter_map(|c| c["restartCount"].as_i64()).sum();
    let images = list(&spec["containers"]);
    Value::map([
        ("namespace", string(&metadata["namespace"])),
        ("name", string(&metadata["name"])),
        ("labels", labels),
        ("node", string(&spec["nodeName"])),
        ("phase", string(&status["phase"])),
        ("ready", ready.into()),
        ("ip", string(&status["podIP"])),
        ("restarts", restarts.into()),
        ("images", Value::list(images.iter().map(|container| string(&container["image"])))),
        ("service_account", string(&spec["serviceAccountName"])),
        ("priority_class", string(&spec["priorityClassName"])),
    ])
}
