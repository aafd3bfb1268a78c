//! What the cluster does about pods, each thing a moment late: pods are made, become ready and end,
//! and budgets are counted anew. The sandbox's own controllers do all of it at once.

use super::{Happening, NODES, World};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many pods the application has.
const WANTED: usize = 3;
/// How long the controllers take until they have noticed something.
const NOTICED: Duration = Duration::from_millis(800);
/// How long a pod takes until it is ready.
const READY: Duration = Duration::from_secs(4);
/// How long it takes until it has ended.
const ENDS: Duration = Duration::from_secs(3);
/// What keeps it until then.
const KEEPS: &str = "sim.example.com/ends";
const PODS: &str = "/api/v1/namespaces/shop/pods";
const BUDGET: &str = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web";

/// What is known of pods.
#[derive(Debug, Default)]
pub(super) struct Pods {
    made: u32,
    ending: BTreeSet<String>,
    /// Nodes by the names of their pods.
    nodes: BTreeMap<String, String>,
    /// Whether the controllers will look soon.
    noticed: bool,
    /// How many must stay, and which version of the budget says so.
    least: u32,
    generation: u32,
}

/// A pod, as far as anybody here wants to know it.
struct Pod {
    name: String,
    node: String,
    ready: bool,
    ends: bool,
}

impl World {
    /// What there is at the beginning: an application of three with a budget of two, one pod of an
    /// agent on every node.
    pub(super) fn furnish(&self) {
        let selector = |app: &str| json!({"matchLabels": {"app": app}});
        let template = |app: &str| json!({"metadata": {"labels": {"app": app}}, "spec": of(app)});
        let named = |name: &str| json!({"name": name, "namespace": "shop"});
        self.create("/api/v1/namespaces", &json!({"metadata": {"name": "shop"}}));
        let accounts = "/api/v1/namespaces/shop/serviceaccounts";
        self.create(accounts, &json!({"metadata": named("default")}));
        let spec =
            json!({"replicas": WANTED, "selector": selector("web"), "template": template("web")});
        let mut set = json!({"metadata": named("web-1"), "spec": spec});
        set["metadata"]["ownerReferences"] = json!([owner("Deployment", "web")]);
        for (plural, object) in [
            ("deployments", json!({"metadata": named("web"), "spec": spec})),
            ("replicasets", set),
            (
                "daemonsets",
                json!({
                    "metadata": named("agent"),
                    "spec": {"selector": selector("agent"), "template": template("agent")},
                }),
            ),
        ] {
            self.create(&format!("/apis/apps/v1/namespaces/shop/{plural}"), &object);
        }
        let budget = json!({
            "metadata": named("web"),
            "spec": {"minAvailable": 2, "selector": selector("web")},
        });
        let (path, _) = BUDGET.rsplit_once('/').unwrap_or_default();
        self.create(path, &budget);
        self.budget_wants(2);
        for node in NODES {
            self.make(&format!("agent-{node}"), "agent", ("DaemonSet", "agent"), node, true);
        }
        for number in 0..WANTED {
            self.make_web(NODES[1 + number % 2], true);
        }
        self.controllers();
    }

    /// On which node a pod is, or was.
    pub(crate) fn node_of_pod(&self, name: &str) -> Option<String> {
        self.inner().pods.nodes.get(name).cloned()
    }

    /// Pods or nodes changed; the controllers will notice.
    pub(super) fn pods_changed(&self) {
        for pod in self.pods() {
            if pod.ends && self.inner().pods.ending.insert(pod.name.clone()) {
                self.later(ENDS, Happening::PodEnds(pod.name));
            }
        }
        let first = !std::mem::replace(&mut self.inner().pods.noticed, true);
        if first {
            self.later(NOTICED, Happening::Controllers);
        }
    }

