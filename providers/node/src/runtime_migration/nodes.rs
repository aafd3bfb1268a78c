//! What the API server knows of a node that changes its runtime, and of the pods there.
//!
//! Sources: [Node status](https://kubernetes.io/docs/reference/node/node-status/#info);
//! [Find out what container runtime is used on a
//! node](https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/find-out-runtime-you-use/);
//! `ContainerStatus.containerID` in the API reference of `Pod`.

use super::annotation;
use crate::central::core;
use access::{Cluster, Query, Resource};
use apimachinery::docker::findings;
use plans::Problem;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use values::Value;

/// How the runtime of a node, and the containers in it, say that they are containerd's.
pub(super) const CONTAINERD: &str = "containerd://";
/// On pods that a kubelet shows of its files. Source: `ConfigMirrorAnnotationKey` in
/// `pkg/kubelet/types`.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// By which a `Deployment` names its `ReplicaSet`s. Source: [Pod-template-hash
/// label](https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label).
const HASH: &str = "pod-template-hash";

/// For the pure half.
pub(super) async fn seen(cluster: &Cluster, node: &str) -> Result<Value, Problem> {
    let failed = |error: access::ClusterError| error.to_problem();
    let found = cluster.get(&core("Node", "nodes", false), None, node).await.map_err(failed)?;
    let server = cluster.version().await.map_err(failed)?;
    let pods = pods(cluster, node).await.map_err(failed)?;
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let texts = |all: BTreeSet<String>| Value::list(all.into_iter().map(Value::from));
    let info = &found["status"]["nodeInfo"];
    let well = pods.iter().filter(|pod| is_well(pod, ""));
    let stay = pods.iter().filter(|pod| set_of(pod).is_some() || is_mirror(pod));
    Ok(Value::map([
        ("runtime", text(info["containerRuntimeVersion"].as_str())),
        ("annotation", text(annotation::of(&found))),
        ("server", server.as_str().into()),
        ("daemon_sets", texts(well.filter_map(set_of).collect())),
        ("images", texts(stay.flat_map(images).collect())),
        ("dependents", dependents(&pods)),
    ]))
}

async fn pods(cluster: &Cluster, node: &str) -> Result<Vec<Json>, access::ClusterError> {
    let here = format!("spec.nodeName={node}");
    let query = Query { fields: Some(&here), ..Query::default() };
    let is_over = |pod: &Json| {
        let phase = &pod["status"]["phase"];
        phase == "Succeeded" || phase == "Failed"
    };
    let kept = |pod: Json| Some(pod).filter(|pod| !is_over(pod));
    Ok(cluster.list(&core("Pod", "pods", true), query, kept).await?.items)
}

fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

fn text(of: &Json) -> &str {
    of.as_str().unwrap_or_default()
}

fn is_mirror(pod: &Json) -> bool {
    pod["metadata"]["annotations"][MIRROR].is_string()
}

fn controller(pod: &Json) -> Option<&Json> {
    items(&pod["metadata"]["ownerReferences"]).find(|owner| owner["controller"] == true)
}

/// The daemon set of a pod, as `namespace/name`.
fn set_of(pod: &Json) -> Option<String> {
    let owner = controller(pod).filter(|owner| owner["kind"] == "DaemonSet")?;
    Some(format!("{}/{}", text(&pod["metadata"]["namespace"]), text(&owner["name"])))
}

/// What has to be changed for a pod to be another one.
fn owner(pod: &Json) -> String {
    let meta = &pod["metadata"];
    let Some(owner) = controller(pod).filter(|_| !is_mirror(pod)) else {
        return format!("Pod/{}", text(&meta["name"]));
    };
    let (kind, name) = (text(&owner["kind"]), text(&owner["name"]));
    let hash = meta["labels"][HASH].as_str().filter(|_| kind == "ReplicaSet");
    let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    deployment.map_or_else(|| format!("{kind}/{name}"), |name| format!("Deployment/{name}"))
}

/// Images by their full names, as containerd has them.
fn images(pod: &Json) -> Vec<String> {
    let kinds = ["initContainers", "containers"];
    let all = kinds.into_iter().flat_map(|kind| items(&pod["spec"][kind]));
    all.filter_map(|container| container["image"].as_str()).map(full_name).collect()
}

/// Source: `ParseDockerRef` in `github.com/distribution/reference`.
fn full_name(image: &str) -> String {
    let host = image.split_once('/').map(|(host, _)| host);
    let is_host = |host: &str| host == "localhost" || host.contains(['.', ':']);
    let named = match host {
        Some(host) if is_host(host) => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    };
    let last = named.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { named } else { format!("{named}:latest") }
}

/// Whether all containers of a pod are ready, in a runtime of this kind.
fn is_well(pod: &Json, runtime: &str) -> bool {
    let statuses = &pod["status"]["containerStatuses"];
    let ready = |status: &Json| {
        status["ready"] == true && text(&status["containerID"]).starts_with(runtime)
    };
    items(statuses).count() > 0 && items(statuses).all(ready)
}

