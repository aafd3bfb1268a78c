//! Where pods could go.

use super::*;

fn cordoned(name: &str) -> Json {
    with(node(name), json!({"spec": {"unschedulable": true}}))
}

/// Why pods of this kind have nowhere to go when `w1` is drained, with these other nodes.
fn nowhere(pod: &Json, others: &[Json]) -> String {
    let mut objects = vec![node("w1"), pod.clone()];
    objects.extend_from_slice(others);
    let drain = drain(&objects, &Options::careful());
    let refused = drain.pods[0].fate == Fate::Refused(vec![Refusal::Stranded]);
    let line = drain.lines().remove(0);
    assert_eq!(refused, line.starts_with("refuse"));
    line.split_once("no other node takes it ").map_or(String::new(), |(_, why)| why.to_owned())
}

#[test]
fn r8_the_last_node_that_takes_pods_is_not_drained_without_leave() {
    let objects = [node("w1"), of_set("web-0")];
    insta::assert_snapshot!(told(&objects, &Options::careful()), @r"
    refuse  shop/web-0  StatefulSet shop/web, there is no other node
    Error E0884: Pods have no other node to go to
        Draining node `w1` leaves shop/web-0 without a node: there is no other node.
        -> Uncordon or add a node that takes them, or allow it with `allow_stranded`: then they stand still until the node is back.
    ");
    let options = Options { allow_stranded: true, ..Options::careful() };
    insta::assert_snapshot!(told(&objects, &options), @"evict   shop/web-0  StatefulSet shop/web, there is no other node");
}

#[test]
fn r8_nodes_that_take_no_pods_are_counted_by_reason() {
    let tainted = |key: &str| {
        let taint = json!({"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}});
        with(node("cp1"), taint)
    };
    let down = with(node("w3"), json!({"status": {"conditions": []}}));
    let others = [cordoned("w2"), down, tainted("node-role.kubernetes.io/control-plane")];
    assert_eq!(nowhere(&of_set("a"), &others), "(1 cordoned, 1 not ready, 1 tainted)");
    assert_eq!(nowhere(&of_set("a"), &[cordoned("w2"), node("w3")]), "");
}

/// A node that a run of this project left behind when it died, with its kubelet stopped perhaps, takes
/// pods again before this one goes. What else keeps pods from it does so still.
#[test]
fn r8_a_node_that_is_back_before_the_drain_takes_pods() {
    let options = Options { back: ["w2".to_owned()].into(), ..Options::careful() };
    let refused = |name: &str, rest: &Json| {
        let other = with(cordoned(name), rest.clone());
        let drain = drain(&[node("w1"), of_set("a-0"), other], &options);
        drain.pods[0].fate == Fate::Refused(vec![Refusal::Stranded])
    };
    let taint = |key: &str| json!({"spec": {"taints": [{"key": key, "effect": "NoExecute"}]}});
    let down = with(taint("node.kubernetes.io/not-ready"), json!({"status": {"conditions": []}}));
    for rest in [json!({}), down.clone()] {
        assert!(!refused("w2", &rest), "{rest}");
        assert!(refused("w3", &rest), "{rest}");
    }
    assert!(refused("w2", &taint("gpu")));
}

#[test]
fn r8_pods_that_bear_a_cordon_or_a_taint_are_not_kept_away_by_it() {
    let bearing =
        |toleration: Json| with(of_set("a"), json!({"spec": {"tolerations": [toleration]}}));
    assert_eq!(nowhere(&bearing(json!({"operator": "Exists"})), &[cordoned("w2")]), "");
    let cordon = json!({"key": "node.kubernetes.io/unschedulable", "operator": "Exists"});
    assert_eq!(nowhere(&bearing(cordon), &[cordoned("w2")]), "");
    let taint = json!({"spec": {"taints": [{"key": "gpu", "value": "a", "effect": "NoExecute"}]}});
    let gpu = with(node("w2"), taint);
    for (toleration, takes) in [
        (json!({"key": "gpu", "operator": "Exists"}), true),
        (json!({"key": "gpu", "value": "a"}), true),
        (json!({"key": "gpu", "value": "a", "effect": "NoSchedule"}), false),
        (json!({"key": "gpu", "value": "b"}), false),
        (json!({"key": "gpu", "operator": "Unheard", "value": "a"}), false),
        (json!({}), false),
    ] {
        let why = nowhere(&bearing(toleration.clone()), std::slice::from_ref(&gpu));
        assert_eq!(why.is_empty(), takes, "{toleration}");
    }
    let soft = json!({"spec": {"taints": [{"key": "gpu", "effect": "PreferNoSchedule"}]}});
    assert_eq!(nowhere(&of_set("a"), &[with(node("w2"), soft)]), "");
}

#[test]
fn r8_nodes_must_have_what_a_pod_asks_for() {
    let ssd = with(node("w2"), json!({"metadata": {"labels": {"disk": "ssd", "cores": "8"}}}));
    let selects = |disk: &str| with(of_set("a"), json!({"spec": {"nodeSelector": {"disk": disk}}}));
    assert_eq!(nowhere(&selects("ssd"), &[node("w3"), ssd.clone()]), "");
    assert_eq!(nowhere(&selects("nvme"), &[node("w3"), ssd.clone()]), "(2 not asked for)");
    let affine = |terms: Json| {
        with(
            of_set("a"),
            json!({"spec": {"affinity": {"nodeAffinity":
            {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}}),
        )
    };
    let one = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    for (terms, takes) in [
        (json!([one("disk", "In", &["ssd", "nvme"])]), true),
        (json!([one("disk", "NotIn", &["ssd"])]), false),
        (json!([one("disk", "DoesNotExist", &[])]), false),
        (json!([one("cores", "Gt", &["4"])]), true),
        (json!([one("cores", "Lt", &["4"])]), false),
        (json!([one("disk", "In", &["nvme"]), one("disk", "Exists", &[])]), true),
        (json!([{}]), false),
        (
            json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["w2"]}]}]),
            true,
        ),
        (
            json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["w1"]}]}]),
            false,
        ),
    ] {
        let why = nowhere(&affine(terms.clone()), std::slice::from_ref(&ssd));
        assert_eq!(why.is_empty(), takes, "{terms}");
    }
}

