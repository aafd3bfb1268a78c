//! `man`: manual pages, made from what the command line says about itself.

use super::schema::CANNOT_WRITE;
use crate::args::{Cli, ManArgs};
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use clap::CommandFactory;
use diags::Diagnostic;
use std::io;
use std::path::Path;

pub(crate) fn run(args: &ManArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    // One page for each command and each of its subcommands: `clinch-state-list.1`.
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    match std::fs::create_dir_all(&args.dir).and_then(|()| write(&command, &args.dir)) {
        Ok(()) => exit::DONE,
        Err(error) => {
            let detail = format!("{}: {}.", args.dir.display(), crate::files::plain(&error));
            console.diagnostic(Diagnostic::error(CANNOT_WRITE, "Cannot write", detail));
            exit::FAILED
        }
    }
}

fn write(command: &clap::Command, dir: &Path) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).generate_to(dir)?;
    command.get_subcommands().try_for_each(|below| write(below, dir))
}
