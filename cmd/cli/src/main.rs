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
mod catalog;
mod commands;
mod console;
mod environment;
mod exit;
mod files;
mod signals;
mod store;
mod target;
mod variables;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = args::with_two_dashes(std::env::args_os());
    let cli = match args::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and version are answers, everything else is a mistake; clap prints both.
        Err(answer) => {
            let code = if answer.use_stderr() { exit::FAILED } else { exit::DONE };
            if answer.print().is_err() {
                return ExitCode::from(exit::FAILED);
            }
            return ExitCode::from(code);
        }
    };
    ExitCode::from(commands::run(cli))
}
