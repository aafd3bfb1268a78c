use super::*;

fn delete_op(uid: &str) -> Op {
    let args = json!({"propagation": "Background", "timeout": 30});
    op("delete", &config_map("a", "x"), args, json!({"uid": uid}))
}

#[tokio::test]
async fn an_object_is_deleted_only_with_its_uid_and_until_it_is_gone() {
    let mut gone = false;
    let server = server(move |seen| match seen.method.as_str() {
        "DELETE" => {
            gone = true;
            Reply::json(json!({"kind": "Status", "status": "Success"}))
        }
        _ if gone => Reply::not_found("x"),
        _ => Reply::json(live("a", "x", "u1", 5, "v")),
    });
    let (done, _) = perform(&server, &delete_op("u1")).await;
    assert!(done.is_ok(), "{done:?}");
    let sent = server.seen().iter().find(|s| s.method == "DELETE").map(Seen::json);
    let sent = sent.unwrap_or_default();
    assert_eq!(sent["preconditions"], json!({"uid": "u1"}));
    assert_eq!(sent["propagationPolicy"], "Background");
}

#[tokio::test]
async fn a_successor_of_the_same_name_is_not_deleted() {
    let server = server(|_| Reply::json(live("a", "x", "u2", 5, "v")));
    let (done, _) = perform(&server, &delete_op("u1")).await;
    assert!(stale(done).contains("the new one was not touched"));
    assert_eq!(server.seen().iter().filter(|s| s.method == "DELETE").count(), 0);
}

#[tokio::test]
async fn an_object_that_is_gone_already_counts_as_deleted() {
    let server = server(|_| Reply::not_found("x"));
    let (done, _) = perform(&server, &delete_op("u1")).await;
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_never_clears_is_named_and_never_stripped() {
    let going = || {
        let mut going = live("a", "x", "u1", 6, "v");
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        going["metadata"]["finalizers"] = json!(["example.com/backup"]);
        going
    };
    let server = server(move |seen| {
        let watch = seen.asks("watch=true");
        if watch { Reply::events([]).then_silence() } else { Reply::json(going()) }
    });
    let (done, heard) = perform(&server, &delete_op("u1")).await;
    assert_eq!(heard, ["ConfigMap a/x to be gone (finalizer `example.com/backup`)"]);
    assert_eq!(
        problem(done).detail,
        "ConfigMap a/x is being deleted, but 30 s were not enough; still awaited: ConfigMap a/x \
         to be gone (finalizer `example.com/backup`)."
    );
    assert_eq!(server.seen().iter().filter(|s| s.method == "PATCH").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_after_the_deletion_is_read_back() {
    let mut gone = false;
    let server = server(move |seen| match seen.method.as_str() {
        "DELETE" if !gone => {
            gone = true;
            Reply::reset()
        }
        _ if gone => Reply::not_found("x"),
        _ => Reply::json(live("a", "x", "u1", 5, "v")),
    });
    let (done, _) = perform(&server, &delete_op("u1")).await;
    assert!(done.is_ok(), "{done:?}");
}
