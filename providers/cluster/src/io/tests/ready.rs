//! The rules of readiness, as a table.

use super::*;
use crate::io::ready::state;
use crate::io::wait::Verdict;

#[track_caller]
fn check(group: &str, kind: &str, body: Json, want: &str) {
    let mut live = body;
    live["apiVersion"] = group.into();
    live["kind"] = kind.into();
    live["metadata"]["name"] = "x".into();
    let got = match state(&live) {
        Verdict::Holds => "ready".to_owned(),
        Verdict::Waits(on) => on,
        Verdict::Failed(why) => format!("failed: {why}"),
    };
    assert_eq!(got, want, "{live}");
}

fn conditions(list: &[(&str, &str, &str)]) -> Json {
    let one = |(ty, status, reason): &(&str, &str, &str)| json!({"type": ty, "status": status, "reason": reason});
    Json::Array(list.iter().map(one).collect())
}

#[test]
fn objects_without_a_status_are_ready_at_once() {
    for kind in ["ConfigMap", "Secret", "Service", "ServiceAccount", "LimitRange"] {
        check("v1", kind, json!({}), "ready");
    }
    check("networking.k8s.io/v1", "NetworkPolicy", json!({}), "ready");
    check("example.com/v1", "Widget", json!({}), "ready");
}

#[test]
fn a_controller_that_has_not_seen_the_newest_specification_is_waited_for() {
    let behind = json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}});
    check("example.com/v1", "Widget", behind.clone(), "Widget x to be seen by its controller");
    check("apps/v1", "Deployment", behind, "Deployment x to be seen by its controller");
}

#[test]
fn a_custom_resource_says_itself_that_it_is_worked_on_or_stuck() {
    let with = |list: &[(&str, &str, &str)]| json!({"status": {"conditions": conditions(list)}});
    check(
        "example.com/v1",
        "Widget",
        with(&[("Reconciling", "True", "Building")]),
        "Widget x to be reconciled (Building)",
    );
    check(
        "example.com/v1",
        "Widget",
        with(&[("Stalled", "True", "BadInput")]),
        "failed: its controller is stuck: BadInput",
    );
    check("example.com/v1", "Widget", with(&[("Stalled", "False", "")]), "ready");
}

#[test]
fn a_namespace_a_quota_and_a_claim() {
    check("v1", "Namespace", json!({}), "Namespace x to be active");
    check("v1", "Namespace", json!({"status": {"phase": "Active"}}), "ready");
    check(
        "v1",
        "ResourceQuota",
        json!({"spec": {"hard": {"pods": "1"}}}),
        "ResourceQuota x to be enforced",
    );
    check(
        "v1",
        "ResourceQuota",
        json!({"spec": {"hard": {"pods": "1"}}, "status": {"hard": {"pods": "1"}}}),
        "ready",
    );
    check("v1", "ResourceQuota", json!({"spec": {}}), "ready");
    check(
        "v1",
        "PersistentVolumeClaim",
        json!({"status": {"phase": "Pending"}}),
        "PersistentVolumeClaim x to be bound",
    );
    check(
        "v1",
        "PersistentVolumeClaim",
        json!({"status": {"phase": "Lost"}}),
        "failed: its volume is lost",
    );
}

#[test]
fn a_deployment_is_ready_when_all_its_new_replicas_are_available_and_the_old_gone() {
    let with = |total: i64, updated: i64, available: i64| {
        json!({"spec": {"replicas": 3}, "status": {"observedGeneration": 1, "replicas": total,
            "updatedReplicas": updated, "availableReplicas": available}})
    };
    check("apps/v1", "Deployment", with(0, 0, 0), "Deployment x to update (0 of 3)");
    check("apps/v1", "Deployment", with(4, 3, 3), "Deployment x to remove old replicas (1)");
    check("apps/v1", "Deployment", with(3, 3, 2), "Deployment x to be available (2 of 3)");
    check("apps/v1", "Deployment", with(3, 3, 3), "ready");
    check(
        "apps/v1",
        "Deployment",
        json!({"spec": {"replicas": 3}}),
        "Deployment x to be seen by its controller",
    );
    let mut stuck = with(3, 1, 1);
    stuck["status"]["conditions"] =
        conditions(&[("Progressing", "False", "ProgressDeadlineExceeded")]);
    check("apps/v1", "Deployment", stuck, "failed: its rollout is stuck: ProgressDeadlineExceeded");
    let mut rolling = with(3, 3, 3);
    rolling["status"]["conditions"] =
        conditions(&[("Progressing", "True", "ReplicaSetUpdated"), ("Available", "True", "")]);
    let rollout = "Deployment x to finish its rollout (ReplicaSetUpdated)";
    check("apps/v1", "Deployment", rolling.clone(), rollout);
    rolling["status"]["conditions"] = conditions(&[
        ("Progressing", "True", "NewReplicaSetAvailable"),
        ("Available", "False", "MinimumReplicasUnavailable"),
    ]);
    let available = "Deployment x to be Available (MinimumReplicasUnavailable)";
    check("apps/v1", "Deployment", rolling, available);
    let mut none = with(0, 0, 0);
    none["spec"]["replicas"] = 0.into();
    check("apps/v1", "Deployment", none, "ready");
}

