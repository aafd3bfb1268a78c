//! What must be well before a node goes out of service, and before it counts as back.

use crate::drain::{Key, Pod, World, codes};
use access::Cluster;
use plans::Problem;
use std::collections::{BTreeMap, BTreeSet};
use values::Path;

/// Where kubeadm runs the members of etcd, as static pods with this label.
///
/// Source: [kubeadm implementation
/// details](https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/),
/// "Generate static Pod manifest for local etcd".
const ETCD: (&str, &str, &str) = ("kube-system", "component", "etcd");

/// Daemon sets of which the pod on a node is not ready, each with the pod.
pub(crate) fn unready(world: &World, node: &str) -> BTreeMap<Key, Key> {
    let here = world.pods.get(node).into_iter().flatten();
    let unready = here.filter(|pod| !pod.ready && !pod.phase.is_over());
    let of_set = |pod: &Pod| {
        let set = pod.controller.as_ref().filter(|owner| owner.is("apps", "DaemonSet"))?;
        world.daemon_sets.contains(&set.key).then(|| (set.key.clone(), pod.key.clone()))
    };
    unready.filter_map(of_set).collect()
}

/// What keeps a node from being back though it is ready: pods of daemon sets that are not, unless
/// they were not before either.
pub(crate) async fn unfinished(
    cluster: &Cluster,
    node: &str,
    before: &BTreeSet<String>,
) -> Result<Option<String>, Problem> {
    let world = World::read_node(cluster, node).await?;
    let unready = unready(&world, node).into_iter();
    let unready = unready.filter(|(set, _)| !before.contains(&set.to_string()));
    let pods: Vec<String> = unready.map(|(_, pod)| pod.to_string()).collect();
    Ok(match pods.len() {
        0 => None,
        1 => Some(format!("The pod {} of a daemon set is not ready.", pods[0])),
        _ => Some(format!("Pods of daemon sets are not ready: {}.", pods.join(", "))),
    })
}

/// Members of etcd, as far as they are pods of this cluster.
fn members(world: &World) -> impl Iterator<Item = &Pod> {
    world.pods.values().flatten().filter(|pod| is_member(pod))
}

fn is_member(pod: &Pod) -> bool {
    let (namespace, label, value) = ETCD;
    let labelled = || pod.labels.get(label).is_some_and(|found| found == value);
    pod.mirror && pod.key.namespace == namespace && labelled()
}

/// Whether a node has one of several members of etcd, without which the others are enough.
pub(crate) fn has_member(world: &World, node: &str) -> bool {
    // Few nodes have one, and all pods are looked through only for those.
    let here = world.pods.get(node).is_some_and(|pods| pods.iter().any(is_member));
    here && members(world).count() > 2
}

