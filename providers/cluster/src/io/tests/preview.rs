use super::*;
use provider::Preview;

async fn ask(server: &Server, op: Op) -> Preview {
    provider(server).preview(vec![op]).await.remove(0)
}

fn refused(preview: Preview) -> String {
    match preview {
        Preview::Refused(value) => format!("{value:?}"),
        other => panic!("not refused but {other:?}"),
    }
}

fn update() -> Op {
    let guard = json!({"uid": "u1", "resource_version": "5", "owned": {"data": {"k": "old"}}});
    apply_op(&config_map("a", "x"), "new", guard, false)
}

#[tokio::test]
async fn a_preview_is_a_dry_run_and_nothing_else() {
    let server = server(|_| Reply::json(live("a", "x", "u1", 5, "new")));
    assert!(matches!(ask(&server, update()).await, Preview::Would(_)));
    let delete = op("delete", &config_map("a", "x"), json!({}), json!({"uid": "u1"}));
    assert!(matches!(ask(&server, delete).await, Preview::Would(_)));
    for seen in server.seen().iter().filter(|s| s.method != "GET") {
        assert!(seen.asks("dryRun=All") || seen.json()["dryRun"] == json!(["All"]), "{seen}");
    }
    let delete = server.seen().iter().find(|s| s.method == "DELETE").map(Seen::json);
    assert_eq!(delete.unwrap_or_default()["preconditions"], json!({"uid": "u1"}));
}

#[tokio::test]
async fn a_refusal_comes_with_all_that_the_server_said() {
    let server = server(|_| {
        Reply::status(json!({
            "code": 422, "reason": "Invalid", "message": "it is invalid",
            "details": {"causes": [{
                "reason": "FieldValueInvalid", "message": "field is immutable", "field": "spec.x",
            }]},
        }))
    });
    insta::assert_snapshot!(
        refused(ask(&server, update()).await),
        @r#"{"causes": [{"field": "spec.x", "message": "field is immutable", "reason": "FieldValueInvalid"}], "code": 422, "message": "it is invalid", "non_json": false, "reason": "Invalid"}"#
    );
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_refused_as_a_missing_path() {
    let server = server(|seen| Reply::text(500, format!("not to be asked: {seen}")));
    let widget = ObjectRef::namespaced("example.com/v1", "Widget", "a", "w");
    let text = refused(ask(&server, apply_op(&widget, "v", Json::Null, true)).await);
    assert!(text.contains(r#""code": 404"#) && text.contains(r#""non_json": true"#), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_answer_is_unknown_and_not_a_refusal() {
    for reply in [
        Reply::refusal(401, "Unauthorized", "Unauthorized"),
        Reply::refusal(429, "TooManyRequests", "later"),
        Reply::refusal(503, "ServiceUnavailable", "later"),
        Reply::text(200, "<html>"),
        Reply::reset(),
        Reply::hang(),
    ] {
        let shown = format!("{reply:?}");
        let server = server(move |_| reply.clone());
        let preview = ask(&server, update()).await;
        assert!(matches!(preview, Preview::Unknown(_)), "{shown}: {preview:?}");
    }
}

#[tokio::test]
async fn an_object_that_only_others_moved_is_previewed_as_it_is_now() {
    let server = server(|seen| match seen.method.as_str() {
        "GET" => Reply::json(live("a", "x", "u1", 7, "old")),
        _ if seen.json()["metadata"]["resourceVersion"] == "7" => {
            Reply::json(live("a", "x", "u1", 7, "new"))
        }
        _ => Reply::refusal(409, "Conflict", "the object has been modified"),
    });
    assert!(matches!(ask(&server, update()).await, Preview::Would(_)));
}

#[tokio::test]
async fn an_object_that_moved_where_it_is_ours_stays_refused() {
    let server = server(|seen| match seen.method.as_str() {
        "GET" => Reply::json(live("a", "x", "u1", 7, "edited")),
        _ => Reply::refusal(409, "Conflict", "the object has been modified"),
    });
    assert!(refused(ask(&server, update()).await).contains(r#""code": 409"#));
}

#[tokio::test]
async fn many_previews_are_asked_at_once_and_answered_in_order() {
    let server = server(|seen| {
        let name = seen.path.rsplit('/').next().unwrap_or_default();
        Reply::json(live("a", name, "u1", 5, "new"))
    });
    let names: Vec<String> = (0..40).map(|i| format!("c{i:02}")).collect();
    let ops = names.iter().map(|n| apply_op(&config_map("a", n), "new", Json::Null, true));
    let previews = provider(&server).preview(ops.collect()).await;
    let got: Vec<_> = previews
        .iter()
        .filter_map(|p| match p {
            Preview::Would(v) => v.get("metadata")?.get("name")?.as_str().map(str::to_owned),
            Preview::Refused(_) | Preview::Unknown(_) => None,
        })
        .collect();
    assert_eq!(got, names);
}
