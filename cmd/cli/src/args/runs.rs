//! Commands that plan, do, and look at what there is.

use super::{
    AllowArgs, ClusterArgs, LockArgs, OutputStyleArgs, PartArgs, UnreachableArgs, VariableArgs,
};
use addrs::InstanceAddr;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) part: PartArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
    /// Save the plan, to apply exactly it later
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 0 when nothing changes, 2 when something does, 1 on errors
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Plan to delete everything that this configuration manages
    #[arg(long)]
    pub(crate) destroy: bool,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
    /// Plan to delete this instance and create it anew; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with = "destroy")]
    pub(crate) replace: Vec<InstanceAddr>,
    /// Ask for variables without a value: true or false
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true")]
    pub(crate) input: Option<bool>,
}

/// How a run goes, whichever command begins it.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) part: PartArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Do not ask before doing it
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Ask for approval: true or false
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true")]
    pub(crate) input: Option<bool>,
    /// How many steps may run at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parallelism)]
    pub(crate) parallelism: u16,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// A plan saved by `clinch plan -out FILE`; it is itself the approval
    #[arg(value_name = "PLAN", conflicts_with_all = ["target", "exclude"])]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
    /// Finish the run that was interrupted, without planning anew
    #[arg(long, conflicts_with_all = ["plan", "target", "exclude"])]
    pub(crate) resume: bool,
    /// Delete everything that this configuration manages
    #[arg(long, conflicts_with_all = ["plan", "resume"])]
    pub(crate) destroy: bool,
    /// Delete this instance and create it anew; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["plan", "resume", "destroy"])]
    pub(crate) replace: Vec<InstanceAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) unreachable: UnreachableArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A saved plan; without it: what the state remembers
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Only this output
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print a text as it is, without quotes
    #[arg(long, requires = "name", conflicts_with = "json")]
    pub(crate) raw: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

fn parallelism(text: &str) -> Result<u16, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=256).contains(n));
    number.ok_or("it is a number from 1 to 256")
}
