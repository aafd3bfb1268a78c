//! What budgets say.

use super::*;

fn unready(object: Json) -> Json {
    with(object, json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}))
}

fn always(object: Json) -> Json {
    with(object, json!({"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}}))
}

/// The answer for a pod with these budgets, in words; empty for a pod that may go freely.
#[track_caller]
fn check(pod: &Json, budgets: &[Json], want: &str) {
    let budgets: Vec<Budget> = budgets.iter().map(|budget| Budget::of(budget).unwrap()).collect();
    let answer = answer(&Pod::of(pod).unwrap(), &budgets);
    assert_eq!(text::answer(&answer).unwrap_or_default(), want);
}

#[test]
fn r1_a_budget_is_asked_for_pods_that_it_selects_in_its_namespace() {
    let pod = of_set("web-0");
    check(&pod, &[budget("web", 1, 3, 2, 3)], "budget shop/web allows 1");
    check(&pod, &[budget("db", 0, 1, 1, 1)], "");
    let elsewhere = with(budget("web", 0, 1, 1, 1), json!({"metadata": {"namespace": "other"}}));
    check(&pod, &[elsewhere], "");
    let nothing = with(budget("web", 0, 1, 1, 1), json!({"spec": {"selector": null}}));
    check(&pod, &[nothing], "");
    let everything = json!({"spec": {"selector": {"matchLabels": null}}});
    let everything = with(budget("all", 2, 3, 1, 3), everything);
    check(&pod, &[everything], "budget shop/all allows 2");
}

#[test]
fn r1_a_budget_without_room_says_what_it_needs() {
    let pod = of_set("web-0");
    let needs = "budget shop/web blocks: needs 2 healthy and has 2";
    check(&pod, &[budget("web", 0, 2, 2, 3)], needs);
    let always = "budget shop/web lets none go: needs 3 healthy and has 3";
    check(&pod, &[budget("web", 0, 3, 3, 3)], always);
}

#[test]
fn r1_a_budget_that_was_not_counted_again_blocks() {
    let stale = with(budget("web", 2, 3, 1, 3), json!({"metadata": {"generation": 2}}));
    let want = "budget shop/web blocks: not counted since it was changed";
    check(&of_set("web-0"), &[stale], want);
}

#[test]
fn r1_a_budget_that_cannot_be_counted_says_why() {
    let condition = json!([{"type": "DisruptionAllowed", "status": "False",
        "reason": "SyncFailed", "message": "found no scale"}]);
    let failed = with(budget("web", 0, 0, 0, 0), json!({"status": {"conditions": condition}}));
    check(&of_set("web-0"), &[failed], "budget shop/web blocks: cannot be counted: found no scale");
}

#[test]
fn r1_two_budgets_for_one_pod_are_an_error_of_the_server() {
    let two = [
        budget("web", 1, 3, 2, 3),
        with(budget("web", 1, 3, 2, 3), json!({"metadata": {"name": "all"}})),
    ];
    check(&of_set("web-0"), &two, "cannot be evicted with budgets shop/all and shop/web");
}

#[test]
fn r1_a_status_without_sense_is_refused_by_the_server() {
    let pod = of_set("web-0");
    let negative = "budget shop/web blocks: it allows fewer than no pods to go";
    check(&pod, &[budget("web", -1, 0, 1, 1)], negative);
    let many: serde_json::Map<_, _> =
        (0..2001).map(|i| (format!("p{i}"), json!("2026-01-01T00:00:00Z"))).collect();
    let many = with(budget("web", 1, 1, 1, 1), json!({"status": {"disruptedPods": many}}));
    let want = "budget shop/web blocks: too many evictions are not confirmed by its controller";
    check(&pod, &[many], want);
}

#[test]
fn r1_pods_that_are_not_ready_go_when_the_others_are_or_when_the_budget_says_so() {
    let pod = unready(of_set("web-0"));
    let lets = "is not ready, so budget shop/web lets it go";
    check(&pod, &[budget("web", 0, 2, 2, 3)], lets);
    let needs = "budget shop/web blocks: needs 2 healthy and has 1";
    check(&pod, &[budget("web", 0, 1, 2, 3)], needs);
    check(&pod, &[always(budget("web", 0, 1, 2, 3))], lets);
    // With nobody to protect the ordinary rule holds.
    let none = "budget shop/web blocks: needs 0 healthy and has 0";
    check(&pod, &[budget("web", 0, 0, 0, 1)], none);
    // The policy is about pods that are not ready.
    check(&of_set("web-0"), &[always(budget("web", 0, 1, 2, 3))], needs);
    // It is not asked whether the status is of the newest version.
    let stale = with(budget("web", 0, 2, 2, 3), json!({"metadata": {"generation": 2}}));
    check(&pod, &[stale], lets);
}

#[test]
fn r1_no_budget_is_asked_for_pods_that_are_over_not_begun_or_going() {
    let two = [budget("web", 0, 1, 1, 1), budget("web", 0, 1, 1, 1)];
    for phase in ["Succeeded", "Failed", "Pending"] {
        check(&with(of_set("web-0"), json!({"status": {"phase": phase}})), &two, "");
    }
    let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    check(&with(of_set("web-0"), going), &two, "");
}
