//! What planning starts from, and what it returns.

use addrs::{Ident, InstanceAddr, TypeName};
use config::Config;
use diags::Diagnostics;
use lang::{References, Schemas};
use plans::{Allowed, Exported, Fingerprints, Mode, ObjectKey, Op, Plan, Target, Timestamp};
use provider::{Catalog, Observation, Preview, Wanted};
use states::State;
use std::collections::{BTreeMap, BTreeSet};
use values::Value;

/// All that a plan depends on: what stays (`'a`), and what was seen so far (`'p`).
#[derive(Clone, Copy)]
pub struct PlanInput<'a, 'p> {
    /// What is declared.
    pub config: &'a Config,
    /// Its references, from `lang::analyze`.
    pub references: &'a References,
    /// What every type may contain.
    pub schemas: &'a dyn Schemas,
    /// The root's variables.
    pub variables: &'a BTreeMap<Ident, Value>,
    /// What every type means.
    pub catalog: &'a dyn Catalog,
    /// What is remembered.
    pub state: &'a State,
    /// Data sources read so far.
    pub reads: &'p BTreeMap<InstanceAddr, Exported>,
    /// Objects looked at so far.
    pub observed: &'p BTreeMap<ObjectKey, Observation>,
    /// Previews so far: for each object what was asked, and the answers.
    pub previews: &'p BTreeMap<ObjectKey, Vec<(Op, Preview)>>,
    /// What the plan is for.
    pub options: &'a Options,
}

/// What the plan is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Normal, destroy or drift.
    pub mode: Mode,
    /// The plan's own name.
    pub id: String,
    /// The one reading of the clock.
    pub now: Timestamp,
    /// The configuration's name.
    pub project: String,
    /// The cluster.
    pub target: Target,
    /// Digests of what the plan is made from.
    pub fingerprints: Fingerprints,
    /// The working directory, for `path.cwd`.
    pub cwd: String,
    /// Instances to delete and create anew, though nothing may ask for it.
    pub replace: BTreeSet<InstanceAddr>,
    /// What is planned at all.
    pub selection: crate::Selection,
    /// What a person allowed by name.
    pub allowed: Allowed,
    /// Nodes that a run which was not finished left out of service. They are brought back, first of
    /// all, though nothing else may be done there.
    pub left_open: BTreeSet<String>,
}

/// A data source to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Which instance.
    pub addr: InstanceAddr,
    /// Its type.
    pub ty: TypeName,
    /// Its arguments, all known.
    pub args: Value,
}

/// What must be looked at before the plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Data sources.
    pub reads: Vec<Read>,
    /// Objects.
    pub observations: Vec<Wanted>,
    /// Operations to ask the server about.
    pub previews: Vec<Op>,
}

impl Needs {
    /// Whether nothing more must be looked at.
    pub fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.observations.is_empty() && self.previews.is_empty()
    }
}

/// The answer of [`crate::plan()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planning {
    /// The plan as far as it could be made.
    pub plan: Plan,
    /// What each instance exports by this plan: arguments, and attributes as far as known.
    pub exports: BTreeMap<InstanceAddr, Exported>,
    /// Everything there is to say; errors belong to what is missing in the plan.
    pub diagnostics: Diagnostics,
    /// What must be looked at first; when not empty the plan is not one yet.
    pub needs: Needs,
    /// Instances that a person allowed to leave out, because what they are on cannot be reached,
    /// and those that need them. Nothing is known of them.
    pub left_out: BTreeSet<InstanceAddr>,
}
