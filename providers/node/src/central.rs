//! What only the API server knows of nodes, asked at most once for all objects of a look.

use access::{Cluster, Query, Resource};
use plans::Problem;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use tokio::sync::OnceCell;

/// The namespace of what kubeadm keeps in the cluster.
pub(crate) const NAMESPACE: &str = "kube-system";
/// Where kubeadm keeps the settings of all kubelets. Source: [Configuring each kubelet in your
/// cluster using kubeadm](https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/).
pub(crate) const BASE: &str = "kubelet-config";
/// The key of its text.
pub(crate) const KEY: &str = "kubelet";
/// The label of nodes that carry the control plane. Source: [Well-known
/// labels](https://kubernetes.io/docs/reference/labels-annotations-taints/#node-role-kubernetes-io-control-plane).
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// The API server, for one look.
pub(crate) struct Central<'a> {
    cluster: &'a Cluster,
    base: OnceCell<Result<Option<Json>, Problem>>,
    control_plane: OnceCell<BTreeSet<String>>,
}

impl<'a> Central<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, base: OnceCell::new(), control_plane: OnceCell::new() }
    }

    pub(crate) fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// The `ConfigMap` of all kubelets; `None` where kubeadm was not.
    pub(crate) async fn base(&self) -> &Result<Option<Json>, Problem> {
        self.base.get_or_init(async || base(self.cluster).await).await
    }

    /// Whether the node is known to carry the control plane.
    pub(crate) async fn is_control_plane(&self, node: &str) -> bool {
        self.control_plane
            .get_or_init(async || control_plane(self.cluster).await)
            .await
            .contains(node)
    }
}

pub(crate) async fn base(cluster: &Cluster) -> Result<Option<Json>, Problem> {
    match cluster.get(&core("ConfigMap", "configmaps", true), Some(NAMESPACE), BASE).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_object_not_found() => Ok(None),
        Err(error) => Err(error.to_problem()),
    }
}

/// None when nobody may say so: then they come in the order of their names.
async fn control_plane(cluster: &Cluster) -> BTreeSet<String> {
    let query = Query { labels: Some(CONTROL_PLANE), ..Query::default() };
    let name = |node: Json| node["metadata"]["name"].as_str().map(str::to_owned);
    let listing = cluster.list(&core("Node", "nodes", false), query, name).await;
    listing.map(|listing| listing.items.into_iter().collect()).unwrap_or_default()
}

/// A kind that every server has.
pub(crate) fn core(kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced,
        verbs: ["get", "list"].map(str::to_owned).into(),
        subresources: BTreeSet::new(),
    }
}
