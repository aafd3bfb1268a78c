//! `kill -9` at every point of an apply, and of a destroy: resuming ends where an undisturbed
//! run ends, and nothing is done twice.

use super::site::Site;
use super::stage::Stage;
use sandbox::{Fault, Matcher};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const NEVER: Duration = Duration::from_hours(1);

/// How an undisturbed run of the same commands ends.
struct Goal {
    requests: u64,
    entries: usize,
    world: String,
    remembered: String,
}

/// An undisturbed run of the quickstart: `apply`, or `apply` and then `destroy`.
fn undisturbed(command: &[&str]) -> Goal {
    let stage = Stage::sandbox();
    let site = prepared(&stage, command);
    let before = stage.faults().requests();
    site.well(command);
    let requests = stage.faults().requests() - before;
    let runs = std::fs::read_dir(site.desk.data().join("runs")).unwrap();
    let last = runs.map(|run| run.unwrap().path()).max().unwrap();
    let entries = std::fs::read_to_string(last).unwrap().lines().count();
    Goal { requests, entries, world: site.world(), remembered: site.remembered() }
}

/// The command that replaces an object by another before what it replaces is gone.
const TURN_ROUND: [&str; 4] = ["apply", "-auto-approve", "-allow=destroy", "-parallelism=1"];

/// An object that is replaced by the next, what refers to it, and what is in it.
fn turned_round(own: &str, next: bool) -> String {
    let (number, colour) = if next { (2, "green") } else { (1, "blue") };
    format!(
        "resource \"namespace\" \"team\" {{\n  name = \"team-{number}-{own}\"\n}}\n\
         resource \"config_map\" \"settings\" {{\n  namespace = namespace.team.name\n  \
         name = \"settings\"\n  data = {{ colour = \"{colour}\" }}\n  \
         lifecycle {{\n    create_before_destroy = true\n  }}\n}}\n\
         resource \"config_map\" \"reader\" {{\n  namespace = \"default\"\n  \
         name = \"reader-{own}\"\n  data = {{ of = config_map.settings.namespace }}\n}}\n"
    )
}

/// The quickstart, ready for the command; or what is to be turned round.
fn prepared<'a>(stage: &'a Stage, command: &[&str]) -> Site<'a> {
    let site = Site::new(stage, "quickstart");
    if command == TURN_ROUND {
        site.desk.write("main.hcl", turned_round(&site.own, false));
        site.well(&["apply", "-auto-approve"]);
        site.desk.write("main.hcl", turned_round(&site.own, true));
    }
    if command[0] == "destroy" {
        site.well(&["apply", "-auto-approve"]);
    }
    site
}

