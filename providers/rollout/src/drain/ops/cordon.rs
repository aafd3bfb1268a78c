//! Taking a node out of service for new pods, and bringing it back.
//!
//! One patch sets or takes away `spec.unschedulable` together with the annotation that says
//! whose it is, for the very version of the node that was looked at: there is no moment at which
//! a cordon is nobody's.

use super::look::nodes;
use super::{check_uid, no_node, refused};
use crate::drain::objects::Node;
use crate::drain::{CORDON, Holder, Whose, codes};
use access::{Cluster, ClusterError, JsonPatch};
use plans::Problem;
use provider::{Progress, StepError};
use serde_json::{Value as Json, json};
use values::Path;

/// How often the node may move under our hands.
const TRIES: usize = 5;
/// The field manager of everything that clinch writes.
const MANAGER: &str = "clinch";

/// Takes a node out of service: no new pods come to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cordon {
    /// The node.
    pub node: String,
    /// Which one of that name.
    pub uid: Option<String>,
    /// In whose name.
    pub holder: Holder,
}

/// Brings a node back, if it was this holder that took it out of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncordon {
    /// The node.
    pub node: String,
    /// Which one of that name.
    pub uid: Option<String>,
    /// In whose name it was cordoned.
    pub holder: Holder,
}

/// How a node stands after it was brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncordoned {
    /// It takes pods.
    Open,
    /// It stays cordoned, since somebody else cordoned it.
    Left,
    /// There is no such node any more.
    Gone,
}

impl Cordon {
    /// Cordons the node. [`Whose::Other`] means that somebody else had done so before: nothing
    /// was changed then, and it will stay cordoned at the end. A cordon that an earlier plan of
    /// the same project left behind becomes this one's; one of another project is refused.
    ///
    /// # Interruption
    ///
    /// The server carries the patch out as a whole or not at all.
    pub async fn perform(
        &self,
        cluster: &Cluster,
        progress: Progress<'_>,
    ) -> Result<Whose, StepError> {
        let said = self.holder.to_string();
        if Holder::parse(&said).as_ref() != Some(&self.holder) {
            // A cordon that could not be recognised would be nobody's, and stay for ever.
            let detail = format!("`{}` is no note that could be read back.", said.escape_debug());
            let summary = "Node cannot say whose its cordon is";
            return Err(refused(Problem::error(codes::CORDON, summary, Path::root(), detail)));
        }
        let change = |node: &Node| match Whose::of(node) {
            Whose::Nobody => Ok(Some(self.patch())),
            Whose::Plan(holder) if holder == self.holder => Ok(None),
            Whose::Plan(holder) if holder.project == self.holder.project => Ok(Some(self.patch())),
            Whose::Plan(holder) => Err(refused(held(&self.node, &holder))),
            Whose::Other => Ok(None),
        };
        let node = exchange(cluster, &self.node, self.uid.as_deref(), progress, change).await?;
        node.map(|node| Whose::of(&node)).ok_or_else(|| no_node(&self.node))
    }

    /// Whose cordon is on the node, if it has one with which this operation is done.
    pub async fn settle(&self, cluster: &Cluster) -> Result<Option<Whose>, StepError> {
        let Some((node, _)) = read(cluster, &self.node).await? else {
            return Err(no_node(&self.node));
        };
        check_uid(&self.node, self.uid.as_deref(), &node.uid)?;
        let whose = Whose::of(&node);
        let done = match &whose {
            Whose::Plan(holder) => *holder == self.holder,
            Whose::Other => true,
            Whose::Nobody => false,
        };
        Ok(done.then_some(whose))
    }

    fn patch(&self) -> Vec<Json> {
        vec![
            json!({"op": "add", "path": "/spec/unschedulable", "value": true}),
            json!({"op": "add", "path": annotation(), "value": self.holder.to_string()}),
        ]
    }
}

impl Uncordon {
    /// Uncordons the node, if this holder cordoned it. Whoever else did so keeps the cordon.
    ///
    /// # Interruption
    ///
    /// As for [`Cordon::perform`].
    pub async fn perform(
        &self,
        cluster: &Cluster,
        progress: Progress<'_>,
    ) -> Result<Uncordoned, StepError> {
        let mut left = false;
        let change = |node: &Node| {
            left = match Whose::of(node) {
                Whose::Nobody => false,
                Whose::Plan(holder) => holder != self.holder,
                Whose::Other => true,
            };
            let ours = node.cordon.as_deref() == Some(self.holder.to_string().as_str());
            if left || !ours {
                return Ok(None);
            }
            let mut patch = vec![json!({"op": "remove", "path": annotation()})];
            if node.unschedulable {
                patch.push(json!({"op": "remove", "path": "/spec/unschedulable"}));
            }
            Ok(Some(patch))
        };
        let node = match exchange(cluster, &self.node, self.uid.as_deref(), progress, change).await
        {
            // Another node of that name is none of ours.
            Err(StepError::Stale(_)) => None,
            done => done?,
        };
        Ok(match node {
            None => Uncordoned::Gone,
            Some(_) if left => Uncordoned::Left,
            Some(_) => Uncordoned::Open,
        })
    }

