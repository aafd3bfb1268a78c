//! What comes before what.

use crate::world::{World, text};
use insta::assert_snapshot;

#[test]
fn what_is_referred_to_comes_first_and_its_late_value_is_marked() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          size = thing.b.uid
        }
        resource "thing" "b" { name = "b" }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.a
    Create thing.b
    1. create b needs []
    2. create a late needs [1]
    ");
}

#[test]
fn what_it_stands_in_comes_first_without_any_reference() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          in   = "outer"
        }
        resource "thing" "z" { name = "outer" }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.a
    Create thing.z
    1. create outer needs []
    2. create a needs [1]
    ");
}

#[test]
fn what_provides_another_name_comes_first_too_and_sets_rules() {
    let hcl = |size: &str| {
        format!(
            r#"
        resource "thing" "a" {{
          name = "a"
          in   = "room-of-outer"
          size = {size}
        }}
        resource "thing" "z" {{
          name = "outer"
          size = 2
        }}
    "#
        )
    };
    assert_snapshot!(text(&hcl("2"), &World::default()), @r"
    Create thing.a
    Create thing.z
    1. create outer needs []
    2. create a needs [1]
    ");
    assert_snapshot!(text(&hcl("3"), &World::default()), @r"
    Create thing.z
    1. create outer needs []
    E9999 No room at 5:18: It is larger than what it stands in.
    not complete
    ");
}

#[test]
fn things_that_stand_in_each_other_are_told_hop_by_hop() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          in   = "b"
        }
        resource "thing" "b" {
          name = "b"
          in   = "a"
        }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    E0404 Resources need each other at 2:9: Each of these needs the next one to exist first: thing.a -> thing.b -> thing.a.
    not complete
    ");
}

#[test]
fn data_that_is_read_decides_how_many_there_are() {
    let hcl = r#"
        data "names" "all" {}
        resource "thing" "each" {
          for_each = toset(data.names.all.names)
          name     = each.key
        }
    "#;
    let world = World { names: vec!["x", "y"], ..World::default() };
    assert_snapshot!(text(hcl, &world), @r#"
    Create thing.each["x"]
    Create thing.each["y"]
    1. create x needs []
    2. create y needs []
    "#);
}

#[test]
fn five_edits_of_one_node_drain_it_once() {
    let hcl = r#"
        resource "unit" "w1" {
          name = "w1"
          size = 1
        }
        resource "thing" "quiet" { name = "q" }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.quiet
    Create unit.w1
    1. create q needs []
    2. drain node/w1 needs []
    3. create w1 needs [2]
    4. uncordon node/w1 needs [2, 3]
    ");
}

#[test]
fn restarts_on_nodes_wait_for_each_other_in_an_order_that_needs_allow() {
    let hcl = r#"
        resource "unit" "w1" {
          name   = "w1"
          colour = "restart"
          in     = unit.w2.name
        }
        resource "unit" "w2" {
          name   = "w2"
          colour = "restart"
        }
        resource "unit" "w3" {
          name   = "w3"
          colour = "restart"
        }
        resource "thing" "quiet" { name = "q" }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.quiet
    Create unit.w1
    Create unit.w2
    Create unit.w3
    1. create q needs []
    2. create w2 needs []
    3. create w1 needs [2]
    4. create w3 needs [3]
    ");
}

/// A bad setting shows on a node that nobody needs for the way back.
#[test]
fn nodes_that_the_way_back_goes_through_are_restarted_after_all_others() {
    let units = |names: &[&str]| -> String {
        let unit = |name: &&str| {
            format!(
                "resource \"unit\" \"{name}\" {{\n  name = \"{name}\"\n  colour = \"restart\"\n}}\n"
            )
        };
        names.iter().map(unit).collect()
    };
    assert_snapshot!(text(&units(&["back", "front", "side"]), &World::default()), @r"
    Create unit.back
    Create unit.front
    Create unit.side
    1. create back needs []
    2. create side needs [1]
    3. create front needs [2]
    ");
    let needed = units(&["front", "side"])
        + "resource \"unit\" \"x\" {\n  name = \"x\"\n  \
        colour = \"restart\"\n  in = unit.front.name\n}\n";
    assert_snapshot!(text(&needed, &World::default()), @r"
    Create unit.front
    Create unit.side
    Create unit.x
    1. create side needs []
    2. create front needs [1]
    3. create x needs [2]
    ");
}

#[test]
fn replacement_deletes_before_it_creates() {
    let hcl = r#"
        resource "thing" "a" {
          name   = "a"
          size   = 1
          colour = "red"
        }
        resource "thing" "b" {
          name = "b"
          in   = "a"
        }
    "#;
    let world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    assert_snapshot!(text(hcl, &world), @r"
    Replace thing.a (CannotUpdate([]))
    Create thing.b
    1. delete a needs []
    2. create a needs [1]
    3. create b needs [2]
    ");
}
