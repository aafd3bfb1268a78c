//! What a person does with clinch: `apply`, or `apply -resume`.
//!
//! The command line does the same in the same order (`commands/apply.rs` there), with a terminal,
//! signals and files around it. Everything that is decided is decided in the crates that both call.

use crate::gate::Gate;
use crate::hand::Hand;
use crate::process::Process;
use crate::site::{self, Goal};
use crate::watched::{Kept, Watched};
use access::{Cluster, Fence, Host, Hosts};
use addrs::InstanceAddr;
use config::InMemory;
use diags::{Diagnostics, SourceMap};
use lang::{Given, GivenValue, Inputs};
use planner::{Planning, Selection};
use plans::{Allowed, Event, Fingerprints, Mode, Outcome, Plan, Recorded, Stop, Target, Timestamp};
use provider::{BoxFuture, Catalog};
use remote::{Claim, Holder, Lock, Room};
use schemas::event::v1::Line;
use session::{
    Ahead, Applied, ApplyOptions, Ground, Loaded, Picture, Resumed, Store as _, World as Ports,
};
use states::{State, UnfinishedRun};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::watch;
use view::Style;

/// How long the lock holds without a sign of life.
const LEASE: Duration = Duration::from_mins(1);
/// How long a person waits for it.
const WAITS: Duration = Duration::from_mins(10);

static TYPES: LazyLock<Arc<dyn Catalog>> = LazyLock::new(|| Arc::new(wiring::Types::new(None)));

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// `clinch apply`
    Apply,
    /// `clinch apply -resume`
    Resume,
}

/// The same, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) command: Command,
    /// How far the clock of the machine is off, in seconds.
    pub(crate) skew: i64,
    /// What is in the folder of the configuration.
    pub(crate) goal: Goal,
}

impl Order {
    pub(crate) fn new(command: Command) -> Self {
        Self { command, skew: 0, goal: Goal::First }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.command {
            Command::Apply => "clinch apply",
            Command::Resume => "clinch apply -resume",
        })
    }
}

/// What a process came to.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    /// As the shell sees it.
    pub(crate) code: u8,
    /// What ran, and what became of it; `None` when nothing was begun.
    pub(crate) ran: Option<(Arc<Plan>, Outcome)>,
    /// Whether there was anything to do.
    pub(crate) changes: bool,
    /// What was said at the end.
    pub(crate) words: String,
}

/// Does it.
pub(crate) async fn operate(process: Arc<Process>, order: Order) -> Exit {
    let person = Person { process: process.clone(), order };
    let exit = match person.works().await {
        Ok(exit) => exit,
        Err(problems) => {
            let words = told(&problems, &SourceMap::default());
            Exit { code: 1, ran: None, changes: true, words }
        }
    };
    process.said(&exit.words);
    let frame = ['╷', '│', '╵', ' '];
    let mut lines = exit.words.lines().map(|line| line.trim_start_matches(frame));
    let first = lines.find(|line| !line.is_empty());
    process.world.note(format_args!(
        "process {} ends with {}: {}",
        process.number,
        exit.code,
        first.unwrap_or_default()
    ));
    exit
}

struct Person {
    process: Arc<Process>,
    order: Order,
}

/// Everything that is there once the state is open.
struct Desk {
    ports: Ports,
    store: Kept,
    state: State,
    unfinished: Option<UnfinishedRun>,
    target: Target,
    cordoned: Vec<String>,
    in_doubt: BTreeMap<InstanceAddr, Recorded>,
}

impl Person {
    async fn works(&self) -> Result<Exit, Diagnostics> {
        let cluster = self.cluster();
        let room = Room::new(cluster.clone(), session::STATE_NAMESPACE, site::PROJECT);
        let lock = room.lock(&self.claim(), &|_| {}).await?;
        let done = self.under(&lock, cluster, room).await;
        let mut extra = Diagnostics::new();
        extra.extend(lock.problem());
        lock.release().await;
        let mut exit = done?;
        if extra.has_errors() {
            exit.code = 1;
            exit.words.push_str(&told(&extra, &SourceMap::default()));
        }
        Ok(exit)
    }

