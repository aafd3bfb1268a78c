//! Reading one object, or a page of many.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use apimachinery::selector::{FieldSelector, LabelSelector};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Answer, Target};
use crate::catalog::Served;
use crate::errors::ApiError;
use crate::request::Query;
use crate::store::{EventKind, Key, Store, Txn};
use crate::stored::Stored;

/// Which objects of a collection are meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    pub(crate) fn parse(served: &Served, query: &Query) -> Answer<Self> {
        let labels = LabelSelector::parse(query.get("labelSelector")).map_err(|error| {
            ApiError::bad_request(format!("unable to parse requirement: {error}").replacen(
                "unable to parse requirement: unable to parse requirement: ",
                "unable to parse requirement: ",
                1,
            ))
        })?;
        let fields = FieldSelector::parse(query.get("fieldSelector"))
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
        for requirement in &fields.requirements {
            let field = &requirement.field;
            if !is_selectable(served, field) {
                // Kinds with fields of their own have words of their own.
                return Err(ApiError::bad_request(if has_own_fields(served) {
                    format!("field label not supported: {field}")
                } else {
                    format!(
                        "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    )
                }));
            }
        }
        Ok(Self { labels, fields })
    }

    /// Whether nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.requirements.is_empty() && self.fields.requirements.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches_json(&object["metadata"]["labels"])
            && self.fields.matches(|field| {
                let value = field.split('.').try_fold(object, |value, name| value.get(name));
                value.map_or("", |value| match value {
                    Value::String(text) => text,
                    Value::Bool(true) => "true",
                    // A missing switch is off.
                    _ => "",
                })
            })
    }
}

fn is_selectable(served: &Served, field: &str) -> bool {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return true;
    }
    own_fields(served).contains(&field)
}

fn has_own_fields(served: &Served) -> bool {
    !own_fields(served).is_empty()
}

fn own_fields(served: &Served) -> &'static [&'static str] {
    match served.table.as_str() {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "secrets" => &["type"],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "reason",
            "source",
            "type",
        ],
        _ => &[],
    }
}

/// The object of a request that goes on to change it.
pub(crate) fn live(txn: &Txn<'_>, target: &Target) -> Answer<Arc<Value>> {
    let found = txn.get(&target.served.table, &target.namespace, &target.name);
    found.ok_or_else(|| ApiError::not_found(&target.served.resource, &target.name))
}

/// `GET` on an object, or as it was at a version that is past.
pub(crate) fn get(store: &Store, target: &Target, past: Option<u64>) -> Answer<Arc<Value>> {
    let (table, namespace) = (&target.served.table, target.namespace.as_str());
    let found = match past.filter(|version| *version < store.version) {
        None => store.begin().get(table, namespace, &target.name),
        Some(version) => {
            let key = (namespace.to_owned(), target.name.clone());
            objects_at(store, table, Some(namespace), version)?.get(&key).map(|one| one.peek())
        }
    };
    found.ok_or_else(|| ApiError::not_found(&target.served.resource, &target.name))
}

/// Where the next page begins, and at which version.
struct Continue {
    version: u64,
    start: Key,
}

impl Continue {
    fn encode(&self) -> String {
        let token = json!({"v": "meta.k8s.io/v1", "rv": self.version, "ns": self.start.0, "name": self.start.1});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn parse(text: &str) -> Answer<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || ApiError::bad_request("invalid continue token: continue key is not valid");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let part = |name: &str| token[name].as_str().map(str::to_owned).ok_or_else(wrong);
        let version = token["rv"].as_u64().ok_or_else(wrong)?;
        Ok(Some(Self { version, start: (part("ns")?, part("name")?) }))
    }
}

/// One page of a collection, as items and the metadata of the list.
pub(crate) struct Page {
    pub(crate) items: Vec<Arc<Stored>>,
    pub(crate) metadata: Value,
}

