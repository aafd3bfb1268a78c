//! Doing what a plan says, and finishing what an interrupted run began.

use crate::failures::Failures;
use crate::late::{LateValues, late_values};
use crate::{Loaded, Picture, Store, World};
use addrs::InstanceAddr;
use diags::{Code, Diagnostic, Diagnostics};
use planner::Known;
use plans::{Ended, Op, Outcome, Plan, Step, StepId, Stop, Timestamp};
use runner::{Journal, Late, Ports};
use schemas::plan::SavedPlan;
use states::{JournalEntry, RecordChange, RunStarted, State, UnfinishedRun};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::watch;
use values::Value;

const JOURNAL: Code = Code("E0458");
const NOTHING_TO_RESUME: Code = Code("E0459");
const CANNOT_SETTLE: Code = Code("E0460");

/// How to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyOptions {
    /// The run's own name.
    pub run: String,
    /// The one reading of the clock.
    pub now: Timestamp,
    /// Who applies, for the journal.
    pub by: String,
    /// Safety options that were switched off, for the journal.
    pub forced: Vec<String>,
    /// How many steps run at once.
    pub parallelism: NonZeroUsize,
}

/// What a run stands on.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The configuration.
    pub loaded: &'a Arc<Loaded>,
    /// What is remembered.
    pub state: &'a State,
    /// The world.
    pub world: &'a World,
    /// Where state and journal are kept.
    pub store: &'a dyn Store,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Each step and how it ended.
    pub outcome: Outcome,
    /// What is remembered now.
    pub state: State,
    /// Outputs, when all went well.
    pub outputs: BTreeMap<String, Value>,
    /// What went wrong: one for each step that failed, and whatever else.
    pub diagnostics: Diagnostics,
}

/// A run to finish.
pub struct Resumed {
    plan: Plan,
    run: UnfinishedRun,
}

impl Resumed {
    /// A kept plan and what the journal tells now. Without the lock another run may have come
    /// between the two readings: then the plan is not the one that the journal is about.
    pub fn new(plan: Plan, unfinished: Option<UnfinishedRun>) -> Result<Self, Diagnostics> {
        match unfinished {
            Some(run) if run.plan_id == plan.id => Ok(Self { plan, run }),
            Some(_) | None => Err(nothing_to_resume().into()),
        }
    }
}

/// Applies a plan that [`check_saved`](crate::check_saved) allows.
///
/// `picture` and `exports` come from planning; for a saved plan from planning again on its own
/// sources, which changes nothing.
///
/// # Interruption
///
/// Everything is journalled before and after. After `kill -9` at any moment the journal and the
/// kept plan are there, and [`resume`] finishes the run.
pub async fn apply(
    saved: SavedPlan,
    seen: (Picture, Known),
    ground: Ground<'_>,
    options: &ApplyOptions,
    stop: watch::Receiver<Option<Stop>>,
) -> Result<Applied, Diagnostics> {
    let Ground { loaded, state, world, store } = ground;
    store.keep(&options.run, &saved).await?;
    let journal = store.journal().await?;
    let start = JournalEntry::RunStarted(started(&saved.plan, state, options, &options.run));
    append(&*journal, &start).await?;
    let changes: Vec<RecordChange> = saved.plan.remember.iter().map(record_change).collect();
    if !changes.is_empty() {
        append(&*journal, &JournalEntry::Records { changes }).await?;
    }
    let late = late_values(&saved.plan, loaded, state, seen, world).await;
    walk(
        Walk { plan: Arc::new(saved.plan), already: BTreeMap::new(), journal, late },
        world,
        store,
        options,
        stop,
    )
    .await
}

