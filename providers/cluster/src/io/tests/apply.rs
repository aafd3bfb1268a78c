use super::*;

const GUARD: fn() -> Json =
    || json!({"uid": "u1", "resource_version": "5", "owned": {"data": {"k": "old"}}});

fn conflict() -> Reply {
    Reply::refusal(409, "Conflict", "Operation cannot be fulfilled: the object has been modified")
}

fn object() -> ObjectRef {
    config_map("a", "x")
}

#[tokio::test]
async fn an_update_carries_the_uid_and_version_that_the_plan_saw() {
    let server = server(|_| Reply::json(live("a", "x", "u1", 6, "new")));
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert_eq!(done.map(|d| d.uid), Ok(Some("u1".to_owned())));
    insta::assert_snapshot!(server.log(), @"PATCH /api/v1/namespaces/a/configmaps/x?fieldManager=clinch&fieldValidation=Strict");
    let sent = server.seen().last().map(Seen::json).unwrap_or_default();
    assert_eq!(sent["metadata"]["uid"], "u1");
    assert_eq!(sent["metadata"]["resourceVersion"], "5");
}

#[tokio::test]
async fn a_change_by_others_to_what_is_theirs_does_not_stop_the_apply() {
    let server = server(|seen| match seen.method.as_str() {
        "GET" => Reply::json(live("a", "x", "u1", 7, "old")),
        _ if seen.json()["metadata"]["resourceVersion"] == "7" => {
            Reply::json(live("a", "x", "u1", 8, "new"))
        }
        _ => conflict(),
    });
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert_eq!(done.map(|d| d.uid), Ok(Some("u1".to_owned())));
}

#[tokio::test]
async fn a_change_to_what_is_ours_stops_the_apply_and_names_the_field() {
    let server = server(|seen| match seen.method.as_str() {
        "GET" => Reply::json(live("a", "x", "u1", 7, "edited")),
        _ => conflict(),
    });
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert_eq!(
        stale(done),
        "ConfigMap a/x was changed since the plan was made: `data.k` is not as it was."
    );
    assert_eq!(server.seen().iter().filter(|s| s.method == "PATCH").count(), 1);
}

#[tokio::test]
async fn an_object_recreated_since_the_plan_is_not_touched() {
    for answer in [
        Reply::status(json!({
            "code": 422, "reason": "Invalid", "message": "ConfigMap \"x\" is invalid",
            "details": {"name": "x", "causes": [{
                "reason": "FieldValueInvalid", "field": "metadata.uid",
                "message": "Invalid value: field is immutable",
            }]},
        })),
        Reply::refusal(
            409,
            "Conflict",
            "uid mismatch: the provided object specified uid u1, \
                                         and no existing object was found",
        ),
    ] {
        let server = server(move |_| answer.clone());
        let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
        assert!(stale(done).contains("was deleted since the plan was made"));
        assert_eq!(server.seen().iter().filter(|s| s.method == "PATCH").count(), 1);
    }
}

#[tokio::test]
async fn an_object_on_its_way_out_is_not_applied_to() {
    let server = server(|seen| match seen.method.as_str() {
        "GET" => {
            let mut going = live("a", "x", "u1", 7, "old");
            going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            Reply::json(going)
        }
        _ => conflict(),
    });
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert_eq!(stale(done), "ConfigMap a/x is being deleted since the plan was made.");
}

#[tokio::test]
async fn a_field_of_another_manager_is_refused_and_the_manager_is_named() {
    let server = server(|_| {
        Reply::status(json!({
            "code": 409, "reason": "Conflict",
            "message": "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.k",
            "details": {"causes": [{
                "reason": "FieldManagerConflict", "field": ".data.k",
                "message": "conflict with \"kubectl-edit\" using v1",
            }]},
        }))
    });
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    let problem = problem(done);
    assert!(problem.detail.contains("kubectl-edit"), "{}", problem.detail);
    assert_eq!(server.seen().iter().filter(|s| s.method == "PATCH").count(), 1);
}

