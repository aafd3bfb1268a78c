//! The pure half: what types there are, and what a difference means.

use crate::world::{Preview, Wanted};
use addrs::{Scope, TypeName};
use plans::{Action, Basis, Exported, Guard, Identity, Note, ObjectKey, Op, Problem, Recorded};
use std::collections::BTreeSet;
use std::time::Duration;
use values::{Disruption, Path, Schema, Value};

/// All types that this program knows.
pub trait Catalog: Send + Sync {
    /// The resource type of this name.
    fn resource(&self, ty: &str) -> Option<&dyn ResourceKind>;
    /// The data source of this name.
    fn data(&self, ty: &str) -> Option<&dyn DataKind>;
    /// Names of all resource types, sorted.
    fn resource_types(&self) -> Vec<&str>;
    /// Names of all data sources, sorted.
    fn data_types(&self) -> Vec<&str>;
    /// How scopes are opened and closed.
    fn bracketing(&self) -> &dyn Bracketing;
}

/// A resource type, its pure half.
pub trait ResourceKind: Send + Sync {
    /// Its name: `resource_quota`.
    fn name(&self) -> &TypeName;

    /// What it may contain.
    fn schema(&self) -> &Schema;

    /// Its reference page in Markdown: what it manages, why, an example, risks, see also.
    fn page(&self) -> &'static str;

    /// Which object is meant. `args` conforms to the schema and its identity arguments are
    /// known; other parts may be unknown.
    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>>;

    /// What is taken out of service to change it.
    fn scope(&self, identity: &Identity) -> Scope;

    /// What is wrong with the arguments by the rules of their domain. Parts may be unknown;
    /// what cannot be judged yet is not judged.
    fn check(&self, args: &Value) -> Vec<Problem>;

    /// Objects that must exist before this one, when the same configuration declares them:
    /// its namespace, say. Names that nothing declares are ignored.
    fn needs(&self, identity: &Identity, args: &Value) -> Vec<ObjectKey>;

    /// Other names under which objects may need this one: a definition provides a kind, say.
    fn provides(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    /// What is wrong with the arguments by the rules of a declared object that provides what
    /// this one needs; `provider` are the arguments of that object. Parts may be unknown.
    fn check_against(
        &self,
        _identity: &Identity,
        _args: &Value,
        _provider: &Value,
    ) -> Vec<Problem> {
        Vec::new()
    }

    /// Where an argument, or a part of one, stands in what a decision shows as `before` and
    /// `after`: in several places when it only groups others.
    fn fields(&self, argument: &Path) -> Vec<Path> {
        vec![argument.clone()]
    }

    /// Whether an object can be left behind without the fields that are ours.
    fn releases(&self) -> bool {
        false
    }

    /// What to do. Pure: equal requests give equal answers.
    fn plan(&self, request: &PlanRequest<'_>) -> Planned;
}

/// A data source, its pure half.
pub trait DataKind: Send + Sync {
    /// Its name: `nodes`.
    fn name(&self) -> &TypeName;
    /// Arguments and what it exports.
    fn schema(&self) -> &Schema;
    /// Its reference page in Markdown.
    fn page(&self) -> &'static str;
    /// What is wrong with the arguments by the rules of their domain.
    fn check(&self, args: &Value) -> Vec<Problem>;
}

/// What was read of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It does not exist: an authenticated answer said so.
    Absent,
    /// It exists; the whole of it, in the provider's terms.
    Present(Value),
    /// It could not be looked at. Never planned as a deletion or as no change.
    Unknown(Problem),
}

/// Everything that a decision may depend on.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// Which object.
    pub identity: &'a Identity,
    /// The arguments; `None` when the object is to be deleted. Parts may be unknown.
    pub desired: Option<&'a Value>,
    /// What was read.
    pub observed: &'a Observation,
    /// What the state remembers.
    pub recorded: Option<&'a Recorded>,
    /// The server's answer to the preview that an earlier call asked for.
    pub preview: Option<&'a Preview>,
    /// The operation that `preview` is the answer to.
    pub asked: Option<&'a Op>,
    /// Parts of the arguments that the configuration says to leave as they are.
    pub ignore: &'a [Path],
    /// Objects that this same plan creates: nothing inside them can be previewed. Also what
    /// objects that it creates or changes provide.
    pub created: &'a BTreeSet<ObjectKey>,
    /// The configuration's name, which is written on every object that it owns.
    pub project: &'a str,
    /// Whether the object is to be protected from deletion, which is written on it too.
    pub protect: bool,
    /// Whether its fields are to be given back instead of deleting it, once nothing declares it;
    /// this is written on the object too. Only for types that say so by
    /// [`ResourceKind::releases`].
    pub release: bool,
    /// How many seconds to wait until it is ready; `None` for the usual time, 0 for not at all.
    pub wait: Option<u64>,
    /// Whether a person said that the object exists and is to be taken over (`import`).
    pub adopt: bool,
}

