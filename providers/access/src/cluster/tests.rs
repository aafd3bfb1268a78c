use super::*;
use crate::scripted::{Reply, Seen, Server, discovery};
use serde_json::json;
use std::collections::BTreeSet;

fn config_maps() -> Resource {
    Resource {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
        namespaced: true,
        verbs: BTreeSet::new(),
        subresources: BTreeSet::new(),
    }
}

async fn get(server: &Server) -> Result<Json, ClusterError> {
    server.cluster().get(&config_maps(), Some("a"), "x").await
}

/// The whole problem as a person sees it.
async fn told(reply: Reply) -> String {
    let server = Server::new(move |_| reply.clone());
    let error = get(&server).await.expect_err("an error");
    let problem = error.to_problem();
    // How often depends on chance, so that many clients do not come back at once.
    let tried = format!("tried {} times", error.attempts);
    let detail = problem.detail.replace(&tried, "tried N times");
    let help = problem.help.map_or(String::new(), |help| format!("\n-> {help}"));
    format!("{}: {}\n{detail}{help}", problem.code, problem.summary)
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_trouble_is_told_in_its_own_words() {
    insta::assert_snapshot!(
        told(Reply::refusal(401, "Unauthorized", "Unauthorized")).await,
        @r"
    E0713: The server does not accept the credentials
    https://scripted.test:6443 (context `scripted`) answered 401 to: get configmaps a/x. Unauthorized.
    -> The token or certificate has probably expired. Log in to the cluster again, or choose another context with `-context`.
    "
    );
    insta::assert_snapshot!(
        told(Reply::refusal(403, "Forbidden", "configmaps \"x\" is forbidden: User \"jane\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"a\"")).await,
        @r#"
    E0714: The server does not allow this
    User `jane` may not get configmaps in namespace `a`. The server said: configmaps "x" is forbidden: User "jane" cannot get resource "configmaps" in API group "" in the namespace "a".
    -> Ask for the right to get configmaps; this shows what is allowed:
      kubectl auth can-i get configmaps -n a
    "#
    );
    insta::assert_snapshot!(
        told(Reply::refusal(403, "Forbidden", "pods \"x\" is forbidden: exceeded quota: q")).await,
        @r#"
    E0717: The server refuses this
    Asked to get configmaps a/x, the server answered: pods "x" is forbidden: exceeded quota: q.
    "#
    );
    insta::assert_snapshot!(
        told(Reply::refusal(503, "ServiceUnavailable", "the server is starting")).await,
        @r"
    E0715: The server cannot answer at the moment
    Asked to get configmaps a/x, https://scripted.test:6443 (context `scripted`) answered 503: the server is starting. It was tried N times.
    -> This is usually over after a while; try again.
    "
    );
    insta::assert_snapshot!(
        told(Reply::hang()).await,
        @r"
    E0711: The server does not answer
    Asked to get configmaps a/x, https://scripted.test:6443 (context `scripted`) gave no answer for 65s.
    -> Check the network or VPN between here and the server.
    "
    );
    insta::assert_snapshot!(
        told(Reply::text(200, "<html>\x1b[31mlog in</html>")).await,
        @r"
    E0716: The server's answer cannot be understood
    Asked to get configmaps a/x, the server answered something that is not JSON (at line 1, column 1).
    -> Something between here and the API server may have cut or replaced the answer. Nothing was concluded from it; try again.
    "
    );
    insta::assert_snapshot!(
        told(Reply::text(302, "").with_header("location", "https://login.example/")).await,
        @r"
    E0716: The server's answer cannot be understood
    Asked to get configmaps a/x, the server answered something that sends the client to https://login.example/; an API server does not do that.
    -> Something between here and the API server may have cut or replaced the answer. Nothing was concluded from it; try again.
    "
    );
    insta::assert_snapshot!(
        told(Reply::status(json!({
            "code": 422, "reason": "Invalid", "message": "ConfigMap \"x\" is invalid",
            "details": {"causes": [{"field": "data.k", "message": "must be short", "reason": "FieldValueInvalid"}]},
        }))).await,
        @r#"
    E0717: The server refuses this
    Asked to get configmaps a/x, the server answered: ConfigMap "x" is invalid. data.k must be short.
    "#
    );
}

#[tokio::test]
async fn a_missing_object_a_missing_path_and_a_missing_namespace_are_three_things() {
    let missing = |reply: Reply| async move {
        let server = Server::new(move |_| reply.clone());
        let error = get(&server).await.expect_err("not there");
        (error.is_object_not_found(), error.is_path_not_found())
    };
    assert_eq!(missing(Reply::not_found("x")).await, (true, false));
    assert_eq!(missing(Reply::no_such_path()).await, (false, true));
    let namespace = json!({
        "code": 404, "reason": "NotFound", "message": "namespaces \"a\" not found",
        "details": {"kind": "namespaces", "name": "a"},
    });
    assert_eq!(missing(Reply::status(namespace)).await, (true, false));
    // What a gateway says about a path in the form of the API.
    let gateway = json!({
        "code": 404, "reason": "NotFound",
        "message": "the server could not find the requested resource", "details": {},
    });
    assert_eq!(missing(Reply::status(gateway)).await, (false, false));
}

#[tokio::test]
async fn two_conflicts_of_one_status_are_told_apart() {
    let stale = r#"{"kind":"Status","reason":"Conflict","message":"the object has been modified"}"#;
    let owned = r#"{"kind":"Status","reason":"Conflict","message":"conflict with \"kubectl\"",
        "details":{"causes":[{"reason":"FieldManagerConflict","field":".data.k"}]}}"#;
    let gone = r#"{"kind":"Status","reason":"Conflict",
        "message":"Precondition failed: UID in precondition: a, UID in object meta: b"}"#;
    let flags = |body: &str| {
        let r = Refusal::read(409, None, body.as_bytes());
        (r.is_stale_version(), r.is_manager_conflict(), r.is_other_uid())
    };
    assert_eq!(flags(stale), (true, false, false));
    assert_eq!(flags(owned), (false, true, false));
    assert_eq!(flags(gone), (false, false, true));
}

