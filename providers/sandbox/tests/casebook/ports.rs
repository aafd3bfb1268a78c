//! The same service on a port, and what it says about itself.

use sandbox::Sandbox;
use serde_json::json;

use crate::support::{apply, get, raw, served};

#[tokio::test]
async fn served_sandbox_is_the_sandbox_in_the_process() {
    let sandbox = Sandbox::in_memory();
    let (outside, serving) = served(&sandbox).await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}, "data": {"k": "v"}});
    let written = apply(&outside, &map).await.unwrap();
    assert_eq!(get(&sandbox.client(), "v1", "ConfigMap", "default", "c").await, written);
    serving.abort();
}

#[tokio::test]
async fn clients_discover_what_is_served() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.36.2");
    let groups = client.list_api_groups().await.unwrap();
    assert!(groups.groups.iter().any(|group| group.name == "networking.k8s.io"));
    let core = client.list_core_api_resources("v1").await.unwrap();
    assert!(core.resources.iter().any(|resource| resource.name == "pods/eviction"));
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let (_, document) = raw(&sandbox, "GET", "/apis", &[("accept", accept)], "").await;
    assert_eq!(document["kind"], "APIGroupDiscoveryList");
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(raw(&sandbox, "GET", path, &[], "").await, (200, json!("ok")));
    }
}

#[tokio::test]
async fn table_shows_the_columns_that_people_look_at() {
    let sandbox = Sandbox::in_memory();
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let (_, table) = raw(&sandbox, "GET", "/api/v1/nodes", &accept, "").await;
    assert_eq!(table["kind"], "Table");
    let titles: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(titles[..5], ["Name", "Status", "Roles", "Age", "Version"]);
    let cells = &table["rows"][0]["cells"];
    assert_eq!(
        (&cells[0], &cells[1], &cells[2]),
        (&json!("control-plane-1"), &json!("Ready"), &json!("control-plane"))
    );
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

#[tokio::test]
async fn access_reviews_are_answered_with_yes() {
    let sandbox = Sandbox::in_memory();
    let body = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}"#;
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (code, review) =
        raw(&sandbox, "POST", path, &[("content-type", "application/json")], body).await;
    assert_eq!((code, &review["status"]["allowed"]), (201, &json!(true)));
}

#[tokio::test]
async fn large_list_is_packed_for_clients_that_unpack() {
    let client_side = Sandbox::in_memory();
    let client = client_side.client();
    for number in 0..3 {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}"), "namespace": "default"}, "data": {"k": "x".repeat(60_000)}});
        apply(&client, &map).await.unwrap();
    }
    // The client asks for gzip by itself and unpacks what comes.
    assert_eq!(crate::support::names(&client, "v1", "ConfigMap", "default").await.len(), 4);
    let (_, packed) =
        raw(&client_side, "GET", "/api/v1/configmaps", &[("accept-encoding", "gzip")], "").await;
    assert!(packed.as_str().unwrap().starts_with('\u{1f}'), "magic number of gzip");
}
