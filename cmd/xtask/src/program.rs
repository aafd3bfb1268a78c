//! Running another program to its end.

use crate::trouble::{Doing, Trouble};
use std::process::{Command, Stdio};

/// What the program printed, or what it complained of.
pub(crate) fn output(command: &mut Command) -> Result<String, Trouble> {
    let name = command.get_program().to_string_lossy().into_owned();
    let out = command.stdin(Stdio::null()).output().doing(|| format!("starting {name}"))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let mut words = vec![name];
    words.extend(command.get_args().map(|one| one.to_string_lossy().into_owned()));
    let why = String::from_utf8_lossy(&out.stderr);
    Err(Trouble::new(format!("{} failed:\n{}", words.join(" "), why.trim_end())))
}

/// Runs the program; only its complaints matter.
pub(crate) fn run(command: &mut Command) -> Result<(), Trouble> {
    output(command).map(drop)
}
