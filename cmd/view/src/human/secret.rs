//! Differences of which only the place may be told.

use super::change::difference;
use super::rows::is_quiet;
use plans::{Action, Change, Origin};
use values::{Diff, Value};

/// Whether nothing but secrets differs from what was applied.
///
/// No digest holds a secret, so nobody can tell whether the configuration has another one now
/// or somebody changed the object: to say "changed outside" of it would be a guess.
pub(crate) fn only_secrets_differ(change: &Change) -> bool {
    let has_secret = |v: &Option<Value>| v.as_ref().is_some_and(Value::has_sensitive);
    change.origin == Origin::Drift
        && matches!(change.action, Action::Update | Action::Replace)
        && (has_secret(&change.before) || has_secret(&change.after))
        && is_secret(&difference(change))
}

/// Whether everything that differs is a secret on either side. Without its values, as in a
/// plan that was saved, nothing differs at all.
fn is_secret(diff: &Diff) -> bool {
    if is_quiet(diff) {
        return true;
    }
    match diff {
        Diff::Same(_) => true,
        Diff::Added(v) | Diff::Removed(v) => matches!(v, Value::Sensitive(_)),
        Diff::Changed(a, b) => matches!(a, Value::Sensitive(_)) || matches!(b, Value::Sensitive(_)),
        Diff::Object(map) => map.values().all(is_secret),
        Diff::Items(items) => items.iter().all(|(_, d)| is_secret(d)),
        Diff::List(diffs) => diffs.iter().all(is_secret),
        Diff::Moved { .. } => false,
    }
}
