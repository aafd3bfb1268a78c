//! Which pods leave: the cases of kubectl's own tests, in our words.
//!
//! Source: `TestDrain` of `k8s.io/kubectl/pkg/cmd/drain`, version 0.37.2; daemon sets are always
//! ignored here, so that its cases without that flag have no counterpart.

use super::*;

fn forced() -> Options {
    Options { force: true, ..Options::careful() }
}

fn reckless() -> Options {
    Options { delete_emptydir_data: true, ..forced() }
}

fn over(object: Json, phase: &str) -> Json {
    with(object, json!({"status": {"phase": phase, "conditions": []}}))
}

fn scratching(object: Json) -> Json {
    with(object, json!({"spec": {"volumes": [{"name": "scratch", "emptyDir": {}}]}}))
}

#[track_caller]
fn check(object: Json, options: &Options, want: Fate) {
    assert_eq!(fate_of(object, options), want);
}

#[test]
fn r2_pods_of_controllers_leave() {
    for (api_version, kind) in [
        ("v1", "ReplicationController"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("batch/v1", "Job"),
        ("example.com/v1", "Whatever"),
    ] {
        check(pod("a", api_version, kind, "a"), &Options::careful(), Fate::Evicted);
    }
}

#[test]
fn r2_a_pod_without_a_controller_is_refused_unless_forced() {
    check(bare("a"), &Options::careful(), Fate::Refused(vec![Refusal::Bare]));
    check(bare("a"), &forced(), Fate::Evicted);
    // An owner that is not the controller does not create it again.
    let owned = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}]);
    let owned = with(bare("a"), json!({"metadata": {"ownerReferences": owned}}));
    check(owned, &Options::careful(), Fate::Refused(vec![Refusal::Bare]));
}

#[test]
fn r2_data_in_an_empty_dir_is_kept_unless_allowed() {
    let pod = || scratching(of_set("a"));
    check(pod(), &forced(), Fate::Refused(vec![Refusal::EmptyDir]));
    check(pod(), &reckless(), Fate::Evicted);
    let both = Fate::Refused(vec![Refusal::EmptyDir, Refusal::Bare]);
    check(scratching(bare("a")), &Options::careful(), both);
}

#[test]
fn r2_pods_that_are_over_are_removed_whatever_they_are() {
    for phase in ["Succeeded", "Failed"] {
        for object in [bare("a"), scratching(bare("a")), pod("a", "apps/v1", "DaemonSet", "d")] {
            check(over(object, phase), &Options::careful(), Fate::Removed);
        }
    }
}

fn with_daemon_set(object: Json, options: &Options) -> Fate {
    let set = owner("DaemonSet", "d", 0, 0);
    drain(&[node("w1"), node("w2"), set, object], options).pods.remove(0).fate
}

#[test]
fn r2_pods_of_daemon_sets_stay_whatever_volumes_they_have() {
    let pod = || pod("a", "apps/v1", "DaemonSet", "d");
    let stays = Fate::Stays(Stay::DaemonSet);
    for options in [Options::careful(), reckless()] {
        assert_eq!(with_daemon_set(pod(), &options), stays);
        assert_eq!(with_daemon_set(scratching(pod()), &options), stays);
    }
    // A kind of the same name of somebody else is a controller like any other.
    let other = super::pod("a", "apps.kruise.io/v1alpha1", "DaemonSet", "d");
    assert_eq!(with_daemon_set(other, &Options::careful()), Fate::Evicted);
}

#[test]
fn r2_a_pod_whose_daemon_set_is_gone_is_refused_unless_forced() {
    let orphan = || pod("a", "apps/v1", "DaemonSet", "gone");
    check(orphan(), &Options::careful(), Fate::Refused(vec![Refusal::Orphaned]));
    check(orphan(), &forced(), Fate::Evicted);
    // A daemon set of that name elsewhere is another one.
    let elsewhere = with(owner("DaemonSet", "gone", 0, 0), json!({"metadata": {"namespace": "x"}}));
    let drain = drain(&[node("w1"), elsewhere, orphan()], &Options::careful());
    assert_eq!(drain.pods[0].fate, Fate::Refused(vec![Refusal::Orphaned]));
}

#[test]
fn r2_mirrors_of_static_pods_stay() {
    let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}});
    let mirror = with(scratching(pod("a", "v1", "Node", "w1")), mirror);
    check(mirror, &Options::careful(), Fate::Stays(Stay::Mirror));
}

#[test]
fn r2_a_pod_that_is_going_already_is_waited_for_and_never_refused() {
    let going =
        |object| with(object, json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}));
    for object in [bare("a"), scratching(bare("a")), of_set("a")] {
        check(going(object), &Options::careful(), Fate::Awaited);
    }
}

#[test]
fn pods_that_are_not_selected_stay() {
    let pod_selector = Some(LabelSelector::parse("app=web").unwrap());
    let options = Options { pod_selector, ..Options::careful() };
    check(bare("tool"), &options, Fate::Stays(Stay::NotSelected));
    check(of_set("web-0"), &options, Fate::Evicted);
}

#[test]
fn an_empty_node_has_nothing_to_leave() {
    let drain = drain(&[node("w1")], &Options::careful());
    assert!(drain.is_empty() && drain.lines().is_empty() && drain.problems().is_empty());
}

#[test]
fn pods_that_were_not_looked_at_are_not_no_pods() {
    let mut world = World::of(&[node("w1")]).unwrap();
    world.pods.clear();
    let forecast = |node| forecast(&world, node, &Options::careful());
    assert_eq!(forecast("w1"), Err(NoForecast::PodsUnseen));
    assert_eq!(forecast("w9"), Err(NoForecast::NoNode));
    let detail = NoForecast::PodsUnseen.to_problem("w1").detail;
    assert_eq!(detail, "Which pods are on node `w1` is not known, so it cannot be drained.");
}
