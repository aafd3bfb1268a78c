//! Looking at nodes, and doing what a recipe says.

use crate::drain::{Cordon, Evict, Holder, Node, Options, Uncordon, Whose, World, codes, forecast};
use crate::gate;
use crate::pool::Pool;
use crate::recipe::{options, to_value};
use access::Cluster;
use plans::{Op, Problem};
use provider::{Observation, Performed, Progress, Settled, StepError, Wanted};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};
use values::{Path, Value};

/// How long a node may take until it is ready: a kubelet that starts anew looks at all its pods
/// first.
const READY: Duration = Duration::from_mins(5);
/// How long it must stay ready.
const STAYS_READY: Duration = Duration::from_secs(5);
/// How long a drain goes on after a stop was asked for: pods that end anyway may do so.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// Access to the nodes of a cluster, for the operations of this crate. The methods have the
/// shapes of [`provider::Providers`].
#[derive(Clone)]
pub struct RolloutProvider {
    cluster: Cluster,
    /// Held from looking how many nodes are out of service until there is one more.
    counting: Arc<Mutex<()>>,
    /// Whether a stop was asked for.
    stopping: watch::Sender<bool>,
}

/// What is done to a node, read from an operation.
enum Work {
    Cordon(Cordon, Needed),
    Drain(Evict),
    Uncordon(Uncordon, Before),
}

/// What else must be in service when a node is taken out.
struct Needed {
    pool: Option<Pool>,
    /// Whether the node has a member of etcd without which the others are enough.
    member: bool,
}

/// How a node was before.
struct Before {
    ready: bool,
    /// Daemon sets of which the pod was not ready.
    unready: BTreeSet<String>,
}

