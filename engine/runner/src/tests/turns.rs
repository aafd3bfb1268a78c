//! Nodes take turns.

use super::fake::{Act, World, ends, in_bracket, options, own, plan, started, step};
use crate::{Journal, run};
use addrs::Scope;
use plans::{Ended, Event, Plan, Rollout, Step, StepId, Stop, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

fn rules(max_unavailable: u32, max_failures: u32) -> Rollout {
    let name = Some("workers".to_owned());
    Rollout { name, max_unavailable, max_failures, ..Rollout::careful() }
}

/// One turn for each node, `w1` first, in as many lanes as may be out of service.
fn rolled(rollout: Rollout, nodes: &[&[u32]], steps: Vec<Step>) -> Arc<Plan> {
    let lanes = usize::try_from(rollout.max_unavailable).unwrap();
    let turn = |(i, steps): (usize, &&[u32])| {
        let steps: Vec<StepId> = steps.iter().copied().map(StepId).collect();
        Turn {
            rollout: 0,
            batch: 0,
            scope: Scope::node(&format!("w{}", i + 1)),
            first: steps[..1].to_vec(),
            steps,
            after: i.checked_sub(lanes).into_iter().collect(),
            pause: i >= lanes,
        }
    };
    let turns = nodes.iter().enumerate().map(turn).collect();
    Arc::new(Plan { rollouts: vec![rollout], turns, ..(*plan(steps)).clone() })
}

/// Restarts of so many nodes.
fn restarts(rollout: Rollout, count: u32) -> Arc<Plan> {
    let nodes: Vec<[u32; 1]> = (1..=count).map(|id| [id]).collect();
    let nodes: Vec<&[u32]> = nodes.iter().map(<[u32; 1]>::as_slice).collect();
    rolled(rollout, &nodes, (1..=count).map(|id| step(id, &[])).collect())
}

fn slow(count: u32) -> World {
    (1..=count).fold(World::default(), |world, id| world.act(id, Act::Slow(id % 3 + 1)))
}

#[tokio::test]
async fn no_more_nodes_are_begun_at_once_than_may_be_out_of_service() {
    for most in [1, 2, 3] {
        let world = slow(7);
        let outcome = world.run(&restarts(rules(most, 0), 7), 10).await;
        assert!(outcome.is_complete(), "{}", ends(&outcome));
        assert_eq!(world.with(|w| w.most), usize::try_from(most).unwrap());
    }
}

#[tokio::test]
async fn after_the_first_failure_no_other_node_is_begun_and_it_is_said_why() {
    let world = slow(4).act(2, Act::Refuse);
    let outcome = world.run(&restarts(rules(1, 0), 4), 10).await;
    assert_eq!(ends(&outcome), "done failed - -");
    assert_eq!(outcome.held, ["A node of rollout `workers` failed, so no other node is begun."]);
}

#[tokio::test]
async fn failure_in_one_lane_stops_the_other() {
    let world = World::default().act(1, Act::Refuse).act(2, Act::Slow(9));
    let outcome = world.run(&restarts(rules(2, 0), 4), 10).await;
    assert_eq!(ends(&outcome), "failed done - -");
}

#[tokio::test]
async fn as_many_nodes_may_fail_as_the_rules_say() {
    let world = World::default().act(1, Act::Refuse).act(3, Act::Refuse);
    let outcome = world.run(&restarts(rules(1, 1), 4), 10).await;
    assert_eq!(ends(&outcome), "failed done failed -");
    assert_eq!(outcome.held, ["2 nodes of rollout `workers` failed, so no other node is begun."]);
}

/// Cordon, edit, uncordon on `w1`, and a restart of `w2`.
fn bracket_and_restart(rollout: Rollout) -> Arc<Plan> {
    let steps = vec![own(1, &[]), in_bracket(2, &[1]), own(3, &[1, 2]), step(4, &[])];
    rolled(rollout, &[&[1, 2, 3], &[4]], steps)
}

#[tokio::test]
async fn failed_node_is_back_in_service_before_the_next_is_begun() {
    let world = World::default().act(2, Act::Refuse);
    let outcome = world.run(&bracket_and_restart(rules(1, 1)), 10).await;
    assert_eq!(ends(&outcome), "done failed done done");
    assert_eq!(world.effects(), [1, 3, 4]);
}

#[tokio::test]
async fn node_that_stays_out_of_service_counts_as_one_that_is() {
    let doubtful = || World::default().act(2, Act::Doubt);
    let outcome = doubtful().run(&bracket_and_restart(rules(1, 9)), 10).await;
    assert_eq!(ends(&outcome), "done doubt - -");
    let outcome = doubtful().run(&bracket_and_restart(rules(2, 9)), 10).await;
    assert_eq!(ends(&outcome), "done doubt - done");
}

#[tokio::test]
async fn node_that_waits_for_what_failed_elsewhere_counts_as_failed() {
    let plan = |max_failures| {
        let steps = vec![step(1, &[]), step(2, &[1]), step(3, &[])];
        rolled(rules(1, max_failures), &[&[2], &[3]], steps)
    };
    let world = || World::default().act(1, Act::Refuse);
    assert_eq!(ends(&world().run(&plan(0), 10).await), "failed - -");
    assert_eq!(ends(&world().run(&plan(1), 10).await), "failed - done");
}

#[tokio::test]
async fn pause_is_told_once_and_kept() {
    let pause = Duration::from_mins(5);
    let world = World::default();
    let outcome = world.run(&restarts(Rollout { pause, ..rules(1, 0) }, 3), 10).await;
    assert!(outcome.is_complete());
    let pauses = world.with(|w| {
        let of = |event: &Event| match event {
            Event::Pausing { scope, pause } => Some(format!("{scope} {pause:?}")),
            _ => None,
        };
        w.events.iter().filter_map(of).collect::<Vec<_>>()
    });
    assert_eq!(pauses, ["node/w2 300s", "node/w3 300s"]);
    assert!(world.with(|w| w.now) >= 2 * pause);
}

#[tokio::test]
async fn interrupt_ends_a_pause() {
    let (tell, stop) = watch::channel(None);
    let world = World::default();
    let plan = restarts(Rollout { pause: Duration::from_mins(5), ..rules(1, 0) }, 2);
    world.start(&plan).await;
    let ports = world.ports();
    let inner = ports.events.clone();
    let events = Arc::new(move |event: Event| {
        if matches!(event, Event::Pausing { .. }) {
            tell.send(Some(Stop::Gently)).unwrap();
        }
        inner(event);
    });
    let ports = crate::Ports { events, ..ports };
    let outcome = run(&plan, &BTreeMap::new(), ports, stop, options(1)).await;
    assert_eq!(ends(&outcome), "done -");
    assert_eq!((outcome.stopped, outcome.held), (Some(Stop::Gently), Vec::new()));
    assert!(world.with(|w| w.now) < Duration::from_mins(5));
}

#[tokio::test]
async fn outside_of_the_window_no_node_is_begun_and_all_else_is_done() {
    // The world's time begins on a Thursday, at midnight.
    let of = |window: &str| {
        let steps = vec![step(1, &[]), step(2, &[])];
        let window = Some(window.parse().unwrap());
        rolled(Rollout { window, ..rules(1, 0) }, &[&[2]], steps)
    };
    let closed = World::default().run(&of("Fri 00:00-06:00 UTC"), 10).await;
    assert_eq!(ends(&closed), "done -");
    assert_eq!(
        closed.held,
        ["The window of rollout `workers` is closed, so no node is begun. It is open Fri \
          00:00-06:00 UTC."]
    );
    assert!(World::default().run(&of("Thu 00:00-06:00 UTC"), 10).await.is_complete());
}

#[tokio::test]
async fn window_that_closes_during_a_pause_keeps_the_next_node_in_service() {
    let world = World::default();
    let window = Some("Thu 00:00-00:05 UTC".parse().unwrap());
    let plan = restarts(Rollout { window, pause: Duration::from_mins(6), ..rules(1, 0) }, 2);
    let outcome = world.run(&plan, 1).await;
    assert_eq!(ends(&outcome), "done -");
}

/// The next run of the same plan begins with the nodes that the one before did not finish.
#[tokio::test]
async fn unfinished_nodes_come_first_when_a_run_is_resumed() {
    let world = World::default();
    let plan = restarts(rules(1, 0), 3);
    let already =
        BTreeMap::from([(StepId(1), Ended::Done), (StepId(2), Ended::Failed("x".to_owned()))]);
    world.with(|w| w.plan = Some(Arc::clone(&plan)));
    world.append(&started()).await.unwrap();
    let (_keep, stop) = watch::channel(None);
    let outcome = run(&plan, &already, world.ports(), stop, options(4)).await;
    assert!(outcome.is_complete());
    assert_eq!(world.effects(), [2, 3]);
}

/// A run that is in doubt about a node begins no other one.
#[tokio::test]
async fn node_in_doubt_holds_the_others_back() {
    let world = World::default();
    let plan = restarts(rules(1, 0), 2);
    world.with(|w| w.plan = Some(Arc::clone(&plan)));
    let already = BTreeMap::from([(StepId(1), Ended::InDoubt)]);
    let (_keep, stop) = watch::channel(None);
    let outcome = run(&plan, &already, world.ports(), stop, options(4)).await;
    assert_eq!(ends(&outcome), "doubt -");
}
