//! Is anybody behind a service?
//!
//! Source: [EndpointSlices](https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/).

use access::{Cluster, ClusterError, Query};
use plans::Problem;
use serde_json::Value as Json;

/// What the server's record says is behind a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behind {
    /// An endpoint that is not said to be unready.
    Somebody,
    /// No such endpoint.
    Nobody,
    /// The server keeps no such record.
    NoRecord,
    /// Whoever asks may not see it.
    Unseen(Problem),
}

/// Looks at the slices of a service. Whoever may not look learns nothing, which is no error.
pub(super) async fn behind(
    cluster: &Cluster,
    namespace: &str,
    service: &str,
) -> Result<Behind, ClusterError> {
    let Some(slices) = cluster.resolve("discovery.k8s.io/v1", "EndpointSlice").await? else {
        return Ok(Behind::NoRecord);
    };
    let label = format!("kubernetes.io/service-name={service}");
    let query = Query { namespace: Some(namespace), labels: Some(&label), fields: None };
    let ready = |slice: Json| {
        let endpoints = slice["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
        endpoints.iter().any(|e| e["conditions"]["ready"] != false).then_some(())
    };
    match cluster.list(&slices, query, ready).await {
        Ok(listing) if listing.items.is_empty() => Ok(Behind::Nobody),
        Ok(_) => Ok(Behind::Somebody),
        Err(error) if error.is_forbidden() => Ok(Behind::Unseen(error.to_problem())),
        Err(error) => Err(error),
    }
}

/// Whether it is known that the server keeps no such record at all, or none for anything: then it
/// has none of its own service either.
pub(super) async fn are_missing(cluster: &Cluster) -> Result<bool, ClusterError> {
    let own = behind(cluster, "default", "kubernetes").await?;
    Ok(matches!(own, Behind::Nobody | Behind::NoRecord))
}
