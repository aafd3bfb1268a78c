//! `sandbox serve`, `snapshot`, `restore`: the sandbox for kubectl and other clients, and its
//! objects in a file.

use crate::args::{OutputStyleArgs, SandboxCommand, SandboxServeArgs};
use crate::console::Console;
use crate::environment::Environment;
use crate::{exit, files, signals};
use diags::{Code, Diagnostic};
use sandbox::{OpenError, Options, Sandbox};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;

const CANNOT_SERVE: Code = Code("E0916");
const CANNOT_COPY: Code = Code("E0939");

/// Somebody who serves the sandbox will not be done any time soon.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) async fn run(command: SandboxCommand, env: &Environment) -> u8 {
    let console = Console::new(&OutputStyleArgs::default(), env);
    let folder = env.data_dir.join("sandbox");
    let (done, code, summary) = match command {
        SandboxCommand::Serve(args) => {
            (serve(&args, env, &console).await, CANNOT_SERVE, "Cannot serve the sandbox")
        }
        SandboxCommand::Snapshot(args) => (
            snapshot(&folder, &args.file, &console),
            CANNOT_COPY,
            "Cannot take a snapshot of the sandbox",
        ),
        SandboxCommand::Restore(args) => {
            (restore(&folder, &args.file, &console), CANNOT_COPY, "Cannot restore the sandbox")
        }
    };
    match done {
        Ok(code) => code,
        Err(why) => {
            console.diagnostic(Diagnostic::error(code, summary, why));
            exit::FAILED
        }
    }
}

fn snapshot(folder: &Path, file: &Path, console: &Console) -> Result<u8, String> {
    if !folder.is_dir() {
        return Err(format!("There is no sandbox in {} yet.", folder.display()));
    }
    let options = Options { lock_timeout: PATIENCE, ..Options::real() };
    let sandbox = Sandbox::open_with(folder, options).map_err(|error| told(&error))?;
    write_private(file, &sandbox.snapshot())
        .map_err(|error| format!("{}: {}.", file.display(), files::plain(&error)))?;
    console.talk(&format!("Wrote {}, secrets included.\n", file.display()));
    Ok(exit::DONE)
}

/// Secrets are for the owner alone.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut open = std::fs::OpenOptions::new();
    let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())
}

fn restore(folder: &Path, file: &Path, console: &Console) -> Result<u8, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{}: {}.", file.display(), files::plain(&error)))?;
    Sandbox::restore(folder, &text, PATIENCE).map_err(|error| match error {
        OpenError::NoSnapshot { why } => format!("{} is no snapshot: {why}.", file.display()),
        other => told(&other),
    })?;
    console.talk(&format!(
        "The sandbox of {} has the objects of {}.\n",
        folder.display(),
        file.display()
    ));
    Ok(exit::DONE)
}

/// An error as a sentence, with what to do about it.
fn told(error: &OpenError) -> String {
    match error {
        OpenError::InUse { folder } => format!(
            "The sandbox in {} is in use by another process, such as `clinch sandbox serve`. End that first.",
            folder.display()
        ),
        OpenError::Io { .. } | OpenError::Damaged { .. } | OpenError::NoSnapshot { .. } => {
            format!("{error}.")
        }
    }
}

async fn serve(
    args: &SandboxServeArgs,
    env: &Environment,
    console: &Console,
) -> Result<u8, String> {
    if !args.listen.ip().is_loopback() {
        return Err(format!(
            "{} is not a loopback address, and the sandbox lets everybody in.",
            args.listen
        ));
    }
    let folder = env.data_dir.join("sandbox");
    let sandbox = Sandbox::open(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let listener = TcpListener::bind(args.listen).await.map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let signals = signals::listen().map_err(|e| e.to_string())?;
    if let Some(file) = &args.kubeconfig {
        let text = sandbox.write_kubeconfig(address);
        std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))?;
        console.talk(&format!("Wrote {}.\n", file.display()));
    }
    console.talk(&format!(
        "Serving the sandbox of {} at http://{address} until interrupted.\n",
        folder.display()
    ));
    match signals::until_interrupted(&signals, sandbox.serve(listener)).await {
        None | Some(Ok(())) => Ok(exit::DONE),
        Some(Err(error)) => Err(error.to_string()),
    }
}
