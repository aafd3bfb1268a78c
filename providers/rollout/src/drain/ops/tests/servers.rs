//! The same cases on every server there is: the embedded one, and a real one when
//! `CLINCH_TEST_KUBECONFIG` names it. Nobody runs pods there, so that a test plays the kubelet.

use super::*;
use crate::drain::ops::look::{nodes, pods};
use crate::drain::{Answer, Key, Pod, World, forecast};
use access::{
    Cluster, ClusterOptions, Delete, Env, JsonPatch, Propagation, Query, Resource, Write, connect,
};
use sandbox::Sandbox;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Every server to run a case on.
async fn servers() -> Vec<Cluster> {
    let sandbox = Cluster::from_client(Sandbox::in_memory().client(), "sandbox", "memory");
    let Some(file) = std::env::var_os("CLINCH_TEST_KUBECONFIG").filter(|f| !f.is_empty()) else {
        println!("SKIPPED on a real server: CLINCH_TEST_KUBECONFIG is not set");
        return vec![sandbox];
    };
    let kubeconfig = Some(PathBuf::from(file));
    let options = ClusterOptions { kubeconfig, ..ClusterOptions::new(Env::default(), "test") };
    vec![sandbox, connect(options).await.expect("the kubeconfig of the test is usable")]
}

/// A node and a namespace of its own for a case.
struct Room {
    cluster: Cluster,
    name: String,
}

fn kind(api_version: &str, kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced,
        ..pods()
    }
}

impl Room {
    async fn new(cluster: &Cluster, case: &str) -> Self {
        Self::with_nodes(cluster, case, json!({})).await
    }

