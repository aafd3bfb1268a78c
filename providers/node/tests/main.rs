//! What is decided about a file on a host, and what becomes of it there.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cgroup_driver;
mod container_runtime;
mod contract;
mod crio;
mod faults;
mod host_file;
mod hosts;
mod kubelet_config;
mod plan;
mod real;
mod runtime_migration;
mod static_pod;
mod support;
mod sysctl;
mod systemd_unit;
mod trusted_ca;
mod windows_node_upgrade;
