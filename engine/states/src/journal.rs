//! What a run writes down while it goes on.

use addrs::InstanceAddr;
use plans::{Ended, Recorded, StepId, Timestamp};
use std::collections::BTreeMap;
use values::Value;

/// What happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalEntry {
    /// A run, or the resumption of one, has begun.
    RunStarted(RunStarted),
    /// A step is about to touch the world.
    Begin {
        /// Which step of the run's plan.
        step: StepId,
    },
    /// A step will not touch the world any more, in this run.
    ///
    /// With [`Ended::NotStarted`] it is the answer to an earlier doubt: it took no effect.
    End {
        /// Which step.
        step: StepId,
        /// How it ended.
        ended: Ended,
        /// What the state remembers from here on.
        change: RecordChange,
    },
    /// The state remembers something else, and nothing was done to the world: an instance was
    /// forgotten, adopted or moved.
    Records {
        /// In order.
        changes: Vec<RecordChange>,
    },
    /// Nothing of the run is left to do.
    RunFinished {
        /// Which run.
        run: String,
        /// When.
        at: Timestamp,
        /// The outputs from here on.
        outputs: BTreeMap<String, Value>,
    },
}

/// A run, or the resumption of one, has begun.
///
/// It says which state it starts from, so that a journal is never replayed on another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStarted {
    /// Its own name.
    pub run: String,
    /// The plan. A run with the plan of the unfinished run before it is its resumption.
    pub plan_id: String,
    /// When.
    pub at: Timestamp,
    /// How many steps the plan has.
    pub steps: u32,
    /// The state's lineage.
    pub lineage: String,
    /// The state's serial from here on: one more than before.
    pub serial: u64,
    /// The configuration's name.
    pub project: String,
    /// The cluster that is changed.
    pub cluster_uid: String,
    /// Who started it, `user@host`.
    pub by: String,
    /// Safety that was switched off on the command line, each with its reason: `-lock=false`.
    pub forced: Vec<String>,
}

/// What the state remembers of an instance from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordChange {
    /// What it remembered before.
    Keep,
    /// This.
    Set(InstanceAddr, Box<Recorded>),
    /// Nothing.
    Forget(InstanceAddr),
}
