//! Could another node take a pod?
//!
//! As far as labels, cordons and taints say. Free memory, ports, spreading and the wish to be
//! apart from other pods are not looked at: a node that is named here may still be full, but a
//! pod without any cannot run anywhere.
//!
//! Source: [Assigning Pods to Nodes](https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/),
//! [Taints and Tolerations](https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/).

use super::objects::{Node, Pod, Volume};
use super::reader::{Reader, Unreadable};
use apimachinery::selector::{LabelSelector, Operator, Requirement};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What somebody asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeTerms {
    /// All of these labels.
    labels: BTreeMap<String, String>,
    /// One of these terms; `None` when nothing is asked, and an empty list fits no node.
    any_of: Option<Vec<Term>>,
}

/// One way for a node to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    labels: LabelSelector,
    /// Of the name of the node, the only field that can be asked for.
    name: LabelSelector,
}

/// What keeps pods from a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value; empty for none.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// What a pod bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    /// Empty for every key.
    key: String,
    /// `None` for every value.
    value: Option<String>,
    /// Empty for every effect.
    effect: String,
}

/// The taint that a cordon is, for whoever bears it.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Why a node does not take a pod; the order is the one in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misfit {
    /// It is cordoned.
    Cordoned,
    /// It is not ready.
    NotReady,
    /// It has a taint that the pod does not bear.
    Tainted,
    /// It does not have what the pod asks for.
    Unwanted,
    /// A volume of the pod cannot be reached from there.
    OutOfReach,
}

/// Why this node does not take this pod with these volumes; `None` when nothing is known
/// against it.
pub fn misfit(node: &Node, pod: &Pod, volumes: &[&Volume]) -> Option<Misfit> {
    let bears = |taint: &Taint| pod.tolerations.iter().any(|one| one.bears(taint));
    let cordon = || Taint {
        key: UNSCHEDULABLE.to_owned(),
        value: String::new(),
        effect: NO_SCHEDULE.to_owned(),
    };
    if !pod.terms.fit(node) {
        return Some(Misfit::Unwanted);
    }
    if !volumes.iter().all(|volume| volume.terms.fit(node)) {
        return Some(Misfit::OutOfReach);
    }
    if node.unschedulable && !bears(&cordon()) {
        return Some(Misfit::Cordoned);
    }
    if !node.ready {
        return Some(Misfit::NotReady);
    }
    let repels = |taint: &&Taint| taint.effect != PREFER_NO_SCHEDULE && taint.key != UNSCHEDULABLE;
    let mut repelling = node.taints.iter().filter(repels);
    (!repelling.all(bears)).then_some(Misfit::Tainted)
}

/// Whether pods of a daemon set that bear these taints come to a node and stay there.
pub(super) fn is_borne(node: &Node, tolerations: &[Toleration]) -> bool {
    let repels = |taint: &&Taint| {
        taint.effect != PREFER_NO_SCHEDULE && !OF_EVERY_DAEMON.contains(&taint.key.as_str())
    };
    let bears = |taint: &Taint| tolerations.iter().any(|one| one.bears(taint));
    node.taints.iter().filter(repels).all(bears)
}

/// Taints that the controller of daemon sets lets all their pods bear (that of the network only
/// those that need none, which is no difference on a node that is ready).
///
/// Source: [DaemonSet](https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/),
/// "Taints and tolerations".
const OF_EVERY_DAEMON: [&str; 7] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    UNSCHEDULABLE,
    "node.kubernetes.io/network-unavailable",
];

/// The node as it is when it is back: no cordon, and nothing that only says that it is not ready.
pub(super) fn in_service(node: &Node) -> Node {
    let mut back = Node { unschedulable: false, ready: true, ..node.clone() };
    back.taints.retain(|taint| !WHILE_UNREADY.contains(&taint.key.as_str()));
    back
}

/// Taints that a node has as long as it is not ready.
///
/// Source: [Taints and Tolerations](https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/),
/// "Taint based Evictions".
const WHILE_UNREADY: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

const NO_SCHEDULE: &str = "NoSchedule";
const PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";

impl NodeTerms {
    pub(super) fn of_pod(read: &Reader<'_>) -> Result<Self, Unreadable> {
        const TERMS: &str =
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        Ok(Self { labels: read.texts("spec.nodeSelector")?, any_of: terms(read, TERMS)? })
    }

