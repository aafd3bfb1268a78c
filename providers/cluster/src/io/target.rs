//! Which cluster is this?

use access::{Cluster, Resource};
use diags::Code;
use plans::{Problem, Target};
use values::Path;

const NO_IDENTITY: Code = Code("E0750");

/// The cluster with its identity: the uid of the namespace that no cluster is without and
/// that nobody can delete.
pub(super) async fn target(cluster: &Cluster) -> Result<Target, Problem> {
    let version = async { cluster.version().await.map_err(|e| e.to_problem()) };
    let system = async { cluster.get(&namespaces(), None, "kube-system").await };
    let (version, system) = futures::join!(version, system);
    // The more telling of two problems that have one cause.
    let version = version?;
    let system = system.map_err(|error| {
        let problem = error.to_problem();
        if !(error.is_object_not_found() || error.is_forbidden()) {
            return problem;
        }
        if problem.detail.contains("`system:anonymous`") {
            return problem.with_help(
                "The server knows nobody here: this user of the kubeconfig has no credentials. \
                 Log in to the cluster, or choose another context with `-context`.",
            );
        }
        Problem { code: NO_IDENTITY, summary: "The cluster cannot be told from others", ..problem }
            .with_help(
                "A cluster is recognised by the uid of its namespace `kube-system`. Ask for the \
                 right to get this one namespace.",
            )
    })?;
    let uid = system["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty());
    let uid = uid.ok_or_else(|| {
        Problem::error(
            NO_IDENTITY,
            "The cluster cannot be told from others",
            Path::root(),
            "The namespace `kube-system` of this cluster has no uid.",
        )
    })?;
    let place = cluster.place();
    Ok(Target {
        name: place.name.clone(),
        server: place.server.clone(),
        uid: uid.to_owned(),
        version,
    })
}

/// The one kind whose path is known without asking.
pub(super) fn namespaces() -> Resource {
    core("Namespace", "namespaces", false)
}

/// Nodes, likewise.
pub(super) fn nodes() -> Resource {
    core("Node", "nodes", false)
}

/// Maps of texts, likewise.
pub(super) fn config_maps() -> Resource {
    core("ConfigMap", "configmaps", true)
}

/// Pods, likewise.
pub(super) fn pods() -> Resource {
    core("Pod", "pods", true)
}

fn core(kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced,
        verbs: ["get", "list", "watch", "patch", "delete"].map(str::to_owned).into(),
        subresources: ["status"].map(str::to_owned).into(),
    }
}
