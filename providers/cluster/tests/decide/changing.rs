//! What differs, and what does not.

use super::*;
use crate::support::answer;
use provider::Planned;

#[test]
fn what_was_applied_is_proven_unchanged_without_asking() {
    settings().live(&applied(r#"{"color": "blue", "theirs": "x"}"#)).is("NoOp (proven)");
}

#[test]
fn changed_field_is_shown_with_old_and_new_value_and_foreign_fields_are_not() {
    let case = settings().live(&applied(r#"{"color": "red", "theirs": "x"}"#));
    assert!(answer(&case.plan()).starts_with("ask: apply ConfigMap a/settings guard {"));
    let case = case.would(&applied(r#"{"color": "blue", "theirs": "x"}"#));
    let Planned::Decided(decision) = case.plan() else { panic!() };
    let guard = &decision.ops[0].guard;
    assert_eq!(guard.get("uid"), Some(&"u1".into()));
    assert_eq!(guard.get("resource_version"), Some(&"7".into()));
    let owned = guard.get("owned").unwrap();
    assert_eq!(format!("{:?}", owned.get("data")), r#"Some({"color": "red"})"#);
    let text = answer(&case.plan());
    assert_eq!(
        text.lines().take(2).collect::<Vec<_>>(),
        ["Update (the server said so)", "  ~ data.color = \"red\" -> \"blue\""]
    );
}

#[test]
fn answer_of_the_server_without_a_difference_is_no_change() {
    let live = config_map(r#"{"color": "blue"}"#, r#""f:size": {}"#, r#""generation": 4,"#);
    let same = config_map(r#"{"color": "blue"}"#, r#""f:color": {}"#, r#""generation": 5,"#);
    settings().live(&live).would(&same).is("NoOp (the server said so)");
}

#[test]
fn field_that_the_server_changes_is_warned_about_at_its_argument() {
    let case =
        settings().live(&applied(r#"{"color": "red"}"#)).would(&applied(r#"{"color": "BLUE"}"#));
    let text = answer(&case.plan());
    assert!(
        text.ends_with(
            "Warning E0731 at `data.color`: Server changes a field: The configuration wants \
             `blue` for `data.color`, and the server makes it `BLUE`: a webhook or a rule of the \
             server changes or ignores it."
        ),
        "{text}"
    );
}

#[test]
fn labels_of_ownership_are_shown_only_when_they_change() {
    let bare = r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "blue"}, "metadata":
        {"name": "settings", "namespace": "a", "uid": "u1", "resourceVersion": "7", "managedFields":
            [{"manager": "clinch", "operation": "Apply", "apiVersion": "v1",
              "fieldsV1": {"f:data": {"f:color": {}}}}]}}"#;
    let case = settings().live(bare).would(&applied(r#"{"color": "blue"}"#));
    let text = answer(&case.plan());
    assert!(
        text.contains("+ metadata.labels[\"app.kubernetes.io/managed-by\"] = \"clinch\""),
        "{text}"
    );
}

#[test]
fn field_that_cannot_change_in_place_replaces_the_object() {
    let quota = r#"
        namespace = "a"
        name      = "settings"
        hard      = { pods = 3 }
        scopes    = ["Terminating"]
    "#;
    let live = r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "settings",
        "namespace": "a", "uid": "u1", "labels": {"applyset.kubernetes.io/part-of": "SET",
        "app.kubernetes.io/managed-by": "clinch"}}, "spec": {"hard": {"pods": "3"}}}"#;
    settings()
        .of_kind("resource_quota")
        .wanting(quota)
        .live(live)
        .refused(
            r#"{"code": 422, "reason": "Invalid", "message": "is invalid", "causes": [{
                "reason": "FieldValueInvalid", "field": "spec.scopes",
                "message": "Invalid value: [\"Terminating\"]: field is immutable"}]}"#,
        )
        .is(r#"
            Replace (not verified: the server cannot be asked about the new object while the old one exists)
            replaced for `scopes`
            + spec.scopes[0] = "Terminating"
            foreign guard: none of its fields is ours any more
            op: delete ResourceQuota a/settings guard {"uid": "u1"}
            op: create ResourceQuota a/settings guard null
        "#);
}
