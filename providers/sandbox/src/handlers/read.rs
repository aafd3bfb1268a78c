//! Reading one object, or a page of many.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::selector::{FieldSelector, LabelSelector};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Answer, Target};
use crate::catalog::Served;
use crate::errors::ApiError;
use crate::meta;
use crate::request::Query;
use crate::store::{EventKind, Key, Store, Txn};

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

/// `GET` on an object.
pub(crate) fn get(txn: &Txn<'_>, target: &Target) -> Answer<Arc<Value>> {
    let found = txn.get(&target.served.table, &target.namespace, &target.name);
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
    pub(crate) items: Vec<Arc<Value>>,
    pub(crate) metadata: Value,
}

/// `GET` on a collection.
pub(crate) fn list(store: &Store, txn: &Txn<'_>, target: &Target, query: &Query) -> Answer<Page> {
    let selection = Selection::parse(&target.served, query)?;
    let limit = query.number("limit")?.filter(|limit| *limit > 0);
    let resume = Continue::parse(query.get("continue"))?;
    let asked = query.number("resourceVersion")?.unwrap_or(0);
    if resume.is_some() && asked > 0 {
        return Err(ApiError::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    if asked > txn.version() {
        return Err(ApiError::too_large_version(asked, txn.version()));
    }
    let exact = query.get("resourceVersionMatch") == "Exact";
    let version = match &resume {
        Some(resume) => resume.version,
        None if exact => asked,
        None => txn.version(),
    };
    let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
    let objects = objects_at(store, txn, &target.served.table, namespace, version)?;
    let matching = objects.into_iter().filter(|(key, object)| {
        resume.as_ref().is_none_or(|resume| *key >= resume.start) && selection.matches(object)
    });
    let mut found: Vec<(Key, Arc<Value>)> = matching.collect();
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), Value::from(version.to_string()));
    // A list from the cache (`resourceVersion=0`) is never cut into pages.
    let cached = query.get("resourceVersion") == "0";
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok())
        && found.len() > limit
        && !cached
    {
        let rest = found.split_off(limit);
        let token = Continue { version, start: rest[0].0.clone() };
        metadata.insert("continue".to_owned(), Value::from(token.encode()));
        if query.get("labelSelector").is_empty() && query.get("fieldSelector").is_empty() {
            metadata.insert("remainingItemCount".to_owned(), Value::from(rest.len()));
        }
    }
    let items = found.into_iter().map(|(_, object)| object).collect();
    Ok(Page { items, metadata: Value::Object(metadata) })
}

/// The objects of a table as they were at a version.
fn objects_at(
    store: &Store,
    txn: &Txn<'_>,
    table: &str,
    namespace: Option<&str>,
    version: u64,
) -> Answer<BTreeMap<Key, Arc<Value>>> {
    let key = |object: &Value| (meta::namespace(object).to_owned(), meta::name(object).to_owned());
    let now = txn.list(table, namespace);
    let mut objects: BTreeMap<Key, Arc<Value>> =
        now.into_iter().map(|object| (key(&object), object)).collect();
    if version >= txn.version() {
        return Ok(objects);
    }
    if version < store.oldest_event() {
        return Err(ApiError::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.",
        ));
    }
    let mut since: Vec<_> =
        store.events_after(version).filter(|event| event.table == table).collect();
    since.reverse();
    for event in since {
        let key = key(&event.object);
        if namespace.is_some_and(|namespace| namespace != key.0) {
            continue;
        }
        match (&event.kind, &event.before) {
            (EventKind::Added, _) | (_, None) => objects.remove(&key),
            (EventKind::Modified | EventKind::Deleted, Some(before)) => {
                objects.insert(key, before.clone())
            }
        };
    }
    Ok(objects)
}

/// A page as the list object of its kind.
pub(crate) fn list_object(served: &Served, page: &Page) -> Value {
    let items: Vec<Value> = page.items.iter().map(|object| list_item(served, object)).collect();
    json!({
        "kind": format!("{}List", served.resource.kind),
        "apiVersion": served.resource.api_version(),
        "metadata": page.metadata,
        "items": items,
    })
}

/// Built-in objects do not repeat their kind inside a list; custom ones do.
fn list_item(served: &Served, object: &Arc<Value>) -> Value {
    let mut item = (**object).clone();
    if !served.custom {
        let map = meta::as_map(&mut item);
        map.remove("kind");
        map.remove("apiVersion");
    }
    item
}
