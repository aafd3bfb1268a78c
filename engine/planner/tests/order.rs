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
        resource "unit" "of_w1" {
          for_each = toset(["a", "b", "c", "d", "e"])
          name     = "w1/${each.key}"
        }
        resource "thing" "quiet" { name = "q" }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r#"
    Create thing.quiet
    Create unit.of_w1["a"]
    Create unit.of_w1["b"]
    Create unit.of_w1["c"]
    Create unit.of_w1["d"]
    Create unit.of_w1["e"]
    1. create q needs []
    2. drain node/w1 needs []
    3. create w1/a needs [2]
    4. create w1/b needs [2, 3]
    5. create w1/c needs [2, 4]
    6. create w1/d needs [2, 5]
    7. create w1/e needs [2, 6]
    8. uncordon node/w1 needs [2, 3, 4, 5, 6, 7]
    - node/w1 [2, 3, 4, 5, 6, 7, 8] after []
    "#);
}

#[test]
fn one_node_at_a_time_is_out_of_service_and_those_needed_for_the_way_back_come_last() {
    let unit = |name: &str, more: &str| {
        format!("resource \"unit\" \"{name}\" {{\n  name = \"{name}\"\n{more}}}\n")
    };
    let hcl = unit("back", "") + &unit("front", "") + &unit("side", "  colour = \"restart\"\n");
    assert_snapshot!(text(&hcl, &World::default()), @r"
    Create unit.back
    Create unit.front
    Create unit.side
    1. drain node/back as one of 1 of back front needs []
    2. create back needs [1]
    3. uncordon node/back as one of 1 of back front needs [1, 2]
    4. create side needs []
    5. drain node/front as one of 1 of back front needs []
    6. create front needs [5]
    7. uncordon node/front as one of 1 of back front needs [5, 6]
    - node/back [1, 2, 3] after []
    - node/side [4] after [node/back]
    - node/front [5, 6, 7] after [node/back, node/side]
    ");
}

#[test]
fn node_is_not_drained_before_all_is_done_that_its_edits_need() {
    let hcl = r#"
        resource "thing" "first" {
          name = "t"
        }
        resource "unit" "a" {
          name = "a"
          in   = thing.first.name
        }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create thing.first
    Create unit.a
    1. create t needs []
    2. drain node/a needs [1]
    3. create a needs [1, 2]
    4. uncordon node/a needs [2, 3]
    - node/a [2, 3, 4] after []
    ");
}

#[test]
fn nodes_that_would_have_to_be_out_of_service_together_are_an_error() {
    let hcl = r#"
        resource "unit" "a1" {
          name = "a/1"
        }
        resource "unit" "b1" {
          name = "b/1"
          in   = unit.a1.name
        }
        resource "unit" "b2" {
          name = "b/2"
        }
        resource "unit" "a2" {
          name = "a/2"
          in   = unit.b2.name
        }
    "#;
    assert_snapshot!(text(hcl, &World::default()), @r"
    E0404 Scopes need each other: Each of these is taken out of service once, and what is changed there needs a change in the next one first: node/a -> node/b -> node/a.
    not complete
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
    4. create w3 needs []
    - node/w2 [2] after []
    - node/w1 [3] after [node/w2]
    - node/w3 [4] after [node/w1]
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
    2. create side needs []
    3. create front needs []
    - node/back [1] after []
    - node/side [2] after [node/back]
    - node/front [3] after [node/back, node/side]
    ");
    let needed = units(&["front", "side"])
        + "resource \"unit\" \"x\" {\n  name = \"x\"\n  \
        colour = \"restart\"\n  in = unit.front.name\n}\n";
    assert_snapshot!(text(&needed, &World::default()), @r"
    Create unit.front
    Create unit.side
    Create unit.x
    1. create side needs []
    2. create front needs []
    3. create x needs [2]
    - node/side [1] after []
    - node/front [2] after [node/side]
    - node/x [3] after [node/front]
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

#[test]
fn what_a_drain_does_is_looked_at_told_and_to_be_allowed_where_it_loses_something() {
    let hcl = r#"
        resource "unit" "w1" {
          name = "w1"
        }
    "#;
    let mut world = World::default();
    world.objects.insert("on-node/w1".to_owned(), "a pod with data".into());
    let of = |world: &World| {
        let plan = crate::world::planned(hcl, world).0.plan;
        let blocked: Vec<_> = plan.blocked.iter().map(ToString::to_string).collect();
        (plan.brackets[0].forecast.join(", "), blocked.join(", "))
    };
    let told = "a pod with data leaves".to_owned();
    assert_eq!(of(&world), (told.clone(), "data on node/w1 is lost".to_owned()));
    world.allowed.kinds.insert(plans::GuardKind::Data);
    assert_eq!(of(&world), (told, String::new()));
}

#[test]
fn node_of_which_nobody_knows_what_runs_there_is_an_error_and_not_an_empty_one() {
    let hcl = r#"
        resource "unit" "w1" {
          name = "w1"
        }
    "#;
    let world = World { unreachable: vec!["on-node/w1".to_owned()], ..World::default() };
    assert_snapshot!(text(hcl, &world), @r"
    Create unit.w1
    1. create w1 needs []
    - node/w1 [1] after []
    E9999 Unreachable: The server did not answer.
    not complete
    ");
}
