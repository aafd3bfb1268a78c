//! Plans that were saved: applied as they were made, or refused.

use crate::desk::Desk;
use schemas::plan::SavedPlan;

const ONE: &str = r#"resource "thing" "a" { name = "a" }"#;

/// The plan is refused with this code, after this change to it or to the world.
#[track_caller]
fn refused(code: &str, change: impl FnOnce(&mut Desk, &mut SavedPlan)) {
    let mut desk = Desk::new(ONE);
    desk.apply().unwrap();
    desk.rewrite(r#"resource "thing" "a" { name = "b" }"#);
    let mut saved = desk.save();
    assert_eq!(Desk::codes(desk.check(&saved)), "", "before the change it may be applied");
    change(&mut desk, &mut saved);
    desk.stage.happened();
    assert_eq!(Desk::codes(desk.apply_saved(saved).map(drop)), code);
    assert_eq!(desk.stage.happened(), "", "nothing was done");
}

#[test]
fn a_plan_on_another_serial_is_refused() {
    refused("E0462", |desk, _| desk.stage.with(|s| s.state.as_mut().unwrap().serial += 1));
}

#[test]
fn a_plan_on_another_state_is_refused() {
    refused("E0456", |desk, _| {
        desk.stage.with(|s| "another".clone_into(&mut s.state.as_mut().unwrap().lineage));
    });
}

#[test]
fn a_plan_for_another_cluster_is_refused() {
    refused("E0455", |desk, _| desk.stage.with(|s| "another".clone_into(&mut s.cluster)));
}

#[test]
fn a_plan_of_another_version_is_refused() {
    refused("E0461", |_, saved| "0.0.1".clone_into(&mut saved.plan.fingerprints.engine));
}

#[test]
fn a_plan_from_other_sources_is_refused() {
    refused("E0463", |desk, _| desk.rewrite(r#"resource "thing" "a" { name = "c" }"#));
}

#[test]
fn a_plan_that_is_not_complete_is_refused() {
    refused("E0454", |_, saved| saved.plan.complete = false);
}

#[test]
fn a_plan_that_was_applied_is_refused() {
    // Its serial is another one by then, too.
    refused("E0457 E0462", |desk, saved| drop(desk.apply_saved(saved.clone()).unwrap()));
}
