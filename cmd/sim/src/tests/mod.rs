//! The simulation, as far as every change has to stand it; `cargo xtask sim` does more.

use crate::run::{AMID_A_STEP, CHANGED};
use crate::site::Goal;
use crate::{Crash, INVARIANTS, Pause, Planted, Run, crash_points};

/// So many seeds are run with every change.
const SEEDS: u64 = 12;
/// Seeds that broke an invariant once. What was wrong has a test of its own where it was.
const FOUND: [u64; 3] = [27, 412, 726];

#[track_caller]
fn holds(run: &Run) {
    let violations: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
    assert!(
        violations.is_empty(),
        "{}\n\n{}\nTo see it again:\n  {}",
        run.led_there().join("\n"),
        violations.join("\n"),
        run.replay
    );
}

#[track_caller]
fn breaks(bug: Planted, invariant: &str) {
    let run = Run::with_bug(bug);
    let broken: Vec<&str> = run.violations.iter().map(|violation| violation.id).collect();
    assert!(broken.contains(&invariant), "{bug}: {broken:?}\n{}", run.led_there().join("\n"));
}

#[test]
fn a_rollout_without_trouble_ends_well_and_a_second_apply_does_nothing() {
    let run = Run::with_crashes(&[]);
    holds(&run);
    assert_eq!((run.first.as_str(), run.processes), ("0", 2));
}

/// A crash after an effect leaves the world that one before the next effect leaves. Every third
/// one is played here, all of them by `cargo xtask sim --crashes`.
#[test]
fn c2_a_crash_after_an_effect_is_recovered_from() {
    let points: Vec<Crash> = crash_points().into_iter().filter(|point| point.done).collect();
    assert!(points.len() > 80, "{} points", points.len());
    for point in points.into_iter().step_by(3) {
        let run = Run::with_crashes(&[point]);
        holds(&run);
        assert_eq!(run.first, "died", "{}", run.replay);
    }
}

/// A bracket that was closed after a failure is opened again by the resumption, which dies.
#[test]
fn c3_a_crash_of_the_process_that_resumes_is_recovered_from() {
    for effect in (12..40).step_by(4) {
        let run = Run::of_resumption(Crash { effect, done: true });
        holds(&run);
        assert_eq!(run.first, "1", "{}", run.replay);
    }
}

#[test]
fn no_seed_breaks_an_invariant() {
    for seed in 0..SEEDS {
        holds(&Run::by_seed(seed));
    }
}

#[test]
fn what_broke_an_invariant_once_does_so_no_more() {
    for seed in FOUND {
        holds(&Run::by_seed(seed));
    }
}

#[test]
fn l3_a_process_that_was_asleep_finds_that_another_one_has_taken_over() {
    for after in [20, 45, 70] {
        let run = Run::overtaken(Pause { after, until: 1000 });
        holds(&run);
        assert_eq!(run.first, "1", "{}", run.replay);
    }
}

/// The same in the middle of a step on a host: what it would still do there is refused, and it says
/// by whom.
#[test]
fn l3_a_process_that_was_asleep_within_a_step_on_a_host_changes_nothing_there() {
    let run = Run::overtaken(Pause { after: AMID_A_STEP, until: 1000 });
    holds(&run);
    assert_eq!(run.first, "1", "{}", run.replay);
    for said in [
        "worker-1: run systemctl stop kubelet: not done",
        "Host `worker-1` was worked on by admin@machine-2/2/run-2 since then",
    ] {
        let told = run.trace.iter().any(|line| line.contains(said));
        assert!(told, "{said}\n{}", run.trace.join("\n"));
    }
}

/// How often a node is taken out of service, or brought back, after the configuration was changed.
fn disturbed(run: &Run, node: &str) -> usize {
    let patch = format!("patch nodes/{node}");
    let later = run.trace.iter().skip_while(|line| !line.ends_with(CHANGED));
    later.filter(|line| line.ends_with(&patch)).count()
}

/// One node has the new settings, one failed, one was not begun; then they change again, or not.
#[test]
fn r5_a_half_rolled_group_goes_on_node_by_node_and_disturbs_none_without_need() {
    for (goal, first) in [(Goal::First, 0), (Goal::Other, 2)] {
        let run = Run::after_a_failure("worker-2", None, goal);
        holds(&run);
        assert_eq!(run.first, "1");
        let told = || format!("{goal:?}\n{}", run.trace.join("\n"));
        assert_eq!(disturbed(&run, "worker-1"), first, "{}", told());
        assert_eq!(disturbed(&run, "worker-2"), 2, "{}", told());
        assert_eq!(disturbed(&run, "control-plane-1"), 2, "{}", told());
    }
}

/// Wherever it failed, and wherever a process died on the way there.
#[test]
fn p21_a_configuration_that_is_taken_back_is_reached_from_every_failed_state() {
    for node in ["worker-1", "worker-2", "control-plane-1"] {
        let run = Run::after_a_failure(node, None, Goal::Before);
        holds(&run);
        assert_eq!(run.first, "1", "{node}");
    }
    for effect in (10..60).step_by(7) {
        let crash = Crash { effect, done: true };
        let run = Run::after_a_failure("worker-2", Some(crash), Goal::Before);
        holds(&run);
        assert_eq!(run.first, "died", "{effect}");
    }
}

#[test]
fn equal_seeds_give_equal_runs() {
    let digest = |seed| Run::by_seed(seed).digest;
    assert_eq!(digest(3), digest(3));
    assert_ne!(digest(3), digest(4));
}

#[test]
fn every_invariant_has_a_bug_that_breaks_it() {
    for invariant in &INVARIANTS {
        assert!(Planted::of(invariant.id).is_some(), "{}", invariant.id);
    }
}

#[test]
fn planted_bug_breaks_i1() {
    breaks(Planted::TwoNodesAtOnce, "I1");
}

#[test]
fn planted_bug_breaks_i2() {
    breaks(Planted::ForgottenUncordon, "I2");
}

#[test]
fn planted_bug_breaks_i3() {
    breaks(Planted::ForgottenRestart, "I3");
}

#[test]
fn planted_bug_breaks_i4() {
    breaks(Planted::HalfFile, "I4");
}

#[test]
fn planted_bug_breaks_i5() {
    breaks(Planted::BlindLook, "I5");
}

#[test]
fn planted_bug_breaks_i6() {
    breaks(Planted::LostBegin, "I6");
}

#[test]
fn planted_bug_breaks_i7() {
    breaks(Planted::StrayWrite, "I7");
}

#[test]
fn planted_bug_breaks_i8() {
    breaks(Planted::NoFence, "I8");
}

#[test]
fn planted_bug_breaks_i9() {
    breaks(Planted::SpokenSecret, "I9");
}

#[test]
fn planted_bug_breaks_i11() {
    breaks(Planted::EndlessStep, "I11");
}

#[test]
fn planted_bug_breaks_i12() {
    breaks(Planted::IdleStep, "I12");
}

#[test]
fn planted_bug_breaks_i15() {
    breaks(Planted::OpenHosts, "I15");
}
