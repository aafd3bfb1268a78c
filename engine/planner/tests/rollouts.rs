//! How the configuration says that nodes take turns.

use crate::world::{World, text};
use insta::assert_snapshot;
use values::Value;

/// Restarts on these nodes, and a rollout with these arguments.
fn restarts(nodes: &[&str], rollout: &str) -> String {
    let unit = |node: &&str| {
        format!(
            "resource \"unit\" \"{node}\" {{\n  name = \"{node}\"\n  colour = \"restart\"\n}}\n"
        )
    };
    let units: String = nodes.iter().map(unit).collect();
    format!("{units}rollout \"workers\" {{\n{rollout}\n}}\n")
}

/// The turns alone.
fn turns(hcl: &str) -> String {
    turns_in(hcl, &World::default())
}

fn turns_in(hcl: &str, world: &World) -> String {
    let text = text(hcl, world);
    let told = |line: &&str| !line.starts_with("Create") && !line.contains(". create");
    text.lines().filter(told).fold(String::new(), |out, line| out + line + "\n")
}

/// A world that has these nodes.
fn nodes(names: &[&str]) -> World {
    let mut world = World::default();
    world.objects.insert("nodes".to_owned(), Value::list(names.iter().map(|n| Value::from(*n))));
    world
}

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

#[test]
fn nodes_take_turns_in_the_order_of_the_list_and_others_come_after_them() {
    let hcl = restarts(&["a", "b", "c"], r#"nodes = ["c", "a", "elsewhere"]"#);
    assert_snapshot!(turns_in(&hcl, &nodes(&["a", "elsewhere"])), @r"
    workers node/c [1] after []
    workers node/a [2] after [node/c]
    - node/b [3] after [node/c, node/a]
    ");
    let hcl = restarts(&["a", "b", "c"], "nodes = [\"c\", \"a\"]\norder_by = \"name\"");
    assert_snapshot!(turns(&hcl), @r"
    workers node/a [1] after []
    workers node/c [2] after [node/a]
    - node/b [3] after [node/a, node/c]
    ");
}

#[test]
fn as_many_lanes_as_may_be_out_of_service() {
    let hcl =
        restarts(&SIX, "nodes = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\nmax_unavailable = 2");
    assert_snapshot!(turns(&hcl), @r"
    workers node/a [1] after []
    workers node/b [2] after []
    workers node/c [3] after [node/a]
    workers node/d [4] after [node/b]
    workers node/e [5] after [node/c]
    workers node/f [6] after [node/d]
    ");
}

#[test]
fn canary_comes_first_and_each_batch_waits_for_the_one_before() {
    let hcl = restarts(
        &SIX,
        "nodes = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\nmax_unavailable = \"50%\"\ncanary = 1\n\
         batch = 3\npause_between = \"5m\"",
    );
    assert_snapshot!(turns(&hcl), @r"
    workers node/a [1] after []
    workers node/b [2] after [node/a] and a pause
    workers node/c [3] after [node/a] and a pause
    workers node/d [4] after [node/a] and a pause
    workers node/e [5] after [node/b, node/c, node/d] and a pause
    workers node/f [6] after [node/b, node/c, node/d] and a pause
    ");
}

#[test]
fn without_batches_it_pauses_after_as_many_as_may_be_out_of_service() {
    let hcl = restarts(&["a", "b"], "nodes = [\"a\", \"b\"]\npause_between = \"1h\"");
    assert_snapshot!(turns(&hcl), @r"
    workers node/a [1] after []
    workers node/b [2] after [node/a] and a pause
    ");
}

/// The way back is never taken from more than one side at once.
#[test]
fn nodes_that_the_way_back_goes_through_come_last_and_alone_whatever_is_said() {
    let hcl = restarts(
        &["front", "front-2", "side"],
        "nodes = [\"front\", \"front-2\", \"side\"]\nmax_unavailable = 3",
    );
    assert_snapshot!(turns(&hcl), @r"
    workers node/side [1] after []
    workers node/front [2] after [node/side]
    workers node/front-2 [3] after [node/front]
    ");
}

#[test]
fn what_one_node_needs_of_another_goes_before_the_order_of_the_list() {
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
        rollout "workers" { nodes = ["w1", "w2"] }
    "#;
    assert_snapshot!(turns(hcl), @r"
    workers node/w2 [1] after []
    workers node/w1 [2] after [node/w2]
    ");
}

#[test]
fn second_rollout_waits_for_the_first() {
    let hcl = restarts(&["a", "b", "c"], r#"nodes = ["c"]"#)
        + "rollout \"rest\" {\n  nodes = [\"b\", \"a\"]\n  max_unavailable = 2\n}\n";
    assert_snapshot!(turns(&hcl), @r"
    workers node/c [1] after []
    rest node/b [3] after [node/c]
    rest node/a [2] after [node/c]
    ");
}

#[test]
fn nodes_may_come_from_what_is_computed() {
    let hcl = restarts(&["a", "b"], "nodes = [for u in [unit.b, unit.a] : u.name]");
    assert_snapshot!(turns(&hcl), @r"
    workers node/b [1] after []
    workers node/a [2] after [node/b]
    ");
}

#[test]
fn limits_reach_whoever_takes_a_node_out_of_service() {
    let hcl = "resource \"unit\" \"w1\" {\n  name = \"w1\"\n}\n\
         rollout \"workers\" {\n  nodes = [\"w1\", \"w2\"]\n  max_unavailable = 2\n  \
         drain_timeout = \"90s\"\n}\n";
    let plan = crate::world::planned(hcl, &nodes(&["w2"])).0.plan;
    assert_snapshot!(plan.steps[0].op.text, @"drain node/w1 as one of 2 of w1 w2 within 90s");
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let wrong = [
        "nodes = \"a\"",
        "nodes = [\"a\", 1]",
        "nodes = [\"a\", \"a\"]",
        "nodes = [unit.a.uid]",
        "nodes = [\"a\"]\nmax_unavailable = 0",
        "nodes = [\"a\"]\nmax_unavailable = \"0%\"",
        "nodes = [\"a\"]\nmax_unavailable = \"101%\"",
        "nodes = [\"a\"]\nmax_unavailable = 1.5",
        "nodes = [\"a\"]\nmax_failures = -1",
        "nodes = [\"a\"]\npause_between = \"5 minutes\"",
        "nodes = [\"a\"]\norder_by = \"zone\"",
        "nodes = [\"a\"]\nwindow = \"at night\"",
        "nodes = [\"a\"]\ndrain_timeout = \"0s\"",
    ];
    let told = wrong.map(|rollout| {
        let text = turns(&restarts(&["a"], rollout));
        let error = text.lines().find(|line| line.starts_with('E')).unwrap_or("(nothing)");
        format!("{}\n  {error}\n", rollout.replace('\n', "; "))
    });
    assert_snapshot!(told.concat(), @r#"
    nodes = "a"
      E0414 Invalid rollout at 6:9: `nodes` is a list of names.
    nodes = ["a", 1]
      E0414 Invalid rollout at 6:9: `nodes` is a list of names.
    nodes = ["a", "a"]
      E0414 Invalid rollout at 6:9: The node `a` is in the list twice.
    nodes = [unit.a.uid]
      E0414 Invalid rollout at 6:9: `nodes` is known only after apply, and the order of the steps is a part of the plan.
    nodes = ["a"]; max_unavailable = 0
      E0414 Invalid rollout at 7:19: `max_unavailable` is not a number of nodes.
    nodes = ["a"]; max_unavailable = "0%"
      E0414 Invalid rollout at 7:19: `max_unavailable` is not a number of nodes.
    nodes = ["a"]; max_unavailable = "101%"
      E0414 Invalid rollout at 7:19: `max_unavailable` is not a number of nodes.
    nodes = ["a"]; max_unavailable = 1.5
      E0414 Invalid rollout at 7:19: `max_unavailable` is not a number of nodes.
    nodes = ["a"]; max_failures = -1
      E0414 Invalid rollout at 7:16: `max_failures` is not a number of nodes.
    nodes = ["a"]; pause_between = "5 minutes"
      E0414 Invalid rollout at 7:17: `5 minutes` is not a time from 0s to 24h.
    nodes = ["a"]; order_by = "zone"
      E0414 Invalid rollout at 7:12: Nodes cannot be put in order by `zone`.
    nodes = ["a"]; window = "at night"
      E0414 Invalid rollout at 7:10: `at` is not a time and another, `22:00-04:00`.
    nodes = ["a"]; drain_timeout = "0s"
      E0414 Invalid rollout at 7:17: `0s` is not a time from 1s to 24h.
    "#);
}

#[test]
fn node_of_two_rollouts_is_refused() {
    let hcl = restarts(&["a"], "nodes = [\"a\"]") + "rollout \"rest\" { nodes = [\"a\"] }\n";
    assert_snapshot!(turns(&hcl), @r"
    rest node/a [1] after []
    E0415 Node of two rollouts at 8:26: The node `a` is selected by `rollout.workers` and by `rollout.rest`, so nobody can say which rules hold for it.
    not complete
    ");
}

#[test]
fn rollout_without_nodes_says_that_its_rules_hold_for_none() {
    let hcl = restarts(&["a"], "nodes = []");
    assert_snapshot!(turns(&hcl), @r"
    - node/a [1] after []
    E0417 Rollout without nodes at 6:9: `rollout.workers` selects no node, so its rules hold for none. Nodes that no rollout selects are changed one at a time, and at any time.
    ");
}

/// It would be changed without the window of the rollout, and nobody would know.
#[test]
fn node_that_is_not_there_is_told_where_it_is_written() {
    let hcl = restarts(&["worker-1"], "nodes = [\n  \"worker-1\",\n  \"woker-2\",\n  \"x\",\n]");
    assert_snapshot!(turns_in(&hcl, &nodes(&["worker-1", "worker-2"])), @r"
    workers node/worker-1 [1] after []
    E0416 No such node at 8:3: The cluster has no node `woker-2`, and no resource is on a host of that name. If another one is meant, it would be changed without the rules of this rollout.
    E0416 No such node at 9:3: The cluster has no node `x`, and no resource is on a host of that name. If another one is meant, it would be changed without the rules of this rollout.
    not complete
    ");
}

/// Suggesting one that is selected already would lead from one mistake to the next.
#[test]
fn node_that_is_selected_already_is_not_suggested() {
    let hcl = restarts(&["worker-1"], r#"nodes = ["worker-1", "worker-2"]"#);
    let (planning, _) = crate::world::planned(&hcl, &nodes(&["worker-1"]));
    let told: Vec<_> = planning.diagnostics.iter().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(!told[0].help.as_deref().unwrap_or_default().contains("worker-1"), "{told:?}");
}

/// The object that is remembered cannot be looked at, so nothing is planned there.
#[test]
fn node_that_was_deleted_since_is_told_as_such() {
    let hcl = restarts(&["a"], r#"nodes = ["a", "gone"]"#);
    let mut world = nodes(&["a"]).remembering("unit.gone", "gone", &[]);
    world.unreachable.push("gone".to_owned());
    assert_snapshot!(turns_in(&hcl, &world), @r"
    workers node/a [1] after []
    E9999 Unreachable: The server did not answer.
    E0416 No such node at 6:15: The cluster has no node `gone` any more: what an earlier apply changed there is remembered, and the node was deleted since.
    not complete
    ");
    world.allowed.unreachable = true;
    assert_snapshot!(turns_in(&hcl, &world), @r"
    workers node/a [1] after []
    E0413 Plan leaves out what cannot be reached: node/gone: The server did not answer. Left out: `unit.gone`.

    Nothing is done to them, and nobody knows whether they are as they should be. Outputs stay as they are.
    ");
}

#[test]
fn nodes_that_nobody_could_look_at_are_neither_there_nor_not() {
    let mut world = World::default();
    world.unreachable.push("nodes".to_owned());
    let hcl = restarts(&["a"], r#"nodes = ["a", "b"]"#);
    assert_snapshot!(turns_in(&hcl, &world), @r"
    workers node/a [1] after []
    E0418 Nodes of a rollout could not be looked at at 6:9: Whether there are nodes of these names cannot be told: `b`. The server did not answer.
    not complete
    ");
    let hcl = restarts(&["a"], r#"nodes = ["a"]"#);
    assert_snapshot!(turns_in(&hcl, &world), @"workers node/a [1] after []");
}

/// Who is out of service comes back before others go, whatever the order of the list, the batches
/// and the control plane; nobody else is begun meanwhile.
#[test]
fn what_an_earlier_plan_left_out_of_service_comes_first() {
    let unit = |node: &str| format!("resource \"unit\" \"{node}\" {{\n  name = \"{node}\"\n}}\n");
    let units: String = ["a", "b", "c", "front"].map(unit).concat();
    let mut world = World::default();
    for node in ["b", "front"] {
        world.objects.insert(format!("on-node/{node}"), Value::from("left open"));
    }
    let rollout = "nodes = [\"a\", \"b\", \"c\"]\nmax_unavailable = 3";
    let hcl = format!("{units}rollout \"workers\" {{\n{rollout}\n}}\n");
    assert_snapshot!(turns_in(&hcl, &world), @r"
    1. drain node/b as one of 3 of a b c needs []
    3. uncordon node/b as one of 3 of a b c needs [1, 2]
    4. drain node/front needs []
    6. uncordon node/front needs [4, 5]
    7. drain node/a as one of 3 of a b c needs []
    9. uncordon node/a as one of 3 of a b c needs [7, 8]
    10. drain node/c as one of 3 of a b c needs []
    12. uncordon node/c as one of 3 of a b c needs [10, 11]
    workers node/b [1, 2, 3] after []
    - node/front [4, 5, 6] after [node/b]
    workers node/a [7, 8, 9] after [node/front]
    workers node/c [10, 11, 12] after [node/front]
    ");
}

/// The configuration was taken back after a run that died: nothing differs on the node any more.
#[test]
fn what_a_run_left_out_of_service_is_brought_back_though_nothing_is_to_change_there() {
    let hcl = "resource \"unit\" \"a\" {\n  name = \"a\"\n}\n\
               resource \"unit\" \"b\" {\n  name = \"b\"\n  colour = \"restart\"\n}\n";
    let mut world = World::default();
    for node in ["b", "w9"] {
        world.left_open.insert(node.to_owned());
        world.objects.insert(format!("on-node/{node}"), Value::from("left open"));
    }
    assert_snapshot!(turns_in(hcl, &world), @r"
    1. hold node/b needs []
    3. uncordon node/b needs [1, 2]
    4. hold node/w9 needs []
    5. uncordon node/w9 needs [4]
    6. drain node/a needs []
    8. uncordon node/a needs [6, 7]
    - node/b [1, 2, 3] after []
    - node/w9 [4, 5] after [node/b]
    - node/a [6, 7, 8] after [node/b, node/w9]
    ");
    assert!(crate::world::planned("", &world).0.plan.has_changes());
    world.mode = Some(plans::Mode::Drift);
    assert!(!crate::world::planned("", &world).0.plan.has_changes(), "that is no drift");
}

/// Its turn takes nothing more out of service, and may be what heals it. The order of rollouts
/// stands, and so does that the control plane comes last; it is no canary for those that are well.
#[test]
fn what_is_down_already_comes_first_among_those_of_its_rollout() {
    let unit = |node: &str| format!("resource \"unit\" \"{node}\" {{\n  name = \"{node}\"\n}}\n");
    let units: String = ["a", "b", "c", "d", "e", "front", "front-2"].map(unit).concat();
    let mut world = World::default();
    for node in ["c", "e", "front-2"] {
        world.objects.insert(format!("on-node/{node}"), Value::from("down"));
    }
    let rollout = "nodes = [\"a\", \"b\", \"c\"]\ncanary = 1\nmax_unavailable = 3";
    let hcl = format!("{units}rollout \"workers\" {{\n{rollout}\n}}\n");
    let turns = turns_in(&hcl, &world);
    let turns: Vec<&str> = turns.lines().filter(|line| line.contains(" after [")).collect();
    assert_snapshot!(turns.join("\n"), @r"
    workers node/c [1, 2, 3] after []
    workers node/a [4, 5, 6] after [node/c]
    workers node/b [7, 8, 9] after [node/a]
    - node/e [10, 11, 12] after [node/b]
    - node/d [13, 14, 15] after [node/e]
    - node/front-2 [16, 17, 18] after [node/d]
    - node/front [19, 20, 21] after [node/front-2]
    ");
}

/// Somebody who has one of them under repair does not expect another one to go; what the plan
/// leaves alone is no reason to wait.
#[test]
fn nodes_that_no_rollout_selects_wait_for_each_other_as_those_of_one() {
    let unit = |node: &str| format!("resource \"unit\" \"{node}\" {{\n  name = \"{node}\"\n}}\n");
    let units: String = ["a", "b", "c"].map(unit).concat();
    let quiet = "resource \"thing\" \"d\" { name = \"d\" }\n";
    let opened = |hcl: &str| {
        let plan = crate::world::planned(hcl, &World::default()).0.plan;
        let texts = plan.steps.into_iter().map(|step| step.op.text);
        texts.filter(|text| text.starts_with("drain")).collect::<Vec<_>>().join("\n")
    };
    let hcl = format!("{units}{quiet}rollout \"workers\" {{\n  nodes = [\"c\"]\n}}\n");
    assert_snapshot!(opened(&hcl), @r"
    drain node/c as one of 1 of c
    drain node/a as one of 1 of a b
    drain node/b as one of 1 of a b
    ");
    // One alone waits for nobody.
    assert_eq!(opened(&unit("a")), "drain node/a");
}
