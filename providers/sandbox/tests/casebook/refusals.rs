//! What is not done is refused, in the real server's way.

use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{apply, raw, refusal};

#[tokio::test]
async fn path_of_an_unknown_group_is_a_plain_text_404() {
    let sandbox = Sandbox::in_memory();
    for path in ["/nonsense", "/apis/example.com/v1/things", "/apis/example.com"] {
        let (code, body) = raw(&sandbox, "GET", path, &[], "").await;
        assert_eq!((code, body), (404, json!("404 page not found\n")), "{path}");
    }
}

#[tokio::test]
async fn unknown_resource_of_a_known_group_is_a_404_that_says_so() {
    let sandbox = Sandbox::in_memory();
    for path in ["/api/v1/things", "/apis/apps/v2/deployments", "/api/v1/nodes/worker-1/proxy"] {
        let (code, status) = raw(&sandbox, "GET", path, &[], "").await;
        assert_eq!(code, 404, "{path}");
        assert_eq!(status["message"], "the server could not find the requested resource");
    }
}

#[tokio::test]
async fn method_that_a_resource_does_not_have_is_405() {
    let sandbox = Sandbox::in_memory();
    for (method, path) in [
        ("DELETE", "/api/v1/namespaces"),
        ("POST", "/api/v1/nodes/worker-1"),
        ("POST", "/api/v1/configmaps"),
    ] {
        let (code, status) = raw(&sandbox, method, path, &[], "").await;
        assert_eq!(
            (code, status["reason"].as_str()),
            (405, Some("MethodNotAllowed")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn body_in_a_form_that_is_not_understood_is_415() {
    let sandbox = Sandbox::in_memory();
    let headers = [("content-type", "application/cbor")];
    let (code, status) = raw(&sandbox, "POST", "/api/v1/namespaces", &headers, "k8s").await;
    assert_eq!((code, status["reason"].as_str()), (415, Some("UnsupportedMediaType")));
    let headers = [("content-type", "application/vnd.kubernetes.protobuf")];
    let (code, status) = raw(&sandbox, "POST", "/api/v1/namespaces", &headers, "k8s").await;
    assert_eq!((code, status["reason"].as_str()), (400, Some("BadRequest")));
    let (code, _) =
        raw(&sandbox, "PATCH", "/api/v1/nodes/worker-1", &[("content-type", "text/plain")], "x")
            .await;
    assert_eq!(code, 415);
}

#[tokio::test]
async fn client_that_does_not_read_json_is_406() {
    let sandbox = Sandbox::in_memory();
    let read = async |accept: &str| {
        let headers = [("accept", accept)];
        raw(&sandbox, "GET", "/api/v1/namespaces/default", &headers, "").await
    };
    let (code, status) = read("text/html").await;
    assert_eq!((code, status["reason"].as_str()), (406, Some("NotAcceptable")));
    assert_eq!(read("application/vnd.kubernetes.protobuf").await.0, 406);
    assert_eq!(read("text/html, */*").await.0, 200);
    assert_eq!(read("application/vnd.kubernetes.protobuf,application/json").await.0, 200);
}

#[tokio::test]
async fn people_get_lines_and_programs_get_one() {
    let sandbox = Sandbox::in_memory();
    let lines = async |path: &str, agent: &str| {
        use http_body_util::BodyExt;
        use tower::ServiceExt;
        let body = http_body_util::Empty::<bytes::Bytes>::new();
        let request = http::Request::get(path).header("user-agent", agent).body(body).unwrap();
        let answer = sandbox.service().oneshot(request).await.unwrap();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(text.to_vec()).unwrap().lines().count()
    };
    assert_eq!(lines("/api/v1/namespaces", "clinch/1").await, 1);
    assert!(lines("/api/v1/namespaces", "curl/8").await > 50);
    assert!(lines("/api/v1/namespaces/nope?pretty=true", "clinch/1").await > 5);
    assert_eq!(lines("/api/v1/namespaces?pretty=false", "curl/8").await, 1);
}

#[tokio::test]
async fn body_that_is_no_object_is_400() {
    let sandbox = Sandbox::in_memory();
    for body in ["", "{", "[]", "1", "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}"] {
        let headers = [("content-type", "application/json")];
        let (code, status) = raw(&sandbox, "POST", "/api/v1/namespaces", &headers, body).await;
        assert_eq!((code, status["reason"].as_str()), (400, Some("BadRequest")), "{body}");
    }
}

fn map(data: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "default"},
        "data": data,
    })
}

#[tokio::test]
async fn apply_of_a_wrong_type_or_an_unknown_field_is_500_as_on_the_real_server() {
    let client = Sandbox::in_memory().client();
    let (code, message) = refusal(apply(&client, &map(json!({"a": 1}))).await);
    assert_eq!(code, 500);
    assert_eq!(
        message,
        "failed to create typed patch object (default/c; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}"
    );
    let mut wrong = map(json!({}));
    wrong["daat"] = json!({});
    let (code, message) = refusal(apply(&client, &wrong).await);
    assert_eq!(code, 500);
    assert_eq!(
        message,
        "failed to create typed patch object (default/c; /v1, Kind=ConfigMap): .daat: field not declared in schema"
    );
}

#[tokio::test]
async fn unknown_field_is_a_warning_or_an_error_as_the_request_wants() {
    let sandbox = Sandbox::in_memory();
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"daat":{}}"#;
    let path = "/api/v1/namespaces/default/configmaps";
    let headers = [("content-type", "application/json")];
    let (code, status) =
        raw(&sandbox, "POST", &format!("{path}?fieldValidation=Strict"), &headers, body).await;
    assert_eq!(code, 400);
    assert_eq!(
        status["message"],
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"daat\""
    );
    let (code, stored) = raw(&sandbox, "POST", path, &headers, body).await;
    assert_eq!((code, &stored["daat"]), (201, &Value::Null));
}

