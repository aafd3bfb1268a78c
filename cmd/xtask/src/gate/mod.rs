//! `cargo xtask test`: everything that has to be green, in one command.
//!
//! Answers one question: *may this be handed in?* The same command runs on a contributor's
//! machine and in CI. Start reading at [`run`].
//!
//! The Go programs of the control plane are built beside clippy and the test build: both sides
//! have stretches in which they use one core only. Hosts are booted beside the test build: they
//! mostly wait.
//!
//! **Invariant:** nothing is skipped silently. What did not run stands in the summary with its
//! reason, and the last line counts the tests.
//!
//! **Invariant:** a control plane and hosts that were started here end with this program, however it
//! ends.

mod hosts;
mod programs;
mod report;
mod server;
mod tally;

use crate::trouble::{Doing, Trouble, print};
use crate::{checkout, codegen, kubernetes_versions, tidy};
use hosts::Hosts;
use programs::Built;
use report::Report;
use serde_json::Value;
use server::Server;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tally::Tally;

/// What to leave out.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Skip every test that needs a real API server
    #[arg(long)]
    no_control_plane: bool,
    /// Skip every test that needs real hosts
    #[arg(long)]
    no_cluster: bool,
}

impl Arguments {
    /// Why no hosts are wanted, if none are.
    fn without_hosts(&self) -> Option<&'static str> {
        match self {
            Self { no_cluster: true, .. } => Some("--no-cluster: no test ran on real hosts"),
            Self { no_control_plane: true, .. } => {
                Some("--no-control-plane: what hosts run is built with it")
            }
            _ => None,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let mut report = Report::default();
    report.step("format", || cargo(&["fmt", "--all", "--check"]));
    let mut server = Server::choose(arguments.no_control_plane);
    let mut hosts = Hosts::choose(arguments.without_hosts());
    report.step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    });
    hosts.begin();
    let mut built = None;
    report.step("test build", || {
        built = Some(Built::now()?);
        Ok(())
    });
    let mut tally = Tally::default();
    if let Some(built) = &built {
        match server.absence() {
            Some(reason) => report.skip("control plane", reason),
            None => drop(report.step("control plane", || server.start())),
        }
        match hosts.absence() {
            Some(reason) => report.skip("cluster", reason),
            None => drop(report.step("cluster", || hosts.wait())),
        }
        report.step("tests", || built.run(&server, &hosts, &mut tally));
    } else {
        report.skip("control plane", "there is no test to run against it");
        report.skip("cluster", "there is no test to run on it");
        report.skip("tests", "they do not compile");
    }
    drop(server);
    drop(hosts);
    report.step("tidy", tidy::run);
    match built.and_then(|built| built.clinch) {
        Some(clinch) => drop(report.step("generated files", || codegen::check(&clinch))),
        None => {
            report.skip("generated files", "the test build made no `clinch` that could be asked");
        }
    }
    if arguments.no_control_plane {
        report.skip("versions of Kubernetes", "its source comes as a Go module");
    } else {
        report.step("versions of Kubernetes", kubernetes_versions::check);
    }
    print(report.summary())?;
    tally.notes.iter().try_for_each(print)?;
    print(&tally)?;
    match report.failures() {
        0 => Ok(()),
        failed => Err(Trouble::new(format!("{failed} of the steps above failed"))),
    }
}

fn cargo(arguments: &[&str]) -> Result<(), Trouble> {
    let status = Command::new("cargo")
        .args(arguments)
        .current_dir(checkout::root())
        .stdin(Stdio::null())
        .status()
        .doing(|| "starting cargo".to_owned())?;
    if status.success() {
        return Ok(());
    }
    Err(Trouble::new(format!("cargo {} failed", arguments.join(" "))))
}

/// The path in cargo's message about the binary, as opposed to its unit tests.
pub(crate) fn binary(line: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    let is_it = target["name"] == name
        && target["kind"].as_array()?.iter().any(|kind| kind == "bin" || kind == "example")
        && message["profile"]["test"] == false;
    is_it.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_is_told_from_its_unit_tests_and_from_other_binaries() {
        let line = |name: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["bin"],"name":"{name}"}},"profile":{{"test":{test}}},"executable":"/t/{name}"}}"#
            )
        };
        assert_eq!(binary(&line("clinch", false), "clinch"), Some("/t/clinch".into()));
        assert_eq!(binary(&line("clinch", true), "clinch"), None);
        assert_eq!(binary(&line("xtask", false), "clinch"), None);
        assert_eq!(binary("not json", "clinch"), None);
    }
}
