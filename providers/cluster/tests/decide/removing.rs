//! What goes, and what must not go.

use super::*;
use crate::support::{answer, arguments, kind};
use provider::{Observation, PlanRequest, Planned};
use std::collections::BTreeSet;

#[test]
fn gone_object_is_forgotten_and_present_one_deleted_by_its_uid() {
    settings().unwanted().is("Forget (compared here)");
    let present = || settings().unwanted().live(&applied(r#"{"color": "blue"}"#)).remembered("u1");
    present().is(r#"ask: delete ConfigMap a/settings guard {"uid": "u1"}"#);
    present().would("{}").is(r#"
        Delete (compared here)
        - apiVersion = "v1"
        - data.color = "blue"
        - kind = "ConfigMap"
        - metadata.name = "settings"
        - metadata.namespace = "a"
        op: delete ConfigMap a/settings guard {"uid": "u1"}
    "#);
}

#[test]
fn object_that_is_shared_or_owned_or_wants_to_be_kept_is_guarded() {
    let live = |metadata: &str, entries: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "settings",
                "namespace": "a", "uid": "u1", "labels": {{"applyset.kubernetes.io/part-of": "SET"}},
                {metadata}
                "managedFields": [{{"manager": "clinch", "operation": "Apply", "apiVersion": "v1",
                "fieldsV1": {{"f:data": {{"f:k": {{}}}}}}}}{entries}]}}, "data": {{"k": "1"}}}}"#
        )
    };
    let guards = |live: &str| {
        let case = settings().unwanted().live(live).remembered("u1").would("{}");
        let Planned::Decided(decision) = case.plan() else { panic!("not decided") };
        let told = decision.guards.iter().map(|g| format!("{}: {}", g.kind.name(), g.why));
        told.collect::<Vec<_>>()
    };
    assert_eq!(guards(&live("", "")), [""; 0]);
    let owner = r#""ownerReferences": [{"kind": "Deployment", "name": "web"}],"#;
    assert_eq!(
        guards(&live(owner, "")),
        ["foreign: it belongs to Deployment web (ownerReferences)"]
    );
    let applies = |manager: &str| {
        format!(r#", {{"manager": "{manager}", "operation": "Apply", "fieldsV1": {{}}}}"#)
    };
    assert_eq!(
        guards(&live("", &applies("argocd"))),
        ["foreign: `argocd` applies fields of it, too"]
    );
    // What a person applied by hand is drift, and no other owner.
    assert_eq!(guards(&live("", &applies("kubectl"))), [""; 0]);
    let keep = r#""annotations": {"cli-utils.sigs.k8s.io/on-remove": "keep"},"#;
    assert_eq!(
        guards(&live(keep, "")),
        ["kept: its annotation `cli-utils.sigs.k8s.io/on-remove: keep` asks for it to be kept"]
    );
    let protected = r#""annotations": {"clinch.dev/prevent-destroy": "true"},"#;
    assert_eq!(
        guards(&live(protected, "")),
        ["protected: its annotation `clinch.dev/prevent-destroy` says so"]
    );
}

#[test]
fn object_that_is_not_the_one_that_was_created_is_not_deleted() {
    let forget = "[Forget it with `clinch state rm ADDRESS`; the object stays as it is.]";
    settings().unwanted().live(&applied("{}")).remembered("u0").is(&format!(
        "Error E0730 at ``: Object must not be deleted: ConfigMap a/settings was deleted and \
         created again by someone else since the last apply: it is not the object that this \
         configuration created. {forget}"
    ));
    let theirs = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"uid": "u1"}}"#;
    settings().unwanted().live(theirs).remembered("u1").is(&format!(
        "Error E0730 at ``: Object must not be deleted: ConfigMap a/settings does not say any \
         more that it belongs to this project. {forget}"
    ));
}

#[test]
fn namespace_that_does_not_go_says_what_is_still_in_it() {
    let going = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a",
        "uid": "u1", "deletionTimestamp": "2026-01-01T00:00:00Z", "labels": {
            "app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET"}},
        "status": {"phase": "Terminating", "conditions": [
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "no"},
            {"type": "NamespaceContentRemaining", "status": "True",
             "message": "Some resources are remaining: widgets.example.com has 1 resource instances"},
            {"type": "NamespaceFinalizersRemaining", "status": "True",
             "message": "Some content has finalizers remaining: example.com/hold in 1 resource instances"}]}}"#;
    settings().of_kind("namespace").wanting("name = \"a\"").live(going).is(
        "Error E0723 at ``: Object is being deleted: Namespace a is being deleted since \
         2026-01-01T00:00:00Z and waits: Some resources are remaining: widgets.example.com has 1 \
         resource instances; Some content has finalizers remaining: example.com/hold in 1 resource \
         instances. [Plan again once it is gone.]",
    );
}

#[test]
fn deletion_that_the_server_would_refuse_is_told_in_the_plan() {
    let case = |refusal: &str| settings().unwanted().live(&applied("{}")).refused(refusal);
    case(r#"{"code": 403, "message": "admission webhook \"keep\" denied the request: kept"}"#).is(
        "Error E0726 at ``: The server refuses the deletion: ConfigMap a/settings would not be \
         deleted: admission webhook \"keep\" denied the request: kept",
    );
    case(&lacking("delete")).is(r#"
        Delete (predicted: `ci` may not delete configmaps in namespace `a`)
        - apiVersion = "v1"
        - data = {}
        - kind = "ConfigMap"
        - metadata.name = "settings"
        - metadata.namespace = "a"
        op: delete ConfigMap a/settings guard {"uid": "u1"}
    "#);
    let gone = case(r#"{"code": 404, "message": "not found"}"#).plan();
    assert!(answer(&gone).starts_with("Delete"), "{}", answer(&gone));
}

#[test]
fn namespace_that_the_cluster_needs_is_never_deleted() {
    let kind = kind("namespace");
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let args = arguments(kind.schema(), &format!("name = \"{name}\""));
        let identity = kind.identify(&args).unwrap();
        let live = object(&applied("{}"));
        let planned = kind.plan(&PlanRequest {
            identity: &identity,
            desired: None,
            observed: &Observation::Present(live),
            recorded: None,
            preview: None,
            asked: None,
            ignore: &[],
            created: &BTreeSet::new(),
            project: "shop",
            protect: false,
            release: false,
            wait: None,
            adopt: false,
        });
        let text = answer(&planned);
        assert!(
            text.contains(&format!("A cluster cannot do without the namespace `{name}`")),
            "{text}"
        );
    }
}
