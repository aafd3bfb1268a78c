//! Version 1 of the plan.

use super::{Snapshot, SourceText};
use crate::state::v1::{Record, WireIdentity};
use crate::text::Text;
use crate::value::{sealed, sealed_pair, v1::WireValue};
use addrs::{Ident, InstanceAddr, Scope};
use plans::{BracketId, Plan, StepId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use values::{ItemKey, Path, Value};

/// A plan file.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "PlanFile", deny_unknown_fields)]
#[expect(dead_code, reason = "only described; it is written and read by its envelope")]
pub struct File {
    /// `clinch-plan`.
    format: String,
    /// 1.
    version: u64,
    /// The clinch that wrote it.
    clinch: String,
    /// SHA-256 of the file without this entry.
    digest: String,
    /// The plan.
    body: Body,
}

/// The plan and the configuration that it was made from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Plan")]
pub struct Body {
    /// Its own name; a plan is applied once.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub made: i64,
    /// What it is for.
    pub mode: Mode,
    /// The configuration's name.
    pub project: String,
    /// The cluster.
    pub target: Target,
    /// What it was made from.
    pub fingerprints: Fingerprints,
    /// All instances in order of address.
    pub changes: Vec<Change>,
    /// All outputs in order of name.
    pub outputs: Vec<OutputChange>,
    /// All steps in the order of their numbers.
    pub steps: Vec<Step>,
    /// All brackets.
    pub brackets: Vec<Bracket>,
    /// What the state remembers from now on without any step.
    pub remember: Vec<Remember>,
    /// Whether everything in scope could be looked at and planned.
    pub complete: bool,
    /// The directory of the root module.
    pub dir: String,
    /// Every source in the order in which it was read.
    pub sources: Vec<Source>,
    /// The value of every variable.
    pub variables: BTreeMap<String, WireValue>,
}

/// A source of the configuration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name as people see it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The cluster that a plan is for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// How people know it.
    pub name: String,
    /// Where it is.
    pub server: String,
    /// Its identity.
    pub uid: String,
    /// Its version.
    pub version: String,
}

/// What a plan was made from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fingerprints {
    /// Digest of every source and every variable.
    pub config: String,
    /// Version of clinch.
    pub engine: String,
    /// Lineage of the state.
    pub lineage: String,
    /// Serial of the state.
    pub serial: u64,
}

/// All that happens to one instance.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Which instance.
    pub address: Text<InstanceAddr>,
    /// Which object.
    pub identity: WireIdentity,
    /// What is taken out of service.
    pub scope: Text<Scope>,
    /// What is done.
    pub action: Action,
    /// Why, when that is not plain.
    pub reason: Option<Reason>,
    /// What it costs.
    pub disruption: Disruption,
    /// The object as it is; absent when it does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<WireValue>,
    /// The object as it will be; absent when it will not exist.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub after: Option<WireValue>,
    /// Where `after` comes from.
    pub basis: Basis,
    /// Whether the world moved or the configuration did.
    pub origin: Origin,
    /// Things to know.
    pub notes: Vec<Note>,
}

/// An entry that stands there has a value, be it null: nothing is something else than null.
fn present<'de, D: serde::Deserializer<'de>>(json: D) -> Result<Option<WireValue>, D::Error> {
    WireValue::deserialize(json).map(Some)
}

/// Something to know about a change.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The part concerned.
    pub path: Vec<PathStep>,
    /// One line.
    pub text: String,
}

/// One step of a path: an attribute, a position, or the key of an item.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PathStep {
    /// An attribute.
    Attr(String),
    /// A position.
    Index(u64),
    /// The attributes that tell an item from the others.
    Item(Vec<(String, WireValue)>),
}

/// What happens to an output.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// What the state remembers.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<WireValue>,
    /// What it will be.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub after: Option<WireValue>,
}

/// One journalled operation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number.
    pub id: u32,
    /// The instance it serves.
    pub address: Option<Text<InstanceAddr>>,
    /// What it takes out of service.
    pub scope: Text<Scope>,
    /// What is done to the instance.
    pub action: Action,
    /// The operation.
    pub op: Op,
    /// Steps that must have ended well before.
    pub needs: Vec<u32>,
    /// The bracket that it belongs to.
    pub bracket: Option<u32>,
    /// Whether its arguments have parts that are decided during apply.
    pub late: bool,
    /// What the state remembers afterwards.
    pub record: Option<Record>,
}