    async fn under(&self, lock: &Lock, cluster: Cluster, room: Room) -> Result<Exit, Diagnostics> {
        let store = remote::Store::new(room).under(lock);
        let store = Kept { real: store, process: self.process.clone() };
        let loaded = store.load().await?;
        let real = wiring::World::new(cluster, self.hosts(), site::PROJECT);
        let real = real.keeping_state_in(session::STATE_NAMESPACE);
        let target = provider::Providers::target(&real).await.map_err(of_problem)?;
        let fence = lock.number();
        let fence = fence.map(|(number, by)| Fence::new(site::PROJECT, &target.uid, number, &by));
        let real = fence.iter().fold(real, wiring::World::fenced);
        let cordoned = match &loaded.unfinished {
            Some(_) => real.left_cordoned(site::PROJECT).await.map_err(of_problem)?,
            None => Vec::new(),
        };
        let listener = self.process.clone();
        let watched = Watched { real, process: self.process.clone() };
        let ports = Ports {
            catalog: TYPES.clone(),
            providers: Arc::new(watched),
            clock: Arc::new(self.passing()),
            events: Arc::new(move |event| listener.heard(&event)),
        };
        let lineage = format!("lineage-{}", self.process.number);
        let state = loaded.state.unwrap_or_else(|| State::new(lineage, site::PROJECT));
        let unfinished = loaded.unfinished;
        let in_doubt = match &unfinished {
            Some(run) => session::in_doubt(&state, run, &store.kept(&run.run).await?.plan),
            None => BTreeMap::new(),
        };
        let desk = Desk { ports, store, state, unfinished, target, cordoned, in_doubt };
        match (self.order.command, &desk.unfinished, &loaded.left) {
            (Command::Apply, ..) => {
                // The first thing that is said.
                let held = desk.cordoned.join(", ");
                let mut exit = self.applies(&desk, lock).await?;
                exit.words.push_str(&held);
                Ok(exit)
            }
            (Command::Resume, Some(run), _) => self.resumes(&desk, run, lock).await,
            (Command::Resume, None, Some(_)) => {
                desk.store.commit(&desk.state, true).await?;
                Ok(exit_of_nothing("The run had finished all its steps."))
            }
            (Command::Resume, None, None) => Err(session::nothing_to_resume().into()),
        }
    }

    async fn applies(&self, desk: &Desk, lock: &Lock) -> Result<Exit, Diagnostics> {
        let mut sources = SourceMap::default();
        let text = self.order.goal.text();
        let mut files: InMemory = [("main.hcl", &*text)].into_iter().collect();
        let loaded = self.load(&mut files, &mut sources)?;
        let (mut planning, picture) = self.plan(&loaded, desk).await;
        let shown = view::human::plan(&planning.plan, &Style::plain(), view::Detail::Full);
        self.process.said(&shown);
        self.process.said(&told(&planning.diagnostics, &sources));
        if planning.diagnostics.has_errors() {
            return Ok(refuses(told(&planning.diagnostics, &sources)));
        }
        if let Some(why) = in_the_way(&mut planning.plan, &BTreeSet::new(), desk).await? {
            return Ok(refuses(why));
        }
        if let Some(stranded) = stranded(desk, &planning.plan) {
            return Ok(refuses(stranded));
        }
        if !planning.plan.has_changes() && planning.plan.remember.is_empty() {
            if desk.unfinished.is_some() {
                desk.store.commit(&desk.state, true).await?;
            }
            return Ok(exit_of_nothing("Apply complete! Resources: 0 added"));
        }
        let snapshot = session::snapshot(&loaded, &sources);
        let saved = schemas::plan::SavedPlan { plan: planning.plan, snapshot };
        let plan = Arc::new(saved.plan.clone());
        let seen = (picture, planning.exports);
        let stop = self.stop(lock);
        let ground = ground(&loaded, desk);
        let applied = session::apply(saved, seen, ground, &self.options(), stop).await?;
        Ok(Self::exit(applied, plan, &sources))
    }

