//! Whole runs of the examples on servers that speak HTTP: a sandbox on a port and, where
//! `CLINCH_TEST_KUBECONFIG` names one, a real control plane.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod casebook;
mod crash;
mod definitions;
mod drains;
mod examples;
mod faults;
mod ground;
mod interrupt;
mod kubectl;
mod others;
mod pitfalls;
mod preflight;
mod refused;
mod rights;
mod shared;
mod site;
mod stage;
mod types;
mod waiting;
