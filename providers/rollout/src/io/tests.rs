//! Looking at nodes, and waiting for them, against a server that says what it is told to.

use super::*;
use crate::Rollouts;
use access::scripted::{Reply, Server};
use addrs::Scope;
use provider::{Bracketing, Edits};
use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use values::Disruption;

/// `w1` with a pod that can go to `w2` alone, which a plan of the project cordoned.
fn server() -> Server {
    let node = |name: &str, cordoned: bool| {
        let said = if cordoned { json!({"clinch/cordoned": "v1 shop 4f2a"}) } else { json!({}) };
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "uid": name, "annotations": said},
            "spec": {"unschedulable": cordoned},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        })
    };
    let owner = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "o",
        "controller": true}]);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "shop", "name": "web-0", "uid": "p", "ownerReferences": owner},
        "spec": {"nodeName": "w1"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    Server::new(move |seen| {
        let items = match seen.path.as_str() {
            "/api/v1/nodes" => json!([node("w1", false), node("w2", true)]),
            "/api/v1/pods" => json!([pod]),
            _ => json!([]),
        };
        let kind = "List";
        Reply::json(json!({"kind": kind, "metadata": {"resourceVersion": "7"}, "items": items}))
    })
}

/// What draining `w1` is said to be in the way of, as a part of a plan that takes these out.
async fn problems(taken_out: &[&str]) -> Vec<String> {
    let scope = Scope::node("w1");
    let taken_out = Value::list(taken_out.iter().map(|node| Value::from(*node)));
    let (project, plan, cost) = ("shop", "91c0", Disruption::Drain);
    let (scope, taken_out, left_open) = (&scope, &taken_out, false);
    let edits = Edits { scope, cost, project, plan, taken_out, left_open, limits: None };
    let wanted = Rollouts.looks(&edits).expect("it is looked at");
    let seen = RolloutProvider::new(server().cluster()).observe(vec![wanted]).await;
    let [Observation::Present(seen)] = seen.as_slice() else { panic!("{seen:?}") };
    let all = seen.get("problems").and_then(Value::as_list).expect("a list").iter();
    all.filter_map(|one| Some(one.get("code")?.as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn node_that_was_left_cordoned_takes_pods_only_when_the_plan_brings_it_back() {
    assert_eq!(problems(&["w1", "w2"]).await, Vec::<String>::new());
    assert_eq!(problems(&["w1"]).await, [codes::STRANDED.0]);
}

#[tokio::test]
async fn names_of_all_nodes_are_known_or_it_is_said_why_not() {
    let all = || vec![Rollouts.all()];
    let seen = RolloutProvider::new(server().cluster()).observe(all()).await;
    let names = Value::list(["w1", "w2"].map(Value::from));
    assert_eq!(seen, [Observation::Present(names)]);
    let silent = Server::new(|_| {
        let text = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"});
        Reply::status(text)
    });
    let seen = RolloutProvider::new(silent.cluster()).observe(all()).await;
    assert!(matches!(seen.as_slice(), [Observation::Unknown(_)]), "{seen:?}");
}

/// What comes of waiting for `w1`, and how long it took, when it says in turn whether it is
/// ready; the last word stays.
async fn waited_for(words: &'static [bool]) -> (Result<(), String>, Duration) {
    let began = Instant::now();
    let provider = RolloutProvider::new(saying(words).cluster());
    let before = Before { ready: true, ..Before::default() };
    let done = provider.is_back("w1", &before, &|_| ()).await.expect("it is looked at");
    (done, began.elapsed())
}

/// A cluster of `w1`, with a note of project `shop`, which says in turn whether it is ready; the last word stays.
fn saying(words: &'static [bool]) -> Server {
    let asked = AtomicUsize::new(0);
    Server::new(move |seen| {
        let word = |of: usize| words[of.min(words.len() - 1)];
        let node = |ready: bool| {
            let ready = if ready { "True" } else { "False" };
            json!({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": "w1", "uid": "w1", "resourceVersion": "1",
                    "annotations": {"clinch/cordoned": "v1 shop 91c0"}},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            })
        };
        let list = |items: Json| json!({"kind": "List", "metadata": {"resourceVersion": "7"}, "items": items});
        Reply::json(match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/api/v1/nodes/w1") => node(word(asked.fetch_add(1, Ordering::Relaxed))),
            ("PATCH", "/api/v1/nodes/w1") => node(false),
            (_, "/api/v1/nodes") => list(json!([node(word(asked.load(Ordering::Relaxed)))])),
            _ => list(json!([])),
        })
    })
}

fn op(name: &str, project: &str, more: &[(&str, Value)]) -> Op {
    let holder = [("project", Value::from(project)), ("plan", "91c0".into())];
    Op {
        ty: crate::recipe::ty(),
        name: name.to_owned(),
        identity: plans::Identity {
            key: plans::ObjectKey("rollout/node/w1".into()),
            args: Value::map([("node", "w1".into())]),
            shown: "node w1".to_owned(),
        },
        args: Value::map(holder.into_iter().chain(more.iter().cloned())),
        guard: Value::map([("uid", "w1".into())]),
        text: format!("{name} node w1"),
    }
}

/// What comes of an operation, how long it took, and how often the node was changed.
async fn performed(server: &Server, op: &Op) -> (Result<(), Problem>, u64, usize) {
    let began = Instant::now();
    let done = RolloutProvider::new(server.cluster()).perform(op, &|_| ()).await;
    let done = done.map(drop).map_err(|error| match error {
        StepError::Refused(problem) => problem,
        StepError::Stale(why) | StepError::InDoubt(why) => panic!("{why}"),
    });
    let patches = server.seen().iter().filter(|seen| seen.method == "PATCH").count();
    (done, began.elapsed().as_secs(), patches)
}

#[tokio::test(start_paused = true)]
async fn node_that_broke_since_the_plan_is_refused_soon_and_nothing_is_changed_there() {
    let server = saying(&[false]);
    let (done, took, patches) = performed(&server, &op("cordon", "bank", &[])).await;
    let problem = done.expect_err("it is not ready");
    assert_eq!((problem.code, took, patches), (codes::DOWN, SHORTLY.as_secs(), 0));
    assert_eq!(
        problem.detail,
        "Node `w1` is not ready, so nothing was changed there. It was ready when the plan was \
         made."
    );
    let again = saying(&[false, false, true]);
    let (done, took, patches) = performed(&again, &op("cordon", "bank", &[])).await;
    assert_eq!((done, took, patches), (Ok(()), 1, 1), "a kubelet that was restarted");
    let known = saying(&[false]);
    let (done, took, patches) =
        performed(&known, &op("cordon", "bank", &[("down", true.into())])).await;
    assert_eq!((done, took, patches), (Ok(()), 0, 1), "the plan said so, and no pod is there");
}

/// Whoever was down before is no worse off: it is not left cordoned.
#[tokio::test(start_paused = true)]
async fn node_that_was_down_before_and_is_not_healed_fails_and_keeps_no_cordon() {
    let close = |ready: bool| op("uncordon", "shop", &[("ready", ready.into())]);
    let (done, took, patches) = performed(&saying(&[false]), &close(false)).await;
    let problem = done.expect_err("it is not ready");
    assert_eq!((problem.code, patches), (codes::STILL_DOWN, 1));
    assert_eq!(took, READY.as_secs() + PAUSE.as_secs());
    let (done, _, patches) = performed(&saying(&[false, true]), &close(false)).await;
    assert_eq!((done, patches), (Ok(()), 1), "it was healed");
    let (done, _, patches) = performed(&saying(&[false]), &close(true)).await;
    assert_eq!((done.expect_err("it broke").code, patches), (codes::NEVER_READY, 0));
}

#[tokio::test]
async fn node_that_was_down_before_counts_as_brought_back_when_it_is_ready() {
    for (ready, settled) in [(true, true), (false, false)] {
        let server = Server::new(move |_| {
            let ready = if ready { "True" } else { "False" };
            Reply::json(json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1", "uid": "w1"},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
        });
        let provider = RolloutProvider::new(server.cluster());
        let said = provider.settle(&op("uncordon", "shop", &[("ready", false.into())])).await;
        assert_eq!(matches!(said, Ok(Settled::Done(_))), settled);
    }
}

#[tokio::test(start_paused = true)]
async fn r4_node_that_flaps_is_back_only_when_it_stays_ready() {
    let (done, took) = waited_for(&[true, true, false, true]).await;
    assert!(done.is_ok());
    assert_eq!(took.as_secs(), 3 + STAYS_READY.as_secs(), "counted from when it came again");
}

#[tokio::test(start_paused = true)]
async fn r3_node_that_is_never_ready_stays_cordoned_and_is_named() {
    let (done, took) = waited_for(&[false]).await;
    assert_eq!(done, Err("It says that it is not ready.".to_owned()));
    let problem = never_ready("w1", "");
    assert!(problem.detail.contains("Node `w1` did not become ready"), "{}", problem.detail);
    assert_eq!(took.as_secs(), READY.as_secs() + PAUSE.as_secs());
}

#[test]
fn names_and_a_drain_are_not_taken_for_each_other() {
    let of = |args: Json| {
        let args = access::json::from_json(&args);
        let wanted = Rollouts.all();
        let identity = plans::Identity { args, ..wanted.identity.clone() };
        Asked::of(&Wanted { identity, ..wanted }).map(|asked| asked.node.to_owned())
    };
    assert_eq!(of(Json::Null), None);
    assert_eq!(of(json!({"node": "nodes"})).as_deref(), Some("nodes"));
}
