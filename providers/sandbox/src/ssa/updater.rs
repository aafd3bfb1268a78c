//! What one request does to an object and its owners.
//!
//! [`Updater::apply`] lays a configuration over the live object; [`Updater::update`]
//! only records who changed what. Both see objects as they are written out, with the
//! zero values that a server writes.

use apimachinery::types::{Schema, TypeId};
use serde_json::Value;

use super::managers::{Entry, Manager, Managers, Operation};
use super::path::PathElement;
use super::set::Set;
use super::typed::{self, Comparison};

/// The owner of what was there before the first apply of an object without owners.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What is the same for all steps of one request.
pub(crate) struct Updater<'a> {
    /// The types of the object.
    pub(crate) schema: &'a Schema,
    /// The type of the object.
    pub(crate) type_id: TypeId,
    /// The version in which the request speaks.
    pub(crate) api_version: &'a str,
    /// The subresource of the request; empty for the object itself.
    pub(crate) subresource: &'a str,
    /// What this request cannot change, and so cannot own.
    pub(crate) ignored: Set,
    /// The time of the request, RFC 3339 to the second.
    pub(crate) now: &'a str,
}

/// Why an apply was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApplyError {
    /// Others own fields that it would change.
    Conflicts(Vec<Conflict>),
    /// The configuration does not have the object's type.
    Type(String),
}

/// One field that somebody else owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) manager: Manager,
    pub(crate) path: Vec<PathElement>,
}

impl Conflict {
    /// The path as messages show it.
    pub(crate) fn field(&self) -> String {
        self.path.iter().map(ToString::to_string).collect()
    }
}

impl Updater<'_> {
    /// Applies `config`; returns the new object, or `None` when nothing changed, and the owners.
    pub(crate) fn apply(
        &self,
        empty: &Value,
        live: &Value,
        config: &Value,
        owners: Managers,
        name: &str,
        force: bool,
    ) -> Result<(Option<Value>, Managers), ApplyError> {
        let mut owners = owners;
        if owners.entries.is_empty() {
            owners = self.update(empty, live, owners, BEFORE_FIRST_APPLY);
        }
        typed::validate(self.schema, self.type_id, config, false).map_err(ApplyError::Type)?;
        let manager = Manager::applier(name, self.subresource);
        let merged = self.merge(live, config);
        let last = owners.entries.get(&manager).cloned();
        let set = self.to_set(config).recursive_difference(&self.ignored);
        let time = last.as_ref().and_then(|entry| entry.time.clone());
        owners
            .entries
            .insert(manager.clone(), Entry { set, api_version: self.api_version.to_owned(), time });
        let pruned = self.prune(merged, &owners, last.as_ref());
        let changes = self.compare(live, &pruned).without(&self.ignored);
        let conflicts = conflicts(&owners, &manager, &changes);
        if !force && !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
        take_over(&mut owners, &manager, &changes);
        strip(&mut owners, &manager);
        let is_new = !typed::equal(live, &pruned);
        if is_new && let Some(entry) = owners.entries.get_mut(&manager) {
            entry.time = Some(self.now.to_owned());
        }
        Ok((is_new.then_some(pruned), owners))
    }

    /// Records that `name` made `new` out of `live` by other means than apply.
    pub(crate) fn update(
        &self,
        live: &Value,
        new: &Value,
        owners: Managers,
        name: &str,
    ) -> Managers {
        let mut owners = owners;
        let manager = Manager::updater(name, self.api_version, self.subresource);
        // The request is its own manager first: what it changes it takes from itself too,
        // so that only real changes refresh the entry.
        let me = Manager::updater("current-operation", self.api_version, self.subresource);
        let raw = self.compare(live, new);
        take_over(&mut owners, &me, &raw.without(&self.ignored));
        let set = raw
            .modified
            .union(&raw.added)
            .recursive_difference(&self.ignored)
            .difference(&stripped());
        if !set.is_empty() {
            let before = owners.entries.remove(&manager).map(|entry| entry.set).unwrap_or_default();
            owners.entries.insert(
                manager,
                Entry {
                    set: set.union(&before),
                    api_version: self.api_version.to_owned(),
                    time: Some(self.now.to_owned()),
                },
            );
        }
        owners.cap_updaters();
        owners
    }

    /// Removes what this manager applied last time and nobody applies or owns now.
    fn prune(&self, merged: Value, owners: &Managers, last: Option<&Entry>) -> Value {
        let Some(last) = last.filter(|last| !last.set.is_empty()) else { return merged };
        let last = self.named(&last.set);
        let without_last = self.remove(&merged, &last);
        // Back comes what is owned, by others or by the new configuration.
        let mut owned = Set::default();
        for entry in owners.entries.values() {
            owned = owned.union(&entry.set);
        }
        let kept = self.named(&self.to_set(&without_last)).union(&self.named(&owned));
        let everything = self.named(&self.to_set(&merged));
        let pruned = self.remove(&merged, &everything.difference(&kept));
        // Back comes what this manager never owned: dangling fields and items.
        let left = self.named(&self.to_set(&pruned));
        let gone = everything.difference(&left).intersection(&last);
        self.remove(&merged, &gone)
    }

    fn merge(&self, live: &Value, config: &Value) -> Value {
        typed::merge(self.schema, self.type_id, Some(live), Some(config)).unwrap_or(Value::Null)
    }

    fn compare(&self, old: &Value, new: &Value) -> Comparison {
        typed::compare(self.schema, self.type_id, old, new)
    }

    fn remove(&self, value: &Value, paths: &Set) -> Value {
        typed::remove(self.schema, self.type_id, value, paths)
    }

    fn to_set(&self, value: &Value) -> Set {
        typed::to_set(self.schema, self.type_id, value)
    }

    fn named(&self, set: &Set) -> Set {
        set.with_named_fields(self.schema, self.type_id)
    }
}

fn conflicts(owners: &Managers, me: &Manager, changes: &Comparison) -> Vec<Conflict> {
    let touched = changes.modified.union(&changes.added);
    let others = owners.entries.iter().filter(|(manager, _)| *manager != me);
    others
        .flat_map(|(manager, entry)| {
            let paths = entry.set.intersection(&touched).paths();
            paths.into_iter().map(|path| Conflict { manager: manager.clone(), path })
        })
        .collect()
}

/// Takes from everybody else what was changed, added or removed.
fn take_over(owners: &mut Managers, me: &Manager, changes: &Comparison) {
    let touched = changes.modified.union(&changes.added).union(&changes.removed);
    for (manager, entry) in &mut owners.entries {
        if manager != me {
            entry.set = entry.set.difference(&touched);
        }
    }
    owners.entries.retain(|_, entry| !entry.set.is_empty());
}

/// Drops what is never owned: type, name and bookkeeping.
fn strip(owners: &mut Managers, manager: &Manager) {
    debug_assert!(
        manager.operation == Operation::Apply,
        "updates are stripped before they are recorded"
    );
    if let Some(entry) = owners.entries.get_mut(manager) {
        entry.set = entry.set.difference(&stripped());
        if entry.set.is_empty() {
            owners.entries.remove(manager);
        }
    }
}

fn stripped() -> Set {
    Set::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}
