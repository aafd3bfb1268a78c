//! Time as the world has it: it passes when everybody waits, and goes on from one process to the
//! next.

use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The second at which every world begins, of the Unix epoch.
const BEGINNING: i64 = 1_790_000_000;

/// The clock of a world. Inside a process it follows the runtime's, which stands still while
/// anybody is at work; between two processes it stands.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What had passed before the present process began.
    before: Duration,
    began: Option<Instant>,
}

impl Clock {
    /// Since the beginning of the world.
    pub(crate) fn now(&self) -> Duration {
        let state = self.state();
        state.before + state.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// The same in seconds of the Unix epoch.
    pub(crate) fn second(&self) -> i64 {
        BEGINNING + i64::try_from(self.now().as_secs()).unwrap_or(0)
    }

    /// A process begins; to be called in its runtime.
    pub(crate) fn begin(&self) {
        self.state().began = Some(Instant::now());
    }

    /// It has ended; to be called in its runtime.
    pub(crate) fn end(&self) {
        let now = self.now();
        *self.state() = State { before: now, began: None };
    }

    /// Time passes without any process.
    pub(crate) fn pass_until(&self, then: Duration) {
        let mut state = self.state();
        state.before = state.before.max(then);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl sandbox::Clock for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.second()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
