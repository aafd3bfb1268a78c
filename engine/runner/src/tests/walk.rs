use super::fake::*;
use crate::{run, settle_in_doubt};
use plans::{Action, Ended, Event, Step, StepId, Stop, Tally};
use provider::Settled;
use states::{JournalEntry, RecordChange, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[tokio::test]
async fn steps_run_in_the_order_of_their_needs() {
    let world = World::default();
    let plan = plan(vec![step(1, &[]), step(2, &[1]), step(3, &[2])]);
    let outcome = world.run(&plan, 10).await;
    assert_eq!(ends(&outcome), "done done done");
    let trace = world.with(|w| w.trace.join(", "));
    assert_eq!(
        trace,
        "RunStarted, begin 1, effect 1, end 1 Done, told 1 1, begin 2, effect 2, end 2 Done, \
         told 2 2, begin 3, effect 3, end 3 Done, told 3 3"
    );
}

#[tokio::test]
async fn independent_steps_run_together_up_to_the_limit() {
    let plan = plan((1..=20).map(|id| step(id, &[])).collect());
    for limit in [1, 3, 20] {
        let world = World::default();
        for id in 1..=20 {
            world.with(|w| w.acts.insert(StepId(id), Act::Slow(9)));
        }
        world.run(&plan, limit).await;
        assert_eq!(world.with(|w| w.most), limit);
    }
}

#[tokio::test]
async fn what_needs_a_failed_step_does_not_begin_and_the_rest_goes_on() {
    let world = World::default().act(1, Act::Refuse);
    let steps = vec![step(1, &[]), step(2, &[1]), step(3, &[2]), step(4, &[]), step(5, &[4])];
    let outcome = world.run(&plan(steps), 1).await;
    assert_eq!(ends(&outcome), "failed - - done done");
    assert_eq!(world.failures(), ["1: it is no longer as it was"]);
    assert!(!outcome.is_complete() && outcome.stopped.is_none());
    assert_eq!(outcome.done, Tally { added: 2, ..Tally::default() });
}

#[tokio::test]
async fn step_that_may_have_taken_effect_is_in_doubt_in_outcome_and_journal() {
    let world = World::default().act(1, Act::Doubt);
    let outcome = world.run(&plan(vec![step(1, &[]), step(2, &[1])]), 1).await;
    assert_eq!(ends(&outcome), "doubt -");
    let run = world.with(|w| states::replay(State::new("", ""), &w.entries)).unfinished.unwrap();
    assert_eq!(run.in_doubt().collect::<Vec<_>>(), [StepId(1)]);
}

#[tokio::test]
async fn c6_panic_of_a_provider_is_a_doubt_and_not_the_end_of_the_run() {
    let world = World::default().act(1, Act::Panic);
    let outcome = world.run(&plan(vec![step(1, &[]), step(2, &[1]), step(3, &[])]), 1).await;
    assert_eq!(ends(&outcome), "doubt - done");
    assert_eq!(world.failures(), ["1: An internal error interrupted it: provider bug."]);
    let run = world.with(|w| states::replay(State::new("", ""), &w.entries)).unfinished.unwrap();
    assert_eq!(run.in_doubt().collect::<Vec<_>>(), [StepId(1)]);
}

#[tokio::test]
async fn no_step_of_a_bracket_continues_after_one_failed_even_without_a_need() {
    let world = World::default().act(2, Act::Refuse);
    let steps = vec![
        in_bracket(1, &[]),
        in_bracket(2, &[1]),
        in_bracket(3, &[1]),
        in_bracket(4, &[1]),
        step(5, &[]),
    ];
    let outcome = world.run(&plan(steps), 1).await;
    assert_eq!(ends(&outcome), "done failed - - done");
    assert_eq!(world.failures(), ["2: it is no longer as it was, open"]);
}

#[tokio::test]
async fn bracket_in_which_an_edit_fails_is_closed_and_what_waits_for_it_does_not_begin() {
    let world = World::default().act(2, Act::Refuse);
    let steps = vec![
        own(1, &[]),
        in_bracket(2, &[1]),
        in_bracket(3, &[1, 2]),
        own(4, &[2, 3]),
        own(5, &[4]),
        step(6, &[1, 2, 3, 4, 5]),
    ];
    let outcome = world.run(&plan(steps), 3).await;
    assert_eq!(ends(&outcome), "done failed - done done -");
    assert_eq!(world.failures(), ["2: it is no longer as it was"]);
}

#[tokio::test]
async fn bracket_is_closed_when_no_edit_of_it_runs_any_more() {
    let world = World::default().act(2, Act::Refuse).act(3, Act::Slow(20));
    let steps = vec![own(1, &[]), in_bracket(2, &[1]), in_bracket(3, &[1]), own(4, &[2, 3])];
    let outcome = world.run(&plan(steps), 3).await;
    assert_eq!(
        (ends(&outcome).as_str(), world.effects()),
        ("done failed done done", vec![1, 3, 4])
    );
}

#[tokio::test]
async fn bracket_of_which_an_edit_waits_for_what_failed_elsewhere_is_closed() {
    let world = World::default().act(1, Act::Refuse);
    let steps = vec![
        step(1, &[]),
        own(2, &[]),
        in_bracket(3, &[2]),
        in_bracket(4, &[1, 2]),
        own(5, &[3, 4]),
        own(6, &[5]),
    ];
    let outcome = world.run(&plan(steps), 1).await;
    assert_eq!(ends(&outcome), "failed done done - done done");
}

#[tokio::test]
async fn bracket_in_which_an_edit_is_in_doubt_stays_open() {
    let world = World::default().act(2, Act::Doubt);
    let steps = vec![own(1, &[]), in_bracket(2, &[1]), own(3, &[2])];
    let outcome = world.run(&plan(steps), 1).await;
    assert_eq!(ends(&outcome), "done doubt -");
    assert_eq!(world.failures(), ["2: the connection broke, open"]);
}

#[tokio::test]
async fn bracket_that_cannot_be_closed_stays_open_and_says_so() {
    let world = World::default().act(3, Act::Refuse);
    let steps = vec![own(1, &[]), in_bracket(2, &[1]), own(3, &[2]), own(4, &[3])];
    let outcome = world.run(&plan(steps), 1).await;
    assert_eq!(ends(&outcome), "done done failed -");
    assert_eq!(world.failures(), ["3: it is no longer as it was, open"]);
}

#[tokio::test]
async fn interrupt_within_a_bracket_begins_no_other_edit_and_closes_it() {
    for (waiting, ended) in [(1, "done - - done -"), (2, "done done - done -")] {
        let world = World::default().act(waiting, Act::Wait);
        let steps = vec![
            own(1, &[]),
            in_bracket(2, &[1]),
            in_bracket(3, &[2]),
            own(4, &[3]),
            step(5, &[4]),
        ];
        let outcome = stopped(&world, steps, Stop::Gently).await;
        assert_eq!((ends(&outcome).as_str(), outcome.stopped), (ended, Some(Stop::Gently)));
    }
}

#[tokio::test]
async fn bracket_whose_first_step_was_refused_is_not_open() {
    let world = World::default().act(1, Act::Refuse);
    world.run(&plan(vec![in_bracket(1, &[]), in_bracket(2, &[1])]), 1).await;
    assert_eq!(world.failures(), ["1: it is no longer as it was"]);
}

#[tokio::test]
async fn bracket_whose_first_step_is_in_doubt_may_be_open() {
    let world = World::default().act(1, Act::Doubt);
    world.run(&plan(vec![in_bracket(1, &[]), in_bracket(2, &[1])]), 1).await;
    assert_eq!(world.failures(), ["1: the connection broke, open"]);
}

/// Stops once the step has begun, and lets it end afterwards.
async fn stopped(world: &World, steps: Vec<Step>, stop: Stop) -> plans::Outcome {
    let (ask, asked) = watch::channel(None);
    let running = tokio::spawn({
        let (world, plan) = (world.clone(), plan(steps));
        async move { world.run_until(&plan, 1, asked).await }
    });
    while world.with(|w| w.running == 0) {
        tokio::task::yield_now().await;
    }
    ask.send(Some(stop)).unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    world.go.notify_one();
    running.await.unwrap()
}

#[tokio::test]
async fn first_interrupt_finishes_what_runs_and_begins_nothing_more() {
    let world = World::default().act(1, Act::Wait);
    let outcome = stopped(&world, vec![step(1, &[]), step(2, &[])], Stop::Gently).await;
    assert_eq!((ends(&outcome).as_str(), outcome.stopped), ("done -", Some(Stop::Gently)));
    assert!(world.with(|w| w.events.contains(&Event::Stopping(Stop::Gently))));
}

#[tokio::test]
async fn second_interrupt_does_not_wait_and_leaves_a_doubt() {
    let world = World::default().act(1, Act::Wait);
    let outcome = stopped(&world, vec![step(1, &[]), step(2, &[])], Stop::Now).await;
    assert_eq!((ends(&outcome).as_str(), outcome.stopped), ("doubt -", Some(Stop::Now)));
    let run = world.with(|w| states::replay(State::new("", ""), &w.entries)).unfinished.unwrap();
    assert_eq!(run.in_doubt().collect::<Vec<_>>(), [StepId(1)]);
}

#[tokio::test]
async fn interrupt_before_the_first_step_begins_nothing() {
    let world = World::default();
    let (_ask, asked) = watch::channel(Some(Stop::Gently));
    let outcome = world.run_until(&plan(vec![step(1, &[])]), 1, asked).await;
    assert_eq!((ends(&outcome).as_str(), world.effects()), ("-", vec![]));
}

#[tokio::test]
async fn run_whose_interrupts_have_nobody_left_to_send_them_still_ends() {
    let world = World::default();
    let (ask, asked) = watch::channel(None);
    drop(ask);
    let outcome = world.run_until(&plan(vec![step(1, &[]), step(2, &[1])]), 1, asked).await;
    assert_eq!(ends(&outcome), "done done");
}

#[tokio::test]
async fn journal_that_is_full_before_a_step_begins_prevents_it() {
    let world = World::default();
    world.with(|w| w.room = Some(3));
    let outcome = world.run(&plan(vec![step(1, &[]), step(2, &[]), step(3, &[])]), 1).await;
    assert_eq!((ends(&outcome).as_str(), world.effects()), ("done failed -", vec![1]));
    assert_eq!(
        world.failures(),
        ["2: The journal could not be written, so the step was not begun: no space left on device"]
    );
}

#[tokio::test]
async fn journal_that_is_full_after_a_step_was_done_leaves_a_doubt() {
    let world = World::default();
    world.with(|w| w.room = Some(2));
    let outcome = world.run(&plan(vec![step(1, &[]), step(2, &[1]), step(3, &[])]), 1).await;
    assert_eq!((ends(&outcome).as_str(), world.effects()), ("doubt - -", vec![1]));
    assert_eq!(
        world.failures(),
        ["1: It was done, but the journal could not be written: no space left on device"]
    );
}

#[tokio::test]
async fn late_step_is_resolved_when_what_it_needs_is_done() {
    let world = World::default();
    let outcome = world.run(&plan(vec![step(1, &[]), late(2, &[1], "make")]), 1).await;
    assert_eq!(ends(&outcome), "done done");
    assert_eq!(world.with(|w| w.resolved.clone()), [StepId(2)]);
    let trace = world.with(|w| w.trace.join(", "));
    assert!(trace.contains("told 1 1, begin 2"), "{trace}");
}

#[tokio::test]
async fn late_step_that_cannot_be_resolved_or_became_another_does_not_begin() {
    #[track_caller]
    fn check(world: &World, why: &str) {
        assert_eq!((world.effects(), world.failures()), (vec![], vec![format!("1: {why}")]));
        assert!(!world.with(|w| w.trace.contains(&"begin 1".to_owned())));
    }
    for (name, why) in [
        ("stubborn", "it is still not known"),
        ("forged", "`1` became `1`, which was not planned."),
        ("vague", "A part of its arguments is still not known."),
    ] {
        let world = World::default();
        world.run(&plan(vec![late(1, &[], name)]), 1).await;
        check(&world, why);
    }
}

#[tokio::test]
async fn step_that_takes_long_says_every_ten_seconds_what_it_waits_for() {
    let world = World::default().act(1, Act::Slow(40));
    world.run(&plan(vec![step(1, &[])]), 1).await;
    let waits: Vec<(String, u64)> = world.with(|w| {
        let wait = |event: &Event| match event {
            Event::StepWaiting { on, elapsed, .. } => Some((on.clone(), elapsed.as_secs())),
            _ => None,
        };
        w.events.iter().filter_map(wait).collect()
    });
    assert!(waits.len() > 3, "{waits:?}");
    assert_eq!(waits[1..3], [("web-0 to leave".to_owned(), 20), ("web-0 to leave".to_owned(), 30)]);
    let finished = world.with(|w| w.events.last().cloned());
    let Some(Event::StepFinished { shown, elapsed, .. }) = finished else { panic!("{finished:?}") };
    assert_eq!(shown, "Thing 1");
    assert!(elapsed > Duration::from_secs(30), "{elapsed:?}");
}

#[tokio::test]
async fn what_must_hold_of_a_step_that_is_done_keeps_back_what_needs_it() {
    let mut first = step(1, &[]);
    first.op.name = "disappointing".to_owned();
    let world = World::default();
    let outcome = world.run(&plan(vec![first, step(2, &[1]), step(3, &[])]), 1).await;
    assert_eq!(ends(&outcome), "done - done");
    let set = |w: &mut Inner| {
        let is_set = |entry: &&JournalEntry| {
            matches!(entry, JournalEntry::End { change: RecordChange::Set(..), .. })
        };
        w.entries.iter().filter(is_set).count()
    };
    assert_eq!(world.with(set), 2, "what is done is remembered");
}

#[tokio::test]
async fn object_beside_the_one_that_it_replaces_does_not_lend_it_its_uid() {
    let world = World::default();
    // The state still remembers the old object, number 2, while number 1 is made.
    let beside = Step { record: step(2, &[]).record, ..step(1, &[]) };
    world.run(&plan(vec![beside.clone()]), 1).await;
    let set = world.with(|w| {
        w.entries.iter().find_map(|entry| match entry {
            JournalEntry::End { change: RecordChange::Set(_, record), .. } => Some(record.clone()),
            _ => None,
        })
    });
    assert_eq!(set.map(|record| *record), beside.record);
}

#[tokio::test]
async fn state_remembers_the_uid_that_the_world_gave_and_forgets_what_is_gone() {
    let world = World::default();
    let gone = Step { record: None, action: Action::Delete, ..step(2, &[]) };
    let drain = Step { addr: None, record: None, ..in_bracket(3, &[]) };
    world.run(&plan(vec![step(1, &[]), gone, drain]), 1).await;
    let changes: Vec<RecordChange> = world.with(|w| {
        let change = |entry: &JournalEntry| match entry {
            JournalEntry::End { change, .. } => Some(change.clone()),
            _ => None,
        };
        w.entries.iter().filter_map(change).collect()
    });
    let mut record = step(1, &[]).record.unwrap();
    record.uid = Some("uid-1".to_owned());
    assert_eq!(
        changes,
        [
            RecordChange::Set(addr(1), Box::new(record)),
            RecordChange::Forget(addr(2)),
            RecordChange::Keep
        ]
    );
}

#[tokio::test]
async fn replacement_counts_as_one_added_and_one_destroyed_or_only_what_was_done() {
    let delete = Step { action: Action::Delete, ..of(9, step(1, &[])) };
    let create = of(9, step(2, &[1]));
    let replace = change(9, Action::Replace);
    let plan = plan_of(vec![delete, create], vec![replace, change(8, Action::Forget)]);
    let whole = World::default().run(&plan, 1).await.done;
    assert_eq!(whole, Tally { added: 1, destroyed: 1, changed: 0, forgotten: 1 });
    let half = World::default().act(2, Act::Refuse).run(&plan, 1).await.done;
    assert_eq!(half, Tally { added: 0, destroyed: 1, changed: 0, forgotten: 1 });
}

#[tokio::test]
async fn object_that_takes_two_operations_is_one_change() {
    let steps = vec![
        Step { action: Action::Update, ..of(9, step(1, &[])) },
        Step { action: Action::Update, ..of(9, step(2, &[1])) },
    ];
    let plan = plan_of(steps, vec![change(9, Action::Update)]);
    let done = World::default().run(&plan, 1).await.done;
    assert_eq!(done, Tally { changed: 1, ..Tally::default() });
    let half = World::default().act(2, Act::Refuse).run(&plan, 1).await.done;
    assert_eq!(half, Tally::default());
}

#[tokio::test]
async fn object_that_an_address_meant_before_counts_beside_the_one_that_it_means_now() {
    let steps = vec![
        Step { addr: Some(addr(9)), action: Action::Forget, ..step(1, &[]) },
        Step { addr: Some(addr(9)), ..step(2, &[1]) },
    ];
    let plan = plan(steps);
    let whole = World::default().run(&plan, 1).await.done;
    assert_eq!(whole, Tally { added: 1, forgotten: 1, ..Tally::default() });
    let half = World::default().act(2, Act::Refuse).run(&plan, 1).await.done;
    assert_eq!(half, Tally { forgotten: 1, ..Tally::default() });
}

#[tokio::test]
async fn resumed_run_does_nothing_twice_tries_failures_again_and_leaves_doubts_alone() {
    let world = World::default();
    let plan = plan(vec![step(1, &[]), step(2, &[1]), step(3, &[2]), step(4, &[]), step(5, &[4])]);
    world.start(&plan).await;
    let end = |id, ended| JournalEntry::End { step: StepId(id), ended, change: RecordChange::Keep };
    world.with(|w| w.entries.push(end(1, Ended::Done)));
    let already = BTreeMap::from([
        (StepId(1), Ended::Done),
        (StepId(2), Ended::Failed("earlier".to_owned())),
        (StepId(4), Ended::InDoubt),
        (StepId(77), Ended::Done),
    ]);
    let (_keep, stop) = watch::channel(None);
    let outcome = run(&plan, &already, world.ports(), stop, options(1)).await;
    assert_eq!((ends(&outcome).as_str(), world.effects()), ("done done done doubt -", vec![2, 3]));
}

#[tokio::test]
async fn doubt_is_settled_by_looking_and_a_done_step_is_told_to_later_ones() {
    let world = World::default();
    let plan = plan(vec![step(1, &[]), step(2, &[]), late(3, &[], "stubborn")]);
    world.with(|w| w.effects.push(StepId(1)));
    let doubts = BTreeSet::from([StepId(1), StepId(2), StepId(3), StepId(9)]);
    let ports = world.ports();
    let settled = settle_in_doubt(&plan, &doubts, &ports.providers, &ports.late).await;
    assert_eq!(settled.len(), 3);
    assert!(matches!(settled[&StepId(1)], Ok(Settled::Done(_))));
    assert_eq!(settled[&StepId(2)], Ok(Settled::NotDone));
    assert!(settled[&StepId(3)].is_err());
    assert_eq!(world.with(|w| w.trace.clone()), ["told 1 1"]);
}

#[tokio::test]
async fn plan_without_steps_is_done_at_once() {
    let outcome = World::default().run(&plan(Vec::new()), 1).await;
    assert!(outcome.is_complete() && outcome.steps.is_empty());
}

#[tokio::test]
async fn step_that_needs_what_does_not_exist_does_not_begin() {
    let outcome = World::default().run(&plan(vec![step(1, &[7]), step(2, &[])]), 1).await;
    assert_eq!(ends(&outcome), "- done");
}

#[tokio::test]
async fn run_that_is_dropped_begins_no_further_step() {
    let world = World::default().act(1, Act::Wait);
    let plan = plan(vec![step(1, &[]), step(2, &[1]), step(3, &[])]);
    let running = tokio::spawn({
        let (world, plan) = (world.clone(), Arc::clone(&plan));
        async move { world.run(&plan, 1).await }
    });
    while world.with(|w| w.running == 0) {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.is_err());
    world.go.notify_one();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    // What had begun went on to its end, and its end is in the journal.
    assert_eq!(world.effects(), [1]);
    assert_eq!(world.with(|w| w.trace.last().cloned()).as_deref(), Some("told 1 1"));
}

#[tokio::test]
async fn step_that_was_about_to_begin_when_the_run_was_dropped_does_not() {
    let world = World::default();
    let plan = plan(vec![step(1, &[]), step(2, &[])]);
    world.with(|w| w.plan = Some(Arc::clone(&plan)));
    let (_keep, stop) = watch::channel(None);
    let nothing = BTreeMap::new();
    tokio::select! {
        biased;
        // Polled once: both steps have their tasks, and neither task had a turn.
        _ = run(&plan, &nothing, world.ports(), stop, options(2)) => unreachable!(),
        () = std::future::ready(()) => {}
    }
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.with(|w| w.trace.clone()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_on_several_threads_keep_every_law() {
    // Forty layers of ten, each needing two of the layer before; the world checks each effect.
    let needs = |id: u32| match id.checked_sub(10) {
        None | Some(0) => vec![],
        Some(above) => vec![above, if above % 10 == 0 { above - 9 } else { above + 1 }],
    };
    let steps: Vec<Step> = (1..=400).map(|id| step(id, &needs(id))).collect();
    let world = World::default();
    for id in (1..=400).step_by(7) {
        world.with(|w| w.acts.insert(StepId(id), Act::Slow(5)));
    }
    let outcome = world.run(&plan(steps), 8).await;
    assert!(outcome.is_complete(), "{}", ends(&outcome));
    assert_eq!(world.effects().len(), 400);
}

#[test]
fn walk_over_a_hundred_thousand_steps_is_linear() {
    // A quadratic walk would take minutes here.
    let chain = (1..=100_000).map(|id| step(id, &if id == 1 { vec![] } else { vec![id - 1] }));
    let plan = plan(chain.collect());
    let mut graph = crate::graph::Graph::new(&plan, &BTreeMap::new());
    let mut count = 0;
    while let Some(id) = graph.next() {
        graph.end(id, Ended::Done);
        count += 1;
    }
    assert_eq!(count, 100_000);
}
