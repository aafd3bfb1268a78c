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
use crate::persist::{self, Log, PersistError};
use crate::stored::Stored;

/// A resource as a key: `configmaps`, or `deployments.apps`.
pub(crate) type Table = String;
/// Namespace (empty for objects of the cluster) and name.
pub(crate) type Key = (String, String);
/// All objects.
pub(crate) type Tables = BTreeMap<Table, BTreeMap<Key, Arc<Stored>>>;

/// Something that happened to an object.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) kind: EventKind,
    /// As it was after the event; for a deletion, as it was last.
    pub(crate) object: Arc<Stored>,
    /// As it was before a change, so that selectors can see it leave.
    pub(crate) before: Option<Arc<Stored>>,
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
    tables: Tables,
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
    pub(crate) fn with_log(log: Log, version: u64, tables: Tables, history: usize) -> Self {
        Self { log: Some(log), ..Self::with_objects(version, tables, history) }
    }

    fn with_owners(mut self) -> Self {
        for (table, objects) in &self.tables {
            for (key, object) in objects {
                for owner in object.owners() {
                    self.owned.entry(owner).or_default().insert((table.clone(), key.clone()));
                }
            }
        }
        self
    }

    /// Objects that were read from a snapshot.
    pub(crate) fn with_objects(version: u64, tables: Tables, history: usize) -> Self {
        let store = Self { version: version.max(1), tables, ..Self::in_memory(history) };
        store.with_owners()
    }

    /// Every object at the present version, as a text.
    pub(crate) fn snapshot(&self) -> String {
        persist::snapshot(self.version, &self.tables)
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
            writes: Vec::new(),
            emptying: BTreeSet::new(),
        }
    }

    fn index_owners(&mut self, event: &Event) {
        let place = || (event.table.clone(), event.key.clone());
        for owner in event.before.iter().flat_map(|before| before.owners()) {
            if let Some(places) = self.owned.get_mut(&owner) {
                places.remove(&place());
                if places.is_empty() {
                    self.owned.remove(&owner);
                }
            }
        }
        if event.kind != EventKind::Deleted {
            for owner in event.object.owners() {
                self.owned.entry(owner).or_default().insert(place());
            }
        }
    }

    /// Makes a transaction's changes durable, then visible.
    pub(crate) fn commit(&mut self, changes: Changes) -> Result<(), PersistError> {
        if changes.writes.is_empty() {
            return Ok(());
        }
        let at_rest = |write: Pending| (Stored::of(&write.object), write);
        let writes: Vec<(Stored, Pending)> = changes.writes.into_iter().map(at_rest).collect();
        if let Some(log) = &mut self.log {
            log.append(changes.version, &writes)?;
        }
        self.version = changes.version;
        for (object, write) in writes {
            self.remember(Arc::new(object), write);
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

    fn remember(&mut self, object: Arc<Stored>, write: Pending) {
        let Pending { version, table, kind, object: written } = write;
        let key = meta::key(&written);
        let objects = self.tables.entry(table.clone()).or_default();
        let before = match kind {
            EventKind::Deleted => objects.remove(&key),
            EventKind::Added | EventKind::Modified => objects.insert(key.clone(), object.clone()),
        };
        let event = Event { version, table, key, kind, object, before };
        self.index_owners(&event);
        self.events.push_back(event);
    }

    /// The objects of a table in the order of their keys, from a key on; `None` for all
    /// namespaces.
    pub(crate) fn from<'a>(
        &'a self,
        table: &str,
        namespace: Option<&'a str>,
        start: Option<&Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Stored>)> {
        let first = (namespace.unwrap_or_default().to_owned(), String::new());
        let start = start.cloned().map_or(first.clone(), |start| start.max(first));
        let objects = self.tables.get(table).into_iter();
        let from = objects.flat_map(move |objects| objects.range(start.clone()..));
        from.take_while(move |(key, _)| namespace.is_none_or(|namespace| key.0 == namespace))
    }
}

/// A write that nobody else sees yet.
#[derive(Debug)]
pub(crate) struct Pending {
    version: u64,
    pub(crate) table: Table,
    pub(crate) kind: EventKind,
    object: Arc<Value>,
}

/// What a transaction did.
#[derive(Debug)]
pub(crate) struct Changes {
    version: u64,
    writes: Vec<Pending>,
}

/// A view of the store with changes that nobody else sees yet.
#[derive(Debug)]
pub(crate) struct Txn<'a> {
    store: &'a Store,
    version: u64,
    changes: BTreeMap<(Table, Key), Option<Arc<Value>>>,
    writes: Vec<Pending>,
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
            None => Some(self.store.tables.get(table)?.get(&key)?.value()),
        }
    }

    fn has(&self, table: &str, key: &Key) -> bool {
        match self.changes.get(&(table.to_owned(), key.clone())) {
            Some(changed) => changed.is_some(),
            None => self.store.tables.get(table).is_some_and(|objects| objects.contains_key(key)),
        }
    }

    /// The objects of a table, in the order of their keys; `None` for all namespaces.
    pub(crate) fn list(&self, table: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let stored = self.store.from(table, namespace, None);
        if self.changes.is_empty() {
            return stored.map(|(_, object)| object.value()).collect();
        }
        let wanted = |key: &Key| namespace.is_none_or(|namespace| key.0 == namespace);
        let start = (namespace.unwrap_or_default().to_owned(), String::new());
        let mut found: BTreeMap<&Key, Arc<Value>> =
            stored.map(|(key, object)| (key, object.value())).collect();
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
        objects
            .filter(|(_, object)| meta::owners(object).iter().any(|owner| owner == uid))
            .collect()
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
        let key = meta::key(&object);
        let kind = if self.has(table, &key) { EventKind::Modified } else { EventKind::Added };
        let object = Arc::new(object);
        self.changes.insert((table.to_owned(), key), Some(object.clone()));
        self.writes.push(Pending {
            version: self.version,
            table: table.to_owned(),
            kind,
            object: object.clone(),
        });
        object
    }

    /// Removes an object and returns its last state, under a new version.
    pub(crate) fn delete(&mut self, table: &str, object: &Value) -> Arc<Value> {
        self.version += 1;
        let mut last = object.clone();
        meta::set_resource_version(&mut last, self.version);
        let key = meta::key(&last);
        let last = Arc::new(last);
        self.changes.insert((table.to_owned(), key), None);
        self.writes.push(Pending {
            version: self.version,
            table: table.to_owned(),
            kind: EventKind::Deleted,
            object: last.clone(),
        });
        last
    }

    pub(crate) fn finish(self) -> Changes {
        Changes { version: self.version, writes: self.writes }
    }
}
