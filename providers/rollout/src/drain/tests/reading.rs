//! Objects that are not as they should be.

use super::*;

#[track_caller]
fn check(object: Json, rest: Json, want: &str) {
    let error = World::of(&[with(object, rest)]).unwrap_err();
    assert_eq!(error.to_string(), want);
}

#[test]
fn an_object_that_cannot_be_read_is_named_with_the_place() {
    let volumes = json!({"spec": {"volumes": "none"}});
    check(bare("a"), volumes, "Pod shop/a: its `spec.volumes` is no list");
    let phase = json!({"status": {"phase": "Dreaming"}});
    check(bare("a"), phase, "Pod shop/a: its phase `Dreaming` is not known");
    let labels = json!({"metadata": {"labels": {"a": 1}}});
    check(bare("a"), labels, "Pod shop/a: `a` of its `metadata.labels` is no text");
    let uid = json!({"metadata": {"uid": null}});
    check(bare("a"), uid, "Pod shop/a: it has no `metadata.uid`");
    let owner = json!({"metadata": {"ownerReferences": [{"controller": true, "kind": "X"}]}});
    check(bare("a"), owner, "Pod shop/a: its controller has no `apiVersion`, `kind` or `name`");
    let allowed = json!({"status": {"disruptionsAllowed": "all"}});
    let want = "PodDisruptionBudget shop/web: its `status.disruptionsAllowed` is no whole number";
    check(budget("web", 1, 1, 1, 1), allowed, want);
    let taints = json!({"spec": {"taints": ["a"]}});
    check(node("w1"), taints, "Node w1: an item of its `spec.taints` is no map");
    let asks = json!({"spec": {"affinity": {"nodeAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
            [{"matchExpressions": [{"key": "a", "operator": "Like"}]}]}}}}});
    check(bare("a"), asks, "Pod shop/a: it asks of nodes by `Like`, which is not known");
}

#[test]
fn what_is_missing_has_the_default_of_the_api() {
    let least = json!({"metadata": {"name": "a", "namespace": "shop", "uid": "u"}});
    let pod = Pod::of(&least).unwrap();
    assert_eq!((pod.phase, pod.grace, pod.ready), (Phase::Pending, 30, false));
    let node = Node::of(&json!({"metadata": {"name": "w1", "uid": "u"}})).unwrap();
    assert!(!node.unschedulable && !node.ready);
    // An old budget without a status has no room.
    let least = json!({"metadata": {"name": "b", "namespace": "shop", "generation": 1}});
    let budget = Budget::of(&least).unwrap();
    assert_eq!((budget.observed, budget.allowed), (0, 0));
}

#[test]
fn the_claim_of_an_ephemeral_volume_has_the_names_of_pod_and_volume() {
    let volumes = json!({"spec": {"volumes": [{"name": "tmp", "ephemeral": {}}]}});
    assert_eq!(Pod::of(&with(bare("a"), volumes)).unwrap().claims, ["a-tmp"]);
}

#[test]
fn what_somebody_wrote_into_an_object_does_not_reach_the_terminal_as_it_is() {
    let odd = pod("a", "x/v1", "Red\u{1b}[31m", "web");
    let line = lines(&[node("w1"), node("w2"), odd], &Options::careful());
    assert_eq!(line, "evict   shop/a  Red [31m shop/web");
    let phase = json!({"status": {"phase": "a\u{1b}b"}});
    check(bare("a"), phase, "Pod shop/a: its phase `a b` is not known");
}
