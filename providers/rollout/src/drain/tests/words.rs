//! Whole forecasts as people read them.

use super::*;

fn web(name: &str) -> Json {
    pod(name, "apps/v1", "ReplicaSet", "web-7f")
}

fn replica_set() -> Json {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
        "uid": "u", "controller": true}]);
    with(owner_of_web("ReplicaSet", "web-7f"), json!({"metadata": {"ownerReferences": owner}}))
}

fn owner_of_web(kind: &str, name: &str) -> Json {
    owner(kind, name, 3, 3)
}

#[test]
fn a_drain_says_what_happens_to_each_pod_and_why() {
    let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}});
    let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let over = json!({"status": {"phase": "Succeeded", "conditions": []}});
    let cache = json!({"spec": {"volumes": [{"name": "cache", "emptyDir": {}}]}});
    let objects = [
        node("w1"),
        node("w2"),
        web("web-7f-b"),
        web("web-7f-a"),
        replica_set(),
        owner_of_web("Deployment", "web"),
        budget("web", 1, 3, 2, 3),
        of_set("db-0"),
        owner("StatefulSet", "db", 1, 1),
        bare("tool"),
        with(of_set("search-0"), cache),
        with(pod("report-x", "batch/v1", "Job", "report"), over),
        pod("import-y", "batch/v1", "Job", "import"),
        with(of_set("old-0"), going),
        with(pod("kube-proxy", "v1", "Node", "w1"), mirror),
        pod("log-a", "apps/v1", "DaemonSet", "log"),
        owner("DaemonSet", "log", 0, 0),
    ];
    insta::assert_snapshot!(told(&objects, &Options::careful()), @r"
    refuse  shop/search-0  StatefulSet shop/search, would lose emptyDir cache
    refuse  shop/tool      has no controller
    evict   shop/db-0      StatefulSet shop/db, 1 of 1 ready, the only replica
    evict   shop/import-y  Job shop/import, its work begins again
    evict   shop/web-7f-a  Deployment shop/web, 3 of 3 ready, budget shop/web allows 1
    evict   shop/web-7f-b  Deployment shop/web, 3 of 3 ready, budget shop/web allows 1
    remove  shop/report-x  Job shop/report, is over
    await   shop/old-0     StatefulSet shop/old, is ending already
    stay    1 of daemon sets, 1 static
    Error E0880: Pods would not come back
        Draining node `w1` removes pods without a controller: shop/tool.
        -> Let a Deployment or another controller run them, delete them yourself, or allow it with `force`.
    Error E0881: Data would be lost
        Draining node `w1` loses what is in emptyDir volumes of shop/search-0.
        -> If it is a cache or the like, allow it with `delete_emptydir_data`.
    Warning E0885: An application stands still
        While node `w1` is drained, nothing of StatefulSet shop/db is ready: all of it runs on this node.
        -> Run more replicas on other nodes first; a PodDisruptionBudget keeps some of them.
    ");
    let mut turned = objects.to_vec();
    turned.reverse();
    assert_eq!(told(&objects, &Options::careful()), told(&turned, &Options::careful()));
    let options = Options { force: true, delete_emptydir_data: true, ..Options::careful() };
    insta::assert_snapshot!(lines(&objects, &options), @r"
    evict   shop/db-0      StatefulSet shop/db, 1 of 1 ready, the only replica
    evict   shop/import-y  Job shop/import, its work begins again
    evict   shop/search-0  StatefulSet shop/search, loses emptyDir cache
    evict   shop/tool      nothing creates it again
    evict   shop/web-7f-a  Deployment shop/web, 3 of 3 ready, budget shop/web allows 1
    evict   shop/web-7f-b  Deployment shop/web, 3 of 3 ready, budget shop/web allows 1
    remove  shop/report-x  Job shop/report, is over
    await   shop/old-0     StatefulSet shop/old, is ending already
    stay    1 of daemon sets, 1 static
    ");
}

#[test]
fn r1_budgets_in_the_way_are_named_with_their_pods_and_what_to_do() {
    let objects = [
        node("w1"),
        node("w2"),
        web("web-7f-a"),
        web("web-7f-b"),
        budget("web", 0, 2, 2, 3),
        of_set("db-0"),
        owner("StatefulSet", "db", 1, 1),
        budget("db", 0, 1, 1, 1),
        of_set("queue-0"),
        budget("queue", 1, 2, 1, 2),
        with(budget("queue", 1, 2, 1, 2), json!({"metadata": {"name": "all"}})),
    ];
    insta::assert_snapshot!(told(&objects, &Options::careful()), @r"
    evict   shop/db-0      StatefulSet shop/db, 1 of 1 ready, budget shop/db lets none go: needs 1 healthy and has 1
    evict   shop/queue-0   StatefulSet shop/queue, cannot be evicted with budgets shop/all and shop/queue
    evict   shop/web-7f-a  ReplicaSet shop/web-7f, budget shop/web blocks: needs 2 healthy and has 2
    evict   shop/web-7f-b  ReplicaSet shop/web-7f, budget shop/web blocks: needs 2 healthy and has 2
    Error E0882: Disruption budget leaves no room
        Budget `shop/db` lets no pod go, so shop/db-0 cannot leave node `w1`: it needs 1 healthy, which is all that there should be, and has 1.
        -> Run one replica more, or let the budget allow at least one to be away.
    Error E0883: Pod has more than one disruption budget
        shop/queue-0 on node `w1` cannot be evicted: the server evicts no pod that more than one budget selects, and shop/all and shop/queue do.
        -> Change the selectors so that each pod has one budget.
    Warning E0882: Disruption budget leaves no room
        Budget `shop/web` has no room now, so shop/web-7f-a and shop/web-7f-b would not leave node `w1`: it needs 2 healthy and has 2.
        -> Find out why pods of it are not ready. A drain waits for them until its time is over.
    ");
}

#[test]
fn an_application_that_is_all_on_the_node_is_told_unless_its_budget_keeps_one() {
    let all = |budgets: &[Json]| {
        let mut objects = vec![node("w1"), node("w2"), of_set("a-0"), of_set("a-1")];
        objects.push(owner("StatefulSet", "a", 2, 2));
        objects.extend_from_slice(budgets);
        let drain = drain(&objects, &Options::careful());
        drain.pods[0].notes.clone()
    };
    assert_eq!(all(&[]), [Note::AllHere]);
    assert_eq!(all(&[budget("a", 1, 2, 1, 2)]), []);
    assert_eq!(all(&[budget("a", 2, 2, 0, 2)]), [Note::AllHere]);
}

#[test]
fn the_longest_time_to_end_is_the_least_that_a_drain_takes() {
    let slow = |name: &str, seconds: u64| {
        with(of_set(name), json!({"spec": {"terminationGracePeriodSeconds": seconds}}))
    };
    let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}});
    let objects =
        [node("w1"), node("w2"), slow("a-0", 5), slow("b-0", 90), with(slow("c-0", 900), mirror)];
    let at_least = |options: &Options| drain(&objects, options).at_least.as_secs();
    assert_eq!(at_least(&Options::careful()), 90);
    assert_eq!(at_least(&Options { grace_period: Some(7), ..Options::careful() }), 7);
}

