//! Evicting the pods of a node, all at once, and waiting until they are gone.
//!
//! Budgets decide how many go at a time: whoever has no room yet is asked again, every five
//! seconds or when the server says. All of it is told while it lasts.

use super::board::{Board, Seen};
use super::heard::{Heard, heard};
use super::look::budgets;
use super::tally::{Standing, Tally};
use super::{check_uid, no_node, refused};
use crate::drain::budgets::answer;
use crate::drain::objects::{Budget, Key, Pod};
use crate::drain::{Answer, Drain, Fate, Leaving, Options, World, codes, forecast, text};
use access::{Cluster, ClusterError, Query};
use diags::Severity;
use futures::future::join_all;
use plans::Problem;
use provider::{Progress, StepError};
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, timeout_at};
use values::Path;

/// How often pods may come back to a node that takes none.
const ROUNDS: usize = 5;

/// Empties a node that is cordoned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evict {
    /// The node.
    pub node: String,
    /// Which one of that name.
    pub uid: Option<String>,
    /// What may be done.
    pub options: Options,
}

/// A node is empty, but for what stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evicted {
    /// The pods that left meanwhile, by namespace and name.
    pub pods: Vec<Key>,
}

impl Evict {
    /// Evicts every pod that has to leave, and waits until the last is gone. Nothing is evicted
    /// when one of them must not be. Whoever looks again afterwards finds the node empty: pods
    /// that came in between (they bear cordons) are evicted, too.
    ///
    /// # Errors
    ///
    /// [`StepError::Stale`]: the node is gone, another one, or takes pods again.
    /// [`StepError::Refused`]: pods must not leave, or did not in time; those that were evicted
    /// by then stay so.
    ///
    /// # Interruption
    ///
    /// A crash leaves some pods evicted. Performing it again evicts the rest; a pod that was
    /// created anew under the same name is never taken for the one that was meant.
    pub async fn perform(
        &self,
        cluster: &Cluster,
        progress: Progress<'_>,
    ) -> Result<Evicted, StepError> {
        let deadline = Instant::now() + self.options.timeout;
        let mut done = Evicted::default();
        let mut left = Vec::new();
        for _ in 0..ROUNDS {
            let (drain, here) = self.look(cluster).await?;
            left = drain.leaving().cloned().collect();
            if left.is_empty() {
                done.pods.sort();
                return Ok(done);
            }
            let round = Round {
                evict: self,
                cluster,
                here,
                board: Board::new(cluster, &self.node),
                tally: Tally::new(progress, left.iter().map(|pod| &pod.key)),
                deadline,
                unconfirmed: self.options.unconfirmed.filter(|_| !drain.ready),
            };
            round.empty(&left).await?;
            done.pods.extend(left.iter().map(|pod| pod.key.clone()));
        }
        let detail = format!(
            "Pods come back to node `{}` as soon as they have left it: {}. They bear cordons, and \
             their controller does not care.",
            self.node,
            text::named(left.iter().map(|pod| pod.key.to_string()))
        );
        Err(refused(Problem::error(codes::NOT_IN_TIME, NOT_IN_TIME, Path::root(), detail)))
    }

    /// Whether the node is empty, but for what stays.
    pub async fn settle(&self, cluster: &Cluster) -> Result<Option<Evicted>, StepError> {
        let world = World::read_node(cluster, &self.node).await.map_err(refused)?;
        let drain = forecast(&world, &self.node, &self.options).map_err(|_| no_node(&self.node))?;
        Ok(drain.is_empty().then(Evicted::default))
    }

    /// What the drain would do now, and the pods of the node.
    async fn look(&self, cluster: &Cluster) -> Result<(Drain, Vec<Pod>), StepError> {
        let mut world = World::read_node(cluster, &self.node).await.map_err(refused)?;
        let node = world.nodes.get(&self.node).ok_or_else(|| no_node(&self.node))?;
        check_uid(&self.node, self.uid.as_deref(), &node.uid)?;
        if !node.unschedulable {
            return Err(StepError::Stale(format!(
                "Node {} takes pods: somebody uncordoned it.",
                self.node
            )));
        }
        let drain = forecast(&world, &self.node, &self.options).map_err(|_| no_node(&self.node))?;
        if drain.is_refused() {
            let problems = drain.problems().into_iter();
            let first = problems.into_iter().find(|problem| problem.severity == Severity::Error);
            return Err(first.map_or_else(|| no_node(&self.node), refused));
        }
        Ok((drain, world.pods.remove(&self.node).unwrap_or_default()))
    }
}