#[test]
fn a_daemon_set_and_a_stateful_set() {
    let daemon = |updated: i64, available: i64| {
        json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 2,
            "updatedNumberScheduled": updated, "numberAvailable": available}})
    };
    check("apps/v1", "DaemonSet", daemon(1, 1), "DaemonSet x to update (1 of 2)");
    check("apps/v1", "DaemonSet", daemon(2, 1), "DaemonSet x to be available (1 of 2)");
    check("apps/v1", "DaemonSet", daemon(2, 2), "ready");
    let stateful = |ready: i64, current: &str| {
        json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 1, "readyReplicas": ready,
            "updatedReplicas": 1, "currentRevision": current, "updateRevision": "b"}})
    };
    check("apps/v1", "StatefulSet", stateful(1, "b"), "StatefulSet x to be ready (1 of 2)");
    check("apps/v1", "StatefulSet", stateful(2, "a"), "StatefulSet x to update (1 of 2)");
    check("apps/v1", "StatefulSet", stateful(2, "b"), "ready");
    check(
        "apps/v1",
        "StatefulSet",
        json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}),
        "ready",
    );
}

#[test]
fn a_pod_runs_is_done_or_fails() {
    check("v1", "Pod", json!({}), "Pod x to run");
    check(
        "v1",
        "Pod",
        json!({"status": {"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes",
        }]}}),
        "Pod x to be scheduled (Unschedulable: 0/3 nodes)",
    );
    check(
        "v1",
        "Pod",
        json!({"status": {"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]}}),
        "Pod x to be scheduled (Unschedulable: 0/3 nodes; since 2026-01-01T00:00:00Z)",
    );
    check(
        "v1",
        "Pod",
        json!({"status": {"phase": "Running", "conditions": conditions(&[("Ready", "False", "")])}}),
        "Pod x to be Ready",
    );
    check(
        "v1",
        "Pod",
        json!({"status": {"phase": "Running", "conditions": conditions(&[("Ready", "True", "")])}}),
        "ready",
    );
    check("v1", "Pod", json!({"status": {"phase": "Succeeded"}}), "ready");
    check(
        "v1",
        "Pod",
        json!({"status": {"phase": "Running", "containerStatuses": [{
            "name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        }]}}),
        "failed: its container `app` fails: CrashLoopBackOff: back-off",
    );
}

#[test]
fn a_job_a_definition_and_an_api_service() {
    let with = |list: &[(&str, &str, &str)]| json!({"status": {"conditions": conditions(list)}});
    check("batch/v1", "Job", json!({}), "Job x to complete (0 of 1)");
    check("batch/v1", "Job", with(&[("Complete", "True", "")]), "ready");
    check(
        "batch/v1",
        "Job",
        with(&[("Failed", "True", "BackoffLimitExceeded")]),
        "failed: it failed: BackoffLimitExceeded",
    );
    check("batch/v1", "Job", json!({"spec": {"suspend": true}}), "ready");
    let crd = "apiextensions.k8s.io/v1";
    check(
        crd,
        "CustomResourceDefinition",
        json!({}),
        "CustomResourceDefinition x to be established",
    );
    check(crd, "CustomResourceDefinition", with(&[("Established", "True", "")]), "ready");
    check(
        crd,
        "CustomResourceDefinition",
        with(&[("Established", "False", "Installing")]),
        "CustomResourceDefinition x to be established",
    );
    check(
        crd,
        "CustomResourceDefinition",
        with(&[("NamesAccepted", "False", "PluralConflict")]),
        "failed: its names are not accepted: PluralConflict",
    );
    check(
        "apiregistration.k8s.io/v1",
        "APIService",
        with(&[("Available", "False", "Missing")]),
        "APIService x to be Available (Missing)",
    );
}

#[test]
fn a_service_a_request_for_a_certificate_and_what_somebody_deletes() {
    check("v1", "Service", json!({"spec": {"type": "ClusterIP"}}), "ready");
    let balanced = json!({"spec": {"type": "LoadBalancer"}});
    check("v1", "Service", balanced, "Service x to get an address from its load balancer");
    let balanced = json!({"spec": {"type": "LoadBalancer"},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    check("v1", "Service", balanced, "ready");
    let request = |list: &[(&str, &str, &str)], certificate: &str| json!({"status": {"conditions": conditions(list), "certificate": certificate}});
    let (group, kind) = ("certificates.k8s.io/v1", "CertificateSigningRequest");
    check(
        group,
        kind,
        request(&[], ""),
        "CertificateSigningRequest x to be approved (`kubectl certificate approve x`)",
    );
    let approved = [("Approved", "True", "ByHand")];
    check(group, kind, request(&approved, ""), "CertificateSigningRequest x to be signed");
    check(group, kind, request(&approved, "LS0t"), "ready");
    check(group, kind, request(&[("Denied", "True", "No")], ""), "failed: it was denied: No");
    let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    check("v1", "ConfigMap", going, "failed: it is being deleted by someone else");
}
