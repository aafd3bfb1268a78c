//! The data source `docker_dependents`: every pod and every template of one, told of the object
//! that has to be changed.

use super::data::{text, with};
use super::object::broken;
use access::{Cluster, Query};
use apimachinery::docker::{Class, Finding, findings};
use plans::{Exported, Problem};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use values::Value;

/// The kinds that hold pods or make them, with where the specification of the pod is.
const KINDS: [(&str, &str, &str); 8] = [
    ("v1", "Pod", "/spec"),
    ("v1", "ReplicationController", "/spec/template/spec"),
    ("apps/v1", "DaemonSet", "/spec/template/spec"),
    ("apps/v1", "Deployment", "/spec/template/spec"),
    ("apps/v1", "ReplicaSet", "/spec/template/spec"),
    ("apps/v1", "StatefulSet", "/spec/template/spec"),
    ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec"),
    ("batch/v1", "Job", "/spec/template/spec"),
];

/// Which object it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Workload {
    namespace: String,
    kind: String,
    name: String,
}

/// What is kept of an object that was looked at.
struct Seen {
    workload: Workload,
    /// What made it, in its own namespace.
    controller: Option<Workload>,
    node: Option<String>,
    findings: BTreeSet<Finding>,
}

pub(super) async fn read(cluster: &Cluster, args: &Value) -> Result<Exported, Problem> {
    let namespace = text(args, "namespace");
    let lists = KINDS.map(|(version, kind, spec)| list(cluster, namespace, version, kind, spec));
    let mut seen = Vec::new();
    for list in futures::future::join_all(lists).await {
        seen.extend(list?);
    }
    let dependents = by_workload(&seen);
    let all = Value::list(dependents.iter().map(Dependent::exported));
    Ok(with(args, [("dependents", all), ("table", table(&dependents).into())]))
}

async fn list(
    cluster: &Cluster,
    namespace: Option<&str>,
    version: &str,
    kind: &str,
    spec: &str,
) -> Result<Vec<Seen>, Problem> {
    let resource = cluster.resolve(version, kind).await.map_err(|error| error.to_problem())?;
    let Some(resource) = resource else {
        return Err(broken(format!("The server has no kind `{kind}` in `{version}`.")));
    };
    let query = Query { namespace, ..Query::default() };
    let listing = cluster.list(&resource, query, |object| Some(seen(kind, spec, &object))).await;
    Ok(listing.map_err(|error| error.to_problem())?.items)
}

fn seen(kind: &str, spec: &str, object: &Json) -> Seen {
    let metadata = &object["metadata"];
    let string = |of: &Json| of.as_str().unwrap_or_default().to_owned();
    let workload = |kind: &str, name: &Json| Workload {
        namespace: string(&metadata["namespace"]),
        kind: kind.to_owned(),
        name: string(name),
    };
    let owners = metadata["ownerReferences"].as_array();
    let controller = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
    // The mirror pod of a static pod is its node's; what has to be changed is the pod itself.
    let controller = controller.filter(|owner| owner["kind"] != "Node");
    let spec = object.pointer(spec).filter(|_| !is_over(kind, object));
    Seen {
        workload: workload(kind, &metadata["name"]),
        controller: controller.map(|owner| workload(&string(&owner["kind"]), &owner["name"])),
        node: object.pointer("/spec/nodeName").and_then(Json::as_str).map(str::to_owned),
        findings: spec.map(findings).unwrap_or_default(),
    }
}

/// Whether it has run and will not again.
fn is_over(kind: &str, object: &Json) -> bool {
    let status = &object["status"];
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    match kind {
        "Pod" => status["phase"] == "Succeeded" || status["phase"] == "Failed",
        "Job" => conditions().any(|condition| {
            (condition["type"] == "Complete" || condition["type"] == "Failed")
                && condition["status"] == "True"
        }),
        _ => false,
    }
}

/// What is told of one workload.
#[derive(Default)]
struct Dependent {
    workload: Option<Workload>,
    pods: i64,
    nodes: BTreeSet<String>,
    findings: BTreeSet<Finding>,
}

