//! Every example of every page lives once on every server: created, seen unchanged, deleted.
//!
//! A second plan is empty, and for nearly all types that is *proven* from what was read: the
//! server need not be asked again. Which cannot be is pinned here.

use crate::support::{arguments, examples};
use access::{Cluster, ClusterOptions, Env};
use cluster::io::ClusterProvider;
use plans::{Action, Basis, Op};
use provider::{Decision, Observation, PlanRequest, Planned, Preview, ResourceKind, Wanted};
use sandbox::Sandbox;
use std::collections::BTreeSet;
use std::path::PathBuf;
use values::{Map, Value};

/// Types whose second plan asks the server once more, and why that is so.
const ASKED_AGAIN: [(&str, &str); 0] = [];

async fn servers() -> Vec<(&'static str, ClusterProvider)> {
    let sandbox = Cluster::from_client(Sandbox::in_memory().client(), "sandbox", "memory");
    let mut servers = vec![("sandbox", ClusterProvider::new(sandbox))];
    match std::env::var_os("CLINCH_TEST_KUBECONFIG").filter(|file| !file.is_empty()) {
        None => println!("SKIPPED on a real server: CLINCH_TEST_KUBECONFIG is not set"),
        Some(file) => {
            let kubeconfig = Some(PathBuf::from(file));
            let options = ClusterOptions { kubeconfig, ..ClusterOptions::new(Env::default(), "t") };
            servers.push(("real", ClusterProvider::new(access::connect(options).await.unwrap())));
        }
    }
    servers
}

/// One object of a type, on a server.
struct Life<'a> {
    kind: &'a dyn ResourceKind,
    provider: &'a ClusterProvider,
    args: Value,
    project: String,
}

impl Life<'_> {
    async fn observe(&self) -> Observation {
        let identity = self.kind.identify(&self.args).unwrap();
        let wanted = Wanted { ty: self.kind.name().clone(), identity };
        self.provider.observe(vec![wanted]).await.remove(0)
    }

    async fn plan(&self, wanted: bool) -> Decision {
        let observed = self.observe().await;
        let identity = self.kind.identify(&self.args).unwrap();
        let (created, mut preview, mut asked) = (BTreeSet::new(), None::<Preview>, None::<Op>);
        for _ in 0..3 {
            let planned = self.kind.plan(&PlanRequest {
                identity: &identity,
                desired: wanted.then_some(&self.args),
                observed: &observed,
                recorded: None,
                preview: preview.as_ref(),
                asked: asked.as_ref(),
                ignore: &[],
                created: &created,
                project: &self.project,
                protect: false,
                release: false,
                wait: None,
                adopt: false,
            });
            match planned {
                Planned::NeedsPreview(op) => {
                    preview = Some(self.provider.preview(vec![op.clone()]).await.remove(0));
                    asked = Some(op);
                }
                Planned::Decided(decision) => return *decision,
                Planned::Failed(problems) => panic!("{identity:?}: {problems:?}"),
            }
        }
        panic!("{identity:?} is asked about for ever");
    }

    async fn perform(&self, decision: &Decision) {
        for op in &decision.ops {
            self.provider
                .perform(op, &|_| {})
                .await
                .unwrap_or_else(|e| panic!("{}: {e:?}", op.text));
        }
    }
}

