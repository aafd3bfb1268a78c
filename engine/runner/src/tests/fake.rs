//! A world that can be stopped at any moment, and a journal beside it.

use crate::{Clock, Journal, Late, Options, Ports, run};
use addrs::{InstanceAddr, Scope, TypeName};
use plans::{
    Action, Basis, Bracket, BracketId, Change, Ended, Event, Exported, Fingerprints, Identity,
    Mode, ObjectKey, Op, Origin, Outcome, Plan, Problem, Recorded, Step, StepId, Stop, Target,
    Timestamp,
};
use provider::{
    BoxFuture, Observation, Performed, Preview, Progress, Providers, Search, Settled, StepError,
    Wanted,
};
use states::{JournalEntry, RunStarted, State};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use values::{Disruption, Type, Value};

/// What a step does when it is performed; without an entry it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Refuse,
    Doubt,
    Panic,
    /// Takes effect when somebody says so.
    Wait,
    /// Says twice what it waits for, and takes so many turns.
    Slow(u32),
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) acts: BTreeMap<StepId, Act>,
    pub(super) entries: Vec<JournalEntry>,
    /// Each effect in order.
    pub(super) effects: Vec<StepId>,
    pub(super) events: Vec<Event>,
    /// Everything durable in order, as text.
    pub(super) trace: Vec<String>,
    pub(super) running: usize,
    pub(super) most: usize,
    pub(super) resolved: Vec<StepId>,
    /// How many more durable things happen before the world stops; `None` is for ever.
    pub(super) left: Option<usize>,
    /// The journal is full after so many entries.
    pub(super) room: Option<usize>,
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) now: Duration,
}

/// Providers, journal, clock and all the rest in one.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) inner: Arc<Mutex<Inner>>,
    pub(super) stopped: Arc<Notify>,
    pub(super) go: Arc<Notify>,
}

impl World {
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap())
    }

    pub(super) fn act(self, id: u32, act: Act) -> Self {
        self.with(|w| w.acts.insert(StepId(id), act));
        self
    }

    /// Something durable is about to happen, or never will again.
    async fn tick(&self) {
        let stopped = self.with(|w| match &mut w.left {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        });
        if stopped {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn ports(&self) -> Ports {
        let world = self.clone();
        Ports {
            providers: Arc::new(self.clone()),
            journal: Arc::new(self.clone()),
            late: Arc::new(self.clone()),
            clock: Arc::new(self.clone()),
            events: Arc::new(move |event| world.with(|w| w.events.push(event))),
        }
    }

    pub(super) fn effects(&self) -> Vec<u32> {
        self.with(|w| w.effects.iter().map(|id| id.0).collect())
    }

    pub(super) fn failures(&self) -> Vec<String> {
        let failed = |event: &Event| match event {
            Event::StepFailed { id, why, bracket_open, .. } => {
                let open = if *bracket_open { ", open" } else { "" };
                Some(format!("{}: {why}{open}", id.0))
            }
            _ => None,
        };
        self.with(|w| w.events.iter().filter_map(failed).collect())
    }

    /// Runs the plan from its beginning.
    pub(super) async fn run(&self, plan: &Arc<Plan>, parallelism: usize) -> Outcome {
        let (_keep, stop) = watch::channel(None);
        self.run_until(plan, parallelism, stop).await
    }

    pub(super) async fn run_until(
        &self,
        plan: &Arc<Plan>,
        parallelism: usize,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Outcome {
        self.start(plan).await;
        run(plan, &BTreeMap::new(), self.ports(), stop, options(parallelism)).await
    }

    pub(super) async fn start(&self, plan: &Arc<Plan>) {
        self.with(|w| w.plan = Some(Arc::clone(plan)));
        self.append(&started()).await.unwrap();
    }
}

pub(super) fn options(parallelism: usize) -> Options {
    Options { parallelism: NonZeroUsize::new(parallelism).unwrap() }
}

fn id_of(op: &Op) -> StepId {
    StepId(op.text.parse().unwrap())
}

impl Journal for World {
    fn append<'a>(&'a self, entry: &'a JournalEntry) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            if self.with(|w| w.room.is_some_and(|room| w.entries.len() >= room)) {
                return Err("no space left on device".to_owned());
            }
            self.tick().await;
            // A disk takes a while: others get their turn.
            tokio::task::yield_now().await;
            self.with(|w| {
                w.trace.push(match entry {
                    JournalEntry::Begin { step } => format!("begin {}", step.0),
                    JournalEntry::End { step, ended, .. } => format!("end {} {ended:?}", step.0),
                    other => format!("{other:?}").split('(').next().unwrap().to_owned(),
                });
                w.entries.push(entry.clone());
            });
            Ok(())
        })
    }
}

impl Clock for World {
    fn elapsed(&self) -> Duration {
        self.with(|w| w.now)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.with(|w| i64::try_from(w.now.as_secs()).unwrap()))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.with(|w| w.now += duration);
        })
    }
}

