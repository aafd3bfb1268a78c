//! What is done, and still worth a warning when all of a run is done.

use super::object::Named;
use super::perform::has_endpoints;
use crate::codes;
use access::Cluster;
use futures::future::join_all;
use plans::{Op, Problem};
use values::{Path, Value};

pub(super) async fn afterwards(cluster: &Cluster, ops: &[Op]) -> Vec<(usize, Problem)> {
    let services: Vec<(usize, Named, String)> = ops
        .iter()
        .enumerate()
        .filter_map(|(position, op)| Some((position, service(op)?, selector(op)?)))
        .collect();
    // A server that has none of its own service keeps no record of endpoints.
    let kept = match services.as_slice() {
        [] => false,
        _ => has_endpoints(cluster, "default", "kubernetes").await.unwrap_or(false),
    };
    if !kept {
        return Vec::new();
    }
    let looks = services.into_iter().map(|(position, named, selector)| async move {
        let namespace = named.namespace().unwrap_or_default();
        match has_endpoints(cluster, namespace, &named.name).await {
            Ok(false) => Some((position, empty(&named, &selector))),
            // What cannot be looked at is not said to be wrong.
            Ok(true) | Err(_) => None,
        }
    });
    join_all(looks).await.into_iter().flatten().collect()
}

fn service(op: &Op) -> Option<Named> {
    let named = Named::of(&op.identity).ok().filter(|_| op.name == "apply")?;
    (named.api_version == "v1" && named.kind == "Service").then_some(named)
}

/// How the service finds its pods; `None` when others say what is behind it.
fn selector(op: &Op) -> Option<String> {
    let labels = op.args.get("object")?.get("spec")?.get("selector")?.as_map()?;
    let label = |(name, value): (&std::sync::Arc<str>, &Value)| {
        format!("{name}={}", value.as_str().unwrap_or("?"))
    };
    let labels: Vec<String> = labels.iter().map(label).collect();
    (!labels.is_empty()).then(|| labels.join(","))
}

fn empty(named: &Named, selector: &str) -> Problem {
    let detail = format!(
        "{} is there, and nothing ready is behind it: no pod with `{selector}` is ready.",
        named.shown()
    );
    Problem::warning(codes::NO_ENDPOINTS, "Service without endpoints", Path::root(), detail)
        .with_help(format!(
            "See whether such pods exist and become ready:\n  kubectl -n {} get pods -l {selector}",
            named.namespace().unwrap_or_default()
        ))
}
