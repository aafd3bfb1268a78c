//! What a drain of a node would do to each of its pods, and why. Pure.

use super::budgets::{self, Answer};
use super::objects::{Key, Node, OwnerRef, Pod, Volume};
use super::place::{self, Misfit};
use super::{Options, Whose, World};
use std::collections::BTreeMap;
use std::time::Duration;

/// The drain of a node before it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// The node.
    pub node: String,
    /// Whether the node is ready; if not, nobody confirms that a pod has ended.
    pub ready: bool,
    /// Whose cordon it has already.
    pub cordon: Whose,
    /// Every pod of the node, by namespace and name.
    pub pods: Vec<Leaving>,
    /// How long to reckon with at least: the longest time that one of the pods may take to end.
    /// Pods that heed the signal are quicker; budgets that let few go at a time take longer.
    pub at_least: Duration,
    /// What could not be looked at.
    pub unseen: Vec<String>,
}

/// One pod of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Which pod.
    pub key: Key,
    /// Which one of that name.
    pub uid: String,
    /// What would create it again: the `Deployment` behind a `ReplicaSet`.
    pub owner: Option<OwnerRef>,
    /// How many of its owner's pods are ready, and how many there should be.
    pub ready: Option<(i64, i64)>,
    /// What happens to it.
    pub fate: Fate,
    /// What the server would answer to its eviction now.
    pub answer: Answer,
    /// What is lost or stands still.
    pub notes: Vec<Note>,
}

/// What happens to a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The drain does not begin because of it.
    Refused(Vec<Refusal>),
    /// It is evicted; its owner creates it elsewhere.
    Evicted,
    /// It is over, and only its object is removed.
    Removed,
    /// It is going already, and is waited for.
    Awaited,
    /// It stays.
    Stays(Stay),
}

/// Why a drain does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Its `DaemonSet` does not exist any more, so that nothing would create it again.
    Orphaned,
    /// Data in its `emptyDir` volumes would be lost.
    EmptyDir,
    /// It has no controller, so that nothing would create it again.
    Bare,
    /// No node could take it.
    Stranded,
}

/// Why a pod stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stay {
    /// Its `DaemonSet` would put it on the node again at once.
    DaemonSet,
    /// It only mirrors a file on the node.
    Mirror,
    /// It was told to end, and the kubelet of its node, which is not ready, does not confirm it.
    Unconfirmed,
    /// The pod selector of the options does not mean it.
    NotSelected,
}

/// What a person should know about a pod that leaves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// Nothing creates it again, and that was allowed.
    GoneForGood,
    /// Data in these `emptyDir` volumes is lost, and that was allowed.
    Loses(Vec<String>),
    /// It uses these folders of the node, which it does not find elsewhere.
    HostPath(Vec<String>),
    /// It is bound to this volume, which no other node that takes pods can reach.
    Bound(String),
    /// No other node takes it; why not, by node.
    Stranded(Vec<(Misfit, usize)>),
    /// It is the only pod of its owner, which stands still until it runs elsewhere.
    OnlyReplica,
    /// Every ready pod of its owner is on this node, and nothing keeps one of them.
    AllHere,
    /// The job's work in it is begun again.
    WorkAgain,
}

/// Why no forecast can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoForecast {
    /// There is no such node.
    NoNode,
    /// Its pods were not looked at; that is not the same as having none.
    PodsUnseen,
}

/// What the drain of this node would do, as the world is now.
pub fn forecast(world: &World, node: &str, options: &Options) -> Result<Drain, NoForecast> {
    let this = world.nodes.get(node).ok_or(NoForecast::NoNode)?;
    let here = world.pods.get(node).ok_or(NoForecast::PodsUnseen)?;
    let counts = Counts::of(world, here);
    let mut pods: Vec<Leaving> =
        here.iter().map(|pod| leaving(world, this, pod, &counts, options)).collect();
    pods.sort_by(|a, b| (&a.key, &a.uid).cmp(&(&b.key, &b.uid)));
    let longest = here.iter().filter_map(|pod| match fate(world, pod, options) {
        Fate::Evicted => Some(options.grace_period.unwrap_or(pod.grace)),
        Fate::Awaited => Some(pod.grace),
        Fate::Refused(_) | Fate::Removed | Fate::Stays(_) => None,
    });
    Ok(Drain {
        node: node.to_owned(),
        ready: this.ready,
        cordon: Whose::of(this),
        pods,
        at_least: Duration::from_secs(longest.max().unwrap_or(0)),
        unseen: world.unseen.clone(),
    })
}

