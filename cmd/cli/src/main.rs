//! The `clinch` command: arguments in, one use case, exit code out.
//!
//! This crate answers one question: *which use case, with what, and what does the shell get
//! back?* Start reading at [`main`], then `commands/`. Everything that a command does is wired
//! here and done elsewhere: `session` for the work, `view` for what is shown.
//!
//! **Invariant:** data goes to standard output, talk to standard error; a closed pipe is not an
//! error.
//!
//! **Invariant:** exit codes are 0 done, 1 failed, 2 differences (`plan -detailed-exitcode`,
//! `drift`), 130 and 143 interrupted.

mod args;
mod commands;
mod console;
mod environment;
mod exit;
mod files;
mod head_start;
mod hosts;
mod mistake;
mod preset;
mod signals;
mod store;
mod target;
mod variables;

use clap::Parser;
use clap::error::ErrorKind;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A plan makes and drops millions of small values; the system's allocator is a quarter of it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let line = preset::CommandLine::new(std::env::args_os());
    if let Some(problem) = &line.bad {
        mistake::tell(problem.clone(), &line);
        return ExitCode::from(exit::FAILED);
    }
    match args::Cli::try_parse_from(&line.words) {
        Ok(cli) => ExitCode::from(commands::run(cli, &line)),
        // Help and version are answers; clap prints them.
        Err(answer)
            if !answer.use_stderr()
                || answer.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            let printed = answer.print().is_ok();
            let done = printed && !answer.use_stderr();
            ExitCode::from(if done { exit::DONE } else { exit::FAILED })
        }
        Err(error) => {
            mistake::tell(mistake::explain(&error, &line), &line);
            ExitCode::from(exit::FAILED)
        }
    }
}
