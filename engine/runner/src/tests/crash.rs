//! The world is stopped after every durable thing, the way a power cut would, and the run is
//! resumed from what was durable.

use super::fake::*;
use crate::{run, settle_in_doubt, settled_entry};
use plans::{Plan, Step, StepId};
use states::{Replayed, State, UnfinishedRun, replay};
use std::sync::Arc;
use tokio::sync::watch;

/// One life of the process: begins or resumes, and is stopped after `left` durable things.
/// Answers whether it came to its end.
fn live(world: &World, plan: &Arc<Plan>, parallelism: usize, left: Option<usize>) -> bool {
    let outcome = lived(world, plan, parallelism, left);
    outcome.inspect(|o| assert!(o.is_complete(), "{o:?}")).is_some()
}

/// The same when not every step has to end well.
fn live_until(world: &World, plan: &Arc<Plan>, left: Option<usize>) -> bool {
    lived(world, plan, 1, left).is_some()
}

fn lived(
    world: &World,
    plan: &Arc<Plan>,
    parallelism: usize,
    left: Option<usize>,
) -> Option<plans::Outcome> {
    // Of its own: a second task that is stopped must not stop the next life.
    let world = &World { stopped: Arc::default(), ..world.clone() };
    world.with(|w| {
        w.left = left;
        w.plan = Some(Arc::clone(plan));
        w.running = 0;
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = world.stopped.notified() => None,
            outcome = resume(world, plan, parallelism) => Some(outcome),
        }
    })
    // The runtime is dropped here, and every task with it: that is the crash.
}

async fn resume(world: &World, plan: &Arc<Plan>, parallelism: usize) -> plans::Outcome {
    let ports = world.ports();
    let entries = world.with(|w| w.entries.clone());
    ports.journal.append(&started()).await.unwrap();
    let before = replay(State::new("", ""), &entries).unfinished;
    let doubts = before.iter().flat_map(UnfinishedRun::in_doubt).collect();
    let mut already = before.map(|run| run.ended).unwrap_or_default();
    for (id, settled) in settle_in_doubt(plan, &doubts, &ports.providers, &ports.late).await {
        let entry = settled_entry(plan.step(id).unwrap(), &settled.unwrap());
        ports.journal.append(&entry).await.unwrap();
        if let states::JournalEntry::End { ended, .. } = entry {
            already.insert(id, ended);
        }
    }
    let (_keep, stop) = watch::channel(None);
    run(plan, &already, ports, stop, options(parallelism)).await
}

fn state_of(world: &World) -> Replayed {
    world.with(|w| replay(State::new("", ""), &w.entries))
}

#[track_caller]
fn converged(world: &World, steps: usize, expected: &State, why: &str) {
    let mut effects = world.effects();
    effects.sort_unstable();
    let each_once: Vec<u32> = (1..).take(steps).collect();
    // What opens and closes a bracket is done again when the bracket was not finished.
    let plan = world.with(|w| w.plan.clone().unwrap());
    let is_own = |id: &u32| plan.step(StepId(*id)).is_some_and(|step| step.addr.is_none());
    effects.dedup_by(|a, b| a == b && is_own(a));
    assert_eq!(effects, each_once, "{why}");
    assert_eq!(&state_of(world).state, expected, "{why}");
}

/// Stops at every point of the first life, and at every point of the second.
fn every_point(steps: Vec<Step>, parallelism: usize) -> usize {
    let count = steps.len();
    let plan = plan(steps);
    let calm = World::default();
    assert!(live(&calm, &plan, parallelism, None));
    let expected = state_of(&calm).state;
    let total = calm.with(|w| w.entries.len() + w.effects.len());
    let mut points = 0;
    for first in 0..=total {
        for second in 0..=total + 1 {
            let world = World::default();
            let why = format!("stopped after {first}, then after {second}");
            let ended = live(&world, &plan, parallelism, Some(first))
                || live(&world, &plan, parallelism, Some(second))
                || live(&world, &plan, parallelism, None);
            assert!(ended, "{why}");
            converged(&world, count, &expected, &why);
            points += 1;
        }
    }
    points
}