/// `GET` on a collection; `past` is the newest version that this server knows of, if it is
/// behind.
pub(crate) fn list(
    store: &Store,
    target: &Target,
    query: &Query,
    past: Option<u64>,
) -> Answer<Page> {
    let selection = Selection::parse(&target.served, query)?;
    let limit = query.number("limit")?.filter(|limit| *limit > 0);
    let resume = Continue::parse(query.get("continue"))?;
    let asked = query.number("resourceVersion")?.unwrap_or(0);
    if resume.is_some() && asked > 0 {
        return Err(ApiError::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    let newest = past.unwrap_or(store.version).min(store.version);
    if asked > newest {
        return Err(ApiError::too_large_version(asked, newest));
    }
    let exact = query.get("resourceVersionMatch") == "Exact";
    let version = match &resume {
        Some(resume) => resume.version,
        None if exact => asked,
        None => newest,
    };
    let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
    let table = &target.served.table;
    let start = resume.as_ref().map(|resume| &resume.start);
    let past: BTreeMap<&Key, &Arc<Stored>>;
    let objects: Box<dyn Iterator<Item = (&Key, &Arc<Stored>)>> = if version >= store.version {
        Box::new(store.from(table, namespace, start))
    } else {
        past = objects_at(store, table, namespace, version)?;
        Box::new(past.into_iter().filter(|(key, _)| start.is_none_or(|start| *key >= start)))
    };
    let chosen = |object: &Stored| selection.is_everything() || selection.matches(&object.peek());
    let mut matching = objects.filter(|(_, object)| chosen(object));
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), Value::from(version.to_string()));
    // A list from the cache (`resourceVersion=0`) is never cut into pages.
    let cached = query.get("resourceVersion") == "0";
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|_| !cached);
    let most = limit.unwrap_or(usize::MAX);
    let items = matching.by_ref().take(most).map(|(_, object)| object.clone()).collect();
    if let Some((next, _)) = matching.next() {
        let token = Continue { version, start: next.clone() };
        metadata.insert("continue".to_owned(), Value::from(token.encode()));
        if selection.is_everything() {
            metadata.insert("remainingItemCount".to_owned(), Value::from(1 + matching.count()));
        }
    }
    Ok(Page { items, metadata: Value::Object(metadata) })
}

/// The objects of a table as they were at a version that is past.
fn objects_at<'a>(
    store: &'a Store,
    table: &str,
    namespace: Option<&'a str>,
    version: u64,
) -> Answer<BTreeMap<&'a Key, &'a Arc<Stored>>> {
    if version < store.oldest_event() {
        return Err(ApiError::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.",
        ));
    }
    let mut objects: BTreeMap<_, _> = store.from(table, namespace, None).collect();
    let mut since: Vec<_> =
        store.events_after(version).filter(|event| event.table == table).collect();
    since.reverse();
    for event in since {
        if namespace.is_some_and(|namespace| namespace != event.key.0) {
            continue;
        }
        match (&event.kind, &event.before) {
            (EventKind::Added, _) | (_, None) => objects.remove(&event.key),
            (EventKind::Modified | EventKind::Deleted, Some(before)) => {
                objects.insert(&event.key, before)
            }
        };
    }
    Ok(objects)
}

/// A page as the list object of its kind, as it goes over the wire.
pub(crate) fn list_text(served: &Served, page: &Page) -> String {
    let size: usize = page.items.iter().map(|object| object.text().len() + 1).sum();
    let mut text = String::with_capacity(size + 300);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{},\"items\":[",
        Value::from(format!("{}List", served.resource.kind)),
        Value::from(served.resource.api_version()),
        page.metadata
    );
    for (index, object) in page.items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        // Built-in objects do not repeat their kind inside a list; custom ones do.
        if served.custom {
            text.push_str(object.text());
        } else {
            text.push('{');
            text.push_str(object.rest());
        }
    }
    text.push_str("]}");
    text
}
