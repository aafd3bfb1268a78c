//! A sandbox that misbehaves on purpose: what a client sees, in the process and on a port.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use sandbox::{Fault, Matcher, Sandbox, WatchFault, Webhook};
use serde_json::{Value, json};

use crate::support::{apply, get, names, objects, raw, refusal, served};

fn map() -> Value {
    map_with("c", "1")
}

fn map_with(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"k": value},
    })
}

/// What a client says about an answer that is none.
fn said<T: std::fmt::Debug>(result: kube::Result<T>) -> String {
    match result.unwrap_err() {
        kube::Error::Api(status) => {
            format!("{} {}: {}", status.code, status.reason, status.message)
        }
        kube::Error::SerdeError(error) => format!("not JSON: {error}"),
        kube::Error::Service(error) => format!("no answer: {error}"),
        kube::Error::HyperError(error) => format!("broken answer: {error}"),
        other => format!("other: {other}"),
    }
}

/// The maps of a namespace that the test made.
async fn maps(client: &Client) -> kube::Result<Vec<String>> {
    let list = objects(client, "v1", "ConfigMap", "default").list(&ListParams::default()).await?;
    let names = list.items.into_iter().filter_map(|object| object.metadata.name);
    Ok(names.filter(|name| name != "kube-root-ca.crt").collect())
}

#[tokio::test]
async fn request_that_is_struck_gets_the_status_and_does_nothing() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let fault = Fault::Status {
        code: 403,
        reason: "Forbidden".to_owned(),
        message: "not today".to_owned(),
    };
    sandbox.faults().once(Matcher::Write { path: "/configmaps/".to_owned() }, fault);
    let (code, message) = refusal(apply(&client, &map()).await);
    assert_eq!((code, message.as_str()), (403, "not today"));
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "c").await, Value::Null);
    apply(&client, &map()).await.unwrap();
}

#[tokio::test]
async fn connection_that_breaks_before_did_nothing_and_after_did_everything() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let next = |faults: &sandbox::Faults| Matcher::Number(faults.requests() + 1);
    let faults = sandbox.faults();
    faults.once(next(&faults), Fault::DropBefore);
    assert!(apply(&client, &map()).await.is_err());
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "c").await, Value::Null);
    faults.once(next(&faults), Fault::DropAfter);
    assert!(apply(&client, &map()).await.is_err());
    assert_ne!(get(&client, "v1", "ConfigMap", "default", "c").await, Value::Null);
}

#[tokio::test]
async fn broken_connections_are_broken_on_a_port_too() {
    let sandbox = Sandbox::in_memory();
    let (client, serving) = served(&sandbox).await;
    let patch = || Matcher::verb("patch", "configmaps");
    sandbox.faults().once(patch(), Fault::DropBefore);
    let before = said(apply(&client, &map()).await);
    assert!(before.starts_with("no answer: "), "{before}");
    assert_eq!(maps(&client).await.unwrap(), [""; 0]);
    sandbox.faults().once(patch(), Fault::DropAfter);
    let after = said(apply(&client, &map()).await);
    assert_eq!(after, before, "a client cannot tell which it was");
    assert_eq!(maps(&client).await.unwrap(), ["c"]);
    serving.abort();
}

#[tokio::test]
async fn answer_that_breaks_off_is_an_error_and_the_request_was_carried_out() {
    let sandbox = Sandbox::in_memory();
    let (outside, serving) = served(&sandbox).await;
    for (number, client) in [sandbox.client(), outside].iter().enumerate() {
        let name = format!("c{number}");
        sandbox.faults().once(Matcher::verb("patch", "configmaps"), Fault::DropDuring);
        let text = said(apply(client, &map_with(&name, "1")).await);
        assert!(!text.starts_with("not JSON"), "HTTP itself tells: {text}");
        assert!(maps(client).await.unwrap().contains(&name));
        sandbox.faults().once(Matcher::verb("list", "configmaps"), Fault::DropDuring);
        assert!(maps(client).await.is_err());
    }
    serving.abort();
}

#[tokio::test]
async fn truncated_answer_is_good_http_and_bad_json() {
    let sandbox = Sandbox::in_memory();
    let (outside, serving) = served(&sandbox).await;
    for client in [sandbox.client(), outside] {
        sandbox.faults().once(Matcher::verb("list", "configmaps"), Fault::Truncated);
        let text = said(maps(&client).await);
        assert!(text.starts_with("not JSON: EOF while parsing"), "{text}");
        maps(&client).await.unwrap();
    }
    serving.abort();
}