#[test]
fn whose_cordon_it_is_is_seen() {
    let cordon = |note: Json| {
        let node = with(node("w1"), json!({"spec": {"unschedulable": true}}));
        let node = with(node, json!({"metadata": {"annotations": {"clinch/cordoned": note}}}));
        drain(&[node], &Options::careful()).cordon
    };
    let holder = Holder { project: "shop".to_owned(), plan: "4f2a".to_owned() };
    assert_eq!(cordon(json!("v1 shop 4f2a")), Whose::Plan(holder));
    assert_eq!(cordon(json!("v9 who knows")), Whose::Other);
    let by_hand = with(node("w1"), json!({"spec": {"unschedulable": true}}));
    assert_eq!(drain(&[by_hand], &Options::careful()).cordon, Whose::Other);
    assert_eq!(drain(&[node("w1")], &Options::careful()).cordon, Whose::Nobody);
}

#[test]
fn a_node_that_is_down_and_what_was_not_seen_are_told() {
    let down = with(node("w1"), json!({"status": {"conditions": []}}));
    let mut world = World::of(&[down, node("w2"), of_set("web-0")]).unwrap();
    world.budgets = None;
    world.unseen.push("PodDisruptionBudgets: User `jane` may not list them.".to_owned());
    let drain = forecast(&world, "w1", &Options::careful()).unwrap();
    let details = drain.problems().into_iter().map(|problem| problem.detail);
    let told = drain.lines().into_iter().chain(details).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(told, @r"
    evict   shop/web-0  StatefulSet shop/web, budgets not seen
    Node `w1` is not ready, so it comes first among those of its rollout: no other one is taken out of service for it, and the change may be what brings it back. If it is not ready afterwards either, its turn counts as failed. Its kubelet does not confirm that pods have ended, so each is waited for half a minute; what still runs of them ends when the kubelet is back.
    What draining node `w1` does is not fully known: PodDisruptionBudgets: User `jane` may not list them.
    ");
}
