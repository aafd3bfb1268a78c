//! Requests of the cluster's own programs and of people, past every process of clinch.

use super::{NODES, World};
use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use rollout::drain::{CORDON, Holder};
use sandbox::{ResponseBody, ServiceError};
use serde_json::{Value as Json, json};
use tower::Service as _;

/// A node as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeView {
    pub(crate) name: String,
    pub(crate) unschedulable: bool,
    /// Whose cordon it is, when it is one of clinch's.
    pub(crate) holder: Option<Holder>,
    pub(crate) ready: bool,
}

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

impl World {
    /// What the server answers to this request of a process.
    pub(crate) async fn forward(
        &self,
        request: Request<Body>,
    ) -> Result<Response<ResponseBody>, ServiceError> {
        self.sandbox.service().call(request).await
    }

    /// The handle that makes the next request fail.
    pub(crate) fn faults(&self) -> sandbox::Faults {
        self.sandbox.faults()
    }

    /// All nodes. Nearly every event asks, and few change anything.
    pub(crate) fn nodes(&self) -> Vec<NodeView> {
        if let Some(nodes) = &self.inner().nodes {
            return nodes.clone();
        }
        let nodes: Vec<NodeView> = NODES.iter().filter_map(|name| self.node(name)).collect();
        self.inner().nodes = Some(nodes.clone());
        nodes
    }

    pub(crate) fn node(&self, name: &str) -> Option<NodeView> {
        let node = self.get(&format!("/api/v1/nodes/{name}"))?;
        let cordon = node["metadata"]["annotations"][CORDON].as_str();
        let conditions = node["status"]["conditions"].as_array();
        let unschedulable = node["spec"]["unschedulable"] == true;
        let ready = |one: &Json| one["type"] == "Ready" && one["status"] == "True";
        Some(NodeView {
            name: name.to_owned(),
            unschedulable,
            holder: cordon.and_then(Holder::parse).filter(|_| unschedulable),
            ready: conditions.into_iter().flatten().any(ready),
        })
    }

    pub(super) fn set_unschedulable(&self, node: &str, value: bool) {
        let patch =
            json!({"spec": {"unschedulable": if value { json!(true) } else { Json::Null }}});
        self.send(Method::PATCH, &format!("/api/v1/nodes/{node}"), MERGE, &patch);
    }

    /// In the name of clinch, for a planted bug.
    pub(crate) fn cordon_as(&self, node: &str, holder: &Holder) {
        let patch = json!({
            "metadata": {"annotations": {CORDON: holder.to_string()}},
            "spec": {"unschedulable": true},
        });
        self.send(Method::PATCH, &format!("/api/v1/nodes/{node}"), MERGE, &patch);
    }

    pub(super) fn set_ready(&self, name: &str, status: &str) {
        let path = format!("/api/v1/nodes/{name}");
        let Some(mut node) = self.get(&path) else { return };
        for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Ready" {
                condition["status"] = status.into();
            }
        }
        let changed = json!({"status": {"conditions": node["status"]["conditions"]}});
        self.send(Method::PATCH, &format!("{path}/status"), MERGE, &changed);
    }

    /// An object; `None` when it is not there.
    pub(crate) fn get(&self, path: &str) -> Option<Json> {
        let (status, answer) = self.send(Method::GET, path, JSON, &Json::Null);
        (status == 200).then_some(answer)
    }

    pub(super) fn create(&self, path: &str, object: &Json) {
        let (status, answer) = self.send(Method::POST, path, JSON, object);
        debug_assert!(status < 300, "{path}: {answer}");
    }

    /// Changes an object; what it is then.
    pub(super) fn patch(&self, path: &str, change: &Json) -> Json {
        self.send(Method::PATCH, path, MERGE, change).1
    }

    pub(super) fn delete(&self, path: &str) {
        self.send(Method::DELETE, path, JSON, &Json::Null);
    }

    /// The server answers at once, and nothing can go wrong.
    fn send(&self, method: Method, path: &str, content: &str, body: &Json) -> (u16, Json) {
        if method != Method::GET && path.starts_with("/api/v1/nodes/") {
            self.inner().nodes = None;
        }
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder().method(method).uri(path);
        let request = request.header(http::header::CONTENT_TYPE, content);
        let request = request.body(Full::new(bytes)).expect("a path of this program");
        let asked = async {
            let response = self.sandbox.service().call(request).await.ok()?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.ok()?.to_bytes();
            Some((status, serde_json::from_slice(&body).unwrap_or_default()))
        };
        asked.now_or_never().flatten().expect("a request without a fault is answered at once")
    }
}
