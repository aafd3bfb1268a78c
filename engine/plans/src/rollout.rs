//! How nodes take turns at being out of service.

use crate::{StepId, Window};
use addrs::Scope;
use std::time::Duration;

/// The rules for a selection of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Its name in the configuration; `None` for the nodes that no rollout selects.
    pub name: Option<String>,
    /// Whether these are the nodes that the way back goes through, which come after all others.
    pub last: bool,
    /// So many of its nodes may be out of service at once.
    pub max_unavailable: u32,
    /// So many of its nodes may fail before no other node is begun.
    pub max_failures: u32,
    /// How long it is waited between two batches.
    pub pause: Duration,
    /// When a node may be begun; `None` for always.
    pub window: Option<Window>,
}

impl Rollout {
    /// One node after the other until one fails: what holds where nobody says otherwise.
    pub fn careful() -> Self {
        Self {
            name: None,
            last: false,
            max_unavailable: 1,
            max_failures: 0,
            pause: Duration::ZERO,
            window: None,
        }
    }
}

/// Steps on one node that begin together and end together: a bracket, or one step that restarts
/// something. They begin when it is their turn, and all that they need is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which of the plan's rollouts it belongs to.
    pub rollout: usize,
    /// Which of that rollout's batches, from 0.
    pub batch: usize,
    /// The node.
    pub scope: Scope,
    /// All its steps.
    pub steps: Vec<StepId>,
    /// Those of them that need none of the others.
    pub first: Vec<StepId>,
    /// Turns of the plan that must be over before, well or not; all of them come earlier in the
    /// plan's list. No turn begins after more failures than the rules of its rollout, and of those
    /// before, allow.
    pub after: Vec<usize>,
    /// Whether it is waited for the rollout's pause when those are over.
    pub pause: bool,
}