/// Why etcd would stand still without its member on a node, if it would.
pub(crate) async fn no_quorum(cluster: &Cluster, node: &str) -> Result<Option<Problem>, Problem> {
    let (namespace, label, value) = ETCD;
    let world = World::read_pods(cluster, namespace, &format!("{label}={value}")).await?;
    let all = members(&world).count();
    let others = members(&world).filter(|pod| pod.node != node && pod.ready).count();
    let needed = all / 2 + 1;
    if others >= needed {
        return Ok(None);
    }
    let is_down = |pod: &&Pod| pod.node != node && !pod.ready;
    let down: Vec<String> =
        members(&world).filter(is_down).map(|pod| pod.key.to_string()).collect();
    let detail = format!(
        "Without node `{node}` only {others} of {all} members of etcd would be ready, and {needed} \
         must be. Not ready: {}.",
        down.join(", ")
    );
    let summary = "etcd would lose its quorum";
    Ok(Some(Problem::error(codes::QUORUM, summary, Path::root(), detail).with_help(
        "Bring the other members back first (`kubectl -n kube-system get pods -l component=etcd`); \
         then resume.",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::scripted::{Reply, Server};
    use serde_json::{Value as Json, json};

    fn pod(name: &str, node: &str, ready: bool, more: &Json) -> Json {
        let ready = if ready { "True" } else { "False" };
        let mut metadata = json!({"namespace": "kube-system", "name": name, "uid": name});
        let more = more.as_object().expect("a map").clone();
        metadata.as_object_mut().expect("a map").extend(more);
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"nodeName": node},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        })
    }

    fn of_set(name: &str, set: &str, ready: bool) -> Json {
        let owner = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": set, "uid": set,
            "controller": true});
        pod(name, "w1", ready, &json!({"ownerReferences": [owner]}))
    }

    fn member(node: &str, ready: bool) -> Json {
        let mirror = json!({"kubernetes.io/config.mirror": "x"});
        let more = json!({"labels": {"component": "etcd"}, "annotations": mirror});
        pod(&format!("etcd-{node}"), node, ready, &more)
    }

    fn server(pods: Vec<Json>) -> Server {
        Server::new(move |seen| {
            let list = |kind: &str, items: Json| {
                Reply::json(
                    json!({"kind": kind, "metadata": {"resourceVersion": "7"}, "items": items}),
                )
            };
            let set = |name: &str| {
                json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
                    "metadata": {"name": name, "uid": name, "namespace": "kube-system"}})
            };
            let node = json!({"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": "w1", "uid": "w1"}, "spec": {}});
            match seen.path.as_str() {
                "/api/v1/nodes" => list("NodeList", json!([node])),
                "/apis/apps/v1/daemonsets" => {
                    list("DaemonSetList", ["proxy", "logs"].map(set).into())
                }
                "/api/v1/pods" | "/api/v1/namespaces/kube-system/pods" => {
                    list("PodList", pods.clone().into())
                }
                _ => Reply::no_such_path(),
            }
        })
    }

    async fn awaited(pods: Vec<Json>, before: &[&str]) -> Option<String> {
        let before = before.iter().map(|set| (*set).to_owned()).collect();
        unfinished(&server(pods).cluster(), "w1", &before).await.expect("it answers")
    }

    #[tokio::test]
    async fn node_is_back_when_the_pods_of_its_daemon_sets_are() {
        let pods = || vec![of_set("proxy-1", "proxy", true), of_set("logs-1", "logs", false)];
        assert_eq!(
            awaited(pods(), &[]).await.as_deref(),
            Some("The pod kube-system/logs-1 of a daemon set is not ready.")
        );
        assert_eq!(awaited(pods(), &["kube-system/logs"]).await, None, "it was not before either");
        assert_eq!(awaited(vec![of_set("proxy-1", "proxy", true)], &[]).await, None);
        let orphan = vec![of_set("x-1", "deleted", false)];
        assert_eq!(awaited(orphan, &[]).await, None, "there is no such daemon set any more");
    }

    #[tokio::test]
    async fn r7_member_of_etcd_goes_only_while_the_others_have_a_quorum() {
        let of = |ready: [bool; 3]| {
            let nodes = ["c1", "c2", "c3"];
            server(nodes.iter().zip(ready).map(|(node, ready)| member(node, ready)).collect())
        };
        let asked = async |ready| no_quorum(&of(ready).cluster(), "c1").await.expect("it answers");
        assert_eq!(asked([true, true, true]).await, None);
        assert_eq!(asked([false, true, true]).await, None, "it is the one that does not run");
        let problem = asked([true, false, true]).await.expect("two of three are needed");
        assert_eq!(
            problem.detail,
            "Without node `c1` only 1 of 3 members of etcd would be ready, and 2 must be. Not \
             ready: kube-system/etcd-c2."
        );
    }

    #[test]
    fn quorum_is_asked_for_where_a_member_of_several_runs() {
        let world = |nodes: &[&str]| {
            let pods: Vec<Json> = nodes.iter().map(|node| member(node, true)).collect();
            World::of(&pods).expect("pods")
        };
        assert!(has_member(&world(&["c1", "c2", "c3"]), "c1"));
        assert!(!has_member(&world(&["c1", "c2", "c3"]), "w1"));
        assert!(!has_member(&world(&["c1"]), "c1"), "one member alone stands still in any case");
    }
}
