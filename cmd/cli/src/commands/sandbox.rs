//! `sandbox serve`: the sandbox for kubectl and other clients.

use crate::args::{OutputStyleArgs, SandboxCommand, SandboxServeArgs};
use crate::console::Console;
use crate::environment::Environment;
use crate::{exit, signals};
use diags::{Code, Diagnostic};
use sandbox::Sandbox;
use tokio::net::TcpListener;

const CANNOT_SERVE: Code = Code("E0916");

pub(crate) async fn run(command: SandboxCommand, env: &Environment) -> u8 {
    let SandboxCommand::Serve(args) = command;
    let console = Console::new(&OutputStyleArgs::default(), env);
    match serve(&args, env, &console).await {
        Ok(code) => code,
        Err(why) => {
            console.diagnostic(Diagnostic::error(CANNOT_SERVE, "Cannot serve the sandbox", why));
            exit::FAILED
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