#[tokio::test(start_paused = true)]
async fn the_server_decides_how_long_to_wait_but_not_for_ever() {
    for (after, tries) in [("3", 6), ("600", 1)] {
        let server = Server::new(move |_| {
            Reply::refusal(429, "TooManyRequests", "later").with_header("retry-after", after)
        });
        let began = Instant::now();
        let error = get(&server).await.expect_err("busy");
        assert_eq!((error.attempts, server.seen().len()), (tries, tries as usize), "{after}");
        assert!(began.elapsed() <= PATIENCE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_been_carried_out_is_not_sent_again_blindly() {
    let ops = json!([{"op": "add", "path": "/data/k", "value": "v"}]);
    for reply in [Reply::reset(), Reply::refusal(504, "Timeout", "too slow")] {
        let server = Server::new(move |_| reply.clone());
        let patch =
            JsonPatch { operations: &ops, manager: "clinch", subresource: None, dry_run: false };
        let cluster = server.cluster();
        let error = cluster.json_patch(&config_maps(), Some("a"), "x", patch).await;
        let error = error.expect_err("no answer");
        assert!(error.may_have_taken_effect(), "{error:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn no_more_than_sixteen_requests_are_in_flight() {
    use std::sync::atomic::AtomicUsize;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let service = tower::service_fn({
        let (now, most) = (now.clone(), most.clone());
        move |_: Request<Body>| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                let body = r#"{"kind":"ConfigMap","metadata":{"name":"x"}}"#;
                let body = http_body_util::Full::new(Bytes::from_static(body.as_bytes()));
                Ok::<_, std::io::Error>(Response::new(body))
            }
        }
    });
    let cluster = Cluster::from_client(kube::Client::new(service, "default"), "t", "t");
    let resource = config_maps();
    let gets = (0..100).map(|_| cluster.get(&resource, Some("a"), "x"));
    assert!(futures::future::join_all(gets).await.iter().all(Result::is_ok));
    assert!((2..=IN_FLIGHT).contains(&most.load(Ordering::SeqCst)));
}

fn page(names: &[&str], more: &str) -> Reply {
    let items: Vec<Json> =
        names.iter().map(|n| json!({"metadata": {"name": n, "namespace": "a"}})).collect();
    Reply::json(json!({
        "kind": "ConfigMapList",
        "metadata": {"resourceVersion": "7", "continue": more}, "items": items,
    }))
}

async fn list(server: &Server) -> Result<Vec<String>, ClusterError> {
    let keep = |item: Json| item["metadata"]["name"].as_str().map(str::to_owned);
    server.cluster().list(&config_maps(), Query::default(), keep).await.map(|l| l.items)
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let server = Server::new(|seen| match seen.query.as_str() {
        "limit=1000" => page(&["a", "b"], "p2"),
        "limit=1000&continue=p2" => page(&["c"], "p3%=&"),
        "limit=1000&continue=p3%25%3D%26" => page(&[], ""),
        other => Reply::text(500, other),
    });
    assert_eq!(list(&server).await.ok(), Some(["a", "b", "c"].map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn items_of_a_list_say_what_they_are_like_single_objects() {
    let server = Server::new(|_| page(&["a"], ""));
    let all = server.cluster().list(&config_maps(), Query::default(), Some).await;
    let item = all.map(|l| l.items).unwrap_or_default().remove(0);
    assert_eq!((&item["apiVersion"], &item["kind"]), (&json!("v1"), &json!("ConfigMap")));
}

#[tokio::test]
async fn items_as_values_are_what_items_as_documents_are() {
    let item = r#"{"metadata":{"name":"a"},"data":{"x":"\u00e9","x":"2"},"n":[1,-0.5,18446744073709551615]}"#;
    let body = format!(r#"{{"kind":"ConfigMapList","metadata":{{}},"items":[{item}]}}"#);
    let server = Server::new(move |_| Reply::text(200, &body));
    let (cluster, reader) = (server.cluster(), crate::json::Reader::default());
    let both = |item: Item<'_>| Ok(Some((item.key()?, item.value(&reader)?, item.json()?)));
    let listing = cluster.list_items(&config_maps(), Query::default(), both).await;
    let (key, value, document) = listing.map(|l| l.items).unwrap_or_default().remove(0);
    assert_eq!(key, (String::new(), "a".to_owned()));
    assert_eq!(value, crate::json::from_json(&document));
    assert_eq!(value.get("kind").and_then(values::Value::as_str), Some("ConfigMap"));
}

#[tokio::test]
async fn an_item_is_named_by_its_metadata_wherever_that_stands() {
    for (item, want) in [
        (r#"{"metadata":{"name":"a","namespace":"n","uid":1}}"#, Some(("n", "a"))),
        (
            r#"{"x":{"name":"x"},"metadata":{"namespace":"n","of":{"name":"y"},"name":"a"}}"#,
            Some(("n", "a")),
        ),
        (r#"{"metadata":{"name":"a"},"namespace":"n"}"#, Some(("", "a"))),
        (r#"{"metadata":{"namespace":"n"},"name":"a"}"#, None),
        (r#"{"metadata":{"name":7,"namespace":"n"}}"#, None),
        (r#"{"metadata":[],"kind":"ConfigMap"}"#, None),
    ] {
        let body = format!(r#"{{"kind":"ConfigMapList","metadata":{{}},"items":[{item}]}}"#);
        let server = Server::new(move |_| Reply::text(200, &body));
        let key = |item: Item<'_>| item.key().map(Some);
        let read = server.cluster().list_items(&config_maps(), Query::default(), key).await;
        let want = want.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
        assert_eq!(read.ok().map(|l| l.items), want.map(|key| vec![key]), "{item}");
    }
}

#[tokio::test]
async fn an_item_that_is_nested_too_deep_is_an_error_and_no_crash() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let apart =
        |name: &str| format!(r#"{{"{name}":"#).repeat(100_000) + "{}" + &"}".repeat(100_000);
    for deep in [deep, apart("fieldsV1"), apart("managedFields")] {
        nested_too_deep(&deep).await;
    }
}

async fn nested_too_deep(deep: &str) {
    let item = format!(r#"{{"metadata":{{"name":"a"}},"deep":{deep}}}"#);
    let body = format!(r#"{{"kind":"ConfigMapList","metadata":{{}},"items":[{item}]}}"#);
    let server = Server::new(move |_| Reply::text(200, &body));
    let (cluster, reader) = (server.cluster(), crate::json::Reader::default());
    let keep = |item: Item<'_>| item.value(&reader).map(Some);
    let read = cluster.list_items(&config_maps(), Query::default(), keep).await;
    let told = read.map(|l| l.items.len()).expect_err("too deep").to_string();
    assert!(told.contains("has an item (`ConfigMap`) that cannot be read"), "{told}");
    assert!(list(&server).await.is_err());
}

#[tokio::test]
async fn a_list_that_expires_again_and_again_is_asked_for_in_one_piece() {
    let server = Server::new(|seen| match seen.query.as_str() {
        "limit=1000" => page(&["a"], "p2"),
        "" => page(&["a", "b"], ""),
        _ => Reply::refusal(410, "Expired", "too old"),
    });
    assert_eq!(list(&server).await.ok(), Some(["a", "b"].map(str::to_owned).to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_on_a_later_page_is_an_error() {
    for last in [
        Reply::text(200, r#"{"kind":"ConfigMapList","metadata":{},"items":[{"metadata":{"name":"#),
        page(&["b"], "").then_break(),
        page(&["b"], "").then_silence(),
        page(&["b"], "p2"),
        Reply::text(200, ""),
        Reply::reset(),
        Reply::json(json!({"kind": "ConfigMapList", "metadata": {}, "items": [{}]})),
        Reply::json(json!({"kind": "ConfigMapList", "metadata": {}, "items": ["x"]})),
    ] {
        let shown = format!("{last:?}");
        let server = Server::new(move |seen| match seen.query.as_str() {
            "limit=1000" => page(&["a"], "p2"),
            _ => last.clone(),
        });
        assert!(list(&server).await.is_err(), "{shown}");
    }
}

#[tokio::test]
async fn kinds_are_discovered_once_for_all_who_ask() {
    let server = Server::new(|seen| {
        discovery(seen, &["v1/ConfigMap/configmaps", "apps/v1/Deployment/deployments"])
            .unwrap_or_else(Reply::no_such_path)
    });
    let cluster = server.cluster();
    let asks = (0..8).map(|_| cluster.resolve("apps/v1", "Deployment"));
    for found in futures::future::join_all(asks).await {
        assert_eq!(found.ok().flatten().map(|r| r.shown()).as_deref(), Some("deployments.apps"));
    }
    assert_eq!(cluster.resolve("apps/v1", "Deploymnt").await.ok(), Some(None));
    assert_eq!(server.seen().len(), 2);
    cluster.forget_discovery().await;
    assert!(cluster.resolve("v1", "ConfigMap").await.is_ok());
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_server_without_aggregated_discovery_is_asked_group_by_group() {
    let server = Server::new(|seen: &Seen| match seen.path.as_str() {
        "/api" => Reply::json(json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => Reply::json(json!({"kind": "APIGroupList", "groups": [
            {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]},
        ]})),
        "/apis/apps/v1" => Reply::json(json!({"kind": "APIResourceList", "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": ["list"]},
            {"name": "deployments/status", "kind": "Deployment", "namespaced": true, "verbs": ["get"]},
        ]})),
        other => Reply::text(500, other),
    });
    let cluster = server.cluster();
    for _ in 0..2 {
        let found = cluster.resolve("apps/v1", "Deployment").await.ok().flatten();
        let found = found.expect("a kind");
        assert!(found.namespaced && found.subresources.contains("status"));
    }
    assert_eq!(cluster.resolve("batch/v1", "Job").await.ok(), Some(None));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn what_is_no_discovery_is_an_error_and_not_an_empty_cluster() {
    for body in ["{}", r#"{"kind":"Status"}"#, r#"{"kind":"APIGroupDiscoveryList"}"#, "<html>"] {
        let server = Server::new(move |_| Reply::text(200, body));
        assert!(server.cluster().resolve("v1", "ConfigMap").await.is_err(), "{body}");
    }
}

async fn watched(reply: Reply) -> Vec<String> {
    let server = Server::new(move |_| reply.clone());
    let lasting = Duration::from_secs(5);
    let watch = server.cluster().watch_one(&config_maps(), Some("a"), "x", "7", lasting).await;
    let mut watch = match watch {
        Ok(watch) => watch,
        Err(error) => return vec![format!("no watch: {:?}", error.code())],
    };
    let mut heard = Vec::new();
    loop {
        match watch.next().await {
            Ok(Some(WatchEvent::Now(o))) => heard.push(format!("now {}", o["v"])),
            Ok(Some(WatchEvent::Gone(o))) => heard.push(format!("gone {}", o["v"])),
            Ok(Some(WatchEvent::Bookmark(v))) => heard.push(format!("bookmark {v}")),
            Ok(None) => break heard.push("end".to_owned()),
            Err(error) => break heard.push(format!("error {:?}", error.code())),
        }
    }
    heard
}

#[tokio::test]
async fn a_watch_tells_what_happens_to_its_object_and_to_no_other() {
    let event = |ty: &str, name: &str, v: u8| json!({"type": ty, "object": {"metadata": {"name": name, "resourceVersion": "9"}, "v": v}});
    let all = Reply::events([
        event("ADDED", "x", 1),
        event("MODIFIED", "y", 2),
        event("BOOKMARK", "", 0),
        event("DELETED", "x", 3),
    ]);
    assert_eq!(watched(all).await, ["now 1", "bookmark 9", "gone 3", "end"]);
}

#[tokio::test]
async fn a_watch_that_ends_badly_says_so() {
    let expired =
        json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}});
    assert_eq!(watched(Reply::events([expired])).await, ["error Some(410)"]);
    assert_eq!(watched(Reply::refusal(410, "Expired", "old")).await, ["no watch: Some(410)"]);
    assert_eq!(watched(Reply::text(200, "garbage\n")).await, ["error None"]);
    for nonsense in ["{}", "[]", "7", "\"x\"", "null", "{\"type\":\"ADDED\",\"object\":7}"] {
        let heard = watched(Reply::text(200, format!("{nonsense}\n"))).await;
        assert!(heard == ["error None"] || heard == ["end"], "{nonsense}: {heard:?}");
    }
    // Cut in the middle of an event: the end of the watch, and no event.
    assert_eq!(watched(Reply::text(200, r#"{"type":"ADDED","obj"#)).await, ["end"]);
    assert_eq!(watched(Reply::text(200, "").then_break()).await, ["error None"]);
}

proptest::proptest! {
    /// Whatever bytes come as a refusal, they are read and shown on one line.
    #[test]
    fn any_refusal_is_read(code in 400u16..600, body in "\\PC{0,40}|[\\[\\]{}\":,a-z0-9]{0,40}") {
        let r = Refusal::read(code, None, body.as_bytes());
        proptest::prop_assert!(!r.message.contains('\n'));
    }
}

#[tokio::test(start_paused = true)]
async fn an_eviction_is_for_one_pod_and_never_sent_again() {
    for reply in [Reply::refusal(429, "TooManyRequests", "no room"), Reply::reset()] {
        let server = Server::new(move |_| reply.clone());
        let evict = Evict { uid: Some("u"), grace_period: Some(5), dry_run: true };
        let error = server.cluster().evict("a", "x", evict).await.expect_err("refused");
        assert_eq!(error.call.to_string(), "create pods/eviction a/x");
        assert_eq!(server.log(), "POST /api/v1/namespaces/a/pods/x/eviction?dryRun=All");
        let options = json!({"preconditions": {"uid": "u"}, "gracePeriodSeconds": 5});
        assert_eq!(server.seen()[0].json()["deleteOptions"], options);
    }
}

#[tokio::test]
async fn a_watch_of_several_objects_tells_of_each() {
    let event =
        |kind: &str, name: &str| json!({"type": kind, "object": {"metadata": {"name": name}}});
    let events = [event("ADDED", "x"), event("MODIFIED", "y"), event("DELETED", "x")];
    let server = Server::new(move |_| Reply::events(events.clone()));
    let query = Query { fields: Some("spec.nodeName=w1"), ..Query::default() };
    let lasting = Duration::from_secs(30);
    let watch = server.cluster().watch(&config_maps(), query, "7", lasting).await;
    let mut watch = watch.expect("a watch");
    let mut told = Vec::new();
    while let Some(event) = watch.next().await.expect("an event") {
        told.push(match event {
            WatchEvent::Now(object) => format!("now {}", object["metadata"]["name"]),
            WatchEvent::Gone(object) => format!("gone {}", object["metadata"]["name"]),
            WatchEvent::Bookmark(version) => version,
        });
    }
    assert_eq!(told, [r#"now "x""#, r#"now "y""#, r#"gone "x""#]);
    let want = "GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true\
                &fieldSelector=spec.nodeName%3Dw1&resourceVersion=7&timeoutSeconds=30";
    assert_eq!(server.log(), want);
}
