//! What a kubelet says of itself and of its node, asked through the API server, and what the
//! server says of itself.

use super::discovery::encode;
use super::{Ask, Call, Cluster, ClusterError};
use serde_json::Value as Json;

impl Cluster {
    /// The configuration that the kubelet of this node runs with, defaults included, as
    /// `{"kubeletconfig": {...}}`. Needs the right to `get` `nodes/proxy`.
    ///
    /// Source: [Set kubelet parameters via a configuration file](https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/#viewing-the-kubelet-configuration).
    pub async fn configz(&self, node: &str) -> Result<Json, ClusterError> {
        let resource = "nodes/proxy".to_owned();
        let call = Call { verb: "get", resource, namespace: None, name: Some(node.to_owned()) };
        let path = format!("/api/v1/nodes/{}/proxy/configz", encode(node));
        self.ask_json(&Ask::get(call, path)).await
    }

    /// That the server itself says it is well at this path: `/livez`, `/readyz`.
    ///
    /// Source: [Kubernetes API health endpoints](https://kubernetes.io/docs/reference/using-api/health-checks/).
    pub async fn answers(&self, path: &str) -> Result<(), ClusterError> {
        let (resource, name) = (path.to_owned(), None);
        let call = Call { verb: "get", resource, namespace: None, name };
        self.ask(&Ask::get(call, path.to_owned())).await.map(drop)
    }

    /// Whether a node says that it is ready for pods. Needs the right to `get` `nodes`.
    ///
    /// Source: [Node conditions](https://kubernetes.io/docs/reference/node/node-status/#condition).
    pub async fn is_node_ready(&self, node: &str) -> Result<bool, ClusterError> {
        let resource = "nodes".to_owned();
        let call = Call { verb: "get", resource, namespace: None, name: Some(node.to_owned()) };
        let path = format!("/api/v1/nodes/{}", encode(node));
        let found = self.ask_json(&Ask::get(call, path)).await?;
        let conditions = found["status"]["conditions"].as_array();
        let ready = |condition: &&Json| condition["type"] == "Ready";
        let condition = conditions.and_then(|all| all.iter().find(ready));
        Ok(condition.is_some_and(|condition| condition["status"] == "True"))
    }
}