/// Each as class, namespace, owner and reason, the certain first.
fn dependents(pods: &[Json]) -> Value {
    let of_pod = |pod: &Json| {
        let (namespace, owner) = (text(&pod["metadata"]["namespace"]).to_owned(), owner(pod));
        let found = findings(&pod["spec"]).into_iter();
        let one = move |f: apimachinery::docker::Finding| {
            (f.class, namespace.clone(), owner.clone(), f.why)
        };
        found.map(one).collect::<Vec<_>>()
    };
    let all: BTreeSet<_> = pods.iter().flat_map(of_pod).collect();
    Value::list(all.into_iter().map(|(class, namespace, owner, why)| {
        Value::list([class.name().into(), namespace.into(), owner.into(), why.into()])
    }))
}

/// Why a node is not there yet with containerd, if it is not: what it says of itself, and daemon sets
/// whose pods have to be back.
pub(super) async fn unfinished(
    cluster: &Cluster,
    node: &str,
    sets: &[String],
) -> Result<Option<String>, access::ClusterError> {
    let found = cluster.get(&core("Node", "nodes", false), None, node).await?;
    let runtime = text(&found["status"]["nodeInfo"]["containerRuntimeVersion"]);
    if !runtime.starts_with(CONTAINERD) {
        return Ok(Some(format!(
            "Its node says that it has the runtime `{}`.",
            runtime.escape_debug()
        )));
    }
    let mut conditions = items(&found["status"]["conditions"]);
    if !conditions.any(|c| c["type"] == "Ready" && c["status"] == "True") {
        return Ok(Some("Its node is not ready.".to_owned()));
    }
    let pods = pods(cluster, node).await?;
    for set in sets {
        let here = |pod: &&Json| set_of(pod).as_deref() == Some(set.as_str());
        let is_back = pods.iter().filter(here).any(|pod| is_well(pod, CONTAINERD));
        if !is_back && exists(cluster, set).await? {
            return Ok(Some(format!("The pod of the daemon set {set} is not ready.")));
        }
    }
    Ok(None)
}

/// Whether somebody still wants pods of it.
async fn exists(cluster: &Cluster, set: &str) -> Result<bool, access::ClusterError> {
    let Some((namespace, name)) = set.split_once('/') else { return Ok(false) };
    let sets =
        Resource { api_version: "apps/v1".to_owned(), ..core("DaemonSet", "daemonsets", true) };
    match cluster.get(&sets, Some(namespace), name).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_object_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn images_have_the_names_that_containerd_gives_them() {
        for (image, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.29", "docker.io/library/nginx:1.29"),
            ("org/agent", "docker.io/org/agent:latest"),
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("localhost/a@sha256:77", "localhost/a@sha256:77"),
            ("host:5000/a", "host:5000/a:latest"),
        ] {
            assert_eq!(full_name(image), full, "{image}");
        }
    }

    #[test]
    fn pods_are_told_of_what_has_to_be_changed() {
        let pod = |owners: Json, labels: Json| {
            json!({"metadata": {"namespace": "ci", "name": "p", "labels": labels,
                                "ownerReferences": owners}})
        };
        let by = |kind: &str, name: &str| json!([{"controller": true, "kind": kind, "name": name}]);
        let hash = || json!({"pod-template-hash": "77d"});
        for (pod, wanted) in [
            (pod(by("ReplicaSet", "runner-77d"), hash()), "Deployment/runner"),
            (pod(by("ReplicaSet", "runner-77d"), json!({})), "ReplicaSet/runner-77d"),
            (pod(by("StatefulSet", "db"), json!({})), "StatefulSet/db"),
            (pod(json!([]), json!({})), "Pod/p"),
        ] {
            assert_eq!(owner(&pod), wanted);
        }
        let set = pod(by("DaemonSet", "proxy"), json!({}));
        assert_eq!(set_of(&set).as_deref(), Some("ci/proxy"));
    }

    #[test]
    fn a_pod_is_well_when_all_of_its_containers_are_in_the_runtime() {
        let pod = |ids: &[(&str, bool)]| {
            let status = |(id, ready): &(&str, bool)| json!({"containerID": id, "ready": ready});
            json!({"status": {"containerStatuses": ids.iter().map(status).collect::<Vec<_>>()}})
        };
        assert!(is_well(&pod(&[("containerd://1", true)]), CONTAINERD));
        assert!(is_well(&pod(&[("docker://1", true)]), ""));
        for ids in [
            &[][..],
            &[("docker://1", true)],
            &[("containerd://1", false)],
            &[("containerd://1", true), ("docker://2", true)],
        ] {
            assert!(!is_well(&pod(ids), CONTAINERD), "{ids:?}");
        }
    }
}
