//! What an apply does, and in which order it is written down.

use crate::desk::Desk;
use insta::assert_snapshot;

/// A thing, one that needs what only the first one's creation tells, and one that needs neither.
const CHAIN: &str = r#"
resource "thing" "a" {
  name = "a"
}

resource "thing" "b" {
  name = "b"
  size = thing.a.uid
}

resource "thing" "c" {
  name = "c"
}

output "uid" {
  value = thing.b.uid
}
"#;

#[test]
fn every_step_is_written_down_before_and_after_and_the_state_once_at_the_end() {
    let mut desk = Desk::new(CHAIN);
    let applied = desk.apply().unwrap();
    assert_snapshot!(desk.stage.happened(), @r"
    keep the plan of run-1
    run run-1 starts
    begin 1
    create a
    end 1: Done
    begin 2
    create b
    end 2: Done
    begin 3
    create c
    end 3: Done
    run run-1 is finished
    write state 1 of [thing.a, thing.b, thing.c], put the journal away
    ");
    assert!(applied.outcome.is_complete() && applied.diagnostics.is_empty());
    let (size, journal) =
        desk.stage.with(|s| (s.objects["b"].get("size").cloned(), s.journal.len()));
    assert_eq!(size, Some("uid-of-a".into()), "it was decided during the run");
    assert_eq!(applied.outputs["uid"], "uid-of-b".into());
    assert_eq!((desk.state(), journal), (applied.state, 0));
    assert!(!desk.plan().plan.has_changes(), "a second plan is empty");
}

#[test]
fn what_was_done_is_remembered_after_every_step_even_if_the_next_one_is_the_last() {
    let mut whole = Desk::new(CHAIN);
    whole.apply().unwrap();
    let all = whole.stage.happened().lines().filter(|l| !l.contains("state")).count();
    for room in 0..all {
        let mut desk = Desk::new(CHAIN);
        desk.stage.with(|s| s.room = Some(room));
        let done = desk.apply();
        let log = desk.stage.happened();
        // Begun without an end is in doubt: it may be there without being remembered, and
        // nothing else may.
        let remembered = desk.state().records.len();
        let ended = log.matches(": Done").count();
        assert_eq!(remembered, ended, "{log}");
        let begun = log.matches("begin ").count();
        let there = desk.stage.with(|s| s.objects.len());
        assert!(ended <= there && there <= begun, "{log}");
        if let Ok(applied) = done {
            assert_eq!(desk.stage.with(|s| s.state.clone()), Some(applied.state), "{log}");
        }
    }
}

#[test]
fn nothing_is_begun_once_the_journal_is_lost() {
    let mut desk = Desk::new(CHAIN);
    // The beginnings of the run and of the first step.
    desk.stage.with(|s| s.room = Some(2));
    let applied = desk.apply().unwrap();
    assert_snapshot!(desk.stage.happened(), @r"
    keep the plan of run-1
    run run-1 starts
    begin 1
    create a
    write state 1 of []
    ");
    assert_snapshot!(desk.text(&applied.diagnostics), @r"
    E0465 Outcome of a step is in doubt [thing.a] at 2:1: It was done, but the journal could not be written: The lock is lost.

    Step 1 was to create a. It may or may not have happened; resuming looks first. Not begun because of it: thing.b. What was done is remembered, and the journal is kept.
    ");
}

#[test]
fn nothing_is_done_when_the_run_cannot_be_written_down() {
    let mut desk = Desk::new(CHAIN);
    desk.stage.with(|s| s.room = Some(0));
    let problems = desk.apply().unwrap_err();
    assert_snapshot!(desk.stage.happened(), @"keep the plan of run-1");
    assert_snapshot!(desk.text(&problems), @"E0458 Journal cannot be written: The lock is lost. Nothing more is done.");
}

#[test]
fn a_failed_step_is_told_with_its_place_and_what_waits_for_it() {
    let mut desk = Desk::new(CHAIN);
    desk.stage.with(|s| s.refused.insert("a".to_owned()));
    let applied = desk.apply().unwrap();
    assert_snapshot!(desk.text(&applied.diagnostics), @r"
    E0464 Creation failed [thing.a] at 2:1: Refused: The quota is used up.

    Step 1 was to create a. Not begun because of it: thing.b. What was done is remembered, and the journal is kept.
    ");
    assert_snapshot!(desk.stage.happened(), @r#"
    keep the plan of run-1
    run run-1 starts
    begin 1
    the world refuses to create a
    end 1: Failed("Refused: The quota is used up.")
    begin 3
    create c
    end 3: Done
    write state 1 of [thing.c]
    "#);
}
