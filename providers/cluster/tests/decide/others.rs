//! Objects that others made, changed or delete.

use super::*;
use crate::support::answer;
use cluster::ownership;
use provider::Planned;

#[test]
fn object_that_nobody_declared_here_is_not_taken_over() {
    let theirs = r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "blue"},
        "metadata": {"name": "settings", "namespace": "a", "uid": "u9"}}"#;
    let expected = "Error E0721 at ``: Object already exists: ConfigMap a/settings exists already \
         and was not created by this configuration. [Take it over with \
         `import { to = ADDRESS }`, remove the block to leave the object as it is, or delete the \
         object first to have it created anew.]";
    settings().live(theirs).is(expected);
    settings().live(theirs).remembered("u1").is(expected);
    // The state remembers having created this very object: someone took our labels off.
    let text = answer(&settings().live(theirs).remembered("u9").plan());
    assert!(text.starts_with("ask:"), "{text}");
}

#[test]
fn object_of_another_project_is_left_alone_and_the_project_is_named() {
    let other = applied(r#"{"color": "red"}"#).replace("SET", &ownership::set_id("bank"));
    let (bank, shop) = (ownership::set_id("bank"), ownership::set_id("shop"));
    let detail = format!(
        "Error E0722 at ``: Object of another project: ConfigMap a/settings belongs to another \
         project: its label `applyset.kubernetes.io/part-of` says `{bank}`, and project `shop` is \
         `{shop}`."
    );
    settings().live(&other).is(&format!("{detail} [Manage it in one project only.]"));
    let forget = "[Forget it with `clinch state rm ADDRESS`; the object stays as it is.]";
    settings().live(&other).unwanted().is(&format!("{detail} {forget}"));
}

#[test]
fn object_that_is_being_deleted_blocks_and_names_what_it_waits_on() {
    let going = config_map(
        r#"{"color": "blue"}"#,
        r#""f:color": {}"#,
        r#""deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["example.com/hold"],"#,
    );
    settings().live(&going).is(
        "Error E0723 at ``: Object is being deleted: ConfigMap a/settings is being deleted since \
         2026-01-02T03:04:05Z and waits on finalizers `example.com/hold`. [Plan again once it is \
         gone.]",
    );
}

#[test]
fn object_created_again_by_someone_is_noted_and_planned() {
    settings()
        .live(&applied(r#"{"color": "blue"}"#))
        .remembered("u0")
        .is("NoOp (proven)\nnote at ``: it was deleted and created again since the last apply");
}

/// A conflict about the colour with this manager.
fn conflict(manager: &str) -> String {
    format!(
        r#"{{"code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "causes": [{{"reason": "FieldManagerConflict", "field": ".data.color",
                "message": "conflict with \"{manager}\" using v1"}}]}}"#
    )
}

#[test]
fn each_conflict_names_the_field_the_manager_and_both_values() {
    for manager in ["colour-controller", "kubectlike", "helm"] {
        settings().live(&applied(r#"{"color": "red"}"#)).refused(&conflict(manager)).is(&format!(
            "Error E0724 at `data.color`: Field of another manager: `data.color` of ConfigMap \
             a/settings belongs to the field manager `{manager}` and is `red`; the configuration \
             wants `blue`. [Remove the argument to leave the field to `{manager}`, or list it in \
             `ignore_changes`, or let `{manager}` give it up.]"
        ));
    }
}

#[test]
fn field_that_a_person_changed_by_hand_is_taken_back_in_the_open() {
    for manager in ["kubectl-edit", "kubectl", "k9s"] {
        let case = || settings().live(&applied(r#"{"color": "red"}"#));
        let Planned::NeedsPreview(op) = case().refused(&conflict(manager)).plan() else { panic!() };
        assert_eq!(op.args.get("force"), Some(&true.into()));
        let taken = case().asked(op).would(&applied(r#"{"color": "blue"}"#)).plan();
        let text = answer(&taken);
        assert!(text.contains("~ data.color = \"red\" -> \"blue\""), "{text}");
        let note =
            format!("note at `data.color`: changed by hand (`{manager}`); an apply takes it back");
        assert!(text.contains(&note), "{text}");
        let Planned::Decided(decision) = taken else { panic!() };
        assert_eq!(decision.ops[0].args.get("force"), Some(&true.into()));
    }
    // One controller among the owners, and nothing is taken.
    let both = conflict("kubectl-edit").replace(
        "[{",
        r#"[{"reason": "FieldManagerConflict", "field": ".data.size",
             "message": "conflict with \"a-controller\" using v1"}, {"#,
    );
    let text = answer(&settings().live(&applied(r#"{"color": "red"}"#)).refused(&both).plan());
    assert_eq!(text.matches("Error E0724").count(), 2, "{text}");
}

#[test]
fn object_that_moved_between_reading_and_asking_must_be_planned_again() {
    settings()
        .live(&applied(r#"{"color": "red"}"#))
        .refused(
            r#"{"code": 409, "reason": "Conflict", "causes": [],
                "message": "the object has been modified"}"#,
        )
        .is("Error E0725 at ``: Object moved while planning: ConfigMap a/settings was changed by \
             someone else while the plan was made: the object has been modified [Plan again.]");
}
