//! Evicting the pods of a node.

use super::stage::Act;
use super::*;
use access::scripted::Reply;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use values::Value;

/// What a drain came to, with what it said meanwhile.
async fn drain(stage: &Stage, options: Options) -> (Result<Evicted, StepError>, Vec<String>) {
    let said = Mutex::new(Vec::new());
    let evict = Evict { node: "w1".to_owned(), uid: Some("uid-w1".to_owned()), options };
    let progress = |text: String| said.lock().unwrap().push(text);
    let done = evict.perform(&stage.cluster(), &progress).await;
    (done, said.into_inner().unwrap())
}

async fn drained(stage: &Stage) -> Vec<String> {
    let (done, said) = drain(stage, Options::careful()).await;
    done.map_err(|error| told(&error)).unwrap();
    said
}

async fn failed(stage: &Stage, seconds: u64) -> String {
    let timeout = Duration::from_secs(seconds);
    let (done, _) = drain(stage, Options { timeout, ..Options::careful() }).await;
    told(&done.unwrap_err())
}

/// What a server says whose budget has no room.
fn blocked(message: &str, again: Option<u64>) -> Act {
    let mut status = json!({
        "code": 429, "reason": "TooManyRequests",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "details": {"causes": [{"reason": "DisruptionBudget", "message": message}]},
    });
    if let Some(seconds) = again {
        status["details"]["retryAfterSeconds"] = seconds.into();
    }
    Act::Says(Reply::status(status))
}

fn full() -> Act {
    blocked("The disruption budget web needs 2 healthy pods and has 2 currently", None)
}

fn terminating_namespace() -> Act {
    Act::Says(Reply::status(json!({
        "code": 403, "reason": "Forbidden", "message": "namespace is being terminated",
        "details": {"causes": [{"reason": "NamespaceTerminating", "message": "..."}]},
    })))
}

#[tokio::test(start_paused = true)]
async fn pods_are_evicted_all_at_once_for_their_uid_and_with_their_own_time() {
    let stage = Stage::new([of_set("web-0"), of_set("web-1")], |_, _| Act::Leaves);
    let (done, _) = drain(&stage, Options::careful()).await;
    let names: Vec<String> = done.unwrap().pods.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["shop/web-0", "shop/web-1"]);
    assert_eq!(stage.asked(), "web-0 at 0s, web-1 at 0s");
    let want = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"namespace": "shop", "name": "web-0"},
        "deleteOptions": {"preconditions": {"uid": "uid-web-0"}},
    });
    assert_eq!(stage.sent()[0], want);
    let again = drain(&stage, Options::careful()).await.0;
    assert_eq!(again.unwrap(), Evicted::default(), "there is nothing left to do");
}

#[tokio::test(start_paused = true)]
async fn the_time_to_end_can_be_given() {
    let stage = Stage::new([of_set("web-0")], |_, _| Act::Leaves);
    let options = Options { grace_period: Some(5), ..Options::careful() };
    drain(&stage, options).await.0.unwrap();
    assert_eq!(stage.sent()[0]["deleteOptions"]["gracePeriodSeconds"], 5);
}

