//! From a state and a journal to the state after it.

use crate::{JournalEntry, RecordChange, RunStarted, State};
use plans::{Ended, StepId, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// What is known after a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The state after the last entry.
    pub state: State,
    /// The run that the journal does not finish.
    pub unfinished: Option<UnfinishedRun>,
}

/// A run that was stopped, or that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedRun {
    /// Its name, or the name of its latest resumption.
    pub run: String,
    /// Its plan.
    pub plan_id: String,
    /// When it, or its latest resumption, was started.
    pub at: Timestamp,
    /// How many steps its plan has.
    pub steps: u32,
    /// Every step that was begun, and how it ended. A step that was begun and not seen to end
    /// is [`Ended::InDoubt`].
    pub ended: BTreeMap<StepId, Ended>,
}

impl UnfinishedRun {
    /// Steps that ended well.
    pub fn done(&self) -> impl Iterator<Item = StepId> + '_ {
        self.of(|ended| *ended == Ended::Done)
    }

    /// Steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = StepId> + '_ {
        self.of(|ended| matches!(ended, Ended::Failed(_)))
    }

    /// Steps that may or may not have taken effect.
    pub fn in_doubt(&self) -> impl Iterator<Item = StepId> + '_ {
        self.of(|ended| *ended == Ended::InDoubt)
    }

    fn of(&self, fits: impl Fn(&Ended) -> bool) -> impl Iterator<Item = StepId> {
        self.ended.iter().filter(move |(_, ended)| fits(ended)).map(|(id, _)| *id)
    }
}

/// The state after the entries, and what they leave undone.
///
/// Total: a journal that ends anywhere, even between any two entries of a run, is an ordinary
/// one. Idempotent: a state that already holds the entries, all or the first of them, comes
/// out the same.
pub fn replay(mut state: State, entries: &[JournalEntry]) -> Replayed {
    let mut unfinished: Option<UnfinishedRun> = None;
    for entry in entries {
        match entry {
            JournalEntry::RunStarted(start) => {
                begin_run(&mut state, start);
                unfinished = Some(join(unfinished, start));
            }
            JournalEntry::Begin { step } => {
                if let Some(run) = &mut unfinished {
                    run.ended.insert(*step, Ended::InDoubt);
                }
            }
            JournalEntry::End { step, ended, change } => {
                if let Some(run) = &mut unfinished {
                    run.ended.insert(*step, ended.clone());
                }
                remember(&mut state, change);
            }
            JournalEntry::Records { changes } => {
                for change in changes {
                    remember(&mut state, change);
                }
            }
            JournalEntry::RunFinished { outputs, .. } => {
                state.outputs.clone_from(outputs);
                unfinished = None;
            }
        }
    }
    Replayed { state, unfinished }
}

fn begin_run(state: &mut State, start: &RunStarted) {
    if state.is_new() {
        state.lineage.clone_from(&start.lineage);
        state.project.clone_from(&start.project);
    }
    // The greater one: the state may have been written after this run, before the journal was
    // put away.
    state.serial = state.serial.max(start.serial);
    state.cluster_uid = Some(start.cluster_uid.clone());
    state.mark_used(&start.plan_id);
}

/// The run before goes on when the plan is the same; a run of another plan supersedes it.
fn join(before: Option<UnfinishedRun>, start: &RunStarted) -> UnfinishedRun {
    let ended = match before {
        Some(run) if run.plan_id == start.plan_id => run.ended,
        Some(_) | None => BTreeMap::new(),
    };
    UnfinishedRun {
        run: start.run.clone(),
        plan_id: start.plan_id.clone(),
        at: start.at,
        steps: start.steps,
        ended,
    }
}

fn remember(state: &mut State, change: &RecordChange) {
    match change {
        RecordChange::Keep => {}
        RecordChange::Set(addr, record) => {
            state.records.insert(addr.clone(), (**record).clone());
        }
        RecordChange::Forget(addr) => {
            state.records.remove(addr);
        }
    }
}

/// How a journal stands to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// The state was written before the end of the journal: replay it.
    Continues,
    /// The state was written after the whole journal, and edited since: do not replay it.
    Superseded,
}

/// Why a journal cannot be replayed on a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It belongs to another state.
    OtherLineage {
        /// Of the state.
        state: String,
        /// Of the journal.
        journal: String,
    },
    /// The state is older than the one that the journal starts from, or gone.
    Gap {
        /// Serial of the state.
        state: u64,
        /// Serial of the first run of the journal; it starts from the one before.
        journal: u64,
    },
    /// It does not begin with the start of a run.
    NoStart,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherLineage { state, journal } => {
                write!(f, "The journal belongs to lineage {journal}, and the state is {state}.")
            }
            Self::Gap { state: 0, journal } => write!(
                f,
                "The journal continues a state of serial {}, and there is no state.",
                journal.saturating_sub(1)
            ),
            Self::Gap { state, journal } => write!(
                f,
                "The journal continues a state of serial {}, and the state has serial {state}.",
                journal.saturating_sub(1)
            ),
            Self::NoStart => f.write_str("The journal does not begin with the start of a run."),
        }
    }
}

impl std::error::Error for Mismatch {}

/// Whether the journal is one of this state.
///
/// [`replay`] itself asks nothing, since it must be total; whoever reads both from files asks
/// here first, so that a state put back from a backup is not mixed with a later journal.
pub fn follows(state: &State, entries: &[JournalEntry]) -> Result<Follows, Mismatch> {
    let mut starts = entries.iter().filter_map(|entry| match entry {
        JournalEntry::RunStarted(start) => Some(start),
        JournalEntry::Begin { .. }
        | JournalEntry::End { .. }
        | JournalEntry::Records { .. }
        | JournalEntry::RunFinished { .. } => None,
    });
    let first = match entries.first() {
        None => return Ok(Follows::Continues),
        Some(JournalEntry::RunStarted(first)) => first,
        Some(_) => return Err(Mismatch::NoStart),
    };
    if first.serial > state.serial.saturating_add(1) {
        return Err(Mismatch::Gap { state: state.serial, journal: first.serial });
    }
    let lineage = if state.is_new() { &first.lineage } else { &state.lineage };
    if let Some(other) = starts.clone().find(|start| start.lineage != *lineage) {
        let (state, journal) = (lineage.clone(), other.lineage.clone());
        return Err(Mismatch::OtherLineage { state, journal });
    }
    let newest = starts.by_ref().map(|start| start.serial).max().unwrap_or(0);
    Ok(if state.serial > newest { Follows::Superseded } else { Follows::Continues })
}