/// The arguments under names of their own, on a node that there is.
fn own(args: &Value, own: &str, node: &str) -> Value {
    let mut map = args.as_map().unwrap().clone();
    for (name, new) in [("namespace", own), ("node", node)] {
        if map.contains_key(name) {
            map.insert(name.into(), new.into());
        }
    }
    if let Some(name) = map.get("name").and_then(Value::as_str) {
        let name = format!("{name}-{own}");
        map.insert("name".into(), name.into());
    }
    // Neither kube-proxy nor a DNS is here to be looked at.
    for (name, here) in [("cluster_dns_ip", "10.96.0.10"), ("proxy_mode", "iptables")] {
        if map.get(name).is_some_and(Value::is_null) {
            map.insert(name.into(), here.into());
        }
    }
    if let Some(manifest) = map.get("manifest").and_then(Value::as_map) {
        let mut manifest: Map = manifest.clone();
        let mut metadata = manifest.get("metadata").unwrap().as_map().unwrap().clone();
        metadata.insert("namespace".into(), own.into());
        manifest.insert("metadata".into(), Value::map(metadata));
        map.insert("manifest".into(), Value::map(manifest));
    }
    Value::map(map)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_created_proven_unchanged_and_deleted_on_every_server() {
    let room = format!("clinch-life-{}", std::process::id());
    for (server, provider) in servers().await {
        let nodes = provider.read(&"nodes".parse().unwrap(), Value::empty_map()).await.unwrap();
        let nodes = nodes.get("names").and_then(Value::as_list).unwrap().to_vec();
        let node = nodes.last().unwrap().as_str().unwrap();
        let kinds = cluster::kinds(None);
        let namespace = kinds.iter().find(|kind| *kind.name() == "namespace").unwrap();
        let namespace = Life {
            kind: &**namespace,
            provider: &provider,
            args: arguments(namespace.schema(), &format!("name = \"{room}\"")),
            project: room.clone(),
        };
        namespace.perform(&namespace.plan(true).await).await;
        let mut lived = 0;
        for kind in &kinds {
            let name = kind.name().to_string();
            // What is read from elsewhere is not here, and what a cluster has once is not ours alone
            // on a server that others use; the casebook plays that.
            let once = name == "nodelocal_dns" && server == "real";
            let here = |example: &String| !example.contains("data_from") && !once;
            for example in examples(kind.page(), &name).into_iter().filter(here) {
                let args = own(&arguments(kind.schema(), &example), &room, node);
                let life = Life { kind: &**kind, provider: &provider, args, project: room.clone() };
                let created = life.plan(true).await;
                assert_eq!(created.action, Action::Create, "{name} on {server}");
                life.perform(&created).await;
                let again = life.plan(true).await;
                let told = format!("{name} on {server}: {:?} {:?}", again.before, again.after);
                assert_eq!(again.action, Action::NoOp, "{told}");
                let asked = ASKED_AGAIN.iter().any(|(of, _)| *of == name);
                let asked = if asked { Basis::Server } else { Basis::Proven };
                let local = again.basis == Basis::Local;
                assert!(local || again.basis == asked, "{told}: {:?}", again.basis);
                life.perform(&life.plan(false).await).await;
                assert_ne!(life.plan(true).await.action, Action::NoOp, "{name} is still there");
                lived += 1;
            }
        }
        namespace.perform(&namespace.plan(false).await).await;
        println!("{lived} examples lived on the {server} server");
    }
}

/// A node of a server, changed as others change it.
struct Others<'a> {
    provider: &'a ClusterProvider,
    node: String,
}

