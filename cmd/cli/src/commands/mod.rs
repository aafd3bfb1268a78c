//! One module per command, and what they share.

mod apply;
mod drift;
mod explain;
mod fmt;
mod graph;
mod init;
mod lock;
mod man;
mod output;
mod place;
mod plan;
mod preflight;
mod sandbox;
mod schema;
mod show;
mod state;
mod validate;
mod work;

use crate::args::{Cli, Command};
use crate::environment::Environment;
use crate::preset::CommandLine;
use crate::{exit, mistake};
use diags::{Code, Diagnostic};
use std::sync::atomic::{AtomicBool, Ordering};

const NO_DIRECTORY: Code = Code("E0904");
const NO_RUNTIME: Code = Code("E0905");

/// Runs a command; the result is the exit code.
pub(crate) fn run(cli: Cli, line: &CommandLine) -> u8 {
    let env = Environment::read();
    if let Some(dir) = &cli.chdir
        && let Err(error) = std::env::set_current_dir(dir)
    {
        let detail = format!("{}: {}.", dir.display(), crate::files::plain(&error));
        let problem = Diagnostic::error(NO_DIRECTORY, "Cannot work in a directory", detail);
        mistake::tell(problem, line);
        return exit::FAILED;
    }
    log(&env);
    // Installed once, before any thread: TLS has one provider of cryptography here.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let detail = error.to_string();
            mistake::tell(Diagnostic::error(NO_RUNTIME, "Cannot start", detail), line);
            return exit::FAILED;
        }
    };
    let code = runtime.block_on(dispatch(cli.command, &env));
    // Steps that still run were begun by a run that was told to stop waiting; their outcome
    // is read back on resume.
    runtime.shutdown_background();
    code
}

async fn dispatch(command: Command, env: &Environment) -> u8 {
    match command {
        Command::Init(args) => init::run(&args, env).await,
        Command::Validate(args) => validate::run(&args, env),
        Command::Fmt(args) => fmt::run(&args, env),
        Command::Console(args) => graph::console(&args, env),
        Command::Graph(args) => graph::run(&args, env),
        Command::Plan(args) => plan::run(&args, env).await,
        Command::Apply(args) => apply::run(&args, env).await,
        Command::Destroy(args) => apply::destroy(&args, env).await,
        Command::Drift(args) => drift::run(&args, env).await,
        Command::Show(args) => show::run(&args, env).await,
        Command::Output(args) => output::run(&args, env).await,
        Command::State(args) => state::run(args, env).await,
        Command::Lock(args) => lock::run(args, env).await,
        Command::Sandbox(args) => sandbox::run(args, env).await,
        Command::Explain(args) => explain::run(&args, env),
        Command::Schema(args) => schema::run(&args, env),
        Command::Completion(args) => schema::completion(&args, env),
        Command::Man(args) => man::run(&args, env),
        Command::Version(args) => schema::version(&args, env),
    }
}

/// The time, read where a run begins or a line is written.
pub(crate) fn now() -> plans::Timestamp {
    plans::Timestamp(jiff::Timestamp::now().as_second())
}

static LOGGING: AtomicBool = AtomicBool::new(false);

/// Starts the log when the environment asks for one.
fn log(env: &Environment) {
    let Some(level) = &env.log else { return };
    if LOGGING.swap(true, Ordering::SeqCst) {
        return;
    }
    let filter = tracing_subscriber::EnvFilter::new(level.to_lowercase());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
