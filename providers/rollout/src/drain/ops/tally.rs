//! What is waited for, in one line.

use crate::drain::objects::Key;
use provider::Progress;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many pods are named; the rest are counted.
const NAMED: usize = 4;

/// How each pod stands that has not left, told whenever that changes.
pub(super) struct Tally<'a> {
    progress: Progress<'a>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pods: BTreeMap<Key, (Standing, String)>,
    told: String,
}

/// The order is the one in which pods are told: what is in the way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It may not leave yet.
    Held,
    /// It was evicted and has not ended.
    Ending,
    /// It is being asked.
    Asked,
}

impl<'a> Tally<'a> {
    /// All of these are being asked; that is told once.
    pub(super) fn new<'p>(
        progress: Progress<'a>,
        asked: impl IntoIterator<Item = &'p Key>,
    ) -> Self {
        let tally = Self { progress, state: Mutex::default() };
        tally.change(|pods| {
            let asked = asked.into_iter().cloned();
            pods.extend(asked.map(|pod| (pod, (Standing::Asked, "asked to leave".to_owned()))));
        });
        tally
    }

    /// A pod stands like this now; why, as a clause.
    pub(super) fn note(&self, pod: &Key, standing: Standing, why: String) {
        self.change(|pods| {
            pods.insert(pod.clone(), (standing, why));
        });
    }

    /// A pod has left.
    pub(super) fn left(&self, pod: &Key) {
        self.change(|pods| {
            pods.remove(pod);
        });
    }

    /// What is still awaited, with every pod.
    pub(super) fn all(&self) -> Vec<(Key, Standing, String)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let pods = state.pods.iter();
        let mut all: Vec<_> =
            pods.map(|(key, (standing, why))| (key.clone(), *standing, why.clone())).collect();
        all.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        all
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<Key, (Standing, String)>)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.pods);
        drop(state);
        let all = self.all();
        let text = text(&all);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !text.is_empty() && text != state.told {
            (self.progress)(text.clone());
            state.told = text;
        }
    }
}

/// `2 pods to leave: shop/web-0 (budget shop/web: needs 2 healthy pods), shop/db-0 (ending)`.
fn text(all: &[(Key, Standing, String)]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let named: Vec<String> =
        all.iter().take(NAMED).map(|(key, _, why)| format!("{key} ({why})")).collect();
    let more = all.len() - named.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let pods = if all.len() == 1 { "pod" } else { "pods" };
    format!("{} {pods} to leave: {}{more}", all.len(), named.join(", "))
}
