//! Fills an API server with nodes and the pods on them, for the benchmark of rollouts.
//!
//! `crowd KUBECONFIG NODES PODS`, for example `crowd admin.conf 1000 30000`. What controllers would
//! write (conditions of nodes, phases of pods, counts of budgets) is written here, so the server
//! must have none that would write it again: a node without a kubelet would become unready, and a
//! pod of a node that nobody plays would end. What is there already is left as it is, without a
//! status perhaps when an earlier run was broken off.
//!
//! On each node are two pods of daemon sets, three of stateful sets with an `emptyDir`, one of a
//! job or, on every fiftieth node, one of nobody; all others are of replica sets of deployments. Each
//! application has its disruption budget.

#![expect(clippy::print_stdout, reason = "its result")]

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{Method, Request, StatusCode};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value as Json, json};
use std::process::ExitCode;

/// So many requests are on their way at once.
const AT_ONCE: usize = 48;
/// Applications of each namespace.
const APPS: usize = 10;
/// Namespaces.
const SPACES: usize = 50;
/// Pods of other kinds on each node.
const OTHERS: usize = 6;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kubeconfig, nodes, pods] = words.as_slice() else { return ExitCode::FAILURE };
    let (Ok(nodes), Ok(pods)) = (nodes.parse(), pods.parse()) else { return ExitCode::FAILURE };
    match fill(kubeconfig, nodes, pods).await {
        Ok(objects) => {
            println!("{objects} objects");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn fill(kubeconfig: &str, nodes: usize, pods: usize) -> Result<usize, Failure> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    let client = kube::Client::try_from(config)?;
    let mut objects = 0;
    // Each needs what is before it.
    for part in
        [spaces(), accounts(), owners(pods), budgets(pods), nodes_of(nodes), pods_of(nodes, pods)]
    {
        objects += part.len();
        let writing = part.into_iter().map(|object| write(client.clone(), object));
        let all = stream::iter(writing).buffer_unordered(AT_ONCE);
        all.try_collect::<Vec<()>>().await?;
    }
    Ok(objects)
}

/// An object, the path of its kind, and its status.
struct Object {
    path: String,
    body: Json,
    status: Option<Json>,
}

/// Creates it and writes its status, unless it is there.
async fn write(client: kube::Client, Object { path, body, status }: Object) -> Result<(), Failure> {
    let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let send = async |method: Method, path: &str, media: &str, body: &Json| {
        let request = Request::builder().method(method).uri(path).header("content-type", media);
        client
            .request_text(request.body(body.to_string().into_bytes())?)
            .await
            .map_err(Failure::from)
    };
    match send(Method::POST, &path, "application/json", &body).await {
        Err(error) if is_there(&error) => return Ok(()),
        created => drop(created.map_err(|error| format!("{path}: {name}: {error}"))?),
    }
    if let Some(status) = status {
        let path = format!("{path}/{name}/status");
        let body = json!({"status": status});
        send(Method::PATCH, &path, "application/merge-patch+json", &body).await?;
    }
    Ok(())
}

fn is_there(error: &Failure) -> bool {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => status.code == StatusCode::CONFLICT.as_u16(),
        Some(_) | None => false,
    }
}

fn plain(path: impl Into<String>, object: Json) -> Object {
    Object { path: path.into(), body: object, status: None }
}

fn space(number: usize) -> String {
    format!("crowd-{}", number % SPACES)
}

fn spaces() -> Vec<Object> {
    let space = |n| plain("/api/v1/namespaces", json!({"metadata": {"name": space(n)}}));
    (0..SPACES).map(space).collect()
}

/// Pods of a namespace need one, and there is no controller that makes it.
fn accounts() -> Vec<Object> {
    let account = |n| {
        let path = format!("/api/v1/namespaces/{}/serviceaccounts", space(n));
        plain(path, json!({"metadata": {"name": "default"}}))
    };
    (0..SPACES).map(account).collect()
}

/// The namespace and the name of an application.
fn app(number: usize) -> (String, String) {
    let number = number % (SPACES * APPS);
    (space(number), format!("app-{}", number / SPACES))
}

/// How many pods each application has, so many being there in all.
fn replicas(pods: usize) -> usize {
    (pods / (SPACES * APPS)).max(1)
}

fn template(app: &str) -> Json {
    let containers = json!([{"name": "main", "image": "example.com/app:1"}]);
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": containers}})
}

