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

    /// What draining each of these nodes would do, in the same order.
    pub async fn observe(&self, wanted: Vec<Wanted>) -> Vec<Observation> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let world = World::read(&self.cluster).await;
        let of = |wanted: &Wanted| {
            let world = match &world {
                Ok(world) => world,
                Err(problem) => return Observation::Unknown(problem.clone()),
            };
            let node = node_of(&wanted.identity.args);
            let (careful, bold) = (Options::careful(), Options::bold());
            match (forecast(world, node, &careful), forecast(world, node, &bold)) {
                (Ok(drain), Ok(allowed)) => Observation::Present(to_value(&drain, &allowed, world)),
                (Err(_), _) | (_, Err(_)) => Observation::Absent,
            }
        };
        wanted.iter().map(of).collect()
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
                Some(pool) => pool.has_room(&self.cluster, &cordon.node, began, progress).await?,
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
