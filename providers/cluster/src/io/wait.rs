//! Waiting until an object is as it should be: by watching, and by looking now and then.
//!
//! A watch alone is not trusted: it may be cut, refused, or silent while things happen. Each
//! lasts for [`LOOK`] at most; then the object is read, and the next begins from there.

use super::object::{Named, meta, whole};
use access::{Cluster, ClusterError, Resource, WatchEvent};
use diags::Code;
use plans::{Op, Problem};
use provider::Progress;
use serde_json::Value as Json;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use values::Path;

const NOT_IN_TIME: Code = Code("E0752");

/// How long to trust a watch.
const LOOK: Duration = Duration::from_secs(10);
/// How long to pause where nothing can be watched.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to wait when the operation does not say.
const DEADLINE: Duration = Duration::from_mins(5);

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) resource: &'a Resource,
    pub(super) named: &'a Named,
}

/// What a look at the object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as it should be.
    Holds,
    /// Not yet; what is awaited, as people say it.
    Waits(String),
    /// It will never be; why, as a clause.
    Failed(String),
}

/// How the waiting ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Waited {
    /// It is as it should be; the object, if there is one.
    Held(Option<Json>),
    /// It failed; why, as a clause.
    Failed(String),
    /// It took too long; what is still awaited, as a clause.
    TooLong(String),
}

/// How long an operation may be waited for.
pub(super) fn deadline(op: &Op) -> Duration {
    whole(&op.args, "timeout").map_or(DEADLINE, Duration::from_secs)
}

/// A problem with what was waited for in vain.
pub(super) fn problem(summary: &'static str, detail: String) -> Problem {
    Problem::error(NOT_IN_TIME, summary, Path::root(), detail)
}

/// Waits until `judge` says that the object is as it should be.
pub(super) async fn until(
    target: Target<'_>,
    first: Option<Json>,
    lasting: Duration,
    progress: Progress<'_>,
    judge: impl Fn(Option<&Json>) -> Verdict,
) -> Waited {
    let deadline = Instant::now() + lasting;
    let mut wait = Wait { progress, judge, awaited: String::new() };
    let mut live = first;
    let mut known = live.is_some();
    loop {
        if !known {
            match look(target).await {
                Ok(found) => (live, known) = (found, true),
                // The server may be restarting; that is no reason to give up early.
                Err(error) => wait.trouble(&error),
            }
        }
        if known {
            if let Some(end) = wait.hear(live.as_ref()) {
                return end;
            }
            let from = live.as_ref().and_then(|live| meta(live, "resourceVersion"));
            let until = deadline.min(Instant::now() + LOOK);
            match from {
                Some(from) => {
                    if let Some(end) = watch(target, from, until, &mut wait).await {
                        return end;
                    }
                }
                None => sleep(PAUSE).await,
            }
        } else {
            sleep(PAUSE).await;
        }
        known = false;
        if Instant::now() >= deadline {
            return Waited::TooLong(format!(
                "{} s were not enough; still awaited: {}",
                lasting.as_secs(),
                wait.awaited
            ));
        }
    }
}

struct Wait<'a, J> {
    progress: Progress<'a>,
    judge: J,
    awaited: String,
}

impl<J: Fn(Option<&Json>) -> Verdict> Wait<'_, J> {
    /// Judges what is seen; the end, if this is it.
    fn hear(&mut self, live: Option<&Json>) -> Option<Waited> {
        match (self.judge)(live) {
            Verdict::Holds => Some(Waited::Held(live.cloned())),
            Verdict::Failed(why) => Some(Waited::Failed(why)),
            Verdict::Waits(on) => {
                self.say(on);
                None
            }
        }
    }

    fn say(&mut self, on: String) {
        if on != self.awaited {
            (self.progress)(on.clone());
            self.awaited = on;
        }
    }

    fn trouble(&mut self, error: &ClusterError) {
        self.say(format!("the server to answer: {error}"));
    }
}

async fn look(target: Target<'_>) -> Result<Option<Json>, ClusterError> {
    let Target { cluster, resource, named } = target;
    match cluster.get(resource, named.namespace(), &named.name).await {
        Ok(live) => Ok(Some(live)),
        Err(error) if error.is_object_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Watches until the end of the wait or until another look is due.
async fn watch<J: Fn(Option<&Json>) -> Verdict>(
    target: Target<'_>,
    from: &str,
    until: Instant,
    wait: &mut Wait<'_, J>,
) -> Option<Waited> {
    let Target { cluster, resource, named } = target;
    let watch = cluster.watch_one(resource, named.namespace(), &named.name, from, LOOK);
    let Ok(Ok(mut watch)) = timeout_at(until, watch).await else {
        sleep(PAUSE).await;
        return None;
    };
    let opened = Instant::now();
    loop {
        match timeout_at(until, watch.next()).await {
            Ok(Ok(Some(WatchEvent::Now(live)))) => {
                if let Some(end) = wait.hear(Some(&live)) {
                    return Some(end);
                }
            }
            Ok(Ok(Some(WatchEvent::Gone(_)))) => {
                if let Some(end) = wait.hear(None) {
                    return Some(end);
                }
            }
            Ok(Ok(Some(WatchEvent::Bookmark(_)))) => {}
            Ok(Ok(None) | Err(_)) => {
                // A server that ends every watch at once must not be asked in a tight loop.
                if opened.elapsed() < PAUSE {
                    sleep(PAUSE).await;
                }
                return None;
            }
            Err(_) => return None,
        }
    }
}
