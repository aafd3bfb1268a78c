//! What the walk needs from outside.

use plans::{Event, Op, Step, Timestamp};
use provider::{BoxFuture, Performed, Providers};
use states::JournalEntry;
use std::sync::Arc;
use std::time::Duration;

/// Where entries are written down.
pub trait Journal: Send + Sync {
    /// Adds an entry, and returns when it would survive a power cut. An error says why it may
    /// not; nothing is appended after one.
    fn append<'a>(&'a self, entry: &'a JournalEntry) -> BoxFuture<'a, Result<(), String>>;
}

/// Time as it passes.
pub trait Clock: Send + Sync {
    /// Since some fixed moment; never goes back.
    fn elapsed(&self) -> Duration;
    /// The time of the day, which may jump.
    fn now(&self) -> Timestamp;
    /// Returns after this time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// Values that are decided during apply.
pub trait Late: Send + Sync {
    /// The operation of a late step with nothing left to decide, or why that cannot be.
    /// Called right before the step begins, when everything that it needs is done.
    fn resolve(&self, step: &Step) -> Result<Op, String>;
    /// A step is done; this is what references see from here on.
    ///
    /// # Errors
    ///
    /// What must hold of it then and does not, in words: nothing that needs it begins.
    fn done(&self, step: &Step, performed: &Performed) -> Result<(), String>;
}

/// Everything from outside.
#[derive(Clone)]
pub struct Ports {
    /// The world.
    pub providers: Arc<dyn Providers>,
    /// Where entries are written down.
    pub journal: Arc<dyn Journal>,
    /// Values that are decided during apply.
    pub late: Arc<dyn Late>,
    /// Time as it passes.
    pub clock: Arc<dyn Clock>,
    /// Who is told what happens.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
}
