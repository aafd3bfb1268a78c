//! Where time and identities come from, so that a test can make both repeatable.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

/// What the sandbox asks when it needs the time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// What the sandbox asks when an object needs a uid.
pub trait Identities: Send + Sync + 'static {
    /// A uid that was not given out before.
    fn next_uid(&self) -> String;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock for tests: starts at a given second and moves only when told.
#[derive(Debug)]
pub struct SteppingClock {
    second: AtomicI64,
}

impl SteppingClock {
    /// A clock that stands at `second` of the Unix epoch.
    pub fn at(second: i64) -> Self {
        Self { second: AtomicI64::new(second) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, seconds: i64) {
        self.second.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.second.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Random version 4 uids, as a real server gives.
#[derive(Debug, Clone, Copy)]
pub struct RandomIdentities;

impl Identities for RandomIdentities {
    fn next_uid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Uids that count from one, for tests that compare whole objects.
#[derive(Debug, Default)]
pub struct SequentialIdentities {
    last: AtomicU64,
}

impl Identities for SequentialIdentities {
    fn next_uid(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        format!("00000000-0000-4000-8000-{number:012x}")
    }
}