impl RolloutProvider {
    /// For the nodes of this cluster.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, counting: Arc::default(), stopping: watch::Sender::new(false) }
    }

    /// What draining each of these nodes would do, or the names of all nodes, in the same order.
    pub async fn observe(&self, wanted: Vec<Wanted>) -> Vec<Observation> {
        let asked: Vec<Option<Asked<'_>>> = wanted.iter().map(Asked::of).collect();
        let read_nodes = async {
            // All of it is read when any of it is wanted, and nothing otherwise.
            let is_wanted = asked.iter().any(Option::is_none);
            if is_wanted { World::read_nodes(&self.cluster).await } else { Ok(World::default()) }
        };
        let read_all = async {
            let is_wanted = asked.iter().any(Option::is_some);
            if is_wanted { World::read(&self.cluster).await } else { Ok(World::default()) }
        };
        let (nodes, world) = tokio::join!(read_nodes, read_all);
        let of = |asked: &Option<Asked<'_>>| match (asked, &nodes, &world) {
            (Some(asked), _, Ok(world)) => asked.foreseen(world),
            (None, Ok(world), _) => Observation::Present(names(world)),
            (None, Err(problem), _) | (Some(_), _, Err(problem)) => {
                Observation::Unknown(problem.clone())
            }
        };
        asked.iter().map(of).collect()
    }

    /// Nodes that a plan of this project cordoned, and that are so still. After a run that
    /// finished there are none.
    pub async fn left_cordoned(&self, project: &str) -> Result<Vec<String>, Problem> {
        let world = World::read_nodes(&self.cluster).await?;
        let is_ours = |node: &&Node| matches!(Whose::of(node), Whose::Plan(holder) if holder.project == project);
        Ok(world.nodes.values().filter(is_ours).map(|node| node.name.clone()).collect())
    }

    /// Does it.
    ///
    /// # Interruption
    ///
    /// Each operation may be done again, and then does what is left to do.
    pub async fn perform(&self, op: &Op, progress: Progress<'_>) -> Result<Performed, StepError> {
        let cluster = &self.cluster;
        match Work::of(op)? {
            Work::Cordon(cordon, needed) => self.cordon(&cordon, &needed, progress).await?,
            Work::Drain(evict) => tokio::select! {
                biased;
                done = evict.perform(cluster, progress) => drop(done?),
                () = self.out_of_patience() => {
                    return Err(StepError::Refused(interrupted(&evict.node)));
                }
            },
            Work::Uncordon(uncordon, before) => {
                if before.ready {
                    self.is_back(&uncordon.node, &before.unready, progress).await?;
                }
                uncordon.perform(cluster, progress).await?;
            }
        }
        Ok(done())
    }

    /// Looks what became of an operation that was begun and not seen to end.
    pub async fn settle(&self, op: &Op) -> Result<Settled, StepError> {
        let cluster = &self.cluster;
        let is_done = match Work::of(op)? {
            Work::Cordon(cordon, _) => cordon.settle(cluster).await?.is_some(),
            Work::Drain(evict) => evict.settle(cluster).await?.is_some(),
            Work::Uncordon(uncordon, _) => uncordon.settle(cluster).await?.is_some(),
        };
        Ok(if is_done { Settled::Done(done()) } else { Settled::NotDone })
    }

    /// A stop was asked for: what is waited for may take a little longer, and not its whole time.
    pub fn stopping(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns some time after a stop was asked for.
    async fn out_of_patience(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender is ours, so this cannot fail.
        if stopping.wait_for(|asked| *asked).await.is_ok() {
            sleep(PATIENCE).await;
        }
    }

    /// Cordons the node, when no more others are out of service than may be.
    async fn cordon(
        &self,
        cordon: &Cordon,
        needed: &Needed,
        progress: Progress<'_>,
    ) -> Result<(), StepError> {
        if needed.member {
            let quorum = gate::no_quorum(&self.cluster, &cordon.node).await;
            if let Some(problem) = quorum.map_err(StepError::Refused)? {
                return Err(StepError::Refused(problem));
            }
        }
        let began = Instant::now();
        loop {
            let _counting = self.counting.lock().await;
            let has_room = match &needed.pool {
                Some(pool) => pool.has_room(&self.cluster, cordon, began, progress).await?,
                None => true,
            };
            if !has_room && *self.stopping.borrow() {
                return Err(StepError::Refused(interrupted(&cordon.node)));
            }
            if has_room {
                return cordon.perform(&self.cluster, progress).await.map(drop);
            }
        }
    }

    /// Waits until the node is ready and stays so, and what runs on every node does so there.
    async fn is_back(
        &self,
        node: &str,
        unready: &BTreeSet<String>,
        progress: Progress<'_>,
    ) -> Result<(), StepError> {
        progress(format!("node {node} to be ready"));
        let began = Instant::now();
        let mut since = None;
        loop {
            let why = match self.cluster.is_node_ready(node).await {
                Ok(true) => {
                    let since: Instant = *since.get_or_insert_with(Instant::now);
                    if since.elapsed() < STAYS_READY {
                        None
                    } else {
                        match gate::unfinished(&self.cluster, node, unready).await {
                            Ok(None) => return Ok(()),
                            Ok(why @ Some(_)) => why,
                            Err(problem) => Some(problem.detail),
                        }
                    }
                }
                Ok(false) => Some("It says that it is not ready.".to_owned()),
                // Nobody is left to be brought back.
                Err(error) if error.is_object_not_found() => return Ok(()),
                Err(error) => Some(error.to_problem().detail),
            };
            if let Some(why) = why {
                progress(format!("node {node} to be back: {why}"));
                since = None;
                if began.elapsed() > READY {
                    return Err(StepError::Refused(never_ready(node, &why)));
                }
            }
            sleep(PAUSE).await;
        }
    }
}

impl Work {
    fn of(op: &Op) -> Result<Self, StepError> {
        let node = node_of(&op.identity.args).to_owned();
        let uid = op.guard.get("uid").and_then(Value::as_str).map(str::to_owned);
        let text = |name: &str| op.args.get(name).and_then(Value::as_str).map(str::to_owned);
        let holder = || Some(Holder { project: text("project")?, plan: text("plan")? });
        let work = match op.name.as_str() {
            "cordon" => holder().and_then(|holder| {
                let pool = match op.args.get("pool") {
                    Some(pool) => Some(Pool::of(pool)?),
                    None => None,
                };
                let needed = Needed { pool, member: op.args.get("member").is_some() };
                Some(Self::Cordon(Cordon { node, uid, holder }, needed))
            }),
            "drain" => options(op).map(|options| Self::Drain(Evict { node, uid, options })),
            "uncordon" => holder().and_then(|holder| {
                let ready = op.args.get("ready")?.as_bool()?;
                let unready = op.args.get("unready").and_then(Value::as_list).unwrap_or_default();
                let unready = unready.iter().filter_map(Value::as_str).map(str::to_owned);
                let before = Before { ready, unready: unready.collect() };
                Some(Self::Uncordon(Uncordon { node, uid, holder }, before))
            }),
            _ => None,
        };
        work.ok_or_else(|| StepError::Refused(strange(op)))
    }
}

