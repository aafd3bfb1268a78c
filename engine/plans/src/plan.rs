//! What will happen.

use crate::{Action, Change, Guard, Op, OutputChange, Right, Rollout, Turn};
use addrs::{InstanceAddr, Scope};
use values::{Disruption, Value};

/// Seconds since 1970 in UTC. The engine never reads a clock; the session gives it the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Make the world as the configuration says.
    Normal,
    /// Delete everything that the state remembers.
    Destroy,
    /// Only look: what differs?
    Drift,
}

/// The cluster that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How people know it: the context's name, or `sandbox`.
    pub name: String,
    /// Where it is: `https://10.0.0.1:6443`, or the sandbox's folder.
    pub server: String,
    /// Its identity: the uid of its `kube-system` namespace.
    pub uid: String,
    /// Its version, `v1.36.2`.
    pub version: String,
}

/// What a plan was made from. A saved plan is applied only while these still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    /// Digest of every source file and every variable's value.
    pub config: String,
    /// Version of clinch.
    pub engine: String,
    /// Lineage of the state.
    pub lineage: String,
    /// Serial of the state.
    pub serial: u64,
}

/// Number of a step within its plan, from 1, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

/// Number of a bracket within its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BracketId(pub u32);

/// One journalled operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The instance it serves; `None` for a bracket's own steps (drain, uncordon).
    pub addr: Option<InstanceAddr>,
    /// What it takes out of service.
    pub scope: Scope,
    /// What is done to the instance; a replacement has a `Delete` and a `Create` step.
    pub action: Action,
    /// The operation.
    pub op: Op,
    /// Steps that must have ended well before.
    pub needs: Vec<StepId>,
    /// The bracket that it belongs to.
    pub bracket: Option<BracketId>,
    /// Whether `op.args` has parts that are decided during apply.
    pub late: bool,
    /// What the state remembers when the step has ended well; `None` forgets the instance.
    pub record: Option<Recorded>,
}

/// What is remembered of an object between runs: enough to find it, recognise it and delete it
/// in the right order. Never a value of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which object.
    pub identity: crate::Identity,
    /// The uid that the world gave it.
    pub uid: Option<String>,
    /// Digest of what was asked for.
    pub digest: String,
    /// Instances that it needs, so that it is deleted before them.
    pub needs: Vec<InstanceAddr>,
    /// Whether `prevent_destroy` was set.
    pub protected: bool,
}

/// Steps that open and close a scope around edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bracket {
    /// Its number.
    pub id: BracketId,
    /// What is taken out of service.
    pub scope: Scope,
    /// The highest cost among its edits.
    pub disruption: Disruption,
    /// Its steps in order, opening, edits, closing.
    pub steps: Vec<StepId>,
    /// Those of its steps that bring the scope back into service, in order. They run also when a
    /// step before them did not end well, unless what that did is in doubt.
    pub closing: Vec<StepId>,
    /// What it does to what runs there, in lines for people.
    pub forecast: Vec<String>,
}

impl Bracket {
    /// Whether it is there to bring a scope back that a run before left out of service: nothing in
    /// it would take the scope out.
    pub fn brings_back(&self) -> bool {
        self.disruption < Disruption::Drain
    }
}

/// What will happen, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its own name; a plan is applied once.
    pub id: String,
    /// When it was made.
    pub made: Timestamp,
    /// What it is for.
    pub mode: Mode,
    /// The configuration's name, which is also on every object that it owns.
    pub project: String,
    /// The cluster.
    pub target: Target,
    /// What it was made from.
    pub fingerprints: Fingerprints,
    /// All instances in order of address, those without change too.
    pub changes: Vec<Change>,
    /// All outputs in order of name.
    pub outputs: Vec<OutputChange>,
    /// All steps in the order of their numbers, which is one order that they can run in.
    pub steps: Vec<Step>,
    /// All brackets.
    pub brackets: Vec<Bracket>,
    /// The rules by which nodes take turns.
    pub rollouts: Vec<Rollout>,
    /// All turns, in an order in which they can be taken.
    pub turns: Vec<Turn>,
    /// What the state remembers from now on without any step: objects found as they should
    /// be, and instances (`None`) that are gone or have another address now.
    pub remember: Vec<(InstanceAddr, Option<Recorded>)>,
    /// Whether everything in scope could be looked at and planned.
    pub complete: bool,
    /// What must be allowed by name because of the plan as a whole.
    pub blocked: Vec<Guard>,
    /// Rights that its steps need, as far as they were asked about.
    pub rights: Vec<Right>,
}

impl Plan {
    /// Whether applying it would do anything.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|c| c.action.is_change())
            || self.outputs.iter().any(OutputChange::is_change)
            || self.brackets.iter().any(Bracket::brings_back)
    }

    /// How many objects it deletes; a replacement deletes one.
    pub fn deletions(&self) -> usize {
        let deletes = |c: &&Change| matches!(c.action, Action::Delete | Action::Replace);
        self.changes.iter().filter(deletes).count()
    }

    /// The step of this number.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get((id.0 as usize).checked_sub(1)?)
    }
}

/// The exported attributes of an instance, for references: arguments and computed ones.
pub type Exported = Value;