/// What was found, told of what is at the end of the chain of controllers, the certain first.
fn by_workload(seen: &[Seen]) -> Vec<Dependent> {
    let controllers: BTreeMap<&Workload, &Workload> =
        seen.iter().filter_map(|s| Some((&s.workload, s.controller.as_ref()?))).collect();
    let mut out: BTreeMap<&Workload, Dependent> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| !seen.findings.is_empty()) {
        // What a Deployment made before it was changed is not made again.
        if seen.workload.kind == "ReplicaSet" && seen.controller.is_some() {
            continue;
        }
        let dependent = out.entry(root(&controllers, &seen.workload)).or_default();
        dependent.findings.extend(seen.findings.iter().cloned());
        if seen.workload.kind == "Pod" {
            dependent.pods += 1;
            dependent.nodes.extend(seen.node.clone());
        }
    }
    let named = |(workload, dependent): (&Workload, Dependent)| Dependent {
        workload: Some(workload.clone()),
        ..dependent
    };
    let mut out: Vec<Dependent> = out.into_iter().map(named).collect();
    out.sort_by_key(Dependent::class);
    out
}

/// What is at the end of the chain of controllers.
fn root<'a>(
    controllers: &BTreeMap<&'a Workload, &'a Workload>,
    from: &'a Workload,
) -> &'a Workload {
    let mut at = from;
    // Nothing keeps owners from being a circle.
    for _ in 0..KINDS.len() {
        match controllers.get(at) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

impl Dependent {
    fn class(&self) -> Option<Class> {
        self.findings.first().map(|finding| finding.class)
    }

    fn exported(&self) -> Value {
        let of = |part: fn(&Workload) -> &str| self.workload.as_ref().map_or("", part);
        let strings = |all: &mut dyn Iterator<Item = &str>| Value::list(all.map(Value::from));
        let paths: BTreeSet<&str> =
            self.findings.iter().filter_map(|finding| finding.path.as_deref()).collect();
        Value::map([
            ("class", self.class().map_or("", Class::name).into()),
            ("namespace", of(|w| &w.namespace).into()),
            ("kind", of(|w| &w.kind).into()),
            ("name", of(|w| &w.name).into()),
            ("pods", self.pods.into()),
            ("nodes", strings(&mut self.nodes.iter().map(String::as_str))),
            ("paths", strings(&mut paths.into_iter())),
            ("reasons", strings(&mut self.findings.iter().map(|f| f.why.as_str()))),
        ])
    }

    /// The lines of the table, one for each reason.
    fn lines(&self) -> impl Iterator<Item = [String; 6]> {
        self.findings.iter().filter_map(|finding| {
            let workload = self.workload.as_ref()?;
            let nodes: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
            Some([
                finding.class.name().to_owned(),
                workload.namespace.clone(),
                format!("{}/{}", workload.kind, workload.name),
                self.pods.to_string(),
                match nodes.as_slice() {
                    [] => "-".to_owned(),
                    few @ ([_] | [_, _]) => few.join(","),
                    many => format!("{} nodes", many.len()),
                },
                finding.why.clone(),
            ])
        })
    }
}

/// For people: a line for each reason, the certain first.
fn table(dependents: &[Dependent]) -> String {
    if dependents.is_empty() {
        return "No workload was found that depends on docker.".to_owned();
    }
    let head = ["CLASS", "NAMESPACE", "WORKLOAD", "PODS", "NODES", "WHY"].map(str::to_owned);
    let lines: Vec<[String; 6]> =
        std::iter::once(head).chain(dependents.iter().flat_map(Dependent::lines)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let aligned = |line: &[String; 6]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    lines.iter().map(aligned).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, name: &str, controller: Option<(&str, &str)>, spec: Json) -> Seen {
        let owners: Vec<Json> = controller
            .into_iter()
            .map(|(kind, name)| json!({ "controller": true, "kind": kind, "name": name }))
            .collect();
        let (_, _, at) = KINDS.into_iter().find(|(_, known, _)| *known == kind).unwrap();
        let mut object = json!({
            "metadata": { "namespace": "ci", "name": name, "ownerReferences": owners },
        });
        let mut place = &mut object;
        for step in at.split('/').skip(1) {
            place = &mut place[step];
        }
        *place = spec;
        seen(kind, at, &object)
    }

    fn socket(node: &str) -> Json {
        json!({
            "nodeName": node,
            "volumes": [{ "name": "s", "hostPath": { "path": "/var/run/docker.sock" } }],
            "containers": [{ "name": "c", "volumeMounts": [{ "name": "s", "mountPath": "/s" }] }],
        })
    }

    fn told(seen: &[Seen]) -> String {
        table(&by_workload(seen))
    }

    #[test]
    fn pods_are_told_of_what_is_at_the_end_of_their_controllers() {
        let all = [
            object("Pod", "runner-1-a", Some(("ReplicaSet", "runner-1")), socket("n1")),
            object("Pod", "runner-1-b", Some(("ReplicaSet", "runner-1")), socket("n2")),
            object("ReplicaSet", "runner-1", Some(("Deployment", "runner")), socket("")),
            object("Deployment", "runner", None, socket("")),
            object("Pod", "build-7-x", Some(("Job", "build-7")), socket("n1")),
            object("Job", "build-7", Some(("CronJob", "build")), socket("")),
            object(
                "Pod",
                "kube-x-n1",
                Some(("Node", "n1")),
                json!({ "nodeName": "n1", "hostPID": true }),
            ),
        ];
        assert_eq!(
            told(&all),
            "CLASS      NAMESPACE   WORKLOAD            PODS   NODES   WHY\n\
             blocking   ci          CronJob/build       1      n1      container `c` mounts /var/run/docker.sock, the socket of docker\n\
             blocking   ci          Deployment/runner   2      n1,n2   container `c` mounts /var/run/docker.sock, the socket of docker\n\
             review     ci          Pod/kube-x-n1       1      n1      the pod sees the processes of its host (hostPID)"
        );
    }

    #[test]
    fn template_without_a_pod_is_found_and_an_old_one_is_not() {
        let all = [
            object("Deployment", "idle", None, socket("")),
            object("Deployment", "mended", None, json!({})),
            object("ReplicaSet", "mended-1", Some(("Deployment", "mended")), socket("")),
            object("ReplicaSet", "alone", None, socket("")),
        ];
        assert_eq!(
            told(&all),
            "CLASS      NAMESPACE   WORKLOAD           PODS   NODES   WHY\n\
             blocking   ci          Deployment/idle    0      -       container `c` mounts /var/run/docker.sock, the socket of docker\n\
             blocking   ci          ReplicaSet/alone   0      -       container `c` mounts /var/run/docker.sock, the socket of docker"
        );
    }

    #[test]
    fn what_has_run_and_will_not_again_depends_on_nothing() {
        let mut pod =
            json!({ "metadata": { "namespace": "ci", "name": "done" }, "spec": socket("n1") });
        pod["status"] = json!({ "phase": "Succeeded" });
        assert!(seen("Pod", "/spec", &pod).findings.is_empty());
        let spec = json!({ "template": { "spec": socket("") } });
        let mut job = json!({ "metadata": { "namespace": "ci", "name": "done" }, "spec": spec });
        job["status"] = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
        assert!(seen("Job", "/spec/template/spec", &job).findings.is_empty());
    }

    #[test]
    fn owners_in_a_circle_end() {
        let all = [
            object("Pod", "a", Some(("ReplicaSet", "b")), socket("n1")),
            object("ReplicaSet", "b", Some(("Deployment", "c")), json!({})),
            object("Deployment", "c", Some(("ReplicaSet", "b")), json!({})),
        ];
        assert!(told(&all).contains("1      n1"));
    }

    #[test]
    fn nothing_found_says_so() {
        assert_eq!(told(&[]), "No workload was found that depends on docker.");
    }
}
