//! Making the sandbox misbehave on purpose, for the tests of those who talk to it.
//!
//! A [`Fault`] is armed on the [`Faults`] handle with a [`Matcher`] and a number of
//! times. A fault that fires *before* has no effect on the store; one that fires
//! *after* strikes when the request has been carried out and is durable, which is
//! the case a client finds hardest to tell from the first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Which requests a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// Every request.
    Any,
    /// The request with this number; the first request of a sandbox is number one.
    Number(u64),
    /// Requests of this method (`*` for any) whose path contains this text.
    Request {
        /// `GET`, `PATCH`, ... or `*`.
        method: String,
        /// Part of the path, such as `/configmaps/`.
        path: String,
    },
    /// As `Request`, but only requests that would change something (no dry-run).
    Write {
        /// Part of the path, such as `/configmaps/`.
        path: String,
    },
}

/// What happens to a request that is struck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this HTTP status and a `metav1.Status` of this reason; not carried out.
    Status {
        /// The HTTP status code, such as 503.
        code: u16,
        /// The machine-readable reason, such as `ServiceUnavailable`.
        reason: String,
        /// The message for people.
        message: String,
    },
    /// Carried out after this time.
    Latency(Duration),
    /// The connection breaks and nothing was carried out.
    DropBefore,
    /// The request is carried out, then the connection breaks.
    DropAfter,
}

#[derive(Debug, Clone)]
struct Armed {
    matcher: Matcher,
    fault: Fault,
    /// How many more requests it strikes; `None` for all.
    left: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    requests: u64,
    armed: Vec<Armed>,
}

/// A handle on the faults of one sandbox. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

impl Faults {
    /// Strikes the next request that matches, once.
    pub fn once(&self, matcher: Matcher, fault: Fault) {
        self.times(1, matcher, fault);
    }

    /// Strikes the next `count` requests that match.
    pub fn times(&self, count: u64, matcher: Matcher, fault: Fault) {
        self.arm(Armed { matcher, fault, left: Some(count) });
    }

    /// Strikes every request that matches until [`Faults::clear`].
    pub fn always(&self, matcher: Matcher, fault: Fault) {
        self.arm(Armed { matcher, fault, left: None });
    }

    /// Disarms all faults.
    pub fn clear(&self) {
        self.locked(|state| state.armed.clear());
    }

    /// How many requests the sandbox has seen.
    pub fn requests(&self) -> u64 {
        self.locked(|state| state.requests)
    }

    /// Counts one request and says which faults strike it, in the order of arming.
    pub(crate) fn strike(&self, method: &str, path: &str, writes: bool) -> Vec<Fault> {
        self.locked(|state| {
            state.requests += 1;
            let number = state.requests;
            let mut struck = Vec::new();
            for armed in &mut state.armed {
                if armed.left == Some(0) || !armed.matcher.matches(number, method, path, writes) {
                    continue;
                }
                if let Some(left) = &mut armed.left {
                    *left -= 1;
                }
                struck.push(armed.fault.clone());
            }
            state.armed.retain(|armed| armed.left != Some(0));
            struck
        })
    }

    fn arm(&self, armed: Armed) {
        self.locked(|state| state.armed.push(armed));
    }

    fn locked<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // The state is valid after any panic: every change to it is a single push or count.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Matcher {
    fn matches(&self, number: u64, method: &str, path: &str, writes: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Number(wanted) => *wanted == number,
            Self::Request { method: wanted, path: part } => {
                (wanted == "*" || wanted == method) && path.contains(part.as_str())
            }
            Self::Write { path: part } => writes && path.contains(part.as_str()),
        }
    }
}