    pub(super) fn of_volume(read: &Reader<'_>) -> Result<Self, Unreadable> {
        let any_of = terms(read, "spec.nodeAffinity.required")?;
        Ok(Self { labels: BTreeMap::new(), any_of })
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.any_of.is_none()
    }

    /// Whether a node fits.
    pub fn fit(&self, node: &Node) -> bool {
        let has = |(key, value): (&String, &String)| node.labels.get(key) == Some(value);
        self.labels.iter().all(has)
            && self.any_of.as_ref().is_none_or(|terms| terms.iter().any(|term| term.fits(node)))
    }
}

fn terms(read: &Reader<'_>, path: &str) -> Result<Option<Vec<Term>>, Unreadable> {
    let list = format!("{path}.nodeSelectorTerms");
    let found = read.maps(&list)?;
    if found.is_empty() {
        return Ok(None);
    }
    let part = |term: &Json, name: &str| {
        let all = term[name].as_array().into_iter().flatten();
        let requirements = all.map(|one| requirement(one).map_err(|why| read.wrong(why)));
        requirements
            .collect::<Result<Vec<_>, _>>()
            .map(|requirements| LabelSelector { requirements })
    };
    let term = |term: &Json| {
        let (labels, name) = (part(term, "matchExpressions")?, part(term, "matchFields")?);
        Ok(Term { labels, name })
    };
    found.into_iter().map(term).collect::<Result<_, _>>().map(Some)
}

fn requirement(one: &Json) -> Result<Requirement, String> {
    let values = one["values"].as_array().into_iter().flatten();
    let values: Vec<String> = values.filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let bound = || values.first().and_then(|text| text.parse::<i64>().ok());
    let operator = match (one["operator"].as_str().unwrap_or_default(), bound()) {
        ("In", _) => Operator::In(values),
        ("NotIn", _) => Operator::NotIn(values),
        ("Exists", _) => Operator::Exists,
        ("DoesNotExist", _) => Operator::DoesNotExist,
        ("Gt", Some(bound)) => Operator::GreaterThan(bound),
        ("Lt", Some(bound)) => Operator::LessThan(bound),
        (other, _) => return Err(format!("it asks of nodes by `{other}`, which is not known")),
    };
    let key = one["key"].as_str().unwrap_or_default().to_owned();
    Ok(Requirement { key, operator })
}

impl Term {
    fn fits(&self, node: &Node) -> bool {
        // A term that asks nothing fits no node.
        if self.labels.requirements.is_empty() && self.name.requirements.is_empty() {
            return false;
        }
        let fields = BTreeMap::from([("metadata.name".to_owned(), node.name.clone())]);
        self.labels.matches(&node.labels) && self.name.matches(&fields)
    }
}

impl Taint {
    pub(super) fn all(read: &Reader<'_>) -> Result<Vec<Self>, Unreadable> {
        let taint = |taint: &Json| Self {
            key: text(taint, "key"),
            value: text(taint, "value"),
            effect: text(taint, "effect"),
        };
        Ok(read.maps("spec.taints")?.into_iter().map(taint).collect())
    }
}

impl Toleration {
    pub(super) fn all(read: &Reader<'_>) -> Result<Vec<Self>, Unreadable> {
        let all = read.maps("spec.tolerations")?.into_iter();
        let toleration = |one: &Json| match one["operator"].as_str().unwrap_or_default() {
            "" | "Equal" => Some(Some(text(one, "value"))),
            "Exists" => Some(None),
            // A comparison that is not known bears nothing: better one node too few.
            _ => None,
        };
        let toleration = |one: &Json| {
            let value = toleration(one)?;
            Some(Self { key: text(one, "key"), value, effect: text(one, "effect") })
        };
        Ok(all.filter_map(toleration).collect())
    }

    /// Whether the taint does not keep the pod away.
    pub fn bears(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_empty() || self.effect == taint.effect;
        let key = self.key == taint.key || (self.key.is_empty() && self.value.is_none());
        effect && key && self.value.as_ref().is_none_or(|value| *value == taint.value)
    }
}

fn text(of: &Json, name: &str) -> String {
    of[name].as_str().unwrap_or_default().to_owned()
}