/// One operation on the world.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// The resource type whose provider performs it.
    #[serde(rename = "type")]
    pub ty: Text<Ident>,
    /// Which operation.
    pub name: String,
    /// The object.
    pub identity: WireIdentity,
    /// What to do.
    pub args: WireValue,
    /// What must still be true right before.
    pub guard: WireValue,
    /// For people.
    pub text: String,
}

/// Steps that open and close a scope around edits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    /// Its number.
    pub id: u32,
    /// What is taken out of service.
    pub scope: Text<Scope>,
    /// The highest cost among its edits.
    pub disruption: Disruption,
    /// Its steps in order.
    pub steps: Vec<u32>,
}

/// What the state remembers of one instance from now on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    /// Which instance.
    pub address: Text<InstanceAddr>,
    /// What; null forgets it.
    pub record: Option<Record>,
}

/// Why something happens that the configuration does not plainly say.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// The block is gone.
    NotInConfiguration,
    /// The key is gone from `for_each`.
    KeyGone,
    /// The index is beyond `count`.
    IndexGone,
    /// The whole configuration is being destroyed.
    Destroy,
    /// These arguments cannot be changed in place.
    CannotUpdate(Vec<Vec<PathStep>>),
}

/// Where the picture of the object after the change comes from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Basis {
    /// Proven from what was read.
    Proven,
    /// The server was asked.
    Server,
    /// Compared here, completely.
    Local,
    /// Not verified by the server until apply; why.
    Unverified(String),
}

/// An enum of words, the same on both sides.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident = $ours:path { $($(#[$word_doc:meta])* $word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$word_doc])* $word),+
        }

        impl From<$ours> for $name {
            fn from(ours: $ours) -> Self {
                use $ours as Ours;
                match ours { $(Ours::$word => Self::$word),+ }
            }
        }

        impl From<$name> for $ours {
            fn from(wire: $name) -> Self {
                match wire { $($name::$word => Self::$word),+ }
            }
        }
    };
}

words! {
    /// What is done to an object.
    Action = plans::Action {
        /// Nothing.
        NoOp,
        /// It does not exist and will.
        Create,
        /// Some of it changes in place.
        Update,
        /// It is deleted and created anew.
        Replace,
        /// It is deleted.
        Delete,
        /// It is no longer managed.
        Forget,
    }
}

words! {
    /// What a plan is for.
    Mode = plans::Mode {
        /// Make the world as the configuration says.
        Normal,
        /// Delete everything that the state remembers.
        Destroy,
        /// Only look.
        Drift,
    }
}

words! {
    /// Whether the world moved or the configuration did.
    Origin = plans::Origin {
        /// The configuration.
        Pending,
        /// The world.
        Drift,
    }
}

words! {
    /// How much a change disturbs what runs.
    Disruption = values::Disruption {
        /// Nothing that runs notices.
        Quiet,
        /// A process reads its configuration again.
        Reload,
        /// A process of the node restarts.
        Restart,
        /// Pods leave the node first.
        Drain,
        /// The host restarts.
        Reboot,
    }
}

impl From<&super::SavedPlan> for Body {
    fn from(saved: &super::SavedPlan) -> Self {
        let super::SavedPlan { plan, snapshot } = saved;
        let source = |s: &SourceText| Source { name: s.name.clone(), text: s.text.clone() };
        let variable = |(name, value): (&String, _)| (name.clone(), WireValue(sealed(value)));
        Self {
            id: plan.id.clone(),
            made: plan.made.0,
            mode: plan.mode.into(),
            project: plan.project.clone(),
            target: (&plan.target).into(),
            fingerprints: (&plan.fingerprints).into(),
            changes: plan.changes.iter().map(Into::into).collect(),
            outputs: plan.outputs.iter().map(Into::into).collect(),
            steps: plan.steps.iter().map(Into::into).collect(),
            brackets: plan.brackets.iter().map(Into::into).collect(),
            remember: plan.remember.iter().map(Into::into).collect(),
            complete: plan.complete,
            dir: snapshot.dir.clone(),
            sources: snapshot.sources.iter().map(source).collect(),
            variables: snapshot.variables.iter().map(variable).collect(),
        }
    }
}

