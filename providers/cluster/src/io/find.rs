//! Finding every object that carries a project's mark.

use super::target;
use crate::api::{ObjectRef, identity_of};
use crate::kinds::nodelocal_dns;
use crate::ownership::{PART_OF, PROTECTED, set_id};
use crate::settings::{RECORD, Record};
use access::{Cluster, ClusterError, Query, Resource};
use futures::future::join_all;
use plans::Problem;
use provider::{Found, Search};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that no configuration declares, and that there are very many of.
const NEVER_OURS: &[(&str, &str)] = &[
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("", "ComponentStatus"),
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
];

/// Groups that compute what they show and store nothing; they are often out of order.
const STORES_NOTHING: &[&str] =
    &["metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"];

pub(super) async fn find(cluster: &Cluster, project: &str) -> Result<Search, Problem> {
    let kinds = kinds(cluster).await.map_err(|error| error.to_problem())?;
    let label = format!("{PART_OF}={}", set_id(project));
    let label = label.as_str();
    let lists = kinds.iter().map(|resource| async move {
        let query = Query { labels: Some(label), ..Query::default() };
        (resource, cluster.list(resource, query, |live| Some(of(resource, &live))).await)
    });
    let mut found: BTreeMap<plans::ObjectKey, Found> = BTreeMap::new();
    let mut unseen = Vec::new();
    for (resource, listing) in join_all(lists).await {
        let objects = match listing {
            Ok(listing) => listing.items,
            // Someone who may not even list a kind does not manage objects of it, except
            // where rights were taken away; the types that are managed most are not guessed.
            Err(error) if error.is_forbidden() && !is_everyday(resource) => {
                unseen.push(resource.shown());
                continue;
            }
            // A kind that went away since it was discovered has no objects.
            Err(error) if error.is_path_not_found() => continue,
            Err(error) => return Err(error.to_problem()),
        };
        for object in objects {
            // Several objects may be one resource; what one of them says counts for all.
            let key = object.identity.key.clone();
            let protected = found.get(&key).is_some_and(|other| other.protected);
            found.insert(key, Found { protected: object.protected || protected, ..object });
        }
    }
    match settings(cluster, project).await {
        Ok(settings) => {
            found.extend(settings.into_iter().map(|object| (object.identity.key.clone(), object)));
        }
        Err(error) if error.is_forbidden() => unseen.push("settings of nodes".to_owned()),
        Err(error) => return Err(error.to_problem()),
    }
    Ok(Search { found: found.into_values().collect(), unseen })
}

/// Settings of nodes, whose owner is not said by a label: a node is nobody's.
async fn settings(cluster: &Cluster, project: &str) -> Result<Vec<Found>, ClusterError> {
    let ours = |node: Json| {
        let text = node["metadata"]["annotations"][RECORD].as_str()?;
        let record = Record::parse(text).filter(|record| record.project == project)?;
        let text = |name: &str| node["metadata"][name].as_str().map(str::to_owned);
        (!record.is_empty()).then_some(())?;
        Some(Found {
            ty: crate::type_name("node_settings"),
            identity: crate::kinds::settings_of(&text("name")?),
            uid: text("uid"),
            protected: false,
        })
    };
    Ok(cluster.list(&target::nodes(), Query::default(), ours).await?.items)
}

/// Kinds that somebody else than a machine makes objects of, each once, in the version that the
/// server prefers.
pub(super) async fn kinds(cluster: &Cluster) -> Result<Vec<Resource>, ClusterError> {
    let discovery = cluster.discovery().await?;
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut kinds = Vec::new();
    for version in discovery.group_versions() {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        if STORES_NOTHING.contains(&group) {
            continue;
        }
        for resource in cluster.resources(version).await?.iter() {
            let ours = !NEVER_OURS.contains(&(group, &resource.kind))
                && ["list", "patch", "delete"].iter().all(|v| resource.verbs.contains(*v));
            if ours && seen.insert((group.to_owned(), resource.kind.clone())) {
                kinds.push(resource.clone());
            }
        }
    }
    Ok(kinds)
}

fn of(resource: &Resource, live: &Json) -> Found {
    let text = |name: &str| live["metadata"][name].as_str().unwrap_or_default();
    let protected = live["metadata"]["annotations"][PROTECTED] == "true";
    if live["metadata"]["annotations"][nodelocal_dns::OWNER] == nodelocal_dns::NAME {
        let (ty, identity) = (crate::type_name(nodelocal_dns::NAME), nodelocal_dns::identity());
        return Found { ty, identity, uid: None, protected };
    }
    let (version, kind, name) = (&resource.api_version, &resource.kind, text("name"));
    let object = if resource.namespaced {
        ObjectRef::namespaced(version, kind, text("namespace"), name)
    } else {
        ObjectRef::cluster_wide(version, kind, name)
    };
    Found {
        ty: crate::type_name(type_of(resource)),
        identity: identity_of(&object),
        uid: Some(text("uid").to_owned()).filter(|uid| !uid.is_empty()),
        protected,
    }
}

/// The resource type that fits a kind best.
fn type_of(resource: &Resource) -> &'static str {
    match (resource.api_version.as_str(), resource.kind.as_str()) {
        ("v1", "Namespace") => "namespace",
        ("v1", "ConfigMap") => "config_map",
        ("v1", "LimitRange") => "limit_range",
        ("v1", "ResourceQuota") => "resource_quota",
        ("networking.k8s.io/v1", "NetworkPolicy") => "network_policy",
        ("v1", "Secret") => "secret",
        ("v1", "ServiceAccount") => "service_account",
        ("policy/v1", "PodDisruptionBudget") => "pod_disruption_budget",
        ("scheduling.k8s.io/v1", "PriorityClass") => "priority_class",
        ("rbac.authorization.k8s.io/v1", "Role") => "role",
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => "role_binding",
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => "cluster_role",
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => "cluster_role_binding",
        _ => "object",
    }
}

/// Kinds that whoever manages a cluster may list, or something is wrong with their rights.
/// Secrets and rights are often kept even from them.
fn is_everyday(resource: &Resource) -> bool {
    let kinds = ["namespace", "config_map", "limit_range", "resource_quota", "network_policy"];
    kinds.contains(&type_of(resource))
}
