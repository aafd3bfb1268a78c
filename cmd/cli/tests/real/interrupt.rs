//! Ctrl-C: once, the running step ends and no other begins; twice, nothing is waited for.

use super::site::Site;
use super::stage::Stage;
use sandbox::{Fault, Matcher};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Begins an apply on a sandbox whose namespaces take this long to write, and waits until the
/// first step is under way.
fn begun(site: &Site<'_>, latency: Duration) -> Child {
    let path = "/api/v1/namespaces/".to_owned();
    site.stage.faults().always(Matcher::Write { path }, Fault::Latency(latency));
    let args = ["apply", "-auto-approve", "-parallelism=1"];
    let mut command = site.command(&args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    let journal = || std::fs::read_to_string(site.journal()).unwrap_or_default();
    // Devices of nodes may come first; what is waited for is the write that hangs.
    let mut seen = (String::new(), 0);
    loop {
        assert!(started.elapsed() < Duration::from_mins(1) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(150));
        let now = (journal(), site.stage.faults().requests());
        if now == seen && now.0.lines().last().is_some_and(|l| l.contains("\"begin\"")) {
            return child;
        }
        seen = now;
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn one_interrupt_lets_the_running_step_end_and_the_run_is_resumed() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let stage = Stage::sandbox();
        let site = Site::new(&stage, "quickstart");
        let child = begun(&site, Duration::from_millis(1500));
        let entries = site.entries();
        signal(&child, name);
        let (left, text) = ended(child);
        assert_eq!(left, Some(code), "{text}");
        assert!(text.contains("Interrupt received"), "{text}");
        assert!(text.contains("apply -resume"), "{text}");
        assert_eq!(site.entries(), entries + 1, "the step ended, and no other began: {text}");
        stage.faults().clear();
        site.well(&["apply", "-resume"]);
        site.is_converged();
    }
}

#[test]
fn a_second_interrupt_waits_for_nothing_and_the_run_is_resumed() {
    let stage = Stage::sandbox();
    let site = Site::new(&stage, "quickstart");
    let child = begun(&site, Duration::from_hours(1));
    let entries = site.entries();
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(300));
    let second = Instant::now();
    signal(&child, "INT");
    let (code, text) = ended(child);
    assert!(second.elapsed() < Duration::from_secs(20), "{text}");
    assert_eq!(code, Some(130), "{text}");
    println!("{text}");
    assert!(site.entries() >= entries);
    stage.faults().clear();
    site.well(&["apply", "-resume"]);
    site.is_converged();
}

#[test]
fn an_interrupted_run_is_also_finished_by_an_ordinary_apply() {
    let stage = Stage::sandbox();
    let site = Site::new(&stage, "quickstart");
    let mut child = begun(&site, Duration::from_hours(1));
    child.kill().unwrap();
    child.wait().unwrap();
    stage.faults().clear();
    let told = site.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(told.code, 2, "{}", told.all());
    assert!(told.err.contains("Warning: The run before is not finished"), "{}", told.all());
    assert!(told.err.contains("`clinch apply -resume`"), "{}", told.all());
    site.well(&["apply", "-auto-approve"]);
    site.is_converged();
    assert_eq!(site.entries(), 0);
    let nothing = site.run(&["apply", "-resume"]);
    assert!(nothing.err.contains("Nothing to resume"), "{}", nothing.all());
}
