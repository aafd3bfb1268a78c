//! What is remembered: objects by resource, namespace and name, and what happened to them.
//!
//! A request works in a [`Txn`], an overlay that nobody else sees. [`Store::commit`]
//! makes it durable and then visible; a dry run just drops it.
//!
//! **Invariant:** resource versions come from one counter and never repeat; the events
//! of a transaction carry the versions of its writes, in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::meta;
use crate::persist::{Log, PersistError};

/// A resource as a key: `configmaps`, or `deployments.apps`.
pub(crate) type Table = String;
/// Namespace (empty for objects of the cluster) and name.
pub(crate) type Key = (String, String);

/// Something that happened to an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) table: Table,
    pub(crate) kind: EventKind,
    /// As it was after the event; for a deletion, as it was last.
    pub(crate) object: Arc<Value>,
    /// As it was before a change, so that selectors can see it leave.
    pub(crate) before: Option<Arc<Value>>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Added,
    Modified,
    Deleted,
}

/// Everything that is remembered.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) version: u64,
    tables: BTreeMap<Table, BTreeMap<Key, Arc<Value>>>,
    /// The objects that name an owner, by its uid.
    owned: BTreeMap<String, BTreeSet<(Table, Key)>>,
    events: VecDeque<Event>,
    /// How many events are kept for watches and pages; older ones are answered with 410.
    history: usize,
    log: Option<Log>,
}

impl Store {
    pub(crate) fn in_memory(history: usize) -> Self {
        Self {
            version: 1,
            tables: BTreeMap::new(),
            owned: BTreeMap::new(),
            events: VecDeque::new(),
            history,
            log: None,
        }
    }

    /// What a log has kept, and every later write goes there first.
    pub(crate) fn with_log(
        log: Log,
        version: u64,
        objects: Vec<(Table, Value)>,
        history: usize,
    ) -> Self {
        let mut store =
            Self { version: version.max(1), log: Some(log), ..Self::in_memory(history) };
        for (table, object) in objects {
            let key = key_of(&object);
            for owner in owners(&object) {
                store.owned.entry(owner).or_default().insert((table.clone(), key.clone()));
            }
            store.tables.entry(table).or_default().insert(key, Arc::new(object));
        }
        store
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.values().all(BTreeMap::is_empty)
    }

    /// The version below which no event is remembered.
    pub(crate) fn oldest_event(&self) -> u64 {
        self.events.front().map_or(self.version, |event| event.version - 1)
    }

    /// The remembered events after this version.
    pub(crate) fn events_after(&self, version: u64) -> impl Iterator<Item = &Event> {
        let start = self.events.partition_point(|event| event.version <= version);
        self.events.range(start..)
    }

    pub(crate) fn begin(&self) -> Txn<'_> {
        Txn {
            store: self,
            version: self.version,
            changes: BTreeMap::new(),
            events: Vec::new(),
            emptying: BTreeSet::new(),
        }
    }

    fn index_owners(&mut self, event: &Event, key: &Key) {
        let place = || (event.table.clone(), key.clone());
        for owner in event.before.iter().flat_map(|before| owners(before)) {
            if let Some(places) = self.owned.get_mut(&owner) {
                places.remove(&place());
                if places.is_empty() {
                    self.owned.remove(&owner);
                }
            }
        }
        if event.kind != EventKind::Deleted {
            for owner in owners(&event.object) {
                self.owned.entry(owner).or_default().insert(place());
            }
        }
    }

    /// Makes a transaction's changes durable, then visible.
    pub(crate) fn commit(&mut self, changes: Changes) -> Result<(), PersistError> {
        if changes.events.is_empty() {
            return Ok(());
        }
        if let Some(log) = &mut self.log {
            log.append(changes.version, &changes.events)?;
        }
        self.version = changes.version;
        for event in changes.events {
            let key = key_of(&event.object);
            self.index_owners(&event, &key);
            let table = self.tables.entry(event.table.clone()).or_default();
            match event.kind {
                EventKind::Deleted => table.remove(&key),
                EventKind::Added | EventKind::Modified => table.insert(key, event.object.clone()),
            };
            self.events.push_back(event);
        }
        while self.events.len() > self.history {
            self.events.pop_front();
        }
        if let Some(log) = &mut self.log {
            // The write is durable already; a log that stays long is tried again next time.
            let _ = log.compact_if_long(self.version, &self.tables);
        }
        Ok(())
    }
}

