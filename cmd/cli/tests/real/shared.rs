//! A state in the cluster, and several people who work on it at once.

use super::site::Site;
use super::stage::Stage;
use crate::support::{Desk, Said};
use sandbox::{Fault, Matcher};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const NEVER: Duration = Duration::from_hours(1);

/// Somebody else with the same configuration, on a machine of their own.
struct Other<'a> {
    desk: Desk,
    site: &'a Site<'a>,
}

impl<'a> Other<'a> {
    fn of(site: &'a Site<'a>) -> Self {
        let desk = Desk::new();
        desk.write("main.hcl", std::fs::read(site.desk.dir().join("main.hcl")).unwrap());
        Self { desk, site }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.desk.command(args);
        command.arg("-kubeconfig").arg(&self.site.stage.kubeconfig).env("USER", "ben");
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        said(&self.command(args).output().unwrap())
    }

    #[track_caller]
    fn well(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.all());
        said
    }
}

fn said(output: &Output) -> Said {
    Said {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// The example, with a short lease so that the dead are followed soon.
fn shared(stage: &Stage) -> Site<'_> {
    let site = Site::new(stage, "shared-state");
    let file = site.desk.dir().join("main.hcl");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("state \"cluster\" {", "state \"cluster\" {\n    lease = \"6s\"");
    assert!(text.contains("lease"), "{text}");
    site.desk.write("main.hcl", text);
    site
}

fn begin(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn until(child: &mut Child, what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before {what}");
        assert!(started.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn holder(site: &Site<'_>) -> String {
    site.run(&["lock", "show"]).out
}

#[test]
fn l1_two_applies_at_once_end_as_one_after_the_other() {
    for stage in Stage::both("two applies at once") {
        let site = shared(&stage);
        let other = Other::of(&site);
        let args = ["apply", "-auto-approve", "-lock-timeout=60s"];
        let (one, two) = (begin(site.command(&args)), begin(other.command(&args)));
        let (one, two) = (one.wait_with_output().unwrap(), two.wait_with_output().unwrap());
        let both = [said(&one), said(&two)];
        let added = |said: &&Said| !said.out.contains("Resources: 0 added");
        for said in &both {
            assert_eq!(said.code, 0, "{}: {}", stage.name, said.all());
        }
        assert_eq!(both.iter().filter(added).count(), 1, "{both:?}");
        site.is_converged();
        other.well(&["plan", "-detailed-exitcode"]);
        other.well(&["destroy", "-auto-approve"]);
    }
}

/// Killed with the lock in its hand, in the middle of a step: the other waits for its time,
/// follows, and does what is left.
#[test]
fn l2_apply_killed_with_the_lock_is_followed_and_nothing_is_done_twice() {
    for stage in Stage::both("a killed holder") {
        let site = shared(&stage);
        // Enough steps for a fast server to be in the middle of them.
        let many = "\nresource \"config_map\" \"many\" {\n  count     = 120\n  namespace = \
                    namespace.team.name\n  name      = \"many-${count.index}\"\n}\n";
        let text = std::fs::read_to_string(site.desk.dir().join("main.hcl")).unwrap();
        site.desk.write("main.hcl", text + many);
        let other = Other::of(&site);
        let slow = stage.name == "sandbox";
        if slow {
            // A step is under way for as long as the test wants.
            let path = "/configmaps/".to_owned();
            stage.faults().always(Matcher::Write { path }, Fault::Latency(NEVER));
        }
        let mut child = begin(site.command(&["apply", "-auto-approve", "-parallelism=1"]));
        let begun = || {
            let held = holder(&site).contains("held by");
            held && site.objects().keys().any(|name| name.starts_with("Namespace "))
        };
        until(&mut child, "the first step", begun);
        child.kill().unwrap();
        child.wait().unwrap();
        if slow {
            stage.faults().clear();
        }
        let refused = other.run(&["apply", "-auto-approve"]);
        assert_eq!(refused.code, 1, "{}", refused.all());
        assert!(refused.err.contains("Error: State is locked"), "{}", refused.all());
        assert!(refused.err.contains("of ada@"), "{}", refused.all());
        // Looking needs no lock, and says what it found.
        let looked = other.run(&["plan"]);
        assert!(looked.err.contains("The run before is not finished"), "{}", looked.all());
        let followed = other.well(&["apply", "-resume", "-lock-timeout=60s"]);
        let words = "Took the lock over from `clinch apply` of ada@";
        assert!(followed.err.contains(words), "{}", followed.all());
        site.is_converged();
        let world = site.world();
        let again = other.well(&["apply", "-auto-approve"]);
        assert!(again.out.contains("Resources: 0 added, 0 changed"), "{}", again.all());
        assert_eq!(site.world(), world, "{}: nothing is done twice", stage.name);
        assert!(holder(&site).contains("free"), "{}", holder(&site));
        other.well(&["destroy", "-auto-approve"]);
    }
}

/// The same, and the one who follows plans anew.
#[test]
fn apply_after_a_killed_one_plans_from_what_is_there() {
    let stage = Stage::sandbox();
    let site = shared(&stage);
    let other = Other::of(&site);
    let path = "/configmaps/".to_owned();
    stage.faults().always(Matcher::Write { path }, Fault::DropAfter);
    let mut child = begin(site.command(&["apply", "-auto-approve", "-parallelism=1"]));
    let done = || site.objects().keys().any(|name| name.starts_with("ConfigMap "));
    until(&mut child, "the config map", done);
    child.kill().unwrap();
    child.wait().unwrap();
    stage.faults().clear();
    let followed = other.well(&["apply", "-auto-approve", "-lock-timeout=60s"]);
    assert!(followed.err.contains("Waiting for the lock"), "{}", followed.all());
    site.is_converged();
    other.well(&["destroy", "-auto-approve"]);
}

/// A process that stood still is followed; when it goes on it does nothing more.
#[test]
fn l3_apply_that_stood_still_comes_too_late() {
    let stage = Stage::sandbox();
    let site = shared(&stage);
    let other = Other::of(&site);
    let path = "/configmaps/".to_owned();
    stage.faults().always(Matcher::Write { path }, Fault::Latency(Duration::from_secs(2)));
    let mut child = begin(site.command(&["apply", "-auto-approve", "-parallelism=1"]));
    let begun = || site.objects().keys().any(|name| name.starts_with("Namespace "));
    until(&mut child, "the first step", begun);
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    signal("-STOP");
    let followed = other.run(&["apply", "-auto-approve", "-lock-timeout=60s"]);
    signal("-CONT");
    let late = said(&child.wait_with_output().unwrap());
    assert_eq!(followed.code, 0, "{}", followed.all());
    assert_eq!(late.code, 1, "{}", late.all());
    assert!(late.err.contains("Error: Lock was lost"), "{}", late.all());
    site.is_converged();
    other.well(&["destroy", "-auto-approve"]);
}

#[test]
fn l4_apply_that_loses_the_lock_begins_nothing_more() {
    let stage = Stage::sandbox();
    let site = shared(&stage);
    let faults = stage.faults();
    let path = "/configmaps/".to_owned();
    faults.always(Matcher::Write { path }, Fault::Latency(Duration::from_secs(8)));
    let mut child = begin(site.command(&["apply", "-auto-approve", "-parallelism=1"]));
    let begun = || site.objects().keys().any(|name| name.starts_with("Namespace "));
    until(&mut child, "the first step", begun);
    let down =
        Fault::Status { code: 503, reason: "ServiceUnavailable".into(), message: "no".into() };
    faults.always(Matcher::Write { path: "/leases/".into() }, down);
    let late = said(&child.wait_with_output().unwrap());
    faults.clear();
    assert_eq!(late.code, 1, "{}", late.all());
    assert!(late.err.contains("Error: Lock was lost"), "{}", late.all());
    assert!(!late.err.contains("Interrupt received"), "{}", late.all());
    assert!(late.out.contains("never started"), "{}", late.all());
    site.well(&["apply", "-resume", "-lock-timeout=60s"]);
    site.is_converged();
    site.well(&["destroy", "-auto-approve"]);
}

#[test]
fn every_way_out_of_an_apply_releases_the_lock() {
    let stage = Stage::sandbox();
    let site = shared(&stage);
    site.well(&["plan", "-out=tfplan"]);
    site.well(&["apply", "-auto-approve"]);
    for (args, code) in [
        // Stale, nothing to resume, cancelled, not allowed, and a plan with errors.
        (vec!["apply", "tfplan"], 1),
        (vec!["apply", "-resume"], 1),
        (vec!["apply", "-auto-approve", "-var", "colour=red", "-input=false"], 0),
        (vec!["apply", "-input=false", "-var", "colour=blue"], 1),
        (vec!["apply", "-auto-approve", "-replace=config_map.colours"], 1),
        (vec!["apply", "-auto-approve", "-var", "colour=green", "-lock=false"], 0),
        (vec!["state", "rm", "config_map.nothing"], 1),
        (vec!["state", "rebuild"], 0),
    ] {
        let said = site.run(&args);
        assert_eq!(said.code, code, "{args:?}: {}", said.all());
        assert!(holder(&site).contains("free"), "{args:?}: {}", holder(&site));
    }
    site.well(&["destroy", "-auto-approve"]);
}

#[test]
fn a_state_moves_to_the_cluster_and_back_and_is_never_in_two_places() {
    for stage in Stage::both("moving a state") {
        let site = shared(&stage);
        let cluster = std::fs::read_to_string(site.desk.dir().join("main.hcl")).unwrap();
        let (before, after) = cluster.split_once("  state \"cluster\" {").unwrap();
        let (_, after) = after.split_once("  }\n").unwrap();
        let local = format!("{before}{after}");
        site.desk.write("main.hcl", &local);
        site.well(&["apply", "-auto-approve"]);
        let remembered = site.run(&["state", "list"]).out;
        assert!(remembered.contains("config_map"), "{remembered}");

        site.desk.write("main.hcl", &cluster);
        for args in [vec!["plan"], vec!["apply", "-auto-approve"], vec!["state", "list"]] {
            let said = site.run(&args);
            assert_eq!(said.code, 1, "{args:?}: {}", said.all());
            assert!(said.err.contains("Error: State is on this machine"), "{}", said.all());
        }
        let moved = site.well(&["init", "-migrate-state"]);
        assert!(moved.out.contains("Moved the state (serial 1) to the namespace"), "{}", moved.out);
        assert_eq!(site.run(&["state", "list"]).out, remembered);
        site.is_converged();
        assert_eq!(Other::of(&site).run(&["state", "list"]).out, remembered);

        site.desk.write("main.hcl", &local);
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.err.contains("Error: State is in the cluster"), "{}", said.all());
        site.well(&["init", "-migrate-state"]);
        assert_eq!(site.run(&["state", "list"]).out, remembered);
        site.is_converged();
        site.well(&["destroy", "-auto-approve"]);
    }
}
