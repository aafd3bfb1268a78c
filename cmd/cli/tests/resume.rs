//! Runs that did not come to their end: resumed as they were begun, or refused.

use crate::support::{Desk, Said};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

const TEAM: &str = "\
resource \"namespace\" \"team\" {
  name = \"team\"
}

resource \"config_map\" \"settings\" {
  namespace = namespace.team.name
  name      = \"settings\"
  data      = { colour = \"blue\" }
}
";

/// A desk where the apply of green failed, since somebody made it red meanwhile.
fn failed() -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
    desk.write("main.hcl", TEAM.replace("blue", "green"));
    assert_eq!(desk.run(&["plan", "-out=tfplan"]).code, 0);
    desk.somebody_writes(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: team }\n\
         data: { colour: red }\n",
    );
    let said = desk.run(&["apply", "tfplan"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(!journal(&desk).is_empty());
    desk
}

fn journal(desk: &Desk) -> Vec<u8> {
    std::fs::read(desk.data().join("journal.jsonl")).unwrap_or_default()
}

/// Files in the folder of runs.
fn runs(desk: &Desk, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(desk.data().join("runs")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == extension));
    paths.sort();
    paths
}

fn colour(desk: &Desk) -> String {
    let object = desk.look("v1", "ConfigMap", "team", "settings");
    object["data"]["colour"].as_str().unwrap_or("none").to_owned()
}

#[track_caller]
fn refused(said: &Said, word: &str) {
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains(word), "`{word}` is not in\n{}", said.all());
}

/// Changes the plan that the run was begun with.
pub(crate) fn tamper(desk: &Desk, change: impl Fn(&mut schemas::plan::SavedPlan)) {
    let kept = runs(desk, "plan");
    let [path] = kept.as_slice() else { panic!("one plan is kept: {kept:?}") };
    let mut plan = local::read_plan(path).unwrap();
    change(&mut plan);
    local::write_plan(path, &plan).unwrap();
}

#[test]
fn the_plan_of_another_version_is_not_gone_on_with() {
    let desk = failed();
    let before = journal(&desk);
    tamper(&desk, |saved| "0.0.1".clone_into(&mut saved.plan.fingerprints.engine));
    let said = desk.run(&["apply", "-resume"]);
    refused(&said, "Plan of another version");
    assert!(said.err.contains("Use clinch 0.0.1 for it. Or run `clinch apply`"), "{}", said.err);
    assert_eq!(journal(&desk), before, "nothing was begun");
    // What it says to do helps.
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(colour(&desk), "green");
}

#[test]
fn a_plan_on_other_sources_than_it_was_made_from_is_not_gone_on_with() {
    let desk = failed();
    let before = journal(&desk);
    tamper(&desk, |saved| {
        let main = &mut saved.snapshot.sources[0];
        main.text = main.text.replace("green", "mauve");
    });
    refused(&desk.run(&["apply", "-resume"]), "Plan and sources do not belong together");
    assert_eq!(journal(&desk), before, "nothing was begun");
    assert_eq!(colour(&desk), "red");
}

/// A desk as a crash left it after the last step, before the state was written.
fn finished(state_written: bool) -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
    let put_away = runs(&desk, "jsonl");
    std::fs::rename(&put_away[0], desk.data().join("journal.jsonl")).unwrap();
    if !state_written {
        std::fs::remove_file(desk.data().join("state.json")).unwrap();
    }
    desk
}

#[test]
fn a_run_that_had_come_to_its_end_is_put_away() {
    for state_written in [false, true] {
        let desk = finished(state_written);
        let said = desk.run(&["apply", "-resume"]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.all());
        assert!(said.out.contains("The run had finished all its steps"), "{}", said.out);
        assert!(journal(&desk).is_empty() && runs(&desk, "jsonl").len() == 1);
        assert_eq!(desk.run(&["state", "list"]).out, "config_map.settings\nnamespace.team\n");
        assert_eq!(desk.run(&["plan", "-detailed-exitcode"]).code, 0);
        refused(&desk.run(&["apply", "-resume"]), "Nothing to resume");
    }
}

#[test]
fn a_run_that_had_come_to_its_end_is_put_away_in_json_too() {
    let desk = finished(false);
    let said = desk.run(&["apply", "-resume", "-json"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.all());
    let last = said.out.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["type"], "log");
    assert!(last["@message"].as_str().unwrap().contains("finished all its steps"), "{last}");
}

