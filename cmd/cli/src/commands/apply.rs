//! `apply` and `destroy`: plan, ask, do; or do a saved plan; or finish an interrupted run.

use super::place::{self, Claim, Hold, Opened};
use super::work::{self, Aim, Configured, Connected};
use super::{plan, preflight};
use crate::args::{Allowed, ApplyArgs, DestroyArgs, RunArgs};
use crate::console::{self, Console};
use crate::environment::Environment;
use crate::signals::{self, Signals};
use crate::store::Lock;
use crate::{exit, variables};
use diags::{Code, Diagnostic, Diagnostics, Severity, SourceMap};
use local::Holder;
use plans::{Action, Event, Mode, Plan};
use provider::Catalog;
use schemas::event::v1::{Level, Line};
use schemas::plan::SavedPlan;
use session::{Applied, ApplyOptions, Resumed, Store};
use states::State;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use values::Disruption;
use view::human::Progress;

const BAD_DURATION: Code = Code("E0908");
const NOT_APPROVED: Code = Code("E0909");
const NOT_ALLOWED: Code = Code("E0910");

/// Said when the lock is lost; why, and what to do, is said at the end.
const LOCK_LOST: &str = "The lock was lost. Steps that run are finished and no other step begins.";

/// How this run goes, whichever command asked for it.
struct Run<'a> {
    console: Console,
    env: &'a Environment,
    args: &'a RunArgs,
    input: bool,
    allow: &'a [Allowed],
    aim: Aim,
    operation: &'static str,
    /// Its name, which nobody else has.
    id: String,
}

pub(crate) async fn run(args: &ApplyArgs, env: &Environment) -> u8 {
    let mode = if args.destroy { Mode::Destroy } else { Mode::Normal };
    let aim = Aim::new(mode, &args.replace, &args.run.part, &args.allow);
    let run = Run::new(&args.run, env, aim, &args.allow.allow, "apply");
    let done = if args.resume {
        run.resume().await
    } else if let Some(path) = &args.plan {
        run.saved(path).await
    } else {
        run.planned().await
    };
    run.finish(done)
}

pub(crate) async fn destroy(args: &DestroyArgs, env: &Environment) -> u8 {
    let aim = Aim::new(Mode::Destroy, &[], &args.run.part, &args.allow);
    let run = Run::new(&args.run, env, aim, &args.allow.allow, "destroy");
    let done = run.planned().await;
    run.finish(done)
}

/// Why a run ended before its end.
enum Early {
    /// This is to be said.
    Told(Diagnostics, SourceMap),
    /// All is said; this is the exit code.
    Code(u8),
}

impl From<Diagnostics> for Early {
    fn from(problems: Diagnostics) -> Self {
        Self::Told(problems, SourceMap::default())
    }
}

impl From<Diagnostic> for Early {
    fn from(problem: Diagnostic) -> Self {
        Diagnostics::from(problem).into()
    }
}

/// Where the running plan is known to the listener of events.
type Listener = (Arc<dyn Fn(Event) + Send + Sync>, Arc<OnceLock<Arc<Plan>>>);

impl<'a> Run<'a> {
    /// Begins the stream of JSON, if that was asked for.
    fn new(
        args: &'a RunArgs,
        env: &'a Environment,
        aim: Aim,
        allow: &'a [Allowed],
        operation: &'static str,
    ) -> Self {
        let console = Console::new(&args.style, env);
        console.begin_stream();
        let input = args.input.unwrap_or(env.input) && !args.style.json;
        let id = uuid::Uuid::now_v7().to_string();
        Self { console, env, args, input, allow, aim, operation, id }
    }

    fn finish(&self, done: Result<u8, Early>) -> u8 {
        match done {
            Ok(code) | Err(Early::Code(code)) => code,
            Err(Early::Told(problems, sources)) => {
                self.console.diagnostics(&problems, &sources);
                exit::FAILED
            }
        }
    }

