//! Flags that several commands have.

use addrs::InstanceAddr;
use clap::Args;
use std::path::PathBuf;

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

/// What becomes of hosts that are down.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UnreachableArgs {
    /// Leave out what is on hosts that cannot be reached, instead of failing
    #[arg(long)]
    pub(crate) allow_unreachable: bool,
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