    async fn resumes(
        &self,
        desk: &Desk,
        run: &UnfinishedRun,
        lock: &Lock,
    ) -> Result<Exit, Diagnostics> {
        let mut saved = desk.store.kept(&run.run).await?;
        let mut sources = SourceMap::default();
        let loaded = self.load(&mut session::snapshot_sources(&saved.snapshot), &mut sources)?;
        session::check_resumed(&saved.plan, &loaded)?;
        let (planning, picture) = self.plan(&loaded, desk).await;
        let seen = (picture, planning.exports);
        if let Some(why) = in_the_way(&mut saved.plan, &run.done().collect(), desk).await? {
            return Ok(refuses(why));
        }
        let plan = Arc::new(saved.plan.clone());
        let resumed = Resumed::new(saved.plan, desk.unfinished.clone())?;
        let (ground, stop) = (ground(&loaded, desk), self.stop(lock));
        let applied = session::resume(resumed, seen, ground, &self.options(), stop).await?;
        Ok(Self::exit(applied, plan, &sources))
    }

    fn exit(applied: Applied, plan: Arc<Plan>, sources: &SourceMap) -> Exit {
        let Applied { outcome, diagnostics, .. } = applied;
        let complete = outcome.is_complete();
        let code = match outcome.stopped {
            Some(_) if !complete => 130,
            _ if complete && !diagnostics.has_errors() => 0,
            _ => 1,
        };
        let summary = view::human::outcome(&outcome, &plan, &Style::plain());
        let words = format!("{summary}\n{}", told(&diagnostics, sources));
        Exit { code, ran: Some((plan, outcome)), changes: true, words }
    }

    fn cluster(&self) -> Cluster {
        let gate = Gate(self.process.clone());
        Cluster::from_client(kube::Client::new(gate, "default"), "sim", "sim")
    }

    fn hosts(&self) -> Hosts {
        let machines = self.process.world.machines.iter();
        Hosts::of(machines.map(|(node, machine)| -> Arc<dyn Host> {
            let (process, machine) = (self.process.clone(), machine.clone());
            Arc::new(Hand { process, node: node.clone(), machine, number: None })
        }))
    }

    fn claim(&self) -> Claim {
        let holder = Holder {
            pid: self.process.number,
            host: format!("machine-{}", self.process.number),
            user: "admin".to_owned(),
            operation: "apply".to_owned(),
            since: self.now().0,
        };
        Claim { holder, run: self.name(), lease: LEASE, timeout: WAITS }
    }

    fn name(&self) -> String {
        format!("run-{}", self.process.number)
    }

    fn passing(&self) -> Passing {
        Passing { began: tokio::time::Instant::now(), now: self.now() }
    }

    /// The clock of the machine that the person sits at.
    fn now(&self) -> Timestamp {
        Timestamp(self.process.world.clock.second() + self.order.skew)
    }

    fn load(
        &self,
        files: &mut InMemory,
        sources: &mut SourceMap,
    ) -> Result<Arc<Loaded>, Diagnostics> {
        let token = Given {
            value: GivenValue::Raw(site::CANARY.to_owned()),
            origin: "-var token".to_owned(),
            span: None,
        };
        let given = BTreeMap::from([("token".to_owned(), token)]);
        let inputs = Inputs { given, cwd: "/shop".to_owned() };
        let (loaded, problems) = session::load(".", site::PROJECT, files, sources, &inputs, &TYPES);
        if problems.has_errors() {
            self.process.said(&told(&problems, sources));
            return Err(problems);
        }
        Ok(Arc::new(loaded))
    }

    async fn plan(&self, loaded: &Loaded, desk: &Desk) -> (Planning, Picture) {
        let options = planner::Options {
            mode: Mode::Normal,
            id: format!("plan-{}", self.process.number),
            now: self.now(),
            project: site::PROJECT.to_owned(),
            target: desk.target.clone(),
            fingerprints: Fingerprints {
                config: loaded.digest.clone(),
                engine: env!("CARGO_PKG_VERSION").to_owned(),
                lineage: desk.state.lineage.clone(),
                serial: desk.state.serial,
            },
            cwd: loaded.cwd.clone(),
            replace: BTreeSet::new(),
            selection: Selection::All,
            allowed: Allowed::default(),
            left_open: desk.cordoned.iter().cloned().collect(),
        };
        let state = session::with_in_doubt(&desk.state, &desk.in_doubt);
        let seen = session::plan(loaded, &state, &desk.ports, &options, Ahead::default()).await;
        let (mut planning, picture) = seen;
        session::remember_in_doubt(&mut planning.plan, &desk.in_doubt);
        (planning, picture)
    }

