//! What plan, apply, destroy, drift and state rebuild share: from files to a plan.

use super::place::{self, Hold, Opened};
use crate::args::{AllowArgs, ClusterArgs, PartArgs, VariableArgs};
use crate::console::Console;
use crate::environment::Environment;
use crate::head_start::{Begun, HeadStart, Reading};
use crate::signals::{Signals, until_interrupted};
use crate::store::{Lock, Store, of_folder};
use crate::{exit, files, variables};
use access::Hosts;
use addrs::InstanceAddr;
use apimachinery::versions::Minor;
use diags::{Code, Diagnostic, Diagnostics, Severity, SourceMap};
use planner::{Options, Planning, Selection};
use plans::{Event, Fingerprints, Mode, Plan, Problem, Recorded, Target};
use provider::{Catalog, Providers};
use session::{Ahead, Loaded, Picture, StatePlace, Store as _, World};
use states::State;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wiring::Types;

const OTHER_CLUSTER: Code = Code("E0906");
const NOT_FINISHED: Code = Code("E0922");
const CORDONED: Code = Code("E0870");

/// A configuration with its texts.
pub(crate) struct Configured {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) sources: SourceMap,
    pub(crate) types: Arc<dyn Catalog>,
    /// What was begun while it was analyzed; for whoever connects first.
    pub(crate) head_start: Mutex<Option<HeadStart>>,
}

/// Reads the configuration of this directory. Says what is wrong; the error is the exit code.
pub(crate) fn configure(
    args: &VariableArgs,
    env: &Environment,
    console: &Console,
) -> Result<Configured, u8> {
    told(read(args, env), console)
}

/// The same for a command that only looks: it begins to, as soon as it is known where.
pub(crate) fn configure_ahead(
    args: &VariableArgs,
    flags: &ClusterArgs,
    env: &Environment,
    console: &Console,
) -> Result<Configured, u8> {
    told(read_for(None, Some(flags), args, env), console)
}

fn told(read: (Configured, Diagnostics), console: &Console) -> Result<Configured, u8> {
    let (configured, diagnostics) = read;
    console.diagnostics(&diagnostics, &configured.sources);
    if diagnostics.has_errors() { Err(exit::FAILED) } else { Ok(configured) }
}

/// Reads the configuration of this directory; with errors it must not be planned.
pub(crate) fn read(args: &VariableArgs, env: &Environment) -> (Configured, Diagnostics) {
    read_for(None, None, args, env)
}

/// The same, with objects checked against what this version of Kubernetes has; and with a head
/// start on the cluster of these flags.
pub(crate) fn read_for(
    against: Option<Minor>,
    ahead: Option<&ClusterArgs>,
    args: &VariableArgs,
    env: &Environment,
) -> (Configured, Diagnostics) {
    let ahead = ahead.map(|flags| (flags, Reading::begin_for(flags, env)));
    let mut sources = SourceMap::default();
    let types: Arc<dyn Catalog> = Arc::new(Types::new(against));
    let (inputs, mut diagnostics) = variables::inputs(args, env, &mut sources);
    let name = std::env::current_dir().ok();
    let name = name.and_then(|d| d.file_name().map(|n| n.to_string_lossy().into_owned()));
    let name = name.as_deref().unwrap_or("default");
    let parsed = session::parse(".", name, &mut files::Directory, &mut sources, &inputs);
    let head_start = ahead.and_then(|(flags, reading)| {
        let cluster = parsed.cluster(&inputs, &types)?;
        HeadStart::begin(reading, &parsed, cluster, flags, env)
    });
    let (loaded, problems) = parsed.analyze(&mut files::Directory, &mut sources, &inputs, &types);
    diagnostics.extend(problems);
    let head_start = Mutex::new(head_start);
    (Configured { loaded: Arc::new(loaded), sources, types, head_start }, diagnostics)
}

/// The world that a configuration is about, and what is remembered of it.
pub(crate) struct Connected {
    pub(crate) world: World,
    /// What a head start began to look at; for whoever plans first.
    ahead: Mutex<Ahead>,
    pub(crate) store: Store,
    pub(crate) state: State,
    pub(crate) unfinished: Option<states::UnfinishedRun>,
    /// Nodes that it left out of service, or why nobody knows.
    cordoned: Result<Vec<String>, Problem>,
    /// What it may have made that the state does not know.
    in_doubt: BTreeMap<InstanceAddr, Recorded>,
    /// What a person should know of the run before.
    pub(crate) notes: Diagnostics,
    pub(crate) target: Target,
    /// The hosts of the cluster's nodes.
    pub(crate) hosts: Hosts,
    /// Held as long as anybody works here.
    pub(crate) lock: Lock,
}

/// Reads the state, under the lock if that is wanted, and recognises the cluster.
pub(crate) async fn connect(
    configured: &Configured,
    flags: &ClusterArgs,
    events: Arc<dyn Fn(Event) + Send + Sync>,
    env: &Environment,
    hold: Hold<'_>,
) -> Result<Connected, Diagnostics> {
    let Opened { store, lock, access } = place::open(configured, flags, env, hold).await?;
    connected(configured, flags, events, env, store, lock, access).await
}

