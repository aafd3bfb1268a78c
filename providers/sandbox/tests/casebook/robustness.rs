//! No request makes the sandbox panic, hang or forget what it has.

use proptest::prelude::*;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::support::raw;

/// One whole object of each kind about which much is known.
fn objects() -> Vec<(&'static str, Value)> {
    let meta = |name: &str| json!({"name": name, "labels": {"a": "b"}, "finalizers": ["example.com/x"], "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}]});
    let pod = json!({
        "containers": [{
            "name": "a", "image": "i", "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
            "ports": [{"containerPort": 80, "name": "web"}],
            "resources": {"limits": {"cpu": "1", "example.com/d": "2"}, "requests": {"memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"port": 80}}, "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }],
        "initContainers": [{"name": "b", "image": "i", "restartPolicy": "Always"}],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
        "tolerations": [{"key": "k", "operator": "Exists"}], "nodeSelector": {"a": "b"},
    });
    let selector = json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]});
    let template = json!({"metadata": {"labels": {"a": "b", "k": "v"}}, "spec": pod});
    let ns = "/api/v1/namespaces/default";
    let apps = "/apis/apps/v1/namespaces/default";
    let workload = |kind: &str| json!({"apiVersion": "apps/v1", "kind": kind, "metadata": meta("w"), "spec": {"replicas": 2, "selector": selector, "template": template}});
    let of = |path: &str, plural: &str| -> &'static str {
        Box::leak(format!("{path}/{plural}").into_boxed_str())
    };
    vec![
        (
            of(ns, "pods"),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("w"), "spec": pod}),
        ),
        (
            of(ns, "services"),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("w"), "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80, "nodePort": 30001}]}}),
        ),
        (
            of(ns, "configmaps"),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("w"), "data": {"k": "v"}, "binaryData": {"b": "AA=="}}),
        ),
        (
            of(ns, "secrets"),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("w"), "stringData": {"k": "v"}, "data": {"b": "AA=="}}),
        ),
        (
            of(ns, "resourcequotas"),
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("w"), "spec": {"hard": {"pods": "2", "requests.cpu": "1"}, "scopes": ["NotBestEffort"], "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["x"]}]}}}),
        ),
        (
            of(ns, "limitranges"),
            json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": meta("w"), "spec": {"limits": [{"type": "Container", "max": {"cpu": "4"}, "default": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "3"}}, {"type": "Pod", "min": {"memory": "1Mi"}}]}}),
        ),
        (
            of(ns, "persistentvolumeclaims"),
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("w"), "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        ),
        (
            "/api/v1/nodes",
            json!({"apiVersion": "v1", "kind": "Node", "metadata": meta("w"), "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}, "status": {"capacity": {"cpu": "4", "example.com/d": "2"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
        ),
        (
            "/api/v1/namespaces",
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta("w"), "spec": {"finalizers": ["kubernetes"]}}),
        ),
        (of(apps, "deployments"), workload("Deployment")),
        (of(apps, "daemonsets"), workload("DaemonSet")),
        (of(apps, "statefulsets"), workload("StatefulSet")),
        (of(apps, "replicasets"), workload("ReplicaSet")),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("w"), "spec": {"podSelector": selector, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80, "endPort": 90}]}]}}),
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta("w"), "spec": {"minAvailable": "50%", "selector": selector}}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": meta("w"), "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}]}),
        ),
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta("w"), "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing", "shortNames": ["t"]}, "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}}]}}),
        ),
    ]
}

fn odd() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(1e300)),
        ".{0,6}".prop_map(Value::from),
        Just(json!("9".repeat(500))),
        Just(json!("1e999999999")),
        Just(json!("../..")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z$/.]{0,5}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts an odd value somewhere into an object; `way` decides where.