    /// Plan now, ask, do.
    async fn planned(&self) -> Result<u8, Early> {
        let console = &self.console;
        let configured =
            work::configure(&self.args.variables, self.env, console).map_err(Early::Code)?;
        let signals = Self::listen()?;
        let (events, running) = self.listener(&signals);
        let claim = self.claim(&signals)?;
        let hold = Hold::Take(&claim);
        let connected = work::connect(&configured, &self.args.cluster, events, self.env, hold)
            .await
            .map_err(|p| told(p, &configured, &signals))?;
        if connected.unfinished.is_some() && !self.aim.selection.is_all() {
            return Err(super::state::in_flight().into());
        }
        let interrupted = || Early::Code(signals.exit_code().unwrap_or(exit::FAILED));
        let (mut planning, picture) =
            work::plan(&configured, &connected, self.aim.clone(), &signals)
                .await
                .ok_or_else(interrupted)?;
        let (plan, done) = (&mut planning.plan, BTreeSet::new());
        let look = preflight::look(plan, &done, &connected, Severity::Error);
        let in_the_way =
            signals::until_interrupted(&signals, look).await.ok_or_else(interrupted)?;
        console.diagnostics(&connected.notes, &configured.sources);
        let part = self.args.part.is_some();
        plan::show(&planning, part, &configured, &connected.state, console);
        console.diagnostics(&in_the_way, &configured.sources);
        if planning.diagnostics.has_errors() || in_the_way.has_errors() {
            return Err(Early::Code(exit::FAILED));
        }
        if let Some(stranded) = connected.stranded(&planning.plan) {
            console.diagnostics(&stranded.into(), &configured.sources);
            return Err(Early::Code(exit::FAILED));
        }
        if !planning.plan.has_changes() && planning.plan.remember.is_empty() {
            return self.nothing(&connected).await;
        }
        if planning.plan.has_changes() {
            self.approve(&planning.plan, &signals)?;
        }
        // A signal while the question stood can never reach apply.
        if signals.exit_code().is_some() {
            return Err(interrupted());
        }
        let saved = SavedPlan {
            plan: planning.plan,
            snapshot: session::snapshot(&configured.loaded, &configured.sources),
        };
        let shown = Arc::new(saved.plan.clone());
        let _first = running.set(shown.clone());
        let applied = session::apply(
            saved,
            (picture, planning.exports),
            ground(&configured, &connected),
            &self.options(),
            connected.lock.stop(&signals),
        )
        .await
        .map_err(|p| lost(p, &connected.lock, &configured))?;
        Ok(self.applied(applied, &shown, &configured.sources, &signals, &connected.lock))
    }

    /// A plan without changes: an interrupted run that turned out converged is closed.
    async fn nothing(&self, connected: &Connected) -> Result<u8, Early> {
        if connected.unfinished.is_some() {
            connected.store.commit(&connected.state, true).await?;
        }
        if !self.console.json {
            let word = if self.aim.mode == Mode::Destroy { "Destroy" } else { "Apply" };
            let counts = if self.aim.mode == Mode::Destroy {
                "0 destroyed"
            } else {
                "0 added, 0 changed, 0 destroyed"
            };
            self.console.data(&format!("\n{word} complete! Resources: {counts}.\n"));
        }
        Ok(exit::DONE)
    }

    /// Exactly a plan that was saved before; it is itself the approval.
    async fn saved(&self, path: &std::path::Path) -> Result<u8, Early> {
        let saved = local::read_plan(path)?;
        let signals = Self::listen()?;
        let configured = self.of_snapshot(&saved)?;
        let claim = self.claim(&signals)?;
        let hold = Hold::Take(&claim);
        let opened = place::open(&configured, &self.args.cluster, self.env, hold)
            .await
            .map_err(|p| told(p, &configured, &signals))?;
        self.again(saved, configured, opened, false, &signals).await
    }

    /// What is left of the run that was interrupted.
    async fn resume(&self) -> Result<u8, Early> {
        let signals = Self::listen()?;
        let claim = self.claim(&signals)?;
        // Before anything is read: whoever holds the lock may be finishing that very run.
        let (args, hold) = (self.args, Hold::Take(&claim));
        let opened = place::edit(&args.cluster, &args.variables, self.env, &self.console, hold);
        let opened =
            opened.await.map_err(|code| Early::Code(signals.exit_code().unwrap_or(code)))?;
        let loaded = opened.store.load().await?;
        match (loaded.unfinished, loaded.left, loaded.state) {
            (Some(run), _, _) => {
                let saved = opened.store.kept(&run.run).await?;
                let configured = self.of_snapshot(&saved)?;
                self.again(saved, configured, opened, true, &signals).await
            }
            (None, Some(_), Some(state)) => self.put_away(&opened.store, &state).await,
            (None, _, _) => Err(session::nothing_to_resume().into()),
        }
    }