#[test]
fn a_resume_that_waited_for_another_run_finds_nothing_to_resume() {
    let desk = failed();
    // It waits for an answer, and holds the lock meanwhile.
    let mut other = desk.command(&["apply", "-input=true"]);
    other.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut other = other.spawn().unwrap();
    let mut talk = BufReader::new(other.stderr.take().unwrap()).lines();
    assert!(talk.any(|l| l.unwrap().contains("Only 'yes' will be accepted")));
    let mut resume = desk.command(&["apply", "-resume", "-lock-timeout=60s"]);
    let resume = resume.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Time to read whatever it reads before it has the lock.
    std::thread::sleep(Duration::from_millis(500));
    other.stdin.take().unwrap().write_all(b"yes\n").unwrap();
    talk.for_each(drop);
    assert_eq!(other.wait().unwrap().code(), Some(0));
    let output = resume.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Nothing to resume"), "{text}");
    assert_eq!(colour(&desk), "green");
    assert!(journal(&desk).is_empty());
}

#[test]
fn the_state_is_not_written_by_hand_while_a_run_is_not_finished() {
    let desk = failed();
    let before = (journal(&desk), std::fs::read(desk.data().join("state.json")).unwrap());
    for args in [
        &["state", "rebuild"][..],
        &["state", "mv", "namespace.team", "namespace.other"],
        &["state", "rm", "namespace.team"],
    ] {
        let said = desk.run(args);
        refused(&said, "A run is not finished");
        assert!(said.err.contains("\n│   clinch apply -resume\n"), "{}", said.err);
        let after = (journal(&desk), std::fs::read(desk.data().join("state.json")).unwrap());
        assert!(before == after, "{args:?} wrote something");
    }
    // A new plan leaves the run behind.
    assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
    let said = desk.run(&["state", "rebuild"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

const LATE: &str = "\
resource \"namespace\" \"other\" {
  name = \"other\"
}

resource \"config_map\" \"late\" {
  namespace = \"other\"
  name      = \"late\"
  data      = { uid = namespace.other.uid }
}
";

/// Makes a finished run of the saved plan one that died when the last step had taken effect.
fn dies_before_the_last_end(desk: &Desk) {
    let path = runs(desk, "jsonl").pop().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let begun = text.rfind("\"begin\"").unwrap();
    let end = begun + text[begun..].find('\n').unwrap() + 1;
    std::fs::write(desk.data().join("journal.jsonl"), &text[..end]).unwrap();
    std::fs::rename(desk.dir().join("tfplan"), path.with_extension("plan")).unwrap();
    std::fs::remove_file(path).unwrap();
    let (state, before) = (desk.data().join("state.json"), desk.data().join("state.json.backup"));
    std::fs::remove_file(&state).unwrap();
    if before.exists() {
        std::fs::rename(before, state).unwrap();
    }
}

#[test]
fn a_value_that_was_decided_during_the_run_is_decided_again_to_settle_its_step() {
    for first in [None, Some(LATE.replace("namespace.other.uid", "\"none\""))] {
        let desk = Desk::new();
        if let Some(first) = first {
            desk.write("main.hcl", first.replace("\"other\"", "\"old\""));
            assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
            desk.write(
                "main.hcl",
                LATE.replace("namespace = \"other\"", "namespace = \"old\"")
                    + "resource \"namespace\" \"old\" {\n  name = \"old\"\n}\n",
            );
        } else {
            desk.write("main.hcl", LATE);
        }
        let said = desk.run(&["plan", "-out=tfplan"]);
        assert!(said.out.contains("known after apply"), "{}", said.all());
        let said = desk.run(&["apply", "-parallelism=1", "tfplan"]);
        assert_eq!(said.code, 0, "{}", said.all());
        dies_before_the_last_end(&desk);
        let said = desk.run(&["apply", "-resume"]);
        assert_eq!(said.code, 0, "{}", said.all());
        assert_eq!(desk.run(&["plan", "-detailed-exitcode"]).code, 0);
        assert_eq!(desk.run(&["state", "list"]).out.matches("config_map.late").count(), 1);
    }
}
