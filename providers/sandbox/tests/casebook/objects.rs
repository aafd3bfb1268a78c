//! The life of objects as a client sees it, through the same `kube::Client` as a real cluster's.

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, Node, ResourceQuota};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use sandbox::Sandbox;
use serde_json::{Value, json};

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn apply_as(manager: &str) -> PatchParams {
    PatchParams::apply(manager)
}

async fn namespace(client: &Client, name: &str) {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &from(object))
        .await
        .unwrap();
}

fn status(error: kube::Error) -> kube::core::Status {
    match error {
        kube::Error::Api(status) => *status,
        other => panic!("no status: {other}"),
    }
}

#[tokio::test]
async fn quickstart_objects_are_applied_read_back_and_applied_again_without_a_change() {
    let client = Sandbox::in_memory().client();
    namespace(&client, "team-a").await;

    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), "team-a");
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"},
        "spec": {"hard": {"requests.cpu": "1000m", "pods": 10}},
    });
    quotas.patch("q", &apply_as("clinch"), &Patch::Apply(&quota)).await.unwrap();
    let live = serde_json::to_value(quotas.get("q").await.unwrap()).unwrap();
    assert_eq!(live["spec"]["hard"], json!({"requests.cpu": "1", "pods": "10"}));
    assert_eq!(live["status"]["hard"], live["spec"]["hard"]);
    assert_eq!(live["status"]["used"], json!({"requests.cpu": "0", "pods": "0"}));

    let ranges: Api<LimitRange> = Api::namespaced(client.clone(), "team-a");
    let range = json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}, "min": {"memory": "500Mi"}}]},
    });
    let stored = ranges.patch("l", &apply_as("clinch"), &Patch::Apply(&range)).await.unwrap();
    let item = serde_json::to_value(&stored).unwrap()["spec"]["limits"][0].clone();
    assert_eq!(item["default"], json!({"memory": "1Gi"}));
    assert_eq!(item["defaultRequest"], json!({"memory": "1Gi"}));

    let policies: Api<NetworkPolicy> = Api::namespaced(client, "team-a");
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
        "spec": {"podSelector": {}},
    });
    let first = policies.patch("deny", &apply_as("clinch"), &Patch::Apply(&policy)).await.unwrap();
    let again = policies.patch("deny", &apply_as("clinch"), &Patch::Apply(&policy)).await.unwrap();
    assert_eq!(first, again, "nothing changed, and so neither did the version");
    let spec = serde_json::to_value(&first).unwrap()["spec"].clone();
    assert_eq!(spec, json!({"podSelector": {}, "policyTypes": ["Ingress"]}));
}

#[tokio::test]
async fn field_of_another_manager_is_a_conflict_until_it_is_forced() {
    let client = Sandbox::in_memory().client();
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let map = |value: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
            "data": {"k": value},
        })
    };
    maps.patch("c", &apply_as("one"), &Patch::Apply(map("a"))).await.unwrap();
    let refused = maps.patch("c", &apply_as("two"), &Patch::Apply(map("b"))).await.unwrap_err();
    let refused = status(refused);
    assert_eq!((refused.code, refused.reason.as_str()), (409, "Conflict"));
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"one\": .data.k");
    let cause = &refused.details.unwrap().causes[0];
    assert_eq!((cause.reason.as_str(), cause.field.as_str()), ("FieldManagerConflict", ".data.k"));

    let forced = maps.patch("c", &apply_as("two").force(), &Patch::Apply(map("b"))).await.unwrap();
    let owners: Vec<String> = forced
        .metadata
        .managed_fields
        .unwrap()
        .into_iter()
        .map(|entry| entry.manager.unwrap())
        .collect();
    assert_eq!(owners, ["two"]);
}

#[tokio::test]
async fn dry_run_shows_the_result_and_leaves_nothing_behind() {
    let client = Sandbox::in_memory().client();
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}});
    let params = PatchParams { dry_run: true, ..apply_as("clinch") };
    let shown = maps.patch("c", &params, &Patch::Apply(&map)).await.unwrap();
    assert_eq!(shown.data.unwrap()["k"], "v");
    assert!(maps.get_opt("c").await.unwrap().is_none());
}

#[tokio::test]
async fn object_in_a_missing_namespace_is_refused_with_the_name_of_the_namespace() {
    let client = Sandbox::in_memory().client();
    let maps: Api<ConfigMap> = Api::namespaced(client, "nowhere");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    let refused = maps.patch("c", &apply_as("clinch"), &Patch::Apply(&map)).await.unwrap_err();
    let refused = status(refused);
    assert_eq!((refused.code, refused.message.as_str()), (404, "namespaces \"nowhere\" not found"));
    assert_eq!(refused.details.unwrap().kind, "namespaces");
}

#[tokio::test]
async fn deleted_namespace_takes_its_contents_along() {
    let client = Sandbox::in_memory().client();
    namespace(&client, "team-a").await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "team-a");
    assert!(maps.get_opt("kube-root-ca.crt").await.unwrap().is_some(), "made by a controller");
    let namespaces: Api<Namespace> = Api::all(client);
    let marked = namespaces.delete("team-a", &DeleteParams::default()).await.unwrap();
    let marked = marked.left().unwrap();
    assert_eq!(marked.status.unwrap().phase.unwrap(), "Terminating");
    assert!(namespaces.get_opt("team-a").await.unwrap().is_none());
    assert!(maps.get_opt("kube-root-ca.crt").await.unwrap().is_none());
}

#[tokio::test]
async fn list_comes_in_pages_that_show_one_moment() {
    let client = Sandbox::in_memory().client();
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    for number in 0..5 {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}")}});
        maps.create(&PostParams::default(), &from(map)).await.unwrap();
    }
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(4), "three more, and the cluster's own");
    maps.delete("c3", &DeleteParams::default()).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = maps.list(&ListParams::default().continue_token(&token)).await.unwrap();
    let names: Vec<String> = rest.items.into_iter().map(|map| map.metadata.name.unwrap()).collect();
    assert_eq!(names, ["c2", "c3", "c4", "kube-root-ca.crt"], "c3 was still there at that moment");
}

#[tokio::test]
async fn extended_resource_is_advertised_by_a_patch_of_the_status() {
    let client = Sandbox::in_memory().client();
    let nodes: Api<Node> = Api::all(client);
    let patch: json_patch::Patch = from(json!([
        {"op": "add", "path": "/status/capacity/example.com~1dongle", "value": "4"},
    ]));
    nodes
        .patch_status("worker-1", &PatchParams::default(), &Patch::<()>::Json(patch))
        .await
        .unwrap();
    let status = nodes.get("worker-1").await.unwrap().status.unwrap();
    assert_eq!(status.capacity.unwrap()["example.com/dongle"].0, "4");
    assert_eq!(status.allocatable.unwrap()["example.com/dongle"].0, "4");
}
