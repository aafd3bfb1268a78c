//! From model to text: what a person or a machine reads of a plan, a run and its outcome.
//!
//! This crate answers one question: *how is this shown?* Start reading at [`human::plan`];
//! its neighbours in [`human`] show events, outcomes and diagnostics in a terminal, [`json`]
//! writes the same as a stream of lines for machines.
//!
//! **Invariant:** pure functions from model to text. The few writers write to a given
//! [`std::io::Write`]; nothing here looks at the environment, a terminal or a clock. Whether
//! there is colour, and how wide the screen is, the caller says in [`Style`].
//!
//! **Invariant:** a sensitive value is shown nowhere. One function turns a value into text
//! (`value::text`), and it is the only one that meets the mark.
//!
//! **Invariant:** text that comes from elsewhere (names, values, answers of a server) cannot
//! break a line, move the cursor or change its direction: what cannot be seen is escaped.
//!
//! **Not here:** deciding anything (`planner`, `runner`), formats that are stored (`schemas`).

pub mod graph;
pub mod human;
pub mod json;
mod style;
mod text;
mod value;

pub use style::{Detail, Style};

use std::io::{self, Write};

/// Writes a text. That nobody reads any more (`clinch plan | head`) is not an error.
pub fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    pipe_closed_is_fine(out.write_all(text.as_bytes()))
}

fn pipe_closed_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
