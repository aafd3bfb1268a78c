//! The life of namespaces.

use kube::api::{DeleteParams, Patch, PatchParams};
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{apply, get, names, objects, raw, refusal};

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

#[tokio::test]
async fn new_namespace_carries_its_name_as_a_label_and_has_a_service_account() {
    let client = Sandbox::in_memory().client();
    let stored = apply(&client, &namespace("team-a")).await.unwrap();
    assert_eq!(stored["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "team-a"}));
    assert_eq!(stored["status"], json!({"phase": "Active"}));
    assert_eq!(names(&client, "v1", "ServiceAccount", "team-a").await, ["default"]);
}

#[tokio::test]
async fn namespace_held_by_an_object_waits_and_takes_in_nothing_new() {
    let client = Sandbox::in_memory().client();
    apply(&client, &namespace("team-a")).await.unwrap();
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "team-a", "finalizers": ["example.com/hold"]},
    });
    apply(&client, &map).await.unwrap();
    let namespaces = objects(&client, "v1", "Namespace", "");
    namespaces.delete("team-a", &DeleteParams::default()).await.unwrap();
    assert_eq!(
        get(&client, "v1", "Namespace", "", "team-a").await["status"]["phase"],
        "Terminating"
    );

    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "namespace": "team-a"}});
    assert_eq!(
        refusal(apply(&client, &other).await),
        (403, "configmaps \"new\" is forbidden: unable to create new content in namespace team-a because it is being terminated".to_owned())
    );
    // The last finalizer ends the object, and the object's end ends the namespace.
    let released = json!({"metadata": {"finalizers": null}});
    let maps = objects(&client, "v1", "ConfigMap", "team-a");
    maps.patch("held", &PatchParams::default(), &Patch::Merge(&released)).await.unwrap();
    assert_eq!(get(&client, "v1", "Namespace", "", "team-a").await, Value::Null);
}

#[tokio::test]
async fn namespaces_that_a_cluster_needs_are_not_deleted() {
    let sandbox = Sandbox::in_memory();
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let (code, status) =
            raw(&sandbox, "DELETE", &format!("/api/v1/namespaces/{name}"), &[], "").await;
        assert_eq!(code, 403);
        assert_eq!(
            status["message"],
            format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted")
        );
    }
}

#[tokio::test]
async fn deletion_that_is_only_tried_deletes_nothing() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    apply(&client, &namespace("team-a")).await.unwrap();
    let (code, shown) =
        raw(&sandbox, "DELETE", "/api/v1/namespaces/team-a?dryRun=All", &[], "").await;
    assert_eq!((code, &shown["status"]["phase"]), (200, &json!("Terminating")));
    assert_eq!(get(&client, "v1", "Namespace", "", "team-a").await["status"]["phase"], "Active");
}

#[tokio::test]
async fn deletion_with_an_outdated_precondition_is_a_conflict() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    apply(&client, &namespace("team-a")).await.unwrap();
    let body = r#"{"preconditions": {"uid": "other"}}"#;
    let headers = [("content-type", "application/json")];
    let (code, status) = raw(&sandbox, "DELETE", "/api/v1/namespaces/team-a", &headers, body).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
    let body = r#"{"preconditions": {"resourceVersion": "1"}}"#;
    let (code, _) = raw(&sandbox, "DELETE", "/api/v1/namespaces/team-a", &headers, body).await;
    assert_eq!(code, 409);
    assert_ne!(get(&client, "v1", "Namespace", "", "team-a").await, Value::Null);
}