fn spoil(object: &mut Value, way: &[usize], odd: Value) {
    let inside = match object {
        Value::Object(map) if !map.is_empty() => {
            let at = way.first().copied().unwrap_or(0) % map.len();
            map.values_mut().nth(at)
        }
        Value::Array(items) if !items.is_empty() => {
            let at = way.first().copied().unwrap_or(0) % items.len();
            items.get_mut(at)
        }
        _ => None,
    };
    match (inside, way) {
        (Some(inside), [_, rest @ ..]) if !rest.is_empty() => spoil(inside, rest, odd),
        (Some(inside), _) => *inside = odd,
        (None, _) => *object = odd,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever stands where in an object, it is stored or refused, and the rest works on.
    #[test]
    fn odd_values_anywhere_are_stored_or_refused(
        which in 0_usize..17,
        spoils in prop::collection::vec((prop::collection::vec(0_usize..8, 1..9), odd()), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sandbox = Sandbox::in_memory_with(Options { history: 50, ..Options::real() });
            let (path, whole) = objects()[which].clone();
            let json_body = [("content-type", "application/json")];
            let (code, answer) = raw(&sandbox, "POST", path, &json_body, &whole.to_string()).await;
            prop_assert!(code < 500, "{answer}");
            for (way, odd) in spoils {
                let mut spoiled = whole.clone();
                spoil(&mut spoiled, &way, odd);
                let body = spoiled.to_string();
                let one = format!("{path}/w");
                for (method, path, media) in [
                    ("POST", path, "application/json"),
                    ("PUT", one.as_str(), "application/json"),
                    ("PATCH", one.as_str(), "application/apply-patch+yaml"),
                    ("PATCH", one.as_str(), "application/merge-patch+json"),
                    ("PATCH", one.as_str(), "application/strategic-merge-patch+json"),
                ] {
                    let path = format!("{path}?fieldManager=x&force=true");
                    let (code, answer) = raw(&sandbox, method, &path, &[("content-type", media)], &body).await;
                    // A wrong type in an apply is 500 on the real server, too.
                    let fine = code < 500 || media == "application/apply-patch+yaml";
                    prop_assert!(fine, "{} {}: {}", method, body, answer);
                }
            }
            let (code, _) = raw(&sandbox, "GET", "/api/v1/nodes", &[], "").await;
            prop_assert_eq!(code, 200);
            Ok(())
        })?;
    }

    /// No bytes make the reader of bodies or paths fail.
    #[test]
    fn odd_bytes_are_refused(path in "(/[a-z0-9%.]{0,8}){1,7}", query in "[a-zA-Z=&%0-9]{0,30}", body in ".{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sandbox = Sandbox::in_memory_with(Options { nodes: false, ..Options::real() });
            for (method, media) in [("GET", ""), ("POST", "application/yaml"), ("PATCH", "application/apply-patch+yaml"), ("DELETE", "application/json")] {
                let uri = format!("/api/v1/namespaces/default{path}?{query}");
                if uri.parse::<http::Uri>().is_err() || query.contains("watch") {
                    continue;
                }
                let (code, _) = raw(&sandbox, method, &uri, &[("content-type", media)], &body).await;
                prop_assert!(code < 600);
            }
            Ok(())
        })?;
    }
}

/// A definition may say anything about its schema; what reads it has to bear that.
#[tokio::test]
async fn strange_schema_of_a_definition_does_no_harm() {
    let strange = [
        json!(null),
        json!("x"),
        json!([]),
        json!({"properties": "x", "required": 1, "type": 7}),
        json!({"type": "object", "properties": {"spec": {"type": "array", "items": [], "enum": 1, "x-kubernetes-list-type": "map"}}}),
        json!({"type": "object", "properties": {"spec": {"pattern": "(", "minimum": "x", "default": {"a": 1}, "additionalProperties": 3}}}),
    ];
    for (number, schema) in strange.iter().enumerate() {
        let sandbox = Sandbox::in_memory();
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "odds.example.com"},
            "spec": {
                "group": "example.com", "scope": "Cluster",
                "names": {"plural": "odds", "kind": "Odd"},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": schema},
                    "additionalPrinterColumns": [{"name": "X", "type": "date", "jsonPath": "[.x[?(]"}],
                    "subresources": {"scale": {"specReplicasPath": "..", "statusReplicasPath": "["}},
                }],
            },
        });
        let headers = [("content-type", "application/json")];
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        raw(&sandbox, "POST", path, &headers, &definition.to_string()).await;
        for spec in [json!(null), json!("x"), json!([1, {"a": null}]), json!({"a": [null]})] {
            let odd = json!({"apiVersion": "example.com/v1", "kind": "Odd", "metadata": {"name": "o"}, "spec": spec});
            let odds = "/apis/example.com/v1/odds";
            raw(&sandbox, "POST", odds, &headers, &odd.to_string()).await;
            let apply = [("content-type", "application/apply-patch+yaml")];
            let patched = format!("{odds}/o?fieldManager=x&force=true");
            raw(&sandbox, "PATCH", &patched, &apply, &odd.to_string()).await;
            let scale = json!({"spec": {"replicas": 2}}).to_string();
            let merge = [("content-type", "application/merge-patch+json")];
            raw(&sandbox, "PATCH", &format!("{odds}/o/scale"), &merge, &scale).await;
            let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
            raw(&sandbox, "GET", odds, &table, "").await;
        }
        for document in ["/openapi/v3/apis/example.com/v1", "/apis/example.com/v1", "/api/v1/nodes"]
        {
            assert_eq!(raw(&sandbox, "GET", document, &[], "").await.0, 200, "{number} {document}");
        }
    }
}