fn begin(site: &Site<'_>, command: &[&str]) -> Child {
    site.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until it holds or the run has ended.
fn until(child: &mut Child, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() && child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_mins(1), "the point is never reached");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Resumes, unless nothing had begun, and compares with the undisturbed run. Says whether
/// something had begun.
fn resumed(site: &Site<'_>, command: &[&str], goal: &Goal, point: &str) -> bool {
    let journal = std::fs::read_to_string(site.journal()).unwrap_or_default();
    let begun = journal.contains('\n');
    if journal.contains("run_finished") {
        // All was done but to put the journal away.
        let said = site.well(&["apply", "-resume"]);
        assert!(said.out.contains("The run had finished"), "{point}: {}", said.all());
    } else if begun {
        let said = site.run(&["apply", "-resume", "-auto-approve"]);
        assert_eq!(said.code, 0, "{point}: {}", said.all());
    } else {
        let said = site.run(&["apply", "-resume"]);
        assert_eq!(said.code, 1, "{point}: {}", said.all());
        assert!(said.err.contains("Error: Nothing to resume"), "{point}: {}", said.all());
        site.well(command);
    }
    assert_eq!(site.world(), goal.world, "{point}");
    assert_eq!(site.remembered(), goal.remembered, "{point}");
    assert_eq!(site.entries(), 0, "{point}: the journal is put away");
    if command[0] == "apply" {
        site.is_converged();
    }
    begun
}

/// Kills when the request with each number has arrived: `fault` says what becomes of it, and
/// whatever is sent after it is never answered. `look` looks at what the crash left.
fn walk_requests(command: &[&str], fault: &Fault, mut look: impl FnMut(&Site<'_>)) {
    let goal = undisturbed(command);
    let mut points = 0;
    // From the last one back to where planning had not ended yet.
    for number in (1..=goal.requests).rev() {
        let stage = Stage::sandbox();
        let site = prepared(&stage, command);
        let before = stage.faults().requests();
        let (struck, faults) = (before + number, stage.faults());
        faults.once(Matcher::Number(struck), fault.clone());
        for later in 1..=64 {
            faults.once(Matcher::Number(struck + later), Fault::Latency(NEVER));
        }
        let mut child = begin(&site, command);
        let enough = if *fault == Fault::DropAfter { struck + 1 } else { struck };
        until(&mut child, || faults.requests() >= enough);
        // What else is under way at this moment may go on a little.
        std::thread::sleep(Duration::from_millis(20));
        kill(child);
        faults.clear();
        look(&site);
        let point = format!("{command:?} killed at request {number}, {fault:?}");
        points += 1;
        if !resumed(&site, command, &goal, &point) {
            break;
        }
    }
    println!("{command:?}: killed at {points} of {} requests, {fault:?}", goal.requests);
    assert!(points > goal.entries / 2, "only {points} points");
}

#[test]
fn apply_killed_while_any_request_is_unanswered_is_resumed_to_the_same_world() {
    walk_requests(&["apply", "-auto-approve", "-parallelism=1"], &Fault::Latency(NEVER), |_| {});
}

#[test]
fn apply_killed_after_any_request_was_done_unseen_is_resumed_to_the_same_world() {
    walk_requests(&["apply", "-auto-approve", "-parallelism=1"], &Fault::DropAfter, |_| {});
}

#[test]
fn destroy_killed_while_any_request_is_unanswered_is_resumed_to_the_same_world() {
    walk_requests(&["destroy", "-auto-approve", "-parallelism=1"], &Fault::Latency(NEVER), |_| {});
}

/// Between the creation of the new object and the deletion of the old one both are there. What is
/// resumed then creates nothing again and deletes the old one alone.
#[test]
fn replacement_turned_round_killed_anywhere_is_resumed_to_the_same_world() {
    for fault in [Fault::Latency(NEVER), Fault::DropAfter] {
        let (mut both, mut one) = (0, 0);
        walk_requests(&TURN_ROUND, &fault, |site| {
            let there = |number: u8| {
                let name = format!("ConfigMap team-{number}-{}/settings", site.own);
                site.objects().contains_key(&name)
            };
            match (there(1), there(2)) {
                (true, true) => both += 1,
                (false, false) => panic!("neither is there"),
                (true, false) | (false, true) => one += 1,
            }
        });
        assert!(both >= 3, "killed {both} times where both are there, {one} times elsewhere");
    }
}

/// Kills when the journal has each number of entries, with many steps under way.
fn walk_entries(command: &[&str], stage: impl Fn() -> Stage, goal: &Goal, step: usize) {
    let (mut begun, mut points) = (0, 0);
    for entries in (1..=goal.entries).step_by(step) {
        points += 1;
        let stage = stage();
        let site = prepared(&stage, command);
        if stage.name == "sandbox" {
            let slow = Fault::Latency(Duration::from_millis(25));
            stage.faults().always(Matcher::Any, slow);
        }
        let mut child = begin(&site, command);
        until(&mut child, || site.entries() >= entries);
        kill(child);
        if stage.name == "sandbox" {
            stage.faults().clear();
        }
        // Where the journal's last entries come at once, the run may have ended before.
        if site.entries() > 0 {
            let point = format!("{command:?} killed at entry {entries} on {}", stage.name);
            begun += usize::from(resumed(&site, command, goal, &point));
        } else {
            assert_eq!(site.world(), goal.world);
        }
    }
    println!("{command:?}: killed at {begun} of {points} entries");
    assert!(begun > points / 2, "only {begun} points");
}

#[test]
fn apply_with_many_steps_at_once_killed_at_any_entry_is_resumed_to_the_same_world() {
    let command = ["apply", "-auto-approve"];
    walk_entries(&command, Stage::sandbox, &undisturbed(&command), 1);
}

#[test]
fn c4_apply_with_a_torn_journal_is_resumed_to_the_same_world() {
    let command = ["apply", "-auto-approve", "-parallelism=1"];
    let goal = undisturbed(&command);
    for keep in [1, 40, usize::MAX] {
        let stage = Stage::sandbox();
        let site = Site::new(&stage, "quickstart");
        let faults = stage.faults();
        // The quota comes after the namespace, so something was done and something was not.
        let path = "/resourcequotas/compute".to_owned();
        faults.always(Matcher::Write { path }, Fault::Latency(NEVER));
        let mut child = begin(&site, &command);
        // The begin of that step is the last line, and nothing of it was done.
        let at_quota = || {
            let text = std::fs::read_to_string(site.journal()).unwrap_or_default();
            let last = text.trim_end().lines().next_back().unwrap_or("").to_owned();
            let seen = faults.requests();
            std::thread::sleep(Duration::from_millis(100));
            text.lines().count() > 3 && last.contains("begin") && seen == faults.requests()
        };
        until(&mut child, at_quota);
        kill(child);
        faults.clear();
        let text = std::fs::read(site.journal()).unwrap();
        let line = text[..text.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
        let kept = line + keep.min(text.len() - line - 1);
        std::fs::write(site.journal(), &text[..kept]).unwrap();
        assert!(resumed(&site, &command, &goal, &format!("{keep} bytes of the last line")));
    }
}

/// On a real server steps take as long as they take.
#[test]
fn apply_killed_on_a_real_server_is_resumed_to_the_same_world() {
    let command = ["apply", "-auto-approve"];
    let goal = {
        let Some(stage) = Stage::real("kill -9") else { return };
        let site = Site::new(&stage, "quickstart");
        site.well(&command);
        let entries = 2 + 2 * site.remembered().lines().count();
        let (world, remembered) = (site.world(), site.remembered());
        Goal { requests: 0, entries, world, remembered }
    };
    let real = || Stage::real("kill -9").expect("it was there");
    walk_entries(&command, real, &goal, 3);
}
