//! Commands about what is kept: the folder, the state, its lock, and the sandbox.

use super::{ClusterArgs, LockArgs, OutputStyleArgs, VariableArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
