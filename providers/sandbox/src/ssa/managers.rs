//! The `managedFields` of an object: one entry per manager, operation and subresource.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::set::Set;

/// The most `Update` entries that are kept apart; older ones are put together.
const MOST_UPDATERS: usize = 10;
/// Under this name the oldest `Update` entries are put together.
const OLD_UPDATES: &str = "ancient-changes";

/// What makes an entry different from the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    /// Empty for `Apply`: an applier is one manager whatever version it applies.
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

/// How a manager came to own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// What a manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) set: Set,
    pub(crate) api_version: String,
    /// RFC 3339, to the second.
    pub(crate) time: Option<String>,
}

/// All owners of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Managers {
    pub(crate) entries: BTreeMap<Manager, Entry>,
}

impl Manager {
    pub(crate) fn applier(name: &str, subresource: &str) -> Self {
        Self {
            name: or_unknown(name),
            operation: Operation::Apply,
            api_version: String::new(),
            subresource: subresource.to_owned(),
        }
    }

    pub(crate) fn updater(name: &str, api_version: &str, subresource: &str) -> Self {
        Self {
            name: or_unknown(name),
            operation: Operation::Update,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// As messages about conflicts name it.
    pub(crate) fn described(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        match self.operation {
            Operation::Apply => text,
            Operation::Update => format!("{text} using {}", self.api_version),
        }
    }
}

fn or_unknown(name: &str) -> String {
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}

impl Managers {
    /// Reads `metadata.managedFields`; `None` if it cannot be understood.
    pub(crate) fn decode(list: &Value) -> Option<Self> {
        let mut entries = BTreeMap::new();
        for entry in list.as_array().into_iter().flatten() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            if text("apiVersion").is_empty() || text("fieldsType") != "FieldsV1" {
                return None;
            }
            let api_version = text("apiVersion").to_owned();
            let manager = Manager {
                name: text("manager").to_owned(),
                operation,
                api_version: if operation == Operation::Apply {
                    String::new()
                } else {
                    api_version.clone()
                },
                subresource: text("subresource").to_owned(),
            };
            let set = match entry.get("fieldsV1") {
                Some(fields) => Set::decode(fields)?,
                None => Set::default(),
            };
            let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
            entries.insert(manager, Entry { set, api_version, time });
        }
        Some(Self { entries })
    }

    /// Writes `metadata.managedFields`: appliers first, then by time and name. `None` when empty.
    pub(crate) fn encode(&self) -> Option<Value> {
        let mut sorted: Vec<(&Manager, &Entry)> = self.entries.iter().collect();
        sorted.sort_by(|(a, x), (b, y)| {
            let key = |manager: &Manager, entry: &Entry| {
                (
                    manager.operation,
                    entry.time.clone().unwrap_or_default(),
                    manager.name.clone(),
                    entry.api_version.clone(),
                    manager.subresource.clone(),
                )
            };
            key(a, x).cmp(&key(b, y))
        });
        let list: Vec<Value> =
            sorted.iter().map(|(manager, entry)| encode_entry(manager, entry)).collect();
        (!list.is_empty()).then_some(Value::Array(list))
    }

    /// Puts the oldest `Update` entries together until there are few enough.
    pub(crate) fn cap_updaters(&mut self) {
        let mut updaters: Vec<Manager> = self
            .entries
            .keys()
            .filter(|manager| manager.operation == Operation::Update)
            .cloned()
            .collect();
        let mut surplus = updaters.len().saturating_sub(MOST_UPDATERS);
        if surplus == 0 {
            return;
        }
        updaters.sort_by_key(|manager| {
            let time = self.entries.get(manager).and_then(|entry| entry.time.clone());
            (time.unwrap_or_default(), manager.clone())
        });
        let mut first_of_version: BTreeMap<String, Manager> = BTreeMap::new();
        for manager in updaters {
            if surplus == 0 {
                return;
            }
            let version = manager.api_version.clone();
            let Some(first) = first_of_version.get(&version).cloned() else {
                first_of_version.insert(version, manager);
                continue;
            };
            let bucket = Manager::updater(OLD_UPDATES, &version, "");
            if !self.entries.contains_key(&bucket)
                && let Some(entry) = self.entries.remove(&first)
            {
                self.entries.insert(bucket.clone(), entry);
            }
            if let Some(merged) = self.entries.remove(&manager)
                && let Some(entry) = self.entries.get_mut(&bucket)
            {
                entry.set = entry.set.union(&merged.set);
                entry.time = merged.time;
                surplus -= 1;
            }
        }
    }
}

fn encode_entry(manager: &Manager, entry: &Entry) -> Value {
    let operation = match manager.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    let mut out = json!({
        "manager": manager.name,
        "operation": operation,
        "apiVersion": entry.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.set.encode(),
    });
    if let Some(time) = &entry.time {
        out["time"] = Value::from(time.as_str());
    }
    if !manager.subresource.is_empty() {
        out["subresource"] = Value::from(manager.subresource.as_str());
    }
    out
}