impl From<Body> for super::SavedPlan {
    fn from(body: Body) -> Self {
        let source = |s: Source| SourceText { name: s.name, text: s.text };
        let snapshot = Snapshot {
            dir: body.dir,
            sources: body.sources.into_iter().map(source).collect(),
            variables: body.variables.into_iter().map(|(name, v)| (name, v.0)).collect(),
        };
        let plan = Plan {
            id: body.id,
            made: Timestamp(body.made),
            mode: body.mode.into(),
            project: body.project,
            target: body.target.into(),
            fingerprints: body.fingerprints.into(),
            changes: body.changes.into_iter().map(Into::into).collect(),
            outputs: body.outputs.into_iter().map(Into::into).collect(),
            steps: body.steps.into_iter().map(Into::into).collect(),
            brackets: body.brackets.into_iter().map(Into::into).collect(),
            remember: body.remember.into_iter().map(Into::into).collect(),
            complete: body.complete,
        };
        Self { plan, snapshot }
    }
}

impl From<&plans::Target> for Target {
    fn from(target: &plans::Target) -> Self {
        let plans::Target { name, server, uid, version } = target.clone();
        Self { name, server, uid, version }
    }
}

impl From<Target> for plans::Target {
    fn from(target: Target) -> Self {
        let Target { name, server, uid, version } = target;
        Self { name, server, uid, version }
    }
}

impl From<&plans::Fingerprints> for Fingerprints {
    fn from(fingerprints: &plans::Fingerprints) -> Self {
        let plans::Fingerprints { config, engine, lineage, serial } = fingerprints.clone();
        Self { config, engine, lineage, serial }
    }
}

impl From<Fingerprints> for plans::Fingerprints {
    fn from(fingerprints: Fingerprints) -> Self {
        let Fingerprints { config, engine, lineage, serial } = fingerprints;
        Self { config, engine, lineage, serial }
    }
}

fn pair(before: Option<&Value>, after: Option<&Value>) -> (Option<WireValue>, Option<WireValue>) {
    let (before, after) = sealed_pair(before, after);
    (before.map(WireValue), after.map(WireValue))
}

impl From<&plans::Change> for Change {
    fn from(change: &plans::Change) -> Self {
        let (before, after) = pair(change.before.as_ref(), change.after.as_ref());
        Self {
            address: Text(change.addr.clone()),
            identity: (&change.identity).into(),
            scope: Text(change.scope.clone()),
            action: change.action.into(),
            reason: change.reason.as_ref().map(Into::into),
            disruption: change.disruption.into(),
            before,
            after,
            basis: (&change.basis).into(),
            origin: change.origin.into(),
            notes: change.notes.iter().map(Into::into).collect(),
        }
    }
}

