//! The documents that say what is served: discovery, old and aggregated, and an `OpenAPI` that
//! lets clients leave validation to the server and explain fields.

mod schemas;

use std::collections::BTreeMap;

use apimachinery::discovery::Resource;
use serde_json::{Value, json};

use crate::catalog::{self, Served};
use crate::store::Txn;

/// Served resources by group, then version, in order.
fn grouped(txn: &Txn<'_>) -> BTreeMap<String, BTreeMap<String, Vec<Served>>> {
    let mut groups: BTreeMap<String, BTreeMap<String, Vec<Served>>> = BTreeMap::new();
    for served in catalog::all(txn) {
        let versions = groups.entry(served.resource.group.clone()).or_default();
        versions.entry(served.resource.version.clone()).or_default().push(served);
    }
    groups
}

/// `/api`, as clients of old read it.
pub(crate) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    })
}

/// `/apis`, as clients of old read it.
pub(crate) fn group_list(txn: &Txn<'_>) -> Value {
    let groups = grouped(txn);
    let groups = groups.iter().filter(|(group, _)| !group.is_empty());
    let groups: Vec<Value> =
        groups.map(|(group, versions)| group_object(group, versions.keys())).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`; `None` for a group that is not served.
pub(crate) fn group(txn: &Txn<'_>, name: &str) -> Option<Value> {
    let groups = grouped(txn);
    let versions = groups.get(name).filter(|_| !name.is_empty())?;
    let mut group = group_object(name, versions.keys());
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

fn group_object<'a>(group: &str, versions: impl Iterator<Item = &'a String>) -> Value {
    let versions: Vec<Value> = versions
        .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
        .collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions.first()})
}

/// `/api/v1` and `/apis/GROUP/VERSION`; `None` for what is not served.
pub(crate) fn resource_list(txn: &Txn<'_>, group: &str, version: &str) -> Option<Value> {
    let groups = grouped(txn);
    let served = groups.get(group)?.get(version)?;
    let resources: Vec<Value> =
        served.iter().flat_map(|served| old_entries(&served.resource)).collect();
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": apimachinery::discovery::api_version(group, version),
        "resources": resources,
    }))
}

fn old_entries(resource: &Resource) -> Vec<Value> {
    let mut entry = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let mut entries = vec![entry];
    for sub in &resource.subresources {
        let mut entry = json!({
            "name": format!("{}/{}", resource.plural, sub.name),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": sub.kind,
            "verbs": sub.verbs,
        });
        if !sub.group.is_empty() {
            entry["group"] = json!(sub.group);
        }
        if !sub.version.is_empty() {
            entry["version"] = json!(sub.version);
        }
        entries.push(entry);
    }
    entries
}

/// `/api` (core) or `/apis` (the rest), as newer clients read it: everything at once.
pub(crate) fn aggregated(txn: &Txn<'_>, core: bool) -> Value {
    let groups = grouped(txn);
    let wanted = groups.iter().filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = wanted
        .map(|(group, versions)| {
            let metadata = if core { json!({}) } else { json!({"name": group}) };
            let versions: Vec<Value> = versions
                .iter()
                .map(|(version, served)| {
                    let resources: Vec<Value> =
                        served.iter().map(|served| new_entry(&served.resource)).collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn new_entry(resource: &Resource) -> Value {
    let kind = |kind: &str, group: &str, version: &str| json!({"group": group, "version": version, "kind": kind});
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": kind(&resource.kind, &resource.group, &resource.version),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let subresources: Vec<Value> = resource
        .subresources
        .iter()
        .map(|sub| {
            let own = sub.version.is_empty();
            let (group, version) =
                if own { (&resource.group, &resource.version) } else { (&sub.group, &sub.version) };
            json!({
                "subresource": sub.name,
                "responseKind": kind(&sub.kind, group, version),
                "verbs": sub.verbs,
            })
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}

/// `/openapi/v3`: one document per group and version.
pub(crate) fn openapi_index(txn: &Txn<'_>) -> Value {
    let mut paths = serde_json::Map::new();
    for (group, versions) in grouped(txn) {
        for version in versions.keys() {
            let path = root(&group, version);
            let url = format!("/openapi/v3/{path}?hash=SANDBOX");
            paths.insert(path, json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

/// `/openapi/v3/apis/GROUP/VERSION`: that the server validates fields itself.
pub(crate) fn openapi(txn: &Txn<'_>, path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.split('/').collect();
    let (group, version) = match parts.as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return None,
    };
    let groups = grouped(txn);
    let all = groups.get(group)?.get(version)?;
    let mut paths = serde_json::Map::new();
    for served in all {
        let resource = &served.resource;
        let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let path = format!("/{}{scope}/{}/{{name}}", root(group, version), resource.plural);
        let operation = json!({
            "patch": {
                "operationId": format!("patch{}", resource.kind),
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": {
                    "group": group,
                    "version": version,
                    "kind": resource.kind,
                },
            },
        });
        paths.insert(path, operation);
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": crate::info::GIT_VERSION},
        "paths": paths,
        "components": {"schemas": schemas::of(all)},
    }))
}

fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}