/// The rest of [`connect`], for a state that is open already.
pub(crate) async fn connected(
    configured: &Configured,
    flags: &ClusterArgs,
    events: Arc<dyn Fn(Event) + Send + Sync>,
    env: &Environment,
    store: Store,
    lock: Lock,
    access: Option<wiring::World>,
) -> Result<Connected, Diagnostics> {
    let project = &configured.loaded.project;
    let head_start = configured.head_start.lock().unwrap_or_else(PoisonError::into_inner).take();
    let begun = match (head_start, &access) {
        (Some(head_start), None) => head_start.end().await,
        (_, _) => None,
    };
    let (loaded, reached, target, ahead) = match begun {
        Some(Begun { state, access, target, ahead }) => {
            (state.map(of_folder)?, Some(access?), target, ahead)
        }
        None => (store.load().await?, None, None, Ahead::default()),
    };
    let access = match access.or(reached) {
        Some(access) => access,
        None => place::connect(configured, flags, env).await?,
    };
    let only_here = async {
        match configured.loaded.state {
            StatePlace::Local => place::is_only_here(&access, configured).await,
            StatePlace::Cluster { .. } => Ok(None),
        }
    };
    let recognising = async {
        match target {
            Some(target) => target,
            None => access.target().await,
        }
    };
    let (target, unseen) = tokio::join!(recognising, only_here);
    let target = target.map_err(|p| Diagnostics::from(p.into_diagnostic()))?;
    let state = loaded
        .state
        .unwrap_or_else(|| State::new(uuid::Uuid::new_v4().to_string(), project.clone()));
    if let Some(uid) = state.cluster_uid.as_ref().filter(|uid| **uid != target.uid) {
        return Err(other_cluster(&state, uid, &target).into());
    }
    let unseen = unseen?;
    let access = match lock.fence(project, &target.uid) {
        Some(fence) => access.fenced(&fence),
        None => access,
    };
    let cordoned = match &loaded.unfinished {
        Some(_) => access.left_cordoned(project).await,
        None => Ok(Vec::new()),
    };
    let mut in_doubt = BTreeMap::new();
    let mut not_kept = None;
    if let Some(run) = loaded.unfinished.as_ref().filter(|run| run.in_doubt().next().is_some()) {
        match store.kept(&run.run).await {
            Ok(kept) => in_doubt = session::in_doubt(&state, run, &kept.plan),
            Err(problems) => not_kept = Some(unknown(&problems)),
        }
    }
    let hosts = access.hosts().clone();
    let world = World {
        catalog: configured.types.clone(),
        providers: Arc::new(access),
        clock: Arc::new(MonotonicClock(Instant::now())),
        events,
    };
    let ahead = Mutex::new(ahead);
    let mut notes = loaded.warnings;
    notes.extend(unseen);
    notes.extend(loaded.unfinished.as_ref().map(not_finished));
    let unfinished = loaded.unfinished;
    notes.extend(not_kept);
    notes.extend(out_of_service(&cordoned, Severity::Warning));
    Ok(Connected {
        world,
        ahead,
        store,
        state,
        unfinished,
        cordoned,
        in_doubt,
        notes,
        target,
        hosts,
        lock,
    })
}

impl Connected {
    /// That the run before left nodes out of service which this plan does not bring back. Whoever
    /// went on from there would forget them.
    pub(crate) fn stranded(&self, plan: &Plan) -> Option<Diagnostic> {
        let is_back = |node: &String| {
            plan.brackets.iter().any(|bracket| bracket.scope.node_name() == Some(node))
        };
        let left = self.cordoned.clone().map(|mut nodes| {
            nodes.retain(|node| !is_back(node));
            nodes
        });
        out_of_service(&left, Severity::Error)
    }
}

fn out_of_service(nodes: &Result<Vec<String>, Problem>, severity: Severity) -> Option<Diagnostic> {
    let (summary, detail) = match nodes {
        Ok(nodes) if nodes.is_empty() => return None,
        Ok(nodes) => {
            let (names, are) = (nodes.join("`, `"), if nodes.len() == 1 { "is" } else { "are" });
            let detail = format!("`{names}` {are} cordoned by the run that is not finished.");
            ("Nodes are still out of service", detail)
        }
        Err(problem) => (
            "Nodes may still be out of service",
            format!(
                "Whether the run that is not finished left nodes cordoned, cannot be told. {}",
                problem.detail
            ),
        ),
    };
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(CORDONED, summary, detail),
        Severity::Warning => Diagnostic::warning(CORDONED, summary, detail),
    };
    Some(diagnostic.with_help(
        "`clinch apply -resume` finishes that run and brings them back; so does a plan that is made \
         now, before anything else. By hand: `kubectl uncordon NODE`.",
    ))
}

