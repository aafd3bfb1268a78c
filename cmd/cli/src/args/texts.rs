//! Commands about the language and the program itself; none of them reaches a cluster.

use super::{OutputStyleArgs, VariableArgs};
use apimachinery::versions::Minor;
use clap::Args;
use std::path::PathBuf;

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
