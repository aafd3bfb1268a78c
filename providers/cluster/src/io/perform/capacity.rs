//! An extended resource of a node: one number in the node's status.
//!
//! Not an apply: the kubelet owns that part of the status, and would win or conflict.

use crate::io::object::{Named, broken, meta, text};
use crate::io::perform::{sentence, unread};
use crate::io::target::nodes;
use crate::io::wait::{self, Verdict, Waited};
use crate::ownership::MANAGER;
use access::{Cluster, ClusterError, JsonPatch};
use apimachinery::Quantity;
use plans::{Op, Problem};
use provider::{Performed, Progress, StepError};
use serde_json::{Value as Json, json};
use std::time::Duration;
use values::Value;

/// How long the kubelet may take to follow.
const FOLLOW: Duration = Duration::from_secs(30);
/// How often the status may move under our hands.
const TRIES: usize = 5;

struct Wanted {
    resource: String,
    /// `None`: not to be there.
    value: Option<String>,
}

impl Wanted {
    fn of(op: &Op) -> Result<Self, Problem> {
        let resource = text(&op.args, "resource").or_else(|| text(&op.identity.args, "resource"));
        let Some(resource) = resource else {
            return Err(broken(format!("`{}` names no resource.", op.text)));
        };
        let value = match (op.name.as_str(), op.args.get("value")) {
            ("unset_capacity", _) => None,
            (_, Some(Value::String(value))) => Some(value.to_string()),
            (_, Some(Value::Number(value))) => Some(value.to_string()),
            _ => return Err(broken(format!("`{}` has no value.", op.text))),
        };
        Ok(Self { resource: resource.to_owned(), value })
    }

    fn holds(&self, node: &Json) -> bool {
        let now = node["status"]["capacity"].get(&self.resource).and_then(Json::as_str);
        same(now, self.value.as_deref())
    }

    fn followed(&self, node: &Json) -> bool {
        let now = node["status"]["allocatable"].get(&self.resource).and_then(Json::as_str);
        // A kubelet keeps a resource that is gone at zero.
        same(now, self.value.as_deref()) || (self.value.is_none() && same(now, Some("0")))
    }

    /// The operations on this node; it must still be the node that was read.
    fn patch(&self, node: &Json) -> Json {
        let pointer = format!("/status/capacity/{}", escape(&self.resource));
        let uid = json!({"op": "test", "path": "/metadata/uid", "value": node["metadata"]["uid"]});
        let version = &node["metadata"]["resourceVersion"];
        let version = json!({"op": "test", "path": "/metadata/resourceVersion", "value": version});
        match &self.value {
            Some(value) if node["status"]["capacity"].is_object() => {
                json!([uid, {"op": "add", "path": pointer, "value": value}])
            }
            // What another has put there meanwhile must not be replaced.
            Some(value) => {
                let capacity = json!({ self.resource.as_str(): value });
                json!([uid, version, {"op": "add", "path": "/status/capacity", "value": capacity}])
            }
            None => json!([uid, {"op": "remove", "path": pointer}]),
        }
    }
}