#[test]
fn chain_of_three_steps_stopped_anywhere_twice_converges_and_does_nothing_twice() {
    let points = every_point(vec![step(1, &[]), step(2, &[1]), step(3, &[2])], 4);
    // A start and three times begin, effect, end.
    assert_eq!(points, 11 * 12);
}

#[test]
fn diamond_of_five_steps_stopped_anywhere_twice_converges_and_does_nothing_twice() {
    let steps = || vec![step(1, &[]), step(2, &[1]), step(3, &[1]), step(4, &[2, 3]), step(5, &[])];
    for parallelism in [1, 2, 5] {
        assert_eq!(every_point(steps(), parallelism), 17 * 18);
    }
}

#[test]
fn bracket_stopped_anywhere_twice_is_closed_in_the_end() {
    let steps = vec![
        own(1, &[]),
        in_bracket(2, &[1]),
        in_bracket(3, &[1]),
        own(4, &[2, 3]),
        late(5, &[2], "make"),
    ];
    assert_eq!(every_point(steps, 2), 17 * 18);
}

/// An edit fails in the first life: nothing stays open, whenever that life ends.
#[test]
fn bracket_in_which_an_edit_fails_is_closed_wherever_the_run_was_stopped() {
    let steps =
        || vec![own(1, &[]), in_bracket(2, &[1]), in_bracket(3, &[2]), own(4, &[3]), own(5, &[4])];
    let plan = plan(steps());
    // A start; four times begin and end, three effects.
    for stopped in 0..=12 {
        let world = World::default().act(2, Act::Refuse);
        let whole = live_until(&world, &plan, Some(stopped));
        let effects = world.effects();
        let is_open = effects.contains(&1) && !effects.contains(&5);
        assert!(!whole || !is_open, "stopped after {stopped}: {effects:?}");
        assert!(!effects.contains(&3), "an edit follows one that failed: {effects:?}");
        // Mended, and resumed.
        world.with(|w| w.acts.clear());
        assert!(live(&world, &plan, 1, None));
        let effects = world.effects();
        assert!(effects.ends_with(&[1, 2, 3, 4, 5]), "stopped after {stopped}: {effects:?}");
    }
}

/// An edit failed and the bracket was closed. The resumption opens it again, and dies anywhere.
#[test]
fn bracket_that_a_resumption_opened_again_is_closed_by_the_next_one() {
    let plan = plan(vec![own(1, &[]), in_bracket(2, &[1]), own(3, &[2]), step(4, &[2, 3])]);
    for stopped in 0..=15 {
        let world = World::default().act(2, Act::Refuse);
        assert!(live_until(&world, &plan, None));
        assert_eq!(world.effects(), [1, 3]);
        world.with(|w| w.acts.clear());
        let ended = live(&world, &plan, 1, Some(stopped)) || live(&world, &plan, 1, None);
        let effects = world.effects();
        let last = |id| effects.iter().rposition(|effect| *effect == id);
        assert!(ended && last(3) > last(1), "stopped after {stopped}: {effects:?}");
        assert_eq!(effects.last(), Some(&4), "stopped after {stopped}: {effects:?}");
    }
}

/// Whether the journal is lost before anything is begun again.
#[test]
fn bracket_is_not_opened_again_when_that_cannot_be_noted() {
    let plan = plan(vec![own(1, &[]), in_bracket(2, &[1]), own(3, &[2])]);
    let world = World::default().act(2, Act::Refuse);
    assert!(live_until(&world, &plan, None));
    let entries = world.with(|w| {
        w.acts.clear();
        // The start of the resumption, and no more.
        w.room = Some(w.entries.len() + 1);
        w.entries.len()
    });
    assert!(live_until(&world, &plan, None));
    assert_eq!(world.effects(), [1, 3]);
    assert_eq!(world.with(|w| w.entries.len()), entries + 1);
    let said = world.failures().pop().unwrap();
    assert!(said.contains("so nothing was begun"), "{said}");
}
