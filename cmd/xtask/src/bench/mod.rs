//! `cargo xtask bench`: what clinch costs, beside Terraform, on this machine, now.
//!
//! Answers one question: *are the promises of performance kept?* Both tools get the same objects
//! in the same shape; whole processes are measured; both take turns, so that what else the machine
//! does hits both; and a ratio is only ever made of figures of one run. CPU seconds are the figure
//! to compare, since a busy machine stretches wall time.
//!
//! Start reading at [`run`], which is the list of workloads; [`table::GOALS`] says what each has
//! to reach.
//!
//! **Invariant:** nothing is compared that was not checked. A plan that does not say what it
//! should ends the run.
//!
//! **Invariant:** a missing Terraform is said loudly and makes no ratio.

mod hosts;
mod language;
mod machine;
mod measure;
mod pair;
mod rollouts;
mod server;
mod shapes;
mod state;
mod table;
mod terraform;

use crate::trouble::{Doing, Trouble, print, say};
use pair::{Bench, Workload};
use shapes::Shape;
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use table::Report;
use terraform::Terraform;

/// What to measure.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Arguments {
    /// How many objects that do not refer to each other (P1, P2, P7)
    #[arg(long, value_name = "N", default_value = "10000")]
    objects: NonZeroUsize,
    /// How many objects in 20 layers with three references each (P3)
    #[arg(long, value_name = "N", default_value = "2000")]
    dag: NonZeroUsize,
    /// How many objects that both tools create (P5); Terraform's time grows with their square
    #[arg(long, value_name = "N", default_value = "1000")]
    applied: NonZeroUsize,
    /// 500 of the first two, and 200 that both create: the figures are no proof, but the run is
    /// short
    #[arg(long, conflicts_with_all = ["objects", "dag", "applied"])]
    quick: bool,
    /// How often each task is run; of slow ones of Terraform one run has to do
    #[arg(long, value_name = "N", default_value = "3")]
    runs: NonZeroUsize,
    /// Measure clinch alone
    #[arg(long)]
    no_terraform: bool,
    /// Measure this binary instead of building one
    #[arg(long, value_name = "FILE")]
    clinch: Option<PathBuf>,
    /// Measure on this API server instead, beside a bare client and `kubectl diff`
    #[arg(long, value_name = "KUBECONFIG", conflicts_with_all = ["dag", "applied"])]
    server: Option<PathBuf>,
    /// Measure hosts instead: folders, and one over SSH when `cargo xtask cluster env` was read
    #[arg(long, conflicts_with_all = ["objects", "dag", "applied", "server"])]
    hosts: bool,
    /// Measure the language instead (P4, P6, P9 to P12): parsing, graph, mistakes, growth
    #[arg(long, conflicts_with_all = ["objects", "dag", "applied", "server", "hosts"])]
    language: bool,
    /// Measure the plan of a rollout over many nodes on this API server instead, which must have
    /// no controllers (`cargo xtask control-plane up --without-controllers`)
    #[arg(
        long,
        value_name = "KUBECONFIG",
        conflicts_with_all = ["objects", "dag", "applied", "server", "hosts", "language"]
    )]
    rollouts: Option<PathBuf>,
    /// Write the report here as well, as Markdown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Be the parent of a measured process and write its cost here
    #[arg(long, hide = true, requires = "command")]
    measure: Option<PathBuf>,
    #[arg(last = true, hide = true)]
    command: Vec<OsString>,
}

/// How many objects P8 is about.
const SMALL: usize = 100;

pub(crate) fn run(arguments: &Arguments) -> Result<(), Trouble> {
    if let Some(result) = &arguments.measure {
        return measure::parent(result, &arguments.command);
    }
    let clinch = match &arguments.clinch {
        Some(given) => given.canonicalize().doing(|| format!("looking for {}", given.display()))?,
        None => machine::build("clinch")?,
    };
    let folder = machine::folder()?;
    let other = arguments.server.is_some()
        || arguments.hosts
        || arguments.language
        || arguments.rollouts.is_some();
    let alone = arguments.no_terraform || other;
    let terraform = if alone { None } else { Terraform::find(&folder)? };
    match &terraform {
        Some(found) => say(format_args!("Terraform {}, {}", found.version, found.kind)),
        None if other => {}
        None => say(table::ABSENT),
    }
    let (objects, dag, applied) = if arguments.quick {
        (500, 500, 200)
    } else {
        (arguments.objects.get(), arguments.dag.get(), arguments.applied.get())
    };
    let given = arguments.clinch.is_some();
    let bench = Bench { clinch, given, terraform, folder, runs: arguments.runs.get() };
    let machine = machine::describe(&bench)?;
    if let Some(kubeconfig) = &arguments.server {
        let kubeconfig = kubeconfig.canonicalize().doing(|| "finding the kubeconfig".to_owned())?;
        let tools = server::Tools {
            clinch: &bench.clinch,
            kubeconfig: &kubeconfig,
            folder: &bench.folder.join("server"),
            objects,
            runs: bench.runs,
        };
        return arguments.keep(&server::run(&tools, &machine)?);
    }
    if let Some(kubeconfig) = &arguments.rollouts {
        let kubeconfig = kubeconfig.canonicalize().doing(|| "finding the kubeconfig".to_owned())?;
        let tools = rollouts::Tools {
            clinch: &bench.clinch,
            given,
            kubeconfig: &kubeconfig,
            folder: &bench.folder.join("rollouts"),
            runs: bench.runs,
        };
        return arguments.keep(&rollouts::run(&tools, &machine)?);
    }
    if arguments.hosts {
        let folder = &bench.folder;
        let tools = hosts::Tools { clinch: &bench.clinch, folder, runs: bench.runs };
        return arguments.keep(&hosts::run(&tools, &machine)?);
    }
    if arguments.language {
        let folder = &bench.folder.join("language");
        let tools = language::Tools { clinch: &bench.clinch, folder, runs: bench.runs };
        return arguments.keep(&language::run(&tools, &machine)?);
    }
    let mut report = Report::new(machine);
    report.launcher = bench.launcher()?;

    let workload = Workload::write(&bench, Shape::Independent, applied)?;
    report.add(workload.apply_both(&bench)?);
    workload.remove()?;
    for (shape, size, first_plan) in [
        (Shape::Independent, SMALL, false),
        (Shape::Layered, dag, false),
        (Shape::Independent, objects, true),
    ] {
        let workload = Workload::write(&bench, shape, size)?;
        if first_plan {
            report.add(workload.first_plan(&bench)?);
        }
        report.add(workload.apply_alone(&bench)?);
        report.add(workload.second_plan(&bench)?);
        workload.remove()?;
    }

    let text = report.to_string();
    print(&text)?;
    arguments.keep(&text)
}

impl Arguments {
    /// Writes the report where it was asked for.
    fn keep(&self, text: &str) -> Result<(), Trouble> {
        match &self.out {
            Some(out) => fs::write(out, text).doing(|| format!("writing {}", out.display())),
            None => Ok(()),
        }
    }
}
