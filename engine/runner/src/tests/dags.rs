//! The laws on graphs of any shape. That no step takes effect before its needs and its begin
//! is asserted by the world itself, at every effect.

use super::fake::*;
use plans::{Ended, Plan, Step, StepId};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn any_plan() -> impl Strategy<Value = Arc<Plan>> {
    let needs = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let one = (needs, prop::option::weighted(0.2, Just(())));
    prop::collection::vec(one, 1..24).prop_map(|steps| {
        let step = |(i, (needs, bracket)): (usize, (Vec<prop::sample::Index>, Option<()>))| {
            let id = u32::try_from(i + 1).unwrap();
            let before = |need: &prop::sample::Index| u32::try_from(need.index(i) + 1).unwrap();
            let needs: Vec<u32> =
                if i == 0 { Vec::new() } else { needs.iter().map(before).collect() };
            if bracket.is_some() { in_bracket(id, &needs) } else { step(id, &needs) }
        };
        plan(steps.into_iter().enumerate().map(step).collect())
    })
}

fn any_acts() -> impl Strategy<Value = BTreeMap<StepId, Act>> {
    let acts = vec![Act::Refuse, Act::Doubt, Act::Panic, Act::Slow(3), Act::Slow(11)];
    let act = prop::sample::select(acts);
    prop::collection::btree_map((1u32..24).prop_map(StepId), act, 0..8)
}

fn walked(plan: &Arc<Plan>, acts: &BTreeMap<StepId, Act>, limit: usize) -> (World, plans::Outcome) {
    let world = World::default();
    world.with(|w| w.acts.clone_from(acts));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runtime.block_on(world.run(plan, limit));
    (world, outcome)
}

fn bad(act: Option<&Act>) -> bool {
    matches!(act, Some(Act::Refuse | Act::Doubt | Act::Panic))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Every step runs once when nothing goes wrong, whatever the shape and the limit.
    #[test]
    fn every_step_of_any_graph_runs_once(plan in any_plan(), limit in 1usize..8) {
        let (world, outcome) = walked(&plan, &BTreeMap::new(), limit);
        prop_assert!(outcome.is_complete());
        let mut effects = world.effects();
        effects.sort_unstable();
        prop_assert_eq!(effects, (1..=u32::try_from(plan.steps.len()).unwrap()).collect::<Vec<_>>());
        prop_assert!(world.with(|w| w.most) <= limit);
    }

    /// What goes wrong stops what needs it, and whatever is in its bracket; nothing else.
    #[test]
    fn only_what_needs_a_failed_step_is_left_out(
        plan in any_plan(),
        acts in any_acts(),
        limit in 1usize..8,
    ) {
        let (_, outcome) = walked(&plan, &acts, limit);
        let ended: BTreeMap<StepId, Ended> = outcome.steps.into_iter().collect();
        let bracket_failed = |step: &Step| {
            let fellow = |s: &&Step| s.bracket.is_some() && s.bracket == step.bracket;
            plan.steps.iter().filter(fellow).any(|s| {
                matches!(ended[&s.id], Ended::Failed(_) | Ended::InDoubt)
            })
        };
        for step in &plan.steps {
            let ready = step.needs.iter().all(|need| ended[need] == Ended::Done);
            match &ended[&step.id] {
                Ended::NotStarted => prop_assert!(!ready || bracket_failed(step)),
                Ended::Done => prop_assert!(ready && !bad(acts.get(&step.id))),
                Ended::Failed(_) | Ended::InDoubt => {
                    prop_assert!(ready && bad(acts.get(&step.id)));
                }
            }
        }
    }

    /// Equal inputs give equal histories.
    #[test]
    fn walk_twice_is_the_same_walk(plan in any_plan(), acts in any_acts(), limit in 1usize..8) {
        let (first, one) = walked(&plan, &acts, limit);
        let (second, two) = walked(&plan, &acts, limit);
        prop_assert_eq!(one, two);
        prop_assert_eq!(first.with(|w| w.trace.clone()), second.with(|w| w.trace.clone()));
        prop_assert_eq!(first.with(|w| w.events.clone()), second.with(|w| w.events.clone()));
    }
}