    /// The run had come to its end; only its journal is still to be put away.
    async fn put_away(&self, store: &dyn Store, state: &State) -> Result<u8, Early> {
        store.commit(state, true).await?;
        let text = "The run had finished all its steps before it was interrupted. Its journal is \
                    put away, and the state is written. Nothing else was left to do.";
        if self.console.json {
            self.console.line(&Line::log(super::now(), Level::Info, text));
        } else {
            self.console.data(&format!("{text}\n"));
        }
        Ok(exit::DONE)
    }

    /// Applies a plan on its own sources, from its beginning or from where it stopped.
    async fn again(
        &self,
        saved: SavedPlan,
        configured: Configured,
        opened: Opened,
        resuming: bool,
        signals: &Signals,
    ) -> Result<u8, Early> {
        let told = |p: Diagnostics| Early::Told(p, configured.sources.clone());
        let (events, running) = self.listener(signals);
        let (flags, Opened { store, lock, access }) = (&self.args.cluster, opened);
        let connected = work::connected(&configured, flags, events, self.env, store, lock, access)
            .await
            .map_err(told)?;
        let ended = self.goes_on(saved, &configured, &connected, &running, resuming, signals).await;
        if ended.is_err() {
            // Nothing was begun, so what the run before left behind is still as it was.
            self.console.diagnostics(&connected.notes, &configured.sources);
        }
        ended
    }

    /// The rest of [`Self::again`]; an error is the end before the first step.
    async fn goes_on(
        &self,
        mut saved: SavedPlan,
        configured: &Configured,
        connected: &Connected,
        running: &OnceLock<Arc<Plan>>,
        resuming: bool,
        signals: &Signals,
    ) -> Result<u8, Early> {
        let told = |p: Diagnostics| Early::Told(p, configured.sources.clone());
        preflight::lift(&mut saved.plan, &self.aim.allowed);
        let shown = Arc::new(saved.plan.clone());
        if resuming {
            session::check_resumed(&saved.plan, &configured.loaded).map_err(told)?;
        } else {
            if let Some(stranded) = connected.stranded(&saved.plan) {
                return Err(told(stranded.into()));
            }
            let (loaded, state) = (&configured.loaded, &connected.state);
            session::check_saved(&saved.plan, loaded, state, &connected.world)
                .await
                .map_err(told)?;
        }
        // What references see of everything that this plan does not change is read again;
        // nothing is decided from it.
        let (planning, picture) = work::plan(configured, connected, saved.plan.mode, signals)
            .await
            .ok_or_else(|| Early::Code(signals.exit_code().unwrap_or(exit::FAILED)))?;
        let seen = (picture, planning.exports);
        let done = connected.unfinished.iter().filter(|_| resuming);
        let done = done.flat_map(states::UnfinishedRun::done).collect();
        let look = preflight::look(&mut saved.plan, &done, connected, Severity::Error);
        let in_the_way = signals::until_interrupted(signals, look)
            .await
            .ok_or_else(|| Early::Code(signals.exit_code().unwrap_or(exit::FAILED)))?;
        if in_the_way.has_errors() {
            return Err(told(in_the_way));
        }
        self.console.diagnostics(&in_the_way, &configured.sources);
        if !self.console.json && resuming {
            self.console.data(&view::human::plan(&shown, &self.console.out, view::Detail::Summary));
        }
        let _first = running.set(shown.clone());
        let (ground, stop) = (ground(configured, connected), connected.lock.stop(signals));
        let applied = if resuming {
            let resumed = Resumed::new(saved.plan, connected.unfinished.clone())?;
            session::resume(resumed, seen, ground, &self.options(), stop).await
        } else {
            session::apply(saved, seen, ground, &self.options(), stop).await
        };
        let applied = applied.map_err(|p| lost(p, &connected.lock, configured))?;
        Ok(self.applied(applied, &shown, &configured.sources, signals, &connected.lock))
    }

