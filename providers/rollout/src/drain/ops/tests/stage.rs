//! A server with one cordoned node, and pods that leave as a test says.

use access::Cluster;
use access::scripted::{Reply, Seen, Server};
use serde_json::{Value as Json, json};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

pub(super) fn node(name: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": "1"},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A pod of a stateful set of namespace `shop` on node `w1`.
pub(super) fn of_set(name: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "shop", "name": name, "uid": format!("uid-{name}"),
            "labels": {"app": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web",
                "uid": "u", "controller": true}]},
        "spec": {"nodeName": "w1"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// What the server does about an eviction.
#[derive(Clone)]
pub(super) enum Act {
    /// The pod is gone at once.
    Leaves,
    /// It is going, and stays so.
    Ends,
    /// It is gone, and this pod is there.
    Becomes(Json),
    /// The server answers this.
    Says(Reply),
}

type Play = Box<dyn FnMut(&str, usize) -> Act + Send>;

/// The server.
pub(super) struct Stage {
    server: Server,
    state: Arc<Mutex<State>>,
}

struct State {
    began: Instant,
    nodes: Vec<Json>,
    pods: Vec<Json>,
    daemon_sets: Vec<Json>,
    budgets: Vec<Json>,
    /// By the name of the pod and how often it was asked for before.
    play: Play,
    asked: Vec<(String, u64)>,
    /// What lists of pods are answered with instead, once each.
    instead: Vec<Reply>,
}

impl Stage {
    /// Node `w1` is cordoned, `w2` takes pods.
    pub(super) fn new(
        pods: impl IntoIterator<Item = Json>,
        play: impl FnMut(&str, usize) -> Act + Send + 'static,
    ) -> Self {
        let mut w1 = node("w1");
        w1["spec"]["unschedulable"] = true.into();
        let state = State {
            began: Instant::now(),
            nodes: vec![w1, node("w2")],
            pods: pods.into_iter().collect(),
            daemon_sets: Vec::new(),
            budgets: Vec::new(),
            play: Box::new(play),
            asked: Vec::new(),
            instead: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let server = Server::new(move |seen| shared.lock().unwrap().answer(seen));
        Self { server, state }
    }

    pub(super) fn with_budgets(self, budgets: impl IntoIterator<Item = Json>) -> Self {
        self.state.lock().unwrap().budgets.extend(budgets);
        self
    }

    /// Lists of pods are answered so first, one after the other.
    pub(super) fn listing(self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.state.lock().unwrap().instead.extend(replies);
        self
    }

    /// Node `w1` takes pods.
    pub(super) fn uncordoned(self) -> Self {
        self.state.lock().unwrap().nodes[0]["spec"] = json!({});
        self
    }

    /// Nothing is heard of node `w1`.
    pub(super) fn unready(self) -> Self {
        self.state.lock().unwrap().nodes[0]["status"]["conditions"][0]["status"] = "Unknown".into();
        self
    }

    /// An eviction of this pod is answered so.
    pub(super) fn state_says(&self, pod: &'static str, reply: Reply) {
        let play = move |asked: &str, _| {
            if asked == pod { Act::Says(reply.clone()) } else { Act::Leaves }
        };
        self.state.lock().unwrap().play = Box::new(play);
    }

    pub(super) fn cluster(&self) -> Cluster {
        self.server.cluster()
    }

    /// Which evictions were asked for, and after how many seconds.
    pub(super) fn asked(&self) -> String {
        let state = self.state.lock().unwrap();
        let asked = state.asked.iter().map(|(pod, second)| format!("{pod} at {second}s"));
        asked.collect::<Vec<_>>().join(", ")
    }

    /// The bodies of all requests that change something.
    pub(super) fn sent(&self) -> Vec<Json> {
        let seen = self.server.seen().into_iter();
        seen.filter(|seen| seen.method != "GET").map(|seen| seen.json()).collect()
    }
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Reply {
        let list = |kind: &str, items: &[Json]| {
            Reply::json(json!({"kind": kind, "metadata": {"resourceVersion": "7"}, "items": items}))
        };
        match seen.path.as_str() {
            "/api/v1/nodes" => list("NodeList", &self.nodes),
            "/apis/apps/v1/daemonsets" => list("DaemonSetList", &self.daemon_sets),
            "/apis/policy/v1/namespaces/shop/poddisruptionbudgets" => {
                list("PodDisruptionBudgetList", &self.budgets)
            }
            "/api/v1/pods" if seen.asks("watch=true") => Reply::events([]).then_silence(),
            "/api/v1/pods" if !self.instead.is_empty() => self.instead.remove(0),
            "/api/v1/pods" => {
                assert!(seen.asks("fieldSelector=spec.nodeName%3Dw1"), "{seen}");
                list("PodList", &self.pods)
            }
            path => {
                let pod = path.strip_prefix("/api/v1/namespaces/shop/pods/");
                match pod.and_then(|rest| rest.strip_suffix("/eviction")) {
                    Some(pod) => self.evict(pod),
                    None => Reply::no_such_path(),
                }
            }
        }
    }

    fn evict(&mut self, pod: &str) -> Reply {
        let before = self.asked.iter().filter(|(name, _)| name == pod).count();
        self.asked.push((pod.to_owned(), self.began.elapsed().as_secs()));
        let is_it = |one: &Json| one["metadata"]["name"] == pod;
        match (self.play)(pod, before) {
            Act::Leaves => self.pods.retain(|one| !is_it(one)),
            Act::Becomes(other) => {
                self.pods.retain(|one| !is_it(one));
                self.pods.push(other);
            }
            Act::Ends => {
                for one in self.pods.iter_mut().filter(|one| is_it(one)) {
                    one["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:30Z".into();
                }
            }
            Act::Says(reply) => return reply,
        }
        Reply::text(201, r#"{"kind":"Status","apiVersion":"v1","status":"Success"}"#)
    }
}