/// Finishes a run that was interrupted: looks what became of the steps in doubt, then runs
/// what is left of the same plan.
pub async fn resume(
    resumed: Resumed,
    seen: (Picture, Known),
    ground: Ground<'_>,
    options: &ApplyOptions,
    stop: watch::Receiver<Option<Stop>>,
) -> Result<Applied, Diagnostics> {
    let Ground { loaded, state, world, store } = ground;
    let Resumed { plan, run } = resumed;
    // It keeps its name, and with it its plan.
    let options = &ApplyOptions { run: run.run.clone(), ..options.clone() };
    let plan = Arc::new(plan);
    let journal = store.journal().await?;
    // A new beginning of the same plan: the journal then tells both attempts apart.
    let mut start = started(&plan, state, options, &run.run);
    start.serial = state.serial;
    append(&*journal, &JournalEntry::RunStarted(start)).await?;
    let changes: Vec<RecordChange> = plan.remember.iter().map(record_change).collect();
    if run.ended.is_empty() && !changes.is_empty() {
        append(&*journal, &JournalEntry::Records { changes }).await?;
    }
    let late = late_values(&plan, loaded, state, seen, world).await;
    late.forget_undone(&plan, &run);
    let doubt: BTreeSet<StepId> = run.in_doubt().collect();
    let as_late: Arc<dyn Late> = late.clone();
    let settled = runner::settle_in_doubt(&plan, &doubt, &world.providers, &as_late).await;
    let mut already = run.ended.clone();
    let mut problems = Diagnostics::new();
    for (id, answer) in settled {
        let Some(begun) = plan.step(id) else { continue };
        match answer {
            Ok(settled) => {
                let entry = runner::settled_entry(begun, &settled);
                append(&*journal, &entry).await?;
                if let JournalEntry::End { ended, .. } = entry {
                    already.insert(id, ended);
                }
            }
            Err(why) => problems.push(cannot_settle(begun, &why.message())),
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    already.retain(|_, ended| *ended == Ended::Done);
    let unkept = late.unkept(&plan, &already.keys().copied().collect());
    if unkept.has_errors() {
        return Err(unkept);
    }
    walk(Walk { plan, already, journal, late }, world, store, options, stop).await
}

/// What is left to resume.
pub fn nothing_to_resume() -> Diagnostic {
    Diagnostic::error(
        NOTHING_TO_RESUME,
        "Nothing to resume",
        "The last run finished, or there was none.",
    )
    .with_help("Run `clinch apply`.")
}

fn cannot_settle(step: &Step, why: &str) -> Diagnostic {
    Diagnostic::error(
        CANNOT_SETTLE,
        "Outcome of a step cannot be told",
        format!("Step {} ({}) was begun by the interrupted run. {why}", step.id.0, step.op.text),
    )
    .with_help(
        "Resume again once that is mended; or run `clinch apply`, which plans anew from what is \
         there now.",
    )
}

fn started(plan: &Plan, state: &State, options: &ApplyOptions, run: &str) -> RunStarted {
    RunStarted {
        run: run.to_owned(),
        plan_id: plan.id.clone(),
        at: options.now,
        steps: u32::try_from(plan.steps.len()).unwrap_or(u32::MAX),
        lineage: plan.fingerprints.lineage.clone(),
        serial: state.serial + 1,
        project: plan.project.clone(),
        cluster_uid: plan.target.uid.clone(),
        by: options.by.clone(),
        forced: options.forced.clone(),
    }
}

fn record_change((addr, record): &(InstanceAddr, Option<plans::Recorded>)) -> RecordChange {
    match record {
        Some(record) => RecordChange::Set(addr.clone(), Box::new(record.clone())),
        None => RecordChange::Forget(addr.clone()),
    }
}

async fn append(journal: &dyn Journal, entry: &JournalEntry) -> Result<(), Diagnostics> {
    journal.append(entry).await.map_err(|why| {
        let text = format!("{why} Nothing more is done.");
        Diagnostic::error(JOURNAL, "Journal cannot be written", text).into()
    })
}

struct Walk {
    plan: Arc<Plan>,
    already: BTreeMap<StepId, Ended>,
    journal: Arc<dyn Journal>,
    late: Arc<LateValues>,
}

async fn walk(
    walk: Walk,
    world: &World,
    store: &dyn Store,
    options: &ApplyOptions,
    stop: watch::Receiver<Option<Stop>>,
) -> Result<Applied, Diagnostics> {
    let failures = Failures::default();
    let ports = Ports {
        providers: world.providers.clone(),
        journal: walk.journal.clone(),
        late: walk.late.clone(),
        clock: world.clock.clone(),
        events: failures.listen(world.events.clone()),
    };
    let how = runner::Options { parallelism: options.parallelism };
    let outcome = runner::run(&walk.plan, &walk.already, ports, stop, how).await;
    let mut diagnostics = failures.explain(&outcome, &walk.plan, &walk.late.loaded);
    diagnostics.extend(noticed(&outcome, &walk.plan, world).await);
    let mut outputs = BTreeMap::new();
    let mut finished = outcome.is_complete();
    if !finished {
        diagnostics.extend(walk.late.unkept(&walk.plan, &BTreeSet::new()));
    }
    if finished {
        let (values, problems) = walk.late.outputs(&walk.plan);
        diagnostics.extend(problems);
        diagnostics.extend(walk.late.conditions(&walk.plan));
        outputs = values;
        let run = options.run.clone();
        let entry = JournalEntry::RunFinished { run, at: options.now, outputs: outputs.clone() };
        if let Err(problems) = append(&*walk.journal, &entry).await {
            diagnostics.extend(problems);
            finished = false;
        }
    }
    // The journal is the truth; the state is written from it, not from memory.
    let state = match store.load().await {
        Ok(loaded) => loaded.state,
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    };
    let Some(state) = state else {
        return if diagnostics.has_errors() { Err(diagnostics) } else { Err(lost().into()) };
    };
    if let Err(problems) = store.commit(&state, finished).await {
        diagnostics.extend(problems);
    }
    Ok(Applied { outcome, state, outputs, diagnostics })
}

/// What is done, and still worth a warning now that everything else is done, too.
async fn noticed(outcome: &Outcome, plan: &Plan, world: &World) -> Diagnostics {
    let done = |(id, ended): &(StepId, Ended)| {
        plan.step(*id).filter(|step| *ended == Ended::Done && step.record.is_some())
    };
    let steps: Vec<&Step> = outcome.steps.iter().filter_map(done).collect();
    let ops: Vec<Op> = steps.iter().map(|step| step.op.clone()).collect();
    let noticed = if ops.is_empty() { Vec::new() } else { world.providers.afterwards(ops).await };
    let told = |(position, problem): (usize, plans::Problem)| {
        let diagnostic = problem.into_diagnostic();
        match steps.get(position).and_then(|step| step.addr.as_ref()) {
            Some(addr) => diagnostic.for_address(addr),
            None => diagnostic,
        }
    };
    noticed.into_iter().map(told).collect()
}

fn lost() -> Diagnostic {
    Diagnostic::error(JOURNAL, "State is gone", "The journal of this run is no longer there.")
        .with_help("Run `clinch state rebuild`.")
}