#[tokio::test]
async fn page_of_a_proxy_in_between_is_no_list() {
    let sandbox = Sandbox::in_memory();
    let page = Fault::Answer {
        code: 200,
        content_type: "text/html".to_owned(),
        body: "<html>Please log in</html>".to_owned(),
    };
    sandbox.faults().once(Matcher::verb("list", "configmaps"), page);
    assert_eq!(said(maps(&sandbox.client()).await), "not JSON: expected value at line 1 column 1");
}

#[tokio::test]
async fn busy_server_says_when_to_come_back_or_does_not() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    for retry_after in [Some(7), None] {
        sandbox.faults().once(Matcher::Any, Fault::TooManyRequests { retry_after });
        let request =
            http::Request::get("/api/v1/nodes").body(kube::client::Body::empty()).unwrap();
        let answer = client.send(request).await.unwrap();
        let header = answer.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!((answer.status().as_u16(), header), (429, retry_after.map(|_| "7")));
    }
    let forever = Fault::TooManyRequests { retry_after: None };
    sandbox.faults().once(Matcher::Any, forever);
    let text = said(maps(&client).await);
    assert!(text.starts_with("429 ") && text.contains("Too many requests"), "{text}");
}

#[tokio::test]
async fn one_kind_or_one_namespace_is_out_of_reach() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let viewer = || Fault::Forbidden { user: "viewer".to_owned() };
    sandbox.faults().always(Matcher::verb("list", "secrets"), viewer());
    sandbox.faults().always(Matcher::verb("*", "configmaps").within("kube-system"), viewer());
    sandbox.faults().always(Matcher::verb("list", "deployments.apps").within(""), viewer());
    let list = async |version: &str, kind: &str, namespace: &str| {
        objects(&client, version, kind, namespace).list(&ListParams::default()).await
    };
    let refused = async |version: &str, kind: &str, namespace: &str| {
        refusal(list(version, kind, namespace).await).1
    };
    assert_eq!(
        refused("v1", "Secret", "default").await,
        r#"secrets is forbidden: User "viewer" cannot list resource "secrets" in API group "" in the namespace "default""#
    );
    assert_eq!(
        refused("apps/v1", "Deployment", "").await,
        r#"deployments.apps is forbidden: User "viewer" cannot list resource "deployments" in API group "apps" at the cluster scope"#
    );
    assert!(
        refused("v1", "ConfigMap", "kube-system").await.ends_with(r#"namespace "kube-system""#)
    );
    let read = objects(&client, "v1", "ConfigMap", "kube-system").get("a").await;
    assert_eq!(
        refusal(read).1,
        r#"configmaps "a" is forbidden: User "viewer" cannot get resource "configmaps" in API group "" in the namespace "kube-system""#
    );
    list("v1", "ConfigMap", "").await.unwrap();
    list("apps/v1", "Deployment", "kube-system").await.unwrap();
}

#[tokio::test]
async fn conflict_strikes_changes_and_is_not_used_up_by_reads() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    sandbox.faults().once(Matcher::Any, Fault::Conflict);
    maps(&client).await.unwrap();
    assert_eq!(
        said(apply(&client, &map()).await),
        "409 Conflict: Operation cannot be fulfilled on configmaps \"c\": the object has been modified; please apply your changes to the latest version and try again"
    );
    apply(&client, &map()).await.unwrap();
}

#[tokio::test]
async fn follower_that_lags_behind_answers_from_the_past() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    apply(&client, &map_with("old", "1")).await.unwrap();
    let version = sandbox.version();
    apply(&client, &map_with("old", "2")).await.unwrap();
    apply(&client, &map_with("new", "1")).await.unwrap();
    sandbox.faults().always(Matcher::Any, Fault::Stale { version });
    assert_eq!(maps(&client).await.unwrap(), ["old"]);
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "old").await["data"]["k"], "1");
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "new").await, Value::Null);
    let uri = "/api/v1/configmaps?limit=1";
    let list = raw(&sandbox, "GET", uri, &[], "").await.1;
    assert_eq!(list["metadata"]["resourceVersion"], version.to_string());
    let newer = format!("/api/v1/configmaps?resourceVersion={}", version + 1);
    let (code, status) = raw(&sandbox, "GET", &newer, &[], "").await;
    assert_eq!(
        (code, status["details"]["causes"][0]["reason"].as_str()),
        (504, Some("ResourceVersionTooLarge"))
    );
    sandbox.faults().clear();
    assert_eq!(maps(&client).await.unwrap(), ["new", "old"]);
}

