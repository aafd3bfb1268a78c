//! The command line: commands and flags, in both spellings (`-flag` and `--flag`).

mod common;
mod kept;
mod runs;
mod texts;

pub(crate) use common::*;
pub(crate) use kept::*;
pub(crate) use runs::*;
pub(crate) use texts::*;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Declarative administration of Kubernetes clusters: plan, review, apply.
#[derive(Debug, Parser)]
#[command(
    name = "clinch",
    version = env!("CARGO_PKG_VERSION"),
    about = "Declarative administration of Kubernetes clusters: plan, review, apply.",
    after_help = "Flags may be written with one dash or two: -auto-approve, --auto-approve.",
    args_override_self = true,
    disable_help_subcommand = true,
    propagate_version = false
)]
pub(crate) struct Cli {
    /// Work as if started in this directory
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prepare a directory: data folder, .gitignore, and a first configuration when it has none
    Init(InitArgs),
    /// Check the configuration without contacting anything
    Validate(ValidateArgs),
    /// Put files in canonical layout
    Fmt(FmtArgs),
    /// Print what expressions give, one a line; contacts nothing
    Console(ConsoleArgs),
    /// Print what needs what: for Graphviz, for Mermaid, as JSON, or as a picture
    Graph(GraphArgs),
    /// Show what apply would do
    Plan(PlanArgs),
    /// Make the cluster as the configuration says
    Apply(ApplyArgs),
    /// Delete everything that this configuration manages
    Destroy(DestroyArgs),
    /// Show what differs from the configuration; changes nothing (exit code 2 when it does)
    Drift(DriftArgs),
    /// Show a saved plan, or what the state remembers
    Show(ShowArgs),
    /// Print outputs of the last apply
    Output(OutputArgs),
    /// Look at and edit what clinch remembers
    #[command(subcommand)]
    State(StateCommand),
    /// Look at the lock of a state in the cluster, and release it
    #[command(subcommand)]
    Lock(LockCommand),
    /// Serve the sandbox to kubectl and other clients, or copy its objects
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Print the page about a message's code, or a list of all codes
    Explain(ExplainArgs),
    /// Write reference pages and JSON Schemas of every resource type and format
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completion(CompletionArgs),
    /// Write manual pages of every command
    Man(ManArgs),
    /// Print the version
    Version(VersionArgs),
}

/// Makes `-flag` and `-flag=value` what clap knows as `--flag`.
///
/// Short flags of one letter stay (`-h`, `-V`); everything after `--` stays.
pub(crate) fn with_two_dashes(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut out = Vec::new();
    let mut plain = false;
    for arg in args {
        plain |= arg == "--";
        let doubled = arg.to_str().filter(|_| !plain).and_then(|text| {
            let name = text.strip_prefix('-')?;
            let long = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.split('=').next().is_some_and(|n| n.len() > 1);
            long.then(|| format!("-{text}"))
        });
        out.push(doubled.map_or(arg, OsString::from));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Cli {
        let words = line.split(' ').map(OsString::from);
        Cli::try_parse_from(with_two_dashes(words)).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn every_flag_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn one_dash_and_two_mean_the_same() {
        for line in [
            "clinch -chdir=x apply -auto-approve -var a=1 -lock=false -parallelism=3",
            "clinch --chdir x apply --auto-approve --var a=1 --lock=false --parallelism 3",
        ] {
            let cli = parse(line);
            assert_eq!(cli.chdir.as_deref(), Some(std::path::Path::new("x")));
            let Command::Apply(apply) = cli.command else { panic!("apply") };
            let run = apply.run;
            assert!(run.auto_approve && !run.lock.lock && run.parallelism == 3);
            assert_eq!(run.variables.var, ["a=1"]);
        }
    }

    #[test]
    fn a_saved_plan_and_resume_exclude_each_other() {
        let words = ["clinch", "apply", "-resume", "tfplan"].map(OsString::from);
        assert!(Cli::try_parse_from(with_two_dashes(words)).is_err());
    }
}
