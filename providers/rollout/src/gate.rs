//! What must be well before a node goes out of service, and before it counts as back.

use crate::drain::{Cordon, Key, Node, Pod, World, codes};
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

/// The daemon sets that have pods on a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Daemons {
    /// Those of which one there is ready. That is enough: another may be about to take its place.
    pub(crate) ready: BTreeSet<Key>,
    /// The others, each with a pod.
    pub(crate) unready: BTreeMap<Key, Key>,
}

impl Daemons {
    pub(crate) fn on(world: &World, node: &str) -> Self {
        let mut all = Self::default();
        for pod in world.pods.get(node).into_iter().flatten().filter(|pod| !pod.phase.is_over()) {
            let set = pod.controller.as_ref().filter(|owner| owner.is("apps", "DaemonSet"));
            let Some(set) = set.filter(|set| world.daemon_sets.contains_key(&set.key)) else {
                continue;
            };
            if pod.ready && pod.terminating.is_none() {
                all.ready.insert(set.key.clone());
            } else {
                all.unready.entry(set.key.clone()).or_insert_with(|| pod.key.clone());
            }
        }
        all.unready.retain(|set, _| !all.ready.contains(set));
        all
    }
}

/// How a node was when its plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Before {
    /// Whether it was ready.
    pub(crate) ready: bool,
    /// Daemon sets of which a pod there was ready.
    pub(crate) daemons: BTreeSet<String>,
    /// Daemon sets of which no pod there was ready, though there was one.
    pub(crate) unready: BTreeSet<String>,
}

/// What keeps a node from being back though it is ready: pods of daemon sets that are not, unless
/// they were not before either; and those that were there, ready, and are gone, as long as their
/// daemon set wants them there.
pub(crate) async fn unfinished(
    cluster: &Cluster,
    node: &str,
    before: &Before,
) -> Result<Option<String>, Problem> {
    let world = World::read_node(cluster, node).await?;
    let now = Daemons::on(&world, node);
    let unready = now.unready.iter().filter(|(set, _)| !before.unready.contains(&set.to_string()));
    let unready: Vec<String> = unready.map(|(_, pod)| pod.to_string()).collect();
    let this = world.nodes.get(node);
    let is_gone = |set: &Key| !now.ready.contains(set) && !now.unready.contains_key(set);
    let sets = world.daemon_sets.iter().filter(|(set, _)| is_gone(set));
    let wanted = sets.filter(|(_, daemon)| this.is_some_and(|node| daemon.wants(node)));
    let gone = wanted.map(|(set, _)| set.to_string()).filter(|set| before.daemons.contains(set));
    let gone: Vec<String> = gone.collect();
    let unready = match unready.as_slice() {
        [] => None,
        [pod] => Some(format!("The pod {pod} of a daemon set is not ready.")),
        pods => Some(format!("Pods of daemon sets are not ready: {}.", pods.join(", "))),
    };
    let gone = match gone.as_slice() {
        [] => None,
        [set] => Some(format!("The pod of daemon set {set} is gone.")),
        sets => Some(format!("Pods of these daemon sets are gone: {}.", sets.join(", "))),
    };
    let all: Vec<String> = unready.into_iter().chain(gone).collect();
    Ok((!all.is_empty()).then(|| all.join(" ")))
}

/// Why a node is better left alone now, if it is: it is not ready, and was when its plan was made.
/// Where the project itself was at work it is gone on: that may be why.
pub(crate) async fn unfit(cluster: &Cluster, cordon: &Cordon) -> Result<Option<String>, Problem> {
    let world = World::read_nodes(cluster).await?;
    let Some(node) = world.nodes.get(&cordon.node) else { return Ok(None) };
    let is_fit = node.ready || cordon.holder.was_at_work(node);
    Ok((!is_fit).then(|| "It was ready when the plan was made.".to_owned()))
}

