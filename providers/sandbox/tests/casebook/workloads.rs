//! Deployments and their kind: pods come, go and are replaced.

use kube::api::{DeleteParams, Patch, PatchParams};
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{apply, get, names, objects, raw};

fn web(replicas: i64, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    })
}

#[tokio::test]
async fn deployment_runs_its_pods_and_says_so() {
    let client = Sandbox::in_memory().client();
    apply(&client, &web(2, "nginx:1")).await.unwrap();
    let status = get(&client, "apps/v1", "Deployment", "default", "web").await["status"].clone();
    assert_eq!(
        (&status["observedGeneration"], &status["replicas"], &status["availableReplicas"]),
        (&json!(1), &json!(2), &json!(2))
    );
    assert_eq!(status["conditions"][1]["reason"], "NewReplicaSetAvailable");
    assert_eq!(names(&client, "v1", "Pod", "default").await.len(), 2);
}

#[tokio::test]
async fn new_template_replaces_the_pods_and_scaling_changes_their_number() {
    let client = Sandbox::in_memory().client();
    apply(&client, &web(2, "nginx:1")).await.unwrap();
    let before = names(&client, "v1", "Pod", "default").await;
    apply(&client, &web(2, "nginx:2")).await.unwrap();
    let after = names(&client, "v1", "Pod", "default").await;
    assert!(after.len() == 2 && after.iter().all(|pod| !before.contains(pod)));
    assert_eq!(
        names(&client, "apps/v1", "ReplicaSet", "default").await.len(),
        2,
        "the old one is kept, empty"
    );

    let deployments = objects(&client, "apps/v1", "Deployment", "default");
    let scale = deployments
        .patch_scale(
            "web",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": {"replicas": 3}})),
        )
        .await
        .unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(3));
    assert_eq!(names(&client, "v1", "Pod", "default").await.len(), 3);
}

#[tokio::test]
async fn deleted_deployment_leaves_nothing_behind() {
    let client = Sandbox::in_memory().client();
    apply(&client, &web(2, "nginx")).await.unwrap();
    let deployments = objects(&client, "apps/v1", "Deployment", "default");
    deployments.delete("web", &DeleteParams::default()).await.unwrap();
    assert_eq!(names(&client, "apps/v1", "ReplicaSet", "default").await, [""; 0]);
    assert_eq!(names(&client, "v1", "Pod", "default").await, [""; 0]);
}

#[tokio::test]
async fn refused_pods_show_up_in_the_conditions_and_not_in_the_answer() {
    let client = Sandbox::in_memory().client();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "default"},
        "spec": {"hard": {"pods": "1"}},
    });
    apply(&client, &quota).await.unwrap();
    apply(&client, &web(2, "nginx")).await.unwrap();
    let status = get(&client, "apps/v1", "Deployment", "default", "web").await["status"].clone();
    assert_eq!((&status["readyReplicas"], &status["unavailableReplicas"]), (&json!(1), &json!(1)));
    let failure = &status["conditions"][2];
    assert_eq!(failure["type"], "ReplicaFailure");
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .contains("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")
    );
}

#[tokio::test]
async fn daemon_runs_on_every_node_that_it_tolerates() {
    let client = Sandbox::in_memory().client();
    let daemon = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "dns", "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": {"app": "dns"}},
            "template": {
                "metadata": {"labels": {"app": "dns"}},
                "spec": {"containers": [{"name": "main", "image": "dns"}], "tolerations": [{"operator": "Exists"}]},
            },
        },
    });
    apply(&client, &daemon).await.unwrap();
    assert_eq!(names(&client, "v1", "Pod", "kube-system").await.len(), 3);
    let status = get(&client, "apps/v1", "DaemonSet", "kube-system", "dns").await["status"].clone();
    assert_eq!((&status["desiredNumberScheduled"], &status["numberReady"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn stateful_set_numbers_its_pods() {
    let client = Sandbox::in_memory().client();
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "serviceName": "db", "replicas": 2,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "main", "image": "db"}]},
            },
        },
    });
    apply(&client, &set).await.unwrap();
    assert_eq!(names(&client, "v1", "Pod", "default").await, ["db-0", "db-1"]);
}

#[tokio::test]
async fn service_gets_an_address_and_keeps_it() {
    let client = Sandbox::in_memory().client();
    let service = |port: i64| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": port}]},
        })
    };
    let first = apply(&client, &service(80)).await.unwrap();
    let address = first["spec"]["clusterIP"].as_str().unwrap().to_owned();
    assert!(address.starts_with("10.96."));
    let second = apply(&client, &service(81)).await.unwrap();
    assert_eq!(second["spec"]["clusterIP"], address);
    assert_eq!(second["spec"]["ports"], json!([{"port": 81, "protocol": "TCP", "targetPort": 81}]));
}

#[tokio::test]
async fn custom_resources_are_served_as_soon_as_they_are_defined() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let (code, _) =
        raw(&sandbox, "GET", "/apis/example.com/v1/namespaces/default/crons", &[], "").await;
    assert_eq!(code, 404);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "crons.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "crons", "kind": "Cron"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "subresources": {"status": {}},
            }],
        },
    });
    let stored = apply(&client, &definition).await.unwrap();
    assert_eq!(stored["spec"]["names"]["listKind"], "CronList");
    let status = get(
        &client,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "",
        "crons.example.com",
    )
    .await;
    assert!(
        status["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["type"] == "Established" && one["status"] == "True")
    );

    let body = r#"{"apiVersion":"example.com/v1","kind":"Cron","metadata":{"name":"c"},"spec":{"every":"5m"}}"#;
    let path = "/apis/example.com/v1/namespaces/default/crons/c?fieldManager=clinch";
    let headers = [("content-type", "application/apply-patch+yaml")];
    let (code, cron) = raw(&sandbox, "PATCH", path, &headers, body).await;
    assert_eq!((code, &cron["spec"]), (201, &json!({"every": "5m"})));
    assert_eq!(
        cron["metadata"]["managedFields"][0]["fieldsV1"],
        json!({"f:spec": {".": {}, "f:every": {}}})
    );

    let definitions = objects(&client, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "");
    definitions.delete("crons.example.com", &DeleteParams::default()).await.unwrap();
    let (code, _) = raw(&sandbox, "GET", path, &[], "").await;
    assert_eq!(code, 404, "gone with its definition");
}
