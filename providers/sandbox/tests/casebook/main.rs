//! The casebook of the sandbox: what a client sees, through the same `kube::Client` as a
//! real cluster's.
#![expect(clippy::unwrap_used, reason = "tests")]

mod access;
mod actions;
mod custom;
mod differential;
mod faults;
mod folder;
mod laws;
mod limits;
mod namespaces;
mod nodes;
mod objects;
mod patches;
mod ports;
mod refusals;
mod robustness;
mod support;
mod watches;
mod workloads;
