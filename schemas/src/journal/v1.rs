//! Version 1 of the journal.

use crate::state::v1::Record;
use crate::text::Text;
use crate::value::{sealed, v1::WireValue};
use addrs::InstanceAddr;
use plans::{Ended, StepId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use states::{JournalEntry, RecordChange, RunStarted};
use std::collections::BTreeMap;

/// One line of a journal.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "JournalLine", deny_unknown_fields)]
#[expect(dead_code, reason = "only described; it is written and read as part of a chain")]
pub struct Line {
    /// 1.
    v: u64,
    /// The clinch that wrote it.
    clinch: String,
    /// What happened.
    entry: Entry,
    /// SHA-256 of the digest of the line before and of this line without this entry.
    digest: String,
}

/// What a line says about itself.
#[derive(Deserialize)]
pub(crate) struct Head {
    pub(crate) v: u64,
    pub(crate) clinch: String,
    #[serde(default)]
    pub(crate) digest: String,
}

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A run, or the resumption of one, has begun.
    RunStarted {
        /// Its own name.
        run: String,
        /// The plan.
        plan: String,
        /// Seconds since 1970.
        at: i64,
        /// How many steps the plan has.
        steps: u32,
        /// The state's lineage.
        lineage: String,
        /// The state's serial from here on.
        serial: u64,
        /// The configuration's name.
        project: String,
        /// The cluster that is changed.
        cluster_uid: String,
        /// Who started it.
        by: String,
        /// Safety that was switched off.
        forced: Vec<String>,
    },
    /// A step is about to touch the world.
    Begin {
        /// Which step.
        step: u32,
    },
    /// A step will not touch the world any more.
    End {
        /// Which step.
        step: u32,
        /// How it ended.
        ended: WireEnded,
        /// What the state remembers from here on.
        change: WireChange,
    },
    /// The state remembers something else, and nothing was done to the world.
    Records {
        /// In order.
        changes: Vec<WireChange>,
    },
    /// Nothing of the run is left to do.
    RunFinished {
        /// Which run.
        run: String,
        /// Seconds since 1970.
        at: i64,
        /// The outputs from here on.
        outputs: BTreeMap<String, WireValue>,
    },
}

/// How a step ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Ended")]
pub enum WireEnded {
    /// Well.
    Done,
    /// Not well; why.
    Failed(String),
    /// It was not begun, or took no effect.
    NotStarted,
    /// It may or may not have taken effect.
    InDoubt,
}

/// What the state remembers of an instance.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Change")]
pub enum WireChange {
    /// What it remembered before.
    Keep,
    /// This.
    Set {
        /// The instance.
        address: Text<InstanceAddr>,
        /// What is remembered.
        record: Record,
    },
    /// Nothing.
    Forget {
        /// The instance.
        address: Text<InstanceAddr>,
    },
}

impl From<&JournalEntry> for Entry {
    fn from(entry: &JournalEntry) -> Self {
        match entry {
            JournalEntry::RunStarted(start) => start.into(),
            JournalEntry::Begin { step } => Self::Begin { step: step.0 },
            JournalEntry::End { step, ended, change } => {
                Self::End { step: step.0, ended: ended.into(), change: change.into() }
            }
            JournalEntry::Records { changes } => {
                Self::Records { changes: changes.iter().map(Into::into).collect() }
            }
            JournalEntry::RunFinished { run, at, outputs } => {
                let output = |(name, value): (&String, _)| (name.clone(), WireValue(sealed(value)));
                let outputs = outputs.iter().map(output).collect();
                Self::RunFinished { run: run.clone(), at: at.0, outputs }
            }
        }
    }
}

impl From<&RunStarted> for Entry {
    fn from(start: &RunStarted) -> Self {
        Self::RunStarted {
            run: start.run.clone(),
            plan: start.plan_id.clone(),
            at: start.at.0,
            steps: start.steps,
            lineage: start.lineage.clone(),
            serial: start.serial,
            project: start.project.clone(),
            cluster_uid: start.cluster_uid.clone(),
            by: start.by.clone(),
            forced: start.forced.clone(),
        }
    }
}

impl From<Entry> for JournalEntry {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::RunStarted {
                run,
                plan: plan_id,
                at,
                steps,
                lineage,
                serial,
                project,
                cluster_uid,
                by,
                forced,
            } => {
                let at = Timestamp(at);
                Self::RunStarted(RunStarted {
                    run,
                    plan_id,
                    at,
                    steps,
                    lineage,
                    serial,
                    project,
                    cluster_uid,
                    by,
                    forced,
                })
            }
            Entry::Begin { step } => Self::Begin { step: StepId(step) },
            Entry::End { step, ended, change } => {
                Self::End { step: StepId(step), ended: ended.into(), change: change.into() }
            }
            Entry::Records { changes } => {
                Self::Records { changes: changes.into_iter().map(Into::into).collect() }
            }
            Entry::RunFinished { run, at, outputs } => {
                let outputs = outputs.into_iter().map(|(name, value)| (name, value.0)).collect();
                Self::RunFinished { run, at: Timestamp(at), outputs }
            }
        }
    }
}

impl From<&Ended> for WireEnded {
    fn from(ended: &Ended) -> Self {
        match ended {
            Ended::Done => Self::Done,
            Ended::Failed(why) => Self::Failed(why.clone()),
            Ended::NotStarted => Self::NotStarted,
            Ended::InDoubt => Self::InDoubt,
        }
    }
}

impl From<WireEnded> for Ended {
    fn from(ended: WireEnded) -> Self {
        match ended {
            WireEnded::Done => Self::Done,
            WireEnded::Failed(why) => Self::Failed(why),
            WireEnded::NotStarted => Self::NotStarted,
            WireEnded::InDoubt => Self::InDoubt,
        }
    }
}

impl From<&RecordChange> for WireChange {
    fn from(change: &RecordChange) -> Self {
        match change {
            RecordChange::Keep => Self::Keep,
            RecordChange::Set(addr, record) => {
                Self::Set { address: Text(addr.clone()), record: (&**record).into() }
            }
            RecordChange::Forget(addr) => Self::Forget { address: Text(addr.clone()) },
        }
    }
}

impl From<WireChange> for RecordChange {
    fn from(change: WireChange) -> Self {
        match change {
            WireChange::Keep => Self::Keep,
            WireChange::Set { address, record } => Self::Set(address.0, Box::new(record.into())),
            WireChange::Forget { address } => Self::Forget(address.0),
        }
    }
}