/// The uids of an object's owners.
fn owners(object: &Value) -> Vec<String> {
    let list = object["metadata"]["ownerReferences"].as_array();
    let uids = list.into_iter().flatten().filter_map(|owner| owner["uid"].as_str());
    uids.map(str::to_owned).collect()
}

fn key_of(object: &Value) -> Key {
    (meta::namespace(object).to_owned(), meta::name(object).to_owned())
}

/// What a transaction did.
#[derive(Debug)]
pub(crate) struct Changes {
    version: u64,
    events: Vec<Event>,
}

/// A view of the store with changes that nobody else sees yet.
#[derive(Debug)]
pub(crate) struct Txn<'a> {
    store: &'a Store,
    version: u64,
    changes: BTreeMap<(Table, Key), Option<Arc<Value>>>,
    events: Vec<Event>,
    /// Namespaces whose contents are being deleted one by one at the moment.
    pub(crate) emptying: BTreeSet<String>,
}

impl Txn<'_> {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, table: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        match self.changes.get(&(table.to_owned(), key.clone())) {
            Some(changed) => changed.clone(),
            None => self.store.tables.get(table)?.get(&key).cloned(),
        }
    }

    /// The objects of a table, in the order of their keys; `None` for all namespaces.
    pub(crate) fn list(&self, table: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let wanted = |key: &Key| namespace.is_none_or(|namespace| key.0 == namespace);
        let start = (namespace.unwrap_or_default().to_owned(), String::new());
        let stored = self.store.tables.get(table);
        let stored = stored.into_iter().flat_map(|objects| objects.range(start.clone()..));
        let mut found: BTreeMap<&Key, Arc<Value>> = stored
            .take_while(|(key, _)| wanted(key))
            .map(|(key, object)| (key, object.clone()))
            .collect();
        let changed = self.changes.range((table.to_owned(), start)..);
        for ((_, key), object) in
            changed.take_while(|((name, key), _)| name == table && wanted(key))
        {
            match object {
                Some(object) => found.insert(key, object.clone()),
                None => found.remove(key),
            };
        }
        found.into_values().collect()
    }

    /// The objects that name this owner, with their tables.
    pub(crate) fn owned_by(&self, uid: &str) -> Vec<(Table, Arc<Value>)> {
        let stored = self.store.owned.get(uid).into_iter().flatten();
        let places: BTreeSet<&(Table, Key)> = stored.chain(self.changes.keys()).collect();
        let objects = places.into_iter().filter_map(|(table, (namespace, name))| {
            Some((table.clone(), self.get(table, namespace, name)?))
        });
        objects.filter(|(_, object)| owners(object).iter().any(|owner| owner == uid)).collect()
    }

    /// The tables that hold anything.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let changed = self.changes.keys().map(|(table, _)| table.clone());
        let mut tables: Vec<Table> = self.store.tables.keys().cloned().chain(changed).collect();
        tables.sort();
        tables.dedup();
        tables
    }

    /// Writes an object under a new version and returns it as written.
    pub(crate) fn put(&mut self, table: &str, object: Value) -> Arc<Value> {
        self.version += 1;
        let mut object = object;
        meta::set_resource_version(&mut object, self.version);
        let key = key_of(&object);
        let before = self.get(table, &key.0, &key.1);
        let object = Arc::new(object);
        let kind = if before.is_some() { EventKind::Modified } else { EventKind::Added };
        self.changes.insert((table.to_owned(), key), Some(object.clone()));
        self.events.push(Event {
            version: self.version,
            table: table.to_owned(),
            kind,
            object: object.clone(),
            before,
        });
        object
    }

    /// Removes an object and returns its last state, under a new version.
    pub(crate) fn delete(&mut self, table: &str, object: &Value) -> Arc<Value> {
        self.version += 1;
        let mut last = object.clone();
        meta::set_resource_version(&mut last, self.version);
        let key = key_of(&last);
        let last = Arc::new(last);
        self.changes.insert((table.to_owned(), key), None);
        self.events.push(Event {
            version: self.version,
            table: table.to_owned(),
            kind: EventKind::Deleted,
            object: last.clone(),
            before: Some(Arc::new(object.clone())),
        });
        last
    }

    pub(crate) fn finish(self) -> Changes {
        Changes { version: self.version, events: self.events }
    }
}
