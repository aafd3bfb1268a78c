//! Target, data source, and finding what is ours.

use super::*;

#[tokio::test]
async fn the_cluster_is_known_by_the_uid_of_its_own_namespace() {
    let server = server(|seen| match seen.path.as_str() {
        "/version" => Reply::json(json!({"gitVersion": "v1.36.2"})),
        "/api/v1/namespaces/kube-system" => Reply::json(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "c1"},
        })),
        path => Reply::text(500, path),
    });
    let target = provider(&server).target().await.expect("a cluster");
    assert_eq!((target.uid.as_str(), target.version.as_str()), ("c1", "v1.36.2"));
    assert_eq!(
        (target.name.as_str(), target.server.as_str()),
        ("scripted", "https://scripted.test:6443")
    );
}

#[tokio::test]
async fn a_cluster_that_cannot_be_told_from_others_is_refused() {
    for reply in [
        Reply::refusal(403, "Forbidden", "User \"jane\" cannot get resource \"namespaces\""),
        Reply::not_found("kube-system"),
        Reply::json(json!({"kind": "Namespace", "metadata": {"name": "kube-system"}})),
    ] {
        let server = server(move |seen| match seen.path.as_str() {
            "/version" => Reply::json(json!({"gitVersion": "v1.36.2"})),
            _ => reply.clone(),
        });
        let problem = provider(&server).target().await.expect_err("no identity");
        assert_eq!(problem.summary, "The cluster cannot be told from others");
    }
}

fn node(name: &str, control_plane: bool) -> Json {
    let mut node = json!({
        "metadata": {"name": name, "labels": {"disk": "ssd"}},
        "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
        "status": {
            "capacity": {"cpu": "4"}, "allocatable": {"cpu": "3"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {
                "kubeletVersion": "v1.36.2", "operatingSystem": "linux", "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.1.0",
            },
        },
    });
    if control_plane {
        node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = "".into();
    }
    node
}

async fn nodes(args: Json) -> (Value, Server) {
    let server = server(|_| {
        let items = [node("w2", false), node("c1", true), node("w1", false)];
        Reply::json(json!({"kind": "NodeList", "metadata": {}, "items": items}))
    });
    let ty = crate::type_name("nodes");
    let read = provider(&server).read(&ty, from_json(&args)).await.expect("nodes");
    (read, server)
}

#[tokio::test]
async fn nodes_come_sorted_by_name_with_what_plans_need() {
    let (read, _) = nodes(json!({"control_plane": false})).await;
    assert_eq!(format!("{:?}", read.get("names")), r#"Some(["w1", "w2"])"#);
    let first = read.get("nodes").and_then(Value::as_list).and_then(<[Value]>::first);
    insta::assert_debug_snapshot!(first, @r#"
    Some(
        {
            "allocatable": {
                "cpu": "3",
            },
            "architecture": "amd64",
            "capacity": {
                "cpu": "4",
            },
            "container_runtime": "containerd://2.1.0",
            "internal_ip": "10.0.0.1",
            "kubelet_version": "v1.36.2",
            "labels": {
                "disk": "ssd",
            },
            "name": "w1",
            "os": "linux",
            "ready": true,
            "taints": [
                {
                    "effect": "NoSchedule",
                    "key": "a",
                    "value": null,
                },
            ],
            "unschedulable": false,
        },
    )
    "#);
    let (read, _) = nodes(json!({"control_plane": true})).await;
    assert_eq!(format!("{:?}", read.get("names")), r#"Some(["c1"])"#);
}

#[tokio::test]
async fn a_selector_is_left_to_the_server() {
    let (_, server) = nodes(json!({"selector": {"disk": "ssd", "zone": "a"}})).await;
    assert!(server.seen().iter().any(|s| s.asks("labelSelector=disk%3Dssd%2Czone%3Da")));
}

fn marked(name: &str, uid: &str) -> Json {
    json!({"metadata": {"name": name, "namespace": "a", "uid": uid}})
}

#[tokio::test]
async fn every_object_with_the_mark_is_found_and_typed() {
    let server = server(|seen| {
        let items = match seen.path.as_str() {
            "/api/v1/configmaps" => vec![marked("x", "u1")],
            "/apis/apps/v1/deployments" => vec![marked("d", "u2")],
            // A node says in an annotation what of it is whose.
            "/api/v1/nodes" if !seen.query.contains("labelSelector") => {
                let mut node = marked("w1", "u3");
                node["metadata"]["annotations"]["clinch/node-settings"] =
                    json!("v1 team\nlabel disk\n");
                return Reply::json(json!({"kind": "List", "metadata": {}, "items": [node]}));
            }
            _ => Vec::new(),
        };
        assert!(seen.query.contains("labelSelector=applyset.kubernetes.io%2Fpart-of%3Dapplyset-"));
        Reply::json(json!({"kind": "List", "metadata": {}, "items": items}))
    });
    let found = provider(&server).find("team").await.expect("found");
    let shown: Vec<String> =
        found.found.iter().map(|f| format!("{} {} {:?}", f.ty, f.identity.shown, f.uid)).collect();
    assert_eq!(
        shown,
        [
            "config_map ConfigMap a/x Some(\"u1\")",
            "node_settings settings of node w1 Some(\"u3\")",
            "object Deployment a/d Some(\"u2\")",
        ]
    );
}

#[tokio::test]
async fn a_kind_of_ours_that_may_not_be_listed_makes_the_search_fail() {
    let server = server(|seen| match seen.path.as_str() {
        "/api/v1/configmaps" => forbidden(seen),
        _ => Reply::json(json!({"kind": "List", "metadata": {}, "items": []})),
    });
    let problem = provider(&server).find("team").await.expect_err("incomplete");
    assert!(problem.detail.contains("User `jane` may not list configmaps"), "{}", problem.detail);
}