fn volume(rest: Json) -> Json {
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
        "spec": {"claimRef": {"namespace": "shop", "name": "data-db-0"}},
    });
    with(volume, json!({"spec": rest}))
}

fn on(hosts: &[&str]) -> Json {
    json!({"required": {"nodeSelectorTerms": [{"matchExpressions":
        [{"key": "kubernetes.io/hostname", "operator": "In", "values": hosts}]}]}})
}

fn claiming() -> Json {
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]);
    with(of_set("db-0"), json!({"spec": {"volumes": volumes}}))
}

#[test]
fn r8_a_pod_with_a_volume_of_the_node_cannot_move() {
    let local = volume(json!({"local": {"path": "/disk"}, "nodeAffinity": on(&["w1"])}));
    let objects = [node("w1"), node("w2"), claiming(), local];
    insta::assert_snapshot!(told(&objects, &Options::careful()), @r"
    refuse  shop/db-0  StatefulSet shop/db, bound to volume pv-1 on this node, no other node takes it (1 out of reach of its volume)
    Error E0884: Pods have no other node to go to
        Draining node `w1` leaves shop/db-0 without a node: no other node takes it (1 out of reach of its volume).
        -> Uncordon or add a node that takes them, or allow it with `allow_stranded`: then they stand still until the node is back.
    ");
}

#[test]
fn r8_a_volume_that_another_node_reaches_does_not_hold_a_pod() {
    let shared = volume(json!({"csi": {}, "nodeAffinity": on(&["w1", "w2"])}));
    assert_eq!(nowhere(&claiming(), &[node("w2"), shared.clone()]), "");
    assert_eq!(nowhere(&claiming(), &[node("w3"), shared]), "(1 out of reach of its volume)");
    let network = volume(json!({"nfs": {"server": "x", "path": "/"}}));
    assert_eq!(nowhere(&claiming(), &[node("w2"), network]), "");
}

#[test]
fn folders_of_the_node_are_noted() {
    let volumes = json!([{"name": "logs", "hostPath": {"path": "/var/log"}}]);
    let logs = with(of_set("agent-0"), json!({"spec": {"volumes": volumes}}));
    let folder = volume(json!({"hostPath": {"path": "/data"}}));
    let objects = [node("w1"), node("w2"), claiming(), logs, folder];
    insta::assert_snapshot!(lines(&objects, &Options::careful()), @r"
    evict   shop/agent-0  StatefulSet shop/agent, leaves /var/log behind
    evict   shop/db-0     StatefulSet shop/db, leaves volume pv-1 behind
    ");
}
