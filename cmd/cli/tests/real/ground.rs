//! A real server as it was before a scenario, again after it.
//!
//! Only what the scenario can have made goes: what is new, and is marked as ours, named in the
//! scenario, or in a new namespace of which that is true. Nodes get back what they had.

use super::stage::Stage;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Discovery, verbs};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The nodes that a sandbox starts with; the control plane for tests has the same.
pub(super) const NODES: [&str; 3] = ["control-plane-1", "worker-1", "worker-2"];

/// Where a state in the cluster is.
const SYSTEM: &str = "clinch-system";

pub(super) struct Ground<'a> {
    stage: &'a Stage,
    before: BTreeMap<String, Found>,
    nodes: Vec<DynamicObject>,
}

/// An object, and how it can be deleted.
struct Found {
    kind: ApiResource,
    object: kube::core::PartialObjectMeta<DynamicObject>,
}

impl<'a> Ground<'a> {
    /// What is there before the first scenario.
    pub(super) fn new(stage: &'a Stage) -> Self {
        let (before, nodes) =
            stage.on(|client| async move { (everything(&client).await, nodes(&client).await) });
        assert_eq!(nodes.len(), NODES.len(), "the casebook is about the nodes {NODES:?}");
        Self { stage, before, nodes }
    }

    /// Takes away what a scenario made, whose whole text is given, and waits until it is gone.
    pub(super) fn clean(&mut self, scenario: &str) {
        let within = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let named: BTreeSet<&str> = scenario.split(|c| !within(c)).chain([SYSTEM]).collect();
        self.before = self.stage.on(|client| self.cleared(client, &named));
    }

    async fn cleared(
        &self,
        client: kube::Client,
        named: &BTreeSet<&str>,
    ) -> BTreeMap<String, Found> {
        for _ in 0..300 {
            let now = everything(&client).await;
            let left = self.made(&now, named);
            for found in &left {
                found.delete(&client).await;
            }
            for namespace in left.iter().filter(|one| one.is_empty_namespace(&left)) {
                namespace.finalize(&client).await;
            }
            if left.is_empty() {
                self.restore_nodes(&client).await;
                return now;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let now = everything(&client).await;
        let left = self.made(&now, named);
        let stay: Vec<_> = left.iter().map(|found| &found.object.metadata.name).collect();
        panic!("what a scenario made does not go: {stay:?}");
    }

    fn made<'n>(&self, now: &'n BTreeMap<String, Found>, named: &BTreeSet<&str>) -> Vec<&'n Found> {
        let new: Vec<&Found> = now
            .iter()
            .filter(|(uid, _)| !self.before.contains_key(*uid))
            .map(|(_, found)| found)
            .collect();
        let namespaces: BTreeSet<&str> = new
            .iter()
            .filter(|one| {
                one.kind.kind == "Namespace" && (one.is_marked() || named.contains(one.name()))
            })
            .map(|one| one.name())
            .chain([SYSTEM])
            .collect();
        let is_made = |one: &&Found| match one.namespace() {
            _ if one.is_marked() => true,
            None => named.contains(one.name()),
            Some(namespace) => {
                let within = named.contains(namespace) && named.contains(one.name());
                within || namespaces.contains(namespace)
            }
        };
        new.into_iter().filter(is_made).collect()
    }

    /// Nodes stay, and with them who owns which of their fields.
    async fn restore_nodes(&self, client: &kube::Client) {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind_of_nodes());
        for (was, is) in self.nodes.iter().zip(nodes(client).await) {
            if settings(was) == settings(&is) {
                continue;
            }
            let name = was.metadata.name.as_deref().expect("nodes have names");
            let replaced = |is: &DynamicObject| {
                let mut node = was.clone();
                node.metadata.resource_version.clone_from(&is.metadata.resource_version);
                node
            };
            // The values first; then, as nothing changes any more, whose they are.
            let params = kube::api::PostParams::default();
            let mut is = api.replace_status(name, &params, &replaced(&is)).await.unwrap();
            for _ in 0..2 {
                is = api.replace(name, &params, &replaced(&is)).await.unwrap();
            }
        }
    }
}

impl Found {
    fn name(&self) -> &str {
        self.object.metadata.name.as_deref().expect("objects have names")
    }

    fn is_marked(&self) -> bool {
        let labels = self.object.metadata.labels.as_ref();
        labels
            .and_then(|labels| labels.get("app.kubernetes.io/managed-by"))
            .is_some_and(|by| by == "clinch")
    }

    fn namespace(&self) -> Option<&str> {
        self.object.metadata.namespace.as_deref()
    }

    async fn delete(&self, client: &kube::Client) {
        let metadata = &self.object.metadata;
        let name = self.name();
        let api: Api<DynamicObject> = match self.namespace() {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.kind),
            None => Api::all_with(client.clone(), &self.kind),
        };
        let going = metadata.deletion_timestamp.is_some();
        if going && metadata.finalizers.as_ref().is_some_and(|f| !f.is_empty()) {
            let none = json!({ "metadata": { "finalizers": null } });
            let _gone = api.patch(name, &PatchParams::default(), &Patch::Merge(&none)).await;
        }
        let _gone = api.delete(name, &DeleteParams::background().grace_period(0)).await;
    }

    fn is_empty_namespace(&self, all: &[&Self]) -> bool {
        let is_going = self.object.metadata.deletion_timestamp.is_some();
        let holds = |other: &&Self| other.namespace() == Some(self.name());
        self.kind.kind == "Namespace" && is_going && !all.iter().any(holds)
    }

    /// What the namespaces' controller does, some seconds earlier: nothing is left in it.
    async fn finalize(&self, client: &kube::Client) {
        let name = self.name();
        let body = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": name }, "spec": { "finalizers": [] },
        });
        let request = http::Request::put(format!("/api/v1/namespaces/{name}/finalize"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&body).unwrap())
            .unwrap();
        let _gone = client.request::<Json>(request).await;
    }
}

/// All objects of a cluster by their uid.
async fn everything(client: &kube::Client) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    let discovered = Discovery::new(client.clone()).run_aggregated().await.unwrap();
    let kinds = discovered.groups().flat_map(kube::discovery::ApiGroup::recommended_resources);
    for (kind, can) in kinds {
        // Events are a record of what happened, and go by themselves.
        if kind.kind == "Event" || !can.supports_operation(verbs::DELETE) {
            continue;
        }
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
        // A kind goes with its definition.
        let Ok(objects) = api.list_metadata(&ListParams::default()).await else { continue };
        for object in objects {
            let uid = object.metadata.uid.clone().unwrap_or_default();
            found.insert(uid, Found { kind: kind.clone(), object });
        }
    }
    found
}

fn kind_of_nodes() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Node"))
}

async fn nodes(client: &kube::Client) -> Vec<DynamicObject> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind_of_nodes());
    let mut nodes = api.list(&ListParams::default()).await.unwrap().items;
    nodes.retain(|node| node.metadata.name.as_deref().is_some_and(|name| NODES.contains(&name)));
    nodes
}

/// What scenarios change of a node.
fn settings(node: &DynamicObject) -> Json {
    json!([
        node.metadata.labels,
        node.metadata.annotations,
        node.data["spec"],
        node.data["status"]["capacity"],
        node.data["status"]["allocatable"],
    ])
}