#[tokio::test]
async fn webhook_changes_what_is_written_and_what_is_tried() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let change = json!({"metadata": {"labels": {"injected": "yes"}}, "data": {"k": null}});
    let webhook = Fault::Webhook(Webhook::Mutates(change));
    sandbox.faults().always(Matcher::verb("*", "configmaps"), webhook);
    let dry = PatchParams { dry_run: true, ..PatchParams::apply("clinch") };
    let api = objects(&client, "v1", "ConfigMap", "default");
    let tried = api.patch("c", &dry, &Patch::Apply(map())).await.unwrap();
    let written = apply(&client, &map()).await.unwrap();
    assert_eq!(tried.metadata.labels.unwrap()["injected"], "yes");
    assert_eq!(written["metadata"]["labels"], json!({"injected": "yes"}));
    assert_eq!(written["data"], Value::Null);
    let fields = &written["metadata"]["managedFields"][0]["fieldsV1"];
    assert_eq!(*fields, json!({"f:data": {"f:k": {}}}), "nobody owns what the webhook did");
    let again = apply(&client, &map()).await.unwrap();
    assert_eq!(again["metadata"]["resourceVersion"], written["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn webhook_refuses_what_is_valid_in_itself() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    apply(&client, &map()).await.unwrap();
    let webhook = Webhook::Refuses {
        name: "policy.example.com".to_owned(),
        code: 400,
        message: "keys are lower case".to_owned(),
    };
    sandbox.faults().always(Matcher::verb("*", "configmaps"), Fault::Webhook(webhook));
    let denied =
        "400 : admission webhook \"policy.example.com\" denied the request: keys are lower case";
    assert_eq!(said(apply(&client, &map()).await), denied);
    let api = objects(&client, "v1", "ConfigMap", "default");
    assert_eq!(said(api.delete("c", &kube::api::DeleteParams::default().dry_run()).await), denied);
    let invalid = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}, "data": {"a b": "1"}});
    assert!(said(apply(&client, &invalid).await).starts_with("422 Invalid"));
    assert_eq!(maps(&client).await.unwrap(), ["c"], "reads are not its business");
}

#[tokio::test(start_paused = true)]
async fn webhook_that_does_not_answer_fails_the_request_late() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let name = || "slow.example.com".to_owned();
    let slow = Webhook::TimesOut { name: name(), after: Duration::from_secs(10) };
    sandbox.faults().once(Matcher::verb("*", "configmaps"), Fault::Webhook(slow));
    let begun = tokio::time::Instant::now();
    let text = said(apply(&client, &map()).await);
    assert!(begun.elapsed() >= Duration::from_secs(10));
    assert!(text.starts_with("500 InternalError: Internal error occurred: failed calling webhook \"slow.example.com\": "), "{text}");
    assert!(text.ends_with("?timeout=10s\": context deadline exceeded"), "{text}");
    let down = Fault::Webhook(Webhook::IsDown { name: name() });
    sandbox.faults().once(Matcher::verb("*", "configmaps"), down);
    let text = said(apply(&client, &map()).await);
    assert!(text.ends_with("connect: connection refused"), "{text}");
    assert_eq!(maps(&client).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn kubelet_without_a_record_of_its_devices_takes_them_away() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let nodes = objects(&client, "v1", "Node", "");
    let dongles = |amount: &str| json!({"status": {"capacity": {"example.com/dongle": amount}}});
    let params = PatchParams { field_manager: Some("clinch".to_owned()), ..PatchParams::default() };
    nodes.patch_status("worker-1", &params, &Patch::Merge(dongles("4"))).await.unwrap();
    assert!(sandbox.forget_devices("worker-1"));
    let node = get(&client, "v1", "Node", "", "worker-1").await;
    for list in ["capacity", "allocatable"] {
        assert_eq!(node["status"][list]["example.com/dongle"], "0");
    }
    let mut config = dongles("4");
    config["apiVersion"] = json!("v1");
    config["kind"] = json!("Node");
    let applied =
        nodes.patch_status("worker-1", &PatchParams::apply("clinch"), &Patch::Apply(config)).await;
    let (code, message) = refusal(applied);
    assert_eq!(code, 409);
    assert!(message.contains("conflict with \"kubelet\" with subresource \"status\""), "{message}");
    assert!(!sandbox.forget_devices("nowhere"));
}

