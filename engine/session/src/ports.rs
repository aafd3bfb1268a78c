//! What the use cases need from outside.

use diags::Diagnostics;
use plans::Event;
use provider::{BoxFuture, Catalog, Providers};
use runner::{Clock, Journal};
use schemas::plan::SavedPlan;
use states::{State, UnfinishedRun};
use std::sync::Arc;

/// The world and whoever listens.
#[derive(Clone)]
pub struct World {
    /// What types there are.
    pub catalog: Arc<dyn Catalog>,
    /// Access to the world.
    pub providers: Arc<dyn Providers>,
    /// Time as it passes.
    pub clock: Arc<dyn Clock>,
    /// Who is told what happens.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedState {
    /// The state with the journal replayed over it; `None` when there is none yet.
    pub state: Option<State>,
    /// A run that did not finish.
    pub unfinished: Option<UnfinishedRun>,
    /// A run that did finish, and whose journal a crash left where it was.
    pub left: Option<String>,
    /// What a person should know about it.
    pub warnings: Diagnostics,
}

/// Where state, journal and plans of runs are kept.
///
/// Whoever holds the store holds its lock, except for reading.
pub trait Store: Send + Sync {
    /// Reads all. What cannot be read or trusted is an error, never an empty state.
    fn load(&self) -> Stored<'_, LoadedState>;
    /// Keeps the plan of a run that is about to begin, durably.
    fn keep<'a>(&'a self, run: &'a str, saved: &'a SavedPlan) -> Stored<'a, ()>;
    /// The plan of a run that did not finish.
    fn kept<'a>(&'a self, run: &'a str) -> Stored<'a, SavedPlan>;
    /// The journal of the run that is about to begin or to be resumed. A journal of an
    /// earlier run that is not resumed must have been put aside by [`Store::commit`].
    fn journal(&self) -> Stored<'_, Arc<dyn Journal>>;
    /// Writes the state, durably and with the next serial. When `finished`, the journal is put
    /// aside and plans of runs are dropped; else both stay for a resume.
    fn commit<'a>(&'a self, state: &'a State, finished: bool) -> Stored<'a, ()>;
}

/// What a store answers.
pub type Stored<'a, T> = BoxFuture<'a, Result<T, Diagnostics>>;