impl Others<'_> {
    async fn resource(&self) -> access::Resource {
        self.provider.cluster().resolve("v1", "Node").await.unwrap().unwrap()
    }

    async fn patch(&self, operations: serde_json::Value) {
        let patch = access::JsonPatch {
            operations: &operations,
            manager: "others",
            subresource: None,
            dry_run: false,
        };
        let resource = self.resource().await;
        let cluster = self.provider.cluster();
        cluster.json_patch(&resource, None, &self.node, patch).await.unwrap();
    }

    async fn see(&self) -> serde_json::Value {
        let resource = self.resource().await;
        self.provider.cluster().get(&resource, None, &self.node).await.unwrap()
    }

    async fn taints(&self) -> Vec<String> {
        let node = self.see().await;
        let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
        taints.iter().map(|taint| taint["key"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn taints_of_others_survive_whatever_is_set_between_them() {
    use serde_json::json;
    let kinds = cluster::kinds(None);
    let kind = kinds.iter().find(|kind| *kind.name() == "node_settings").unwrap();
    for (server, provider) in servers().await {
        let nodes = provider.read(&"nodes".parse().unwrap(), Value::empty_map()).await.unwrap();
        // Not the one that the examples live on at the same time.
        let nodes = nodes.get("names").and_then(Value::as_list).unwrap().to_vec();
        let node = nodes[nodes.len() - 2].as_str().unwrap().to_owned();
        let others = Others { provider: &provider, node: node.clone() };
        let taint = |key: &str| json!({"key": key, "effect": "PreferNoSchedule"});
        others
            .patch(json!([{"op": "add", "path": "/spec/taints", "value": [taint("first")]}]))
            .await;
        let life = |args: &str| Life {
            kind: &**kind,
            provider: &provider,
            args: arguments(kind.schema(), &format!("node = \"{node}\"\n{args}")),
            project: "taints".to_owned(),
        };
        let ours = life(
            "labels = { clinch-test = \"a\" }\ntaint {\n key = \"ours\"\n effect = \"PreferNoSchedule\"\n}",
        );
        let planned = ours.plan(true).await;
        // After the plan and before the apply.
        others
            .patch(json!([{"op": "add", "path": "/spec/taints/-", "value": taint("second")}]))
            .await;
        ours.perform(&planned).await;
        assert_eq!(others.taints().await, ["first", "second", "ours"], "{server}");
        assert_eq!(ours.plan(true).await.action, Action::NoOp, "{server}");

        let changed = life("labels = { clinch-test = \"b\" }");
        let planned = changed.plan(true).await;
        others
            .patch(json!([{"op": "add", "path": "/metadata/labels/clinch-test", "value": "c"}]))
            .await;
        let stopped = provider.perform(&planned.ops[0], &|_| {}).await.unwrap_err();
        let provider::StepError::Stale(why) = stopped else { panic!("{server}: {stopped:?}") };
        assert!(why.ends_with("was changed since the plan was made: `clinch-test` of its labels."));
        assert_eq!(
            others.taints().await,
            ["first", "second", "ours"],
            "{server}: nothing was done"
        );

        let found = provider.find("taints").await.unwrap();
        let found: Vec<&str> =
            found.found.iter().map(|found| found.identity.shown.as_str()).collect();
        assert_eq!(found, [format!("settings of node {node}")], "{server}");

        ours.perform(&ours.plan(false).await).await;
        assert_eq!(others.taints().await, ["first", "second"], "{server}");
        let seen = others.see().await;
        assert_eq!(seen["metadata"]["labels"]["clinch-test"], "c", "{server}: it is another's now");
        let record = &seen["metadata"]["annotations"][cluster::settings::RECORD];
        assert!(record.is_null(), "{server}: {record}");
        others
            .patch(json!([
                {"op": "remove", "path": "/spec/taints"},
                {"op": "remove", "path": "/metadata/labels/clinch-test"},
            ]))
            .await;
        assert_eq!(provider.find("taints").await.unwrap(), provider::Search::default());
    }
}

/// What a data source says, on every server.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_for_is_found_on_every_server() {
    for (server, provider) in servers().await {
        let read = async |ty: &str, args: &str| {
            let kinds = cluster::data_kinds();
            let kind = kinds.iter().find(|kind| *kind.name() == ty).unwrap();
            let args = arguments(kind.schema(), args);
            assert_eq!(crate::support::told(&kind.check(&args)), "", "{server}: {ty}");
            provider.read(&ty.parse().unwrap(), args).await
        };
        let system = "api_version = \"v1\"\nkind = \"Namespace\"\nname = \"kube-system\"";
        let found = read("object", system).await.unwrap();
        let object = found.get("object").unwrap();
        assert_eq!(
            object.at(&values::Path::of("status.phase")),
            Some(&"Active".into()),
            "{server}"
        );
        let absent =
            "api_version = \"v1\"\nkind = \"ConfigMap\"\nnamespace = \"default\"\nname = \"nope\"";
        let problem = read("object", absent).await.unwrap_err();
        assert_eq!(problem.detail, "There is no ConfigMap `nope` in namespace `default`.");
        let found = read("object", &format!("{absent}\noptional = true")).await.unwrap();
        assert!(found.get("object").unwrap().is_null(), "{server}");
        let custom = "api_version = \"example.com/v1\"\nkind = \"Dongle\"\nname = \"a\"";
        let problem = read("object", custom).await.unwrap_err();
        assert_eq!(problem.detail, "The server has no kind `Dongle` in `example.com/v1`.");
        let found = read("objects", "api_version = \"v1\"\nkind = \"Namespace\"").await.unwrap();
        let names = found.get("names").and_then(Value::as_list).unwrap();
        let mut sorted = names.to_vec();
        sorted.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        assert!(names.len() >= 4 && names == sorted, "{server}: {names:?}");
        let first = &found.get("objects").and_then(Value::as_list).unwrap()[0];
        assert_eq!(first.get("kind"), Some(&"Namespace".into()), "{server}");
        let pods = read("pods", "namespace = \"nope\"\nnode = \"nope\"").await.unwrap();
        assert_eq!(pods.get("pods"), Some(&Value::list([])), "{server}");
    }
}
