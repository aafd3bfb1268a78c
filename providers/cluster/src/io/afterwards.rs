//! What is done, and still worth a warning when all of a run is done.

use super::endpoints::{self, Behind};
use super::object::Named;
use super::work::Work;
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
    if services.is_empty() {
        return Vec::new();
    }
    // Where that cannot be seen, it shows at the services themselves.
    if matches!(endpoints::are_missing(cluster).await, Ok(true)) {
        return Vec::new();
    }
    let looks = services.iter().map(|(_, named, _)| {
        endpoints::behind(cluster, named.namespace().unwrap_or_default(), &named.name)
    });
    let mut told = Vec::new();
    let mut unseen: Vec<(usize, &Named, Problem)> = Vec::new();
    for ((position, named, selector), behind) in services.iter().zip(join_all(looks).await) {
        match behind {
            Ok(Behind::Somebody | Behind::NoRecord) => {}
            Ok(Behind::Nobody) => told.push((*position, empty(named, selector))),
            Ok(Behind::Unseen(why)) => unseen.push((*position, named, why)),
            Err(error) => unseen.push((*position, named, error.to_problem())),
        }
    }
    if let Some((first, _, why)) = unseen.first() {
        let names: Vec<String> = unseen.iter().map(|(_, named, _)| named.shown()).collect();
        told.push((*first, not_seen(&names, why)));
    }
    told
}

fn service(op: &Op) -> Option<Named> {
    let applied = Work::of(op) == Ok(Work::Apply);
    let named = Named::of(&op.identity).ok().filter(|_| applied)?;
    (*named.api_version == *"v1" && *named.kind == *"Service").then_some(named)
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

/// What could not be looked at is neither fine nor wrong. All have one warning: mostly they have
/// one cause.
fn not_seen(services: &[String], why: &Problem) -> Problem {
    let detail = format!(
        "It was applied. Whether anything ready is behind {} could not be seen: {}",
        services.join(", "),
        why.detail
    );
    let told =
        Problem::warning(codes::NO_ENDPOINTS, "Endpoints were not seen", Path::root(), detail);
    Problem { help: why.help.clone(), ..told }
}
