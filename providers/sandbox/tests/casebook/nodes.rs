//! The simulated nodes: capacity, scheduling, cordons, evictions.

use kube::Client;
use kube::api::{Patch, PatchParams};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::support::{apply, get, names, objects, raw, refusal};

async fn patch_status(client: &Client, operations: Value) -> kube::Result<Value> {
    let nodes = objects(client, "v1", "Node", "");
    let patch: json_patch::Patch = serde_json::from_value(operations).unwrap();
    let node =
        nodes.patch_status("worker-1", &PatchParams::default(), &Patch::<()>::Json(patch)).await?;
    Ok(serde_json::to_value(node).unwrap())
}

fn dongle_pod(name: &str, count: &str) -> Value {
    let amounts = json!({"example.com/dongle": count});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "main", "image": "nginx", "resources": {"limits": amounts, "requests": amounts}}]},
    })
}

#[tokio::test]
async fn pod_waits_until_a_node_has_the_extended_resource() {
    let client = Sandbox::in_memory().client();
    apply(&client, &dongle_pod("first", "3")).await.unwrap();
    let waiting = get(&client, "v1", "Pod", "default", "first").await;
    assert_eq!(waiting["status"]["phase"], "Pending");
    let condition = &waiting["status"]["conditions"][0];
    assert_eq!(condition["reason"], "Unschedulable");
    assert_eq!(
        condition["message"],
        "0/3 nodes are available: 2 Insufficient example.com/dongle, 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }."
    );

    let add = json!([{"op": "add", "path": "/status/capacity/example.com~1dongle", "value": "4"}]);
    patch_status(&client, add).await.unwrap();
    let running = get(&client, "v1", "Pod", "default", "first").await;
    assert_eq!(
        (&running["status"]["phase"], &running["spec"]["nodeName"]),
        (&json!("Running"), &json!("worker-1"))
    );

    // Two of the page's second pod do not fit beside three of the first.
    apply(&client, &dongle_pod("second", "2")).await.unwrap();
    assert_eq!(get(&client, "v1", "Pod", "default", "second").await["status"]["phase"], "Pending");
}

#[tokio::test]
async fn fraction_of_an_extended_resource_is_refused() {
    let client = Sandbox::in_memory().client();
    let add =
        json!([{"op": "add", "path": "/status/capacity/example.com~1dongle", "value": "4.5"}]);
    let (code, message) = refusal(patch_status(&client, add).await);
    assert_eq!(code, 422);
    assert_eq!(
        message,
        "Node \"worker-1\" is invalid: status.capacity.example.com/dongle: Invalid value: \"4500m\": must be an integer"
    );
}

#[tokio::test]
async fn removed_capacity_takes_the_allocatable_along() {
    let client = Sandbox::in_memory().client();
    let path = "/status/capacity/example.com~1dongle";
    patch_status(&client, json!([{"op": "add", "path": path, "value": "800Gi"}])).await.unwrap();
    let status = get(&client, "v1", "Node", "", "worker-1").await["status"].clone();
    assert_eq!(status["allocatable"]["example.com/dongle"], "800Gi");
    patch_status(&client, json!([{"op": "remove", "path": path}])).await.unwrap();
    let status = get(&client, "v1", "Node", "", "worker-1").await["status"].clone();
    assert_eq!(status["allocatable"]["example.com/dongle"], Value::Null);
    let (code, _) = refusal(patch_status(&client, json!([{"op": "remove", "path": path}])).await);
    assert_eq!(code, 422, "there is nothing to remove any more");
}

#[tokio::test]
async fn status_request_cannot_change_the_spec_nor_the_other_way_round() {
    let client = Sandbox::in_memory().client();
    let nodes = objects(&client, "v1", "Node", "");
    let both =
        json!({"spec": {"unschedulable": true}, "status": {"capacity": {"example.com/a": "1"}}});
    nodes.patch_status("worker-1", &PatchParams::default(), &Patch::Merge(&both)).await.unwrap();
    let node = get(&client, "v1", "Node", "", "worker-1").await;
    assert_eq!(node["spec"]["unschedulable"], Value::Null);
    assert_eq!(node["status"]["capacity"]["example.com/a"], "1");
    let both =
        json!({"spec": {"unschedulable": true}, "status": {"capacity": {"example.com/b": "1"}}});
    nodes.patch("worker-1", &PatchParams::default(), &Patch::Merge(&both)).await.unwrap();
    let node = get(&client, "v1", "Node", "", "worker-1").await;
    assert_eq!(node["spec"]["unschedulable"], true);
    assert_eq!(node["status"]["capacity"]["example.com/b"], Value::Null);
}

