//! Forecasts as text: objects in, lines and problems out.

mod answers;
mod filters;
mod places;
mod reading;
mod words;

use super::*;
use serde_json::{Value as Json, json};

/// Puts the fields of `rest` over those of `base`, maps into maps.
fn with(mut base: Json, rest: Json) -> Json {
    match (&mut base, rest) {
        (Json::Object(base), Json::Object(rest)) => {
            for (name, value) in rest {
                let before = base.remove(&name).unwrap_or(Json::Null);
                base.insert(name, with(before, value));
            }
        }
        (base, rest) => *base = rest,
    }
    base
}

fn node(name: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "uid": format!("uid-{name}"),
            "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A pod of namespace `shop` on node `w1`, running and ready, of nobody.
fn bare(name: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "shop", "name": name, "uid": format!("uid-{name}"),
            "labels": {"app": name.split('-').next()}},
        "spec": {"nodeName": "w1", "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// The same under a controller.
fn pod(name: &str, api_version: &str, kind: &str, owner: &str) -> Json {
    let owner = json!([{"apiVersion": api_version, "kind": kind, "name": owner,
        "uid": "uid-o", "controller": true}]);
    with(bare(name), json!({"metadata": {"ownerReferences": owner}}))
}

fn of_set(name: &str) -> Json {
    pod(name, "apps/v1", "StatefulSet", name.split('-').next().unwrap_or_default())
}

/// What runs pods, of namespace `shop`.
fn owner(kind: &str, name: &str, ready: i64, replicas: i64) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"namespace": "shop", "name": name},
        "spec": {"replicas": replicas}, "status": {"readyReplicas": ready},
    })
}

/// A budget for pods with `app` as its name, counted just now.
fn budget(name: &str, allowed: i64, healthy: i64, desired: i64, expected: i64) -> Json {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"namespace": "shop", "name": name, "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": name}}},
        "status": {"observedGeneration": 1, "disruptionsAllowed": allowed,
            "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected},
    })
}

fn drain(objects: &[Json], options: &Options) -> Drain {
    forecast(&World::of(objects).unwrap(), "w1", options).unwrap()
}

fn lines(objects: &[Json], options: &Options) -> String {
    drain(objects, options).lines().join("\n")
}

/// Lines, then problems with what to do.
fn told(objects: &[Json], options: &Options) -> String {
    let drain = drain(objects, options);
    let problem = |problem: plans::Problem| {
        let help = problem.help.map_or(String::new(), |help| format!("\n    -> {help}"));
        let severity = format!("{:?}", problem.severity);
        format!("{severity} {}: {}\n    {}{help}", problem.code, problem.summary, problem.detail)
    };
    let problems = drain.problems().into_iter().map(problem);
    drain.lines().into_iter().chain(problems).collect::<Vec<_>>().join("\n")
}

fn fate_of(object: Json, options: &Options) -> Fate {
    let drain = drain(&[node("w1"), node("w2"), object], options);
    drain.pods.into_iter().next().unwrap().fate
}
