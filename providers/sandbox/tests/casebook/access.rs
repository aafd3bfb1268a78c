//! Roles that gather the rules of others.

use kube::api::DeleteParams;
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{apply, get, objects};

const VERSION: &str = "rbac.authorization.k8s.io/v1";

fn role(name: &str, label: &str, more: Value) -> Value {
    let mut role = json!({
        "apiVersion": VERSION, "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {label: "true"}},
    });
    role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    role
}

fn reading(resource: &str) -> Value {
    json!({"apiGroups": [""], "resources": [resource], "verbs": ["get"]})
}

fn gathering(label: &str) -> Value {
    json!({"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]}})
}

#[tokio::test]
async fn role_gathers_rules_also_from_roles_that_gather() {
    let client = Sandbox::in_memory().client();
    apply(&client, &role("all", "to-none", gathering("to-all"))).await.unwrap();
    apply(&client, &role("some", "to-all", gathering("to-some"))).await.unwrap();
    for (name, resource) in [("b", "pods"), ("a", "nodes"), ("c", "pods")] {
        apply(&client, &role(name, "to-some", json!({"rules": [reading(resource)]})))
            .await
            .unwrap();
    }
    for name in ["some", "all"] {
        let live = get(&client, VERSION, "ClusterRole", "", name).await;
        assert_eq!(live["rules"], json!([reading("nodes"), reading("pods")]), "{name}");
        let owners = live["metadata"]["managedFields"].as_array().unwrap();
        let of = |name: &str| owners.iter().find(|owner| owner["manager"] == name).unwrap();
        let controller = of("clusterrole-aggregation-controller");
        assert_eq!(controller["operation"], "Apply");
        assert_eq!(controller["fieldsV1"], json!({"f:rules": {}}));
        assert!(of("clinch")["fieldsV1"].get("f:rules").is_none());
    }
    let roles = objects(&client, VERSION, "ClusterRole", "");
    roles.delete("a", &DeleteParams::default()).await.unwrap();
    let live = get(&client, VERSION, "ClusterRole", "", "all").await;
    assert_eq!(live["rules"], json!([reading("pods")]));
}

#[tokio::test]
async fn circle_of_gathering_roles_comes_to_an_end() {
    let client = Sandbox::in_memory().client();
    for (name, other) in [("a", "b"), ("b", "c"), ("c", "a")] {
        apply(&client, &role(name, name, gathering(other))).await.unwrap();
    }
    apply(&client, &role("source", "a", json!({"rules": [reading("pods")]}))).await.unwrap();
    for name in ["a", "b", "c"] {
        let live = get(&client, VERSION, "ClusterRole", "", name).await;
        assert_eq!(live["rules"], json!([reading("pods")]), "{name}");
    }
}
