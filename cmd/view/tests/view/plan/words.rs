//! What is said besides the changes: outputs, drift, nothing to do, not everything seen.

use super::{quota, text};
use crate::recorded::{create, delete, list, map, plan, update};
use plans::{Action, Mode, Origin, OutputChange, Reason};
use values::{Type, Value};
use view::{Style, human};

#[test]
fn outputs_stand_before_the_counts() {
    let mut plan = plan(vec![create("namespace.a", "Namespace a", map([("name", "a".into())]))]);
    let output = |name: &str, before, after| OutputChange { name: name.into(), before, after };
    plan.outputs = vec![
        output("gone", Some("x".into()), None),
        output("nodes", Some(list(["w1".into()])), Some(list(["w1".into(), "w2".into()]))),
        output("password", None, Some(Value::from("hunter2").into_sensitive())),
        output("same", Some(1.into()), Some(1.into())),
        output("uid", None, Some(Value::Unknown(Type::String))),
    ];
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      + create

        ADDRESS      OBJECT       DISRUPTION  WHY
      + namespace.a  Namespace a  none        new

    clinch will perform the following actions:

      # namespace.a will be created
      + resource "namespace" "a" {
          + name = "a"
        }

    Changes to Outputs:
      - gone     = "x"
      ~ nodes    = [
            # (1 unchanged element hidden)
          + "w2",
        ]
      + password = (sensitive value)
      + uid      = (known after apply)

    Plan: 1 to add, 0 to change, 0 to destroy.
    "#);
    plan.changes.clear();
    let only_outputs = text(&plan);
    assert!(!only_outputs.contains("Plan:"), "{only_outputs}");
    assert!(only_outputs.contains("save these new output values"), "{only_outputs}");
}

#[test]
fn drift_tells_what_the_world_did_from_what_was_not_applied() {
    let mut changed =
        update("resource_quota.team", "ResourceQuota team/team-quota", quota("99"), quota("10"));
    changed.origin = Origin::Drift;
    let mut deleted = create("namespace.gone", "Namespace gone", map([("name", "gone".into())]));
    deleted.origin = Origin::Drift;
    let pending = create("namespace.new", "Namespace new", map([("name", "new".into())]));
    let mut plan = plan(vec![changed, deleted, pending]);
    plan.mode = Mode::Drift;
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Differences are indicated with the following symbols:
      + missing
      ~ differs (current -> configured)

        ADDRESS              OBJECT                         DISRUPTION  WHY
      ~ resource_quota.team  ResourceQuota team/team-quota  none        changed outside: hard.pods "99" -> "10"
      + namespace.gone       Namespace gone                 none        deleted outside
      + namespace.new        Namespace new                  none        new

    Changed outside of clinch since the last apply:

      # resource_quota.team has changed
      ~ resource "resource_quota" "team" {
            name      = "team-quota"
            namespace = "team"
          ~ hard.pods = "99" -> "10"
            # (2 unchanged attributes hidden)
        }

      # namespace.gone has been deleted
      # (Namespace gone no longer exists; apply would create it)

    Not yet applied:

      # namespace.new will be created
      + resource "namespace" "new" {
          + name = "new"
        }

    Drift: 2 changed outside of clinch, 1 not yet applied.
    "#);
}

#[test]
fn change_made_outside_says_so_in_a_normal_plan() {
    let mut changed =
        update("resource_quota.team", "ResourceQuota team/team-quota", quota("99"), quota("10"));
    changed.origin = Origin::Drift;
    let text = text(&plan(vec![changed]));
    assert!(text.contains("  # resource_quota.team will be updated in-place\n  # (because it was changed outside of clinch)\n"), "{text}");
}