const NOT_IN_TIME: &str = "Node did not become empty";

/// One go at all pods that are there.
struct Round<'a> {
    evict: &'a Evict,
    cluster: &'a Cluster,
    /// The pods as they were when this began.
    here: Vec<Pod>,
    board: Board<'a>,
    tally: Tally<'a>,
    deadline: Instant,
    /// How long one is waited for where nobody confirms that it has ended.
    unconfirmed: Option<Duration>,
}

/// Why a pod did not leave.
enum Stuck {
    /// Time is over.
    Late,
    /// Another pod cannot leave, so this one need not.
    Stopped,
    /// It cannot.
    For(Box<Problem>),
}

impl Round<'_> {
    async fn empty(&self, pods: &[Leaving]) -> Result<(), StepError> {
        let ends = tokio::select! {
            biased;
            ends = join_all(pods.iter().map(|pod| self.leave(pod))) => ends,
            problem = self.board.follow() => return Err(refused(problem)),
        };
        let mut late = false;
        for end in ends {
            match end {
                Err(Stuck::For(problem)) => return Err(refused(*problem)),
                Err(Stuck::Late) => late = true,
                Ok(()) | Err(Stuck::Stopped) => {}
            }
        }
        if late { self.look_once_more(pods).await } else { Ok(()) }
    }

    /// Time is over, but a watch may have been silent.
    async fn look_once_more(&self, pods: &[Leaving]) -> Result<(), StepError> {
        self.board.look().await;
        let seen = self.board.watch();
        for pod in pods.iter().filter(|pod| seen.borrow().is_gone(&pod.uid)) {
            self.tally.left(&pod.key);
        }
        if self.tally.all().is_empty() { Ok(()) } else { Err(refused(self.not_in_time())) }
    }

    /// Sees one pod off.
    async fn leave(&self, pod: &Leaving) -> Result<(), Stuck> {
        let mut seen = self.board.watch();
        let asked = match pod.fate {
            Fate::Awaited => Ok(()),
            _ => self.ask(pod, &mut seen).await,
        };
        let end = match asked {
            Ok(()) => self.until_gone(pod, &mut seen).await,
            stuck => stuck,
        };
        match &end {
            Ok(()) => self.tally.left(&pod.key),
            Err(Stuck::For(_)) => self.board.stop(),
            Err(Stuck::Late | Stuck::Stopped) => {}
        }
        end
    }

    /// Asks until the server has let it go.
    async fn ask(&self, pod: &Leaving, seen: &mut Receiver<Seen>) -> Result<(), Stuck> {
        let evict = access::Evict {
            uid: Some(&pod.uid),
            grace_period: self.evict.options.grace_period,
            dry_run: false,
        };
        let (namespace, name) = (&pod.key.namespace, &pod.key.name);
        loop {
            let Err(error) = self.cluster.evict(namespace, name, evict).await else {
                return Ok(());
            };
            let ending = seen.borrow().pod(&pod.uid).is_some_and(|pod| pod.terminating.is_some());
            let (pause, why) = match heard(&error, &pod.key, ending) {
                Heard::Gone | Heard::Ends => return Ok(()),
                Heard::Again(pause, why) => (pause, why),
                Heard::Blocked(pause, Some(budget), said) => {
                    (pause, format!("budget {budget} {said}"))
                }
                Heard::Blocked(pause, None, said) => (pause, self.blocking(pod, said).await),
                never => return Err(self.never(pod, never, &error).await),
            };
            self.tally.note(&pod.key, Standing::Held, why);
            if self.pause(pod, seen, pause).await? {
                return Ok(());
            }
        }
    }

    /// Waits for this time, or until the pod is gone; whether it is.
    async fn pause(
        &self,
        pod: &Leaving,
        seen: &mut Receiver<Seen>,
        pause: Duration,
    ) -> Result<bool, Stuck> {
        let until = self.deadline.min(Instant::now() + pause);
        let ended = |seen: &Seen| seen.over || seen.is_gone(&pod.uid);
        let gone = timeout_at(until, seen.wait_for(ended)).await.is_ok();
        match gone {
            true if seen.borrow().is_gone(&pod.uid) => Ok(true),
            true => Err(Stuck::Stopped),
            false if Instant::now() >= self.deadline => Err(Stuck::Late),
            false => Ok(false),
        }
    }

    async fn until_gone(&self, pod: &Leaving, seen: &mut Receiver<Seen>) -> Result<(), Stuck> {
        let soon = self.unconfirmed.map(|time| Instant::now() + time);
        let soon = soon.filter(|soon| *soon < self.deadline);
        let until = soon.unwrap_or(self.deadline);
        loop {
            let why = {
                let seen = seen.borrow_and_update();
                if seen.is_gone(&pod.uid) {
                    return Ok(());
                }
                if seen.over {
                    return Err(Stuck::Stopped);
                }
                ending(&seen, pod)
            };
            self.tally.note(&pod.key, Standing::Ending, why);
            match timeout_at(until, seen.changed()).await {
                Ok(Ok(())) => {}
                // It was told to end; another look tells whether the node is ready by now.
                Err(_) if soon.is_some() => return Ok(()),
                // The board outlives everybody who looks at it.
                Ok(Err(_)) | Err(_) => return Err(Stuck::Late),
            }
        }
    }

    /// Which budget blocks, where the server does not name it.
    async fn blocking(&self, pod: &Leaving, said: String) -> String {
        match self.budgets_of(pod).await {
            Some(found) => text::answer(&found).unwrap_or(said),
            None => said,
        }
    }

    /// What the budgets of a pod say of it now, as far as they can be seen.
    async fn budgets_of(&self, pod: &Leaving) -> Option<Answer> {
        let pod = self.here.iter().find(|here| here.uid == pod.uid)?;
        let query = Query { namespace: Some(&pod.key.namespace), ..Query::default() };
        let found = self.cluster.list(&budgets(), query, |object| Budget::of(&object).ok()).await;
        found.ok().map(|found| answer(pod, &found.items))
    }

    async fn never(&self, pod: &Leaving, why: Heard, error: &ClusterError) -> Stuck {
        let found = match &why {
            Heard::Several => self.budgets_of(pod).await,
            _ => None,
        };
        let (node, key) = (&self.evict.node, &pod.key);
        let named = found.filter(Answer::blocks);
        let named = named.and_then(|found| text::refusal_of(&found, node, &key.to_string()));
        let problem = named.unwrap_or_else(|| match why {
            Heard::Several => {
                let budgets = Vec::new();
                let answer = Answer::Several { budgets };
                text::refusal_of(&answer, node, &key.to_string())
                    .unwrap_or_else(|| error.to_problem())
            }
            Heard::Corrupt(budget, said) => {
                let budget = budget.map_or_else(String::new, |budget| format!(" `{budget}`"));
                let detail = format!(
                    "{key} on node `{node}` cannot be evicted because of its disruption budget\
                     {budget}; {said}."
                );
                let summary = "Disruption budget is not in order";
                Problem::error(codes::NO_EVICTION, summary, Path::root(), detail).with_help(
                    "Look whether kube-controller-manager runs, which counts budgets anew.",
                )
            }
            _ => error.to_problem(),
        });
        Stuck::For(Box::new(problem))
    }

    fn not_in_time(&self) -> Problem {
        let all = self.tally.all();
        let names = all.iter().map(|(key, _, why)| format!("{key} ({why})"));
        let detail = format!(
            "After {} s there are still pods on node `{}`: {}.",
            self.evict.options.timeout.as_secs(),
            self.evict.node,
            text::named(names)
        );
        let blocked = all.iter().any(|(_, standing, _)| *standing == Standing::Held);
        let help = if blocked {
            "Find out why pods of the budget are not ready, or let it allow more to be away; then \
             do it again."
        } else {
            "Find out what keeps them from ending (a finalizer, a kubelet that does not answer, a \
             process that ignores SIGTERM), or allow more time; then do it again."
        };
        Problem::error(codes::NOT_IN_TIME, NOT_IN_TIME, Path::root(), detail).with_help(help)
    }
}

/// How a pod stands that was evicted, as a clause.
fn ending(seen: &Seen, pod: &Leaving) -> String {
    if let Some(trouble) = &seen.trouble {
        return format!("not seen: {trouble}");
    }
    let Some(now) = seen.pod(&pod.uid) else { return "ending".to_owned() };
    let finalizers = access::text::clean(&now.finalizers.join(" and "));
    match &now.terminating {
        None => "evicted".to_owned(),
        Some(at) if finalizers.is_empty() => format!("has until {at} to end"),
        Some(at) => format!("has until {at} to end, held by finalizer {finalizers}"),
    }
}
