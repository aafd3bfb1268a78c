//! The documentation's pages on memory defaults, constraints and quotas.

use kube::Client;
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{apply, get, refusal};

async fn range(client: &Client, item: Value) {
    let mut item = item;
    item["type"] = json!("Container");
    let range = json!({
        "apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "range", "namespace": "default"},
        "spec": {"limits": [item]},
    });
    apply(client, &range).await.unwrap();
}

fn pod(name: &str, resources: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "main", "image": "nginx", "resources": resources}]},
    })
}

#[tokio::test]
async fn pod_without_limits_gets_those_of_the_range_and_a_note() {
    let client = Sandbox::in_memory().client();
    range(&client, json!({"default": {"memory": "512Mi"}, "defaultRequest": {"memory": "256Mi"}}))
        .await;
    let pod = apply(&client, &pod("plain", json!({}))).await.unwrap();
    let resources = &pod["spec"]["containers"][0]["resources"];
    assert_eq!(*resources, json!({"limits": {"memory": "512Mi"}, "requests": {"memory": "256Mi"}}));
    assert_eq!(
        pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: memory request for container main; memory limit for container main"
    );
}

#[tokio::test]
async fn limit_without_request_is_its_own_request_and_not_the_default() {
    let client = Sandbox::in_memory().client();
    range(&client, json!({"default": {"memory": "512Mi"}, "defaultRequest": {"memory": "256Mi"}}))
        .await;
    let pod = apply(&client, &pod("limit", json!({"limits": {"memory": "1Gi"}}))).await.unwrap();
    let resources = &pod["spec"]["containers"][0]["resources"];
    assert_eq!(*resources, json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}}));
}

#[tokio::test]
async fn request_above_the_default_limit_is_refused_by_validation() {
    let client = Sandbox::in_memory().client();
    range(&client, json!({"default": {"memory": "512Mi"}})).await;
    let refused =
        refusal(apply(&client, &pod("greedy", json!({"requests": {"memory": "1Gi"}}))).await);
    assert_eq!(
        refused,
        (422, "Pod \"greedy\" is invalid: spec.containers[0].resources.requests: Invalid value: \"1Gi\": must be less than or equal to memory limit of 512Mi".to_owned())
    );
}

#[tokio::test]
async fn pod_above_the_maximum_is_forbidden() {
    let client = Sandbox::in_memory().client();
    range(&client, json!({"max": {"memory": "1Gi"}, "min": {"memory": "500Mi"}})).await;
    let big = pod("big", json!({"limits": {"memory": "1536Mi"}, "requests": {"memory": "800Mi"}}));
    assert_eq!(
        refusal(apply(&client, &big).await),
        (403, "pods \"big\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 1536Mi".to_owned())
    );
    assert_eq!(get(&client, "v1", "Pod", "default", "big").await, Value::Null);
}

async fn quota(client: &Client, hard: Value) {
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": "default"},
        "spec": {"hard": hard},
    });
    apply(client, &quota).await.unwrap();
}

async fn used(client: &Client) -> Value {
    get(client, "v1", "ResourceQuota", "default", "quota").await["status"]["used"].clone()
}

#[tokio::test]
async fn quota_is_charged_refused_and_given_back() {
    let client = Sandbox::in_memory().client();
    quota(&client, json!({"requests.memory": "1Gi", "limits.memory": "2Gi"})).await;
    let asks = |memory: &str| json!({"requests": {"memory": memory}, "limits": {"memory": memory}});
    apply(&client, &pod("one", asks("600Mi"))).await.unwrap();
    assert_eq!(used(&client).await, json!({"requests.memory": "600Mi", "limits.memory": "600Mi"}));
    assert_eq!(
        refusal(apply(&client, &pod("two", asks("700Mi"))).await),
        (403, "pods \"two\" is forbidden: exceeded quota: quota, requested: requests.memory=700Mi, used: requests.memory=600Mi, limited: requests.memory=1Gi".to_owned())
    );
    let pods = crate::support::objects(&client, "v1", "Pod", "default");
    pods.delete("one", &kube::api::DeleteParams::default()).await.unwrap();
    assert_eq!(used(&client).await, json!({"requests.memory": "0", "limits.memory": "0"}));
}

#[tokio::test]
async fn quota_lowered_below_its_use_keeps_what_is_there_and_refuses_more() {
    let client = Sandbox::in_memory().client();
    quota(&client, json!({"configmaps": "5"})).await;
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
    for name in ["a", "b", "c"] {
        apply(&client, &map(name)).await.unwrap();
    }
    quota(&client, json!({"configmaps": "2"})).await;
    assert_eq!(used(&client).await, json!({"configmaps": "4"}), "three, and the cluster's own");
    let (code, message) = refusal(apply(&client, &map("d")).await);
    assert_eq!(code, 403);
    assert_eq!(
        message,
        "configmaps \"d\" is forbidden: exceeded quota: quota, requested: configmaps=1, used: configmaps=4, limited: configmaps=2"
    );
    // A change of what is there costs nothing.
    let mut changed = map("a");
    changed["data"] = json!({"k": "v"});
    apply(&client, &changed).await.unwrap();
}

#[tokio::test]
async fn dry_run_is_checked_against_the_quota_and_charges_nothing() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    quota(&client, json!({"configmaps": "2"})).await;
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
    let path = "/api/v1/namespaces/default/configmaps?dryRun=All";
    let headers = [("content-type", "application/json")];
    for _ in 0..3 {
        let (code, _) = crate::support::raw(&sandbox, "POST", path, &headers, body).await;
        assert_eq!(code, 201);
    }
    assert_eq!(used(&client).await, json!({"configmaps": "1"}));
}

#[tokio::test]
async fn quota_with_a_fraction_of_a_pod_is_invalid() {
    let client = Sandbox::in_memory().client();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "default"},
        "spec": {"hard": {"pods": "1.5", "bananas": "1"}},
    });
    let (code, message) = refusal(apply(&client, &quota).await);
    assert_eq!(code, 422);
    assert_eq!(
        message,
        "ResourceQuota \"q\" is invalid: [spec.hard[bananas]: Invalid value: \"bananas\": must be a standard resource type or fully qualified, spec.hard[bananas]: Invalid value: \"bananas\": must be a standard resource for quota, spec.hard[pods]: Invalid value: \"1500m\": must be an integer]"
    );
}