#[tokio::test]
async fn a_create_stops_when_the_object_has_come_to_exist() {
    let server = server(|_| Reply::json(live("a", "x", "u9", 7, "theirs")));
    let (done, _) = perform(&server, &apply_op(&object(), "new", Json::Null, true)).await;
    assert_eq!(stale(done), "ConfigMap a/x has come to exist since the plan was made.");
    assert_eq!(server.seen().iter().filter(|s| s.method == "PATCH").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_after_the_write_is_read_back_and_not_doubled() {
    let mut lost = false;
    let server = server(move |seen| match seen.method.as_str() {
        "GET" if lost => Reply::json(live("a", "x", "u1", 6, "new")),
        "PATCH" if !lost => {
            lost = true;
            Reply::reset()
        }
        // The object is at version 6 since the first write.
        _ => conflict(),
    });
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert_eq!(done.map(|d| d.uid), Ok(Some("u1".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_leaves_the_step_in_doubt() {
    let server = server(|_| Reply::hang());
    let (done, _) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert!(matches!(&done, Err(StepError::InDoubt(why)) if why.contains("no answer")), "{done:?}");
}

#[tokio::test]
async fn what_the_intent_hides_is_hidden_in_the_servers_words_too() {
    let server = server(|_| {
        Reply::refusal(422, "Invalid", "data.k: Invalid value: \"hunter2\": must be longer")
    });
    let mut op = apply_op(&object(), "x", GUARD(), false);
    let intent = op.args.get("object").cloned().unwrap_or(Value::Null);
    let mut map = intent.as_map().cloned().unwrap_or_default();
    map.insert("data".into(), Value::map([("k", Value::from("hunter2").into_sensitive())]));
    let create = Value::map([("object", Value::map(map))]);
    op.args = create;
    let (done, _) = perform(&server, &op).await;
    let text = format!("{:?}", problem(done));
    assert!(!text.contains("hunter2") && text.contains("(sensitive value)"), "{text}");
    let sent = server.seen().last().map(|s| s.body.clone()).unwrap_or_default();
    assert!(sent.contains("hunter2"), "the server itself gets the value");
}

#[tokio::test(start_paused = true)]
async fn an_apply_waits_until_the_object_is_ready() {
    let quota = |version: u32, hard: Json| {
        json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "q", "namespace": "a", "uid": "u", "resourceVersion": version.to_string()},
            "spec": {"hard": {"pods": "4"}}, "status": hard,
        })
    };
    let server = server(move |seen| match (seen.method.as_str(), seen.asks("watch=true")) {
        ("PATCH", _) => Reply::json(quota(1, json!({}))),
        ("GET", true) => Reply::events([
            json!({"type": "MODIFIED", "object": quota(2, json!({"hard": {"pods": "3"}}))}),
            json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "3"}}}),
            json!({"type": "MODIFIED", "object": quota(4, json!({"hard": {"pods": "4"}}))}),
        ])
        .then_silence(),
        _ => Reply::not_found("q"),
    });
    let object = ObjectRef::namespaced("v1", "ResourceQuota", "a", "q");
    let intent = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "a"}, "spec": {"hard": {"pods": "4"}},
    });
    let op = op("apply", &object, json!({"object": intent, "create": true}), Json::Null);
    let (done, heard) = perform(&server, &op).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(heard, ["ResourceQuota a/q to be enforced"]);
    assert!(server.seen().iter().any(|s| s.asks("resourceVersion=1")), "from our own write on");
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_does_not_hide_that_the_object_is_ready() {
    let mut looks = 0;
    let namespace = |phase: &str| {
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "n", "uid": "u", "resourceVersion": "1"},
            "status": {"phase": phase},
        })
    };
    let server = server(move |seen| match (seen.method.as_str(), seen.asks("watch=true")) {
        ("PATCH", _) => Reply::json(namespace("")),
        ("GET", true) => Reply::events([]).then_silence(),
        _ => {
            looks += 1;
            if looks == 1 { Reply::not_found("n") } else { Reply::json(namespace("Active")) }
        }
    });
    let object = ObjectRef::cluster_wide("v1", "Namespace", "n");
    let intent = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
    let op = op("apply", &object, json!({"object": intent, "create": true}), Json::Null);
    let (done, _) = perform(&server, &op).await;
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_become_ready_in_time_is_said_to_be_written() {
    let deployment = || {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "d", "namespace": "a", "uid": "u", "resourceVersion": "1", "generation": 1},
            "spec": {"replicas": 3},
            "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 1},
        })
    };
    let mut looks = 0;
    let server = server(move |seen| match (seen.method.as_str(), seen.asks("watch=true")) {
        ("PATCH", _) => Reply::json(deployment()),
        ("GET", true) => Reply::refusal(410, "Expired", "too old resource version"),
        _ => {
            looks += 1;
            if looks == 1 { Reply::not_found("d") } else { Reply::json(deployment()) }
        }
    });
    let object = ObjectRef::namespaced("apps/v1", "Deployment", "a", "d");
    let intent = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "a"}, "spec": {"replicas": 3},
    });
    let args = json!({"object": intent, "create": true, "timeout": 30});
    let (done, _) = perform(&server, &op("apply", &object, args, Json::Null)).await;
    let problem = problem(done);
    assert_eq!(
        problem.detail,
        "Deployment a/d was written, but 30 s were not enough; still awaited: Deployment a/d to \
         be available (1 of 3)."
    );
    let help = "In `lifecycle`, `wait_timeout = \"20m\"` waits longer, and \"0s\" not at all.";
    assert_eq!(problem.help.as_deref(), Some(help));
}

#[tokio::test(start_paused = true)]
async fn a_pod_in_a_new_namespace_waits_for_the_service_account() {
    let mut refusals = 3;
    let server = server(move |seen| match seen.method.as_str() {
        "GET" => Reply::not_found("x"),
        _ if refusals > 0 => {
            refusals -= 1;
            let why =
                "error looking up service account a/default: serviceaccount \"default\" not found";
            Reply::refusal(403, "Forbidden", why)
        }
        _ => Reply::json(live("a", "x", "u1", 1, "new")),
    });
    let mut op = apply_op(&object(), "new", Json::Null, true);
    let mut args = op.args.as_map().cloned().unwrap_or_default();
    args.insert("verify".into(), true.into());
    op.args = Value::map(args);
    let (done, heard) = perform(&server, &op).await;
    assert!(done.is_ok(), "{done:?}");
    assert!(heard.contains(&"the service account of its namespace".to_owned()), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_person_hears_why_a_request_is_sent_again() {
    let mut refusals = 1;
    let server = server(move |_| {
        refusals -= 1;
        if refusals == 0 {
            let busy = Reply::refusal(429, "TooManyRequests", "slow down");
            return busy.with_header("retry-after", "2");
        }
        Reply::json(live("a", "x", "u1", 6, "new"))
    });
    let (done, heard) = perform(&server, &apply_op(&object(), "new", GUARD(), false)).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(heard, ["the server, which answered 429 (again in 2s)"]);
}
