//! Why a task stopped, and the two handles a task may speak through.
//!
//! Talk goes to standard error, data to standard output, so that
//! `eval "$(cargo xtask control-plane env)"` reads nothing but exports.

use std::fmt;
use std::io::{self, Write};

/// Why a task stopped: one paragraph for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl Trouble {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds what was being done to an error that only says what went wrong.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Trouble>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Trouble> {
        self.map_err(|error| Trouble(format!("{}: {error}", what())))
    }
}

/// One line of talk.
pub(crate) fn say(line: impl fmt::Display) {
    if cfg!(test) {
        return; // The test harness captures macros, not handles.
    }
    // Nobody is left to tell when standard error itself is gone.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// One line of data. A closed pipe is a reader that has seen enough.
pub(crate) fn print(line: impl fmt::Display) -> Result<(), Trouble> {
    if cfg!(test) {
        return Ok(());
    }
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble(format!("writing to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