/// The drain of a node that is asked about.
struct Asked<'a> {
    node: &'a str,
    /// Whose plan.
    holder: Holder,
    /// All nodes that the plan takes out of service and brings back.
    taken_out: &'a [Value],
}

impl<'a> Asked<'a> {
    /// `None` when the names of all nodes are asked for.
    fn of(wanted: &'a Wanted) -> Option<Self> {
        let args = &wanted.identity.args;
        let text =
            |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let taken_out = args.get("taken_out").and_then(Value::as_list).unwrap_or_default();
        let holder = || Holder { project: text("project"), plan: text("plan") };
        args.get("node").map(|_| Self { node: node_of(args), holder: holder(), taken_out })
    }

    fn foreseen(&self, world: &World) -> Observation {
        let back = self.back(world);
        let before = |options: Options| Options { back: back.clone(), ..options };
        let (careful, bold) = (before(Options::careful()), before(Options::bold()));
        match (forecast(world, self.node, &careful), forecast(world, self.node, &bold)) {
            (Ok(drain), Ok(allowed)) => {
                Observation::Present(to_value(&drain, &allowed, world, &back))
            }
            (Err(_), _) | (_, Err(_)) => Observation::Absent,
        }
    }

    /// Nodes that an earlier plan of the project left out of service, and this one brings back
    /// before it takes out others.
    fn back(&self, world: &World) -> BTreeSet<String> {
        let left = world.nodes.values().filter(|node| self.holder.takes_over(node));
        let names = left.map(|node| &node.name);
        names
            .filter(|name| self.taken_out.iter().any(|one| one.as_str() == Some(name)))
            .cloned()
            .collect()
    }
}

fn names(world: &World) -> Value {
    Value::list(world.nodes.keys().map(|name| name.as_str().into()))
}

fn node_of(args: &Value) -> &str {
    args.get("node").and_then(Value::as_str).unwrap_or_default()
}

fn done() -> Performed {
    Performed { exported: Value::Null, uid: None }
}

fn interrupted(node: &str) -> Problem {
    let detail = format!(
        "It was asked to stop while node `{node}` was taken out of service. Pods that have left it \
         stay where they are, and it goes back into service."
    );
    Problem::error(codes::INTERRUPTED, "Drain was interrupted", Path::root(), detail)
        .with_help("Resuming drains it again.")
}

fn never_ready(node: &str, why: &str) -> Problem {
    let detail = format!(
        "Node `{node}` did not become ready again within {} minutes, so it stays cordoned. {why}",
        READY.as_secs() / 60
    );
    Problem::error(codes::NEVER_READY, "Node is not ready", Path::root(), detail).with_help(
        format!(
            "Find out why: `kubectl describe node {node}`, and `journalctl -u kubelet` there. \
         Resuming looks again, and brings it back when it is ready."
        ),
    )
}

