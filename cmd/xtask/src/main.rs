//! `cargo xtask`: what the project does to itself.
//!
//! Every task that a contributor or a CI job runs more than once has its name here, in Rust
//! instead of shell, so that it is the same on every machine. Start reading at [`Task`].
//!
//! **Invariant:** imports none of our crates. It must build within seconds, and it must still
//! build when the crates that it checks do not.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod bench;
mod checkout;
mod cluster;
mod codegen;
mod control_plane;
mod gate;
mod kubernetes_versions;
mod mounts;
mod new_resource;
mod program;
mod sim;
mod tidy;
mod trouble;

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check what the compiler does not: import table, layout, forbidden words
    Tidy,
    /// Write the generated schemas and reference pages
    Codegen(codegen::Arguments),
    /// Write the table of what each version of Kubernetes has (downloads Go modules)
    KubernetesVersions(kubernetes_versions::Arguments),
    /// Write the skeleton of a resource type
    NewResource(new_resource::Arguments),
    /// Run everything that has to be green: format, lints, tests, tidy, generated files
    Test(gate::Arguments),
    /// Measure clinch, beside Terraform where it is installed
    Bench(bench::Arguments),
    /// Let everything go wrong in a simulated cluster, and look whether a promise is broken
    Sim(sim::Arguments),
    /// A real Kubernetes control plane on this machine, for tests
    #[command(subcommand)]
    ControlPlane(control_plane::Command),
    /// A real kubeadm cluster on hosts of this machine, for tests
    #[command(subcommand)]
    Cluster(cluster::Command),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Tidy => tidy::run(),
        Task::Codegen(arguments) => codegen::run(&arguments),
        Task::KubernetesVersions(arguments) => kubernetes_versions::run(&arguments),
        Task::NewResource(arguments) => new_resource::run(&arguments),
        Task::Test(arguments) => gate::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Sim(arguments) => sim::run(&arguments),
        Task::ControlPlane(command) => control_plane::run(command),
        Task::Cluster(command) => cluster::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            trouble::say(format_args!("Error: {trouble}"));
            ExitCode::FAILURE
        }
    }
}
