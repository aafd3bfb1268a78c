//! How many nodes of a selection are out of service, for whatever reason.

use crate::drain::{Cordon, Node, World, codes};
use access::Cluster;
use plans::Problem;
use provider::{Limits, Progress, StepError};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use values::{Path, Value};

/// How long it is waited for other nodes to come back.
const PATIENCE: Duration = Duration::from_mins(10);
/// Each look reads all nodes.
const PAUSE: Duration = Duration::from_secs(5);
/// So many nodes are named.
const MANY: usize = 5;

/// A selection of nodes, and how many of them may be out of service at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pool {
    nodes: BTreeSet<String>,
    max_unavailable: usize,
}

impl Pool {
    /// As an argument of an operation.
    pub(crate) fn to_value(limits: &Limits<'_>) -> Value {
        Value::map([
            ("nodes", limits.nodes.clone()),
            ("max_unavailable", i64::from(limits.max_unavailable).into()),
        ])
    }

    /// From an argument of an operation.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let nodes = value.get("nodes")?.as_list()?.iter();
        let max_unavailable =
            value.get("max_unavailable")?.as_number()?.to_string().parse().ok()?;
        let nodes = nodes.map(|node| Some(node.as_str()?.to_owned())).collect::<Option<_>>()?;
        Some(Self { nodes, max_unavailable })
    }

    /// Those that are out of service besides this one, when it would be one too many with them.
    /// What the project left out of service already is none more, and waiting would not bring it
    /// back: it goes on there, whoever else is out of service. Nor is one that is not ready.
    fn in_the_way<'w>(&self, world: &'w World, this: &Cordon) -> Vec<&'w Node> {
        let is_out = |node: &Node| !node.ready || this.holder.has_cordoned(node);
        if world.nodes.get(&this.node).is_some_and(is_out) {
            return Vec::new();
        }
        let is_other = |other: &&Node| other.name != this.node && self.nodes.contains(&other.name);
        let is_out = |node: &&Node| node.unschedulable || !node.ready;
        let out: Vec<&Node> = world.nodes.values().filter(is_other).filter(is_out).collect();
        if out.len() < self.max_unavailable.max(1) { Vec::new() } else { out }
    }

    /// What a plan should say of it: those that are out of service now, when there is no room for
    /// this node besides them.
    pub(crate) fn warning(limits: &Limits<'_>, node: &str, out: &[String]) -> Option<Problem> {
        if out.iter().all(|other| other == node) {
            return None;
        }
        let all = limits.nodes.as_list().unwrap_or_default();
        let all: BTreeSet<&str> = all.iter().filter_map(Value::as_str).collect();
        let others = out.iter().map(String::as_str);
        let others: Vec<&str> =
            others.filter(|other| *other != node && all.contains(other)).collect();
        let most = usize::try_from(limits.max_unavailable).unwrap_or(usize::MAX);
        if others.len() < most.max(1) {
            return None;
        }
        let named = others.iter().take(MANY).map(|other| format!("`{other}`"));
        let more = match others.len().saturating_sub(MANY) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let detail = format!(
            "Not more than {most} of {} nodes may be out of service at once, and these are now, \
             cordoned or not ready: {}{more}. Until they are back no other of them is begun.",
            all.len(),
            named.collect::<Vec<_>>().join(", "),
        );
        let summary = "Nodes are out of service already";
        Some(Problem::warning(codes::FULL, summary, Path::root(), detail).with_help(
            "Bring them back (`kubectl get nodes`), or say otherwise in a `rollout` block: by its \
             `max_unavailable`, or by leaving them out of its `nodes`.",
        ))
    }

    /// Looks once; and again until a node may be taken out of service, or for ten minutes.
    pub(crate) async fn has_room(
        &self,
        cluster: &Cluster,
        cordon: &Cordon,
        began: Instant,
        progress: Progress<'_>,
    ) -> Result<bool, StepError> {
        let world = World::read_nodes(cluster).await.map_err(StepError::Refused)?;
        let out = self.in_the_way(&world, cordon);
        if out.is_empty() {
            return Ok(true);
        }
        let named = named(&out);
        if began.elapsed() >= PATIENCE {
            return Err(StepError::Refused(self.full(&cordon.node, &named)));
        }
        progress(format!("{named} to be back in service"));
        sleep(PAUSE).await;
        Ok(false)
    }

    fn full(&self, node: &str, out: &str) -> Problem {
        let detail = format!(
            "Not more than {} of {} nodes may be out of service at once, and for {} minutes these \
             were, without `{node}`: {out}.",
            self.max_unavailable,
            self.nodes.len(),
            PATIENCE.as_secs() / 60,
        );
        let summary = "Too many nodes are out of service";
        Problem::error(codes::FULL, summary, Path::root(), detail).with_help(
            "Find out why (`kubectl get nodes`) and bring them back; resuming looks again. Or say \
             otherwise in a `rollout` block, by its `max_unavailable` or by leaving them out of its \
             `nodes`, and plan again.",
        )
    }
}