/// How many ready pods each owner has on the node.
struct Counts(BTreeMap<OwnerRef, i64>);

impl Counts {
    fn of(world: &World, here: &[Pod]) -> Self {
        let mut counts = BTreeMap::new();
        for pod in here.iter().filter(|pod| pod.ready && pod.terminating.is_none()) {
            if let Some(owner) = whole_owner(world, pod) {
                *counts.entry(owner).or_insert(0) += 1;
            }
        }
        Self(counts)
    }
}

/// The owner that a person knows: the `Deployment` rather than its `ReplicaSet`.
fn whole_owner(world: &World, pod: &Pod) -> Option<OwnerRef> {
    let direct = pod.controller.as_ref()?;
    let above = world.owners.get(direct).and_then(|owner| owner.controller.clone());
    Some(above.unwrap_or_else(|| direct.clone()))
}

/// What happens to a pod: `kubectl drain`'s filters in its order, with daemon sets ignored.
///
/// Two things are otherwise than there. All reasons to refuse a pod are told, not the first
/// alone; and a pod that is going already is waited for, whatever else is to be said about it,
/// since refusing would not keep it.
///
/// Source: [kubectl drain](https://kubernetes.io/docs/reference/kubectl/generated/kubectl_drain/).
pub(super) fn fate(world: &World, pod: &Pod, options: &Options) -> Fate {
    if options.pod_selector.as_ref().is_some_and(|selector| !selector.matches(&pod.labels)) {
        return Fate::Stays(Stay::NotSelected);
    }
    let mut refusals = Vec::new();
    if let Some(set) = pod.controller.as_ref().filter(|owner| owner.is("apps", "DaemonSet"))
        && !pod.phase.is_over()
    {
        if world.daemon_sets.contains_key(&set.key) {
            return Fate::Stays(Stay::DaemonSet);
        }
        if !options.force {
            refusals.push(Refusal::Orphaned);
        }
    }
    if pod.mirror {
        return Fate::Stays(Stay::Mirror);
    }
    if pod.terminating.is_some() {
        let is_down = world.nodes.get(&pod.node).is_some_and(|node| !node.ready);
        let is_left = options.unconfirmed.is_some() && is_down;
        return if is_left { Fate::Stays(Stay::Unconfirmed) } else { Fate::Awaited };
    }
    if pod.phase.is_over() {
        return Fate::Removed;
    }
    if !pod.empty_dirs.is_empty() && !options.delete_emptydir_data {
        refusals.push(Refusal::EmptyDir);
    }
    if pod.controller.is_none() && !options.force {
        refusals.push(Refusal::Bare);
    }
    if refusals.is_empty() { Fate::Evicted } else { Fate::Refused(refusals) }
}

fn leaving(world: &World, node: &Node, pod: &Pod, counts: &Counts, options: &Options) -> Leaving {
    let owner = whole_owner(world, pod);
    let mut fate = fate(world, pod, options);
    let ready = owner.as_ref().and_then(|owner| world.owners.get(owner));
    let ready = ready.map(|owner| (owner.ready, owner.replicas));
    let goes = matches!(fate, Fate::Evicted | Fate::Refused(_));
    let answer = match (&fate, &world.budgets) {
        (Fate::Stays(_) | Fate::Awaited, _) => Answer::Free,
        // Every pod asks, and there may be as many budgets as applications.
        (_, Some(all)) => budgets::answer(pod, all.get(&pod.key.namespace).into_iter().flatten()),
        (_, None) if pod.is_unguarded() => Answer::Free,
        (_, None) => Answer::Unseen,
    };
    let mut notes = Vec::new();
    if goes {
        notes = lost(world, node, pod);
        if let Some(why) = stranded(world, node, pod, options) {
            if !options.allow_stranded {
                match &mut fate {
                    Fate::Refused(refusals) => refusals.push(Refusal::Stranded),
                    _ => fate = Fate::Refused(vec![Refusal::Stranded]),
                }
            }
            notes.push(why);
        }
        let here = owner.as_ref().and_then(|owner| counts.0.get(owner)).copied().unwrap_or(0);
        notes.extend(outage(pod, ready, here, &answer));
        notes.sort();
    }
    Leaving { key: pod.key.clone(), uid: pod.uid.clone(), owner, ready, fate, answer, notes }
}

