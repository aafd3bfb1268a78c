//! What the API server shows of a static pod: its mirror, which the kubelet makes anew when the
//! manifest is another one.
//!
//! Sources: `pkg/kubelet/config` and `pkg/kubelet/pod/mirror_client.go` of
//! `kubernetes/kubernetes` v1.37: the mirror is named after pod and node, is made from what the
//! kubelet read, and says so by `kubernetes.io/config.source`; its `kubernetes.io/config.hash` is
//! a hash of that.

use super::manifest::{self, Manifest};
use crate::central::core;
use access::{Cluster, ClusterError, Query, Resource};
use serde_json::Value as Json;
use values::Value;

const SOURCE: &str = "kubernetes.io/config.source";
/// What a container waits for that will not come by itself.
const HOPELESS: [&str; 6] = [
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "InvalidImageName",
    "RunContainerError",
];

/// How a static pod does, in the terms of its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It runs as the manifest says, and is ready.
    Up,
    /// Why it is not, as a sentence; it may still come.
    NotYet(String),
    /// Why it will not come up by itself, as a sentence.
    Failed(String),
}

fn pods() -> Resource {
    core("Pod", "pods", true)
}

/// The mirror of a static pod of this node; `None` when there is none.
///
/// Source: `generatePodName` in `pkg/kubelet/config/common.go`.
pub(super) async fn mirror(
    cluster: &Cluster,
    manifest: &Manifest<'_>,
    node: &str,
) -> Result<Option<Json>, ClusterError> {
    let name = format!("{}-{}", manifest.pod, node.to_lowercase());
    match cluster.get(&pods(), Some(&manifest.namespace), &name).await {
        Ok(pod) => Ok(Some(pod)),
        Err(error) if error.is_object_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names of etcd's other members that are not ready, of those that run in static pods as
/// kubeadm makes them.
pub(super) async fn etcd_members_down(
    cluster: &Cluster,
    manifest: &Manifest<'_>,
    node: &str,
) -> Result<Vec<String>, ClusterError> {
    let query = Query {
        namespace: Some(&manifest.namespace),
        labels: Some("component=etcd"),
        fields: None,
    };
    let members = cluster.list(&pods(), query, Some).await?.items;
    let others = members.iter().filter(|pod| pod["spec"]["nodeName"] != node);
    let down = others.filter(|pod| !is_ready(pod));
    Ok(down.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

fn is_ready(pod: &Json) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// What the container of the mirror is started with; empty when it is none of a file.
pub(super) fn words(pod: &Json, container: &str) -> Vec<String> {
    if pod["metadata"]["annotations"][SOURCE] != "file" {
        return Vec::new();
    }
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let found = containers.into_iter().find(|found| found["name"] == container);
    let list = |name: &str| {
        let list = found.and_then(|found| found[name].as_array());
        list.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned)
    };
    list("command").chain(list("args")).collect()
}

/// How the pod does.
pub(super) fn state(pod: Option<&Json>, manifest: &Manifest<'_>, node: &str) -> State {
    let Some(pod) = pod else {
        return State::NotYet(format!("The kubelet of `{node}` shows no such pod."));
    };
    if pod["spec"]["nodeName"] != node || words(pod, &manifest.container) != manifest.words() {
        let text = format!("The kubelet of `{node}` has not taken up the manifest.");
        return State::NotYet(text);
    }
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let status = statuses.into_iter().find(|status| status["name"] == *manifest.container);
    let state = status.map_or(&Json::Null, |status| &status["state"]);
    if state["running"].is_object() && is_ready(pod) {
        return State::Up;
    }
    let text = |value: &Json| access::text::clean(value.as_str().unwrap_or_default());
    let waits = text(&state["waiting"]["reason"]);
    if HOPELESS.contains(&waits.as_str()) {
        let message = text(&state["waiting"]["message"]);
        return State::Failed(format!("Its container is in `{waits}`: {message}."));
    }
    State::NotYet(match (state["running"].is_object(), waits.is_empty()) {
        (true, _) => "Its container runs and is not ready.".to_owned(),
        (false, false) => format!("Its container is in `{waits}`."),
        (false, true) => "Its container does not run.".to_owned(),
    })
}

/// What is known of the running pod, for the pure half.
pub(super) fn seen(pod: Option<&Json>, manifest: &Manifest<'_>, node: &str) -> Value {
    let words = pod.map(|pod| words(pod, &manifest.container)).unwrap_or_default();
    let trouble = match state(pod, manifest, node) {
        State::Up => Value::Null,
        State::NotYet(why) | State::Failed(why) => why.into(),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Value::map([("flags", manifest::values_of(&words)), ("trouble", trouble)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: kube-system}, \
                        spec: {containers: [{name: a, command: [a], args: [--v=2]}]}}";

    fn pod(args: &str, ready: &str, state: &Json) -> Json {
        json!({
            "metadata": { "annotations": { SOURCE: "file" } },
            "spec": { "nodeName": "N1", "containers": [{"name": "a", "command": ["a"], "args": [args]}] },
            "status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{"name": "a", "state": state}],
            },
        })
    }

    #[test]
    fn only_what_runs_as_the_manifest_says_and_is_ready_is_up() {
        let manifest = Manifest::read(FILE).unwrap();
        let state = |pod: Option<&Json>| match state(pod, &manifest, "N1") {
            State::Up => "up".to_owned(),
            State::NotYet(why) => why,
            State::Failed(why) => format!("failed: {why}"),
        };
        let runs = json!({"running": {}});
        assert_eq!(state(Some(&pod("--v=2", "True", &runs))), "up");
        assert_eq!(
            state(Some(&pod("--v=1", "True", &runs))),
            "The kubelet of `N1` has not taken up the manifest."
        );
        assert_eq!(
            state(Some(&pod("--v=2", "False", &runs))),
            "Its container runs and is not ready."
        );
        let loops = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off\u{1b}"}});
        assert_eq!(
            state(Some(&pod("--v=2", "False", &loops))),
            "failed: Its container is in `CrashLoopBackOff`: back-off."
        );
        assert_eq!(state(None), "The kubelet of `N1` shows no such pod.");
        let mut foreign = pod("--v=2", "True", &runs);
        foreign["metadata"] = json!({});
        assert_ne!(state(Some(&foreign)), "up");
    }
}
