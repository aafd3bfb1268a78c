//! What was seen of a cluster.

use super::objects::{Budget, Daemon, Key, Node, Owner, OwnerRef, Pod, Volume};
use super::reader::Unreadable;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What was seen of a cluster: enough to forecast the drain of each of its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// All nodes, by name.
    pub nodes: BTreeMap<String, Node>,
    /// The pods of each node. Those of a node that is not named here were not looked at, which
    /// is not the same as having none.
    pub pods: BTreeMap<String, Vec<Pod>>,
    /// All daemon sets, and which nodes each wants.
    pub daemon_sets: BTreeMap<Key, Daemon>,
    /// All disruption budgets, by namespace; `None` when they could not be looked at.
    pub budgets: Option<BTreeMap<String, Vec<Budget>>>,
    /// What runs pods, as far as it could be looked at.
    pub owners: BTreeMap<OwnerRef, Owner>,
    /// Volumes that not every node can reach, by the claim that has them.
    pub volumes: BTreeMap<Key, Volume>,
    /// What could not be looked at, each a sentence with why; a forecast then knows less.
    pub unseen: Vec<String>,
}

/// An object that a drain has to do with.
pub(super) enum Thing {
    Node(Node),
    // A pod is several times as large as the others.
    Pod(Box<Pod>),
    DaemonSet(Key, Daemon),
    Budget(Budget),
    Owner(Owner),
    Volume(Volume),
}

impl Thing {
    /// Reads an object; `None` when a drain has nothing to do with it. The version within an
    /// API group does not matter.
    pub(super) fn of(object: &Json) -> Result<Option<Self>, Unreadable> {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
        let owner = |group, kind| Owner::of(object, group, kind).map(Self::Owner);
        Ok(Some(match (group, text("kind")) {
            ("", "Node") => Self::Node(Node::of(object)?),
            ("", "Pod") => Self::Pod(Box::new(Pod::of(object)?)),
            ("", "PersistentVolume") => return Ok(Volume::of(object)?.map(Self::Volume)),
            ("", "ReplicationController") => owner("", "ReplicationController")?,
            ("apps", "DaemonSet") => {
                let (key, daemon) = Daemon::of(object)?;
                Self::DaemonSet(key, daemon)
            }
            ("apps", "Deployment") => owner("apps", "Deployment")?,
            ("apps", "ReplicaSet") => owner("apps", "ReplicaSet")?,
            ("apps", "StatefulSet") => owner("apps", "StatefulSet")?,
            ("policy", "PodDisruptionBudget") => Self::Budget(Budget::of(object)?),
            _ => return Ok(None),
        }))
    }
}

impl World {
    /// A world of these objects, as the server sent them; kinds that a drain has nothing to do
    /// with are passed over. All pods and all budgets are taken to be among them.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Json>) -> Result<Self, Unreadable> {
        let mut world = Self { budgets: Some(BTreeMap::new()), ..Self::default() };
        for object in objects {
            world.add(object)?;
        }
        world.all_pods_seen();
        Ok(world)
    }

    /// Adds an object. A pod that is on no node is passed over.
    pub fn add(&mut self, object: &Json) -> Result<(), Unreadable> {
        if let Some(thing) = Thing::of(object)? {
            self.put(thing);
        }
        Ok(())
    }

    pub(super) fn put(&mut self, thing: Thing) {
        match thing {
            Thing::Node(node) => {
                self.nodes.insert(node.name.clone(), node);
            }
            Thing::Pod(pod) if pod.node.is_empty() => {}
            Thing::Pod(pod) => self.pods.entry(pod.node.clone()).or_default().push(*pod),
            Thing::DaemonSet(key, daemon) => {
                self.daemon_sets.insert(key, daemon);
            }
            Thing::Budget(budget) => {
                let all = self.budgets.get_or_insert_default();
                all.entry(budget.key.namespace.clone()).or_default().push(budget);
            }
            Thing::Owner(owner) => {
                self.owners.insert(owner.this.clone(), owner);
            }
            Thing::Volume(volume) => {
                self.volumes.insert(volume.claim.clone(), volume);
            }
        }
    }

    /// Says that a list of all pods was complete: nodes without a pod have none.
    pub fn all_pods_seen(&mut self) {
        for node in self.nodes.keys() {
            self.pods.entry(node.clone()).or_default();
        }
    }
}