impl From<Change> for plans::Change {
    fn from(change: Change) -> Self {
        Self {
            addr: change.address.0,
            identity: change.identity.into(),
            scope: change.scope.0,
            action: change.action.into(),
            reason: change.reason.map(Into::into),
            disruption: change.disruption.into(),
            before: change.before.map(|value| value.0),
            after: change.after.map(|value| value.0),
            basis: change.basis.into(),
            origin: change.origin.into(),
            notes: change.notes.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&plans::Note> for Note {
    fn from(note: &plans::Note) -> Self {
        Self { path: wire_path(&note.path), text: note.text.clone() }
    }
}

impl From<Note> for plans::Note {
    fn from(note: Note) -> Self {
        Self { path: path(note.path), text: note.text }
    }
}

fn wire_path(path: &Path) -> Vec<PathStep> {
    let step = |step: &values::Step| match step {
        values::Step::Attr(name) => PathStep::Attr(name.to_string()),
        values::Step::Index(index) => PathStep::Index(*index as u64),
        values::Step::Item(key) => {
            let part =
                |(name, value): &(_, Value)| (ToString::to_string(name), WireValue(sealed(value)));
            PathStep::Item(key.0.iter().map(part).collect())
        }
    };
    path.steps().iter().map(step).collect()
}

fn path(steps: Vec<PathStep>) -> Path {
    let step = |step| match step {
        PathStep::Attr(name) => values::Step::Attr(name.into()),
        // Beyond the memory of this machine there is no item either.
        PathStep::Index(index) => values::Step::Index(usize::try_from(index).unwrap_or(usize::MAX)),
        PathStep::Item(key) => {
            let part = |(name, value): (String, WireValue)| (name.into(), value.0);
            values::Step::Item(ItemKey(key.into_iter().map(part).collect()))
        }
    };
    steps.into_iter().map(step).fold(Path::root(), Path::step)
}

impl From<&plans::OutputChange> for OutputChange {
    fn from(output: &plans::OutputChange) -> Self {
        let (before, after) = pair(output.before.as_ref(), output.after.as_ref());
        Self { name: output.name.clone(), before, after }
    }
}

impl From<OutputChange> for plans::OutputChange {
    fn from(output: OutputChange) -> Self {
        let (before, after) = (output.before.map(|v| v.0), output.after.map(|v| v.0));
        Self { name: output.name, before, after }
    }
}

impl From<&plans::Step> for Step {
    fn from(step: &plans::Step) -> Self {
        Self {
            id: step.id.0,
            address: step.addr.clone().map(Text),
            scope: Text(step.scope.clone()),
            action: step.action.into(),
            op: (&step.op).into(),
            needs: step.needs.iter().map(|id| id.0).collect(),
            bracket: step.bracket.map(|id| id.0),
            late: step.late,
            record: step.record.as_ref().map(Into::into),
        }
    }
}

impl From<Step> for plans::Step {
    fn from(step: Step) -> Self {
        let op = plans::Op::from(step.op);
        Self {
            id: StepId(step.id),
            addr: step.address.map(|address| address.0),
            scope: step.scope.0,
            action: step.action.into(),
            needs: step.needs.into_iter().map(StepId).collect(),
            bracket: step.bracket.map(BracketId),
            // A secret was not stored; it has to be evaluated again.
            late: step.late || op.args.has_sensitive(),
            record: step.record.map(Into::into),
            op,
        }
    }
}

impl From<&plans::Op> for Op {
    fn from(op: &plans::Op) -> Self {
        Self {
            ty: Text(op.ty.clone()),
            name: op.name.clone(),
            identity: (&op.identity).into(),
            args: WireValue(sealed(&op.args)),
            guard: WireValue(sealed(&op.guard)),
            text: op.text.clone(),
        }
    }
}

impl From<Op> for plans::Op {
    fn from(op: Op) -> Self {
        Self {
            ty: op.ty.0,
            name: op.name,
            identity: op.identity.into(),
            args: op.args.0,
            guard: op.guard.0,
            text: op.text,
        }
    }
}

impl From<&plans::Bracket> for Bracket {
    fn from(bracket: &plans::Bracket) -> Self {
        Self {
            id: bracket.id.0,
            scope: Text(bracket.scope.clone()),
            disruption: bracket.disruption.into(),
            steps: bracket.steps.iter().map(|id| id.0).collect(),
        }
    }
}

impl From<Bracket> for plans::Bracket {
    fn from(bracket: Bracket) -> Self {
        Self {
            id: BracketId(bracket.id),
            scope: bracket.scope.0,
            disruption: bracket.disruption.into(),
            steps: bracket.steps.into_iter().map(StepId).collect(),
        }
    }
}

impl From<&(InstanceAddr, Option<plans::Recorded>)> for Remember {
    fn from((addr, record): &(InstanceAddr, Option<plans::Recorded>)) -> Self {
        Self { address: Text(addr.clone()), record: record.as_ref().map(Into::into) }
    }
}

impl From<Remember> for (InstanceAddr, Option<plans::Recorded>) {
    fn from(remember: Remember) -> Self {
        (remember.address.0, remember.record.map(Into::into))
    }
}

impl From<&plans::Reason> for Reason {
    fn from(reason: &plans::Reason) -> Self {
        match reason {
            plans::Reason::NotInConfiguration => Self::NotInConfiguration,
            plans::Reason::KeyGone => Self::KeyGone,
            plans::Reason::IndexGone => Self::IndexGone,
            plans::Reason::Destroy => Self::Destroy,
            plans::Reason::CannotUpdate(paths) => {
                Self::CannotUpdate(paths.iter().map(wire_path).collect())
            }
        }
    }
}

impl From<Reason> for plans::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotInConfiguration => Self::NotInConfiguration,
            Reason::KeyGone => Self::KeyGone,
            Reason::IndexGone => Self::IndexGone,
            Reason::Destroy => Self::Destroy,
            Reason::CannotUpdate(paths) => {
                Self::CannotUpdate(paths.into_iter().map(path).collect())
            }
        }
    }
}

impl From<&plans::Basis> for Basis {
    fn from(basis: &plans::Basis) -> Self {
        match basis {
            plans::Basis::Proven => Self::Proven,
            plans::Basis::Server => Self::Server,
            plans::Basis::Local => Self::Local,
            plans::Basis::Unverified(why) => Self::Unverified(why.clone()),
        }
    }
}

impl From<Basis> for plans::Basis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Proven => Self::Proven,
            Basis::Server => Self::Server,
            Basis::Local => Self::Local,
            Basis::Unverified(why) => Self::Unverified(why),
        }
    }
}
