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
mod report;
mod server;
mod tally;

use crate::trouble::{Doing, Trouble, print};
use crate::{checkout, codegen, kubernetes_versions, tidy};
use hosts::Hosts;
use report::Report;
use serde_json::Value;
use server::Server;
use std::io::{BufRead, BufReader};
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
    let mut binary = None;
    let compiled = report.step("test build", || {
        binary = build_tests()?;
        Ok(())
    });
    let mut tally = Tally::default();
    if compiled {
        match server.absence() {
            Some(reason) => report.skip("control plane", reason),
            None => drop(report.step("control plane", || server.start())),
        }
        match hosts.absence() {
            Some(reason) => report.skip("cluster", reason),
            None => drop(report.step("cluster", || hosts.wait())),
        }
        report.step("tests", || run_tests(&server, &hosts, &mut tally));
    } else {
        report.skip("control plane", "there is no test to run against it");
        report.skip("cluster", "there is no test to run on it");
        report.skip("tests", "they do not compile");
    }
    drop(server);
    drop(hosts);
    report.step("tidy", tidy::run);
    match binary {
        Some(binary) => drop(report.step("generated files", || codegen::check(&binary))),
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

/// Compiles all tests and returns the `clinch` binary that came with them.
///
/// Asking cargo for that binary alone would choose other features for the crates below it, and
/// compile most of them a second time.
fn build_tests() -> Result<Option<PathBuf>, Trouble> {
    let mut child = Command::new("cargo")
        .args(["test", "--workspace", "--locked", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(checkout::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .doing(|| "starting cargo".to_owned())?;
    let mut binary = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.doing(|| "reading what cargo says".to_owned())?;
            binary = self::binary(&line, "clinch").or(binary);
        }
    }
    let status = child.wait().doing(|| "waiting for cargo".to_owned())?;
    if status.success() { Ok(binary) } else { Err(Trouble::new("the tests do not compile")) }
}

/// The path in cargo's message about the binary, as opposed to its unit tests.
pub(crate) fn binary(line: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    let is_it = target["name"] == name
        && target["kind"].as_array()?.iter().any(|kind| kind == "bin")
        && message["profile"]["test"] == false;
    is_it.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}

/// How many tests run at once, as the harness of Rust reads it.
const THREADS: &str = "RUST_TEST_THREADS";

/// Runs all tests, shows what they say and counts them.
fn run_tests(server: &Server, hosts: &Hosts, tally: &mut Tally) -> Result<(), Trouble> {
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--locked", "--no-fail-fast", "--", "--show-output"]);
    command.current_dir(checkout::root()).stdin(Stdio::null()).stdout(Stdio::piped());
    // No test may reach a cluster that nobody named for tests.
    command.env_remove("KUBECONFIG");
    server.tell(&mut command);
    hosts.tell(&mut command);
    // The long tests wait for servers and hosts most of their time, or for their turn with one.
    if std::env::var_os(THREADS).is_none() {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        command.env(THREADS, (2 * processors).to_string());
    }
    let mut child = command.spawn().doing(|| "starting cargo".to_owned())?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.doing(|| "reading what the tests say".to_owned())?;
            let line = String::from_utf8_lossy(&line);
            if tally.read(&line) {
                print(&line)?;
            }
        }
    }
    let status = child.wait().doing(|| "waiting for cargo".to_owned())?;
    if !status.success() {
        return Err(Trouble::new("cargo test failed"));
    }
    if tally.passed == 0 {
        return Err(Trouble::new("no test was run"));
    }
    Ok(())
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
