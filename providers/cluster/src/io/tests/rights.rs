//! Which rights operations need, and how few questions that takes.

use super::{Reply, Server, apply_op, config_map, op, provider, server};
use crate::api::ObjectRef;
use plans::Op;
use serde_json::{Value as Json, json};

/// A server that allows what `allows` says of `verb resource in namespace/name`.
fn allowing(allows: impl Fn(&str) -> bool + Send + 'static) -> Server {
    server(move |seen| {
        assert!(seen.path.ends_with("/selfsubjectaccessreviews"), "{seen}");
        let review = seen.json();
        let asked = &review["spec"]["resourceAttributes"];
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let sub = match text("subresource") {
            sub if sub.is_empty() => sub,
            sub => format!("/{sub}"),
        };
        let (verb, resource) = (text("verb"), text("resource"));
        let what = format!("{verb} {resource}{sub} in {}/{}", text("namespace"), text("name"));
        Reply::json(
            json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": allows(&what)}}),
        )
    })
}

fn questions(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.method == "POST").count()
}

/// Rights that are missing, with the positions of who needs them.
async fn missing(server: &Server, ops: &[Op]) -> Vec<String> {
    let asked = provider(server).rights(ops, Vec::new()).await.expect("answered");
    let lacks = asked.into_iter().filter(|asked| asked.right.allowed == Some(false));
    lacks.map(|asked| format!("{} {:?}", asked.right, asked.ops)).collect()
}

fn new(namespace: &str, name: &str) -> Op {
    apply_op(&config_map(namespace, name), "1", Json::Null, true)
}

fn gone(namespace: &str, name: &str) -> Op {
    op("delete", &config_map(namespace, name), json!({}), json!({"uid": "u1"}))
}

#[tokio::test]
async fn whoever_may_do_everything_is_asked_once() {
    let server = allowing(|_| true);
    let ops: Vec<Op> = (0..50).map(|i| new(&format!("n{i}"), "a")).collect();
    assert_eq!(missing(&server, &ops).await, [""; 0]);
    assert_eq!(questions(&server), 1);
    // Nothing to do is nothing to ask.
    assert_eq!(missing(&server, &[]).await, [""; 0]);
    assert_eq!(questions(&server), 1);
}

#[tokio::test]
async fn a_right_for_all_namespaces_is_asked_for_once() {
    let server = allowing(|what| what.contains(" configmaps in /"));
    let ops: Vec<Op> = (0..50).map(|i| new(&format!("n{i}"), "a")).collect();
    assert_eq!(missing(&server, &ops).await, [""; 0]);
    // Everything, and then get, create and patch.
    assert_eq!(questions(&server), 4);
}

#[tokio::test]
async fn every_missing_right_is_told_with_who_needs_it() {
    let server = allowing(|what| what.contains(" in a/"));
    let node = ObjectRef::cluster_wide("v1", "Node", "w1");
    let ops = [
        new("a", "x"),
        gone("b", "x"),
        gone("b", "y"),
        op("set_capacity", &node, json!({}), Json::Null),
    ];
    assert_eq!(
        missing(&server, &ops).await,
        [
            "delete configmaps in namespace `b` [1, 2]",
            "get configmaps in namespace `b` [1, 2]",
            "get nodes in the whole cluster [3]",
            "patch nodes/status in the whole cluster [3]",
        ]
    );
}

#[tokio::test]
async fn a_right_for_single_objects_is_a_right() {
    let server = allowing(|what| what.ends_with("in b/x") || what.starts_with("get configmaps"));
    assert_eq!(missing(&server, &[gone("b", "x")]).await, [""; 0]);
    let both = [gone("b", "x"), gone("b", "y")];
    assert_eq!(missing(&server, &both).await, ["delete configmaps `y` in namespace `b` [1]"]);
}

#[tokio::test]
async fn rights_that_nobody_tells_are_not_missing() {
    let server = server(|_| Reply::refusal(403, "Forbidden", "no"));
    let asked = provider(&server).rights(&[new("a", "x")], Vec::new()).await.expect("answered");
    assert!(asked.iter().all(|asked| asked.right.allowed.is_none()), "{asked:?}");
    assert_eq!(asked.len(), 3);
}

#[test]
fn missing_rights_are_given_by_as_few_rules_as_possible() {
    let right = |verb: &str, group: &str, resource: &str, namespace: Option<&str>| plans::Right {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: None,
        needed_by: Vec::new(),
        allowed: Some(false),
    };
    let missing = [
        right("patch", "", "configmaps", Some("a")),
        right("create", "", "configmaps", Some("a")),
        right("patch", "", "secrets", Some("a")),
        right("create", "", "secrets", Some("a")),
        right("patch", "", "nodes/status", None),
    ];
    insta::assert_snapshot!(crate::io::grant(&missing.iter().collect::<Vec<_>>()), @r#"
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: { name: clinch }
    rules:
    - { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] }
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: { name: clinch, namespace: a }
    rules:
    - { apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["create", "patch"] }
    "#);
}

#[tokio::test]
async fn every_operation_needs_rights_and_an_unknown_one_is_an_error() {
    let node = ObjectRef::cluster_wide("v1", "Node", "w1");
    let map = config_map("a", "m");
    for (name, object, wanted) in [
        ("apply", &map, "get configmaps, patch configmaps"),
        ("release", &map, "get configmaps, patch configmaps"),
        ("delete", &map, "delete configmaps, get configmaps"),
        ("set_capacity", &node, "get nodes, patch nodes/status"),
        ("unset_capacity", &node, "get nodes, patch nodes/status"),
        ("set_node", &node, "get nodes, patch nodes"),
    ] {
        let ops = [op(name, object, json!({}), Json::Null)];
        let asked = provider(&allowing(|_| true)).rights(&ops, Vec::new()).await.expect("answered");
        let rights =
            asked.iter().map(|asked| format!("{} {}", asked.right.verb, asked.right.resource));
        assert_eq!(rights.collect::<Vec<_>>().join(", "), wanted, "{name}");
    }
    let ops = [op("explode", &map, json!({}), Json::Null)];
    let problem =
        provider(&allowing(|_| true)).rights(&ops, Vec::new()).await.expect_err("refused");
    assert_eq!(problem.detail, "There is no operation `explode`.");
}
