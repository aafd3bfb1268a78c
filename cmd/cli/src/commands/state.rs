//! `state`: look at and edit what is remembered.

use super::place::{self, Claim, Hold};
use super::{plan, work};
use crate::args::{
    ClusterArgs, LockArgs, StateCommand, StateListArgs, StateMvArgs, StateRebuildArgs, StateRmArgs,
    StateShowArgs, VariableArgs,
};
use crate::console::Console;
use crate::environment::Environment;
use crate::{exit, signals};
use addrs::InstanceAddr;
use diags::{Code, Diagnostic, Diagnostics, SourceMap};
use plans::Mode;
use session::Store as _;
use states::{Selection, State};

const BAD_ADDRESS: Code = Code("E0913");
const NO_STATE: Code = Code("E0914");
const RUN_IN_FLIGHT: Code = Code("E0915");

pub(crate) async fn run(command: StateCommand, env: &Environment) -> u8 {
    let (console, done) = match command {
        StateCommand::List(args) => {
            let console = Console::new(&args.style, env);
            let done = list(&args, &console, env).await;
            (console, done)
        }
        StateCommand::Show(args) => {
            let console = Console::new(&args.style, env);
            let done = show(&args, &console, env).await;
            (console, done)
        }
        StateCommand::Mv(args) => {
            let console = Console::new(&args.style, env);
            let done = mv(&args, &console, env).await;
            (console, done)
        }
        StateCommand::Rm(args) => {
            let console = Console::new(&args.style, env);
            let done = rm(&args, &console, env).await;
            (console, done)
        }
        StateCommand::Rebuild(args) => return Box::pin(rebuild(&args, env)).await,
    };
    match done {
        Ok(()) => exit::DONE,
        Err(Failed::Said(code)) => code,
        Err(Failed::Told(problems)) => {
            console.diagnostics(&problems, &SourceMap::default());
            exit::FAILED
        }
    }
}

/// Why a command failed.
enum Failed {
    /// All is said; this is the exit code.
    Said(u8),
    /// This is to be said.
    Told(Diagnostics),
}

impl From<Diagnostics> for Failed {
    fn from(problems: Diagnostics) -> Self {
        Self::Told(problems)
    }
}

/// What is remembered, wherever that is.
async fn remembered(
    flags: &ClusterArgs,
    variables: &VariableArgs,
    console: &Console,
    env: &Environment,
) -> Result<Option<State>, Failed> {
    let opened = place::look(flags, variables, env, console).await.map_err(Failed::Said)?;
    Ok(opened.store.load().await?.state)
}

async fn list(args: &StateListArgs, console: &Console, env: &Environment) -> Result<(), Failed> {
    let state = remembered(&args.cluster, &args.variables, console, env).await?;
    let Some(state) = state else { return Ok(()) };
    for addr in state.records.keys() {
        if console.json {
            console.data(&schemas::show::document(&addr.to_string()));
        } else {
            console.data(&format!("{addr}\n"));
        }
    }
    Ok(())
}

async fn show(args: &StateShowArgs, console: &Console, env: &Environment) -> Result<(), Failed> {
    let state = required(remembered(&args.cluster, &args.variables, console, env).await?)?;
    let selection = states::select(&state, &address(&args.address)?)?;
    for addr in selection.addrs() {
        let Some(record) = state.records.get(addr) else { continue };
        if console.json {
            let one = State { records: [(addr.clone(), record.clone())].into(), ..state.clone() };
            console.data(&view::json::show_state(&one, env!("CARGO_PKG_VERSION")));
        } else {
            console.data(&view::human::record(addr, record, &console.out));
        }
    }
    Ok(())
}

async fn mv(args: &StateMvArgs, console: &Console, env: &Environment) -> Result<(), Failed> {
    let (from, to) = (address(&args.from)?, address(&args.to)?);
    let whose = (&args.cluster, &args.variables, &args.lock);
    edit(whose, console, env, |state| states::move_records(state, &from, &to)).await?;
    console.data(&format!("Moved {from} to {to}.\n"));
    Ok(())
}

async fn rm(args: &StateRmArgs, console: &Console, env: &Environment) -> Result<(), Failed> {
    let addrs: Vec<InstanceAddr> =
        args.addresses.iter().map(|a| address(a)).collect::<Result<_, _>>()?;
    let mut gone: Vec<InstanceAddr> = Vec::new();
    let whose = (&args.cluster, &args.variables, &args.lock);
    edit(whose, console, env, |state| {
        let mut state = state.clone();
        for addr in &addrs {
            let selection: Selection = states::select(&state, addr)?;
            gone.extend(selection.addrs().iter().cloned());
            state = states::remove_records(&state, addr)?;
        }
        Ok(state)
    })
    .await?;
    for addr in gone {
        console.data(&format!("Forgot {addr}; its object stays as it is.\n"));
    }
    Ok(())
}