    /// The configuration inside a saved plan. Sensitive variables were not saved and come from
    /// the command line and the environment again.
    fn of_snapshot(&self, saved: &SavedPlan) -> Result<Configured, Early> {
        let mut sources = SourceMap::default();
        let types: Arc<dyn Catalog> = Arc::new(wiring::Types::new(None));
        let (given, mut problems) = variables::inputs(&self.args.variables, self.env, &mut sources);
        let inputs = variables::of_snapshot(&saved.snapshot, given)?;
        // Files of variables were read for their secrets only; they are not sources here.
        let mut sources = SourceMap::default();
        let (loaded, more) = session::load(
            &saved.snapshot.dir,
            &saved.plan.project,
            &mut session::snapshot_sources(&saved.snapshot),
            &mut sources,
            &inputs,
            &types,
        );
        problems.extend(more);
        if problems.has_errors() {
            return Err(Early::Told(problems, sources));
        }
        let head_start = std::sync::Mutex::default();
        Ok(Configured { loaded: Arc::new(loaded), sources, types, head_start })
    }

    fn listen() -> Result<Signals, Early> {
        signals::listen().map_err(|error| {
            let text = format!("{error}. Without them an interrupt could not be honoured.");
            Diagnostic::error(NOT_APPROVED, "Cannot listen for signals", text).into()
        })
    }

    fn claim<'s>(&self, signals: &'s Signals) -> Result<Claim<'s>, Early> {
        if signals.exit_code().is_some() {
            return Err(Early::Code(exit::INTERRUPTED));
        }
        let claim = Claim::new(&self.args.lock, self.operation, Some(signals))?;
        Ok(Claim { run: self.id.clone(), ..claim })
    }

    fn options(&self) -> ApplyOptions {
        let mut forced = Vec::new();
        if !self.args.lock.lock {
            forced.push("-lock=false".to_owned());
        }
        let parallelism =
            NonZeroUsize::new(self.args.parallelism.into()).unwrap_or(NonZeroUsize::MIN);
        ApplyOptions {
            run: self.id.clone(),
            now: super::now(),
            by: self.env.user.clone(),
            forced,
            parallelism,
        }
    }

    /// Shows events of the run as they come.
    fn listener(&self, signals: &Signals) -> Listener {
        let signals = signals.clone();
        let running: Arc<OnceLock<Arc<Plan>>> = Arc::new(OnceLock::new());
        let known = running.clone();
        let json = self.console.json;
        let style = if json { self.console.out } else { self.console.err };
        let stderr = std::io::stderr();
        let progress = Mutex::new(if self.console.live() {
            Progress::live(stderr, style, indicatif::ProgressDrawTarget::stderr())
        } else {
            Progress::lines(stderr, style)
        });
        let live = self.console.live();
        let begun = OnceLock::new();
        let listener: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |event| {
            let running = known.get().map(|p| &**p);
            if matches!(event, Event::Stopping(_)) && signals.exit_code().is_none() {
                if json {
                    let said = Line::log(super::now(), Level::Warn, LOCK_LOST);
                    console::data_line(&said.to_json());
                } else {
                    console::talk_line(&format!("\n{LOCK_LOST}"));
                }
                return;
            }
            if json {
                for line in view::json::event(&event, running, super::now()) {
                    console::data_line(&line.to_json());
                }
                return;
            }
            if !live && !plan::worth_a_line(&event) {
                return;
            }
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(plan) = running
                && begun.set(()).is_ok()
            {
                progress.begin(plan);
            }
            // A terminal that is gone does not stop a run.
            let _gone = progress.event(&event);
        });
        (listener, running)
    }

    fn approve(&self, plan: &Plan, signals: &Signals) -> Result<(), Early> {
        if self.args.auto_approve {
            return self.allowed(plan);
        }
        if !self.input {
            return Err(Diagnostic::error(
                NOT_APPROVED,
                "Nobody can approve the plan",
                "Without input (-input=false, -json) a plan must be approved beforehand.",
            )
            .with_help("Give -auto-approve, or save the plan with -out and apply that.")
            .into());
        }
        let question = if self.aim.mode == Mode::Destroy {
            "Do you really want to destroy all of these?"
        } else {
            "Do you want to perform these actions?"
        };
        self.console.talk(&format!(
            "\n{question}\n  clinch will perform the actions described above, on {}.\n  Only \
             'yes' will be accepted to approve.\n\n  Enter a value: ",
            plan.target.name
        ));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if signals.exit_code().is_some() {
            return Err(Early::Code(exit::INTERRUPTED));
        }
        if read.is_ok() && answer.trim() == "yes" {
            self.console.talk("\n");
            return Ok(());
        }
        let word = if self.aim.mode == Mode::Destroy { "Destroy" } else { "Apply" };
        self.console.talk(&format!("\n{word} cancelled. Nothing was changed.\n"));
        Err(Early::Code(exit::FAILED))
    }

    /// `-auto-approve` does not cover what cannot be taken back, unless it is allowed by name.
    fn allowed(&self, plan: &Plan) -> Result<(), Early> {
        let has = |f: &dyn Fn(&plans::Change) -> bool| plan.changes.iter().any(f);
        let destroys = has(&|c| matches!(c.action, Action::Delete | Action::Replace));
        let wanted = [
            (destroys && self.aim.mode != Mode::Destroy, Allowed::Destroy, "destroy"),
            (has(&|c| c.disruption == Disruption::Drain), Allowed::Drain, "drain"),
            (has(&|c| c.disruption == Disruption::Reboot), Allowed::Reboot, "reboot"),
        ];
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|(needed, what, _)| *needed && !self.allow.contains(what))
            .map(|(_, _, name)| *name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let what = missing.join(",");
        Err(Diagnostic::error(
            NOT_ALLOWED,
            "Plan does what -auto-approve does not cover",
            format!("The plan would {}, which cannot be taken back.", missing.join(" and ")),
        )
        .with_help(format!("Add -allow={what}, or approve the plan yourself."))
        .into())
    }

    /// The end: what was done, outputs, what is left.
    fn applied(
        &self,
        mut applied: Applied,
        plan: &Plan,
        sources: &SourceMap,
        signals: &Signals,
        lock: &Lock,
    ) -> u8 {
        let console = &self.console;
        applied.diagnostics.extend(lock.problem());
        if console.json {
            let outputs = applied.outputs.iter().map(|(n, v)| (n.as_str(), v));
            for line in view::json::outcome(&applied.outcome, plan, outputs, super::now()) {
                console.line(&line);
            }
        } else {
            let words = view::human::outcome(&applied.outcome, plan, &console.out);
            console.data(&format!("\n{words}"));
            if !applied.outputs.is_empty() {
                let outputs = applied.outputs.iter().map(|(n, v)| (n.as_str(), v));
                console.data(&format!("\nOutputs:\n\n{}", view::human::outputs(outputs)));
            }
        }
        console.diagnostics(&applied.diagnostics, sources);
        match signals.exit_code() {
            Some(code) if applied.outcome.stopped.is_some() => code,
            _ if applied.outcome.is_complete() && !applied.diagnostics.has_errors() => exit::DONE,
            _ => exit::FAILED,
        }
    }
}

