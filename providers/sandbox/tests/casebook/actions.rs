//! Paths below an object that stand for something that is done with it.

use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::raw;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    raw(sandbox, "POST", path, &JSON, &body.to_string()).await
}

#[tokio::test]
async fn pod_is_bound_to_a_node_once() {
    let sandbox = Sandbox::in_memory();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"nodeSelector": {"none": "such"}, "containers": [{"name": "c", "image": "i"}]},
    });
    assert_eq!(post(&sandbox, pods, &pod).await.0, 201);
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"},
        "target": {"kind": "Node", "name": "worker-2"},
    });
    let path = format!("{pods}/p/binding");
    let (code, status) = post(&sandbox, &path, &binding).await;
    assert_eq!((code, &status["status"]), (201, &json!("Success")));
    let (_, bound) = raw(&sandbox, "GET", &format!("{pods}/p"), &[], "").await;
    assert_eq!(
        (&bound["spec"]["nodeName"], &bound["status"]["phase"]),
        (&json!("worker-2"), &json!("Running"))
    );
    let (code, status) = post(&sandbox, &path, &binding).await;
    assert_eq!(
        (code, status["message"].as_str().unwrap()),
        (
            409,
            "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"worker-2\""
        )
    );
}

#[tokio::test]
async fn token_says_whose_it_is_and_is_not_signed() {
    let sandbox = Sandbox::in_memory();
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}});
    let (code, answer) = post(&sandbox, path, &asked).await;
    assert_eq!((code, &answer["spec"]["expirationSeconds"]), (201, &json!(600)));
    let token = answer["status"]["token"].as_str().unwrap();
    assert!(token.starts_with("eyJhbGciOiJub25l") && token.ends_with('.'), "{token}");
    let missing = "/api/v1/namespaces/default/serviceaccounts/nobody/token";
    assert_eq!(post(&sandbox, missing, &asked).await.0, 404);
}

#[tokio::test]
async fn signing_request_is_approved_and_nothing_else_of_it_changes() {
    let sandbox = Sandbox::in_memory();
    let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let request = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": "r"},
        "spec": {"request": "eA==", "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
    });
    let (code, mut made) = post(&sandbox, path, &request).await;
    assert_eq!((code, &made["spec"]["username"]), (201, &json!("sandbox")));
    made["spec"]["signerName"] = json!("example.com/other");
    made["metadata"]["labels"] = json!({"a": "b"});
    made["status"] = json!({
        "certificate": "eA==",
        "conditions": [{"type": "Approved", "status": "True", "reason": "ByHand"}],
    });
    let approval = format!("{path}/r/approval");
    let (code, approved) = raw(&sandbox, "PUT", &approval, &JSON, &made.to_string()).await;
    assert_eq!((code, &approved["status"]["conditions"][0]["type"]), (200, &json!("Approved")));
    assert_eq!(approved["spec"]["signerName"], "kubernetes.io/kube-apiserver-client");
    assert_eq!(approved["status"]["certificate"], Value::Null);
}
