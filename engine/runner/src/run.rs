//! The walk.

use crate::Ports;
use crate::graph::{Graph, tally};
use crate::step::{Report, reason, run_step};
use crate::turns::Now;
use plans::{Ended, Event, Outcome, Plan, Step, StepId, Stop};
use states::{JournalEntry, RecordChange};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many steps run at once.
    pub parallelism: NonZeroUsize,
}

/// Runs every step of the plan that is not done yet.
///
/// `already` is what an earlier attempt at the same plan left: done steps are not done again,
/// steps in doubt and what needs them are not begun (settle them first, see
/// [`settle_in_doubt`](crate::settle_in_doubt)), failed ones are tried again.
///
/// # Interruption
///
/// A [`Stop::Gently`] waits for the steps that run, and brings back into service what is out of
/// it; a [`Stop::Now`] returns at once, and the steps that run are [`Ended::InDoubt`], though they
/// may still end in the background. When this future is dropped, no step begins any more.
///
/// A bracket that an earlier attempt did not finish is opened again, whatever that did.
pub async fn run(
    plan: &Arc<Plan>,
    already: &BTreeMap<StepId, Ended>,
    ports: Ports,
    mut stop: watch::Receiver<Option<Stop>>,
    options: Options,
) -> Outcome {
    let mut walk = Walk::new(plan, already, ports, stop.clone());
    walk.take_back().await;
    let mut heard = None;
    let mut listening = true;
    loop {
        let asked = *stop.borrow_and_update();
        if asked > heard {
            heard = asked;
            if let Some(urgency) = asked {
                walk.graph.stop();
                walk.ports.providers.stopping();
                (walk.ports.events)(Event::Stopping(urgency));
            }
        }
        if heard == Some(Stop::Now) {
            break;
        }
        let wake = walk.begin(options.parallelism.get());
        if walk.running.is_empty() && wake.is_none() {
            // An edit may have waited for what failed elsewhere.
            if !walk.journal_lost && (walk.graph.give_up() || walk.graph.stop()) {
                continue;
            }
            break;
        }
        let clock = Arc::clone(&walk.ports.clock);
        tokio::select! {
            biased;
            changed = stop.changed(), if listening => listening = changed.is_ok(),
            ended = walk.reports.recv() => {
                if let Some((id, report)) = ended {
                    walk.end(id, report);
                }
            }
            () = clock.sleep(wake.unwrap_or_default()), if wake.is_some() => {}
        }
    }
    walk.finish(heard)
}

struct Walk<'a> {
    plan: &'a Arc<Plan>,
    graph: Graph<'a>,
    ports: Ports,
    stop: watch::Receiver<Option<Stop>>,
    running: BTreeMap<StepId, Step>,
    reports: mpsc::UnboundedReceiver<(StepId, Report)>,
    report: mpsc::UnboundedSender<(StepId, Report)>,
    journal_lost: bool,
    /// Steps that are done, while what must hold then does not.
    unkept: BTreeSet<StepId>,
    /// Dropped with the walk: a step that is about to begin then does not.
    alive: Arc<()>,
}

impl<'a> Walk<'a> {
    fn new(
        plan: &'a Arc<Plan>,
        already: &BTreeMap<StepId, Ended>,
        ports: Ports,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let (report, reports) = mpsc::unbounded_channel();
        let graph = Graph::new(plan, already);
        Self {
            plan,
            graph,
            ports,
            stop,
            running: BTreeMap::new(),
            reports,
            report,
            journal_lost: false,
            unkept: BTreeSet::new(),
            alive: Arc::new(()),
        }
    }

