//! The annotation by which `kubeadm` finds the runtime of a node.
//!
//! Source: [Well-known labels, annotations and taints: kubeadm.alpha.kubernetes.io/cri-socket](https://kubernetes.io/docs/reference/labels-annotations-taints/#cri-socket).

use super::SOCKET;
use crate::central::core;
use crate::host_type::{Became, Site, strange};
use crate::place::part;
use access::{Cluster, ClusterError, JsonPatch, Resource};
use plans::Op;
use provider::StepError;
use serde_json::{Value as Json, json};
use values::Value;

pub(super) const NAME: &str = "kubeadm.alpha.kubernetes.io/cri-socket";
/// The step that writes it.
pub(super) const OP: &str = "annotate";
/// The field manager, as of all that clinch writes.
const MANAGER: &str = "clinch";

/// The step; `was` is what it says now.
pub(super) fn op(ty: &addrs::TypeName, identity: &plans::Identity, was: &str) -> Op {
    Op {
        ty: ty.clone(),
        name: OP.to_owned(),
        identity: identity.clone(),
        args: Value::map([("socket", SOCKET.into())]),
        guard: Value::map([("was", was.into())]),
        text: format!("annotate node {} with the socket of containerd", part(identity, "node")),
    }
}

fn nodes() -> Resource {
    core("Node", "nodes", false)
}

/// What it says; `None` where a node has none.
pub(super) fn of(node: &Json) -> Option<&str> {
    node["metadata"]["annotations"][NAME].as_str()
}

fn failed(error: &ClusterError) -> StepError {
    if error.may_have_taken_effect() {
        return StepError::InDoubt(error.to_problem().detail);
    }
    StepError::Refused(error.to_problem())
}

/// The node of an operation as it is, and what the annotation was and is to be.
async fn now<'a>(
    site: Site<'a>,
    op: &'a Op,
) -> Result<(&'a Cluster, Option<String>, [&'a str; 2]), StepError> {
    let text = |of: &'a Value, name: &str| of.get(name).and_then(Value::as_str);
    let planned = text(&op.guard, "was").zip(text(&op.args, "socket"));
    let (Some((was, will)), Some(cluster)) = (planned, site.cluster) else {
        return Err(strange(op));
    };
    let node = part(&op.identity, "node");
    let found = cluster.get(&nodes(), None, node).await;
    let found = found.map_err(|error| StepError::Refused(error.to_problem()))?;
    Ok((cluster, of(&found).map(str::to_owned), [was, will]))
}

/// # Interruption
///
/// It is one request: the annotation is the old or the new one.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let (cluster, found, [was, will]) = now(site, op).await?;
    let node = part(&op.identity, "node");
    match found.as_deref() {
        Some(found) if found == will => return Ok(()),
        Some(found) if found == was => {}
        Some(_) | None => {
            return Err(StepError::Stale(format!(
                "The annotation `{NAME}` of node `{node}` changed since the plan."
            )));
        }
    }
    let path = format!("/metadata/annotations/{}", NAME.replace('/', "~1"));
    // Whoever else changes it at the same moment is seen by the test.
    let operations = json!([
        {"op": "test", "path": path, "value": was},
        {"op": "replace", "path": path, "value": will},
    ]);
    let write =
        JsonPatch { operations: &operations, manager: MANAGER, subresource: None, dry_run: false };
    let done = cluster.json_patch(&nodes(), None, node, write).await;
    done.map(drop).map_err(|error| failed(&error))
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let (_, found, [was, will]) = now(site, op).await?;
    Ok(match found.as_deref() {
        Some(found) if found == will => Became::Done,
        Some(found) if found == was => Became::NotDone,
        Some(_) | None => Became::Changed,
    })
}
