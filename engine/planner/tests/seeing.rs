//! What was seen, and what could not be.

use crate::world::{World, text};
use insta::assert_snapshot;

#[test]
fn plan_is_empty_when_observed_equals_desired() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          size = 1
        }
    "#;
    let world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    assert_snapshot!(text(hcl, &world), @r"
    NoOp thing.a
    remember thing.a
    ");
}

#[test]
fn unreachable_object_is_an_error_and_stops_only_what_needs_it() {
    let hcl = r#"
        resource "thing" "a" { name = "a" }
        resource "thing" "b" {
          name = "b"
          size = thing.a.name
        }
        resource "thing" "c" { name = "c" }
    "#;
    let mut world = World::default();
    world.unreachable.push("a".into());
    assert_snapshot!(text(hcl, &world), @r"
    Create thing.c
    1. create c needs []
    E9999 Unreachable at 2:9: The server did not answer.
    not complete
    ");
}

#[test]
fn refusal_of_the_server_points_at_the_argument() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          size = 7
          ask  = true
        }
    "#;
    let mut world = World::default();
    world.refused.push("a".into());
    assert_snapshot!(text(hcl, &world), @r"
    E9999 Refused at 4:18: The server would refuse this.
    not complete
    ");
}

#[test]
fn two_resources_that_own_one_object_are_both_pointed_at() {
    let hcl = r#"
        resource "thing" "a" { name = "same" }
        resource "thing" "b" { name = "same" }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.a
    1. create same needs []
    E0402 Two resources own one object at 3:9: `thing.a` and `thing.b` both describe same.
    not complete
    ");
}

#[test]
fn identity_that_only_apply_decides_is_refused() {
    let hcl = r#"
        resource "thing" "a" { name = "a" }
        resource "thing" "b" { name = thing.a.uid }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.a
    1. create a needs []
    E0401 Identity known only after apply at 3:39: `name` says which object `thing.b` is, so it must be known while planning. Its value is decided only during apply.
    not complete
    ");
}

#[test]
fn number_of_instances_that_only_apply_decides_is_refused() {
    let hcl = r#"
        resource "thing" "a" { name = "a" }
        resource "thing" "b" {
          for_each = toset([thing.a.uid])
          name     = each.key
        }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.a
    1. create a needs []
    E0223 Instances known only after apply at 4:22: A key of an instance must be known before anything is changed, and `for_each` depends on something that is known only after apply.
    not complete
    ");
}

#[test]
fn data_source_that_needs_a_late_value_is_refused() {
    let hcl = r#"
        resource "thing" "a" { name = "a" }
        data "names" "some" { like = thing.a.uid }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.a
    1. create a needs []
    E0405 Data source depends on a value known after apply at 3:9: `data.names.some` is read while planning, so its arguments must be known by then.
    not complete
    ");
}