    /// Notes that what opens and closes a bracket does not count as done any more. Else a crash
    /// after its last edit would leave a journal by which the bracket was closed, long before.
    async fn take_back(&mut self) {
        for step in self.graph.again() {
            let (ended, change) = (Ended::NotStarted, RecordChange::Keep);
            let entry = JournalEntry::End { step, ended, change };
            if let Err(why) = self.ports.journal.append(&entry).await {
                let why = format!("The journal could not be written, so nothing was begun: {why}");
                let Some(begun) = self.plan.step(step).cloned() else { continue };
                self.running.insert(step, begun);
                self.end(step, Report::JournalLost(Ended::Failed(why.clone()), why));
                return;
            }
        }
    }

    /// Begins what may begin, up to the limit. Gives back when to ask again though nothing ended.
    fn begin(&mut self, limit: usize) -> Option<Duration> {
        if self.journal_lost {
            return None;
        }
        let opened = self.graph.open_turns(self.now());
        for (scope, pause) in opened.pauses {
            (self.ports.events)(Event::Pausing { scope, pause });
        }
        while self.running.len() < limit {
            let Some(step) = self.graph.next().and_then(|id| self.plan.step(id)) else { break };
            self.running.insert(step.id, step.clone());
            self.spawn(step.clone());
        }
        opened.wake
    }

    fn now(&self) -> Now {
        Now { elapsed: self.ports.clock.elapsed(), time: self.ports.clock.now() }
    }

    fn spawn(&self, step: Step) {
        let (ports, report) = (self.ports.clone(), self.report.clone());
        let (asked, closes) = (self.stop.clone(), self.graph.closes(step.id));
        let alive = Arc::downgrade(&self.alive);
        tokio::spawn(async move {
            let id = step.id;
            let may_begin = move || {
                let asked = *asked.borrow();
                (asked.is_none() || (closes && asked == Some(Stop::Gently)))
                    && alive.strong_count() > 0
            };
            let work = tokio::spawn(async move { run_step(&step, &ports, may_begin).await });
            let report_of = |panic| {
                let why = format!("An internal error interrupted it: {}.", reason(panic));
                Report::Bad(Ended::InDoubt, why)
            };
            let ended = work.await.unwrap_or_else(report_of);
            // Nobody listens after a second interrupt; the journal has it all the same.
            let _ = report.send((id, ended));
        });
    }

    fn end(&mut self, id: StepId, report: Report) {
        let Some(step) = self.running.remove(&id) else { return };
        let (addr, action) = (step.addr, step.action);
        let shown = step.op.identity.shown;
        match report {
            Report::Done(elapsed) => {
                self.graph.end(id, Ended::Done);
                (self.ports.events)(Event::StepFinished { id, addr, action, shown, elapsed });
            }
            Report::Unkept(elapsed, why) => {
                // For what is still to come it is as if it had failed.
                self.graph.end(id, Ended::Failed(why));
                self.unkept.insert(id);
                (self.ports.events)(Event::StepFinished { id, addr, action, shown, elapsed });
            }
            Report::NotStarted => self.graph.end(id, Ended::NotStarted),
            Report::Bad(ended, why) => {
                self.graph.end(id, ended);
                let bracket_open = self.graph.leaves_open(id);
                (self.ports.events)(Event::StepFailed { id, addr, action, why, bracket_open });
            }
            Report::JournalLost(ended, why) => {
                self.journal_lost = true;
                self.graph.end(id, ended);
                let bracket_open = self.graph.leaves_open(id);
                (self.ports.events)(Event::StepFailed { id, addr, action, why, bracket_open });
            }
        }
    }

    fn finish(mut self, stopped: Option<Stop>) -> Outcome {
        for id in self.running.keys() {
            self.graph.end(*id, Ended::InDoubt);
        }
        let held = match stopped {
            None => self.graph.refusals(self.now()),
            Some(_) => Vec::new(),
        };
        let unkept = self.unkept;
        let as_is = |(id, ended)| (id, if unkept.contains(&id) { Ended::Done } else { ended });
        let steps: Vec<_> = self.graph.steps().into_iter().map(as_is).collect();
        Outcome { done: tally(self.plan, &steps), steps, stopped, held }
    }
}