/// The plan of the run before cannot be read, which alone says what its steps in doubt were about.
fn unknown(problems: &Diagnostics) -> Diagnostic {
    let why = problems.iter().next().map_or("", |problem| problem.detail.as_str());
    let detail = format!(
        "Steps of the run before are in doubt, and its plan cannot be read, so what they may have \
         made is looked at only where the configuration declares it. {why}"
    );
    Diagnostic::warning(NOT_FINISHED, "What the run before made is not fully known", detail)
        .with_help("`clinch state rebuild` finds what carries this configuration's mark.")
}

fn not_finished(run: &states::UnfinishedRun) -> Diagnostic {
    let (done, doubt) = (run.done().count(), run.in_doubt().count());
    let doubt = if doubt > 0 { format!(", {doubt} in doubt") } else { String::new() };
    Diagnostic::warning(
        NOT_FINISHED,
        "The run before is not finished",
        format!(
            "Done: {done} of its {} steps{doubt}. It was interrupted, failed, or still goes on. \
             What is planned here is planned anew, from what is there now.",
            run.steps
        ),
    )
    .with_help("`clinch apply -resume` finishes the plan of that run instead.")
}

pub(super) fn other_cluster(state: &State, uid: &str, target: &Target) -> Diagnostic {
    Diagnostic::error(
        OTHER_CLUSTER,
        "State belongs to another cluster",
        format!(
            "The state of `{}` was made on the cluster whose kube-system namespace has the uid \
             {uid}; {} at {} has {}.",
            state.project, target.name, target.server, target.uid
        ),
    )
    .with_help(
        "Choose the right cluster with -kubeconfig and -context, or give this cluster a data \
         directory of its own with CLINCH_DATA_DIR. Nothing was done.",
    )
}

/// Time as it passes.
struct MonotonicClock(Instant);

impl runner::Clock for MonotonicClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    fn now(&self) -> plans::Timestamp {
        super::now()
    }
    fn sleep(&self, duration: Duration) -> provider::BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What a person wants from a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aim {
    pub(crate) mode: Mode,
    /// What is to be deleted and created anew.
    pub(crate) replace: BTreeSet<InstanceAddr>,
    /// What is planned at all.
    pub(crate) selection: Selection,
    /// What a person allows by name.
    pub(crate) allowed: plans::Allowed,
}

impl Aim {
    pub(crate) fn new(
        mode: Mode,
        replace: &[InstanceAddr],
        part: &PartArgs,
        allow: &AllowArgs,
    ) -> Self {
        let all = |addrs: &[InstanceAddr]| addrs.iter().cloned().collect();
        let selection = match (part.target.as_slice(), part.exclude.as_slice()) {
            ([], []) => Selection::All,
            ([], exclude) => Selection::Except(all(exclude)),
            (target, _) => Selection::Only(all(target)),
        };
        Self { mode, replace: all(replace), selection, allowed: allow.guards() }
    }
}

impl From<Mode> for Aim {
    fn from(mode: Mode) -> Self {
        Self {
            mode,
            replace: BTreeSet::new(),
            selection: Selection::All,
            allowed: plans::Allowed::default(),
        }
    }
}

/// What a plan is made for and from.
pub(crate) fn options(loaded: &Loaded, state: &State, target: &Target, aim: Aim) -> Options {
    Options {
        mode: aim.mode,
        id: uuid::Uuid::now_v7().to_string(),
        now: super::now(),
        project: loaded.project.clone(),
        target: target.clone(),
        fingerprints: Fingerprints {
            config: loaded.digest.clone(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            lineage: state.lineage.clone(),
            serial: state.serial,
        },
        cwd: loaded.cwd.clone(),
        replace: aim.replace,
        selection: aim.selection,
        allowed: aim.allowed,
        left_open: BTreeSet::new(),
    }
}

/// Plans, unless interrupted.
pub(crate) async fn plan(
    configured: &Configured,
    connected: &Connected,
    aim: impl Into<Aim>,
    signals: &Signals,
) -> Option<(Planning, Picture)> {
    let mut options = options(&configured.loaded, &connected.state, &connected.target, aim.into());
    // Where nobody could tell, nothing is applied (see `stranded`).
    options.left_open.extend(connected.cordoned.iter().flatten().cloned());
    let (loaded, world) = (&configured.loaded, &connected.world);
    let state = &session::with_in_doubt(&connected.state, &connected.in_doubt);
    let mut ahead = mem::take(&mut *connected.ahead.lock().unwrap_or_else(PoisonError::into_inner));
    if ahead.is_idle() {
        ahead = Ahead::look(state, &world.providers);
    }
    let work = session::plan(loaded, state, world, &options, ahead);
    let (mut planning, picture) = until_interrupted(signals, work).await?;
    session::remember_in_doubt(&mut planning.plan, &connected.in_doubt);
    Some((planning, picture))
}

/// Leaves memory to the end of the process, which is near, and quicker than piece by piece.
pub(crate) fn let_go<T>(what: T) {
    std::mem::forget(what);
}
