//! The I/O half against a scripted server: each test says what the server answers and what
//! must come of it.

mod apply;
mod capacity;
mod delete;
mod endpoints;
mod faults;
mod look;
mod nodelocal_dns;
mod observe;
mod preview;
mod ready;
mod rights;
mod servers;
mod settle;
mod text;

use super::ClusterProvider;
use crate::api::{ObjectRef, identity_of};
use access::json::from_json;
use access::scripted::{Reply, Seen, Server, discovery};
use plans::{Op, Problem};
use provider::{Observation, Performed, StepError, Wanted};
use serde_json::{Value as Json, json};
use std::sync::Mutex;
use values::Value;

const KINDS: &[&str] = &[
    "v1/Namespace/namespaces/cluster",
    "v1/ConfigMap/configmaps",
    "v1/ResourceQuota/resourcequotas",
    "v1/Node/nodes/cluster",
    "apps/v1/Deployment/deployments",
];

/// A server that has [`KINDS`] and answers everything else so.
fn server(mut script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Server {
    Server::new(move |seen| discovery(seen, KINDS).unwrap_or_else(|| script(seen)))
}

fn provider(server: &Server) -> ClusterProvider {
    ClusterProvider::new(server.cluster())
}

fn config_map(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef::namespaced("v1", "ConfigMap", namespace, name)
}

/// A live `ConfigMap` that was applied by us with this value under `k`.
fn live(namespace: &str, name: &str, uid: &str, version: u32, k: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid,
            "resourceVersion": version.to_string(),
            "managedFields": [{
                "manager": "clinch", "operation": "Apply", "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}},
            }],
        },
        "data": {"k": k, "theirs": "1"},
    })
}

fn list(items: impl IntoIterator<Item = Json>) -> Json {
    let items: Vec<Json> = items.into_iter().collect();
    json!({"kind": "ConfigMapList", "metadata": {"resourceVersion": "9"}, "items": items})
}

fn forbidden(seen: &Seen) -> Reply {
    let verb = if seen.method == "GET" { "list" } else { "patch" };
    let message =
        format!("configmaps is forbidden: User \"jane\" cannot {verb} resource \"configmaps\"");
    Reply::refusal(403, "Forbidden", &message)
}

async fn observe(server: &Server, objects: &[ObjectRef]) -> Vec<Observation> {
    let wanted = |object: &ObjectRef| Wanted {
        ty: crate::type_name("object"),
        identity: identity_of(object),
    };
    provider(server).observe(objects.iter().map(wanted).collect()).await
}

/// What was observed, in a word each.
fn words(observations: &[Observation]) -> Vec<String> {
    let word = |o: &Observation| match o {
        Observation::Absent => "absent".to_owned(),
        Observation::Present(v) => {
            let name = v.get("metadata").and_then(|m| m.get("name")).and_then(Value::as_str);
            format!("present {}", name.unwrap_or("without a name"))
        }
        Observation::Unknown(problem) => format!("unknown {}", problem.code),
    };
    observations.iter().map(word).collect()
}

fn apply_op(object: &ObjectRef, k: &str, guard: Json, create: bool) -> Op {
    let intent = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": object.name, "namespace": object.namespace},
        "data": {"k": k},
    });
    let args = json!({"object": intent, "force": false, "create": create, "verify": false});
    op("apply", object, args, guard)
}

fn op(name: &str, object: &ObjectRef, args: Json, guard: Json) -> Op {
    Op {
        ty: crate::type_name("config_map"),
        name: name.to_owned(),
        identity: identity_of(object),
        args: from_json(&args),
        guard: from_json(&guard),
        text: format!("{name} {}", object.shown()),
    }
}

/// Performs, and says what was waited for.
async fn perform(server: &Server, op: &Op) -> (Result<Performed, StepError>, Vec<String>) {
    let heard = Mutex::new(Vec::new());
    let progress = |on: String| {
        if let Ok(mut heard) = heard.lock() {
            heard.push(on);
        }
    };
    let done = provider(server).perform(op, &progress).await;
    (done, heard.into_inner().unwrap_or_default())
}

fn problem(done: Result<Performed, StepError>) -> Problem {
    match done {
        Err(StepError::Refused(problem)) => problem,
        other => panic!("not refused but {other:?}"),
    }
}

fn stale(done: Result<Performed, StepError>) -> String {
    match done {
        Err(StepError::Stale(why)) => why,
        other => panic!("not stale but {other:?}"),
    }
}

/// The future of every operation can be moved between threads, as the engine needs it.
#[test]
fn every_operation_can_run_on_any_thread() {
    fn is_send<T: Send>(_: fn(&'static ClusterProvider, &'static Op) -> T) {}
    is_send(|p, op| async move {
        let _ = p.target().await;
        let _ = p.observe(Vec::new()).await;
        let _ = p.read(&op.ty, Value::Null).await;
        let _ = p.preview(Vec::new()).await;
        let _ = p.perform(op, &|_| {}).await;
        let _ = p.settle(op).await;
        let _ = p.find("x").await;
    });
}
