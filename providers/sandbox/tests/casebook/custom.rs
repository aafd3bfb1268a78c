//! Custom objects, as the schema of their definition wants them.

use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::raw;

const PATH: &str = "/apis/example.com/v1/namespaces/default/gadgets";

async fn send(sandbox: &Sandbox, method: &str, media: &str, path: &str, body: &Value) -> Value {
    let (code, mut answer) = raw(
        sandbox,
        method,
        path,
        &[("content-type", media), ("accept", "application/json")],
        &body.to_string(),
    )
    .await;
    answer["code"] = json!(code);
    answer
}

async fn with_gadgets() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {"scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                ],
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
                    "type": "object",
                    "required": ["size"],
                    "properties": {
                        "size": {"type": "integer", "minimum": 1},
                        "colour": {"type": "string", "default": "red"},
                        "parts": {
                            "type": "array",
                            "x-kubernetes-list-type": "map",
                            "x-kubernetes-list-map-keys": ["name"],
                            "items": {"type": "object", "required": ["name"], "properties": {
                                "name": {"type": "string"}, "count": {"type": "integer"},
                            }},
                        },
                    },
                }}}},
            }],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let made = send(&sandbox, "POST", "application/json", path, &definition).await;
    assert_eq!(made["code"], 201, "{made}");
    sandbox
}

fn gadget(spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "a"}, "spec": spec})
}

async fn applied(sandbox: &Sandbox, manager: &str, spec: &Value) -> Value {
    let path = format!("{PATH}/a?fieldManager={manager}");
    send(sandbox, "PATCH", "application/apply-patch+yaml", &path, &gadget(spec)).await
}

#[tokio::test]
async fn object_is_completed_pruned_and_refused_by_the_schema() {
    let sandbox = with_gadgets().await;
    let post =
        async |spec: Value| send(&sandbox, "POST", "application/json", PATH, &gadget(&spec)).await;
    let made = post(json!({"size": 2, "weight": 5})).await;
    assert_eq!((&made["code"], &made["spec"]), (&json!(201), &json!({"size": 2, "colour": "red"})));
    let refused = post(json!({"size": "large"})).await;
    assert_eq!(refused["code"], 422);
    let causes = refused["details"]["causes"].as_array().unwrap();
    assert_eq!(
        causes[0]["message"],
        "Invalid value: \"string\": spec.size in body must be of type integer: \"string\""
    );
    let strict = format!("{PATH}?fieldValidation=Strict");
    let body = gadget(&json!({"size": 2, "weight": 5}));
    let refused = send(&sandbox, "POST", "application/json", &strict, &body).await;
    assert!(refused["message"].as_str().unwrap().ends_with("unknown field \"spec.weight\""));
}

#[tokio::test]
async fn lists_merge_by_the_keys_that_the_schema_names() {
    let sandbox = with_gadgets().await;
    applied(&sandbox, "one", &json!({"size": 1, "parts": [{"name": "a", "count": 1}]})).await;
    let both = applied(&sandbox, "two", &json!({"size": 1, "parts": [{"name": "b"}]})).await;
    assert_eq!(both["spec"]["parts"], json!([{"name": "a", "count": 1}, {"name": "b"}]));
    let conflict =
        applied(&sandbox, "two", &json!({"size": 1, "parts": [{"name": "a", "count": 2}]})).await;
    assert_eq!(conflict["details"]["causes"][0]["field"], ".spec.parts[name=\"a\"].count");
    let less = applied(&sandbox, "one", &json!({"size": 1})).await;
    assert_eq!(less["spec"]["parts"], json!([{"name": "b"}]));
}

#[tokio::test]
async fn columns_and_scale_are_where_the_definition_says() {
    let sandbox = with_gadgets().await;
    applied(&sandbox, "one", &json!({"size": 3})).await;
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let (_, shown) = raw(&sandbox, "GET", PATH, &table, "").await;
    assert_eq!(shown["rows"][0]["cells"], json!(["a", 3]));
    let path = format!("{PATH}/a/scale");
    let change = json!({"spec": {"replicas": 7}});
    let scale = send(&sandbox, "PATCH", "application/merge-patch+json", &path, &change).await;
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(7)));
    let (_, object) = raw(&sandbox, "GET", &format!("{PATH}/a"), &[], "").await;
    assert_eq!(object["spec"]["size"], 7);
}
