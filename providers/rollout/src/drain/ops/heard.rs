//! What the answer to an eviction means. Pure.
//!
//! Source: [How API-initiated eviction works](https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/#how-api-initiated-eviction-works),
//! and for namespaces that are being deleted the behaviour of `kubectl drain`.

use crate::drain::objects::Key;
use access::{ClusterError, Failure, Refusal, text};
use std::time::Duration;

/// How long to wait when the server does not say.
const PAUSE: Duration = Duration::from_secs(5);
/// The same when it did not answer at all.
const SOON: Duration = Duration::from_secs(1);

/// What an error says about the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is not there any more, or another one of its name is.
    Gone,
    /// It is being deleted, along with its namespace.
    Ends,
    /// Ask again after this time; why, as a clause about the pod.
    Again(Duration, String),
    /// The budget of this name has no room, or one whose name was not said: again after this
    /// time; what the server said about it.
    Blocked(Duration, Option<Key>, String),
    /// More than one budget selects it.
    Several,
    /// What a budget's status says is no sense; which, and what the server said.
    Corrupt(Option<Key>, String),
    /// The server will not do it.
    Never,
}

/// What this error says about a pod. `ending`: it is known to be deleted already.
pub(super) fn heard(error: &ClusterError, pod: &Key, ending: bool) -> Heard {
    if error.is_object_not_found() {
        return Heard::Gone;
    }
    let refusal = match &error.failure {
        Failure::Refused(refusal) => refusal,
        Failure::Malformed(_) | Failure::Unreachable(_) => {
            return Heard::Again(SOON, "the server did not answer".to_owned());
        }
    };
    if refusal.is_other_uid() {
        return Heard::Gone;
    }
    let cause = |reason: &str| refusal.causes.iter().find(|cause| cause.reason == reason);
    let pause = |default| refusal.retry_after.unwrap_or(default);
    let budget = cause("DisruptionBudget");
    match refusal.code {
        429 => match budget {
            Some(cause) => {
                let (key, said) = of_budget(&cause.message, pod);
                Heard::Blocked(pause(PAUSE), key, said)
            }
            // A webhook that needs time, or a server that is busy.
            None => Heard::Again(pause(PAUSE), said(refusal)),
        },
        403 if cause("NamespaceTerminating").is_some() && ending => Heard::Ends,
        403 if cause("NamespaceTerminating").is_some() => {
            Heard::Again(pause(PAUSE), "its namespace is being deleted".to_owned())
        }
        403 if budget.is_some() || refusal.about_kind.as_deref() == Some(BUDGETS) => {
            let named = refusal.about_name.as_ref();
            let named = named.map(|name| Key::new(pod.namespace.as_str(), name.as_str()));
            Heard::Corrupt(named, said(refusal))
        }
        500 if refusal.message.contains("more than one PodDisruptionBudget") => Heard::Several,
        // With 409 the pod changed while the server looked at it.
        408 | 409 | 500..=599 => Heard::Again(pause(SOON), said(refusal)),
        _ => Heard::Never,
    }
}

/// As the server calls the kind in its refusals.
const BUDGETS: &str = "poddisruptionbudget";

fn said(refusal: &Refusal) -> String {
    let text = text::clean(&refusal.message);
    format!("the server says {}: {text}", refusal.code)
}

/// Which budget a cause is about, and what it says. The server writes `The disruption budget
/// NAME needs 2 healthy pods and has 1 currently`, and other ends of that sentence.
fn of_budget(message: &str, pod: &Key) -> (Option<Key>, String) {
    let rest = message.strip_prefix("The disruption budget ");
    let found = rest.and_then(|rest| rest.split_once(' ')).map(|(name, said)| {
        let key = Key::new(pod.namespace.as_str(), name);
        (Some(key), said.trim_end_matches('.').to_owned())
    });
    found.unwrap_or_else(|| (None, message.to_owned()))
}
