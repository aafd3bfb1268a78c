//! When is an object ready for what depends on it? Pure rules, by kind.
//!
//! The rules are those of [kstatus](https://pkg.go.dev/sigs.k8s.io/cli-utils/pkg/kstatus/status),
//! and stricter where something depends on more: a job is ready when it is complete, a quota
//! when it is enforced, a balanced service when it has an address. Other than there, a pod that
//! cannot be scheduled is waited for until the time is over: a node may come.

use super::wait::Verdict;
use serde_json::Value as Json;

/// What the object says about itself. Kinds without a rule are ready when they say nothing
/// against it.
pub(super) fn state(live: &Json) -> Verdict {
    let kind = live["kind"].as_str().unwrap_or_default();
    let group = live["apiVersion"].as_str().and_then(|v| v.split_once('/')).map_or("", |v| v.0);
    if super::object::is_going(live) {
        return Verdict::Failed("it is being deleted by someone else".to_owned());
    }
    if let Some(on) = behind(live) {
        return waits(live, on);
    }
    match (group, kind) {
        ("", "Service") => service(live),
        ("certificates.k8s.io", "CertificateSigningRequest") => signing_request(live),
        ("", "Namespace") => when(live, live["status"]["phase"] == "Active", "to be active"),
        ("", "ResourceQuota") => quota(live),
        ("", "PersistentVolumeClaim") => claim(live),
        ("", "Pod") => pod(live),
        ("apps", "Deployment") => deployment(live),
        ("apps", "DaemonSet") => daemon_set(live),
        ("apps", "StatefulSet") => stateful_set(live),
        ("batch", "Job") => job(live),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(live),
        ("apiregistration.k8s.io", "APIService") => condition_true(live, "Available"),
        // Kinds whose conditions mean something else than being worked on.
        ("" | "batch" | "apps" | "autoscaling" | "policy" | "networking.k8s.io", _) => {
            Verdict::Holds
        }
        _ => general(live),
    }
}

fn name(live: &Json) -> String {
    let text = |name: &str| live["metadata"][name].as_str().map(access::text::clean);
    let kind = access::text::clean(live["kind"].as_str().unwrap_or_default());
    match (text("namespace"), text("name")) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        (_, None) => kind,
    }
}

fn waits(live: &Json, on: impl std::fmt::Display) -> Verdict {
    Verdict::Waits(format!("{} {on}", name(live)))
}

fn when(live: &Json, holds: bool, on: &str) -> Verdict {
    if holds { Verdict::Holds } else { waits(live, on) }
}

fn count(of: &Json, field: &str) -> i64 {
    of[field].as_i64().unwrap_or(0)
}

/// Whether the controller has not seen the newest specification yet.
fn behind(live: &Json) -> Option<&'static str> {
    let seen = live["status"]["observedGeneration"].as_i64()?;
    let newest = live["metadata"]["generation"].as_i64()?;
    (seen < newest).then_some("to be seen by its controller")
}

fn condition<'a>(live: &'a Json, ty: &str) -> Option<&'a Json> {
    live["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == ty)
}

