//! The world: an API server, the machines of its nodes, and what happens there by itself.
//!
//! Whatever is done to it passes [`World::before`] and [`World::after`]: there it is counted, there
//! a process dies when its hour has come, and there the invariants are looked at.

mod api;
mod goal;
mod kubelet;
mod machine;
mod pods;

pub(crate) use api::NodeView;
pub(crate) use kubelet::CONFIG;
pub(crate) use machine::{Machine, only_looks};

use crate::clock::Clock;
use crate::history::History;
use crate::invariants::{self, Moment, Violation};
use crate::planted::Planted;
use crate::process::End;
use crate::story::{Act, Mishap, REBOOTS, Script};
use crate::touch::Touch;
use sandbox::{Options, Sandbox, SequentialIdentities};
use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// The nodes, the control plane first.
pub(crate) const NODES: [&str; 3] = ["control-plane-1", "worker-1", "worker-2"];

/// How a line of the trace begins that says what did not hold.
pub(crate) const VIOLATION: &str = "VIOLATION";

/// How long a kubelet takes until it reports that its node is ready.
const REPORTS: Duration = Duration::from_secs(3);
/// How long nothing is heard of a node until it is not ready.
///
/// Source: `--node-monitor-grace-period` of `kube-controller-manager`, less in a small world.
const SILENT: Duration = Duration::from_secs(40);

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crash {
    /// The effect, counted from the beginning of the world.
    pub effect: u64,
    /// Whether that effect is done before.
    pub done: bool,
}

impl fmt::Display for Crash {
    /// `12` before effect 12, `12+` after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.effect, if self.done { "+" } else { "" })
    }
}

impl FromStr for Crash {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (number, done) = match text.strip_suffix('+') {
            Some(number) => (number, true),
            None => (text, false),
        };
        Ok(Self { effect: number.parse()?, done })
    }
}

/// Something that happens when its time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    PodReady(String),
    PodEnds(String),
    /// The controllers of pods look.
    Controllers,
    /// The kubelet that was started so many times reports.
    Reports {
        node: String,
        starts: u32,
    },
    /// Nobody heard of the node.
    Silent {
        node: String,
    },
    Act(Act),
}

/// The world.
pub(crate) struct World {
    pub(crate) clock: Arc<Clock>,
    sandbox: Sandbox,
    pub(crate) machines: BTreeMap<String, Machine>,
    pub(crate) planted: Option<Planted>,
    script: Script,
    crashes: Mutex<Vec<Crash>>,
    /// Nothing goes wrong any more.
    calm: AtomicBool,
    /// Whether kubelets are to have the new settings.
    pub(crate) goal_of_kubelets: AtomicBool,
    inner: Mutex<Inner>,
    death: Notify,
    queued: Notify,
    /// A person asks the process to stop.
    pub(crate) interrupt: Notify,
}

struct Inner {
    effects: u64,
    queue: BTreeMap<(Duration, u64), Happening>,
    order: u64,
    history: History,
    pods: pods::Pods,
    /// The nodes, as long as nobody changes one.
    nodes: Option<Vec<NodeView>>,
    violations: Vec<Violation>,
}

impl World {
    /// A world in which these things go wrong.
    pub(crate) fn new(script: Script, crashes: Vec<Crash>, planted: Option<Planted>) -> Arc<Self> {
        let clock = Arc::new(Clock::default());
        let options = Options {
            clock: clock.clone(),
            identities: Arc::new(SequentialIdentities::default()),
            controllers: false,
            ..Options::real()
        };
        let machines = NODES.map(|node| (node.to_owned(), Machine::new(node, &clock)));
        let machines = BTreeMap::from(machines);
        let inner = Inner {
            effects: 0,
            queue: BTreeMap::new(),
            order: 0,
            history: History::new(&machines),
            pods: pods::Pods::default(),
            nodes: None,
            violations: Vec::new(),
        };
        let world = Arc::new(Self {
            sandbox: Sandbox::in_memory_with(options),
            clock,
            machines,
            planted,
            crashes: Mutex::new(crashes),
            calm: AtomicBool::new(false),
            goal_of_kubelets: AtomicBool::new(true),
            inner: Mutex::new(inner),
            death: Notify::new(),
            queued: Notify::new(),
            interrupt: Notify::new(),
            script,
        });
        world.furnish();
        for (at, act) in world.script.acts.clone() {
            world.later(at, Happening::Act(act));
        }
        world
    }

    pub(crate) fn history<T>(&self, look: impl FnOnce(&mut History) -> T) -> T {
        look(&mut self.inner().history)
    }