/// What the pod does not find again elsewhere.
fn lost(world: &World, node: &Node, pod: &Pod) -> Vec<Note> {
    let mut notes = Vec::new();
    match &pod.controller {
        None => notes.push(Note::GoneForGood),
        Some(owner) if owner.is("apps", "DaemonSet") => notes.push(Note::GoneForGood),
        Some(owner) if owner.is("batch", "Job") => notes.push(Note::WorkAgain),
        Some(_) => {}
    }
    if !pod.empty_dirs.is_empty() {
        notes.push(Note::Loses(pod.empty_dirs.clone()));
    }
    let mut folders = pod.host_paths.clone();
    for volume in volumes(world, pod) {
        if volume.unplaced {
            folders.push(format!("volume {}", volume.name));
        } else if volume.terms.fit(node) {
            let others = world.nodes.values().filter(|other| other.name != node.name);
            if !others.into_iter().any(|other| volume.terms.fit(other)) {
                notes.push(Note::Bound(volume.name.clone()));
            }
        }
    }
    if !folders.is_empty() {
        notes.push(Note::HostPath(folders));
    }
    notes
}

fn volumes<'a>(world: &'a World, pod: &'a Pod) -> impl Iterator<Item = &'a Volume> {
    pod.claims
        .iter()
        .filter_map(|claim| world.volumes.get(&Key::new(pod.key.namespace.as_str(), claim)))
}

/// Why no other node takes what would be created in the place of this pod; `None` when one
/// does, or when nothing would be created.
fn stranded(world: &World, node: &Node, pod: &Pod, options: &Options) -> Option<Note> {
    let again = pod.controller.as_ref().is_some_and(|owner| !owner.is("apps", "DaemonSet"));
    if !again {
        return None;
    }
    let volumes: Vec<&Volume> = volumes(world, pod).collect();
    let mut why: BTreeMap<Misfit, usize> = BTreeMap::new();
    for other in world.nodes.values().filter(|other| other.name != node.name) {
        let back = options.back.contains(&other.name).then(|| place::in_service(other));
        match place::misfit(back.as_ref().unwrap_or(other), pod, &volumes) {
            None => return None,
            Some(misfit) => *why.entry(misfit).or_default() += 1,
        }
    }
    Some(Note::Stranded(why.into_iter().collect()))
}

/// Whether an application stands still while its pods move.
fn outage(pod: &Pod, ready: Option<(i64, i64)>, here: i64, answer: &Answer) -> Option<Note> {
    let (ready, replicas) = ready?;
    let keeps_one = match answer {
        Answer::Allowed { allowed, .. } => *allowed < here,
        Answer::Blocked { .. } | Answer::Several { .. } | Answer::Corrupt { .. } => true,
        Answer::Free | Answer::Unhealthy { .. } | Answer::Unseen => false,
    };
    if !pod.ready || keeps_one || here < ready {
        return None;
    }
    Some(if replicas <= 1 { Note::OnlyReplica } else { Note::AllHere })
}

impl Drain {
    /// Whether nothing has to leave the node.
    pub fn is_empty(&self) -> bool {
        self.pods.iter().all(|pod| matches!(pod.fate, Fate::Stays(_)))
    }

    /// The pods that have to leave, by namespace and name.
    pub fn leaving(&self) -> impl Iterator<Item = &Leaving> {
        self.pods.iter().filter(|pod| !matches!(pod.fate, Fate::Stays(_)))
    }

    /// Whether the drain would not begin.
    pub fn is_refused(&self) -> bool {
        self.pods.iter().any(|pod| matches!(pod.fate, Fate::Refused(_)))
    }
}
