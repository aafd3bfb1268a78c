//! Looking at nodes, and doing what a recipe says.

use crate::drain::{Cordon, Evict, Holder, Node, Options, Uncordon, Whose, World, codes, forecast};
use crate::pool::Pool;
use crate::recipe::{options, to_value};
use access::Cluster;
use plans::{Op, Problem};
use provider::{Observation, Performed, Progress, Settled, StepError, Wanted};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use values::{Path, Value};

/// How long a node may take until it is ready: a kubelet that starts anew looks at all its pods
/// first.
const READY: Duration = Duration::from_mins(5);
/// How long it must stay ready.
const STAYS_READY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);

/// Access to the nodes of a cluster, for the operations of this crate. The methods have the
/// shapes of [`provider::Providers`].
#[derive(Clone)]
pub struct RolloutProvider {
    cluster: Cluster,
    /// Held from looking how many nodes are out of service until there is one more.
    counting: Arc<Mutex<()>>,
}

/// What is done to a node, read from an operation.
enum Work {
    /// And what else must be in service.
    Cordon(Cordon, Option<Pool>),
    Drain(Evict),
    /// And whether the node was ready before.
    Uncordon(Uncordon, bool),
}

impl RolloutProvider {
    /// For the nodes of this cluster.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, counting: Arc::default() }
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
            let Some(this) = world.nodes.get(node) else { return Observation::Absent };
            let (careful, bold) = (Options::careful(), Options::bold());
            match (forecast(world, node, &careful), forecast(world, node, &bold)) {
                (Ok(drain), Ok(allowed)) => {
                    Observation::Present(to_value(&drain, &allowed, &this.uid))
                }
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
            Work::Cordon(cordon, pool) => self.cordon(&cordon, pool.as_ref(), progress).await?,
            Work::Drain(evict) => drop(evict.perform(cluster, progress).await?),
            Work::Uncordon(uncordon, was_ready) => {
                if was_ready {
                    self.is_ready(&uncordon.node, progress).await?;
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

    /// Cordons the node, when no more others are out of service than may be.
    async fn cordon(
        &self,
        cordon: &Cordon,
        pool: Option<&Pool>,
        progress: Progress<'_>,
    ) -> Result<(), StepError> {
        let began = Instant::now();
        loop {
            let _counting = self.counting.lock().await;
            let has_room = match pool {
                Some(pool) => pool.has_room(&self.cluster, &cordon.node, began, progress).await?,
                None => true,
            };
            if has_room {
                return cordon.perform(&self.cluster, progress).await.map(drop);
            }
        }
    }

    /// Waits until the node is ready and stays so.
    async fn is_ready(&self, node: &str, progress: Progress<'_>) -> Result<(), StepError> {
        progress(format!("node {node} to be ready"));
        let began = Instant::now();
        let mut since = None;
        loop {
            let why = match self.cluster.is_node_ready(node).await {
                Ok(true) => {
                    let since: Instant = *since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= STAYS_READY {
                        return Ok(());
                    }
                    None
                }
                Ok(false) => Some("It says that it is not ready.".to_owned()),
                // Nobody is left to be brought back.
                Err(error) if error.is_object_not_found() => return Ok(()),
                Err(error) => Some(error.to_problem().detail),
            };
            if let Some(why) = why {
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
                Some(Self::Cordon(Cordon { node, uid, holder }, pool))
            }),
            "drain" => options(op).map(|options| Self::Drain(Evict { node, uid, options })),
            "uncordon" => holder().and_then(|holder| {
                let was_ready = op.args.get("ready")?.as_bool()?;
                Some(Self::Uncordon(Uncordon { node, uid, holder }, was_ready))
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