/// `w1 (not ready), w2 (cordoned) and 3 more`.
fn named(out: &[&Node]) -> String {
    let why = |node: &&Node| {
        let why = if node.ready { "cordoned" } else { "not ready" };
        format!("{} ({why})", node.name)
    };
    let names: Vec<String> = out.iter().take(MANY).map(why).collect();
    let more = match out.len().saturating_sub(MANY) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RolloutProvider;
    use access::scripted::{Reply, Server};
    use plans::{Identity, ObjectKey, Op};
    use serde_json::{Value as Json, json};

    fn node(name: &str, unschedulable: bool, ready: bool) -> Json {
        let ready = if ready { "True" } else { "False" };
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": "1"},
            "spec": {"unschedulable": unschedulable},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        })
    }

    /// A server that shows each of these clusters once, and the last one from then on.
    fn server(mut looks: Vec<Vec<Json>>) -> Server {
        Server::new(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/api/v1/nodes") => {
                let items = if looks.len() > 1 { looks.remove(0) } else { looks[0].clone() };
                let metadata = json!({"resourceVersion": "7"});
                Reply::json(json!({"kind": "NodeList", "metadata": metadata, "items": items}))
            }
            ("GET", "/api/v1/nodes/w1") => Reply::json(node("w1", false, true)),
            ("PATCH", "/api/v1/nodes/w1") => Reply::json(node("w1", true, true)),
            (_, _) => Reply::no_such_path(),
        })
    }

    fn cordon(max_unavailable: u32) -> Op {
        let nodes = Value::list(["w1", "w2", "w3"].map(Value::from));
        let pool = Pool::to_value(&Limits { nodes: &nodes, max_unavailable, drain: None });
        Op {
            ty: crate::recipe::ty(),
            name: "cordon".to_owned(),
            identity: Identity {
                key: ObjectKey("rollout/node/w1".into()),
                args: Value::map([("node", "w1".into())]),
                shown: "node w1".to_owned(),
            },
            args: Value::map([("project", "shop".into()), ("plan", "4f2a".into()), ("pool", pool)]),
            guard: Value::map([("uid", "uid-w1".into())]),
            text: "cordon node w1".to_owned(),
        }
    }

    async fn cordoned(server: &Server, max_unavailable: u32) -> Result<(), StepError> {
        let provider = RolloutProvider::new(server.cluster());
        provider.perform(&cordon(max_unavailable), &|_| {}).await.map(drop)
    }

    fn patches(server: &Server) -> usize {
        server.seen().iter().filter(|seen| seen.method == "PATCH").count()
    }

    /// Whoever took the others out of service, and for whatever reason.
    #[tokio::test(start_paused = true)]
    async fn node_is_left_in_service_while_others_are_not_and_they_are_named() {
        let began = Instant::now();
        let server = server(vec![vec![
            node("w1", false, true),
            node("w2", true, true),
            node("w3", false, false),
        ]]);
        let Err(StepError::Refused(problem)) = cordoned(&server, 2).await else {
            panic!("it was cordoned")
        };
        assert_eq!(
            problem.detail,
            "Not more than 2 of 3 nodes may be out of service at once, and for 10 minutes these \
             were, without `w1`: w2 (cordoned), w3 (not ready)."
        );
        assert_eq!(patches(&server), 0);
        assert!(began.elapsed() >= PATIENCE);
        cordoned(&server, 3).await.expect("three may be");
        assert_eq!(patches(&server), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_waited_for_the_others_to_come_back() {
        let out = vec![node("w1", false, true), node("w2", false, false)];
        let back = vec![node("w1", false, true), node("w2", false, true)];
        let server = server(vec![out.clone(), out, back]);
        cordoned(&server, 1).await.expect("they came back");
        assert_eq!(patches(&server), 1);
    }

    /// Two of them, of a plan that allowed two; this one allows one. Or a run died, and another node
    /// was broken since, which the same plan mends later.
    #[tokio::test(start_paused = true)]
    async fn nodes_that_the_project_left_cordoned_wait_for_nobody() {
        let held = |name: &str, plan: &str| {
            let mut node = node(name, true, true);
            node["metadata"]["annotations"] = json!({"clinch/cordoned": format!("v1 shop {plan}")});
            node
        };
        let left = server(vec![vec![held("w1", "0000"), held("w2", "0000")]]);
        cordoned(&left, 1).await.expect("both are out of service already");
        for plan in ["0000", "4f2a"] {
            let others = [node("w2", true, true), node("w3", false, false)];
            let left = server(vec![[&[held("w1", plan)], &others[..]].concat()]);
            cordoned(&left, 1).await.expect("it is none more, whoever is to blame for the others");
        }
        let fresh = server(vec![vec![node("w1", false, true), held("w2", "0000")]]);
        assert!(cordoned(&fresh, 1).await.is_err(), "it would be one more");
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_outside_of_the_selection_and_the_node_itself_do_not_count() {
        let server = server(vec![vec![node("w1", false, false), node("x", true, false)]]);
        cordoned(&server, 1).await.expect("no other is out of service");
    }
}