fn strange(op: &Op) -> Problem {
    let detail = format!("`{}` is not an operation that can be done on a node.", op.text);
    let summary = "An operation is not understood";
    Problem::error(codes::STRANGE, summary, Path::root(), detail)
        .with_help("Make a new plan with this version of the program.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rollouts;
    use access::scripted::{Reply, Server};
    use addrs::Scope;
    use provider::{Bracketing, Edits};
    use serde_json::{Value as Json, json};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use values::Disruption;

    /// `w1` with a pod that can go to `w2` alone, which a plan of the project cordoned.
    fn server() -> Server {
        let node = |name: &str, cordoned: bool| {
            let said =
                if cordoned { json!({"clinch/cordoned": "v1 shop 4f2a"}) } else { json!({}) };
            json!({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name, "uid": name, "annotations": said},
                "spec": {"unschedulable": cordoned},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            })
        };
        let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "o",
            "controller": true}]);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": "shop", "name": "web-0", "uid": "p", "ownerReferences": owner},
            "spec": {"nodeName": "w1"},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        });
        Server::new(move |seen| {
            let items = match seen.path.as_str() {
                "/api/v1/nodes" => json!([node("w1", false), node("w2", true)]),
                "/api/v1/pods" => json!([pod]),
                _ => json!([]),
            };
            let kind = "List";
            Reply::json(json!({"kind": kind, "metadata": {"resourceVersion": "7"}, "items": items}))
        })
    }

    /// What draining `w1` is said to be in the way of, as a part of a plan that takes these out.
    async fn problems(taken_out: &[&str]) -> Vec<String> {
        let scope = Scope::node("w1");
        let taken_out = Value::list(taken_out.iter().map(|node| Value::from(*node)));
        let (project, plan, cost) = ("shop", "91c0", Disruption::Drain);
        let edits =
            Edits { scope: &scope, cost, project, plan, taken_out: &taken_out, limits: None };
        let wanted = Rollouts.looks(&edits).expect("it is looked at");
        let seen = RolloutProvider::new(server().cluster()).observe(vec![wanted]).await;
        let [Observation::Present(seen)] = seen.as_slice() else { panic!("{seen:?}") };
        let all = seen.get("problems").and_then(Value::as_list).expect("a list").iter();
        all.filter_map(|one| Some(one.get("code")?.as_str()?.to_owned())).collect()
    }

    #[tokio::test]
    async fn node_that_was_left_cordoned_takes_pods_only_when_the_plan_brings_it_back() {
        assert_eq!(problems(&["w1", "w2"]).await, Vec::<String>::new());
        assert_eq!(problems(&["w1"]).await, [codes::STRANDED.0]);
    }

    #[tokio::test]
    async fn names_of_all_nodes_are_known_or_it_is_said_why_not() {
        let all = || vec![Rollouts.all()];
        let seen = RolloutProvider::new(server().cluster()).observe(all()).await;
        let names = Value::list(["w1", "w2"].map(Value::from));
        assert_eq!(seen, [Observation::Present(names)]);
        let silent = Server::new(|_| {
            let text =
                json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"});
            Reply::status(text)
        });
        let seen = RolloutProvider::new(silent.cluster()).observe(all()).await;
        assert!(matches!(seen.as_slice(), [Observation::Unknown(_)]), "{seen:?}");
    }

    /// What comes of waiting for `w1`, and how long it took, when it says in turn whether it is
    /// ready; the last word stays.
    async fn waited_for(words: &'static [bool]) -> (Result<(), StepError>, Duration) {
        let asked = AtomicUsize::new(0);
        let server = Server::new(move |seen| {
            let word = || words[asked.fetch_add(1, Ordering::Relaxed).min(words.len() - 1)];
            Reply::json(match seen.path.as_str() {
                "/api/v1/nodes/w1" => {
                    let ready = if word() { "True" } else { "False" };
                    json!({
                        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1", "uid": "w1"},
                        "status": {"conditions": [{"type": "Ready", "status": ready}]},
                    })
                }
                _ => json!({"kind": "List", "metadata": {"resourceVersion": "7"}, "items": []}),
            })
        });
        let began = Instant::now();
        let provider = RolloutProvider::new(server.cluster());
        let done = provider.is_back("w1", &BTreeSet::new(), &|_| ()).await;
        (done, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn r4_node_that_flaps_is_back_only_when_it_stays_ready() {
        let (done, took) = waited_for(&[true, true, false, true]).await;
        assert!(done.is_ok());
        assert_eq!(took.as_secs(), 3 + STAYS_READY.as_secs(), "counted from when it came again");
    }

    #[tokio::test(start_paused = true)]
    async fn r3_node_that_is_never_ready_stays_cordoned_and_is_named() {
        let (done, took) = waited_for(&[false]).await;
        let Err(StepError::Refused(problem)) = done else { panic!("{:?}", done.is_ok()) };
        assert_eq!(problem.code, codes::NEVER_READY);
        assert!(problem.detail.contains("Node `w1` did not become ready"), "{}", problem.detail);
        assert_eq!(took.as_secs(), READY.as_secs() + PAUSE.as_secs());
    }

    #[test]
    fn names_and_a_drain_are_not_taken_for_each_other() {
        let of = |args: Json| {
            let args = access::json::from_json(&args);
            let wanted = Rollouts.all();
            let identity = plans::Identity { args, ..wanted.identity.clone() };
            Asked::of(&Wanted { identity, ..wanted }).map(|asked| asked.node.to_owned())
        };
        assert_eq!(of(Json::Null), None);
        assert_eq!(of(json!({"node": "nodes"})).as_deref(), Some("nodes"));
    }
}
