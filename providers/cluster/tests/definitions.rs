//! Definitions and what goes with them: changed, fixed, and deleted.

use crate::decide::{object, settings};
use crate::support::{answer, arguments, kind};
use provider::{Observation, PlanRequest, Planned, Preview};
use std::collections::BTreeSet;

#[test]
fn object_that_its_changed_definition_allows_is_not_refused_for_the_old_one() {
    let widget = r#"manifest = {
        apiVersion = "example.com/v1", kind = "Widget", metadata = { name = "w" }
        spec = { colour = "red" }
    }"#;
    let no_field = r#"{"code": 500, "message": "failed to create typed patch object (/w; example.com/v1, Kind=Widget): .spec.colour: field not declared in schema"}"#;
    let case = || settings().of_kind("object").wanting(widget).refused(no_field);
    case().is("Error E0726 at `manifest.spec.colour`: The server refuses the object: Widget w: \
               `spec.colour`: field not declared in schema");
    let changed = case().creating("example.com/Widget");
    let why = "Create (not verified: kind `Widget` is changed by this plan, and refused as it";
    assert!(answer(&changed.plan()).starts_with(why), "{}", answer(&changed.plan()));
}

#[test]
fn definition_is_never_replaced_because_a_field_of_it_is_fixed() {
    let definition = r#"manifest = {
        apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition"
        metadata = { name = "widgets.example.com" }
        spec = { group = "example.com", scope = "Cluster" }
    }"#;
    let live = r#"{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com", "uid": "u1", "resourceVersion": "7",
            "labels": {"app.kubernetes.io/managed-by": "clinch",
                       "applyset.kubernetes.io/part-of": "SET"}},
        "spec": {"group": "example.com", "scope": "Namespaced"}}"#;
    settings()
        .of_kind("object")
        .wanting(definition)
        .live(live)
        .refused(
            r#"{"code": 422, "reason": "Invalid", "message": "no", "causes": [{
                "reason": "FieldValueInvalid", "field": "spec.scope",
                "message": "Invalid value: \"Cluster\": field is immutable"}]}"#,
        )
        .is("Error E0730 at `manifest.spec.scope`: Definition cannot change in place: \
             `spec.scope` of CustomResourceDefinition widgets.example.com cannot change while it \
             exists. Creating it anew would delete every object of its kind, in all namespaces. \
             [Take the change back. If all its objects may go, name it with \
             `-replace=ADDRESS`, and its objects too.]");
}

#[test]
fn what_goes_with_a_definition_is_counted_and_what_is_of_others_must_be_allowed() {
    let manifest = r#"manifest = {
        apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition"
        metadata = { name = "widgets.example.com" }
    }"#;
    let live = r#"{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com", "uid": "u1", "labels": {
            "app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET"}}}"#;
    let kind = kind("object");
    let args = arguments(kind.schema(), manifest);
    let identity = kind.identify(&args).unwrap();
    let told = |along: &str| {
        let observed = Observation::Present(object(live));
        let preview = Preview::Would(object(along));
        let planned = kind.plan(&PlanRequest {
            identity: &identity,
            desired: None,
            observed: &observed,
            recorded: None,
            preview: Some(&preview),
            asked: None,
            ignore: &[],
            created: &BTreeSet::new(),
            project: "shop",
            protect: false,
            release: false,
            wait: None,
            adopt: false,
        });
        let Planned::Decided(decision) = planned else { panic!("{planned:?}") };
        let notes = decision.notes.iter().map(|note| note.text.clone());
        let foreign = decision.guards.into_iter().filter(|g| g.why.contains("go with it"));
        notes.chain(foreign.map(|guard| guard.why)).collect::<Vec<_>>()
    };
    let all = "every object of this kind is deleted with it, in all namespaces";
    assert_eq!(told(r#"{"along": []}"#), [all, "there is no object of this kind"]);
    assert_eq!(
        told(
            r#"{"along": [{"set": "SET", "kind": "Widget", "count": 2, "names": ["a/x", "a/y"]}]}"#
        ),
        [all, "of this kind now, all of this project: 2 Widget (a/x, a/y)"]
    );
    assert_eq!(
        told(
            r#"{"along": [{"set": "", "kind": "Widget", "count": 3, "names": ["b/y"]},
                          {"set": "SET", "kind": "Widget", "count": 1, "names": ["a/x"]}]}"#
        ),
        [
            all,
            "of this kind now, of this project: 1 Widget (a/x)",
            "of this kind now, of others: 3 Widget (b/y, ...)",
            "3 objects of its kind are not of this project and go with it: 3 Widget (b/y, ...)"
        ]
    );
}
