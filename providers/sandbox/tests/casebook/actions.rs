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

/// A request for a certificate, as base64, for a subject and maybe a name.
fn request(organization: &str, common_name: &str, names: &[&str]) -> String {
    use base64::Engine;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
    params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = params.serialize_request(&key).unwrap().pem().unwrap();
    base64::engine::general_purpose::STANDARD.encode(pem)
}

/// Creates a request, approves it and returns it as it is then.
async fn approved(sandbox: &Sandbox, signer: &str, usages: &[&str], request: &str) -> Value {
    let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let asked = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "r-"},
        "spec": {"request": request, "signerName": signer, "usages": usages},
    });
    let (code, mut made) = post(sandbox, path, &asked).await;
    assert_eq!((code, &made["spec"]["username"]), (201, &json!("sandbox")));
    made["spec"]["signerName"] = json!("example.com/other");
    made["status"] = json!({
        "certificate": "eA==",
        "conditions": [{"type": "Approved", "status": "True", "reason": "ByHand"}],
    });
    let path = format!("{path}/{}", made["metadata"]["name"].as_str().unwrap());
    let approval = format!("{path}/approval");
    let (code, answer) = raw(sandbox, "PUT", &approval, &JSON, &made.to_string()).await;
    assert_eq!((code, &answer["spec"]["signerName"]), (200, &json!(signer)), "{answer}");
    assert_eq!(answer["status"]["certificate"], Value::Null, "an approval is about conditions");
    raw(sandbox, "GET", &path, &[], "").await.1
}

#[tokio::test]
async fn approved_request_is_signed_by_an_authority_that_stays() {
    use base64::Engine;
    let sandbox = Sandbox::in_memory();
    let for_clients = "kubernetes.io/kube-apiserver-client";
    let ours = request("team", "robot", &[]);
    let signed =
        approved(&sandbox, for_clients, &["client auth", "digital signature"], &ours).await;
    let certificate = signed["status"]["certificate"].as_str().unwrap();
    let pem = base64::engine::general_purpose::STANDARD.decode(certificate).unwrap();
    assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"));
    let authority = async || {
        let path = "/api/v1/namespaces/kube-system/secrets/sandbox-signer";
        raw(&sandbox, "GET", path, &[], "").await.1["data"].clone()
    };
    let first = authority().await;
    assert!(first["tls.crt"].is_string());
    approved(&sandbox, for_clients, &["client auth"], &request("team", "other", &[])).await;
    assert_eq!(authority().await, first);
}

#[tokio::test]
async fn request_that_does_not_suit_its_signer_fails_and_says_why() {
    let sandbox = Sandbox::in_memory();
    let why = async |signer: &str, usages: &[&str], request: &str| {
        let request = approved(&sandbox, signer, usages, request).await;
        assert_eq!(request["status"]["certificate"], Value::Null);
        let conditions = request["status"]["conditions"].as_array().unwrap().clone();
        conditions.get(1).map_or(String::new(), |one| one["message"].as_str().unwrap().to_owned())
    };
    let (client, kubelet) =
        ("kubernetes.io/kube-apiserver-client", "kubernetes.io/kubelet-serving");
    let robot = request("team", "robot", &[]);
    let node = request("system:nodes", "system:node:worker-1", &[]);
    assert!(why(client, &["server auth"], &robot).await.contains("wants \"client auth\""));
    assert_eq!(
        why(kubelet, &["server auth"], &robot).await,
        "subject organization is not system:nodes"
    );
    assert_eq!(
        why(kubelet, &["server auth"], &node).await,
        "at least one DNS or IP name is required"
    );
    assert_ne!(why(client, &["client auth"], "eA==").await, "");
    assert_eq!(why("example.com/theirs", &["client auth"], &robot).await, "", "not ours to sign");
    let good = request("system:nodes", "system:node:worker-1", &["worker-1"]);
    let signed = approved(&sandbox, kubelet, &["server auth"], &good).await;
    assert!(signed["status"]["certificate"].is_string(), "{signed}");
}