#[test]
fn secret_that_differs_is_not_said_to_be_changed_outside() {
    let with = |token: &str, size: i64| {
        map([("token", Value::string(token).into_sensitive()), ("size", size.into())])
    };
    let change = |before, after| {
        let change = update("thing.a", "Thing a", before, after);
        plans::Change { origin: Origin::Drift, ..change }
    };
    let mut plan = plan(vec![change(with("a", 1), with("b", 1))]);
    let words = text(&plan);
    assert!(words.contains("secret differs: token\n"), "{words}");
    assert!(
        words.contains(
            "  # (its secret part differs: changed in the configuration or outside of clinch)\n"
        ),
        "{words}"
    );
    assert!(!words.contains("changed outside"), "{words}");
    plan.mode = Mode::Drift;
    let words = text(&plan);
    assert!(words.contains("  # thing.a has another secret\n"), "{words}");
    assert!(
        words.ends_with(
            "Drift: 0 changed outside of clinch, 0 not yet applied, 1 with another secret.\n"
        ),
        "{words}"
    );
    // As soon as anything else differs too, somebody was there.
    plan.changes = vec![change(with("a", 1), with("b", 2))];
    assert!(text(&plan).contains("Drift: 1 changed outside of clinch, 0 not yet applied.\n"));
    // A saved plan has no secrets; what is left of them does not differ.
    let hidden = || map([("token", Value::Unknown(Type::Any).into_sensitive())]);
    plan.changes = vec![change(hidden(), hidden())];
    assert!(text(&plan).contains("secret differs\n"), "{}", text(&plan));
}

#[test]
fn nothing_to_do_says_so_in_the_words_that_tools_know() {
    let mut plan = plan(vec![plans::Change {
        action: Action::NoOp,
        ..update("namespace.a", "Namespace a", quota("1"), quota("1"))
    }]);
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    No changes. Your infrastructure matches the configuration.

    clinch has compared the cluster with your configuration and found no differences, so nothing needs to be done.
    "#);
    plan.mode = Mode::Destroy;
    assert!(text(&plan).contains("\nNo changes. No objects need to be destroyed.\n"));
    plan.mode = Mode::Drift;
    assert!(
        text(&plan)
            .contains("\nNo changes. Your infrastructure still matches the configuration.\n")
    );
}

#[test]
fn plan_that_could_not_look_at_everything_never_says_no_changes() {
    let mut plan = plan(Vec::new());
    plan.complete = false;
    assert!(!text(&plan).contains("No changes"));
    assert!(text(&plan).contains("\nPlanning failed. "));
    plan.changes = vec![create("namespace.a", "Namespace a", map([("name", "a".into())]))];
    assert!(text(&plan).contains("\nPlanning failed. "));
    assert!(
        text(&plan)
            .contains("\nclinch planned the following actions, but then encountered a problem:\n")
    );
}

#[test]
fn destroying_everything_lists_objects_and_not_their_insides() {
    let mut gone = delete("resource_quota.team", "ResourceQuota team/team-quota", quota("10"));
    gone.reason = Some(Reason::Destroy);
    let mut plan = plan(vec![gone]);
    plan.mode = Mode::Destroy;
    insta::assert_snapshot!(text(&plan), @r#"
    Cluster kind-dev v1.36.2 at https://127.0.0.1:6443 (uid 3f2a9c1e), project shop

    Resource actions are indicated with the following symbols:
      - destroy

        ADDRESS              OBJECT                         DISRUPTION  WHY
      - resource_quota.team  ResourceQuota team/team-quota  none        to be destroyed

    clinch will perform the following actions:

      # resource_quota.team will be destroyed
      - resource "resource_quota" "team" {
          - name      = "team-quota"
          - namespace = "team"
            # (1 attribute hidden)
        }

    Plan: 0 to add, 0 to change, 1 to destroy.
    "#);
}

#[test]
fn question_names_the_cluster() {
    let mut plan = plan(Vec::new());
    insta::assert_snapshot!(human::approval(&plan, &Style::plain()), @r#"
    Do you want to perform these actions?
      clinch will perform the actions described above in cluster kind-dev.
      Only 'yes' will be accepted to approve.

      Enter a value:
    "#);
    plan.mode = Mode::Destroy;
    insta::assert_snapshot!(human::approval(&plan, &Style::plain()), @r#"
    Do you really want to destroy all resources?
      clinch will destroy everything that it manages in cluster kind-dev, as shown above.
      There is no undo. Only 'yes' will be accepted to confirm.

      Enter a value:
    "#);
    insta::assert_snapshot!(human::saved("tf plan"), @r#"
    Saved the plan to: tf plan

    To perform exactly these actions, run the following command to apply:
        clinch apply "tf plan"
    "#);
}