/// Changes the records under the lock; refuses while a run is not finished.
async fn edit(
    (flags, variables, lock): (&ClusterArgs, &VariableArgs, &LockArgs),
    console: &Console,
    env: &Environment,
    change: impl FnOnce(&State) -> Result<State, Diagnostics>,
) -> Result<(), Failed> {
    let claim = Claim::new(lock, "state", None)?;
    let opened = place::edit(flags, variables, env, console, Hold::Take(&claim)).await;
    let opened = opened.map_err(Failed::Said)?;
    let loaded = opened.store.load().await?;
    let state = required(loaded.state)?;
    if loaded.unfinished.is_some() {
        return Err(Diagnostics::from(in_flight()).into());
    }
    let changed = change(&state)?;
    Ok(opened.store.commit(&changed, true).await?)
}

async fn rebuild(args: &StateRebuildArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let configured = match work::configure(&args.variables, env, &console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let Ok(signals) = signals::listen() else { return exit::FAILED };
    let work = async {
        let claim = Claim::new(&args.lock, "state rebuild", Some(&signals))?;
        let opened =
            place::open(&configured, &args.cluster, env, Hold::Take(&claim)).await?.for_rebuild();
        let place::Opened { store, lock, access } = opened;
        let events = plan::talker(&console);
        let connected =
            work::connected(&configured, &args.cluster, events, env, store, lock, access).await?;
        if connected.unfinished.is_some() {
            return Err(in_flight().into());
        }
        let options = work::options(
            &configured.loaded,
            &connected.state,
            &connected.target,
            Mode::Normal.into(),
        );
        let rebuilt =
            session::rebuild(&configured.loaded, &connected.state, &connected.world, &options)
                .await?;
        let mut state = rebuilt.state.clone();
        state.serial += 1;
        connected.store.commit(&state, true).await?;
        Ok::<_, Diagnostics>(rebuilt)
    };
    match signals::until_interrupted(&signals, Box::pin(work)).await {
        None => signals.exit_code().unwrap_or(exit::FAILED),
        Some(Err(problems)) => {
            console.diagnostics(&problems, &configured.sources);
            exit::FAILED
        }
        Some(Ok(rebuilt)) => {
            console.diagnostics(&rebuilt.diagnostics, &configured.sources);
            for addr in &rebuilt.restored {
                console.data(&format!("Remembered {addr}.\n"));
            }
            for addr in &rebuilt.orphans {
                let protected = rebuilt.state.records.get(addr).is_some_and(|r| r.protected);
                let then = if protected {
                    "and which is protected; no plan deletes it"
                } else {
                    "so the next plan deletes it"
                };
                console.data(&format!("Remembered {addr}, which nothing declares, {then}.\n"));
            }
            console.data(&format!(
                "Rebuilt the state: {} declared, {} not declared.\n",
                rebuilt.restored.len(),
                rebuilt.orphans.len()
            ));
            exit::DONE
        }
    }
}

pub(super) fn required(state: Option<State>) -> Result<State, Diagnostics> {
    state.ok_or_else(|| {
        Diagnostic::error(NO_STATE, "No state", "Nothing was applied here yet.")
            .with_help("Run `clinch apply`, or `clinch state rebuild` if the state was lost.")
            .into()
    })
}

pub(super) fn in_flight() -> Diagnostic {
    Diagnostic::error(
        RUN_IN_FLIGHT,
        "A run is not finished",
        "An apply was interrupted or failed. Its journal knows what was done and what is in \
         doubt; writing the state now would lose that. Nothing was written.",
    )
    .with_help(
        "Finish the run first:\n  clinch apply -resume\nOr leave its plan behind, and plan anew \
         from what is there now:\n  clinch apply",
    )
}

fn address(text: &str) -> Result<InstanceAddr, Diagnostics> {
    text.parse().map_err(|e: addrs::NotAnAddress| {
        let detail = format!("{e}.");
        Diagnostic::error(BAD_ADDRESS, "Invalid address", detail)
            .with_help("Write TYPE.NAME, with a key where there is one: namespace.team[\"web\"].")
            .into()
    })
}
