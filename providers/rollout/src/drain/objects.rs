//! What a drain needs to know of objects, and nothing else of them.
//!
//! Objects come as the server sent them. What is missing has the API's own default; what has
//! another type than the API promises is an error that names the object, never a guess: a pod
//! whose volumes cannot be read is not a pod without volumes.

use super::place::{self, NodeTerms, Taint, Toleration};
use super::reader::{Reader, Unreadable};
use apimachinery::selector::LabelSelector;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::fmt;

/// Namespace and name; prints as `shop/web-0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Empty for what lives in no namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return f.write_str(&self.name);
        }
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Key {
    /// Of this namespace and name.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// The controller of a pod or of a `ReplicaSet`; prints as `Deployment shop/web`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerRef {
    /// `apps`; empty for the core group. Versions of one group mean the same object.
    pub group: String,
    /// `ReplicaSet`.
    pub kind: String,
    /// Always in the namespace of what it owns.
    pub key: Key,
}

impl fmt::Display for OwnerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

impl OwnerRef {
    /// Whether it is one of these kinds of Kubernetes' own.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

/// What runs a number of pods, as far as a drain cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Which.
    pub this: OwnerRef,
    /// What controls it in turn: the `Deployment` of a `ReplicaSet`.
    pub controller: Option<OwnerRef>,
    /// How many pods it shall run.
    pub replicas: i64,
    /// How many of them are ready.
    pub ready: i64,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not begun.
    Pending,
    /// At work.
    Running,
    /// Over, and well.
    Succeeded,
    /// Over, and not well.
    Failed,
    /// The node does not say.
    Unknown,
}

impl Phase {
    /// Whether the pod is over.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Namespace and name.
    pub key: Key,
    /// Which one of that name.
    pub uid: String,
    /// The node that it is on; empty for none.
    pub node: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What would create it again.
    pub controller: Option<OwnerRef>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it is ready.
    pub ready: bool,
    /// Since when it is being deleted, as the server wrote it.
    pub terminating: Option<String>,
    /// What keeps it from being removed once it has ended.
    pub finalizers: Vec<String>,
    /// Whether it only mirrors a file on its node.
    pub mirror: bool,
    /// How many seconds it may take to end.
    pub grace: u64,
    /// Names of its `emptyDir` volumes.
    pub empty_dirs: Vec<String>,
    /// Paths of its `hostPath` volumes.
    pub host_paths: Vec<String>,
    /// Names of the volume claims that it uses.
    pub claims: Vec<String>,
    /// What a node must have for it.
    pub terms: NodeTerms,
    /// Which taints it bears.
    pub tolerations: Vec<Toleration>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Which one of that name.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// Whether it takes no new pods.
    pub unschedulable: bool,
    /// Whether it says that it is ready.
    pub ready: bool,
    /// Its annotation about our cordon, if there is one.
    pub cordon: Option<String>,
}

/// What a `DaemonSet` asks of the nodes that it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Daemon {
    /// What a node must have.
    pub terms: NodeTerms,
    /// Which taints its pods bear, besides those that its controller adds.
    pub tolerations: Vec<Toleration>,
}

/// What happens to pods that are not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnhealthyPolicy {
    /// They go when enough others are healthy.
    IfHealthyBudget,
    /// They always go.
    AlwaysAllow,
}

/// A `PodDisruptionBudget`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Namespace and name.
    pub key: Key,
    /// Which pods; `None` for none at all.
    pub selector: Option<LabelSelector>,
    /// What happens to pods that are not ready.
    pub policy: UnhealthyPolicy,
    /// The newest version of what it says.
    pub generation: i64,
    /// The version that the counts below are of.
    pub observed: i64,
    /// How many pods may go now.
    pub allowed: i64,
    /// How many are healthy.
    pub healthy: i64,
    /// How many have to be.
    pub desired: i64,
    /// How many there should be.
    pub expected: i64,
    /// Evictions that its controller has not confirmed.
    pub unconfirmed: usize,
    /// Why its controller could not count.
    pub failed: Option<String>,
}

/// A persistent volume that can be used on few nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// The claim that has it.
    pub claim: Key,
    /// Nodes from which it can be reached.
    pub terms: NodeTerms,
    /// Whether it is a folder of a node that no node is named for.
    pub unplaced: bool,
}

impl Pod {
    /// Reads a pod as the server sent it.
    pub fn of(object: &Json) -> Result<Self, Unreadable> {
        let read = Reader::new(object, "Pod");
        let key = read.key()?;
        let phase = match read.text("status.phase")? {
            Some("Pending") | None => Phase::Pending,
            Some("Running") => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some("Unknown") => Phase::Unknown,
            Some(other) => return Err(read.wrong(format!("its phase `{other}` is not known"))),
        };
        let grace =
            match read.typed("spec.terminationGracePeriodSeconds", "whole number", Json::as_i64)? {
                // The server's own default.
                None => 30,
                Some(seconds) => u64::try_from(seconds).unwrap_or(1),
            };
        let finalizers = read.list("metadata.finalizers")?.iter();
        let mut pod = Self {
            uid: read.name("metadata.uid")?,
            node: read.text("spec.nodeName")?.unwrap_or_default().to_owned(),
            labels: read.texts("metadata.labels")?,
            controller: read.controller(&key.namespace)?,
            phase,
            ready: read.holds("Ready")?,
            terminating: read.text("metadata.deletionTimestamp")?.map(str::to_owned),
            finalizers: finalizers.filter_map(|f| f.as_str().map(str::to_owned)).collect(),
            mirror: read.texts("metadata.annotations")?.contains_key(MIRROR),
            grace,
            empty_dirs: Vec::new(),
            host_paths: Vec::new(),
            claims: Vec::new(),
            terms: NodeTerms::of_pod(&read)?,
            tolerations: Toleration::all(&read)?,
            key,
        };
        for volume in read.list("spec.volumes")? {
            let Some(name) = volume["name"].as_str() else {
                return Err(read.wrong("a volume of it has no name"));
            };
            if volume["emptyDir"].is_object() {
                pod.empty_dirs.push(name.to_owned());
            } else if let Some(path) = volume["hostPath"]["path"].as_str() {
                pod.host_paths.push(path.to_owned());
            } else if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                pod.claims.push(claim.to_owned());
            } else if volume["ephemeral"].is_object() {
                // The claim is the pod's own, named after both.
                pod.claims.push(format!("{}-{name}", pod.key.name));
            }
        }
        Ok(pod)
    }

    /// Whether the server evicts it without asking a budget.
    pub fn is_unguarded(&self) -> bool {
        self.phase.is_over() || self.phase == Phase::Pending || self.terminating.is_some()
    }
}