#[tokio::test(start_paused = true)]
async fn r1_a_blocked_pod_is_named_at_once_with_its_budget_and_asked_again_until_there_is_room() {
    let stage = Stage::new([of_set("web-0"), of_set("web-1")], |pod, before| {
        if pod == "web-1" && before < 2 { full() } else { Act::Leaves }
    });
    let said = drained(&stage).await;
    assert_eq!(stage.asked(), "web-0 at 0s, web-1 at 0s, web-1 at 5s, web-1 at 10s");
    let want = "shop/web-1 (budget shop/web needs 2 healthy pods and has 2 currently)";
    assert!(said.iter().any(|text| text.contains(want)), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn r1_the_time_that_the_server_names_is_waited() {
    let message = "The disruption budget web is still being processed by the server.";
    let stage = Stage::new([of_set("web-0")], move |_, before| {
        if before == 0 { blocked(message, Some(10)) } else { Act::Leaves }
    });
    let said = drained(&stage).await;
    assert_eq!(stage.asked(), "web-0 at 0s, web-0 at 10s");
    let want = "shop/web-0 (budget shop/web is still being processed by the server)";
    assert!(said.iter().any(|text| text.contains(want)), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn r1_a_budget_that_the_server_does_not_name_is_found_by_its_selector() {
    let budget = json!({
        "metadata": {"namespace": "shop", "name": "all", "generation": 1},
        "spec": {"selector": {}},
        "status": {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 1,
            "desiredHealthy": 2, "expectedPods": 3},
    });
    let stage = Stage::new([of_set("web-0")], |_, before| {
        if before == 0 { blocked("no room", None) } else { Act::Leaves }
    });
    let said = drained(&stage.with_budgets([budget])).await;
    let want = "shop/web-0 (budget shop/all blocks: needs 2 healthy and has 1)";
    assert!(said.iter().any(|text| text.contains(want)), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn r1_p17_a_budget_that_never_has_room_ends_the_drain_in_time_and_is_named() {
    let stage = Stage::new([of_set("web-0"), of_set("web-1")], |pod, _| {
        if pod == "web-1" { full() } else { Act::Leaves }
    });
    insta::assert_snapshot!(failed(&stage, 12).await, @r"
    E0887: Node did not become empty
    After 12 s there are still pods on node `w1`: shop/web-1 (budget shop/web needs 2 healthy pods and has 2 currently).
    -> Find out why pods of the budget are not ready, or let it allow more to be away; then do it again.
    ");
    assert_eq!(stage.asked(), "web-0 at 0s, web-1 at 0s, web-1 at 5s, web-1 at 10s");
}

#[tokio::test(start_paused = true)]
async fn r1_two_budgets_for_one_pod_end_the_drain_at_once() {
    let budget = |name: &str| {
        json!({
            "metadata": {"namespace": "shop", "name": name, "generation": 1},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
        })
    };
    let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource \
                   does not support.";
    let stage = Stage::new([of_set("web-0"), of_set("web-1")], move |pod, _| {
        if pod == "web-1" { full() } else { Act::Says(Reply::refusal(500, "", message)) }
    });
    let stage = stage.with_budgets([budget("web"), budget("all")]);
    insta::assert_snapshot!(failed(&stage, 600).await, @r"
    E0883: Pod has more than one disruption budget
    shop/web-0 on node `w1` cannot be evicted: the server evicts no pod that more than one budget selects, and shop/all and shop/web do.
    -> Change the selectors so that each pod has one budget.
    ");
    assert_eq!(stage.asked(), "web-0 at 0s, web-1 at 0s", "nobody is asked again for nothing");
}

#[tokio::test(start_paused = true)]
async fn r1_a_budget_whose_status_is_no_sense_ends_the_drain() {
    let stage = Stage::new([of_set("web-0")], |_, _| {
        Act::Says(Reply::status(json!({
            "code": 403, "reason": "Forbidden",
            "message": "poddisruptionbudget.policy \"web\" is forbidden: pdb disruptions allowed is negative",
            "details": {"kind": "poddisruptionbudget", "name": "web"},
        })))
    });
    insta::assert_snapshot!(failed(&stage, 600).await, @r#"
    E0883: Disruption budget is not in order
    shop/web-0 on node `w1` cannot be evicted because of its disruption budget `shop/web`; the server says 403: poddisruptionbudget.policy "web" is forbidden: pdb disruptions allowed is negative.
    -> Look whether kube-controller-manager runs, which counts budgets anew.
    "#);
}

#[tokio::test(start_paused = true)]
async fn r2_a_pod_that_is_not_there_any_more_is_gone() {
    let gone = |pods: &[&str]| {
        let stage = Stage::new(pods.iter().map(|name| of_set(name)), |_, _| Act::Leaves);
        let seen = json!({"kind": "PodList", "metadata": {"resourceVersion": "1"},
            "items": [of_set("web-9")]});
        // Listed for the drain, and gone when it is asked to leave.
        stage.listing([Reply::json(seen)])
    };
    let stage = gone(&[]);
    stage.state_says("web-9", Reply::not_found("web-9"));
    drained(&stage).await;
    let stage = gone(&[]);
    let other = "Precondition failed: UID in precondition: a, UID in object meta: b";
    stage.state_says("web-9", Reply::refusal(409, "Conflict", other));
    drained(&stage).await;
}

#[tokio::test(start_paused = true)]
async fn r2_a_pod_of_the_same_name_and_another_uid_is_another_one() {
    let stage = Stage::new([of_set("web-0")], |_, _| {
        let mut next = of_set("web-0");
        next["metadata"]["uid"] = "another".into();
        next["spec"]["nodeName"] = "w1".into();
        next["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:30Z".into();
        Act::Becomes(next)
    });
    let text = failed(&stage, 90).await;
    // The next one is on the node as well: it is waited for in a round of its own.
    assert!(text.contains("shop/web-0 (has until 2026-01-01T00:00:30Z to end)"), "{text}");
    assert_eq!(stage.asked(), "web-0 at 0s", "it is going already, and not asked");
}

#[tokio::test(start_paused = true)]
async fn r2_a_path_that_does_not_exist_is_not_a_pod_that_is_gone() {
    let stage = Stage::new([of_set("web-0")], |_, _| Act::Says(Reply::no_such_path()));
    let text = failed(&stage, 600).await;
    assert!(
        text.starts_with("E0717") && text.contains("create pods/eviction shop/web-0"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn r2_a_pod_of_a_namespace_that_is_being_deleted_is_waited_for() {
    let stage = Stage::new([of_set("web-0")], |_, before| match before {
        0 | 1 => terminating_namespace(),
        _ => Act::Leaves,
    });
    let said = drained(&stage).await;
    assert_eq!(stage.asked(), "web-0 at 0s, web-0 at 5s, web-0 at 10s");
    let want = "shop/web-0 (its namespace is being deleted)";
    assert!(said.iter().any(|text| text.contains(want)), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn r2_a_pod_that_does_not_end_is_told_with_what_holds_it() {
    let mut held = of_set("web-0");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let stage = Stage::new([held, of_set("web-1")], |_, _| Act::Ends);
    insta::assert_snapshot!(failed(&stage, 120).await, @r"
    E0887: Node did not become empty
    After 120 s there are still pods on node `w1`: shop/web-0 (has until 2026-01-01T00:00:30Z to end, held by finalizer example.com/hold) and shop/web-1 (has until 2026-01-01T00:00:30Z to end).
    -> Find out what keeps them from ending (a finalizer, a kubelet that does not answer, a process that ignores SIGTERM), or allow more time; then do it again.
    ");
    assert_eq!(stage.asked(), "web-0 at 0s, web-1 at 0s");
}

/// Its kubelet confirms nothing, and what comes after the drain may be what brings it back.
#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_is_not_ready_are_waited_for_only_half_a_minute() {
    let pods = || [of_set("web-0"), of_set("web-1")];
    let options = || Options { unconfirmed: Some(Duration::from_secs(30)), ..Options::careful() };
    let stage = Stage::new(pods(), |_, _| Act::Ends).unready();
    let began = Instant::now();
    let (done, _) = drain(&stage, options()).await;
    done.map_err(|error| told(&error)).unwrap();
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(stage.asked(), "web-0 at 0s, web-1 at 0s", "budgets are asked all the same");
    let (again, _) = drain(&stage, options()).await;
    assert_eq!(again.map(|done| done.pods.len()).map_err(|error| told(&error)), Ok(0));
    assert_eq!(began.elapsed().as_secs(), 30, "they were told already");
    let ready = Stage::new(pods(), |_, _| Act::Ends);
    let (done, _) = drain(&ready, options()).await;
    assert!(told(&done.unwrap_err()).contains("After 600 s"), "there is somebody to confirm it");
}

#[tokio::test(start_paused = true)]
async fn r2_pods_that_must_not_leave_keep_all_others() {
    let mut bare = of_set("tool");
    bare["metadata"]["ownerReferences"] = json!([]);
    let stage = Stage::new([of_set("web-0"), bare], |_, _| Act::Leaves);
    insta::assert_snapshot!(failed(&stage, 600).await, @r"
    E0880: Pods would not come back
    Draining node `w1` removes pods without a controller: shop/tool.
    -> Let a Deployment or another controller run them, delete them yourself, or allow it with `force`.
    ");
    assert_eq!(stage.asked(), "");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_takes_pods_is_not_emptied() {
    let stage = Stage::new([of_set("web-0")], |_, _| Act::Leaves).uncordoned();
    let text = failed(&stage, 600).await;
    assert_eq!(text, "stale: Node w1 takes pods: somebody uncordoned it.");
    assert_eq!(stage.asked(), "");
}

#[tokio::test(start_paused = true)]
async fn another_node_of_that_name_is_not_emptied() {
    let stage = Stage::new([of_set("web-0")], |_, _| Act::Leaves);
    let uid = Some("another".to_owned());
    let evict = Evict { node: "w1".to_owned(), uid, options: Options::careful() };
    let error = evict.perform(&stage.cluster(), &|_| {}).await.unwrap_err();
    assert_eq!(told(&error), "stale: Node w1 is another one than when it was planned.");
    assert_eq!(stage.asked(), "");
}

#[tokio::test(start_paused = true)]
async fn pods_that_came_meanwhile_leave_in_a_round_of_their_own() {
    let stage = Stage::new([of_set("web-0")], |pod, _| match pod {
        "web-0" => Act::Becomes(of_set("late-0")),
        _ => Act::Leaves,
    });
    drained(&stage).await;
    assert!(stage.asked().starts_with("web-0 at 0s, late-0 at "), "{}", stage.asked());
}

#[tokio::test(start_paused = true)]
async fn pods_that_always_come_back_end_the_drain() {
    let stage = Stage::new([of_set("web-0")], |_, before| {
        let mut next = of_set("web-0");
        next["metadata"]["uid"] = format!("uid-{before}").into();
        Act::Becomes(next)
    });
    let text = failed(&stage, 600).await;
    assert!(text.contains("come back to node `w1`") && text.contains("shop/web-0"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_restarts_meanwhile_is_waited_for() {
    let stage = Stage::new([of_set("web-0")], |_, before| match before {
        0 => Act::Says(Reply::reset()),
        1 => Act::Says(Reply::refusal(503, "ServiceUnavailable", "starting")),
        _ => Act::Leaves,
    });
    drained(&stage).await;
    assert_eq!(stage.asked(), "web-0 at 0s, web-0 at 1s, web-0 at 2s");
}

#[tokio::test(start_paused = true)]
async fn pods_that_cannot_be_read_are_not_an_empty_node() {
    let forbidden = "pods is forbidden: User \"jane\" cannot list resource \"pods\"";
    for reply in [
        Reply::refusal(403, "Forbidden", forbidden),
        Reply::text(200, "<html>log in</html>"),
        Reply::json(json!({"kind": "PodList", "metadata": {}})),
        Reply::json(
            json!({"kind": "PodList", "metadata": {}, "items": [{"metadata": {"name": "a"}}]}),
        ),
    ] {
        let stage = Stage::new([], |_, _| Act::Leaves).listing([reply]);
        let (done, _) = drain(&stage, Options::careful()).await;
        assert!(matches!(done, Err(StepError::Refused(_))), "{done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_to_do_is_found_by_looking() {
    let stage = Stage::new([of_set("web-0")], |_, _| Act::Leaves);
    let evict = Evict { node: "w1".to_owned(), uid: None, options: Options::careful() };
    assert_eq!(evict.settle(&stage.cluster()).await.unwrap(), None);
    drained(&stage).await;
    assert_eq!(evict.settle(&stage.cluster()).await.unwrap(), Some(Evicted::default()));
}

/// Whoever wants a run to end does not have to wait as long as a budget may block.
#[tokio::test(start_paused = true)]
async fn r1_a_drain_that_is_blocked_gives_up_soon_after_a_stop_was_asked_for() {
    let (w1, seconds) = (Value::map([("node", "w1".into())]), |n: u64| Duration::from_secs(n));
    let flags = ["force", "delete_emptydir_data", "allow_stranded"];
    let op = plans::Op {
        ty: crate::NAME.parse().unwrap(),
        name: "drain".to_owned(),
        identity: plans::Identity {
            key: plans::ObjectKey("rollout/node/w1".into()),
            args: w1,
            shown: "node w1".to_owned(),
        },
        args: Value::map(flags.map(|flag| (flag, false.into()))),
        guard: Value::map([("uid", "uid-w1".into())]),
        text: "drain node w1".to_owned(),
    };
    let stage = Stage::new([of_set("web-0")], |_, _| full());
    let provider = crate::RolloutProvider::new(stage.cluster());
    let began = Instant::now();
    let (done, ()) = tokio::join!(provider.perform(&op, &|_| {}), async {
        tokio::time::sleep(seconds(60)).await;
        provider.stopping();
    });
    let said = told(&done.unwrap_err());
    assert!(said.starts_with("E0893: Drain was interrupted"), "{said}");
    assert!((seconds(90)..seconds(100)).contains(&began.elapsed()), "{:?}", began.elapsed());
}