#[tokio::test]
async fn every_wrong_field_is_named_in_the_causes() {
    let client = Sandbox::in_memory().client();
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {
            "podSelector": {},
            "ingress": [{
                "from": [{}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/24"]}}],
                "ports": [{"port": 0}, {"port": 80, "endPort": 79}],
            }],
        },
    });
    let error = apply(&client, &policy).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("no status") };
    let causes: Vec<(String, String)> = status
        .details
        .unwrap()
        .causes
        .into_iter()
        .map(|cause| (cause.field, cause.message))
        .collect();
    let want = [
        (
            "spec.ingress[0].ports[0].port",
            "Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            "spec.ingress[0].ports[1].endPort",
            "Invalid value: 79: must be greater than or equal to `port`",
        ),
        ("spec.ingress[0].from[0]", "Required value: must specify a peer"),
        (
            "spec.ingress[0].from[1].ipBlock.except[0]",
            "Invalid value: \"11.0.0.0/24\": must be a strict subset of `cidr`",
        ),
    ];
    assert_eq!(causes, want.map(|(field, message)| (field.to_owned(), message.to_owned())));
}

#[tokio::test]
async fn bad_names_and_parameters_are_refused() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let namespace =
        |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    assert_eq!(refusal(apply(&client, &namespace("Team_A")).await).0, 422);
    let (code, _) = raw(&sandbox, "GET", "/api/v1/pods?labelSelector=a%20b", &[], "").await;
    assert_eq!(code, 400);
    let (code, status) =
        raw(&sandbox, "GET", "/api/v1/pods?fieldSelector=spec.nonsense%3D1", &[], "").await;
    assert_eq!(
        (code, &status["message"]),
        (400, &json!("field label not supported: spec.nonsense"))
    );
    let (code, _) = raw(&sandbox, "GET", "/api/v1/pods?limit=many", &[], "").await;
    assert_eq!(code, 400);
    let (code, _) = raw(&sandbox, "GET", "/api/v1/pods?resourceVersion=999999", &[], "").await;
    assert_eq!(code, 504);
    let (code, _) = raw(
        &sandbox,
        "PATCH",
        "/api/v1/nodes/worker-1",
        &[("content-type", "application/apply-patch+yaml")],
        "{}",
    )
    .await;
    assert_eq!(code, 422, "an apply has to say who applies");
}

#[tokio::test]
async fn immutable_fields_are_refused_when_they_change() {
    let client = Sandbox::in_memory().client();
    let deployment = |label: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"app": label}},
                "template": {
                    "metadata": {"labels": {"app": label}},
                    "spec": {"containers": [{"name": "main", "image": "nginx"}]},
                },
            },
        })
    };
    apply(&client, &deployment("a")).await.unwrap();
    let (code, message) = refusal(apply(&client, &deployment("b")).await);
    assert_eq!(code, 422);
    assert!(message.contains("field is immutable"), "{message}");
}