fn owners(pods: usize) -> Vec<Object> {
    let many = replicas(pods);
    let mut all = Vec::new();
    let mut put = |space: &str, plural: &str, name: &str, above: Option<Json>| {
        let app = name.trim_end_matches("-1");
        let mut object = json!({
            "metadata": {"name": name, "namespace": space},
            "spec": {"selector": {"matchLabels": {"app": app}}, "template": template(app)},
        });
        if plural != "daemonsets" {
            object["spec"]["replicas"] = many.into();
        }
        if plural == "statefulsets" {
            object["spec"]["serviceName"] = app.into();
        }
        if let Some(owner) = above {
            object["metadata"]["ownerReferences"] = json!([owner]);
        }
        let status = json!({"replicas": many, "readyReplicas": many});
        let status = (plural != "daemonsets").then_some(status);
        all.push(Object {
            path: format!("/apis/apps/v1/namespaces/{space}/{plural}"),
            body: object,
            status,
        });
    };
    for number in 0..SPACES * APPS {
        let (space, name) = app(number);
        put(&space, "deployments", &name, None);
        put(
            &space,
            "replicasets",
            &format!("{name}-1"),
            Some(owner("apps/v1", "Deployment", &name)),
        );
    }
    for number in 0..SPACES {
        put(&space(number), "statefulsets", "store", None);
    }
    for set in ["agent", "proxy"] {
        put(&space(0), "daemonsets", set, None);
    }
    all
}

fn owner(version: &str, kind: &str, name: &str) -> Json {
    json!({
        "apiVersion": version, "kind": kind, "name": name, "controller": true,
        "uid": "7d1c9c3e-0000-4000-8000-000000000000",
    })
}

/// One for each application, with room for a tenth.
fn budgets(pods: usize) -> Vec<Object> {
    let many = replicas(pods);
    let room = (many / 10).max(1);
    let budget = |number| {
        let (space, name) = app(number);
        let object = json!({
            "metadata": {"name": name},
            "spec": {"maxUnavailable": "10%", "selector": {"matchLabels": {"app": name}}},
        });
        let status = json!({
            "observedGeneration": 1, "expectedPods": many, "currentHealthy": many,
            "desiredHealthy": many - room, "disruptionsAllowed": room,
        });
        let path = format!("/apis/policy/v1/namespaces/{space}/poddisruptionbudgets");
        Object { path, body: object, status: Some(status) }
    };
    (0..SPACES * APPS).map(budget).collect()
}

fn node(number: usize) -> String {
    format!("node-{number:04}")
}

fn nodes_of(nodes: usize) -> Vec<Object> {
    let node = |number| {
        let name = node(number);
        let labels = json!({
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/zone": format!("zone-{}", number % 3),
        });
        let status = json!({
            "capacity": {"cpu": "32", "memory": "128Gi", "pods": "110"},
            "allocatable": {"cpu": "32", "memory": "128Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {
                "architecture": "amd64", "bootID": "b", "containerRuntimeVersion": "containerd://2.1.0",
                "kernelVersion": "6.12.0", "kubeProxyVersion": "v1.34.0",
                "kubeletVersion": "v1.34.0", "machineID": "m", "operatingSystem": "linux",
                "osImage": "linux", "systemUUID": "s",
            },
        });
        let object = json!({"metadata": {"name": name, "labels": labels}, "spec": {}});
        Object { path: "/api/v1/nodes".to_owned(), body: object, status: Some(status) }
    };
    (0..nodes).map(node).collect()
}

fn pods_of(nodes: usize, pods: usize) -> Vec<Object> {
    (0..pods).map(|number| pod(number % nodes.max(1), number / nodes.max(1), number)).collect()
}

/// The pod of this place on this node.
fn pod(on: usize, place: usize, number: usize) -> Object {
    let (space, label, above, data) = match place {
        0 | 1 => {
            let set = ["agent", "proxy"][place];
            (space(0), set.to_owned(), Some(owner("apps/v1", "DaemonSet", set)), false)
        }
        2..=4 => {
            let above = owner("apps/v1", "StatefulSet", "store");
            (space(number), "store".to_owned(), Some(above), true)
        }
        5 if on.is_multiple_of(50) => (space(number), "tool".to_owned(), None, false),
        5 => (space(number), "report".to_owned(), Some(owner("batch/v1", "Job", "report")), false),
        OTHERS.. => {
            let (space, name) = app(number);
            let above = owner("apps/v1", "ReplicaSet", &format!("{name}-1"));
            (space, name, Some(above), false)
        }
    };
    let name = format!("{label}-{number:05}");
    let mut metadata = json!({"name": name, "labels": {"app": label}});
    if let Some(above) = above {
        metadata["ownerReferences"] = json!([above]);
    }
    let mut spec = template(&label)["spec"].take();
    spec["nodeName"] = node(on).into();
    spec["automountServiceAccountToken"] = false.into();
    if data {
        spec["volumes"] = json!([{"name": "cache", "emptyDir": {}}]);
    }
    let status = json!({
        "phase": "Running", "podIP": format!("10.{}.{}.{}", on / 250, on % 250, place + 1),
        "conditions": [
            {"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"},
            {"type": "PodScheduled", "status": "True"}, {"type": "Initialized", "status": "True"},
        ],
    });
    let object = json!({"metadata": metadata, "spec": spec});
    Object { path: format!("/api/v1/namespaces/{space}/pods"), body: object, status: Some(status) }
}
