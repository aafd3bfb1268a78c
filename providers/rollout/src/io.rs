//! Looking at nodes, and doing what a recipe says.

use crate::drain::{
    Cordon, Evict, Holder, Node, Options, UNCONFIRMED, Uncordon, Whose, World, codes, forecast,
};
use crate::gate::{self, Before};
use crate::pool::Pool;
use crate::recipe::{OfCluster, options, to_value};
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
/// How long the cluster's DNS may take: its pods may have moved just now.
const DNS: Duration = Duration::from_mins(2);
/// How long a node that is not ready may take before it is left alone: a kubelet that was just
/// restarted, or a machine.
const SHORTLY: Duration = Duration::from_secs(30);
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
    /// Whether names were answered in the cluster when the plan was made.
    dns: bool,
    /// Whether the node itself was out of service already when the plan was made: not ready.
    down: bool,
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
        let dns = world.as_ref().is_ok_and(gate::has_dns);
        let of = |asked: &Option<Asked<'_>>| match (asked, &nodes, &world) {
            (Some(asked), _, Ok(world)) => asked.foreseen(world, dns),
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
                let back = self.is_back(&uncordon.node, &before, progress).await?;
                if let Err(why) = &back
                    && before.ready
                {
                    return Err(StepError::Refused(never_ready(&uncordon.node, why)));
                }
                // Whatever was down before goes back to how it was found.
                uncordon.perform(cluster, progress).await?;
                back.map_err(|why| StepError::Refused(still_down(&uncordon.node, &why)))?;
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
            Work::Uncordon(uncordon, before) => {
                // Of one that was down before, nobody knows otherwise whether it came back.
                let node = &uncordon.node;
                let is_back = before.ready || matches!(cluster.is_node_ready(node).await, Ok(true));
                is_back && uncordon.settle(cluster).await?.is_some()
            }
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
        if !needed.down {
            self.is_fit(cordon, progress).await?;
        }
        if needed.member {
            let quorum = gate::no_quorum(&self.cluster, &cordon.node).await;
            if let Some(problem) = quorum.map_err(StepError::Refused)? {
                return Err(StepError::Refused(problem));
            }
        }
        if needed.dns {
            self.dns_is_well(cordon, progress).await?;
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

    /// Looks whether a node may be changed at all, before anything is changed there. One that is
    /// not ready would be found so only when pods do not leave, or when it does not come back.
    async fn is_fit(&self, cordon: &Cordon, progress: Progress<'_>) -> Result<(), StepError> {
        let node = &cordon.node;
        let began = Instant::now();
        loop {
            let why = match self.cluster.is_node_ready(node).await {
                Ok(true) => return Ok(()),
                Ok(false) => match gate::unfit(&self.cluster, cordon).await {
                    Ok(None) => return Ok(()),
                    Ok(Some(why)) => why,
                    Err(problem) => problem.detail,
                },
                // Who cordons says so.
                Err(error) if error.is_object_not_found() => return Ok(()),
                Err(error) => error.to_problem().detail,
            };
            if began.elapsed() >= SHORTLY || *self.stopping.borrow() {
                return Err(StepError::Refused(gate::refused(node, &why)));
            }
            progress(format!("node {node} to be ready: {why}"));
            sleep(PAUSE).await;
        }
    }

    /// Waits until names are answered, before another node goes.
    async fn dns_is_well(&self, cordon: &Cordon, progress: Progress<'_>) -> Result<(), StepError> {
        let began = Instant::now();
        loop {
            let problem = match gate::no_dns(&self.cluster, cordon).await {
                Ok(None) => return Ok(()),
                Ok(Some(problem)) | Err(problem) => problem,
            };
            if began.elapsed() >= DNS || *self.stopping.borrow() {
                return Err(StepError::Refused(problem));
            }
            progress("the cluster's DNS to be ready".to_owned());
            sleep(PAUSE).await;
        }
    }

    /// Waits until the node is ready and stays so, and what runs on every node does so there; or
    /// says why it is not so in time.
    async fn is_back(
        &self,
        node: &str,
        before: &Before,
        progress: Progress<'_>,
    ) -> Result<Result<(), String>, StepError> {
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
                        match gate::unfinished(&self.cluster, node, before).await {
                            Ok(None) => return Ok(Ok(())),
                            Ok(why @ Some(_)) => why,
                            Err(problem) => Some(problem.detail),
                        }
                    }
                }
                Ok(false) => Some("It says that it is not ready.".to_owned()),
                // Nobody is left to be brought back.
                Err(error) if error.is_object_not_found() => return Ok(Ok(())),
                Err(error) => Some(error.to_problem().detail),
            };
            if let Some(why) = why {
                progress(format!("node {node} to be back: {why}"));
                since = None;
                if began.elapsed() > READY {
                    return Ok(Err(why));
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
                let is_said = |name: &str| op.args.get(name).is_some();
                let (member, dns, down) = (is_said("member"), is_said("dns"), is_said("down"));
                let needed = Needed { pool, member, dns, down };
                Some(Self::Cordon(Cordon { node, uid, holder }, needed))
            }),
            "drain" => options(op).map(|options| Self::Drain(Evict { node, uid, options })),
            "uncordon" => holder().and_then(|holder| {
                let ready = op.args.get("ready")?.as_bool()?;
                let sets = |name: &str| {
                    let sets = op.args.get(name).and_then(Value::as_list).unwrap_or_default();
                    sets.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                };
                let before = Before { ready, daemons: sets("daemons"), unready: sets("unready") };
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

    fn foreseen(&self, world: &World, dns: bool) -> Observation {
        let back = self.back(world);
        let before = |options: Options| Options {
            back: back.clone(),
            unconfirmed: Some(UNCONFIRMED),
            ..options
        };
        let (careful, bold) = (before(Options::careful()), before(Options::bold()));
        match (forecast(world, self.node, &careful), forecast(world, self.node, &bold)) {
            (Ok(drain), Ok(allowed)) => {
                let comes_first = self.comes_first(world, back.clone());
                let of_cluster = OfCluster { back: &back, comes_first: &comes_first, dns };
                Observation::Present(to_value(&drain, &allowed, world, &of_cluster))
            }
            (Err(_), _) | (_, Err(_)) => Observation::Absent,
        }
    }

    /// Nodes that are out of service, but not to be waited for: their turns come before that of
    /// any other, which therefore begins when they are back, or not at all.
    fn comes_first(&self, world: &World, back: BTreeSet<String>) -> BTreeSet<String> {
        // Few nodes are, and the list is looked through only for those.
        let down = world.nodes.values().filter(|node| !node.ready && !node.unschedulable);
        let is_taken_out =
            |name: &&String| self.taken_out.iter().any(|one| one.as_str() == Some(name.as_str()));
        down.map(|node| &node.name).filter(is_taken_out).cloned().chain(back).collect()
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

fn still_down(node: &str, why: &str) -> Problem {
    let detail = format!(
        "Node `{node}` was not ready before it was changed, and is not {} minutes afterwards. It is \
         in service as far as it was before. {why}",
        READY.as_secs() / 60
    );
    Problem::error(codes::STILL_DOWN, "Node is still not ready", Path::root(), detail).with_help(
        format!(
            "Find out why: `kubectl describe node {node}`, and `journalctl -u kubelet` there. \
             Resuming looks again."
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
mod tests;
