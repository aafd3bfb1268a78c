//! Runs that broke off, and what finishes them.

use crate::desk::Desk;
use insta::assert_snapshot;
use session::Resumed;

const CHAIN: &str = r#"
resource "thing" "a" {
  name = "a"
}

resource "thing" "b" {
  name = "b"
  size = thing.a.uid
}
"#;

/// A desk where the first step was begun, and took effect or not, and the run died.
fn begun(took_effect: bool) -> Desk {
    let mut desk = Desk::new(CHAIN);
    // The beginnings of the run and of the first step.
    desk.stage.with(|s| s.room = Some(2));
    desk.apply().unwrap();
    desk.stage.with(|s| {
        s.room = None;
        if !took_effect {
            s.objects.clear();
        }
    });
    desk.stage.happened();
    desk
}

#[test]
fn a_step_that_was_begun_and_took_effect_is_settled_first_and_not_done_again() {
    let mut desk = begun(true);
    let applied = desk.resume().unwrap();
    assert_snapshot!(desk.stage.happened(), @r"
    run run-1 starts
    look what became of: create a
    end 1: Done
    begin 2
    create b
    end 2: Done
    run run-1 is finished
    write state 1 of [thing.a, thing.b], put the journal away
    ");
    assert!(applied.outcome.is_complete());
    assert!(!desk.plan().plan.has_changes(), "a plan after it is empty");
}

#[test]
fn a_step_that_was_begun_and_took_no_effect_is_settled_first_and_then_done() {
    let mut desk = begun(false);
    desk.resume().unwrap();
    assert_snapshot!(desk.stage.happened(), @r"
    run run-1 starts
    look what became of: create a
    end 1: NotStarted
    begin 1
    create a
    end 1: Done
    begin 2
    create b
    end 2: Done
    run run-1 is finished
    write state 1 of [thing.a, thing.b], put the journal away
    ");
    assert!(!desk.plan().plan.has_changes(), "a plan after it is empty");
}

#[test]
fn an_update_whose_value_was_decided_during_the_run_is_settled_too() {
    let mut desk = Desk::new(r#"resource "thing" "b" { name = "b" }"#);
    desk.apply().unwrap();
    desk.rewrite(CHAIN);
    // The run, the whole first step, and the beginning of the second.
    desk.stage.with(|s| s.room = Some(4));
    desk.apply().unwrap();
    desk.stage.with(|s| s.room = None);
    desk.stage.happened();
    desk.resume().unwrap();
    assert_snapshot!(desk.stage.happened(), @r"
    run run-2 starts
    look what became of: update b
    end 2: Done
    run run-2 is finished
    write state 2 of [thing.a, thing.b], put the journal away
    ");
    assert!(!desk.plan().plan.has_changes(), "a plan after it is empty");
}

#[test]
fn nothing_is_done_while_it_cannot_be_told_what_became_of_a_step() {
    let desk = begun(true);
    desk.stage.with(|s| s.unreachable.insert("a".to_owned()));
    let problems = desk.resume().unwrap_err();
    assert_snapshot!(desk.text(&problems), @"E0460 Outcome of a step cannot be told: Step 1 (create a) was begun by the interrupted run. The server did not answer.");
    assert_snapshot!(desk.stage.happened(), @r"
    run run-1 starts
    look what became of: create a
    ");
    // As soon as it can, the same command helps.
    desk.stage.with(|s| s.unreachable.clear());
    assert!(desk.resume().unwrap().outcome.is_complete());
}

#[test]
fn a_failed_step_is_tried_again() {
    let mut desk = Desk::new(CHAIN);
    desk.stage.with(|s| s.refused.insert("b".to_owned()));
    assert!(!desk.apply().unwrap().outcome.is_complete());
    desk.stage.happened();
    desk.stage.with(|s| s.refused.clear());
    desk.resume().unwrap();
    assert_snapshot!(desk.stage.happened(), @r"
    run run-1 starts
    begin 2
    create b
    end 2: Done
    run run-1 is finished
    write state 1 of [thing.a, thing.b], put the journal away
    ");
    assert!(!desk.plan().plan.has_changes(), "a plan after it is empty");
}

#[test]
fn a_run_may_die_at_any_entry_again_and_again_and_is_finished_all_the_same() {
    for room in 1..12 {
        let mut desk = Desk::new(CHAIN);
        desk.stage.with(|s| s.room = Some(room));
        let _died = desk.apply();
        let mut attempts = 0;
        while desk.stage.with(|s| !s.journal.is_empty()) {
            attempts += 1;
            assert!(attempts < 20, "it does not come to an end with {room} entries at a time");
            // Two entries at least are needed to begin again and get anywhere.
            desk.stage.with(|s| s.room = Some(room + 2));
            let _died = desk.resume();
        }
        let log = desk.stage.happened();
        for effect in ["create a", "create b"] {
            let done = log.lines().filter(|l| *l == effect).count();
            assert_eq!(done, 1, "{effect} is done once with {room} entries at a time:\n{log}");
        }
        assert!(!desk.plan().plan.has_changes());
    }
}

#[test]
fn the_kept_plan_of_another_version_or_other_sources_is_not_gone_on_with() {
    let mut desk = begun(true);
    desk.stage.with(|s| {
        let saved = s.kept.values_mut().next().unwrap();
        "0.0.1".clone_into(&mut saved.plan.fingerprints.engine);
    });
    desk.rewrite("locals {}");
    assert_eq!(Desk::codes(desk.resume().map(drop)), "E0463 E0461");
    assert_eq!(desk.stage.happened(), "");
}

#[test]
fn a_plan_that_the_journal_is_not_about_is_not_resumed() {
    let mut desk = begun(true);
    let unfinished = desk.stage.load().unfinished;
    let other = desk.save().plan;
    assert_eq!(Desk::codes(Resumed::new(other.clone(), unfinished).map(drop)), "E0459");
    assert_eq!(Desk::codes(Resumed::new(other, None).map(drop)), "E0459");
}