    fn options(&self) -> ApplyOptions {
        ApplyOptions {
            run: self.name(),
            now: self.now(),
            by: "admin".to_owned(),
            forced: Vec::new(),
            parallelism: NonZeroUsize::new(10).unwrap_or(NonZeroUsize::MIN),
        }
    }

    /// Asked to stop by a person, or since the lock is lost.
    fn stop(&self, lock: &Lock) -> watch::Receiver<Option<Stop>> {
        let (sender, stop) = watch::channel(None);
        let person = sender.clone();
        let world = self.process.world.clone();
        tokio::spawn(async move {
            world.interrupt.notified().await;
            person.send_replace(Some(Stop::Gently));
        });
        let lost = lock.lost();
        tokio::spawn(async move {
            let Some(mut lost) = lost else { return };
            if lost.wait_for(Option::is_some).await.is_ok() {
                sender.send_replace(Some(Stop::Gently));
            }
        });
        stop
    }
}

fn ground<'a>(loaded: &'a Arc<Loaded>, desk: &'a Desk) -> Ground<'a> {
    Ground { loaded, state: &desk.state, world: &desk.ports, store: &desk.store }
}

fn exit_of_nothing(words: &str) -> Exit {
    Exit { code: 0, ran: None, changes: false, words: words.to_owned() }
}

/// Nothing is begun.
fn refuses(words: String) -> Exit {
    Exit { code: 1, ran: None, changes: true, words }
}

/// What stands between a plan and its first step.
async fn in_the_way(
    plan: &mut Plan,
    done: &BTreeSet<plans::StepId>,
    desk: &Desk,
) -> Result<Option<String>, Diagnostics> {
    if !plan.complete {
        return Ok(Some("The plan is not complete.".to_owned()));
    }
    session::preflight(plan, done, &desk.ports).await.map_err(of_problem)?;
    let lacks = plan.rights.iter().any(|right| right.allowed == Some(false));
    let guards = plan.changes.iter().flat_map(|change| &change.blocked);
    let guards: Vec<String> = guards.chain(&plan.blocked).map(ToString::to_string).collect();
    let blocked = lacks || !guards.is_empty();
    Ok(blocked.then(|| format!("Plan is blocked: {}.", guards.join("; "))))
}

/// That the run before left nodes out of service which this plan does not bring back.
fn stranded(desk: &Desk, plan: &Plan) -> Option<String> {
    let is_back =
        |node: &String| plan.brackets.iter().any(|b| b.scope.node_name() == Some(node.as_str()));
    let left: Vec<&str> =
        desk.cordoned.iter().filter(|node| !is_back(node)).map(String::as_str).collect();
    (!left.is_empty()).then(|| format!("Nodes are still out of service: {}.", left.join(", ")))
}

fn of_problem(problem: plans::Problem) -> Diagnostics {
    problem.into_diagnostic().into()
}

fn told(problems: &Diagnostics, sources: &SourceMap) -> String {
    view::human::diagnostics(problems, sources, &Style::plain())
}

struct Passing {
    began: tokio::time::Instant,
    now: Timestamp,
}

impl runner::Clock for Passing {
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_secs()).unwrap_or(0);
        Timestamp(self.now.0 + passed)
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

impl Process {
    /// Something was said to a person, or written down.
    pub(crate) fn said(&self, text: &str) {
        if !text.is_empty() {
            self.world.history(|history| history.say(text));
        }
    }

    fn heard(&self, event: &Event) {
        let human = view::human::event(event, None, &Style::plain());
        let json = view::json::event(event, None, Timestamp(0));
        let json: Vec<String> = json.iter().map(Line::to_json).collect();
        self.said(&format!("{human}\n{event:?}\n{}", json.join("\n")));
        if let Event::StepStarted { .. } | Event::StepFailed { .. } = event {
            self.world.note(format_args!("process {}: {}", self.number, human.trim()));
        }
    }
}