fn said(condition: &Json) -> String {
    let text = |name: &str| access::text::clean(condition[name].as_str().unwrap_or_default());
    match (text("reason"), text("message")) {
        (reason, message) if message.is_empty() => reason,
        (reason, message) if reason.is_empty() => message,
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// What a condition says, and since when: `(Unschedulable: 0/3 nodes; since TIME)`.
fn since(condition: &Json) -> String {
    let time = access::text::clean(condition["lastTransitionTime"].as_str().unwrap_or_default());
    match (said(condition), time) {
        (said, time) if said.is_empty() && time.is_empty() => String::new(),
        (said, time) if time.is_empty() => format!(" ({said})"),
        (said, time) if said.is_empty() => format!(" (since {time})"),
        (said, time) => format!(" ({said}; since {time})"),
    }
}

fn condition_true(live: &Json, ty: &str) -> Verdict {
    match condition(live, ty) {
        Some(c) if c["status"] == "True" => Verdict::Holds,
        Some(c) => waits(live, format!("to be {ty}{}", since(c))),
        None => waits(live, format!("to be {ty}")),
    }
}

/// Controllers of custom resources that follow the common conventions say when they work
/// and when they are stuck.
fn general(live: &Json) -> Verdict {
    match (condition(live, "Stalled"), condition(live, "Reconciling")) {
        (Some(c), _) if c["status"] == "True" => {
            Verdict::Failed(format!("its controller is stuck: {}", said(c)))
        }
        (_, Some(c)) if c["status"] == "True" => {
            waits(live, format!("to be reconciled{}", since(c)))
        }
        _ => Verdict::Holds,
    }
}

/// A quota is enforced once its controller has taken it over into the status.
fn quota(live: &Json) -> Verdict {
    let (spec, status) = (live["spec"]["hard"].as_object(), live["status"]["hard"].as_object());
    let none = serde_json::Map::new();
    let (spec, status) = (spec.unwrap_or(&none), status.unwrap_or(&none));
    when(live, spec == status, "to be enforced")
}

fn claim(live: &Json) -> Verdict {
    match live["status"]["phase"].as_str() {
        Some("Bound") => Verdict::Holds,
        Some("Lost") => Verdict::Failed("its volume is lost".to_owned()),
        _ => waits(live, "to be bound"),
    }
}

fn pod(live: &Json) -> Verdict {
    let status = &live["status"];
    let containers = ["initContainerStatuses", "containerStatuses"];
    let containers = containers.iter().filter_map(|name| status[*name].as_array()).flatten();
    for container in containers {
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        let crashed = ["CrashLoopBackOff", "InvalidImageName", "CreateContainerConfigError"];
        if crashed.contains(&reason) {
            let name = access::text::clean(container["name"].as_str().unwrap_or_default());
            return Verdict::Failed(format!("its container `{name}` fails: {}", said(waiting)));
        }
    }
    match status["phase"].as_str() {
        Some("Succeeded") => Verdict::Holds,
        Some("Failed") => Verdict::Failed(format!("it failed: {}", said(status))),
        Some("Running") => condition_true(live, "Ready"),
        _ => match condition(live, "PodScheduled") {
            Some(c) if c["status"] == "False" => {
                waits(live, format!("to be scheduled{}", since(c)))
            }
            _ => waits(live, "to run"),
        },
    }
}

fn deployment(live: &Json) -> Verdict {
    if let Some(c) = condition(live, "Progressing")
        && c["reason"] == "ProgressDeadlineExceeded"
    {
        return Verdict::Failed(format!("its rollout is stuck: {}", said(c)));
    }
    if live["spec"]["paused"] == true {
        return Verdict::Holds;
    }
    if live["status"]["observedGeneration"].is_null() {
        return waits(live, "to be seen by its controller");
    }
    let wanted = live["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &live["status"];
    let now = |field| count(status, field);
    if now("updatedReplicas") < wanted {
        return waits(live, format!("to update ({} of {wanted})", now("updatedReplicas")));
    }
    if now("replicas") > now("updatedReplicas") {
        let old = now("replicas") - now("updatedReplicas");
        return waits(live, format!("to remove old replicas ({old})"));
    }
    if now("availableReplicas") < wanted {
        let ready = now("availableReplicas");
        return waits(live, format!("to be available ({ready} of {wanted})"));
    }
    if now("replicas") < wanted {
        return waits(live, format!("to have its replicas ({} of {wanted})", now("replicas")));
    }
    // Counts may be ahead of what the controller says of its rollout.
    let done = ["NewReplicaSetAvailable", ""];
    match condition(live, "Progressing") {
        Some(c) if !done.contains(&c["reason"].as_str().unwrap_or_default()) => {
            waits(live, format!("to finish its rollout{}", since(c)))
        }
        Some(_) | None => match condition(live, "Available") {
            Some(c) if c["status"] != "True" => waits(live, format!("to be Available{}", since(c))),
            Some(_) | None => Verdict::Holds,
        },
    }
}

/// A balanced service is of use when it has an address from outside.
fn service(live: &Json) -> Verdict {
    let balanced = live["spec"]["type"] == "LoadBalancer";
    let addresses = live["status"]["loadBalancer"]["ingress"].as_array();
    let has = addresses.is_some_and(|addresses| !addresses.is_empty());
    when(live, !balanced || has, "to get an address from its load balancer")
}

/// A request for a certificate ends with one, or with a no.
///
/// Source: [Kubernetes, certificate signing
/// requests](https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#approval-rejection-kubectl).
fn signing_request(live: &Json) -> Verdict {
    for no in ["Denied", "Failed"] {
        if let Some(c) = condition(live, no).filter(|c| c["status"] != "False") {
            return Verdict::Failed(format!("it was {}: {}", no.to_lowercase(), said(c)));
        }
    }
    let signed = live["status"]["certificate"].as_str().is_some_and(|c| !c.is_empty());
    match condition(live, "Approved") {
        Some(_) => when(live, signed, "to be signed"),
        // Nobody may do so but a person or a controller of the signer.
        None => {
            let name = live["metadata"]["name"].as_str().map(access::text::clean);
            let name = name.unwrap_or_default();
            waits(live, format!("to be approved (`kubectl certificate approve {name}`)"))
        }
    }
}

fn daemon_set(live: &Json) -> Verdict {
    let status = &live["status"];
    if status["observedGeneration"].is_null() {
        return waits(live, "to be seen by its controller");
    }
    let wanted = count(status, "desiredNumberScheduled");
    // With `OnDelete` nothing is updated until people delete the pods.
    let on_delete = live["spec"]["updateStrategy"]["type"] == "OnDelete";
    let updated = if on_delete { wanted } else { count(status, "updatedNumberScheduled") };
    if updated < wanted {
        return waits(live, format!("to update ({updated} of {wanted})"));
    }
    let placed = count(status, "currentNumberScheduled");
    if status.get("currentNumberScheduled").is_some() && placed < wanted {
        return waits(live, format!("to be on its nodes ({placed} of {wanted})"));
    }
    let available = count(status, "numberAvailable");
    when(live, available >= wanted, &format!("to be available ({available} of {wanted})"))
}

fn stateful_set(live: &Json) -> Verdict {
    let (spec, status) = (&live["spec"], &live["status"]);
    if spec["updateStrategy"]["type"] == "OnDelete" {
        return Verdict::Holds;
    }
    if status["observedGeneration"].is_null() {
        return waits(live, "to be seen by its controller");
    }
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let there = count(status, "replicas");
    if status.get("replicas").is_some() && there < wanted {
        return waits(live, format!("to have its replicas ({there} of {wanted})"));
    }
    let ready = count(status, "readyReplicas");
    if ready < wanted {
        return waits(live, format!("to be ready ({ready} of {wanted})"));
    }
    let partition = spec["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    let updated = count(status, "updatedReplicas");
    if partition > 0 {
        let goal = (wanted - partition).max(0);
        return when(live, updated >= goal, &format!("to update ({updated} of {goal})"));
    }
    let done = status["updateRevision"] == status["currentRevision"];
    when(live, done, &format!("to update ({updated} of {wanted})"))
}

fn job(live: &Json) -> Verdict {
    if let Some(c) = condition(live, "Failed").filter(|c| c["status"] == "True") {
        return Verdict::Failed(format!("it failed: {}", said(c)));
    }
    let complete = condition(live, "Complete").is_some_and(|c| c["status"] == "True");
    let suspended = live["spec"]["suspend"] == true;
    let done = count(&live["status"], "succeeded");
    let wanted = live["spec"]["completions"].as_i64().unwrap_or(1);
    when(live, complete || suspended, &format!("to complete ({done} of {wanted})"))
}

fn definition(live: &Json) -> Verdict {
    if let Some(c) = condition(live, "NamesAccepted").filter(|c| c["status"] == "False") {
        return Verdict::Failed(format!("its names are not accepted: {}", said(c)));
    }
    match condition(live, "Established") {
        Some(c) if c["status"] == "True" => Verdict::Holds,
        Some(c) if c["status"] == "False" && c["reason"] != "Installing" => {
            Verdict::Failed(format!("it is not established: {}", said(c)))
        }
        _ => waits(live, "to be established"),
    }
}
