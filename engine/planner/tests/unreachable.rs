//! What is on something that cannot be reached.

use crate::world::{World, text};
use insta::assert_snapshot;

const HCL: &str = r#"
    resource "thing" "far" { name = "far" }
    resource "thing" "near" { name = "near" }
    resource "thing" "needs_far" {
      name = "needs-far"
      colour = thing.far.name
    }
    output "near" { value = thing.near.name }
"#;

/// `far` and what stood in it, `gone`, cannot be looked at; nothing declares `base` any more, in
/// which `gone` stands.
fn world() -> World {
    let mut world = World::default()
        .with("base", 1)
        .with("near", 1)
        .remembering("thing.base", "base", &[])
        .remembering("thing.gone", "gone", &["thing.base"]);
    world.unreachable = vec!["far".into(), "gone".into()];
    world
}

#[test]
fn what_cannot_be_reached_is_an_error_on_the_object() {
    assert_snapshot!(text(HCL, &world()), @r"
    Delete thing.base (NotInConfiguration)
    Update thing.near
    1. update near needs []
    2. delete base needs []
    E9999 Unreachable at 2:5: The server did not answer.
    E9999 Unreachable: The server did not answer.
    not complete
    ");
}

#[test]
fn what_cannot_be_reached_is_left_out_with_what_needs_it_when_that_is_allowed() {
    let mut world = world();
    world.allowed.unreachable = true;
    assert_snapshot!(text(HCL, &world), @r"
    Update thing.near
    1. update near needs []
    E0413 Plan leaves out what cannot be reached: cluster: The server did not answer. Left out: `thing.far`, `thing.gone`.

    Left out because they need these: `thing.base`, `thing.needs_far`.

    Nothing is done to them, and nobody knows whether they are as they should be. Outputs stay as they are.
    ");
    let (planning, _) = crate::world::planned(HCL, &world);
    let left_out: Vec<String> = planning.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out, ["thing.base", "thing.far", "thing.gone", "thing.needs_far"]);
    assert!(planning.plan.outputs.is_empty(), "outputs stay as they are");
}

#[test]
fn permission_changes_nothing_when_all_can_be_reached() {
    let mut world = world();
    world.unreachable.clear();
    let without = text(HCL, &world);
    world.allowed.unreachable = true;
    assert_eq!(text(HCL, &world), without);
}