#[tokio::test(start_paused = true)]
async fn latency_delays_and_nothing_else() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let matcher = Matcher::Request { method: "PATCH".to_owned(), path: "/configmaps/".to_owned() };
    sandbox.faults().always(matcher, Fault::Latency(Duration::from_secs(3)));
    let begun = tokio::time::Instant::now();
    apply(&client, &map()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(3));
    sandbox.faults().clear();
    let begun = tokio::time::Instant::now();
    apply(&client, &map()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
}

/// What a watch of the maps of the default namespace says until it ends, or for a second.
async fn watched(client: &Client, fault: Option<(&Sandbox, WatchFault)>) -> Vec<String> {
    let since = objects(client, "v1", "ConfigMap", "default")
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    if let Some((sandbox, fault)) = fault {
        sandbox.faults().once(Matcher::verb("watch", "configmaps"), Fault::Watch(fault));
    }
    let api = objects(client, "v1", "ConfigMap", "default");
    let events = api.watch(&WatchParams::default().timeout(60), &since).await.unwrap();
    for value in ["1", "2", "3"] {
        apply(client, &map_with("c", value)).await.unwrap();
    }
    let shown = events.map(|event| match event {
        Ok(WatchEvent::Added(object)) => format!("added {}", object.data["data"]["k"]),
        Ok(WatchEvent::Modified(object)) => format!("modified {}", object.data["data"]["k"]),
        Ok(WatchEvent::Deleted(_)) => "deleted".to_owned(),
        Ok(WatchEvent::Bookmark(_)) => "bookmark".to_owned(),
        Ok(WatchEvent::Error(status)) => format!("error {} {}", status.code, status.reason),
        Err(_) => "broken".to_owned(),
    });
    let mut seen = Vec::new();
    let mut shown = std::pin::pin!(shown);
    loop {
        match tokio::time::timeout(Duration::from_secs(1), shown.next()).await {
            Ok(Some(event)) => seen.push(event),
            Ok(None) => break,
            Err(_) => {
                seen.push("silence".to_owned());
                break;
            }
        }
    }
    let api = objects(client, "v1", "ConfigMap", "default");
    api.delete("c", &kube::api::DeleteParams::default()).await.unwrap();
    seen
}

#[tokio::test]
async fn watches_are_cut_in_every_way() {
    let sandbox = Sandbox::in_memory();
    let (outside, serving) = served(&sandbox).await;
    let all = [r#"added "1""#, r#"modified "2""#, r#"modified "3""#, "silence"];
    // A client that reads from a port takes the end of a connection for the end of a watch.
    for (client, broken) in [(sandbox.client(), &["broken"][..]), (outside, &[])] {
        let cut = |fault| watched(&client, Some((&sandbox, fault)));
        assert_eq!(watched(&client, None).await, all);
        assert_eq!(cut(WatchFault::Closes { after: 1 }).await, all[..1]);
        assert_eq!(cut(WatchFault::Closes { after: 0 }).await, [""; 0]);
        assert_eq!(cut(WatchFault::Expires { after: 1 }).await, [all[0], "error 410 Expired"]);
        assert_eq!(cut(WatchFault::Bookmarks { after: 1 }).await, [all[0], "bookmark"]);
        assert_eq!(cut(WatchFault::FallsSilent { after: 2 }).await, [all[0], all[1], "silence"]);
        assert_eq!(cut(WatchFault::Breaks { after: 1 }).await, [&all[..1], broken].concat());
        assert_eq!(
            cut(WatchFault::Repeats).await,
            [all[0], all[0], all[1], all[1], all[2], all[2], "silence"]
        );
        assert_eq!(cut(WatchFault::Swaps).await, [all[1], all[0], "silence"]);
    }
    serving.abort();
}

#[tokio::test]
async fn watcher_of_the_client_library_survives_a_cut_watch() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    sandbox.faults().times(2, Matcher::Any, Fault::Watch(WatchFault::Expires { after: 0 }));
    let api = objects(&client, "v1", "ConfigMap", "default");
    let since = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    for _ in 0..2 {
        let events = api.watch(&WatchParams::default(), &since).await.unwrap();
        let events: Vec<_> = events.try_collect().await.unwrap();
        assert!(matches!(events.as_slice(), [WatchEvent::Error(status)] if status.code == 410));
    }
    apply(&client, &map()).await.unwrap();
    let mut events = api.watch(&WatchParams::default(), &since).await.unwrap().boxed();
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Added(_)))));
    assert_eq!(names(&client, "v1", "ConfigMap", "default").await, ["c", "kube-root-ca.crt"]);
}