/// The annotation of pods that a kubelet shows for its static pods.
const MIRROR: &str = "kubernetes.io/config.mirror";

impl Node {
    /// Reads a node as the server sent it.
    pub fn of(object: &Json) -> Result<Self, Unreadable> {
        let read = Reader::new(object, "Node");
        let mut annotations = read.texts("metadata.annotations")?;
        Ok(Self {
            name: read.name("metadata.name")?,
            uid: read.name("metadata.uid")?,
            labels: read.texts("metadata.labels")?,
            taints: Taint::all(&read)?,
            unschedulable: read.flag("spec.unschedulable")?,
            ready: read.holds("Ready")?,
            cordon: annotations.remove(super::CORDON),
        })
    }
}

impl Budget {
    /// Reads a budget as the server sent it.
    pub fn of(object: &Json) -> Result<Self, Unreadable> {
        let read = Reader::new(object, "PodDisruptionBudget");
        // The server passes over a selector that it does not understand.
        let selector = read.map("spec.selector")?.map(|_| &object["spec"]["selector"]);
        let selector = selector.and_then(|selector| LabelSelector::from_object(selector).ok());
        let mut conditions = read.list("status.conditions")?.iter();
        let failed = conditions.find(|one| {
            one["type"] == "DisruptionAllowed"
                && one["status"] == "False"
                && one["reason"] == "SyncFailed"
        });
        Ok(Self {
            key: read.key()?,
            selector,
            policy: match read.text("spec.unhealthyPodEvictionPolicy")? {
                Some("AlwaysAllow") => UnhealthyPolicy::AlwaysAllow,
                _ => UnhealthyPolicy::IfHealthyBudget,
            },
            generation: read.number("metadata.generation")?,
            observed: read.number("status.observedGeneration")?,
            allowed: read.number("status.disruptionsAllowed")?,
            healthy: read.number("status.currentHealthy")?,
            desired: read.number("status.desiredHealthy")?,
            expected: read.number("status.expectedPods")?,
            unconfirmed: read.map("status.disruptedPods")?.map_or(0, Map::len),
            failed: failed
                .map(|one| access::text::clean(one["message"].as_str().unwrap_or_default())),
        })
    }

    /// Whether the server asks it when this pod is evicted.
    pub fn covers(&self, pod: &Pod) -> bool {
        self.key.namespace == pod.key.namespace
            && self.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels))
    }
}

impl Owner {
    /// Reads a `Deployment`, `ReplicaSet`, `StatefulSet` or `ReplicationController` as the
    /// server sent it. `group` and `kind` are those of the list that it comes from.
    pub fn of(object: &Json, group: &str, kind: &'static str) -> Result<Self, Unreadable> {
        let read = Reader::new(object, kind);
        let key = read.key()?;
        let replicas = read.typed("spec.replicas", "whole number", Json::as_i64)?;
        Ok(Self {
            controller: read.controller(&key.namespace)?,
            this: OwnerRef { group: group.to_owned(), kind: kind.to_owned(), key },
            // The server's own default.
            replicas: replicas.unwrap_or(1),
            ready: read.number("status.readyReplicas")?,
        })
    }
}

impl Volume {
    /// Reads a persistent volume; `None` for one that any node can reach or that nobody has.
    pub fn of(object: &Json) -> Result<Option<Self>, Unreadable> {
        let read = Reader::new(object, "PersistentVolume");
        let name = read.name("metadata.name")?;
        let terms = NodeTerms::of_volume(&read)?;
        let unplaced = terms.is_empty() && read.map("spec.hostPath")?.is_some();
        let claim = (read.text("spec.claimRef.namespace")?, read.text("spec.claimRef.name")?);
        let (Some(namespace), Some(claim)) = claim else { return Ok(None) };
        if terms.is_empty() && !unplaced {
            return Ok(None);
        }
        Ok(Some(Self { name, claim: Key::new(namespace, claim), terms, unplaced }))
    }
}

impl Daemon {
    /// Reads a `DaemonSet` as the server sent it.
    pub(super) fn of(object: &Json) -> Result<(Key, Self), Unreadable> {
        let whole = Reader::new(object, "DaemonSet");
        let read = Reader::new(&object["spec"]["template"], "DaemonSet");
        // A template has no name of its own.
        let named = |unreadable: Unreadable| whole.wrong(unreadable.why);
        let terms = NodeTerms::of_pod(&read).map_err(named)?;
        let tolerations = Toleration::all(&read).map_err(named)?;
        Ok((whole.key()?, Self { terms, tolerations }))
    }

    /// Whether its controller puts a pod on this node, as the node is now.
    pub fn wants(&self, node: &Node) -> bool {
        self.terms.fit(node) && place::is_borne(node, &self.tolerations)
    }
}
