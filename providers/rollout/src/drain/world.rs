//! What was seen of a cluster.

use super::objects::{Budget, Key, Node, Owner, OwnerRef, Pod, Unreadable, Volume};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen of a cluster: enough to forecast the drain of each of its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// All nodes, by name.
    pub nodes: BTreeMap<String, Node>,
    /// The pods of each node. Those of a node that is not named here were not looked at, which
    /// is not the same as having none.
    pub pods: BTreeMap<String, Vec<Pod>>,
    /// All daemon sets.
    pub daemon_sets: BTreeSet<Key>,
    /// All disruption budgets; `None` when they could not be looked at.
    pub budgets: Option<Vec<Budget>>,
    /// What runs pods, as far as it could be looked at.
    pub owners: BTreeMap<OwnerRef, Owner>,
    /// Volumes that not every node can reach, by the claim that has them.
    pub volumes: BTreeMap<Key, Volume>,
    /// What could not be looked at, each a sentence with why; a forecast then knows less.
    pub unseen: Vec<String>,
}

/// What a drain has to do with, by group and kind as objects name them.
pub(super) enum Sort {
    Node,
    Pod,
    DaemonSet,
    Budget,
    Volume,
    /// Something that runs a number of pods; its group and kind.
    Owner(&'static str, &'static str),
}

impl Sort {
    /// By API version and kind; the version within a group does not matter.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Some(match (group, kind) {
            ("", "Node") => Self::Node,
            ("", "Pod") => Self::Pod,
            ("", "PersistentVolume") => Self::Volume,
            ("", "ReplicationController") => Self::Owner("", "ReplicationController"),
            ("apps", "DaemonSet") => Self::DaemonSet,
            ("apps", "Deployment") => Self::Owner("apps", "Deployment"),
            ("apps", "ReplicaSet") => Self::Owner("apps", "ReplicaSet"),
            ("apps", "StatefulSet") => Self::Owner("apps", "StatefulSet"),
            ("policy", "PodDisruptionBudget") => Self::Budget,
            _ => return None,
        })
    }
}

impl World {
    /// A world of these objects, as the server sent them; kinds that a drain has nothing to do
    /// with are passed over. All pods and all budgets are taken to be among them.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Json>) -> Result<Self, Unreadable> {
        let mut world = Self { budgets: Some(Vec::new()), ..Self::default() };
        for object in objects {
            world.add(object)?;
        }
        world.all_pods_seen();
        Ok(world)
    }

    /// Adds an object. A pod that is on no node is passed over.
    pub fn add(&mut self, object: &Json) -> Result<(), Unreadable> {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        match Sort::of(text("apiVersion"), text("kind")) {
            None => {}
            Some(Sort::Node) => {
                let node = Node::of(object)?;
                self.nodes.insert(node.name.clone(), node);
            }
            Some(Sort::Pod) => {
                let pod = Pod::of(object)?;
                if !pod.node.is_empty() {
                    self.pods.entry(pod.node.clone()).or_default().push(pod);
                }
            }
            Some(Sort::DaemonSet) => {
                self.daemon_sets.insert(super::objects::daemon_set(object)?);
            }
            Some(Sort::Budget) => self.budgets.get_or_insert_default().push(Budget::of(object)?),
            Some(Sort::Volume) => {
                if let Some(volume) = Volume::of(object)? {
                    self.volumes.insert(volume.claim.clone(), volume);
                }
            }
            Some(Sort::Owner(group, kind)) => {
                let owner = Owner::of(object, group, kind)?;
                self.owners.insert(owner.this.clone(), owner);
            }
        }
        Ok(())
    }

    /// Says that a list of all pods was complete: nodes without a pod have none.
    pub fn all_pods_seen(&mut self) {
        for node in self.nodes.keys() {
            self.pods.entry(node.clone()).or_default();
        }
    }
}
