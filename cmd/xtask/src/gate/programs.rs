//! The test programs: built by cargo, run side by side.
//!
//! Those that work on a real server or on hosts ([`ON_SERVERS`]) wait for these most of their time.
//! They run one after the other, since whoever reboots a host or adds a node to a cluster must have
//! it alone, and the others beside them.

use super::hosts::Hosts;
use super::server::Server;
use super::tally::Tally;
use crate::checkout;
use crate::trouble::{Doing, Trouble, print, say};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// Packages whose tests work on a real server or on hosts, the longest first.
const ON_SERVERS: [&str; 6] =
    ["clinch", "clinch-cluster", "clinch-node", "clinch-sandbox", "clinch-rollout", "clinch-xtask"];

/// How many tests of a program run at once, as the harness of Rust reads it.
const THREADS: &str = "RUST_TEST_THREADS";

/// What a test build made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Built {
    /// The `clinch` that came with the tests.
    pub(super) clinch: Option<PathBuf>,
    programs: Vec<Program>,
}

/// A program of tests.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    package: String,
    name: String,
    /// Of its package; cargo runs it there.
    folder: PathBuf,
    executable: PathBuf,
}

impl Built {
    /// Compiles all tests.
    ///
    /// Asking cargo for `clinch` alone would choose other features for the crates below it, and
    /// compile most of them a second time.
    pub(super) fn now() -> Result<Self, Trouble> {
        let mut child = Command::new("cargo")
            .args(["test", "--workspace", "--locked", "--no-run"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(checkout::root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .doing(|| "starting cargo".to_owned())?;
        let mut built = Self::default();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                built.read(&line.doing(|| "reading what cargo says".to_owned())?);
            }
        }
        let status = child.wait().doing(|| "waiting for cargo".to_owned())?;
        // In the order in which they are read about, not in that of the compiler.
        built.programs.sort_by_key(Program::title);
        if status.success() { Ok(built) } else { Err(Trouble::new("the tests do not compile")) }
    }

    /// Takes in one of cargo's messages.
    fn read(&mut self, line: &str) {
        self.clinch = super::binary(line, "clinch").or(self.clinch.take());
        self.programs.extend(Program::read(line));
    }

    /// Runs all tests, shows what they say and counts them.
    pub(super) fn run(
        &self,
        server: &Server,
        hosts: &Hosts,
        tally: &mut Tally,
    ) -> Result<(), Trouble> {
        let has_turn = |program: &&Program| program.turn().is_some();
        let (mut in_turn, others): (Vec<_>, Vec<_>) = self.programs.iter().partition(has_turn);
        in_turn.sort_by_key(|program| program.turn());
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let prepared = |mut command: Command, threads: usize| {
            // No test may reach a cluster that nobody named for tests.
            command.env_remove("KUBECONFIG");
            server.tell(&mut command);
            hosts.tell(&mut command);
            if std::env::var_os(THREADS).is_none() {
                command.env(THREADS, threads.to_string());
            }
            command
        };
        let mut failed = Vec::new();
        let mut beside = Tally::default();
        thread::scope(|scope| -> Result<(), Trouble> {
            let others = scope.spawn(|| -> Result<Vec<String>, Trouble> {
                let mut failed = Vec::new();
                for program in others {
                    let command = prepared(program.command(), processors);
                    if !heard(command, &program.title(), &mut beside, Show::AtTheEnd)? {
                        failed.push(program.title());
                    }
                }
                if !heard(
                    prepared(documentation(), processors),
                    "documentation",
                    &mut beside,
                    Show::AtTheEnd,
                )? {
                    failed.push("documentation".to_owned());
                }
                Ok(failed)
            });
            for program in in_turn {
                let command = prepared(program.command(), 4 * processors);
                if !heard(command, &program.title(), tally, Show::AtOnce)? {
                    failed.push(program.title());
                }
            }
            match others.join() {
                Ok(others) => failed.extend(others?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
            Ok(())
        })?;
        tally.add(beside);
        if !failed.is_empty() {
            return Err(Trouble::new(format!("failed: {}", failed.join(", "))));
        }
        if tally.passed == 0 {
            return Err(Trouble::new("no test was run"));
        }
        Ok(())
    }
}

impl Program {
    /// The program in cargo's message about one.
    fn read(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        if message["profile"]["test"] != true {
            return None;
        }
        let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
        let package = message["package_id"].as_str()?;
        // `path+file:///folder#name@version`, without the name where the folder has it.
        let (place, id) = package.rsplit_once('#')?;
        let package = match id.split_once('@') {
            Some((name, _)) => name,
            None => place.rsplit('/').next()?,
        };
        Some(Self {
            package: package.to_owned(),
            name: message["target"]["name"].as_str()?.to_owned(),
            folder,
            executable: message["executable"].as_str()?.into(),
        })
    }

    /// When it comes among those that do not run at the same time.
    fn turn(&self) -> Option<usize> {
        ON_SERVERS.iter().position(|package| *package == self.package)
    }

    fn title(&self) -> String {
        format!("{} {}", self.package, self.name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.arg("--show-output").current_dir(&self.folder);
        command.env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}

/// The examples in documentation, which cargo builds and runs itself.
fn documentation() -> Command {
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--locked", "--no-fail-fast", "--doc", "--quiet"]);
    command.args(["--", "--show-output"]).current_dir(checkout::root());
    command
}

/// When a person sees what a program says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    AtOnce,
    /// In one piece, not among the lines of another program.
    AtTheEnd,
}

/// Runs a program, hears what it says, and tells whether it ended well.
fn heard(
    mut command: Command,
    title: &str,
    tally: &mut Tally,
    show: Show,
) -> Result<bool, Trouble> {
    let doing = |what: &str| format!("{what} {title}");
    if show == Show::AtOnce {
        say(format_args!("==> tests: {title}"));
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().doing(|| doing("starting"))?;
    let mut kept = format!("==> tests: {title}\n");
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.doing(|| doing("reading what is said by"))?;
            let line = String::from_utf8_lossy(&line);
            match (tally.read(&line), show) {
                (true, Show::AtOnce) => print(&line)?,
                (true, Show::AtTheEnd) => {
                    kept.push_str(&line);
                    kept.push('\n');
                }
                (false, _) => {}
            }
        }
    }
    let status = child.wait().doing(|| doing("waiting for"))?;
    if show == Show::AtTheEnd {
        print(kept.trim_end())?;
    }
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn message(id: &str, test: bool) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"{id}","manifest_path":"/w/cmd/cli/Cargo.toml","target":{{"kind":["test"],"name":"suite"}},"profile":{{"test":{test}}},"executable":"/t/suite-1"}}"#
        )
    }

    #[test]
    fn programs_of_tests_are_found_with_their_package() {
        let mut built = Built::default();
        built.read(&message("path+file:///w/cmd/cli#clinch@0.1.0", true));
        built.read(&message("path+file:///w/cmd/cli#0.1.0", true));
        built.read(&message("path+file:///w/cmd/cli#clinch@0.1.0", false));
        built.read("no message");
        let found: Vec<_> = built.programs.iter().map(|it| (it.title(), it.turn())).collect();
        assert_eq!(found, [("clinch suite".to_owned(), Some(0)), ("cli suite".to_owned(), None)]);
        assert_eq!(built.programs[0].folder, Path::new("/w/cmd/cli"));
    }

    #[test]
    fn whoever_is_told_of_a_server_waits_for_its_turn() {
        let marks = ["-e", "\"CLINCH_TEST_KUBECONFIG", "-e", "\"CLINCH_TEST_CLUSTER"];
        let found = Command::new("git")
            .args(["grep", "--untracked", "-l"])
            .args(marks)
            .args(["--", "*.rs"])
            .current_dir(checkout::root())
            .output()
            .unwrap();
        let package = |path: &str| match path.split('/').nth(1).unwrap() {
            "cli" => "clinch".to_owned(),
            folder => format!("clinch-{folder}"),
        };
        let told: BTreeSet<_> =
            String::from_utf8(found.stdout).unwrap().lines().map(package).collect();
        // It is refused by a server, and does nothing there.
        let guest = "clinch-access";
        let in_turn: BTreeSet<_> =
            ON_SERVERS.into_iter().chain([guest]).map(str::to_owned).collect();
        assert_eq!(told, in_turn);
    }

    #[test]
    fn what_a_program_says_is_counted_and_how_it_ended_told() {
        let mut tally = Tally::default();
        let mut ends = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            heard(command, "sh", &mut tally, Show::AtTheEnd).unwrap()
        };
        assert!(ends("echo 'test result: ok. 2 passed; 0 failed; 1 ignored'"));
        assert!(!ends("echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored'; exit 101"));
        assert_eq!(tally.to_string(), "tests: 3 passed, 1 failed, 1 skipped");
    }
}
