//! What is kept on the hosts of nodes: files that belong to clinch alone, and files that it
//! gives back.
//!
//! This crate answers two questions: *what should be on this host, and is it?* (the resource
//! types, pure) and *how is it read and written?* ([`NodeProvider`]). Start reading at
//! `kernel_module_blacklist.rs`, the first type, then at `marked.rs`, what all types have in
//! common that keep a file of their own in a folder of drop-ins, and `host_type.rs`, what the
//! I/O half needs to know of any type.
//!
//! **Invariant:** a file that says it belongs to somebody else is neither replaced nor removed.
//! Whose a file is stands on the host: in its first line, or in a record beside it (`records`).
//!
//! **Invariant:** a host that cannot be reached is an error on every object there, never
//! "nothing is there".
//!
//! **Not here:** how a file is replaced without being half written (`access`), what surrounds
//! an edit that disturbs what runs (`rollout`), objects of the API (`cluster`) except for one:
//! the settings that kubeadm gives to all kubelets follow the rules of those of one
//! (`kubelet_base_config`); `cluster` writes them.

mod accounts;
mod central;
mod cgroup_driver;
pub mod codes;
mod container_runtime;
mod drop_in;
mod host_facts;
mod host_file;
mod host_type;
mod io;
mod kernel_module_blacklist;
mod kubelet_base_config;
mod kubelet_config;
mod look;
mod marked;
mod owned;
mod place;
mod records;
mod runtime_migration;
mod service;
mod settings;
mod static_pod;
mod sysctl;
mod systemd_unit;
mod trusted_ca;
mod windows_node_upgrade;

pub use io::NodeProvider;

use addrs::TypeName;
use cgroup_driver::CgroupDriver;
use container_runtime::ContainerRuntime;
use host_facts::HostFacts;
use host_file::HostFile;
use host_type::HostType;
use kernel_module_blacklist::KernelModuleBlacklist;
use kubelet_base_config::KubeletBaseConfig;
use kubelet_config::KubeletConfig;
use marked::Marked;
use provider::{DataKind, ResourceKind};
use runtime_migration::RuntimeMigration;
use static_pod::StaticPod;
use sysctl::Sysctl;
use systemd_unit::SystemdUnit;
use trusted_ca::TrustedCa;
use windows_node_upgrade::WindowsNodeUpgrade;

/// All resource types, with their I/O half.
fn types() -> Vec<Box<dyn HostType>> {
    vec![
        Box::new(CgroupDriver::new()),
        Box::new(ContainerRuntime::new()),
        Box::new(HostFile::new()),
        Box::new(Marked::<KernelModuleBlacklist>::new()),
        Box::new(KubeletConfig::new()),
        Box::new(RuntimeMigration::new()),
        Box::new(StaticPod::new()),
        Box::new(Marked::<Sysctl>::new()),
        Box::new(Marked::<SystemdUnit>::new()),
        Box::new(Marked::<TrustedCa>::new()),
        Box::new(WindowsNodeUpgrade::new()),
    ]
}

/// All resource types.
pub fn kinds() -> Vec<Box<dyn ResourceKind>> {
    let of_cluster: Box<dyn ResourceKind> = Box::new(KubeletBaseConfig::new());
    let on_hosts = types().into_iter().map(|ty| -> Box<dyn ResourceKind> { ty });
    on_hosts.chain([of_cluster]).collect()
}

/// The types whose objects are on hosts. The others are looked at here, and changed like all
/// objects of the API.
pub fn on_hosts() -> Vec<TypeName> {
    types().iter().map(|ty| ty.name().clone()).collect()
}

/// All data sources.
pub fn data_kinds() -> Vec<Box<dyn DataKind>> {
    vec![Box::new(HostFacts::new())]
}