impl Late for World {
    fn resolve(&self, step: &Step) -> Result<Op, String> {
        self.with(|w| w.resolved.push(step.id));
        match step.op.name.as_str() {
            "stubborn" => Err("it is still not known".to_owned()),
            "forged" => Ok(Op { guard: Value::from("another"), ..step.op.clone() }),
            "vague" => Ok(step.op.clone()),
            _ => Ok(Op { args: Value::from("known"), ..step.op.clone() }),
        }
    }

    fn done(&self, step: &Step, performed: &Performed) -> Result<(), String> {
        self.with(|w| w.trace.push(format!("told {} {:?}", step.id.0, performed.exported)));
        match step.op.name.as_str() {
            "disappointing" => Err("it is not what was hoped for".to_owned()),
            _ => Ok(()),
        }
    }
}

fn performed(id: StepId) -> Performed {
    Performed { exported: Value::from(i64::from(id.0)), uid: Some(format!("uid-{}", id.0)) }
}

impl Providers for World {
    fn perform<'a>(
        &'a self,
        op: &'a Op,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Performed, StepError>> {
        Box::pin(async move {
            let id = id_of(op);
            self.with(|w| {
                w.running += 1;
                w.most = w.most.max(w.running);
            });
            let act = self.with(|w| w.acts.get(&id).copied());
            match act {
                Some(Act::Panic) => panic!("provider bug"),
                Some(Act::Wait) => self.go.notified().await,
                Some(Act::Slow(turns)) => {
                    progress("the first".to_owned());
                    progress("web-0 to leave".to_owned());
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                }
                Some(Act::Refuse | Act::Doubt) | None => {}
            }
            self.with(|w| w.running -= 1);
            if act == Some(Act::Refuse) {
                return Err(StepError::Stale("it is no longer as it was".to_owned()));
            }
            self.tick().await;
            self.with(|w| effect(w, id));
            if act == Some(Act::Doubt) {
                return Err(StepError::InDoubt("the connection broke".to_owned()));
            }
            Ok(performed(id))
        })
    }

    fn settle<'a>(&'a self, op: &'a Op) -> BoxFuture<'a, Result<Settled, StepError>> {
        Box::pin(async move {
            let id = id_of(op);
            let done = self.with(|w| {
                // What opens and closes a bracket is done as long as nothing else did since.
                let of = |id: &StepId| w.plan.as_ref().and_then(|plan| plan.step(*id));
                let is_own = |id: &StepId| of(id).is_some_and(|step| step.addr.is_none());
                let mut effects =
                    w.effects.iter().rev().filter(|effect| is_own(effect) || !is_own(&id));
                if is_own(&id) { effects.next() == Some(&id) } else { effects.any(|e| *e == id) }
            });
            Ok(if done { Settled::Done(performed(id)) } else { Settled::NotDone })
        })
    }

    fn target(&self) -> BoxFuture<'_, Result<Target, Problem>> {
        unreachable!("the runner does not ask for it")
    }

    fn observe(&self, _: Vec<Wanted>) -> BoxFuture<'_, Vec<Observation>> {
        unreachable!("the runner does not look")
    }

    fn read(&self, _: &TypeName, _: Value) -> BoxFuture<'_, Result<Exported, Problem>> {
        unreachable!("the runner does not read")
    }

    fn preview(&self, _: Vec<Op>) -> BoxFuture<'_, Vec<Preview>> {
        unreachable!("the runner does not preview")
    }

    fn find(&self, _: &str) -> BoxFuture<'_, Result<Search, Problem>> {
        unreachable!("the runner does not search")
    }
}

/// Takes effect, and checks the laws of the moment: the begin is durable, and so is the end of
/// everything that the step needs.
fn effect(w: &mut Inner, id: StepId) {
    let plan = w.plan.clone().unwrap();
    let ended = states::replay(State::new("", ""), &w.entries).unfinished.unwrap().ended;
    assert_eq!(ended.get(&id), Some(&Ended::InDoubt), "{id:?} takes effect without a begin");
    let bracket = plan.brackets.iter().find(|b| b.closing.contains(&id));
    for need in &plan.step(id).unwrap().needs {
        let is_fellow = bracket.is_some_and(|b| b.steps.contains(need));
        match ended.get(need) {
            Some(Ended::Done) => {}
            // What failed is closed all the same, and so is what was never begun.
            Some(Ended::Failed(_) | Ended::NotStarted) | None if is_fellow => {}
            other => panic!("{id:?} does not wait for {need:?}, which is {other:?}"),
        }
    }
    w.trace.push(format!("effect {}", id.0));
    w.effects.push(id);
}

