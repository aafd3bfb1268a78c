//! The command line: commands and flags, in both spellings (`-flag` and `--flag`).

use addrs::InstanceAddr;
use apimachinery::versions::Minor;
use clap::{Args, Parser, Subcommand};
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

/// Where the cluster is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ClusterArgs {
    /// Kubeconfig file of the cluster; without it and without a cluster block: the sandbox
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// How variables are set.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct VariableArgs {
    /// Set a variable; may be repeated, the last one wins
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Set variables from a file; may be repeated
    #[arg(long = "var-file", value_name = "FILE")]
    pub(crate) var_file: Vec<PathBuf>,
}

/// Which part of the configuration is planned.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PartArgs {
    /// Only this instance or resource, and what it needs; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with = "exclude")]
    pub(crate) target: Vec<InstanceAddr>,
    /// All but this instance or resource, and what needs it; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) exclude: Vec<InstanceAddr>,
}

impl PartArgs {
    /// Whether anything is left out.
    pub(crate) fn is_some(&self) -> bool {
        !self.target.is_empty() || !self.exclude.is_empty()
    }
}

/// What must be allowed by name, because it cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Allowed {
    /// Deleting or replacing objects
    Destroy,
    /// Draining nodes
    Drain,
    /// Restarting hosts
    Reboot,
    /// Deleting objects of others along with a namespace or a definition, or shared with others
    Foreign,
    /// Deleting what holds data, or a machine: claims, volumes, nodes; data of pods on drained nodes
    Data,
    /// Deleting what is annotated to be kept
    Kept,
    /// Deleting all that is remembered, because the configuration declares nothing
    Empty,
    /// Draining pods that nothing creates again
    Bare,
    /// Draining pods that no other node takes
    Stranded,
}

/// What a person allows by name.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AllowArgs {
    /// What may be done that cannot be taken back: destroy, drain and reboot for -auto-approve;
    /// foreign, data, kept, empty, bare and stranded always
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) allow: Vec<Allowed>,
    /// How many objects may be destroyed; without it 10, or a tenth of all
    #[arg(long, value_name = "N")]
    pub(crate) max_destroy: Option<usize>,
    #[command(flatten)]
    pub(crate) unreachable: UnreachableArgs,
}

/// What becomes of hosts that are down.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UnreachableArgs {
    /// Leave out what is on hosts that cannot be reached, instead of failing
    #[arg(long)]
    pub(crate) allow_unreachable: bool,
}

impl AllowArgs {
    /// What a plan is made with.
    pub(crate) fn guards(&self) -> plans::Allowed {
        let kind = |allowed: &Allowed| match allowed {
            Allowed::Foreign => Some(plans::GuardKind::Foreign),
            Allowed::Data => Some(plans::GuardKind::Data),
            Allowed::Kept => Some(plans::GuardKind::Kept),
            Allowed::Empty => Some(plans::GuardKind::Empty),
            Allowed::Bare => Some(plans::GuardKind::Bare),
            Allowed::Stranded => Some(plans::GuardKind::Stranded),
            Allowed::Destroy | Allowed::Drain | Allowed::Reboot => None,
        };
        plans::Allowed {
            kinds: self.allow.iter().filter_map(kind).collect(),
            max_destroy: self.max_destroy,
            unreachable: self.unreachable.allow_unreachable,
        }
    }
}

/// How output looks.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OutputStyleArgs {
    /// Print without colour, as with `NO_COLOR`
    #[arg(long)]
    pub(crate) no_color: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the state is locked.
#[derive(Debug, Clone, Args)]
pub(crate) struct LockArgs {
    /// Do not lock the state; two runs at once can lose each other's records
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true")]
    pub(crate) lock: bool,
    /// How long to wait for another run to release the lock: 0s, 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub(crate) lock_timeout: String,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Move the state to where the configuration says that it is
    #[arg(long)]
    pub(crate) migrate_state: bool,
    /// Namespace of the state that is moved out of the cluster
    #[arg(long, value_name = "NAME", requires = "migrate_state",
          default_value = session::STATE_NAMESPACE)]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// Check objects against what this version of Kubernetes has, without a server: `1.34`
    #[arg(long, value_name = "VERSION", value_parser = kubernetes_version)]
    pub(crate) kubernetes_version: Option<Minor>,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct FmtArgs {
    /// Files and folders; `-` is the standard input
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<PathBuf>,
    /// Change nothing, and exit with 3 when a file is not in canonical layout
    #[arg(long)]
    pub(crate) check: bool,
    /// Show what differs
    #[arg(long)]
    pub(crate) diff: bool,
    /// Look into folders too
    #[arg(long)]
    pub(crate) recursive: bool,
    /// Print the names of files that differ
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true")]
    pub(crate) list: bool,
    /// Write files that differ
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true")]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConsoleArgs {
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GraphFormat {
    /// The language of Graphviz
    Dot,
    /// The language of Mermaid
    Mermaid,
    /// One JSON object
    Json,
    /// A picture that browsers show
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// How it is written; -json means json
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    pub(crate) format: GraphFormat,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

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

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// List the addresses that are remembered
    List(StateListArgs),
    /// Show what is remembered of one address
    Show(StateShowArgs),
    /// Give a remembered object another address
    Mv(StateMvArgs),
    /// Forget addresses; their objects stay as they are
    Rm(StateRmArgs),
    /// Remember again, from the marks on the objects themselves
    Rebuild(StateRebuildArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StateListArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StateShowArgs {
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StateMvArgs {
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StateRmArgs {
    #[arg(value_name = "ADDRESS", required = true)]
    pub(crate) addresses: Vec<String>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StateRebuildArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LockCommand {
    /// List the locks of all configurations that keep their state beside this one
    List(LockLookArgs),
    /// Show who holds the lock of this configuration
    Show(LockLookArgs),
    /// Release the lock of a run that died
    Release(LockReleaseArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LockLookArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LockReleaseArgs {
    /// Take it from a run that is alive; it begins nothing more
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) look: LockLookArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Serve it on a loopback address until interrupted
    Serve(SandboxServeArgs),
    /// Write all of its objects into a file, secrets included
    Snapshot(SandboxFileArgs),
    /// Replace all of its objects by those of a snapshot
    Restore(SandboxFileArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SandboxFileArgs {
    /// The snapshot
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxServeArgs {
    /// Address to listen on; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// Write a kubeconfig for it
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Directory to write into; without it the names of all types are printed
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Directory to write into; made where there is none
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code at the end of a message: E0203; without it all codes are listed
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    #[command(flatten)]
    pub(crate) style: OutputStyleArgs,
}

fn kubernetes_version(text: &str) -> Result<Minor, String> {
    let (oldest, newest) = (Minor::oldest(), Minor::newest());
    Minor::parse(text).ok_or_else(|| format!("versions from {oldest} to {newest} are known"))
}

fn parallelism(text: &str) -> Result<u16, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=256).contains(n));
    number.ok_or("it is a number from 1 to 256")
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