fn same(now: Option<&str>, wanted: Option<&str>) -> bool {
    match (now, wanted) {
        (Some(now), Some(wanted)) => match (now.parse::<Quantity>(), wanted.parse::<Quantity>()) {
            (Ok(now), Ok(wanted)) => now == wanted,
            _ => now == wanted,
        },
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// One name as a part of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

pub(super) async fn set(
    cluster: &Cluster,
    op: &Op,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let wanted = Wanted::of(op).map_err(StepError::Refused)?;
    let node = write(cluster, op, named, &wanted).await?;
    follow(cluster, named, &wanted, node, progress).await
}

pub(super) async fn unset(
    cluster: &Cluster,
    op: &Op,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let wanted = Wanted::of(op).map_err(StepError::Refused)?;
    match node(cluster, op, named).await {
        Ok(Some(_)) => {}
        // With the node its resources are gone.
        Ok(None) => return Ok(Performed { exported: Value::Null, uid: None }),
        Err(error) => return Err(error),
    }
    let node = write(cluster, op, named, &wanted).await?;
    follow(cluster, named, &wanted, node, progress).await?;
    Ok(Performed { exported: Value::Null, uid: None })
}

/// The node, if it is the one that the plan saw.
async fn node(cluster: &Cluster, op: &Op, named: &Named) -> Result<Option<Json>, StepError> {
    let node = match cluster.get(&nodes(), None, &named.name).await {
        Ok(node) => node,
        Err(error) if error.is_object_not_found() => return Ok(None),
        Err(error) => return Err(unread(&error)),
    };
    if text(&op.guard, "uid").is_some_and(|uid| meta(&node, "uid") != Some(uid)) {
        let shown = named.shown();
        return Err(StepError::Stale(format!("{shown} is another one than when it was planned.")));
    }
    Ok(Some(node))
}

async fn write(
    cluster: &Cluster,
    op: &Op,
    named: &Named,
    wanted: &Wanted,
) -> Result<Json, StepError> {
    let mut tries = 0;
    loop {
        let Some(node) = node(cluster, op, named).await? else {
            return Err(StepError::Stale(format!("{} does not exist any more.", named.shown())));
        };
        if wanted.holds(&node) {
            return Ok(node);
        }
        tries += 1;
        match send(cluster, named, wanted, &node, false).await {
            Ok(node) if wanted.holds(&node) => return Ok(node),
            // A kubelet may have written in between; so may the test of our own patch fail.
            Ok(_) if tries < TRIES => {}
            Err(error) if tries < TRIES && matches!(error.code(), Some(409 | 422)) => {}
            Ok(_) => {
                return Err(StepError::InDoubt(format!(
                    "The capacity of {} was written and is not what was written.",
                    named.shown()
                )));
            }
            Err(error) if error.may_have_taken_effect() => {
                let why = sentence(&error.to_problem());
                return match self::node(cluster, op, named).await {
                    Ok(Some(node)) if wanted.holds(&node) => Ok(node),
                    _ => Err(StepError::InDoubt(why)),
                };
            }
            Err(error) => return Err(StepError::Refused(error.to_problem())),
        }
    }
}

async fn send(
    cluster: &Cluster,
    named: &Named,
    wanted: &Wanted,
    node: &Json,
    dry_run: bool,
) -> Result<Json, ClusterError> {
    let operations = wanted.patch(node);
    let patch = JsonPatch {
        operations: &operations,
        manager: MANAGER,
        subresource: Some("status"),
        dry_run,
    };
    cluster.json_patch(&nodes(), None, &named.name, patch).await
}

/// Waits for the kubelet to take the new capacity over; that it does not is only said.
async fn follow(
    cluster: &Cluster,
    named: &Named,
    wanted: &Wanted,
    node: Json,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let resource = nodes();
    let judge = |node: Option<&Json>| match node {
        Some(node) if wanted.followed(node) => Verdict::Holds,
        Some(_) => {
            Verdict::Waits(format!("{} to make `{}` allocatable", named.shown(), wanted.resource))
        }
        None => Verdict::Failed("the node is gone".to_owned()),
    };
    let target = wait::Target { cluster, resource: &resource, named };
    let node = match wait::until(target, Some(node.clone()), FOLLOW, progress, judge).await {
        Waited::Held(Some(now)) => now,
        Waited::Held(None) => node,
        Waited::Failed(why) | Waited::TooLong(why) => {
            progress(format!("nothing more: the capacity is set, but {why}"));
            node
        }
    };
    let uid = meta(&node, "uid").map(str::to_owned);
    let allocatable = node["status"]["allocatable"].get(&wanted.resource).and_then(Json::as_str);
    let exported = Value::map([
        ("uid", uid.as_deref().map_or(Value::Null, Value::from)),
        ("allocatable", allocatable.map_or(Value::Null, Value::from)),
    ]);
    Ok(Performed { exported, uid })
}

/// What the server would make of it.
pub(in crate::io) async fn preview(
    cluster: &Cluster,
    op: &Op,
    named: &Named,
) -> Result<Result<Json, ClusterError>, Problem> {
    let wanted = Wanted::of(op)?;
    Ok(match cluster.get(&nodes(), None, &named.name).await {
        Ok(node) if wanted.holds(&node) => Ok(node),
        Ok(node) => send(cluster, named, &wanted, &node, true).await,
        Err(error) => Err(error),
    })
}

/// Whether a node is as the operation wants it.
pub(in crate::io) fn holds(op: &Op, node: &Json) -> Result<bool, Problem> {
    Wanted::of(op).map(|wanted| wanted.holds(node))
}