pub(super) fn started() -> JournalEntry {
    JournalEntry::RunStarted(RunStarted {
        run: "r".to_owned(),
        plan_id: "p".to_owned(),
        at: Timestamp(0),
        steps: 0,
        lineage: "l".to_owned(),
        serial: 1,
        project: "p".to_owned(),
        cluster_uid: "u".to_owned(),
        by: "ada@desk".to_owned(),
        forced: Vec::new(),
    })
}

pub(super) fn addr(id: u32) -> InstanceAddr {
    format!("thing.a[{id}]").parse().unwrap()
}

pub(super) fn identity(id: u32) -> Identity {
    Identity {
        key: ObjectKey(id.to_string().into()),
        args: Value::Null,
        shown: format!("Thing {id}"),
    }
}

pub(super) fn step(id: u32, needs: &[u32]) -> Step {
    let record = Recorded {
        identity: identity(id),
        uid: None,
        digest: String::new(),
        needs: Vec::new(),
        protected: false,
    };
    Step {
        id: StepId(id),
        addr: Some(addr(id)),
        scope: Scope::cluster(),
        action: Action::Create,
        op: Op {
            ty: "thing".parse().unwrap(),
            name: "make".to_owned(),
            identity: identity(id),
            args: Value::Null,
            guard: Value::Null,
            text: id.to_string(),
        },
        needs: needs.iter().copied().map(StepId).collect(),
        bracket: None,
        late: false,
        record: Some(record),
    }
}

pub(super) fn in_bracket(id: u32, needs: &[u32]) -> Step {
    Step { bracket: Some(BracketId(1)), ..step(id, needs) }
}

pub(super) fn late(id: u32, needs: &[u32], name: &str) -> Step {
    let mut step = step(id, needs);
    step.late = true;
    step.op.args = Value::Unknown(Type::String);
    name.clone_into(&mut step.op.name);
    step
}

/// The same step for this instance and its object.
pub(super) fn of(id: u32, step: Step) -> Step {
    Step { addr: Some(addr(id)), op: Op { identity: identity(id), ..step.op }, ..step }
}

pub(super) fn change(id: u32, action: Action) -> Change {
    Change {
        addr: addr(id),
        identity: identity(id),
        scope: Scope::cluster(),
        action,
        create_first: false,
        reason: None,
        disruption: Disruption::Quiet,
        before: None,
        after: None,
        basis: Basis::Local,
        origin: Origin::Pending,
        notes: Vec::new(),
        blocked: Vec::new(),
    }
}

pub(super) fn plan(steps: Vec<Step>) -> Arc<Plan> {
    let change = |s: &Step| {
        let identity = s.op.identity.clone();
        Some(Change { addr: s.addr.clone()?, identity, ..change(0, s.action) })
    };
    let changes = steps.iter().filter_map(change).collect();
    plan_of(steps, changes)
}

/// A step of a bracket's own.
pub(super) fn own(id: u32, needs: &[u32]) -> Step {
    Step { addr: None, record: None, ..in_bracket(id, needs) }
}

/// What comes before the first edit opens a bracket, what comes after closes it.
fn brackets_of(steps: &[Step]) -> Vec<Bracket> {
    let inside: Vec<&Step> = steps.iter().filter(|s| s.bracket.is_some()).collect();
    let Some(first) = inside.iter().position(|s| s.addr.is_some()) else { return Vec::new() };
    let closing = inside[first..].iter().filter(|s| s.addr.is_none());
    let bracket = Bracket {
        id: BracketId(1),
        scope: Scope::cluster(),
        disruption: Disruption::Drain,
        steps: inside.iter().map(|s| s.id).collect(),
        closing: closing.map(|s| s.id).collect(),
        forecast: Vec::new(),
    };
    vec![bracket]
}

pub(super) fn plan_of(steps: Vec<Step>, changes: Vec<Change>) -> Arc<Plan> {
    Arc::new(Plan {
        id: "p".to_owned(),
        made: Timestamp(0),
        mode: Mode::Normal,
        project: "p".to_owned(),
        target: Target {
            name: String::new(),
            server: String::new(),
            uid: String::new(),
            version: String::new(),
        },
        fingerprints: Fingerprints {
            config: String::new(),
            engine: String::new(),
            lineage: String::new(),
            serial: 0,
        },
        changes,
        outputs: Vec::new(),
        brackets: brackets_of(&steps),
        rollouts: Vec::new(),
        turns: Vec::new(),
        steps,
        remember: Vec::new(),
        complete: true,
        blocked: Vec::new(),
        rights: Vec::new(),
    })
}

/// How each step ended, in short.
pub(super) fn ends(outcome: &Outcome) -> String {
    let end = |(_, ended): &(StepId, Ended)| match ended {
        Ended::Done => "done",
        Ended::Failed(_) => "failed",
        Ended::NotStarted => "-",
        Ended::InDoubt => "doubt",
    };
    outcome.steps.iter().map(end).collect::<Vec<_>>().join(" ")
}
