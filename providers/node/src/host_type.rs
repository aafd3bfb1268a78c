//! The I/O half of a type: what is looked at, and how its operations are done.

use crate::central::Central;
use crate::codes;
use crate::look::Looked;
use access::{Ask, Cluster, Expected, Host, HostError};
use plans::{Identity, Op, Problem};
use provider::{BoxFuture, ResourceKind, Settled, StepError};
use values::{Path, Value};

/// A resource type whose objects are on hosts.
pub(crate) trait HostType: ResourceKind {
    /// What is looked at to see the object. The questions of all objects of a host are asked in
    /// one look.
    fn asks(&self, identity: &Identity) -> Vec<Ask>;

    /// What is looked at because of what was seen so far: a file that another one names. Asked
    /// again until there is nothing new.
    fn asks_next(&self, _identity: &Identity, _looked: &Looked) -> Vec<Ask> {
        Vec::new()
    }

    /// What was seen, in the terms of the pure half.
    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem>;

    /// What was seen, with what only the API server knows of the object.
    fn completed<'a>(
        &'a self,
        _central: &'a Central<'a>,
        _identity: &'a Identity,
        seen: Value,
    ) -> BoxFuture<'a, Value> {
        Box::pin(std::future::ready(seen))
    }

    /// Does it. Checks first that what is there is what was read, and ours.
    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>>;

    /// Looks what became of an operation that was begun and not seen to end. What an operation
    /// that took effect exports is no concern of the type's.
    fn settle<'a>(&'a self, site: Site<'a>, op: &'a Op)
    -> BoxFuture<'a, Result<Became, StepError>>;

    /// Finds every object that says it belongs to the project.
    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>>;
}

/// Where an operation is done, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) host: &'a dyn Host,
    /// `None` where there is only the host.
    pub(crate) cluster: Option<&'a Cluster>,
    pub(crate) project: &'a str,
}

/// What of a project says on a host that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    pub(crate) found: Vec<Identity>,
    /// Records that cannot be read, each with why: what they are about may be of the project.
    pub(crate) unread: Vec<String>,
}

impl From<Vec<Identity>> for Marks {
    fn from(found: Vec<Identity>) -> Self {
        Self { found, unread: Vec::new() }
    }
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Became {
    Done,
    NotDone,
    /// Neither as before nor as planned.
    Changed,
}

impl Became {
    pub(crate) fn settled(self, done: provider::Performed, identity: &Identity) -> Settled {
        match self {
            Self::Done => Settled::Done(done),
            Self::NotDone => Settled::NotDone,
            Self::Changed => Settled::Changed(format!(
                "{} is neither as it was nor as it was to be.",
                identity.shown
            )),
        }
    }
}

/// A host that said no; what had changed since the plan is told apart.
pub(crate) fn refused(error: HostError) -> StepError {
    if error.is_changed() {
        return StepError::Stale(error.to_string());
    }
    if error.is_in_doubt() {
        return StepError::InDoubt(error.to_string());
    }
    StepError::Refused(error.to_problem())
}

/// An operation that this version does not know.
pub(crate) fn strange(op: &Op) -> StepError {
    let detail = format!("`{}` is not an operation that can be done on a host.", op.text);
    let problem =
        Problem::error(codes::STRANGE, "An operation is not understood", Path::root(), detail);
    StepError::Refused(problem.with_help("Make a new plan with this version of the program."))
}

/// A text among the arguments of an operation. The host is where a sensitive one belongs.
pub(crate) fn text(op: &Op, name: &str) -> Option<String> {
    let (value, _) = op.args.get(name)?.exposed();
    value.as_str().map(str::to_owned)
}

/// Permission bits among the arguments of an operation.
pub(crate) fn mode(op: &Op) -> Option<u32> {
    u32::from_str_radix(&text(op, "mode")?, 8).ok()
}

/// What the guard of an operation on a file asks for.
pub(crate) fn guarded_by(op: &Op) -> Expected<'_> {
    expected_by(&op.guard)
}

/// What a guard asks for of a file.
pub(crate) fn expected_by(guard: &Value) -> Expected<'_> {
    let text = |name: &str| guard.get(name).and_then(Value::as_str);
    match (text("stamp"), text("digest")) {
        (Some(stamp), _) => Expected::Stamp(stamp),
        (None, Some(digest)) => Expected::Digest(digest),
        (None, None) => Expected::Absent,
    }
}
