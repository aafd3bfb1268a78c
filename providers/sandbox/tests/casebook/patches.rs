//! The ways to change an object, and who owns what afterwards.

use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{apply, raw};

const PATH: &str = "/api/v1/namespaces/default/configmaps/c";

async fn patch(sandbox: &Sandbox, media: &str, query: &str, body: &Value) -> (u16, Value) {
    raw(sandbox, "PATCH", &format!("{PATH}{query}"), &[("content-type", media)], &body.to_string())
        .await
}

async fn prepared() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "default"},
        "data": {"a": "1", "b": "2"},
    });
    apply(&sandbox.client(), &map).await.unwrap();
    sandbox
}

#[tokio::test]
async fn merge_patch_takes_the_fields_that_it_changes() {
    let sandbox = prepared().await;
    let change = json!({"data": {"a": "9", "b": "2", "c": "3"}});
    let (code, map) =
        patch(&sandbox, "application/merge-patch+json", "?fieldManager=other", &change).await;
    assert_eq!((code, &map["data"]), (200, &json!({"a": "9", "b": "2", "c": "3"})));
    let owned: Vec<(&Value, &Value)> = map["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["manager"], &entry["fieldsV1"]["f:data"]))
        .collect();
    assert_eq!(
        owned,
        [
            (&json!("clinch"), &json!({"f:b": {}})),
            (&json!("other"), &json!({"f:a": {}, "f:c": {}})),
        ]
    );
}

#[tokio::test]
async fn json_patch_with_a_failed_test_changes_nothing() {
    let sandbox = prepared().await;
    let change = json!([
        {"op": "test", "path": "/data/a", "value": "other"},
        {"op": "replace", "path": "/data/a", "value": "9"},
    ]);
    let (code, status) = patch(&sandbox, "application/json-patch+json", "", &change).await;
    assert_eq!((code, status["reason"].as_str()), (422, Some("Invalid")));
    let (_, map) = raw(&sandbox, "GET", PATH, &[], "").await;
    assert_eq!(map["data"]["a"], "1");
}

#[tokio::test]
async fn strategic_patch_merges_lists_by_their_keys() {
    let sandbox = Sandbox::in_memory();
    let node = "/api/v1/nodes/worker-1";
    let headers = [("content-type", "application/strategic-merge-patch+json")];
    let taint =
        json!({"spec": {"unschedulable": true, "taints": [{"key": "a", "effect": "NoSchedule"}]}});
    let (code, _) = raw(&sandbox, "PATCH", node, &headers, &taint.to_string()).await;
    assert_eq!(code, 200);
    let conditions = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let (_, changed) =
        raw(&sandbox, "PATCH", &format!("{node}/status"), &headers, &conditions.to_string()).await;
    let conditions = changed["status"]["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 4, "merged by type");
    assert!(conditions.iter().any(|one| one["type"] == "Ready"
        && one["status"] == "False"
        && one["reason"] == "KubeletReady"));
    let gone = json!({"spec": {"unschedulable": null, "taints": null}});
    let (_, changed) = raw(&sandbox, "PATCH", node, &headers, &gone.to_string()).await;
    assert_eq!(
        (&changed["spec"]["unschedulable"], &changed["spec"]["taints"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn outdated_version_is_a_conflict_without_causes() {
    let sandbox = prepared().await;
    let change = json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "9"}});
    let (code, status) = patch(&sandbox, "application/merge-patch+json", "", &change).await;
    assert_eq!(code, 409);
    assert_eq!(
        status["message"],
        "Operation cannot be fulfilled on configmaps \"c\": the object has been modified; please apply your changes to the latest version and try again"
    );
    assert_eq!(status["details"]["causes"], Value::Null);
}

#[tokio::test]
async fn apply_with_the_uid_of_an_object_that_is_gone_is_a_conflict_and_no_new_object() {
    let sandbox = prepared().await;
    let (_, map) = raw(&sandbox, "GET", PATH, &[], "").await;
    raw(&sandbox, "DELETE", PATH, &[], "").await;
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "c", "uid": map["metadata"]["uid"]},
    });
    let (code, status) =
        patch(&sandbox, "application/apply-patch+yaml", "?fieldManager=clinch", &config).await;
    assert_eq!(code, 409);
    assert!(status["message"].as_str().unwrap().contains("uid mismatch"));
}

#[tokio::test]
async fn default_deny_policy_with_an_empty_list_counts_up_at_every_apply() {
    let client = Sandbox::in_memory().client();
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "default"},
        "spec": {"podSelector": {}, "ingress": []},
    });
    let generation = |policy: &Value| policy["metadata"]["generation"].as_i64().unwrap();
    let first = apply(&client, &policy).await.unwrap();
    let second = apply(&client, &policy).await.unwrap();
    assert_eq!((generation(&first), generation(&second)), (1, 2), "the real server does this, too");
    assert_eq!(first["spec"], second["spec"]);
}

#[tokio::test]
async fn objects_without_owners_get_one_for_what_was_there_before() {
    let sandbox = prepared().await;
    let forget = json!([{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]);
    let (_, map) = patch(&sandbox, "application/json-patch+json", "", &forget).await;
    assert_eq!(map["metadata"]["managedFields"], Value::Null);
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}});
    let (_, map) =
        patch(&sandbox, "application/apply-patch+yaml", "?fieldManager=clinch", &config).await;
    let managers: Vec<&Value> = map["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["manager"])
        .collect();
    assert_eq!(managers, ["clinch", "before-first-apply"]);
}

#[tokio::test]
async fn yaml_is_read_where_json_is() {
    let sandbox = Sandbox::in_memory();
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: \"1\"\n";
    let path = format!("{PATH}?fieldManager=clinch");
    let (code, map) =
        raw(&sandbox, "PATCH", &path, &[("content-type", "application/apply-patch+yaml")], text)
            .await;
    assert_eq!((code, &map["data"]), (201, &json!({"a": "1"})));
}
