//! How nodes take turns, for tools.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The rules by which nodes take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rollout {
    /// Its name in the configuration; null for the nodes that no rollout selects.
    pub name: Option<String>,
    /// Whether these are nodes of the control plane, which come after all others.
    pub control_plane: bool,
    /// Its nodes in the order of their turns, by batch: each waits for the one before.
    pub batches: Vec<Vec<String>>,
    /// So many of them may be out of service at once.
    pub max_unavailable: u32,
    /// So many may fail before no other node is begun.
    pub max_failures: u32,
    /// How many seconds it is waited between two batches.
    pub pause_seconds: u64,
    /// When a node may be begun; null for always.
    pub window: Option<String>,
}

impl Rollout {
    /// Those of a plan.
    pub(super) fn all(plan: &plans::Plan) -> Vec<Self> {
        let of = |(position, rollout): (usize, &plans::Rollout)| {
            let mut batches: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            for turn in plan.turns.iter().filter(|turn| turn.rollout == position) {
                let batch = batches.entry(turn.batch).or_default();
                let node = turn.scope.node_name().unwrap_or_default();
                if !batch.iter().any(|known| known == node) {
                    batch.push(node.to_owned());
                }
            }
            Self {
                name: rollout.name.clone(),
                control_plane: rollout.last,
                batches: batches.into_values().collect(),
                max_unavailable: rollout.max_unavailable,
                max_failures: rollout.max_failures,
                pause_seconds: rollout.pause.as_secs(),
                window: rollout.window.as_ref().map(ToString::to_string),
            }
        };
        plan.rollouts.iter().enumerate().map(of).collect()
    }
}
