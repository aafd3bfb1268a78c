//! Looking at the set of objects of the DNS cache, and at what it depends on.

use super::{observe, target};
use crate::api::{ObjectRef, identity_of};
use crate::kinds::nodelocal_dns::{LOOKED_FOR, NAMESPACE, PARTS};
use access::{Cluster, Query};
use addrs::TypeName;
use futures::stream::{self, StreamExt as _};
use provider::{Observation, Wanted};
use serde_json::Value as Json;
use std::sync::Arc;
use values::{Map, Value};

/// So many kubelets are asked at the same time.
const AT_ONCE: usize = 16;

/// The objects, and what they depend on. That something of the latter could not be seen is a part
/// of the answer: it may not be needed.
pub(super) async fn look(cluster: &Cluster, ty: &TypeName) -> Observation {
    let parts = PARTS.iter().map(|part| (part.name, part.object()));
    let others = LOOKED_FOR
        .iter()
        .map(|(name, kind, object)| (*name, ObjectRef::namespaced("v1", kind, NAMESPACE, object)));
    let (names, wanted): (Vec<&str>, Vec<Wanted>) = parts
        .chain(others)
        .map(|(name, object)| (name, Wanted { ty: ty.clone(), identity: identity_of(&object) }))
        .unzip();
    let answers = observe::observe(cluster, wanted).await;
    let (mut objects, mut seen, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (name, answer)) in names.into_iter().zip(answers).enumerate() {
        let is_part = at < PARTS.len();
        let live = match answer {
            Observation::Present(live) => live,
            Observation::Absent => Value::Null,
            Observation::Unknown(problem) if is_part => return Observation::Unknown(problem),
            Observation::Unknown(problem) => {
                unseen.push((name, Value::from(problem.detail)));
                continue;
            }
        };
        if is_part { objects.push((name, live)) } else { seen.push((name, live)) }
    }
    Observation::Present(Value::map([
        ("objects", Value::map(objects)),
        ("seen", Value::map(seen)),
        ("unseen", Value::map(unseen)),
    ]))
}

/// What the kubelets of nodes with these labels give to pods as their DNS servers, by node, and the
/// nodes of which that could not be seen; null where nodes may not be listed.
pub(super) async fn kubelets(cluster: &Cluster, labels: &Map) -> Value {
    let label =
        |(name, value): (&Arc<str>, &Value)| value.as_str().map(|value| format!("{name}={value}"));
    let labels = labels.iter().filter_map(label).collect::<Vec<_>>().join(",");
    let labels = Some(labels.as_str()).filter(|labels| !labels.is_empty());
    let linux = |node: Json| {
        let meta = &node["metadata"];
        let windows = meta["labels"]["kubernetes.io/os"] == "windows";
        meta["name"].as_str().filter(|_| !windows).map(str::to_owned)
    };
    let Ok(listing) =
        cluster.list(&target::nodes(), Query { labels, ..Query::default() }, linux).await
    else {
        return Value::Null;
    };
    let ask = |node: String| async move {
        let given = cluster.configz(&node).await.ok().and_then(|answer| {
            let given = answer["kubeletconfig"].get("clusterDNS").cloned().unwrap_or_default();
            let given = given.as_array().cloned().unwrap_or_default();
            let is_kubelet = answer["kubeletconfig"].is_object();
            is_kubelet.then(|| Value::list(given.iter().filter_map(Json::as_str).map(Value::from)))
        });
        (node, given)
    };
    let told = stream::iter(listing.items).map(ask).buffer_unordered(AT_ONCE);
    let mut told: Vec<(String, Option<Value>)> = told.collect().await;
    // By name, not in the order of the answers: equal clusters give equal plans.
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let unseen: Vec<Value> = told
        .iter()
        .filter(|(_, given)| given.is_none())
        .map(|(node, _)| node.as_str().into())
        .collect();
    let nodes = told.into_iter().filter_map(|(node, given)| Some((node, given?)));
    Value::map([("nodes", Value::map(nodes)), ("unseen", Value::list(unseen))])
}
