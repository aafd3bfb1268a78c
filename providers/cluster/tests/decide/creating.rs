//! What is created, and what the server is asked before.

use super::*;
use crate::support::answer;
use plans::Problem;
use provider::Planned;
use values::Path;

#[test]
fn unreachable_object_is_reported_and_neither_created_nor_deleted() {
    let problem =
        Problem::error(diags::Code("E0700"), "Server is down", Path::root(), "No answer.");
    let expected = "Error E0700 at ``: Server is down: No answer.";
    settings().unread(&problem).is(expected);
    settings().unwanted().unread(&problem).is(expected);
    settings().unasked(&problem).is(expected);
}

#[test]
fn new_object_is_shown_as_the_server_would_make_it() {
    settings().is("ask: create ConfigMap a/settings guard null");
    settings().would(&applied(r#"{"color": "blue", "added": "by a webhook"}"#)).is(r#"
            Create (the server said so)
            + apiVersion = "v1"
            + data.added = "by a webhook"
            + data.color = "blue"
            + kind = "ConfigMap"
            + metadata.name = "settings"
            + metadata.namespace = "a"
            op: create ConfigMap a/settings guard null
        "#);
}

#[test]
fn object_in_a_namespace_of_the_same_plan_is_created_without_asking() {
    let case = settings().creating("Namespace//a");
    case.is(r#"
        Create (not verified: namespace `a` is created by this plan)
        + apiVersion = "v1"
        + data.color = "blue"
        + kind = "ConfigMap"
        + metadata.name = "settings"
        + metadata.namespace = "a"
        op: create ConfigMap a/settings guard null
    "#);
    let Planned::Decided(decision) = case.plan() else { panic!() };
    assert_eq!(decision.ops[0].args.get("verify"), Some(&true.into()));
    assert!(decision.exported.get("uid").is_some_and(|uid| !uid.is_known()));
}

#[test]
fn object_of_a_kind_that_the_same_plan_brings_is_created_unverified() {
    let widget = r#"manifest = {
        apiVersion = "example.com/v1", kind = "Widget", metadata = { name = "w" }
    }"#;
    let case = settings().of_kind("object").wanting(widget);
    case.is("ask: create Widget w guard null");
    let case = case
        .refused(r#"{"code": 404, "non_json": true, "message": "404 page not found"}"#)
        .creating("example.com/Widget");
    assert!(answer(&case.plan()).starts_with("Create (not verified: kind `Widget` is created"));
    let Planned::Decided(decision) = case.plan() else { panic!() };
    assert_eq!(decision.ops[0].args.get("verify"), Some(&true.into()));
}

#[test]
fn missing_namespace_is_named_with_the_block_that_declares_it() {
    settings()
        .refused(
            r#"{"code": 404, "reason": "NotFound", "causes": [],
                "message": "namespaces \"a\" not found"}"#,
        )
        .is("Error E0728 at `namespace`: Namespace does not exist: The namespace `a` does not \
             exist, and this configuration does not create it. [Declare it: resource \
             \"namespace\" \"a\" { name = \"a\" }]");
}

#[test]
fn kind_that_the_server_does_not_serve_is_named() {
    let widget = r#"manifest = {
        apiVersion = "example.com/v1", kind = "Widget", metadata = { name = "w" }
    }"#;
    settings()
        .of_kind("object")
        .wanting(widget)
        .refused(r#"{"code": 404, "non_json": true, "message": "404 page not found"}"#)
        .is("Error E0729 at `manifest.kind`: Kind does not exist: The server knows no kind \
             `Widget` in `example.com/v1`: nothing is served there. [Check `apiVersion` and \
             `kind`; a custom resource needs its CustomResourceDefinition in the cluster or in \
             this configuration.]");
}

#[test]
fn request_for_a_certificate_says_how_it_is_approved() {
    let request = settings().of_kind("object").wanting(
        r#"
        manifest = {
          apiVersion = "certificates.k8s.io/v1"
          kind       = "CertificateSigningRequest"
          metadata   = { name = "ada" }
          spec       = { request = "eA==", signerName = "example.com/signer", usages = ["client auth"] }
        }
        "#,
    );
    request
        .would(r#"{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "ada"}}"#)
        .has(&["note at ``: the apply waits until somebody approves it (`kubectl certificate approve \
                ada`); `wait_timeout = \"0s\"` in `lifecycle` does not wait"]);
}