    /// How the node stands, if nothing of this holder is left on it.
    pub async fn settle(&self, cluster: &Cluster) -> Result<Option<Uncordoned>, StepError> {
        let Some((node, _)) = read(cluster, &self.node).await? else {
            return Ok(Some(Uncordoned::Gone));
        };
        if self.uid.as_ref().is_some_and(|uid| *uid != node.uid) {
            return Ok(Some(Uncordoned::Gone));
        }
        if node.cordon.as_deref() == Some(self.holder.to_string().as_str()) {
            return Ok(None);
        }
        Ok(Some(if node.unschedulable { Uncordoned::Left } else { Uncordoned::Open }))
    }
}

fn held(node: &str, holder: &Holder) -> Problem {
    let detail = format!(
        "Node `{node}` was cordoned by plan {} of project `{}`, which may be at work on it.",
        holder.plan, holder.project
    );
    Problem::error(codes::CORDON, "Node is out of service already", Path::root(), detail).with_help(
        format!(
            "Wait until that has finished. If nothing runs there any more:\n  kubectl uncordon \
             {node}"
        ),
    )
}

/// One name as a part of a JSON pointer.
fn annotation() -> String {
    format!("/metadata/annotations/{}", CORDON.replace('~', "~0").replace('/', "~1"))
}

/// The node as it is, with its version; `None` when there is none.
async fn read(cluster: &Cluster, name: &str) -> Result<Option<(Node, Json)>, StepError> {
    match cluster.get(&nodes(), None, name).await {
        Ok(live) => match Node::of(&live) {
            Ok(node) => Ok(Some((node, live))),
            Err(unreadable) => Err(refused(unreadable.to_problem())),
        },
        Err(error) if error.is_object_not_found() => Ok(None),
        Err(error) => Err(refused(error.to_problem())),
    }
}

/// Changes the very version of a node that was looked at, and looks again when it moved.
/// `None` when there is no such node.
async fn exchange(
    cluster: &Cluster,
    name: &str,
    uid: Option<&str>,
    progress: Progress<'_>,
    mut change: impl FnMut(&Node) -> Result<Option<Vec<Json>>, StepError>,
) -> Result<Option<Node>, StepError> {
    let mut tries = 0;
    loop {
        let Some((node, live)) = read(cluster, name).await? else { return Ok(None) };
        check_uid(name, uid, &node.uid)?;
        let Some(change) = change(&node)? else { return Ok(Some(node)) };
        tries += 1;
        match send(cluster, name, &live, change).await {
            Ok(live) => {
                return match Node::of(&live) {
                    Ok(node) => Ok(Some(node)),
                    Err(unreadable) => Err(refused(unreadable.to_problem())),
                };
            }
            // Its kubelet or a controller wrote in between; then a test of the patch fails.
            Err(error) if tries < TRIES && matches!(error.code(), Some(409 | 422)) => {}
            // Looking again tells whether it was done.
            Err(error) if tries < TRIES && error.may_have_taken_effect() => {
                progress(format!("node {name} to be read again: {}", error.to_problem().detail));
            }
            Err(error) if error.may_have_taken_effect() => {
                return Err(StepError::InDoubt(error.to_problem().detail));
            }
            Err(error) => return Err(refused(error.to_problem())),
        }
    }
}

async fn send(
    cluster: &Cluster,
    name: &str,
    live: &Json,
    change: Vec<Json>,
) -> Result<Json, ClusterError> {
    let (meta, mut operations) = (&live["metadata"], Vec::new());
    for part in ["uid", "resourceVersion"] {
        let path = format!("/metadata/{part}");
        operations.push(json!({"op": "test", "path": path, "value": meta[part]}));
    }
    if !meta["annotations"].is_object() {
        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    if !live["spec"].is_object() {
        operations.push(json!({"op": "add", "path": "/spec", "value": {}}));
    }
    operations.extend(change);
    let operations = Json::from(operations);
    let patch =
        JsonPatch { operations: &operations, manager: MANAGER, subresource: None, dry_run: false };
    cluster.json_patch(&nodes(), None, name, patch).await
}
