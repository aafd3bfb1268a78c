//! Watches: everything is told once, in order, and silence is explained.

use futures::StreamExt;
use http_body_util::BodyExt;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{apply, raw};

fn map(name: &str, label: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {"l": label}},
    })
}

/// The next lines of a watch, as type and name.
async fn lines(sandbox: &Sandbox, query: &str, count: usize) -> Vec<(String, String)> {
    let uri = format!("/api/v1/namespaces/default/configmaps?watch=true&{query}");
    let request =
        http::Request::get(uri).body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    let response = sandbox.service().oneshot(request).await.unwrap();
    let body = response.into_body().into_data_stream();
    let lines: Vec<_> = body.take(count).collect().await;
    lines
        .into_iter()
        .map(|line| {
            let event: Value = serde_json::from_slice(&line.unwrap()).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&event["type"]), text(&event["object"]["metadata"]["name"]))
        })
        .collect()
}

async fn version(sandbox: &Sandbox) -> String {
    let (_, list) = raw(sandbox, "GET", "/api/v1/configmaps?limit=1", &[], "").await;
    list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

fn pairs(want: &[(&str, &str)]) -> Vec<(String, String)> {
    want.iter().map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())).collect()
}

#[tokio::test]
async fn watch_from_a_version_tells_what_happened_since() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let start = version(&sandbox).await;
    apply(&client, &map("a", "1")).await.unwrap();
    apply(&client, &map("a", "2")).await.unwrap();
    raw(&sandbox, "DELETE", "/api/v1/namespaces/default/configmaps/a", &[], "").await;
    let seen = lines(&sandbox, &format!("resourceVersion={start}"), 3).await;
    assert_eq!(seen, pairs(&[("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]));
}

#[tokio::test]
async fn object_that_leaves_the_selection_is_deleted_for_the_watcher() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let start = version(&sandbox).await;
    apply(&client, &map("a", "other")).await.unwrap();
    apply(&client, &map("a", "mine")).await.unwrap();
    apply(&client, &map("a", "other")).await.unwrap();
    let query = format!("resourceVersion={start}&labelSelector=l%3Dmine");
    assert_eq!(lines(&sandbox, &query, 2).await, pairs(&[("ADDED", "a"), ("DELETED", "a")]));
}

#[tokio::test]
async fn change_wakes_a_watch_that_waits() {
    let sandbox = Sandbox::in_memory();
    let start = version(&sandbox).await;
    let waiting = {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { lines(&sandbox, &format!("resourceVersion={start}"), 1).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    apply(&sandbox.client(), &map("late", "1")).await.unwrap();
    assert_eq!(waiting.await.unwrap(), pairs(&[("ADDED", "late")]));
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark_that_says_so() {
    let sandbox = Sandbox::in_memory();
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let seen = lines(&sandbox, query, 2).await;
    assert_eq!(seen, pairs(&[("ADDED", "kube-root-ca.crt"), ("BOOKMARK", "")]));
}

#[tokio::test(start_paused = true)]
async fn quiet_watch_ends_at_its_timeout_with_a_bookmark() {
    let sandbox = Sandbox::in_memory();
    let start = version(&sandbox).await;
    let query = format!("resourceVersion={start}&timeoutSeconds=5&allowWatchBookmarks=true");
    assert_eq!(lines(&sandbox, &query, 9).await, pairs(&[("BOOKMARK", "")]));
}

#[tokio::test]
async fn watch_from_a_forgotten_version_is_told_so() {
    let sandbox = Sandbox::in_memory_with(Options { history: 5, ..Options::real() });
    let client = sandbox.client();
    for name in ["a", "b", "c", "d", "e", "f"] {
        apply(&client, &map(name, "1")).await.unwrap();
    }
    let uri = "/api/v1/configmaps?watch=true&resourceVersion=5";
    let (code, event) = raw(&sandbox, "GET", uri, &[], "").await;
    assert_eq!((code, &event["type"]), (200, &json!("ERROR")));
    assert_eq!(
        (&event["object"]["code"], &event["object"]["reason"]),
        (&json!(410), &json!("Expired"))
    );
}

#[tokio::test]
async fn page_of_a_forgotten_version_is_410() {
    let sandbox = Sandbox::in_memory_with(Options { history: 5, ..Options::real() });
    let client = sandbox.client();
    let (_, first) = raw(&sandbox, "GET", "/api/v1/configmaps?limit=1", &[], "").await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    for name in ["a", "b", "c", "d", "e", "f"] {
        apply(&client, &map(name, "1")).await.unwrap();
    }
    let uri = format!("/api/v1/configmaps?limit=1&continue={token}");
    let (code, status) = raw(&sandbox, "GET", &uri, &[], "").await;
    assert_eq!((code, status["reason"].as_str()), (410, Some("Expired")));
}
