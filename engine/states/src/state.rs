//! The state itself.

use addrs::InstanceAddr;
use plans::Recorded;
use std::collections::BTreeMap;
use values::Value;

/// How many applied plans a state remembers. An older plan is refused for its serial already;
/// the list is for plans that were made from this very serial.
pub const MAX_USED_PLANS: usize = 100;

/// What is remembered of one configuration in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Names this state among all states, from its beginning to its end.
    pub lineage: String,
    /// Grows with every run and every edit, so that a plan can tell whether it is stale. Zero
    /// only while nothing was ever applied.
    pub serial: u64,
    /// The configuration's name, which is also on every object that it owns.
    pub project: String,
    /// The cluster that it describes; `None` until something was applied.
    pub cluster_uid: Option<String>,
    /// Every object that was applied and not deleted or forgotten since.
    pub records: BTreeMap<InstanceAddr, Recorded>,
    /// The outputs of the last run that ended.
    pub outputs: BTreeMap<String, Value>,
    /// Plans that were applied, the latest last. A plan is applied once.
    pub used_plans: Vec<String>,
}

impl State {
    /// The state of a configuration that was never applied.
    pub fn new(lineage: impl Into<String>, project: impl Into<String>) -> Self {
        Self {
            lineage: lineage.into(),
            serial: 0,
            project: project.into(),
            cluster_uid: None,
            records: BTreeMap::new(),
            outputs: BTreeMap::new(),
            used_plans: Vec::new(),
        }
    }

    /// Whether nothing was ever applied.
    pub fn is_new(&self) -> bool {
        self.serial == 0
    }

    /// Whether a plan of this id was applied, or begun.
    pub fn has_used(&self, plan_id: &str) -> bool {
        self.used_plans.iter().any(|used| used == plan_id)
    }

    /// Remembers that a plan was begun, and forgets the oldest when there are too many.
    pub(crate) fn mark_used(&mut self, plan_id: &str) {
        if self.has_used(plan_id) {
            return;
        }
        self.used_plans.push(plan_id.to_owned());
        let excess = self.used_plans.len().saturating_sub(MAX_USED_PLANS);
        self.used_plans.drain(..excess);
    }
}