/// Why nothing was begun; after an interrupt there is nothing to say.
fn told(problems: Diagnostics, configured: &Configured, signals: &Signals) -> Early {
    match signals.exit_code() {
        Some(code) if problems.is_empty() => Early::Code(code),
        Some(_) | None => Early::Told(problems, configured.sources.clone()),
    }
}

/// Why a run ended early, and whether its lock was lost.
fn lost(mut problems: Diagnostics, lock: &Lock, configured: &Configured) -> Early {
    problems.extend(lock.problem());
    Early::Told(problems, configured.sources.clone())
}

/// What a run stands on.
fn ground<'a>(configured: &'a Configured, connected: &'a Connected) -> session::Ground<'a> {
    session::Ground {
        loaded: &configured.loaded,
        state: &connected.state,
        world: &connected.world,
        store: &connected.store,
    }
}

/// Who is at work, for people who wait.
pub(crate) fn holder(env: &Environment, operation: &str) -> Holder {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Holder {
        pid: std::process::id(),
        host: host.trim().to_owned(),
        user: env.user.clone(),
        operation: operation.to_owned(),
        since: super::now().0,
    }
}

/// `30s`, `5m`.
pub(crate) fn duration(text: &str) -> Result<Duration, Diagnostics> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    parsed.ok().and_then(|d| Duration::try_from(d).ok()).ok_or_else(|| {
        Diagnostic::error(
            BAD_DURATION,
            "Invalid duration",
            format!("`{text}` is not a duration such as `30s` or `5m`."),
        )
        .into()
    })
}
