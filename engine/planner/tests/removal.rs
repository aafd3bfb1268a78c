//! What goes, and what must never go.

use crate::world::{World, planned, text};
use addrs::InstanceAddr;
use insta::assert_snapshot;
use planner::Selection;
use plans::Mode;
use std::collections::BTreeSet;

#[test]
fn what_is_no_longer_declared_is_deleted_after_what_needs_it() {
    let world = World::default()
        .with("a", 1)
        .with("b", 1)
        .remembering("thing.a", "a", &[])
        .remembering("thing.b", "b", &["thing.a"]);
    assert_snapshot!(text("locals {}", &world), @r"
    Delete thing.a (NotInConfiguration)
    Delete thing.b (NotInConfiguration)
    1. delete b needs []
    2. delete a needs [1]
    ");
}

#[test]
fn what_is_several_objects_is_remembered_until_the_last_of_them_is_gone() {
    let world = World::default()
        .with("a", 1)
        .with("set", 1)
        .with("user", 1)
        .remembering("thing.a", "a", &[])
        .remembering("thing.set", "set", &["thing.a"])
        .remembering("thing.user", "user", &["thing.set"]);
    assert_snapshot!(text("locals {}", &world), @r"
    Delete thing.a (NotInConfiguration)
    Delete thing.set (NotInConfiguration)
    Delete thing.user (NotInConfiguration)
    1. delete user needs []
    2. delete set needs [1]
    3. delete the rest of set needs [2]
    4. delete a needs [3]
    ");
    let (planning, _) = planned("locals {}", &world);
    let remembered = |step: &plans::Step| step.record.is_some();
    let remembered: Vec<bool> = planning.plan.steps.iter().map(remembered).collect();
    assert_eq!(remembered, [false, true, false, false]);
}

#[test]
fn what_is_gone_already_is_only_forgotten() {
    let world = World::default().remembering("thing.a", "a", &[]);
    assert_snapshot!(text("locals {}", &world), @"forget thing.a");
}

#[test]
fn unreachable_object_is_reported_and_never_deleted() {
    let mut world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    world.unreachable.push("a".into());
    assert_snapshot!(text("locals {}", &world), @r"
    E9999 Unreachable: The server did not answer.
    not complete
    ");
}

#[test]
fn block_with_an_error_is_not_taken_for_a_block_that_is_gone() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          size = -1
        }
    "#;
    let world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    assert_snapshot!(text(hcl, &world), @r"
    E9999 Negative size at 4:18: A size is not negative.
    not complete
    ");
}

#[test]
fn another_address_for_the_same_object_is_a_move() {
    let hcl = r#"
        resource "thing" "new" {
          name = "a"
          size = 1
        }
    "#;
    let world = World::default().with("a", 1).remembering("thing.old", "a", &[]);
    assert_snapshot!(text(hcl, &world), @r"
    NoOp thing.new
    remember thing.new
    forget thing.old
    ");
}

#[test]
fn another_name_in_the_same_block_replaces_the_object() {
    let hcl = r#"
        resource "thing" "a" {
          name = "new"
          size = 1
        }
    "#;
    let world = World::default().with("old", 1).remembering("thing.a", "old", &[]);
    assert_snapshot!(text(hcl, &world), @r#"
    Replace thing.a (CannotUpdate([Path([Attr("name")])]))
    1. delete old needs []
    2. create new needs [1]
    "#);
}

#[test]
fn block_that_takes_over_an_object_deletes_its_own_and_replaces_nothing() {
    let world = World::default()
        .with("one", 1)
        .with("two", 1)
        .with("c", 1)
        .remembering("thing.a", "one", &[])
        .remembering("thing.b", "two", &[])
        .remembering("thing.c", "c", &["thing.a"]);
    let config = |size: u8| {
        format!(
            r#"
            resource "thing" "a" {{
              name = "two"
              size = {size}
            }}
            resource "thing" "c" {{
              name = "c"
              size = 2
              in   = thing.a.name
            }}
            "#
        )
    };
    // Nothing is done to the new object, so the old one stays until nothing needs it.
    assert_snapshot!(text(&config(1), &world), @r"
    NoOp thing.a
    Delete thing.a
    Update thing.c
    forget thing.b
    1. update c needs []
    2. delete one needs [1]
    ");
    assert_snapshot!(text(&config(2), &world), @r"
    Update thing.a
    Delete thing.a
    Update thing.c
    forget thing.b
    1. delete one needs []
    2. update two needs [1]
    3. update c needs [2]
    ");
}

#[test]
fn protected_object_is_not_deleted_even_when_its_block_is_gone() {
    let world = World::default().with("a", 1).remembering("thing.a", "a", &[]).protecting();
    assert_snapshot!(text("locals {}", &world), @r"
    Delete thing.a (NotInConfiguration)
    1. delete a needs []
    E0403 Object is protected: `thing.a` (a) was applied with `prevent_destroy = true`, and its block is gone, which does not end the protection.
    not complete
    ");
}

#[test]
fn protected_object_is_not_replaced() {
    let hcl = r#"
        resource "thing" "a" {
          name   = "a"
          size   = 1
          colour = "red"
          lifecycle { prevent_destroy = true }
        }
    "#;
    let world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    assert_snapshot!(text(hcl, &world), @r"
    Replace thing.a (CannotUpdate([]))
    1. delete a needs []
    2. create a needs [1]
    E0403 Object is protected at 2:9: It cannot be changed in place, so a would be deleted and created anew. `thing.a` is protected by `prevent_destroy`.
    not complete
    ");
}

#[test]
fn destroying_deletes_all_that_is_remembered_and_evaluates_nothing() {
    let hcl = r#"
        resource "thing" "a" { name = "a" }
        resource "thing" "never" { name = "never" }
    "#;
    let mut world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    world.mode = Some(Mode::Destroy);
    assert_snapshot!(text(hcl, &world), @r"
    Delete thing.a (Destroy)
    1. delete a needs []
    ");
}

#[test]
fn what_is_asked_to_be_replaced_is_deleted_and_created_though_nothing_differs() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          size = 1
        }
        resource "thing" "b" {
          name = "b"
          size = thing.a.uid
        }
        resource "thing" "new" { name = "new" }
    "#;
    let mut world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    world.replace = vec!["thing.a", "thing.new"];
    assert_snapshot!(text(hcl, &world), @r"
    Replace thing.a (Requested)
    Create thing.b
    Create thing.new
    1. delete a needs []
    2. create a needs [1]
    3. create b late needs [2]
    4. create new needs []
    ");
}

#[test]
fn what_is_not_declared_or_is_protected_is_not_replaced_on_request() {
    let hcl = r#"
        resource "thing" "a" {
          name = "a"
          lifecycle { prevent_destroy = true }
        }
        resource "thing" "many" {
          count = 2
          name  = "many-${count.index}"
        }
    "#;
    let mut world = World::default().remembering("thing.a", "a", &[]);
    world.objects.insert("a".to_owned(), values::Value::Null);
    world.replace = vec!["thing.a", "thing.aa", "thing.many"];
    assert_snapshot!(text(hcl, &world), @r"
    Replace thing.a (Requested)
    Create thing.many[0]
    Create thing.many[1]
    1. delete a needs []
    2. create a needs [1]
    3. create many-0 needs []
    4. create many-1 needs []
    E0408 No such instance: `thing.aa` was named on the command line, and there is no such instance.
    E0408 No such instance: `thing.many` was named on the command line, and there is no such instance.
    E0403 Object is protected at 2:9: It is to be replaced as requested, so a would be deleted and created anew. `thing.a` is protected by `prevent_destroy`.
    not complete
    ");
}

#[test]
fn what_may_go_with_a_replaced_object_is_told() {
    let hcl = r#"
        resource "thing" "home" { name = "home" }
        resource "thing" "inside" {
          name = "inside"
          in   = thing.home.name
        }
    "#;
    let mut world = World::default().remembering("thing.home", "home", &[]).remembering(
        "thing.inside",
        "inside",
        &["thing.home"],
    );
    let nothing = || values::Value::map(["size", "colour"].map(|n| (n, values::Value::Null)));
    world.objects = ["home", "inside"].map(|n| (n.to_owned(), nothing())).into();
    world.replace = vec!["thing.home"];
    assert_snapshot!(text(hcl, &world), @r"
    Replace thing.home (Requested)
    NoOp thing.inside
    remember thing.inside
    1. delete home needs []
    2. create home needs [1]
    E0410 More may be deleted than is shown: What lives in a replaced object is deleted with it. These need one that is replaced, and are not replaced themselves: `thing.inside`.
    ");
    // Asked for both, both go in the right order.
    world.replace.push("thing.inside");
    assert_snapshot!(text(hcl, &world), @r"
    Replace thing.home (Requested)
    Replace thing.inside (Requested)
    1. delete inside needs []
    2. delete home needs [1]
    3. create home needs [2]
    4. create inside needs [1, 3]
    ");
}

const CHAIN: &str = r#"
    resource "thing" "a" { name = "a" }
    resource "thing" "b" {
      name = "b"
      in   = thing.a.name
    }
    resource "thing" "c" {
      name = "c"
      in   = thing.b.name
    }
    resource "thing" "d" {
      count = 2
      name  = "d-${count.index}"
    }
    output "c" { value = thing.c.uid }
"#;

fn part(selection: Selection) -> String {
    // Nothing declares `y` and `z` any more, and `z` stood in `y`.
    let mut world = World::default()
        .with("y", 1)
        .with("z", 1)
        .remembering("thing.y", "y", &[])
        .remembering("thing.z", "z", &["thing.y"]);
    world.selection = selection;
    text(CHAIN, &world)
}

fn addrs<const N: usize>(addrs: [&str; N]) -> BTreeSet<InstanceAddr> {
    addrs.into_iter().map(|a| a.parse().expect("an address")).collect()
}

#[test]
fn what_is_chosen_is_planned_with_what_it_needs_and_nothing_else() {
    assert_snapshot!(part(Selection::Only(addrs(["thing.b", "thing.d", "thing.y"]))), @r"
    Create thing.a
    Create thing.b
    Create thing.d[0]
    Create thing.d[1]
    Delete thing.y (NotInConfiguration)
    Delete thing.z (NotInConfiguration)
    1. create a needs []
    2. create b needs [1]
    3. create d-0 needs []
    4. create d-1 needs []
    5. delete z needs []
    6. delete y needs [5]
    E0409 Plan is not the whole: This is a partial plan, parts can only be known in the next plan / apply cycle. Outputs stay as they are.
    ");
}

#[test]
fn what_is_left_out_takes_with_it_what_needs_it() {
    assert_snapshot!(part(Selection::Except(addrs(["thing.b", "thing.d[0]", "thing.z"]))), @r"
    Create thing.a
    Create thing.d[1]
    1. create a needs []
    2. create d-1 needs []
    E0409 Plan is not the whole: This is a partial plan, parts can only be known in the next plan / apply cycle. Outputs stay as they are.
    ");
}

#[test]
fn a_selection_that_means_nothing_is_an_error() {
    assert_snapshot!(part(Selection::Only(addrs(["thing.bb", "thing.d[7]"]))), @r"
    E0409 Plan is not the whole: This is a partial plan, parts can only be known in the next plan / apply cycle. Outputs stay as they are.
    E0408 No such instance: `thing.bb` was named on the command line, and there is no such instance.
    E0408 No such instance: `thing.d[7]` was named on the command line, and there is no such instance.
    not complete
    ");
}

fn blocked(hcl: &str, world: &World) -> Vec<String> {
    let (planning, _) = crate::world::planned(hcl, world);
    let plan = &planning.plan;
    let of_changes = plan.changes.iter().flat_map(|change| &change.blocked);
    let guards = plan.blocked.iter().chain(of_changes);
    guards.map(|guard| format!("{}: {}", guard.kind.name(), guard.why)).collect()
}

#[test]
fn what_nobody_knows_how_to_surround_is_planned_and_blocked() {
    let hcl = r#"
        resource "unit" "w1" {
          name   = "w1"
          colour = "reboot"
        }
    "#;
    let guards = ["disruption: nobody knows how to reboot node/w1"];
    assert_eq!(blocked(hcl, &World::default()), guards);
    assert_snapshot!(text(hcl, &World::default()), @r"
    Create unit.w1
    1. create w1 needs []
    - node/w1 [1] after []
    ");
}

/// A world that remembers so many things, of which nothing declares any more so many.
fn many(all: usize, gone: usize) -> (String, World) {
    let (mut hcl, mut world) = (String::new(), World::default());
    for i in 0..all {
        let (addr, name) = (format!("thing.t{i}"), format!("t{i}"));
        world = world.with(&name, 1).remembering(addr.leak(), name.clone().leak(), &[]);
        if i >= gone {
            let block =
                format!("resource \"thing\" \"{name}\" {{\n  name = \"{name}\"\n  size = 1\n}}");
            hcl = format!("{hcl}{block}\n");
        }
    }
    (hcl, world)
}

#[test]
fn ten_may_go_and_more_need_their_number() {
    let (hcl, world) = many(12, 10);
    assert_eq!(blocked(&hcl, &world), [""; 0]);
    let (hcl, mut world) = many(12, 11);
    assert_eq!(
        blocked(&hcl, &world),
        ["many: 11 of 12 objects would be destroyed, more than 10 and more than a tenth"]
    );
    world.allowed.max_destroy = Some(11);
    assert_eq!(blocked(&hcl, &world), [""; 0]);
    world.allowed.max_destroy = Some(2);
    assert_eq!(blocked(&hcl, &world), ["many: 11 of 12 objects would be destroyed, more than 2"]);
}

#[test]
fn whoever_destroys_everything_has_said_so() {
    let (hcl, mut world) = many(12, 12);
    world.mode = Some(Mode::Destroy);
    assert_eq!(blocked(&hcl, &world), [""; 0]);
    world.allowed.max_destroy = Some(3);
    assert_eq!(blocked(&hcl, &world), ["many: 12 of 12 objects would be destroyed, more than 3"]);
}

#[test]
fn empty_configuration_deletes_nothing_unless_that_is_meant() {
    let mut world = World::default().with("a", 1).remembering("thing.a", "a", &[]);
    let why = "empty: the configuration declares nothing, and what the state remembers would be \
               destroyed: 1 object";
    assert_eq!(blocked("locals {}", &world), [why]);
    world.allowed.kinds.insert(plans::GuardKind::Empty);
    assert_eq!(blocked("locals {}", &world), [""; 0]);
}

#[test]
fn old_object_is_remembered_until_it_is_gone_though_the_new_one_came_first() {
    let hcl = r#"
        resource "thing" "a" {
          name = "new"
          lifecycle { create_before_destroy = true }
        }
        resource "thing" "user" {
          name = "user"
          size = 2
          in   = thing.a.name
        }
    "#;
    let world = World::default()
        .with("old", 1)
        .with("user", 1)
        .remembering("thing.a", "old", &[])
        .remembering("thing.user", "user", &["thing.a"]);
    assert_snapshot!(text(hcl, &world), @r#"
    Replace thing.a (CannotUpdate([Path([Attr("name")])]))
    Update thing.user
    1. create new needs []
    2. update user needs [1]
    3. delete old needs [1, 2]
    "#);
    let (planning, _) = planned(hcl, &world);
    let of_a = planning.plan.steps.iter().filter(|s| s.op.identity.shown != "user");
    let remembered: Vec<(&str, &str)> = of_a
        .filter_map(|s| Some((&*s.op.identity.shown, &*s.record.as_ref()?.identity.shown)))
        .collect();
    assert_eq!(remembered, [("new", "old"), ("old", "new")]);
}