    /// With nodes that are played: pods come to them, run and end.
    async fn played(cluster: &Cluster, case: &str) -> Self {
        let metadata = json!({
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"clinch.test": case},
        });
        Self::with_nodes(cluster, case, json!({"metadata": metadata})).await
    }

    async fn with_nodes(cluster: &Cluster, case: &str, node: Json) -> Self {
        let name = format!("clinch-drain-{case}-{}", std::process::id());
        let room = Self { cluster: cluster.clone(), name };
        room.create(&kind("v1", "Namespace", "namespaces", false), &room.name, json!({})).await;
        let account = kind("v1", "ServiceAccount", "serviceaccounts", true);
        // A controller may be faster.
        let _ = room.try_create(&account, "default", json!({})).await;
        room.create(&kind("v1", "ConfigMap", "configmaps", true), "owner", json!({})).await;
        for name in [room.name.clone(), room.other()] {
            room.create(&nodes(), &name, node.clone()).await;
            let ready = json!([{"type": "Ready", "status": "True"}]);
            let room_for = json!({"cpu": "4", "memory": "8Gi", "pods": "20"});
            let status =
                json!({"conditions": ready, "capacity": room_for, "allocatable": room_for});
            room.status(&nodes(), &name, status).await;
            // A real server lets somebody look at a new node first.
            for _ in 0..50 {
                let node = room.cluster.get(&nodes(), None, &name).await.unwrap();
                if node["spec"]["taints"].as_array().is_none_or(Vec::is_empty) {
                    break;
                }
                let taints = json!([{"op": "add", "path": "/spec/taints", "value": []}]);
                let _ = room.patch(&nodes(), &name, None, taints).await;
                sleep(Duration::from_millis(100)).await;
            }
        }
        room
    }

    async fn cordoned(&self, node: &str, is: bool) {
        let cordon = json!([{"op": "add", "path": "/spec/unschedulable", "value": is}]);
        self.patch(&nodes(), node, None, cordon).await.unwrap();
    }

    /// How many pods are ready and not asked to end.
    async fn ready(&self) -> usize {
        let query = Query { namespace: Some(&self.name), ..Query::default() };
        let found = self.cluster.list(&pods(), query, |pod| Pod::of(&pod).ok()).await.unwrap();
        found.items.iter().filter(|pod| pod.ready && pod.terminating.is_none()).count()
    }

    fn other(&self) -> String {
        format!("{}-other", self.name)
    }

    async fn try_create(
        &self,
        resource: &Resource,
        name: &str,
        rest: Json,
    ) -> Result<Json, access::ClusterError> {
        let mut object = rest;
        object["apiVersion"] = resource.api_version.as_str().into();
        object["kind"] = resource.kind.as_str().into();
        object["metadata"]["name"] = name.into();
        let namespace = resource.namespaced.then_some(self.name.as_str());
        let write = Write { object: &object, manager: "test", dry_run: false };
        self.cluster.create(resource, namespace, name, write).await
    }

    async fn create(&self, resource: &Resource, name: &str, rest: Json) -> Json {
        self.try_create(resource, name, rest).await.unwrap()
    }

    async fn patch(
        &self,
        resource: &Resource,
        name: &str,
        subresource: Option<&str>,
        operations: Json,
    ) -> Result<Json, access::ClusterError> {
        let namespace = resource.namespaced.then_some(self.name.as_str());
        let patch =
            JsonPatch { operations: &operations, manager: "test", subresource, dry_run: false };
        self.cluster.json_patch(resource, namespace, name, patch).await
    }

    /// Puts these fields into the status.
    async fn status(&self, resource: &Resource, name: &str, status: Json) {
        let fields = status.as_object().unwrap().iter();
        let put = |(field, value): (&String, &Json)| json!({"op": "add", "path": format!("/status/{field}"), "value": value});
        let mut operations: Vec<Json> = fields.map(put).collect();
        let namespace = resource.namespaced.then_some(self.name.as_str());
        let live = self.cluster.get(resource, namespace, name).await.unwrap();
        if !live["status"].is_object() {
            operations.insert(0, json!({"op": "add", "path": "/status", "value": {}}));
        }
        self.patch(resource, name, Some("status"), Json::from(operations)).await.unwrap();
    }

    /// A pod on a node, labelled by the part of its name before the dash.
    async fn pod(&self, node: &str, name: &str, phase: &str, ready: bool) {
        let owner = kind("v1", "ConfigMap", "configmaps", true);
        let owner = self.cluster.get(&owner, Some(&self.name), "owner").await.unwrap();
        let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
            "uid": owner["metadata"]["uid"], "controller": true}]);
        let app = name.split('-').next().unwrap();
        let rest = json!({
            "metadata": {"labels": {"app": app}, "ownerReferences": owner},
            "spec": {"nodeName": node, "automountServiceAccountToken": false,
                "containers": [{"name": "main", "image": "none"}]},
        });
        self.create(&pods(), name, rest).await;
        let ready = if ready { "True" } else { "False" };
        let conditions = json!([{"type": "Ready", "status": ready}]);
        self.status(&pods(), name, json!({"phase": phase, "conditions": conditions})).await;
    }

    async fn budget(&self, name: &str, app: &str, least: u8, policy: &str) {
        let rest = json!({"spec": {"minAvailable": least, "unhealthyPodEvictionPolicy": policy,
            "selector": {"matchLabels": {"app": app}}}});
        let budgets = crate::drain::ops::look::budgets();
        self.create(&budgets, name, rest).await;
    }

    /// What the forecast says that the server would say about each pod, and what it says.
    async fn answers(&self) -> BTreeMap<String, (String, String)> {
        let world = World::read(&self.cluster).await.unwrap();
        assert!(world.unseen.is_empty(), "{:?}", world.unseen);
        let options = Options { force: true, allow_stranded: true, ..Options::careful() };
        let drain = forecast(&world, &self.name, &options).unwrap();
        let mut answers = BTreeMap::new();
        for pod in &drain.pods {
            let evict = access::Evict { uid: Some(&pod.uid), grace_period: None, dry_run: true };
            let Key { namespace, name } = &pod.key;
            let said = match self.cluster.evict(namespace, name, evict).await {
                Ok(()) => "201".to_owned(),
                Err(error) => error.code().map_or_else(|| error.to_string(), |c| c.to_string()),
            };
            let foreseen = match &pod.answer {
                Answer::Free | Answer::Allowed { .. } | Answer::Unhealthy { .. } => "201",
                Answer::Blocked { .. } => "429",
                Answer::Several { .. } => "500",
                Answer::Corrupt { .. } => "403",
                Answer::Unseen => "?",
            };
            answers.insert(name.clone(), (foreseen.to_owned(), said));
        }
        answers
    }

    /// Ends pods that are asked to, as the kubelet of a node would; where there is one, there
    /// are none of these.
    async fn play_kubelet(&self) {
        let query = Query { namespace: Some(&self.name), ..Query::default() };
        loop {
            let found = self.cluster.list(&pods(), query, Some).await.unwrap();
            let going = |pod: &&Json| !pod["metadata"]["deletionTimestamp"].is_null();
            for pod in found.items.iter().filter(going) {
                self.end_pod(pod["metadata"]["name"].as_str().unwrap()).await;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// A deletion with no time to end is what a kubelet confirms with.
    async fn end_pod(&self, name: &str) {
        let evict = access::Evict { uid: None, grace_period: Some(0), dry_run: false };
        let _ = self.cluster.evict(&self.name, name, evict).await;
    }

    async fn end(self) {
        let delete = Delete {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: false,
        };
        let query = Query { namespace: Some(&self.name), ..Query::default() };
        for pod in self.cluster.list(&pods(), query, Some).await.unwrap().items {
            let name = pod["metadata"]["name"].as_str().unwrap();
            let _ = self.cluster.delete(&pods(), Some(&self.name), name, delete).await;
            self.end_pod(name).await;
        }
        for node in [self.name.clone(), self.other()] {
            let _ = self.cluster.delete(&nodes(), None, &node, delete).await;
        }
        let namespaces = kind("v1", "Namespace", "namespaces", false);
        let _ = self.cluster.delete(&namespaces, None, &self.name, delete).await;
    }
}

#[tokio::test]
async fn r1_a_forecast_says_what_the_server_would() {
    for cluster in servers().await {
        let room = Room::new(&cluster, "answers").await;
        let node = room.name.clone();
        for (name, phase, ready) in [
            ("free-0", "Running", true),
            ("web-0", "Running", true),
            ("web-1", "Running", true),
            ("full-0", "Running", true),
            ("sick-0", "Running", true),
            ("sick-1", "Running", false),
            ("ill-0", "Running", false),
            ("any-0", "Running", false),
            ("two-0", "Running", true),
            ("two-1", "Succeeded", false),
        ] {
            room.pod(&node, name, phase, ready).await;
        }
        for (name, app, least, policy) in [
            ("web", "web", 1, "IfHealthyBudget"),
            ("full", "full", 1, "IfHealthyBudget"),
            ("sick", "sick", 1, "IfHealthyBudget"),
            ("ill", "ill", 1, "IfHealthyBudget"),
            ("any", "any", 1, "AlwaysAllow"),
            ("two", "two", 0, "AlwaysAllow"),
            ("two-more", "two", 0, "AlwaysAllow"),
        ] {
            room.budget(name, app, least, policy).await;
        }
        let want = [
            ("any-0", "201"),
            ("free-0", "201"),
            ("full-0", "429"),
            ("ill-0", "429"),
            ("sick-0", "429"),
            ("sick-1", "201"),
            ("two-0", "500"),
            ("two-1", "201"),
            ("web-0", "201"),
            ("web-1", "201"),
        ];
        let want: BTreeMap<String, (String, String)> =
            want.map(|(name, code)| (name.to_owned(), (code.to_owned(), code.to_owned()))).into();
        // Budgets are counted a moment later.
        let mut answers = room.answers().await;
        for _ in 0..50 {
            if answers == want {
                break;
            }
            sleep(Duration::from_millis(200)).await;
            answers = room.answers().await;
        }
        assert_eq!(answers, want, "{}", cluster.place().name);
        room.end().await;
    }
}

#[tokio::test]
async fn r1_a_drain_waits_for_a_budget_and_goes_on_when_there_is_room() {
    for cluster in servers().await {
        let room = Room::new(&cluster, "waits").await;
        for name in ["web-0", "web-1"] {
            room.pod(&room.name, name, "Running", true).await;
        }
        room.budget("web", "web", 1, "IfHealthyBudget").await;
        while room.answers().await.values().any(|(_, said)| said != "201") {
            sleep(Duration::from_millis(200)).await;
        }
        let holder = ours();
        let cordon = Cordon { node: room.name.clone(), uid: None, holder: holder.clone() };
        cordon.perform(&cluster, &|_| {}).await.unwrap();
        let said = Mutex::new(Vec::new());
        let progress = |text: String| said.lock().unwrap().push(text);
        let options = Options { timeout: Duration::from_mins(1), ..Options::careful() };
        let evict = Evict { node: room.name.clone(), uid: None, options };
        let began = Instant::now();
        let help = async {
            // Once the second pod is held, somebody starts a third one elsewhere.
            while !said.lock().unwrap().iter().any(|text| text.contains("budget")) {
                sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(evict.settle(&cluster).await.unwrap(), None);
            room.pod(&room.other(), "web-2", "Running", true).await;
            std::future::pending::<()>().await;
        };
        let done = tokio::select! {
            done = evict.perform(&cluster, &progress) => done.map_err(|error| told(&error)).unwrap(),
            () = room.play_kubelet() => unreachable!("it never ends"),
            () = help => unreachable!("nor does this"),
        };
        let names: Vec<&str> = done.pods.iter().map(|pod| pod.name.as_str()).collect();
        assert_eq!(names, ["web-0", "web-1"]);
        let said = said.into_inner().unwrap();
        let want = format!("(budget {}/web needs 1 healthy pods and has 1 currently)", room.name);
        assert!(said.iter().any(|text| text.contains(&want)), "{said:?}");
        assert!(began.elapsed() > Duration::from_secs(5), "it was asked again after five seconds");
        assert_eq!(evict.settle(&cluster).await.unwrap(), Some(Evicted::default()));
        let uncordon = Uncordon { node: room.name.clone(), uid: None, holder };
        let done = uncordon.perform(&cluster, &|_| {}).await.unwrap();
        assert_eq!(done, Uncordoned::Open, "{}", cluster.place().name);
        room.end().await;
    }
}

#[tokio::test]
async fn p19_only_our_own_cordon_is_taken_away() {
    for cluster in servers().await {
        let room = Room::new(&cluster, "cordon").await;
        let (node, uid) = (room.name.clone(), None);
        let cordon = Cordon { node: node.clone(), uid: uid.clone(), holder: ours() };
        let uncordon = Uncordon { node: node.clone(), uid, holder: ours() };
        for _ in 0..2 {
            let whose = cordon.perform(&cluster, &|_| {}).await.unwrap();
            assert_eq!(whose, Whose::Plan(ours()));
        }
        for _ in 0..2 {
            let done = uncordon.perform(&cluster, &|_| {}).await.unwrap();
            assert_eq!(done, Uncordoned::Open);
        }
        let by_hand = json!([{"op": "add", "path": "/spec/unschedulable", "value": true}]);
        room.patch(&nodes(), &node, None, by_hand).await.unwrap();
        assert_eq!(cordon.perform(&cluster, &|_| {}).await.unwrap(), Whose::Other);
        assert_eq!(uncordon.perform(&cluster, &|_| {}).await.unwrap(), Uncordoned::Left);
        let live = cluster.get(&nodes(), None, &node).await.unwrap();
        assert_eq!(live["spec"]["unschedulable"], true, "{}", cluster.place().name);
        room.end().await;
    }
}

#[tokio::test]
async fn r1_an_application_keeps_as_many_pods_as_its_budget_wants_while_a_node_is_drained() {
    let case = "keeps";
    for cluster in servers().await {
        let room = Room::played(&cluster, case).await;
        // All three are on one node at first.
        room.cordoned(&room.other(), true).await;
        let labels = json!({"app": "web"});
        let spec = json!({
            "nodeSelector": {"clinch.test": case}, "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "none"}],
        });
        let web = json!({"spec": {
            "replicas": 3, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }});
        room.create(&kind("apps/v1", "Deployment", "deployments", true), "web", web).await;
        room.budget("web", "web", 2, "IfHealthyBudget").await;
        let options = Options { timeout: Duration::from_mins(1), ..Options::careful() };
        let line = format!("Deployment {0}/web, 3 of 3 ready, budget {0}/web allows 1", room.name);
        let began = Instant::now();
        while room.ready().await < 3 {
            assert!(began.elapsed() < Duration::from_secs(20), "three pods did not come");
            sleep(Duration::from_millis(200)).await;
        }
        room.cordoned(&room.other(), false).await;
        let foreseen = loop {
            let world = World::read(&cluster).await.unwrap();
            let drain = forecast(&world, &room.name, &options).unwrap();
            let lines = drain.lines();
            if lines.len() == 3
                && lines.iter().all(|told| told.starts_with("evict") && told.ends_with(&line))
            {
                break drain;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{lines:?}");
            sleep(Duration::from_millis(200)).await;
        };
        let cordon = Cordon { node: room.name.clone(), uid: None, holder: ours() };
        cordon.perform(&cluster, &|_| {}).await.unwrap();
        let evict = Evict { node: room.name.clone(), uid: None, options };
        let fewest = AtomicUsize::new(usize::MAX);
        let count = async {
            loop {
                fewest.fetch_min(room.ready().await, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        };
        let done = tokio::select! {
            done = evict.perform(&cluster, &|_| {}) => done.map_err(|error| told(&error)).unwrap(),
            () = count => unreachable!("it never ends"),
        };
        assert!(fewest.load(Ordering::Relaxed) >= 2, "{}", cluster.place().name);
        let expected: Vec<Key> = foreseen.leaving().map(|pod| pod.key.clone()).collect();
        assert_eq!(done.pods, expected, "what was foreseen");
        room.end().await;
    }
}
