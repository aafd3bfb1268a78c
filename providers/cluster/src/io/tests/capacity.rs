use super::*;
use plans::Identity;

fn node(uid: &str, capacity: Json, allocatable: Json) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "w1", "uid": uid, "resourceVersion": "7"},
        "status": {"capacity": capacity, "allocatable": allocatable},
    })
}

fn set(name: &str, value: Json) -> Op {
    let node = ObjectRef::cluster_wide("v1", "Node", "w1");
    let mut op = op(
        name,
        &node,
        json!({"resource": "example.com/dongle", "value": value}),
        json!({"uid": "n1"}),
    );
    op.identity = Identity { shown: "example.com/dongle of node w1".to_owned(), ..op.identity };
    op
}

fn patches(server: &Server) -> Vec<Json> {
    server.seen().iter().filter(|s| s.method == "PATCH").map(Seen::json).collect()
}

#[tokio::test]
async fn a_resource_is_written_into_the_capacity_of_exactly_this_node() {
    let with = || {
        node(
            "n1",
            json!({"cpu": "4", "example.com/dongle": "4"}),
            json!({"example.com/dongle": "4"}),
        )
    };
    let server = server(move |seen| match seen.method.as_str() {
        "PATCH" => Reply::json(with()),
        _ => Reply::json(node("n1", json!({"cpu": "4"}), json!({}))),
    });
    let (done, heard) = perform(&server, &set("set_capacity", "4".into())).await;
    let done = done.expect("performed");
    assert_eq!(format!("{:?}", done.exported), r#"{"allocatable": "4", "uid": "n1"}"#);
    assert_eq!(heard, [] as [&str; 0]);
    let request = server.seen().into_iter().find(|s| s.method == "PATCH").expect("a patch");
    assert_eq!(request.path, "/api/v1/nodes/w1/status");
    assert_eq!(request.content_type, "application/json-patch+json");
    assert_eq!(
        request.json(),
        json!([
            {"op": "test", "path": "/metadata/uid", "value": "n1"},
            {"op": "add", "path": "/status/capacity/example.com~1dongle", "value": "4"},
        ])
    );
}

#[tokio::test]
async fn a_node_without_any_capacity_gets_one_and_loses_nothing_of_others() {
    let mut posted = false;
    let server = server(move |seen| match seen.method.as_str() {
        "PATCH" => {
            posted = true;
            Reply::json(node(
                "n1",
                json!({"example.com/dongle": "4"}),
                json!({"example.com/dongle": "4"}),
            ))
        }
        _ if posted => Reply::text(500, "not to be read again"),
        _ => Reply::json(node("n1", Json::Null, Json::Null)),
    });
    let (done, _) = perform(&server, &set("set_capacity", "4".into())).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(
        patches(&server),
        [json!([
            {"op": "test", "path": "/metadata/uid", "value": "n1"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "add", "path": "/status/capacity", "value": {"example.com/dongle": "4"}},
        ])]
    );
}

#[tokio::test]
async fn an_equal_amount_in_another_spelling_is_not_written() {
    let server = server(|_| {
        let amount = json!({"example.com/dongle": "1k"});
        Reply::json(node("n1", amount.clone(), amount))
    });
    let (done, _) = perform(&server, &set("set_capacity", "1000".into())).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(patches(&server), [] as [Json; 0]);
}

#[tokio::test]
async fn a_node_that_joined_again_is_another_node() {
    let server = server(|_| Reply::json(node("n2", json!({}), json!({}))));
    let (done, _) = perform(&server, &set("set_capacity", "4".into())).await;
    assert_eq!(stale(done), "Node w1 is another one than when it was planned.");
    assert_eq!(patches(&server), [] as [Json; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_does_not_follow_is_only_mentioned() {
    let mut written = false;
    let server = server(move |seen| {
        written |= seen.method == "PATCH";
        if seen.asks("watch=true") {
            return Reply::events([]).then_silence();
        }
        let capacity = if written { json!({"example.com/dongle": "4"}) } else { json!({}) };
        Reply::json(node("n1", capacity, json!({"example.com/dongle": "0"})))
    });
    let (done, heard) = perform(&server, &set("set_capacity", "4".into())).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(heard[0], "Node w1 to make `example.com/dongle` allocatable");
    assert!(heard[1].starts_with("nothing more: the capacity is set, but 30 s were not enough"));
}

#[tokio::test]
async fn a_write_that_a_kubelet_got_in_between_of_is_tried_again() {
    let mut tries = 0;
    let server = server(move |seen| match seen.method.as_str() {
        "PATCH" => {
            tries += 1;
            let amount = json!({"example.com/dongle": "4"});
            match tries {
                1 => Reply::refusal(422, "Invalid", "the server rejected our request"),
                _ => Reply::json(node("n1", amount.clone(), amount)),
            }
        }
        _ => Reply::json(node("n1", json!({}), json!({}))),
    });
    let (done, _) = perform(&server, &set("set_capacity", "4".into())).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(patches(&server).len(), 2);
}

#[tokio::test]
async fn a_resource_is_removed_and_counts_as_removed_when_it_or_its_node_is_gone() {
    let removed = server(|seen| match seen.method.as_str() {
        "PATCH" => Reply::json(node("n1", json!({"cpu": "4"}), json!({"cpu": "4"}))),
        _ => Reply::json(node("n1", json!({"example.com/dongle": "4"}), json!({}))),
    });
    assert!(perform(&removed, &set("unset_capacity", Json::Null)).await.0.is_ok());
    assert_eq!(
        patches(&removed)[0][1],
        json!({"op": "remove", "path": "/status/capacity/example.com~1dongle"})
    );
    let without = server(|_| Reply::json(node("n1", json!({}), json!({}))));
    assert!(perform(&without, &set("unset_capacity", Json::Null)).await.0.is_ok());
    let gone = server(|_| Reply::not_found("w1"));
    assert!(perform(&gone, &set("unset_capacity", Json::Null)).await.0.is_ok());
    assert_eq!(patches(&without).len() + patches(&gone).len(), 0);
}
