//! Version 1 of the plan.

mod convert;

use crate::state::v1::{Record, WireIdentity};
use crate::text::Text;
use crate::value::v1::WireValue;
use addrs::{Ident, InstanceAddr, Scope};
use plans::Window;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// The rules by which nodes take turns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<Rollout>,
    /// All turns, in an order in which they can be taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// What the state remembers from now on without any step.
    pub remember: Vec<Remember>,
    /// Whether everything in scope could be looked at and planned.
    pub complete: bool,
    /// What must be allowed by name because of the plan as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Guard>,
    /// Rights that its steps need, as far as they were asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<Right>,
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
    /// Whether the new object of a replacement is there before the old one goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_first: bool,
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
    /// What must be allowed by name before it happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Guard>,
}

/// Something that must be allowed by name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Which kind.
    pub kind: GuardKind,
    /// What would happen.
    pub why: String,
}

/// A right that the steps need.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanRight")]
pub struct Right {
    /// `patch`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// `configmaps`, `nodes/status`.
    pub resource: String,
    /// The namespace; absent for the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object, when the right is about this one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who needs it.
    pub needed_by: Vec<String>,
    /// Whether it is there; absent when that could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
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
    /// Those of its steps that bring the scope back into service, in order.
    #[serde(default)]
    pub closing: Vec<u32>,
    /// What it does to what runs there, in lines for people.
    #[serde(default)]
    pub forecast: Vec<String>,
}

/// The rules for a selection of nodes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Its name in the configuration; none for the nodes that no rollout selects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether these are the nodes that the way back goes through, which come after all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// So many of its nodes may be out of service at once.
    pub max_unavailable: u32,
    /// So many of its nodes may fail before no other node is begun.
    pub max_failures: u32,
    /// How many seconds it is waited between two batches.
    pub pause: u64,
    /// When a node may be begun; none for always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Text<Window>>,
}

/// Steps on one node that begin together and end together.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Which of the plan's rollouts it belongs to, from 0.
    pub rollout: usize,
    /// Which of that rollout's batches, from 0.
    pub batch: usize,
    /// The node.
    pub scope: Text<Scope>,
    /// All its steps.
    pub steps: Vec<u32>,
    /// Those of them that need none of the others.
    pub first: Vec<u32>,
    /// Turns of the plan, from 0, that must be over before, well or not.
    pub after: Vec<usize>,
    /// Whether it is waited for the rollout's pause when those are over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pause: bool,
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
    /// `enabled` is false.
    Disabled,
    /// The whole configuration is being destroyed.
    Destroy,
    /// These arguments cannot be changed in place.
    CannotUpdate(Vec<Vec<PathStep>>),
    /// A person asked for it.
    Requested,
    /// What `replace_triggered_by` names changes; the reference as it is written.
    Triggered(String),
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
    /// Predicted here, because the server may not be asked; why.
    Predicted(String),
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
    /// What a guard is about.
    GuardKind = plans::GuardKind {
        /// Objects of others.
        Foreign,
        /// Data, or a machine.
        Data,
        /// It wants to be kept.
        Kept,
        /// Nothing is declared any more.
        Empty,
        /// More than usual.
        Many,
        /// Pods that nothing creates again.
        Bare,
        /// Pods that no other node takes.
        Stranded,
        /// It was applied with `prevent_destroy`.
        Protected,
        /// There is no procedure for what it costs.
        Disruption,
    }
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
