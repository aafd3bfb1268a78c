//! Asking the server what an operation would do.

use super::object::{Intent, Named, broken, text};
use super::perform::{self, Moved};
use access::{Apply, Cluster, ClusterError, Delete, Failure, Propagation, Query, Resource, json};
use futures::future::join_all;
use plans::{Op, Problem};
use provider::Preview;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use values::Value;

use crate::ownership::{MANAGER, PART_OF};
use crate::shown;

pub(super) async fn preview(cluster: &Cluster, ops: Vec<Op>) -> Vec<Preview> {
    join_all(ops.iter().map(|op| one(cluster, op))).await
}

async fn one(cluster: &Cluster, op: &Op) -> Preview {
    match asked(cluster, op).await {
        Ok(preview) => preview,
        Err(problem) => Preview::Unknown(problem),
    }
}

async fn asked(cluster: &Cluster, op: &Op) -> Result<Preview, Problem> {
    let named = Named::of(&op.identity)?;
    let Some(resource) = named.resolve(cluster).await? else { return Ok(not_served(&named)) };
    let namespace = named.namespace();
    match op.name.as_str() {
        "apply" => {
            let intent = Intent::of(op)?;
            let asked = apply(cluster, op, &intent, &resource, &named).await;
            Ok(answer(asked, &intent.value))
        }
        "delete" => {
            let delete = Delete {
                uid: text(&op.guard, "uid"),
                resource_version: None,
                propagation: Propagation::Background,
                dry_run: true,
            };
            let asked = cluster.delete(&resource, namespace, &named.name, delete).await;
            let would = answer(asked, &Value::Null);
            if named.kind != "CustomResourceDefinition" || !matches!(would, Preview::Would(_)) {
                return Ok(would);
            }
            let along = along(cluster, &resource, &named).await;
            let along = along.map_err(|error| error.to_problem())?;
            Ok(Preview::Would(Value::map([("along", along)])))
        }
        "set_capacity" | "unset_capacity" => {
            Ok(answer(perform::capacity_preview(cluster, op, &named).await?, &Value::Null))
        }
        other => Err(broken(format!("No operation `{other}` can be previewed."))),
    }
}

/// How many objects go with a definition, by the set that they say they belong to, each with
/// an example.
async fn along(
    cluster: &Cluster,
    definitions: &Resource,
    named: &Named,
) -> Result<Value, ClusterError> {
    let text = |of: &Json| of.as_str().unwrap_or_default().to_owned();
    let keep = |live: Json| {
        let meta = &live["metadata"];
        let set = text(&meta["labels"][PART_OF]);
        let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
        let shown = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
        Some((set, access::text::clean(&shown)))
    };
    let found = of_definition(cluster, definitions, named, keep).await?;
    let mut sets: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for (set, shown) in found.into_iter().flatten() {
        sets.entry(set).or_insert((0, shown)).0 += 1;
    }
    Ok(Value::list(sets.into_iter().map(|(set, (count, example))| {
        Value::map([
            ("set", Value::from(set.as_str())),
            ("count", count.into()),
            ("example", Value::from(example.as_str())),
        ])
    })))
}

/// All objects of the kind that a definition defines; `None` when it serves none.
pub(super) async fn of_definition<T: Send>(
    cluster: &Cluster,
    definitions: &Resource,
    named: &Named,
    keep: impl Fn(Json) -> Option<T> + Send + Sync,
) -> Result<Option<Vec<T>>, ClusterError> {
    let live = cluster.get(definitions, None, &named.name).await?;
    let spec = &live["spec"];
    let text = |of: &Json| of.as_str().unwrap_or_default().to_owned();
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(version) = versions.iter().find(|version| version["served"] == true) else {
        return Ok(None);
    };
    let api_version = format!("{}/{}", text(&spec["group"]), text(&version["name"]));
    let kind = cluster.resolve(&api_version, &text(&spec["names"]["kind"])).await?;
    let Some(kind) = kind else { return Ok(None) };
    let listing = cluster.list(&kind, Query::default(), keep).await?;
    Ok(Some(listing.items))
}

/// A dry-run of an apply, at the version that the plan saw. When only others have moved the
/// object since, it is asked at the version that it is at now.
async fn apply(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
) -> Result<Json, ClusterError> {
    let uid = text(&op.guard, "uid");
    let version = text(&op.guard, "resource_version");
    let asked = perform::apply_once(cluster, op, intent, resource, named, (uid, version), true);
    let error = match asked.await {
        Err(error) if error.refusal().is_some_and(access::Refusal::is_stale_version) => error,
        answered => return answered,
    };
    match perform::moved(cluster, op, intent, resource, named).await {
        Ok(Moved::OnlyOthers { version }) => {
            let guard = (uid, Some(version.as_str()));
            perform::apply_once(cluster, op, intent, resource, named, guard, true).await
        }
        // What we own has moved, or it cannot be seen: the refusal is what there is to say.
        Ok(Moved::Done(_) | Moved::Ours(_)) | Err(_) => Err(error),
    }
}

/// A refusal goes to the pure half as data; what could not be asked is a problem.
fn answer(asked: Result<Json, ClusterError>, intent: &Value) -> Preview {
    let error = match asked {
        Ok(live) => return Preview::Would(json::from_json(&live)),
        Err(error) => error,
    };
    match &error.failure {
        Failure::Refused(r) if !matches!(r.code, 401 | 429 | 502..=504) => {
            let redacted = |text: &str| Value::from(shown::redacted(text, intent));
            Preview::Refused(Value::map([
                ("code", i64::from(r.code).into()),
                ("reason", redacted(&r.reason)),
                ("message", redacted(&r.message)),
                (
                    "causes",
                    Value::list(r.causes.iter().map(|cause| {
                        Value::map([
                            ("reason", redacted(&cause.reason)),
                            ("message", redacted(&cause.message)),
                            ("field", redacted(&cause.field)),
                        ])
                    })),
                ),
                ("non_json", r.non_json.into()),
            ]))
        }
        Failure::Refused(_) | Failure::Unreachable(_) | Failure::Malformed(_) => {
            let problem = error.to_problem();
            let detail = shown::redacted(&problem.detail, intent);
            Preview::Unknown(Problem { detail, ..problem })
        }
    }
}

/// In the form of the answer that a server without this kind gives.
fn not_served(named: &Named) -> Preview {
    let message = format!("the server has no kind {} in {}", named.kind, named.api_version);
    Preview::Refused(Value::map([
        ("code", 404.into()),
        ("reason", "NotFound".into()),
        ("message", message.into()),
        ("causes", Value::list([])),
        ("non_json", true.into()),
    ]))
}

/// An apply with the manager that all applies have.
pub(super) fn as_manager(object: &Json, force: bool, dry_run: bool) -> Apply<'_> {
    Apply { object, manager: MANAGER, force, dry_run }
}
