use super::*;

fn many(namespace: &str, count: usize) -> Vec<ObjectRef> {
    (0..count).map(|i| config_map(namespace, &format!("c{i:02}"))).collect()
}

#[tokio::test]
async fn one_list_answers_for_all_objects_of_a_kind() {
    let server = server(|seen| {
        let first = live("a", "c00", "u", 1, "v");
        if seen.asks("limit=1") {
            return Reply::json(list([first]));
        }
        Reply::json(list([first, live("b", "c01", "u", 1, "v"), live("a", "c02", "u", 1, "v")]))
    });
    let seen = observe(&server, &many("a", 3)).await;
    assert_eq!(words(&seen), ["present c00", "absent", "present c02"]);
    insta::assert_snapshot!(server.log(), @r"
    GET /api/v1/configmaps?limit=1
    GET /api/v1/configmaps?limit=1000
    ");
}

#[tokio::test]
async fn few_objects_of_a_huge_kind_are_read_one_by_one() {
    let server = server(|seen| match seen.path.as_str() {
        "/api/v1/configmaps" => {
            let mut page = list([live("z", "z", "u", 1, "v")]);
            page["metadata"]["remainingItemCount"] = 10_000.into();
            page["metadata"]["continue"] = "more".into();
            Reply::json(page)
        }
        "/api/v1/namespaces/a/configmaps/c01" => Reply::json(live("a", "c01", "u", 1, "v")),
        path => Reply::not_found(path.rsplit('/').next().unwrap_or_default()),
    });
    let seen = observe(&server, &many("a", 3)).await;
    assert_eq!(words(&seen), ["absent", "present c01", "absent"]);
    assert_eq!(server.seen().iter().filter(|s| s.asks("limit=1000")).count(), 0);
}

#[tokio::test]
async fn a_forbidden_list_falls_back_to_namespaces_and_then_to_single_objects() {
    let server = server(|seen| match seen.path.as_str() {
        "/api/v1/namespaces/a/configmaps" => Reply::json(list([live("a", "c00", "u", 1, "v")])),
        "/api/v1/namespaces/b/configmaps/c02" => Reply::json(live("b", "c02", "u", 1, "v")),
        "/api/v1/namespaces/b/configmaps/c01" => Reply::not_found("c01"),
        _ => forbidden(seen),
    });
    let objects = [many("a", 3), many("b", 3)].concat();
    let seen = observe(&server, &objects).await;
    assert_eq!(
        words(&seen),
        ["present c00", "absent", "absent", "unknown E0714", "absent", "present c02"]
    );
}

#[tokio::test]
async fn a_kind_that_may_not_be_read_does_not_hide_the_others() {
    let server = server(|seen| match seen.path.as_str() {
        "/api/v1/namespaces/a" => Reply::json(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"},
        })),
        _ => forbidden(seen),
    });
    let objects = [ObjectRef::cluster_wide("v1", "Namespace", "a"), config_map("a", "x")];
    let seen = observe(&server, &objects).await;
    assert_eq!(words(&seen), ["present a", "unknown E0714"]);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_unknown_and_never_absent() {
    let whole = list([live("a", "c00", "u", 1, "v")]).to_string();
    for cut in (0..whole.len()).step_by(7) {
        let part = whole[..cut].to_owned();
        let server = server(move |_| Reply::text(200, part.clone()));
        let seen = observe(&server, &many("a", 3)).await;
        assert_eq!(words(&seen), ["unknown E0716"; 3], "cut after {cut} bytes");
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_is_unknown_and_never_absent() {
    for reply in [
        Reply::text(200, "<html>please log in</html>"),
        Reply::text(200, "{}"),
        Reply::text(200, "[]"),
        Reply::json(json!({"kind": "Status", "metadata": {}, "items": []})),
        Reply::json(json!({"kind": "ConfigMapList", "metadata": {}})),
        Reply::json(json!({"kind": "ConfigMapList", "items": []})),
        Reply::text(404, "<html>not found</html>"),
        Reply::text(302, "").with_header("location", "https://login.example"),
    ] {
        let shown = format!("{reply:?}");
        let server = server(move |_| reply.clone());
        let seen = observe(&server, &many("a", 3)).await;
        assert!(words(&seen).iter().all(|w| w.starts_with("unknown")), "{shown}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let mut left = 3;
    let server = server(move |_| {
        left -= 1;
        match left {
            2 => {
                Reply::refusal(429, "TooManyRequests", "slow down").with_header("retry-after", "2")
            }
            1 => Reply::refusal(503, "ServiceUnavailable", "starting"),
            _ => Reply::json(live("a", "c00", "u", 1, "v")),
        }
    });
    assert_eq!(words(&observe(&server, &many("a", 1)).await), ["present c00"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_busy_is_unknown_after_a_while() {
    let server = server(|_| Reply::refusal(503, "ServiceUnavailable", "overloaded"));
    let began = tokio::time::Instant::now();
    let seen = observe(&server, &many("a", 1)).await;
    assert_eq!(words(&seen), ["unknown E0715"]);
    assert!(began.elapsed().as_secs() <= 15);
}

#[tokio::test]
async fn a_list_that_expires_between_pages_begins_anew() {
    let mut pages = 0;
    let server = server(move |seen| {
        pages += 1;
        let page = |name: &str, more: &str| {
            let mut page = list([live("a", name, "u", 1, "v")]);
            page["metadata"]["continue"] = more.into();
            Reply::json(page)
        };
        match (seen.asks("limit=1"), pages) {
            (true, _) => page("c00", ""),
            (_, 2 | 4) => page("c00", "next"),
            (_, 3) => Reply::refusal(410, "Expired", "the continue parameter is too old"),
            (_, 5) => page("c02", ""),
            (_, _) => Reply::text(500, "asked too often"),
        }
    });
    let seen = observe(&server, &many("a", 3)).await;
    assert_eq!(words(&seen), ["present c00", "absent", "present c02"]);
}

#[tokio::test]
async fn objects_of_a_kind_that_is_not_served_are_absent() {
    let server = server(|seen| Reply::text(500, format!("not to be asked: {seen}")));
    let object = ObjectRef::namespaced("example.com/v1", "Widget", "a", "w");
    assert_eq!(words(&observe(&server, &[object]).await), ["absent"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_server_is_sick_affects_only_its_own_objects() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/api" => discovery(seen, KINDS).unwrap_or_else(Reply::no_such_path),
        "/apis" => Reply::json(json!({
            "kind": "APIGroupDiscoveryList",
            "items": [{"metadata": {"name": "sick.example.com"}, "versions": [
                {"version": "v1", "freshness": "Stale", "resources": []},
            ]}],
        })),
        "/apis/sick.example.com/v1" => {
            Reply::refusal(503, "ServiceUnavailable", "the server is currently unable")
        }
        _ => Reply::not_found("x"),
    });
    let objects =
        [ObjectRef::namespaced("sick.example.com/v1", "Widget", "a", "w"), config_map("a", "x")];
    assert_eq!(words(&observe(&server, &objects).await), ["unknown E0715", "absent"]);
}

#[tokio::test]
async fn a_missing_namespace_means_that_its_objects_are_absent() {
    let server = server(|_| {
        Reply::status(json!({
            "code": 404, "reason": "NotFound", "message": "namespaces \"a\" not found",
            "details": {"kind": "namespaces", "name": "a"},
        }))
    });
    assert_eq!(words(&observe(&server, &many("a", 1)).await), ["absent"]);
}

#[tokio::test]
async fn a_namespace_in_the_wrong_place_is_told_and_the_object_not_taken_for_absent() {
    let server = server(|seen| Reply::text(500, format!("not to be asked: {seen}")));
    let objects = [
        ObjectRef::namespaced("v1", "Node", "a", "w1"),
        ObjectRef::cluster_wide("v1", "ConfigMap", "x"),
    ];
    assert_eq!(words(&observe(&server, &objects).await), ["unknown E0753", "unknown E0753"]);
}