    pub(crate) fn effects(&self) -> u64 {
        self.inner().effects
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.inner().violations.clone()
    }

    /// Writes down what happened.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        let now = self.clock.now();
        self.inner().history.note(now, &text.to_string());
    }

    /// Somebody is about to do this. What goes wrong with it; does not return when the process
    /// dies of it.
    pub(crate) async fn before(&self, touch: &Touch) -> Option<Mishap> {
        let number = {
            let mut inner = self.inner();
            inner.effects += 1;
            inner.effects
        };
        if self.calm.load(Ordering::Relaxed) {
            return None;
        }
        if self.dies_at(Crash { effect: number, done: false }) {
            self.note(format_args!("{number} {touch}: dies before it"));
            self.die().await;
        }
        let mishap = self.script.mishaps.get(&number).copied();
        if let Some(mishap) = mishap {
            self.note(format_args!("{number} {touch}: {mishap:?}"));
        }
        mishap
    }

    /// Somebody did this.
    pub(crate) async fn after(&self, touch: &Touch) {
        let number = self.effects();
        self.note(format_args!("{number} {touch}"));
        let now = self.clock.now();
        self.inner().history.done(touch, now);
        self.follows(touch);
        self.look(Moment::Effect(touch));
        self.is_over(touch).await;
    }

    /// Somebody tried this, and it was not done.
    pub(crate) async fn not_done(&self, touch: &Touch) {
        self.note(format_args!("{touch}: not done"));
        self.is_over(touch).await;
    }

    /// Does not return when the process dies after its last effect.
    async fn is_over(&self, touch: &Touch) {
        let number = self.effects();
        let calm = self.calm.load(Ordering::Relaxed);
        if !calm && self.dies_at(Crash { effect: number, done: true }) {
            self.note(format_args!("{number} {touch}: dies after it"));
            self.die().await;
        }
    }

    /// What the cluster and the machines do about it.
    fn follows(&self, touch: &Touch) {
        if matches!(touch, Touch::Object(request) if request.resource == "nodes") {
            self.inner().nodes = None;
        }
        match touch {
            Touch::Object(request) if matches!(request.resource.as_str(), "pods" | "nodes") => {
                self.pods_changed();
            }
            Touch::Command { node, .. } => self.kubelet_changed(node),
            Touch::Object(_) | Touch::File { .. } => {}
        }
    }

    /// A kubelet came up or went down.
    pub(crate) fn kubelet_changed(&self, node: &str) {
        let Some(machine) = self.machines.get(node) else { return };
        let (up, starts) = machine.kubelet(|kubelet| (kubelet.is_up(), kubelet.starts));
        let node = node.to_owned();
        if up {
            self.later(REPORTS, Happening::Reports { node, starts });
        } else {
            self.later(SILENT, Happening::Silent { node });
        }
    }

    /// A process is to die there, too.
    pub(crate) fn crashes_at(&self, point: Crash) {
        self.crashes.lock().unwrap_or_else(PoisonError::into_inner).push(point);
    }

    fn dies_at(&self, point: Crash) -> bool {
        self.crashes.lock().unwrap_or_else(PoisonError::into_inner).contains(&point)
    }

    /// The process ends here.
    async fn die(&self) {
        self.death.notify_one();
        std::future::pending::<()>().await;
    }

    /// Returns when the process is to die.
    pub(crate) async fn death(&self) {
        self.death.notified().await;
    }

    /// Nothing goes wrong any more, as soon as everybody has undone what is in the way.
    pub(crate) fn calms_down(&self) {
        let end = self.script.end() + Duration::from_mins(2);
        self.passes(end.saturating_sub(self.clock.now()));
        self.calm.store(true, Ordering::Relaxed);
        self.note("nothing goes wrong any more");
    }

    /// This will happen after a while.
    pub(crate) fn later(&self, after: Duration, what: Happening) {
        let at = self.clock.now() + after;
        let mut inner = self.inner();
        inner.order += 1;
        let order = inner.order;
        inner.queue.insert((at, order), what);
        drop(inner);
        self.queued.notify_one();
    }

    /// Lets happen what happens by itself, for as long as a process runs.
    pub(crate) async fn live(&self) {
        loop {
            while let Some(what) = self.due() {
                self.happens(what);
            }
            let next = self.inner().queue.first_key_value().map(|((at, _), _)| *at);
            match next {
                Some(at) => {
                    let pause = at.saturating_sub(self.clock.now());
                    tokio::select! {
                        biased;
                        () = self.queued.notified() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                None => self.queued.notified().await,
            }
        }
    }

    /// The same for some time in which no process runs.
    pub(crate) fn passes(&self, time: Duration) {
        let end = self.clock.now() + time;
        loop {
            let next = self.inner().queue.first_key_value().map(|((at, _), _)| *at);
            match next.filter(|at| *at <= end) {
                Some(at) => self.clock.pass_until(at),
                None => return self.clock.pass_until(end),
            }
            while let Some(what) = self.due() {
                self.happens(what);
            }
        }
    }

    fn due(&self) -> Option<Happening> {
        let now = self.clock.now();
        let mut inner = self.inner();
        let ((at, _), _) = inner.queue.first_key_value()?;
        if *at > now {
            return None;
        }
        inner.queue.pop_first().map(|(_, what)| what)
    }

    fn happens(&self, what: Happening) {
        match &what {
            Happening::PodReady(name) => self.pod_ready(name),
            Happening::PodEnds(name) => self.pod_ends(name),
            Happening::Controllers => self.controllers(),
            Happening::Reports { node, starts } => self.reports(node, *starts),
            Happening::Silent { node } => self.silent(node),
            Happening::Act(act) => self.act(act),
        }
        if matches!(what, Happening::Act(_) | Happening::Reports { .. }) {
            self.pods_changed();
        }
        self.look(Moment::Happening);
    }

    fn reports(&self, node: &str, starts: u32) {
        let Some(machine) = self.machines.get(node) else { return };
        if machine.kubelet(|kubelet| kubelet.is_up() && kubelet.starts == starts) {
            self.set_ready(node, "True");
        }
    }

    fn silent(&self, node: &str) {
        let Some(machine) = self.machines.get(node) else { return };
        if !machine.kubelet(|kubelet| kubelet.is_up()) {
            self.note(format_args!("nothing is heard of {node}"));
            self.set_ready(node, "Unknown");
        }
    }

    /// Somebody else does something.
    fn act(&self, act: &Act) {
        self.note(act);
        match act {
            Act::Cordon(node) => {
                let free = self.node(node).is_some_and(|node| !node.unschedulable);
                if free {
                    self.set_unschedulable(node, true);
                    self.history(|history| history.foreign.insert(node.clone()));
                }
            }
            Act::Uncordon(node) => {
                let theirs = self.history(|history| history.foreign.remove(node));
                if theirs {
                    self.set_unschedulable(node, false);
                }
            }
            Act::Edit { node, path, text } => {
                let Some(machine) = self.machines.get(node) else { return };
                machine.put(path, text);
                self.history(|history| history.somebody_wrote(node, path, text));
            }
            Act::DeletePod => self.delete_a_pod(),
            Act::Budget(least) => self.budget_wants(*least),
            Act::Away(node, time) => {
                let until = self.clock.now() + *time;
                if let Some(machine) = self.machines.get(node) {
                    machine.goes_away(until);
                }
            }
            Act::Reboot(node) => self.reboot(node),
            Act::Dislike(node, part) => {
                let Some(machine) = self.machines.get(node) else { return };
                machine.kubelet(|kubelet| kubelet.dislikes.clone_from(part));
            }
            Act::Interrupt => self.interrupt.notify_waiters(),
        }
    }

    /// The machine is away for a while, and its kubelet starts anew.
    fn reboot(&self, node: &str) {
        let Some(machine) = self.machines.get(node) else { return };
        let now = self.clock.now();
        machine.goes_away(now + REBOOTS);
        machine.start_kubelet(now);
        if machine.kubelet(|kubelet| !kubelet.is_up()) {
            self.history(|history| history.fell.insert(node.to_owned()));
        }
        self.kubelet_changed(node);
    }

    /// A process begins.
    pub(crate) fn begins(&self) {
        let left = self.nodes().into_iter().filter(|node| node.holder.is_some());
        let left = left.map(|node| node.name).collect();
        self.history(|history| history.begins(left));
    }

    /// A process has ended.
    pub(crate) fn ended(&self, end: &End) {
        match end {
            End::Exited(exit) => {
                self.history(|history| history.exits.push((**exit).clone()));
                self.look(Moment::Exit(exit));
            }
            End::Endless => self.look(Moment::Endless),
            End::Died => {}
        }
    }

    /// Looks at every invariant.
    pub(crate) fn look(&self, moment: Moment<'_>) {
        let known: Vec<&str> = self.violations().iter().map(|one| one.id).collect();
        let found = invariants::look(self, &moment, &known);
        let mut inner = self.inner();
        inner.history.events += 1;
        for violation in found {
            let now = self.clock.now();
            inner.history.note(now, &format!("{VIOLATION} {violation}"));
            inner.violations.push(violation);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
