use super::*;
use provider::Settled;

async fn settle(server: &Server, op: &Op) -> String {
    match provider(server).settle(op).await {
        Ok(Settled::Done(done)) => format!("done {}", done.uid.unwrap_or_default()),
        Ok(Settled::NotDone) => "not done".to_owned(),
        Ok(Settled::Changed(why)) => why,
        Err(error) => format!("{error:?}"),
    }
}

fn update() -> Op {
    let guard = json!({"uid": "u1", "resource_version": "5", "owned": {"data": {"k": "old"}}});
    apply_op(&config_map("a", "x"), "new", guard, false)
}

fn create() -> Op {
    apply_op(&config_map("a", "x"), "new", Json::Null, true)
}

fn finds(live: Json) -> Server {
    server(move |seen| match seen.method.as_str() {
        "GET" => Reply::json(live.clone()),
        // Applied again, it would be as it is wanted.
        _ if seen.asks("dryRun=All") => {
            let mut would = live.clone();
            would["data"]["k"] = "new".into();
            Reply::json(would)
        }
        _ => Reply::text(500, format!("not to be asked: {seen}")),
    })
}

#[tokio::test]
async fn an_apply_that_took_effect_is_done() {
    assert_eq!(settle(&finds(live("a", "x", "u1", 6, "new")), &update()).await, "done u1");
    assert_eq!(settle(&finds(live("a", "x", "u1", 6, "new")), &create()).await, "done u1");
}

#[tokio::test]
async fn an_apply_that_left_the_object_as_it_was_is_not_done() {
    assert_eq!(settle(&finds(live("a", "x", "u1", 5, "old")), &update()).await, "not done");
    // Someone has changed what is theirs.
    assert_eq!(settle(&finds(live("a", "x", "u1", 8, "old")), &update()).await, "not done");
    assert_eq!(settle(&server(|_| Reply::not_found("x")), &create()).await, "not done");
}

#[tokio::test]
async fn an_object_that_is_neither_as_before_nor_as_planned_is_changed() {
    for (live, op, why) in [
        (
            live("a", "x", "u1", 8, "edited"),
            update(),
            "ConfigMap a/x was changed since the plan was made: `data.k` is not as it was.",
        ),
        (live("a", "x", "u2", 8, "new"), update(), "ConfigMap a/x was deleted and created anew."),
        (
            live("a", "x", "u1", 8, "other"),
            create(),
            "ConfigMap a/x exists and is not as it was planned.",
        ),
    ] {
        assert_eq!(settle(&finds(live), &op).await, why);
    }
    let gone = server(|_| Reply::not_found("x"));
    assert_eq!(settle(&gone, &update()).await, "ConfigMap a/x does not exist any more.");
}

#[tokio::test]
async fn where_a_webhook_changes_what_is_applied_the_server_says_whether_it_was() {
    // The webhook writes capitals; applied again, nothing changes.
    let server = server(|seen| match seen.method.as_str() {
        "GET" => Reply::json(live("a", "x", "u1", 6, "NEW")),
        "PATCH" if seen.asks("dryRun=All") => Reply::json(live("a", "x", "u1", 6, "NEW")),
        _ => Reply::text(500, format!("not to be asked: {seen}")),
    });
    assert_eq!(settle(&server, &update()).await, "done u1");
}

#[tokio::test]
async fn a_deletion_is_done_when_the_object_or_its_uid_is_gone() {
    let delete = op("delete", &config_map("a", "x"), json!({}), json!({"uid": "u1"}));
    assert_eq!(settle(&server(|_| Reply::not_found("x")), &delete).await, "done ");
    assert_eq!(settle(&finds(live("a", "x", "u2", 9, "v")), &delete).await, "done ");
    assert_eq!(settle(&finds(live("a", "x", "u1", 5, "v")), &delete).await, "not done");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_an_error_and_never_done() {
    for reply in [
        Reply::refusal(403, "Forbidden", "User \"jane\" cannot get resource \"configmaps\""),
        Reply::refusal(500, "InternalError", "etcd is down"),
        Reply::text(200, "{}"),
        Reply::no_such_path(),
    ] {
        let shown = format!("{reply:?}");
        let server = server(move |_| reply.clone());
        for op in [update(), create(), op("delete", &config_map("a", "x"), json!({}), json!({}))] {
            let settled = provider(&server).settle(&op).await;
            assert!(matches!(settled, Err(StepError::Refused(_))), "{shown}: {settled:?}");
        }
    }
}