fn web(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": "nginx"}]},
            },
        },
    })
}

#[tokio::test]
async fn eviction_stops_when_the_budget_is_spent() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    apply(&client, &web(2)).await.unwrap();
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
    });
    apply(&client, &budget).await.unwrap();
    let pod = names(&client, "v1", "Pod", "default").await[0].clone();
    let path = format!("/api/v1/namespaces/default/pods/{pod}/eviction");
    let body =
        format!(r#"{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{pod}"}}}}"#);
    let headers = [("content-type", "application/json")];
    let (code, status) = raw(&sandbox, "POST", &path, &headers, &body).await;
    assert_eq!(code, 429);
    assert_eq!(
        status["message"],
        "Cannot evict pod as it would violate the pod's disruption budget."
    );
    assert_eq!(
        status["details"]["causes"][0],
        json!({"reason": "DisruptionBudget", "message": "The disruption budget web needs 2 healthy pods and has 2 currently", "field": ""})
    );
    let mut looser = budget;
    looser["spec"]["minAvailable"] = json!(1);
    apply(&client, &looser).await.unwrap();
    let (code, _) = raw(&sandbox, "POST", &format!("{path}?dryRun=All"), &headers, &body).await;
    assert_eq!(code, 201);
    assert!(names(&client, "v1", "Pod", "default").await.contains(&pod), "only tried");
    let (code, _) = raw(&sandbox, "POST", &path, &headers, &body).await;
    assert_eq!(code, 201);
    let pods = names(&client, "v1", "Pod", "default").await;
    assert!(!pods.contains(&pod) && pods.len() == 2, "the deployment made another one");
}

#[tokio::test]
async fn an_eviction_that_waits_says_when_to_ask_again_and_one_that_is_granted_says_why() {
    let sandbox = Sandbox::in_memory_with(Options { controllers: false, ..Options::real() });
    let client = sandbox.client();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "a", "namespace": "default", "labels": {"app": "a"},
            "finalizers": ["example.com/hold"]},
        "spec": {"nodeName": "nowhere", "containers": [{"name": "main", "image": "nginx"}]},
    });
    let headers = [("content-type", "application/json")];
    let account = r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}"#;
    let path = "/api/v1/namespaces/default/serviceaccounts";
    raw(&sandbox, "POST", path, &headers, account).await;
    apply(&client, &pod).await.unwrap();
    let merge = [("content-type", "application/merge-patch+json")];
    let path = "/api/v1/namespaces/default/pods/a";
    let running = r#"{"status":{"phase":"Running"}}"#;
    raw(&sandbox, "PATCH", &format!("{path}/status"), &merge, running).await;
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}},
    });
    apply(&client, &budget).await.unwrap();
    let eviction = format!("{path}/eviction");
    let body = r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"a"}}"#;
    let (code, status) = raw(&sandbox, "POST", &eviction, &headers, body).await;
    // Nobody has counted the budget yet.
    assert_eq!((code, &status["details"]["retryAfterSeconds"]), (429, &json!(10)));
    let mut always = budget;
    always["spec"]["unhealthyPodEvictionPolicy"] = json!("AlwaysAllow");
    apply(&client, &always).await.unwrap();
    let (code, status) = raw(&sandbox, "POST", &eviction, &headers, body).await;
    assert_eq!((code, &status["status"]), (201, &json!("Success")), "it is not ready");
    let (_, live) = raw(&sandbox, "GET", path, &headers, "").await;
    let conditions = live["status"]["conditions"].as_array().unwrap();
    let told = conditions.iter().find(|one| one["type"] == "DisruptionTarget").unwrap();
    assert_eq!(told["reason"], "EvictionByEvictionAPI");
    assert!(live["metadata"]["deletionTimestamp"].is_string(), "{live}");
}
