//! Draining: on a scripted server, whose clock is the test's, and on every server there is.

mod cordons;
mod evictions;
mod servers;
mod stage;

use super::*;
use crate::drain::{Holder, Options, Whose};
use serde_json::{Value as Json, json};
use stage::{Stage, node, of_set};

fn ours() -> Holder {
    Holder { project: "shop".to_owned(), plan: "4f2a".to_owned() }
}

/// An error as a person sees it.
fn told(error: &StepError) -> String {
    match error {
        StepError::Refused(problem) => {
            let help = problem.help.as_ref().map_or(String::new(), |help| format!("\n-> {help}"));
            format!("{}: {}\n{}{help}", problem.code, problem.summary, problem.detail)
        }
        StepError::Stale(why) => format!("stale: {why}"),
        StepError::InDoubt(why) => format!("in doubt: {why}"),
    }
}
