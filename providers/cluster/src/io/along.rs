//! What is deleted along with an object: the contents of a namespace, the objects of a
//! definition.
//!
//! Objects are counted by their kind and by the set that they say they belong to; the pure
//! half knows which set is ours.

use super::find;
use super::object::Named;
use crate::ownership::PART_OF;
use access::{Cluster, ClusterError, Query, Resource};
use futures::future::join_all;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use values::Value;

/// So many of a kind are named.
const NAMED: usize = 3;

/// What goes along.
#[derive(Default)]
pub(super) struct Along {
    /// By set and kind: how many, and some of their names.
    groups: BTreeMap<(String, String), (i64, Vec<String>)>,
    /// Kinds that may not be listed.
    unseen: Vec<String>,
}

impl Along {
    fn add(&mut self, kind: &str, objects: Vec<(String, String)>) {
        for (set, name) in objects {
            let (count, names) = self.groups.entry((set, kind.to_owned())).or_default();
            *count += 1;
            if names.len() < NAMED {
                names.push(name);
            }
        }
    }

    /// Beside what else the server said.
    pub(super) fn beside(self, answer: &Value) -> Value {
        let texts = |texts: Vec<String>| Value::list(texts.iter().map(|t| Value::from(&**t)));
        let group = |((set, kind), (count, mut names)): ((String, String), (i64, Vec<String>))| {
            names.sort();
            Value::map([
                ("set", Value::from(&*set)),
                ("kind", Value::from(&*kind)),
                ("count", count.into()),
                ("names", texts(names)),
            ])
        };
        let mut map = answer.as_map().cloned().unwrap_or_default();
        map.insert("along".into(), Value::list(self.groups.into_iter().map(group)));
        map.insert("unseen".into(), texts(self.unseen));
        Value::map(map)
    }
}

/// The set and the name of an object. Nothing of what a cluster puts into every namespace by
/// itself, and nothing that goes with its owner anyway.
fn counted(live: &Json, kind: &str, all_namespaces: bool) -> Option<(String, String)> {
    let meta = &live["metadata"];
    let text = |of: &Json| of.as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
    let always = [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")];
    let owned = meta["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let token = live["type"] == "kubernetes.io/service-account-token";
    if !all_namespaces && (owned || token || always.contains(&(kind, &*name))) {
        return None;
    }
    let whole = all_namespaces && !namespace.is_empty();
    let shown = if whole { format!("{namespace}/{name}") } else { name };
    Some((text(&meta["labels"][PART_OF]), access::text::clean(&shown)))
}

/// All objects of the kind that a definition defines.
pub(super) async fn of_kind(
    cluster: &Cluster,
    definitions: &Resource,
    named: &Named,
) -> Result<Along, ClusterError> {
    let mut along = Along::default();
    let found = of_definition(cluster, definitions, named, |live| {
        let kind = live["kind"].as_str().unwrap_or_default().to_owned();
        counted(&live, &kind, true)
    });
    match found.await {
        Ok(Some((kind, objects))) => along.add(&kind, objects),
        Ok(None) => {}
        Err(error) if error.is_forbidden() => along.unseen.push(error.call.resource.clone()),
        Err(error) => return Err(error),
    }
    Ok(along)
}

/// Everything that lives in a namespace: one list for each kind that there is.
pub(super) async fn in_namespace(cluster: &Cluster, name: &str) -> Result<Along, ClusterError> {
    let kinds = find::kinds(cluster).await?;
    let lists = kinds.iter().filter(|resource| resource.namespaced).map(|resource| async move {
        let query = Query { namespace: Some(name), ..Query::default() };
        let keep = |live: Json| counted(&live, &resource.kind, false);
        (resource, cluster.list(resource, query, keep).await)
    });
    let mut along = Along::default();
    for (resource, listing) in join_all(lists).await {
        match listing {
            Ok(listing) => along.add(&resource.kind, listing.items),
            Err(error) if error.is_forbidden() => along.unseen.push(resource.plural.clone()),
            // A kind that went away since it was discovered has no objects.
            Err(error) if error.is_path_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(along)
}

/// All objects of the kind that a definition defines, and the kind; `None` when it serves none.
pub(super) async fn of_definition<T: Send>(
    cluster: &Cluster,
    definitions: &Resource,
    named: &Named,
    keep: impl Fn(Json) -> Option<T> + Send + Sync,
) -> Result<Option<(String, Vec<T>)>, ClusterError> {
    let live = cluster.get(definitions, None, &named.name).await?;
    let spec = &live["spec"];
    let text = |of: &Json| of.as_str().unwrap_or_default().to_owned();
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(version) = versions.iter().find(|version| version["served"] == true) else {
        return Ok(None);
    };
    let api_version = format!("{}/{}", text(&spec["group"]), text(&version["name"]));
    let kind = cluster.resolve(&api_version, &text(&spec["names"]["kind"])).await?;
    let Some(kind) = kind else { return Ok(None) };
    let listing = cluster.list(&kind, Query::default(), keep).await?;
    Ok(Some((kind.kind, listing.items)))
}