    /// The controllers make pods that are missing and count the budget.
    pub(super) fn controllers(&self) {
        self.inner().pods.noticed = false;
        let pods = self.pods();
        let mut web: Vec<&Pod> = pods.iter().filter(|pod| !pod.ends).collect();
        web.retain(|pod| pod.name.starts_with("web-"));
        let nodes = self.nodes().into_iter().skip(1);
        let free: Vec<String> =
            nodes.filter(|node| !node.unschedulable && node.ready).map(|node| node.name).collect();
        let many = |node: &&String| web.iter().filter(|pod| pod.node == **node).count();
        // Where there is no room, pods are made when there is.
        if let Some(node) = free.iter().min_by_key(many).filter(|_| web.len() < WANTED) {
            self.make_web(node, false);
            return self.pods_changed();
        }
        let healthy = web.iter().filter(|pod| pod.ready).count();
        let (least, generation) = {
            let inner = self.inner();
            (inner.pods.least, inner.pods.generation)
        };
        let allowed = healthy.saturating_sub(usize::try_from(least).unwrap_or(usize::MAX));
        let status = json!({
            "observedGeneration": generation,
            "expectedPods": WANTED,
            "currentHealthy": healthy,
            "desiredHealthy": least,
            "disruptionsAllowed": allowed,
            "disruptedPods": null,
        });
        self.patch(&format!("{BUDGET}/status"), &json!({"status": status}));
    }

    /// So many pods must stay.
    pub(super) fn budget_wants(&self, least: u32) {
        let changed = self.patch(BUDGET, &json!({"spec": {"minAvailable": least}}));
        let generation = changed["metadata"]["generation"].as_u64().unwrap_or(1);
        let mut inner = self.inner();
        inner.pods.least = least;
        inner.pods.generation = u32::try_from(generation).unwrap_or(1);
    }

    pub(super) fn pod_ready(&self, name: &str) {
        if self.pods().iter().any(|pod| pod.name == name && !pod.ends) {
            self.set_pod(name, "True");
            self.pods_changed();
        }
    }

    pub(super) fn pod_ends(&self, name: &str) {
        self.patch(&format!("{PODS}/{name}"), &json!({"metadata": {"finalizers": null}}));
        self.delete(&format!("{PODS}/{name}?gracePeriodSeconds=0"));
        self.pods_changed();
    }

    /// A person deletes a pod of the application.
    pub(super) fn delete_a_pod(&self) {
        let pods = self.pods();
        if let Some(pod) = pods.iter().find(|pod| pod.name.starts_with("web-") && !pod.ends) {
            self.delete(&format!("{PODS}/{}", pod.name));
        }
    }

    /// The pods of a node that have to leave it.
    pub(crate) fn moving_pods_on(&self, node: &str) -> Vec<String> {
        let pods = self.pods().into_iter();
        let moves = |pod: &Pod| pod.node == node && pod.name.starts_with("web-");
        pods.filter(moves).map(|pod| pod.name).collect()
    }

    fn make_web(&self, node: &str, ready: bool) {
        let number = {
            let mut inner = self.inner();
            inner.pods.made += 1;
            inner.pods.made
        };
        let name = format!("web-{number}");
        self.make(&name, "web", ("ReplicaSet", "web-1"), node, ready);
        if !ready {
            self.later(READY, Happening::PodReady(name));
        }
    }

    fn make(&self, name: &str, app: &str, (kind, by): (&str, &str), node: &str, ready: bool) {
        let mut spec = of(app);
        spec["nodeName"] = node.into();
        let pod = json!({
            "metadata": {
                "name": name, "labels": {"app": app}, "finalizers": [KEEPS],
                "ownerReferences": [owner(kind, by)],
            },
            "spec": spec,
        });
        self.create(PODS, &pod);
        self.set_pod(name, if ready { "True" } else { "False" });
        self.inner().pods.nodes.insert(name.to_owned(), node.to_owned());
    }

    fn set_pod(&self, name: &str, ready: &str) {
        let conditions = json!([{"type": "Ready", "status": ready}]);
        let status = json!({"phase": "Running", "conditions": conditions});
        self.patch(&format!("{PODS}/{name}/status"), &json!({"status": status}));
    }

    fn pods(&self) -> Vec<Pod> {
        let list = self.get(PODS).unwrap_or_default();
        let pod = |pod: &Json| {
            let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
            Some(Pod {
                name: pod["metadata"]["name"].as_str()?.to_owned(),
                node: pod["spec"]["nodeName"].as_str()?.to_owned(),
                ready: conditions.any(|one| one["type"] == "Ready" && one["status"] == "True"),
                ends: !pod["metadata"]["deletionTimestamp"].is_null(),
            })
        };
        list["items"].as_array().into_iter().flatten().filter_map(pod).collect()
    }
}

fn of(app: &str) -> Json {
    json!({"containers": [{"name": app, "image": "example.com/app:1"}]})
}

fn owner(kind: &str, name: &str) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("uid-{name}"),
        "controller": true,
    })
}
