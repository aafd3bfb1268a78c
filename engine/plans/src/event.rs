//! What is happening and what happened.

use crate::{Action, StepId};
use addrs::{InstanceAddr, Scope};
use std::time::Duration;

/// What the session and the runner tell the world. Plain data: no terminal, no colour; times
/// are durations that the runner measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Looking at the world has begun: this many objects.
    Observing {
        /// How many.
        objects: usize,
    },
    /// Looking at the world has ended.
    Observed {
        /// How many.
        objects: usize,
        /// How long it took.
        elapsed: Duration,
    },
    /// The server is asked what it would make of this many changes.
    Previewing {
        /// How many.
        objects: usize,
    },
    /// A step has begun.
    StepStarted {
        /// Which step.
        id: StepId,
        /// The instance it serves, if any.
        addr: Option<InstanceAddr>,
        /// What is done to the instance.
        action: Action,
        /// The operation, as an imperative.
        text: String,
    },
    /// A step waits for something.
    StepWaiting {
        /// Which step.
        id: StepId,
        /// The instance it serves, if any.
        addr: Option<InstanceAddr>,
        /// What is done to the instance.
        action: Action,
        /// What is awaited.
        on: String,
        /// Since the step began.
        elapsed: Duration,
    },
    /// A step has ended well.
    StepFinished {
        /// Which step.
        id: StepId,
        /// The instance it serves, if any.
        addr: Option<InstanceAddr>,
        /// What was done to the instance.
        action: Action,
        /// How people call the object: `ConfigMap a/b`.
        shown: String,
        /// Since the step began.
        elapsed: Duration,
    },
    /// A step has failed.
    StepFailed {
        /// Which step.
        id: StepId,
        /// The instance it serves, if any.
        addr: Option<InstanceAddr>,
        /// What was to be done to the instance.
        action: Action,
        /// Why.
        why: String,
        /// Whether its scope is still out of service.
        bracket_open: bool,
    },
    /// A rollout pauses before it begins a node.
    Pausing {
        /// The node.
        scope: Scope,
        /// How long.
        pause: Duration,
    },
    /// A stop was asked for; running steps finish, none begins.
    Stopping(Stop),
}

/// How urgently to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// First interrupt: finish what runs, begin nothing more.
    Gently,
    /// Second interrupt: do not wait for what runs; its outcome is read back on resume.
    Now,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Well.
    Done,
    /// Not well; why.
    Failed(String),
    /// It was not begun.
    NotStarted,
    /// It was begun, and nobody waited for its end.
    InDoubt,
}

/// How many objects were added, changed and destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Created.
    pub added: usize,
    /// Updated.
    pub changed: usize,
    /// Deleted.
    pub destroyed: usize,
    /// Forgotten.
    pub forgotten: usize,
}

impl Tally {
    /// Counts one action; a replacement counts once as added and once as destroyed.
    pub fn count(&mut self, action: Action) {
        match action {
            Action::NoOp => {}
            Action::Create => self.added += 1,
            Action::Update => self.changed += 1,
            Action::Delete => self.destroyed += 1,
            Action::Forget => self.forgotten += 1,
            Action::Replace => {
                self.added += 1;
                self.destroyed += 1;
            }
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Each step of the plan and how it ended, in the order of their numbers.
    pub steps: Vec<(StepId, Ended)>,
    /// What was done.
    pub done: Tally,
    /// Whether it was stopped before the end.
    pub stopped: Option<Stop>,
    /// Why rollouts did not go on, as sentences.
    pub held: Vec<String>,
}

impl Outcome {
    /// Whether every step ended well.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|(_, ended)| *ended == Ended::Done)
    }
}
