//! Emptying a node: what would happen to each of its pods, and making it so.
//!
//! This module answers two questions. *What does the drain of a node do, and what is in its
//! way?* Start reading at [`forecast`], which is pure. *How does a node get empty, and how does it
//! come back?* [`Cordon`], [`Evict`], [`Uncordon`], each of which may be performed again after any
//! crash, and looks by `settle` whether anything is left to do.
//!
//! | question | start at |
//! | --- | --- |
//! | what is known of a cluster | [`World::read`] |
//! | what happens to each pod, and why | [`forecast`] -> [`Drain`], [`Leaving`], [`Fate`] |
//! | what the server would answer to an eviction | [`Answer`] |
//! | could another node take it | [`misfit`] |
//! | as lines for a plan; as problems | [`Drain::lines`], [`Drain::problems`] |
//! | who cordoned a node | [`Whose`] |
//! | take it out of service, empty it, bring it back | [`Cordon`], [`Evict`], [`Uncordon`] |
//!
//! ```text
//! refuse  shop/tool       has no controller
//! evict   shop/web-7f-x2  Deployment shop/web, 3 of 3 ready, budget shop/web allows 1
//! remove  shop/report-91  Job shop/report, is over
//! stay    2 of daemon sets, 1 static
//! ```
//!
//! **Invariant:** pods that could not be read are an error, never an empty node.
//!
//! **Invariant:** all or nothing. A pod that must not be evicted ([`Fate::Refused`]) keeps every
//! other pod from being evicted, too.
//!
//! **Invariant:** what a person cordoned stays cordoned; only a cordon that says on the node
//! that it is clinch's is ever taken away.
//!
//! Rights that are needed: to `get`, `list` and `patch` nodes, `list` and `watch` pods, `create`
//! `pods/eviction`, `list` `daemonsets.apps`, and for the names of budgets that block
//! `poddisruptionbudgets.policy`. A forecast says more with `list` of deployments, replica sets,
//! stateful sets, replication controllers and persistent volumes.
//!
//! **Not here:** when a node is drained and what is done to it then (the recipes of this crate);
//! whether free memory would do for the pods elsewhere; volumes that are still attached when the
//! last pod has gone.

mod budgets;
pub mod codes;
mod forecast;
mod objects;
mod ops;
mod place;
mod reader;
#[cfg(test)]
mod tests;
mod text;
mod whose;
mod world;

pub use budgets::{Answer, Block, answer};
pub use forecast::{Drain, Fate, Leaving, NoForecast, Note, Refusal, Stay, forecast};
pub use objects::{
    Budget, Daemon, Key, Node, Owner, OwnerRef, Phase, Pod, UnhealthyPolicy, Volume,
};
pub use ops::{Cordon, Evict, Evicted, Uncordon, Uncordoned};
pub use place::{Misfit, NodeTerms, Taint, Toleration, misfit};
pub use reader::Unreadable;
pub use whose::{CORDON, Holder, Whose};
pub use world::World;

pub(crate) use text::named;

use apimachinery::selector::LabelSelector;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a pod of a node that is not ready is waited for in a plan.
pub(crate) const UNCONFIRMED: Duration = Duration::from_secs(30);

/// What a drain may do; what is named as a flag of `kubectl drain` means what it means there.
///
/// Pods of daemon sets are always left alone, and budgets are always asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether pods may go that nothing creates again (`--force`).
    pub force: bool,
    /// Whether data in `emptyDir` volumes may be lost (`--delete-emptydir-data`).
    pub delete_emptydir_data: bool,
    /// Whether pods may go that no other node takes: of the last node that takes pods, or with
    /// a volume of this node.
    pub allow_stranded: bool,
    /// How long a pod is waited for that was told to end on a node that is not ready, since its kubelet
    /// does not confirm that it has (`--skip-wait-for-delete-timeout`); `None` for as long as others.
    pub unconfirmed: Option<Duration>,
    /// How long all of it may take (`--timeout`).
    pub timeout: Duration,
    /// How many seconds every pod has to end, instead of its own time (`--grace-period`).
    pub grace_period: Option<u64>,
    /// Only pods with these labels leave (`--pod-selector`).
    pub pod_selector: Option<LabelSelector>,
    /// Nodes that are out of service now, cordoned or not ready, and back before this drain begins.
    pub back: BTreeSet<String>,
}

impl Options {
    /// Nothing is risked, within ten minutes.
    pub fn careful() -> Self {
        Self {
            force: false,
            delete_emptydir_data: false,
            allow_stranded: false,
            unconfirmed: None,
            timeout: Duration::from_mins(10),
            grace_period: None,
            pod_selector: None,
            back: BTreeSet::new(),
        }
    }

    /// The same with everything allowed.
    pub fn bold() -> Self {
        Self { force: true, delete_emptydir_data: true, allow_stranded: true, ..Self::careful() }
    }
}
