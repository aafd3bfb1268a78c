use super::*;
use access::digest;
use provider::Settled;

fn live(version: u32, text: &str, record: Option<&str>) -> Json {
    let mut annotations = json!({"others": "stay"});
    if let Some(record) = record {
        annotations["clinch/what"] = record.into();
    }
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "all", "namespace": "kube-system", "uid": "u1",
            "resourceVersion": version.to_string(), "annotations": annotations,
        },
        "data": {"key": text, "theirs": "1"},
    })
}

/// From `old` without a record to `new` with one.
fn set() -> Op {
    let args = json!({
        "key": "key", "text": "new", "annotation": "clinch/what", "record": "ours",
        "release": false,
    });
    let guard = json!({"uid": "u1", "text": digest(b"old"), "record": null});
    op("set_text", &config_map("kube-system", "all"), args, guard)
}

fn give_back() -> Op {
    let args = json!({
        "key": "key", "text": "old", "annotation": "clinch/what", "record": null, "release": true,
    });
    let guard = json!({"uid": "u1", "text": digest(b"new"), "record": digest(b"ours")});
    op("set_text", &config_map("kube-system", "all"), args, guard)
}

fn patches(server: &Server) -> Vec<Json> {
    server.seen().iter().filter(|s| s.method == "PATCH").map(Seen::json).collect()
}

#[tokio::test]
async fn text_and_record_are_changed_in_one_request_for_the_version_that_was_looked_at() {
    let server = server(|seen| match seen.method.as_str() {
        "PATCH" => Reply::json(live(8, "new", Some("ours"))),
        _ => Reply::json(live(7, "old", None)),
    });
    let done = perform(&server, &set()).await.0.expect("performed");
    assert_eq!(done.uid.as_deref(), Some("u1"));
    assert_eq!(
        patches(&server),
        [json!([
            {"op": "test", "path": "/metadata/uid", "value": "u1"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "add", "path": "/data/key", "value": "new"},
            {"op": "add", "path": "/metadata/annotations/clinch~1what", "value": "ours"},
        ])]
    );
}

#[tokio::test]
async fn what_is_given_back_leaves_no_record() {
    let server = server(|seen| match seen.method.as_str() {
        "PATCH" => Reply::json(live(8, "old", None)),
        _ => Reply::json(live(7, "new", Some("ours"))),
    });
    let done = perform(&server, &give_back()).await.0.expect("performed");
    assert_eq!(done.uid, None);
    let patch = &patches(&server)[0];
    assert_eq!(patch[2], json!({"op": "add", "path": "/data/key", "value": "old"}));
    assert_eq!(patch[3], json!({"op": "remove", "path": "/metadata/annotations/clinch~1what"}));
}

#[tokio::test]
async fn text_that_was_edited_since_the_plan_is_not_overwritten() {
    let edited = server(|_| Reply::json(live(9, "by hand", None)));
    let why = stale(perform(&edited, &set()).await.0);
    assert_eq!(why, "ConfigMap kube-system/all was changed since the plan was made: its `key`.");
    let taken = server(|_| Reply::json(live(9, "old", Some("another's"))));
    let why = stale(perform(&taken, &set()).await.0);
    assert!(why.ends_with("changed since the plan was made: what of it is whose."), "{why}");
    assert_eq!((patches(&edited).len(), patches(&taken).len()), (0, 0));
}

/// Somebody writes an annotation between our look and our patch.
#[tokio::test]
async fn another_version_with_the_same_text_is_looked_at_again() {
    let mut version = 7;
    let server = server(move |seen| match seen.method.as_str() {
        "PATCH" if version == 7 => {
            version = 8;
            Reply::refusal(422, "Invalid", "the server rejected our request")
        }
        "PATCH" => Reply::json(live(9, "new", Some("ours"))),
        _ => Reply::json(live(version, "old", None)),
    });
    perform(&server, &set()).await.0.expect("performed");
    let versions: Vec<Json> = patches(&server).iter().map(|p| p[1]["value"].clone()).collect();
    assert_eq!(versions, [json!("7"), json!("8")]);
}

#[tokio::test]
async fn after_a_crash_the_text_says_whether_it_was_done() {
    let is = async |text: &'static str, record: Option<&'static str>, op: &Op| {
        let server = server(move |_| Reply::json(live(7, text, record)));
        match provider(&server).settle(op).await.expect("settled") {
            Settled::Done(_) => "done",
            Settled::NotDone => "not done",
            Settled::Changed(_) => "changed",
        }
    };
    assert_eq!(is("old", None, &set()).await, "not done");
    assert_eq!(is("new", Some("ours"), &set()).await, "done");
    assert_eq!(is("old", None, &give_back()).await, "done");
    assert_eq!(is("new", Some("ours"), &give_back()).await, "not done");
}

#[tokio::test]
async fn given_back_with_an_object_that_is_gone_is_done() {
    let server = server(|_| Reply::not_found("all"));
    assert!(perform(&server, &give_back()).await.0.is_ok());
    assert!(stale(perform(&server, &set()).await.0).ends_with("does not exist any more."));
}