/// The answer of [`ResourceKind::plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// It cannot be decided before the server has been asked this. The session asks, and
    /// calls again with the answer.
    NeedsPreview(Op),
    /// What to do.
    Decided(Box<Decision>),
    /// It cannot be planned.
    Failed(Vec<Problem>),
}

/// What is done to one object, and what it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is done.
    pub action: Action,
    /// For [`Action::Replace`]: which arguments cannot be changed in place.
    pub replaced_for: Vec<Path>,
    /// The object as it is, as people see it.
    pub before: Option<Value>,
    /// The object as it will be, as people see it.
    pub after: Option<Value>,
    /// What references to this instance see: its arguments and computed attributes.
    pub exported: Exported,
    /// Where `after` comes from.
    pub basis: Basis,
    /// What it costs.
    pub disruption: Disruption,
    /// The operations in order; empty for no-op and forget. Two for a replacement: delete,
    /// then create.
    pub ops: Vec<Op>,
    /// Digest of what is asked for, for the state.
    pub digest: String,
    /// The uid that is known now.
    pub uid: Option<String>,
    /// Things to know.
    pub notes: Vec<Note>,
    /// Warnings; an error here would be [`Planned::Failed`].
    pub warnings: Vec<Problem>,
    /// What must be allowed by name before it happens.
    pub guards: Vec<Guard>,
    /// Whether what restarts something there waits until all other nodes are through: what the
    /// way back goes through runs there.
    pub last: bool,
}

impl Planned {
    /// The object is only forgotten; why, as a note.
    pub fn forgotten(why: &str) -> Self {
        let note = Note { path: Path::root(), text: why.to_owned() };
        let decision = Decision { notes: vec![note], ..Decision::plain(Action::Forget) };
        Self::Decided(Box::new(decision))
    }
}

impl Decision {
    /// Does this, and says no more of it: free of cost, compared here, nothing to show.
    pub fn plain(action: Action) -> Self {
        Self {
            action,
            replaced_for: Vec::new(),
            before: None,
            after: None,
            exported: Value::Null,
            basis: Basis::Local,
            disruption: Disruption::Quiet,
            ops: Vec::new(),
            digest: String::new(),
            uid: None,
            notes: Vec::new(),
            warnings: Vec::new(),
            guards: Vec::new(),
            last: false,
        }
    }
}

/// How scopes are taken out of service and brought back.
pub trait Bracketing: Send + Sync {
    /// What is looked at to know which nodes there are, when the configuration names one that no
    /// resource is on. The answer is a list of their names.
    fn all(&self) -> Wanted;

    /// What is looked at before it is known what the edits do to the scope; `None` when nothing
    /// is. The answer comes with [`recipe`](Self::recipe).
    fn looks(&self, edits: &Edits<'_>) -> Option<Wanted>;

    /// The operations around the edits; `None` when nothing surrounds them.
    ///
    /// An operation that opens a scope changes nothing when it is open already: it is done again
    /// when a run is resumed. One that closes it is done also after an edit failed, and looks
    /// itself whether the scope works.
    fn recipe(
        &self,
        edits: &Edits<'_>,
        seen: Option<&Observation>,
    ) -> Result<Option<Recipe>, NoRecipe>;
}

/// All edits of a scope, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edits<'a> {
    /// Where.
    pub scope: &'a Scope,
    /// The highest cost among them.
    pub cost: Disruption,
    /// The configuration's name.
    pub project: &'a str,
    /// The plan that they are of.
    pub plan: &'a str,
    /// The names of all nodes that the plan takes out of service: one list, which all share.
    pub taken_out: &'a Value,
    /// Whether a run that was not finished left the scope out of service, so that it is brought back
    /// whatever the edits cost, and if there are none.
    pub left_open: bool,
    /// What holds for the nodes that it is one of; `None` when it is alone.
    pub limits: Option<Limits<'a>>,
}

/// What holds for a selection of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits<'a> {
    /// The names of all of them: one list, which the operations of each share.
    pub nodes: &'a Value,
    /// So many may be out of service at once, for whatever reason.
    pub max_unavailable: u32,
    /// How long bringing a node out of service may take.
    pub drain: Option<Duration>,
}

/// The operations around edits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipe {
    /// Before the first edit, in order.
    pub open: Vec<Op>,
    /// After the last edit, in order.
    pub close: Vec<Op>,
    /// What it does to what runs there, in lines for people.
    pub forecast: Vec<String>,
    /// What of that must be allowed by name.
    pub guards: Vec<Guard>,
    /// What a person should know before.
    pub warnings: Vec<Problem>,
    /// Whether an earlier plan of the same project left the scope out of service: it comes before
    /// scopes that are still in service.
    pub is_open: bool,
    /// Whether the scope is out of service by itself. Its turn takes nothing more out of service,
    /// and may be what heals it: it comes first among those of its rules.
    pub is_down: bool,
}

/// Why there is no recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRecipe {
    /// Nobody knows how to do it; why, as a clause. The change is planned and not applied.
    Unknown(String),
    /// It cannot be told what it would do.
    Unseen(Problem),
}
