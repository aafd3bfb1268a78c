//! `cargo xtask sim`: a simulated cluster in which everything may go wrong.
//!
//! The simulation is a program of its own (`cmd/sim`), since this one imports none of our crates.

use crate::checkout;
use crate::trouble::{Doing, Trouble};
use std::process::Command;

/// What is run. Without any of these: every crash point and 200 seeds.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run so many seeds
    #[arg(long, value_name = "COUNT")]
    seeds: Option<u64>,
    /// The first of these seeds
    #[arg(long, value_name = "SEED", requires = "seeds")]
    from: Option<u64>,
    /// Let the process die at every point of a rollout, and of a resumption
    #[arg(long)]
    crashes: bool,
    /// Let so many pairs of processes die, one after the other
    #[arg(long, value_name = "COUNT")]
    pairs: Option<u64>,
    /// Let the process sleep at every point while another one takes over
    #[arg(long)]
    pauses: bool,
    /// Show one seed
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Show crashes before (12) or after (12+) these effects
    #[arg(long, value_name = "POINTS")]
    crash: Option<String>,
    /// Show a crash of the process that resumes a rollout that failed
    #[arg(long, value_name = "POINT")]
    resumption: Option<String>,
    /// Show a process that sleeps after so many effects until another one did so many
    #[arg(long, value_name = "AFTER,UNTIL")]
    pause: Option<String>,
    /// Show the bug that is planted for an invariant, such as I4
    #[arg(long, value_name = "INVARIANT")]
    bug: Option<String>,
}

impl Arguments {
    fn words(&self) -> Vec<String> {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let valued = [
            ("--seeds", number(self.seeds)),
            ("--from", number(self.from)),
            ("--pairs", number(self.pairs)),
            ("--seed", number(self.seed)),
            ("--crash", self.crash.clone()),
            ("--resumption", self.resumption.clone()),
            ("--pause", self.pause.clone()),
            ("--bug", self.bug.clone()),
        ];
        let given = valued.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut words: Vec<String> =
            given.flat_map(|(name, value)| [name.to_owned(), value]).collect();
        let flags = [("--crashes", self.crashes), ("--pauses", self.pauses)];
        words.extend(flags.iter().filter(|(_, set)| *set).map(|(name, _)| (*name).to_owned()));
        words
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--package", "clinch-sim", "--"]).args(arguments.words());
    let status = cargo.current_dir(checkout::root()).status();
    if status.doing(|| "starting cargo".to_owned())?.success() {
        return Ok(());
    }
    Err(Trouble::new("A promise was broken, or the simulation could not be run."))
}
