//! The handle on which faults are armed, and what strikes one request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Response;

use super::{Asked, Fault, Matcher, WatchFault, Webhook, answers};
use crate::service::ResponseBody;

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

    /// Counts one request and says what strikes it.
    pub(crate) fn strike(&self, asked: &Asked) -> Struck {
        let faults = self.locked(|state| {
            state.requests += 1;
            let number = state.requests;
            let mut struck = Vec::new();
            for armed in &mut state.armed {
                let hits =
                    asked.matches(number, &armed.matcher) && asked.can_be_struck(&armed.fault);
                if armed.left == Some(0) || !hits {
                    continue;
                }
                if let Some(left) = &mut armed.left {
                    *left -= 1;
                }
                struck.push(armed.fault.clone());
            }
            state.armed.retain(|armed| armed.left != Some(0));
            struck
        });
        let mut struck = Struck::default();
        for fault in faults {
            struck.add(fault, asked);
        }
        struck
    }

    fn arm(&self, armed: Armed) {
        self.locked(|state| state.armed.push(armed));
    }

    fn locked<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // The state is valid after any panic: every change to it is a single push or count.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Everything that strikes one request.
#[derive(Default)]
pub(crate) struct Struck {
    /// What comes before the request is looked at, in order.
    pub(crate) before: Vec<Before>,
    /// What happens while it is carried out.
    pub(crate) twist: Twist,
    /// What becomes of the answer.
    pub(crate) after: Option<After>,
}

/// What happens to a request that was not looked at yet.
pub(crate) enum Before {
    Wait(Duration),
    Answer(Response<ResponseBody>),
    Drop,
}

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Drop,
    DropDuring,
    Truncate,
}

/// What is different while a request is carried out.
#[derive(Debug, Default)]
pub(crate) struct Twist {
    pub(crate) stale: Option<u64>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) watch: Option<WatchFault>,
}

impl Struck {
    fn add(&mut self, fault: Fault, asked: &Asked) {
        let mut answer = |answer| self.before.push(Before::Answer(answer));
        match fault {
            Fault::Status { code, reason, message } => {
                answer(answers::status(code, &reason, &message));
            }
            Fault::TooManyRequests { retry_after } => answer(answers::too_many(retry_after)),
            Fault::Forbidden { user } => answer(answers::forbidden(asked, &user)),
            Fault::Conflict => answer(answers::conflict(asked)),
            Fault::Answer { code, content_type, body } => {
                answer(answers::instead(code, &content_type, body));
            }
            Fault::Latency(time) => self.before.push(Before::Wait(time)),
            Fault::DropBefore => self.before.push(Before::Drop),
            Fault::DropAfter => self.after = Some(After::Drop),
            Fault::DropDuring => self.after = Some(After::DropDuring),
            Fault::Truncated => self.after = Some(After::Truncate),
            Fault::Stale { version } => self.twist.stale = Some(version),
            Fault::Webhook(webhook) => {
                if let Webhook::TimesOut { after, .. } = &webhook {
                    self.before.push(Before::Wait(*after));
                }
                self.twist.webhooks.push(webhook);
            }
            Fault::Watch(fault) => self.twist.watch = Some(fault),
        }
    }
}
