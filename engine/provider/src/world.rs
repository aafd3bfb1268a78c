//! The I/O half: looking at the world and changing it.

use crate::Observation;
use addrs::TypeName;
use plans::{Exported, Identity, Op, Problem, Right, Target};
use std::future::Future;
use std::pin::Pin;
use values::Value;

/// A future that can be moved between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An object that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its resource type.
    pub ty: TypeName,
    /// Which object.
    pub identity: Identity,
}

/// What the server says an operation would do, or why it would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// The object as it would be, in the provider's terms.
    Would(Value),
    /// It would be refused. The value has the refusal in the provider's terms (status code,
    /// reason, causes), so that the pure half can tell a conflict from an immutable field.
    Refused(Value),
    /// It could not be asked.
    Unknown(Problem),
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// What references see now.
    pub exported: Exported,
    /// The uid that the world gave the object.
    pub uid: Option<String>,
}

/// What became of an operation that was begun and not seen to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It took effect.
    Done(Performed),
    /// It did not, and may be performed (again).
    NotDone,
    /// The object is neither as before nor as planned; why.
    Changed(String),
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepError {
    /// The world is no longer as it was when the plan was made; nothing was done.
    Stale(String),
    /// The world refused; nothing was done.
    Refused(Problem),
    /// It may or may not have taken effect.
    InDoubt(String),
}

impl StepError {
    /// For people, in one sentence or two.
    pub fn message(&self) -> String {
        match self {
            Self::Stale(why) | Self::InDoubt(why) => why.clone(),
            Self::Refused(problem) => match &problem.help {
                Some(help) => format!("{}: {} {help}", problem.summary, problem.detail),
                None => format!("{}: {}", problem.summary, problem.detail),
            },
        }
    }
}

/// Where an operation says what it waits for.
pub type Progress<'a> = &'a (dyn Fn(String) + Send + Sync);

/// An object that carries this configuration's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The resource type that fits it best.
    pub ty: TypeName,
    /// Which object.
    pub identity: Identity,
    /// Its uid.
    pub uid: Option<String>,
    /// Whether it says that it is protected from deletion.
    pub protected: bool,
}

/// What was found, and what could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Objects with the mark.
    pub found: Vec<Found>,
    /// Places where there may be more, each with why it could not be looked at.
    pub unseen: Vec<String>,
}

/// A right that operations need, and who needs it by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The right; who needs it is said beside it.
    pub right: Right,
    /// Positions of the operations.
    pub ops: Vec<usize>,
}

/// Access to the world for all resource types together.
///
/// # Interruption
///
/// Dropping a future of `observe`, `read`, `preview` or `settle` leaves nothing behind.
/// `perform` is never dropped by the engine.
pub trait Providers: Send + Sync {
    /// The cluster, asked now. Fails rather than guess.
    fn target(&self) -> BoxFuture<'_, Result<Target, Problem>>;

    /// Looks at all these objects at once; answers in the same order.
    fn observe(&self, wanted: Vec<Wanted>) -> BoxFuture<'_, Vec<Observation>>;

    /// Reads a data source.
    fn read(&self, ty: &TypeName, args: Value) -> BoxFuture<'_, Result<Exported, Problem>>;

    /// Asks what these operations would do; answers in the same order. Changes nothing.
    fn preview(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<Preview>>;

    /// Does it, and waits until it has taken effect. Checks the guard first.
    fn perform<'a>(
        &'a self,
        op: &'a Op,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Performed, StepError>>;

    /// A stop was asked for, and what runs is waited for. An operation that itself waits for others
    /// may give up now, if it leaves nothing behind that nobody knows of.
    fn stopping(&self) {}

    /// Looks what became of an operation that was begun and not seen to end.
    fn settle<'a>(&'a self, op: &'a Op) -> BoxFuture<'a, Result<Settled, StepError>>;

    /// Finds every object that carries this configuration's mark.
    fn find(&self, project: &str) -> BoxFuture<'_, Result<Search, Problem>>;

    /// What is worth a warning when these operations are done, by position in `ops`: a service
    /// that nothing is behind, say. Changes nothing.
    fn afterwards(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<(usize, Problem)>> {
        let _ = ops;
        Box::pin(async { Vec::new() })
    }

    /// Asks which rights these operations need and which of them are there. The answer names
    /// who needs a right by position in `ops`. Changes nothing.
    fn rights(&self, ops: Vec<Op>) -> BoxFuture<'_, Result<Vec<Asked>, Problem>> {
        let _ = ops;
        Box::pin(async { Ok(Vec::new()) })
    }
}
