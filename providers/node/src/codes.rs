//! The kinds of problems that this crate reports.

use diags::Code;

/// A name does not say which host or file is meant.
pub const IDENTITY: Code = Code("E0760");
/// A kernel module cannot have this name.
pub const MODULE: Code = Code("E0761");
/// A file exists and is not ours.
pub const NOT_OURS: Code = Code("E0762");
/// A file belongs to another project.
pub const OTHER_PROJECT: Code = Code("E0763");
/// A setting is not one that the kubelet of the node takes.
pub const KUBELET_SETTING: Code = Code("E0790");
/// The kubelet's file is not there, or is none.
pub const KUBELET_FILE: Code = Code("E0791");
/// The running kubelet could not be asked.
pub const KUBELET_RUNNING: Code = Code("E0792");
/// The kubelet does not run with new settings.
pub const KUBELET_REFUSES: Code = Code("E0793");
/// kubeadm keeps no settings of kubelets in the cluster, or none that can be read.
pub const KUBELET_BASE: Code = Code("E0860");
/// A flag of a kubelet's command line wins over a setting of its file.
pub const KUBELET_FLAG: Code = Code("E0861");
/// An operation is not one that hosts know.
pub const STRANGE: Code = Code("E0764");
/// A file is not one that can be: its mode, its owner, its length.
pub const FILE: Code = Code("E0794");
/// A path is not one that a file may be kept at.
pub const PATH: Code = Code("E0795");
/// Everybody on a host may change a file.
pub const OPEN: Code = Code("E0767");
/// A private key is in a configuration.
pub const KEY: Code = Code("E0768");
/// A host has no such user or group.
pub const ACCOUNT: Code = Code("E0769");
/// What clinch noted about a file cannot be read, or what it kept is gone.
pub const RECORD: Code = Code("E0771");
/// A kernel setting is not one, or the kernel does not take its value.
pub const SETTING: Code = Code("E0772");
/// A unit file is not one, or systemd does not do what is asked.
pub const UNIT: Code = Code("E0774");
/// On a host that is a folder no kernel runs.
pub const NO_KERNEL: Code = Code("E0773");
/// A certificate is not one of an authority, or is not trusted where it should be.
pub const CERTIFICATE: Code = Code("E0775");
/// A certificate has expired, or soon will.
pub const EXPIRY: Code = Code("E0776");
/// A host keeps what it trusts in no way that is known.
pub const NO_STORE: Code = Code("E0777");
/// A setting of a container runtime is not one, or cannot be had.
pub const RUNTIME_SETTING: Code = Code("E0820");
/// The container runtime's file cannot be read or edited.
pub const RUNTIME_FILE: Code = Code("E0821");
/// The container runtime does not answer.
pub const RUNTIME_RUNNING: Code = Code("E0822");
/// The container runtime does not run with new settings.
pub const RUNTIME_REFUSES: Code = Code("E0823");
/// Another file wins over the one that is kept.
pub const RUNTIME_OVERRIDDEN: Code = Code("E0824");
/// A node has another container runtime than the one that is asked for.
pub const RUNTIME_OTHER: Code = Code("E0826");
/// A registry or a mirror of it is not one.
pub const REGISTRY: Code = Code("E0825");
/// A flag is not one that may be set so.
pub const STATIC_POD_FLAG: Code = Code("E0840");
/// The manifest of a static pod is not there, or cannot be changed.
pub const STATIC_POD_FILE: Code = Code("E0841");
/// A static pod is not up, or nobody can tell.
pub const STATIC_POD_DOWN: Code = Code("E0842");
/// A static pod does not come up with new flags.
pub const STATIC_POD_REFUSES: Code = Code("E0843");
/// What a kubelet is known by would be gone after a reboot.
pub const KUBELET_FORGETS: Code = Code("E0844");
/// A cgroup driver is not one, or cannot be looked up.
pub const CGROUP_DRIVER: Code = Code("E0945");
/// Two types keep the cgroup driver of one node.
pub const CGROUP_KEPT_TWICE: Code = Code("E0941");
/// Something wins over the file that the cgroup driver is written to.
pub const CGROUP_OVERRIDDEN: Code = Code("E0942");
/// A host cannot have the cgroup driver.
pub const CGROUP_HOST: Code = Code("E0943");
/// A node does not run with the cgroup driver.
pub const CGROUP_REFUSES: Code = Code("E0944");
/// The arguments of a migration of a runtime are none.
pub const MIGRATION: Code = Code("E0960");
/// A node has a container runtime that is not migrated from.
pub const MIGRATION_FROM: Code = Code("E0961");
/// A flag that is not kubeadm's keeps a kubelet from its new runtime.
pub const MIGRATION_FLAG: Code = Code("E0962");
/// A host cannot have the new runtime.
pub const MIGRATION_HOST: Code = Code("E0963");
/// A node that is to get another runtime could not be looked at.
pub const MIGRATION_NODE: Code = Code("E0964");
/// A node does not run with its new runtime.
pub const MIGRATION_REFUSES: Code = Code("E0965");
/// Workloads on a node depend on docker, which goes.
pub const DOCKER_NEEDED: Code = Code("E0966");
/// Two types keep the address of the runtime of a node.
pub const ENDPOINT_KEPT_TWICE: Code = Code("E0967");
/// A version of a Windows node is none.
pub const WINDOWS: Code = Code("E0970");
/// A node does not answer as a Windows node does.
pub const WINDOWS_NODE: Code = Code("E0971");
/// A version cannot follow the one that a Windows node has.
pub const WINDOWS_SKEW: Code = Code("E0972");
/// A Windows node does not run with its new version.
pub const WINDOWS_REFUSES: Code = Code("E0973");