/// For a person: the turn of a node that is not ready ends before it has begun.
pub(crate) fn refused(node: &str, why: &str) -> Problem {
    let detail = format!("Node `{node}` is not ready, so nothing was changed there. {why}");
    let summary = "Node is not ready for its turn";
    Problem::error(codes::DOWN, summary, Path::root(), detail).with_help(format!(
        "Find out why: `kubectl describe node {node}`, and `journalctl -u kubelet` there. Resuming \
         looks again. If the machine is off for good, delete the Node object and what the \
         configuration says of it."
    ))
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

/// The pods of the cluster's DNS, whatever program it is. They are ready when they answer.
///
/// Source: [Debugging DNS
/// Resolution](https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/),
/// "Check if the DNS pod is running"; the plugin [ready](https://coredns.io/plugins/ready/) of
/// `CoreDNS`.
const DNS: (&str, &str, &str) = ("kube-system", "k8s-app", "kube-dns");

/// Whether a pod of the cluster's DNS is ready, so that one has to be before a node goes.
pub(crate) fn has_dns(world: &World) -> bool {
    let (namespace, label, value) = DNS;
    let is_dns = |pod: &&Pod| {
        pod.key.namespace == namespace && pod.labels.get(label).is_some_and(|found| found == value)
    };
    world.pods.values().flatten().filter(is_dns).any(|pod| pod.ready)
}

/// Why a node is not taken out of service while no name is answered: what was changed on the one
/// before may be to blame. A node that is out of service already may be what it takes.
pub(crate) async fn no_dns(cluster: &Cluster, cordon: &Cordon) -> Result<Option<Problem>, Problem> {
    let (namespace, label, value) = DNS;
    let world = World::read_pods(cluster, namespace, &format!("{label}={value}")).await?;
    if has_dns(&world) {
        return Ok(None);
    }
    let nodes = World::read_nodes(cluster).await?.nodes;
    let is_out = |node: &Node| !node.ready || cordon.holder.was_at_work(node);
    if nodes.get(&cordon.node).is_none_or(is_out) {
        return Ok(None);
    }
    let detail = format!(
        "No pod of the cluster's DNS (`{label}={value}` in `{namespace}`) is ready, and there was one \
         when the plan was made. Node `{}` stays in service, and nothing was changed there.",
        cordon.node
    );
    let summary = "The cluster's DNS is not ready";
    Ok(Some(Problem::error(codes::NO_DNS, summary, Path::root(), detail).with_help(format!(
        "Find out why: `kubectl -n {namespace} get pods -l {label}={value} -o wide`. Resuming looks \
         again."
    ))))
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
            let held = json!({"apiVersion": "v1", "kind": "Node", "spec": {"unschedulable": true},
                "metadata": {"name": "w2", "uid": "w2",
                    "annotations": {"clinch/cordoned": "v1 shop 4f2a"}}});
            let well = json!({"apiVersion": "v1", "kind": "Node", "spec": {},
                "metadata": {"name": "w3", "uid": "w3"},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
            match seen.path.as_str() {
                "/api/v1/nodes" => list("NodeList", json!([node, held, well])),
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

    fn sets(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|set| format!("kube-system/{set}")).collect()
    }

    /// What is awaited on a node where pods of some were ready before, and of others were not.
    async fn awaited(pods: Vec<Json>, ready: &[&str], unready: &[&str]) -> Option<String> {
        let before = Before { ready: true, daemons: sets(ready), unready: sets(unready) };
        unfinished(&server(pods).cluster(), "w1", &before).await.expect("it answers")
    }

    #[tokio::test]
    async fn node_is_back_when_the_pods_of_its_daemon_sets_are() {
        let pods = || vec![of_set("proxy-1", "proxy", true), of_set("logs-1", "logs", false)];
        assert_eq!(
            awaited(pods(), &["proxy", "logs"], &[]).await.as_deref(),
            Some("The pod kube-system/logs-1 of a daemon set is not ready.")
        );
        assert_eq!(awaited(pods(), &["proxy"], &["logs"]).await, None, "it was not before either");
        assert_eq!(awaited(vec![of_set("proxy-1", "proxy", true)], &["proxy"], &[]).await, None);
        let orphan = vec![of_set("x-1", "deleted", false)];
        assert_eq!(awaited(orphan, &["deleted"], &[]).await, None, "there is no such set any more");
        let two = vec![of_set("proxy-1", "proxy", true), of_set("proxy-2", "proxy", false)];
        assert_eq!(awaited(two, &["proxy"], &[]).await, None, "the next one takes its place");
    }

    #[tokio::test]
    async fn pod_of_a_daemon_set_that_was_ready_and_is_gone_is_awaited() {
        let proxy = || vec![of_set("proxy-1", "proxy", true)];
        let gone = "The pod of daemon set kube-system/logs is gone.";
        assert_eq!(awaited(proxy(), &["proxy", "logs"], &[]).await.as_deref(), Some(gone));
        assert_eq!(awaited(proxy(), &["proxy"], &[]).await, None, "it was not there before");
        assert_eq!(awaited(proxy(), &["proxy"], &["logs"]).await, None, "nor was it ready");
        assert_eq!(
            awaited(Vec::new(), &["proxy", "logs"], &[]).await.as_deref(),
            Some("Pods of these daemon sets are gone: kube-system/logs, kube-system/proxy.")
        );
        let ending = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        let mut going = of_set("proxy-1", "proxy", true);
        going["metadata"]["deletionTimestamp"] = ending["deletionTimestamp"].clone();
        assert_eq!(
            awaited(vec![going], &["proxy"], &[]).await.as_deref(),
            Some("The pod kube-system/proxy-1 of a daemon set is not ready."),
            "it is about to go"
        );
    }

    /// The plan itself may have changed a label or a taint of the node.
    #[test]
    fn daemon_set_wants_only_nodes_that_it_asks_for_and_that_let_its_pods_stay() {
        let set = |spec: Json| {
            json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
                "metadata": {"name": "logs", "namespace": "kube-system"},
                "spec": {"template": {"spec": spec}}})
        };
        let wants = |spec: Json, taints: Json| {
            let node = json!({"apiVersion": "v1", "kind": "Node", "spec": {"taints": taints},
                "metadata": {"name": "w1", "uid": "w1", "labels": {"disk": "ssd"}}});
            let world = World::of(&[node, set(spec)]).expect("objects");
            world.daemon_sets.values().all(|daemon| daemon.wants(&world.nodes["w1"]))
        };
        let cordon = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
        let gpu = json!({"key": "gpu", "effect": "NoExecute"});
        assert!(wants(json!({}), json!([cordon])));
        assert!(!wants(json!({}), json!([gpu])));
        assert!(wants(json!({"tolerations": [{"operator": "Exists"}]}), json!([gpu])));
        assert!(wants(json!({"nodeSelector": {"disk": "ssd"}}), json!([])));
        assert!(!wants(json!({"nodeSelector": {"disk": "hdd"}}), json!([])));
    }

    #[tokio::test]
    async fn node_that_broke_is_left_alone_unless_the_project_itself_was_at_work_there() {
        let said = async |node: &str| {
            let (project, plan) = ("shop".to_owned(), "91c0".to_owned());
            let holder = crate::drain::Holder { project, plan };
            let cordon = Cordon { node: node.to_owned(), uid: None, holder };
            unfit(&server(Vec::new()).cluster(), &cordon).await.expect("it answers")
        };
        assert_eq!(said("w1").await.as_deref(), Some("It was ready when the plan was made."));
        assert_eq!(said("w2").await, None, "it may be why");
        assert_eq!(said("w9").await, None, "who cordons says that it is gone");
    }

    #[tokio::test]
    async fn node_stays_in_service_while_no_name_is_answered_unless_it_may_be_to_blame() {
        let dns = |ready: bool| {
            vec![pod("coredns-1", "w9", ready, &json!({"labels": {"k8s-app": "kube-dns"}}))]
        };
        let asked = async |node: &str, ready: bool| {
            let (project, plan) = ("shop".to_owned(), "91c0".to_owned());
            let holder = crate::drain::Holder { project, plan };
            let cordon = Cordon { node: node.to_owned(), uid: None, holder };
            let server = server(dns(ready));
            let said = no_dns(&server.cluster(), &cordon).await.expect("it answers");
            said.map(|problem| problem.code)
        };
        assert_eq!(asked("w3", false).await, Some(codes::NO_DNS));
        assert_eq!(asked("w3", true).await, None);
        assert_eq!(asked("w1", false).await, None, "it is not ready itself");
        assert_eq!(asked("w2", false).await, None, "this project was at work there");
        let world = |ready| World::of(&dns(ready)).expect("pods");
        assert!(has_dns(&world(true)) && !has_dns(&world(false)));
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
