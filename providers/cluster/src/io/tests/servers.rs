//! The same cases against every server there is: the embedded one, and a real one when
//! `CLINCH_TEST_KUBECONFIG` names it.

use super::*;
use access::{ClusterOptions, Delete, Env, Propagation, Query, connect};
use provider::Settled;
use sandbox::Sandbox;
use std::path::PathBuf;
use std::time::Duration;

/// A real server, when there is one.
async fn real(variable: &str) -> Option<ClusterProvider> {
    let Some(file) = std::env::var_os(variable).filter(|f| !f.is_empty()) else {
        println!("SKIPPED on a real server: {variable} is not set");
        return None;
    };
    let kubeconfig = Some(PathBuf::from(file));
    let options = ClusterOptions { kubeconfig, ..ClusterOptions::new(Env::default(), "test") };
    let cluster = connect(options).await.expect("the kubeconfig of the test is usable");
    Some(ClusterProvider::new(cluster))
}

/// Every server to run a case on, with its name.
async fn servers() -> Vec<(&'static str, ClusterProvider)> {
    let sandbox = access::Cluster::from_client(Sandbox::in_memory().client(), "sandbox", "memory");
    let mut servers = vec![("sandbox", ClusterProvider::new(sandbox))];
    if let Some(real) = real("CLINCH_TEST_KUBECONFIG").await {
        servers.push(("real", real));
    }
    servers
}

/// A namespace of its own for a case, removed at the end.
struct Room {
    provider: ClusterProvider,
    namespace: String,
}

impl Room {
    async fn new(provider: &ClusterProvider, case: &str) -> Self {
        let namespace = format!("clinch-io-{case}-{}", std::process::id());
        let room = Self { provider: provider.clone(), namespace };
        let object = room.object();
        let intent = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": room.namespace, "labels": {"clinch.test": case}},
        });
        room.perform(&create(&object, intent)).await.expect("a namespace for the case");
        room
    }

    fn config_map(&self, name: &str) -> ObjectRef {
        config_map(&self.namespace, name)
    }

    async fn perform(&self, op: &Op) -> Result<Performed, StepError> {
        self.provider.perform(op, &|_| {}).await
    }

    async fn see(&self, object: &ObjectRef) -> Option<Json> {
        let wanted = Wanted { ty: crate::type_name("object"), identity: identity_of(object) };
        match self.provider.observe(vec![wanted]).await.remove(0) {
            Observation::Present(live) => crate::json::to_json(&live),
            Observation::Absent => None,
            Observation::Unknown(problem) => panic!("unknown: {problem:?}"),
        }
    }

    /// Writes as someone else.
    async fn edit(&self, object: &ObjectRef, manager: &str, intent: Json) {
        let cluster = self.provider.cluster();
        let resource = cluster.resolve(&object.api_version, &object.kind).await;
        let resource = resource.expect("discovery").expect("served");
        let apply = access::Apply { object: &intent, manager, force: true, dry_run: false };
        let namespace = object.namespace.as_deref();
        cluster.apply(&resource, namespace, &object.name, apply).await.expect("an edit");
    }

    async fn remove(&self, object: &ObjectRef) {
        let cluster = self.provider.cluster();
        let resource = cluster.resolve(&object.api_version, &object.kind).await;
        let resource = resource.expect("discovery").expect("served");
        let delete = Delete {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: false,
        };
        let namespace = object.namespace.as_deref();
        cluster.delete(&resource, namespace, &object.name, delete).await.expect("a deletion");
    }

    /// Leaves the server as it was; a namespace takes some seconds to go, which only one
    /// case waits for.
    async fn end(self) {
        self.remove(&self.object()).await;
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::cluster_wide("v1", "Namespace", &self.namespace)
    }
}

fn intent(object: &ObjectRef, rest: Json) -> Json {
    let mut intent = json!({
        "apiVersion": object.api_version, "kind": object.kind,
        "metadata": {"name": object.name, "labels": {"a": "b"}},
    });
    if let Some(namespace) = &object.namespace {
        intent["metadata"]["namespace"] = namespace.as_str().into();
    }
    if let (Some(intent), Json::Object(rest)) = (intent.as_object_mut(), rest) {
        intent.extend(rest);
    }
    intent
}

fn create(object: &ObjectRef, intent: Json) -> Op {
    op("apply", object, json!({"object": intent, "create": true}), Json::Null)
}

/// An update of the object as it was read, as the pure half makes it.
fn update(object: &ObjectRef, intent: Json, live: &Json) -> Op {
    let owned = crate::noop::projection(&from_json(live), crate::ownership::MANAGER);
    let mut op = op("apply", object, json!({"object": intent}), Json::Null);
    op.guard = Value::map([
        ("uid", from_json(&live["metadata"]["uid"])),
        ("resource_version", from_json(&live["metadata"]["resourceVersion"])),
        ("owned", owned),
    ]);
    op
}

#[tokio::test]
async fn an_object_is_created_found_unchanged_updated_and_deleted() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "life").await;
        let object = room.config_map("x");
        assert_eq!(room.see(&object).await, None);
        let first = intent(&object, json!({"data": {"k": "1"}}));
        let done = room.perform(&create(&object, first.clone())).await.expect("created");
        let live = room.see(&object).await.expect("it exists");
        assert_eq!(done.uid.as_deref(), live["metadata"]["uid"].as_str());
        let proof = crate::noop::certify(&from_json(&first), &from_json(&live), "clinch");
        assert_eq!(proof, Ok(()));
        let again = room.perform(&create(&object, first)).await;
        assert!(stale(again).contains("has come to exist"));

        let second = intent(&object, json!({"data": {"k": "2"}}));
        let planned = update(&object, second.clone(), &live);
        room.perform(&planned).await.expect("updated");
        let now = room.see(&object).await.expect("it exists");
        assert_eq!(now["data"], json!({"k": "2"}));
        // The plan was for the object before: performing it twice does it once.
        assert!(matches!(provider.settle(&planned).await, Ok(Settled::Done(_))));

        let guard = json!({"uid": now["metadata"]["uid"]});
        room.perform(&op("delete", &object, json!({}), guard)).await.expect("deleted");
        assert_eq!(room.see(&object).await, None);
        room.end().await;
    }
}

#[tokio::test]
async fn a_namespace_counts_as_deleted_once_it_is_gone_with_all_that_is_in_it() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "gone").await;
        let inside = room.config_map("x");
        room.perform(&create(&inside, intent(&inside, json!({})))).await.expect("created");
        let namespace = room.object();
        let delete = op("delete", &namespace, json!({"timeout": 60}), json!({}));
        room.perform(&delete).await.expect("the namespace goes");
        assert_eq!(room.see(&namespace).await, None);
        assert_eq!(room.see(&inside).await, None);
    }
}

#[tokio::test]
async fn what_moved_since_the_plan_decides_whether_it_is_applied() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "moved").await;
        let object = room.config_map("x");
        let ours = |k: &str| intent(&object, json!({"data": {"k": k}}));
        room.perform(&create(&object, ours("1"))).await.expect("created");
        let live = room.see(&object).await.expect("it exists");

        // Someone adds a field of their own.
        let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"},
                            "data": {"theirs": "1"}});
        room.edit(&object, "someone", theirs.clone()).await;
        room.perform(&update(&object, ours("2"), &live)).await.expect("nothing of ours moved");
        let live = room.see(&object).await.expect("it exists");
        assert_eq!(live["data"], json!({"k": "2", "theirs": "1"}));

        // Someone takes a field of ours.
        let mut taken = theirs;
        taken["data"]["k"] = "edited".into();
        room.edit(&object, "someone", taken).await;
        let late = room.perform(&update(&object, ours("3"), &live)).await;
        assert!(stale(late).contains("was changed since the plan was made"));
        let now = room.see(&object).await.expect("it exists");
        assert_eq!(now["data"]["k"], "edited");

        // A plan that saw this meets the other manager.
        let conflict = problem(room.perform(&update(&object, ours("3"), &now)).await);
        assert!(conflict.detail.contains("someone"), "{}", conflict.detail);
        room.end().await;
    }
}

#[tokio::test]
async fn a_successor_of_a_planned_object_is_neither_changed_nor_deleted() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "successor").await;
        let object = room.config_map("x");
        let ours = |k: &str| intent(&object, json!({"data": {"k": k}}));
        room.perform(&create(&object, ours("1"))).await.expect("created");
        let live = room.see(&object).await.expect("it exists");
        let change = update(&object, ours("2"), &live);
        let guard = json!({"uid": live["metadata"]["uid"]});
        let delete = op("delete", &object, json!({}), guard);

        room.remove(&object).await;
        assert!(stale(room.perform(&change).await).contains("was deleted"));
        assert_eq!(room.see(&object).await, None, "it is not created anew by an update");
        assert!(room.perform(&delete).await.is_ok(), "gone is gone");

        room.edit(&object, "someone", ours("theirs")).await;
        assert!(stale(room.perform(&change).await).contains("was deleted"));
        assert!(stale(room.perform(&delete).await).contains("was not touched"));
        let now = room.see(&object).await.expect("it exists");
        assert_eq!(now["data"]["k"], "theirs");
        room.end().await;
    }
}

#[tokio::test]
async fn a_field_that_the_kind_does_not_have_is_refused_and_not_tried_again() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "typo").await;
        let object = room.config_map("x");
        let wrong = intent(&object, json!({"dta": {"k": "1"}}));
        let began = std::time::Instant::now();
        let problem = problem(room.perform(&create(&object, wrong)).await);
        assert!(problem.detail.contains(".dta: field not declared in schema"), "{problem:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
        room.end().await;
    }
}

#[tokio::test]
async fn a_quota_counts_as_created_once_it_is_enforced() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "quota").await;
        let object = ObjectRef::namespaced("v1", "ResourceQuota", &room.namespace, "q");
        let quota = intent(&object, json!({"spec": {"hard": {"configmaps": "3"}}}));
        room.perform(&create(&object, quota)).await.expect("created");
        let live = room.see(&object).await.expect("it exists");
        assert_eq!(live["status"]["hard"], json!({"configmaps": "3"}));
        room.end().await;
    }
}

#[tokio::test]
async fn a_pod_in_a_namespace_that_is_a_moment_old_runs() {
    for (name, provider) in servers().await {
        let room = Room::new(&provider, "pod").await;
        let object = ObjectRef::namespaced("v1", "Pod", &room.namespace, "p");
        let container = json!({"name": "app", "image": "registry.test/app:1"});
        let pod = intent(&object, json!({"spec": {"containers": [container]}}));
        let done = room.perform(&create(&object, pod)).await;
        assert!(done.is_ok(), "{name}: {done:?}");
        let live = room.see(&object).await.expect("it exists");
        assert_eq!(live["status"]["phase"], "Running", "{name}");
        room.end().await;
    }
}

#[tokio::test]
async fn a_kind_and_its_first_object_can_be_created_one_after_the_other() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "kind").await;
        let group = format!("t{}.clinch.test", std::process::id());
        let definition = ObjectRef::cluster_wide(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            &format!("widgets.{group}"),
        );
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let spec = json!({
            "group": group, "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema},
            }],
        });
        let version = format!("{group}/v1");
        let widget = ObjectRef::namespaced(&version, "Widget", &room.namespace, "w");
        assert_eq!(room.see(&widget).await, None, "the kind does not exist yet");
        room.perform(&create(&definition, intent(&definition, json!({"spec": spec}))))
            .await
            .expect("a kind");
        let first = create(&widget, intent(&widget, json!({"spec": {"size": 1.5}})));
        room.perform(&first).await.expect("a widget");
        let live = room.see(&widget).await.expect("it exists");
        assert_eq!(live["spec"]["size"], 1.5);
        let delete = op("delete", &definition, json!({"timeout": 60}), json!({}));
        room.perform(&delete).await.expect("the kind goes, with its objects");
        room.end().await;
    }
}

#[tokio::test]
async fn a_finalizer_keeps_an_object_and_is_named() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "finalizer").await;
        let object = room.config_map("x");
        let mut held = intent(&object, json!({}));
        held["metadata"]["finalizers"] = json!(["clinch.test/hold"]);
        room.perform(&create(&object, held)).await.expect("created");
        let delete = op("delete", &object, json!({"timeout": 3}), json!({}));
        let problem = problem(room.perform(&delete).await);
        assert!(problem.detail.contains("finalizer `clinch.test/hold`"), "{}", problem.detail);
        // Whoever set it takes it away, and the rest follows.
        room.edit(&object, "clinch", intent(&object, json!({}))).await;
        room.perform(&delete).await.expect("it goes now");
        room.end().await;
    }
}

#[tokio::test]
async fn a_claim_that_is_bound_when_it_is_used_is_not_waited_for() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "claim").await;
        let name = room.namespace.clone();
        let class = ObjectRef::cluster_wide("storage.k8s.io/v1", "StorageClass", &name);
        let lazy = json!({
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        });
        room.perform(&create(&class, intent(&class, lazy))).await.expect("a class");
        let claim = ObjectRef::namespaced("v1", "PersistentVolumeClaim", &name, "disk");
        let spec = json!({"spec": {
            "storageClassName": name, "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        }});
        let mut op = create(&claim, intent(&claim, spec));
        let mut args = op.args.as_map().cloned().unwrap_or_default();
        args.insert("timeout".into(), 20.into());
        op.args = Value::map(args);
        room.perform(&op).await.expect("it need not be bound");
        room.remove(&class).await;
        room.end().await;
    }
}

#[tokio::test]
async fn a_definition_that_does_not_go_names_the_objects_that_keep_it() {
    for (_, provider) in servers().await {
        let room = Room::new(&provider, "kept").await;
        let group = format!("{}.example.com", room.namespace);
        let definition = ObjectRef::cluster_wide(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            &format!("widgets.{group}"),
        );
        let spec = json!({
            "group": group, "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                          "schema": {"openAPIV3Schema": {"type": "object"}}}],
        });
        room.perform(&create(&definition, intent(&definition, json!({"spec": spec}))))
            .await
            .expect("a kind");
        let widget =
            ObjectRef::namespaced(&format!("{group}/v1"), "Widget", &room.namespace, "kept");
        let mut held = intent(&widget, json!({}));
        held["metadata"]["finalizers"] = json!(["clinch.test/hold"]);
        room.perform(&create(&widget, held)).await.expect("a widget");
        let delete = op("delete", &definition, json!({"timeout": 5}), json!({}));
        let detail = problem(room.perform(&delete).await).detail;
        let kept = format!(
            "Objects of its kind that remain: {}/kept (finalizer `clinch.test/hold`).",
            room.namespace
        );
        assert!(detail.ends_with(&kept), "{detail}");
        room.edit(&widget, "clinch", intent(&widget, json!({}))).await;
        let delete = op("delete", &definition, json!({"timeout": 60}), json!({}));
        room.perform(&delete).await.expect("it goes now");
        room.end().await;
    }
}

#[tokio::test]
async fn an_extended_resource_is_set_and_removed_on_a_node() {
    for (name, provider) in servers().await {
        let nodes = provider.read(&crate::type_name("nodes"), Value::empty_map()).await;
        let nodes = nodes.expect("nodes");
        let names = nodes.get("names").and_then(Value::as_list).unwrap_or_default();
        let Some(node) = names.first().and_then(Value::as_str) else {
            println!("SKIPPED on {name}: it has no node");
            continue;
        };
        let object = ObjectRef::cluster_wide("v1", "Node", node);
        let resource = format!("clinch.test/r{}", std::process::id());
        let args = |value: Json| json!({"resource": resource, "value": value});
        let set = op("set_capacity", &object, args("4".into()), Json::Null);
        let done = provider.perform(&set, &|_| {}).await.expect("set");
        assert!(done.uid.is_some());
        assert!(matches!(provider.settle(&set).await, Ok(Settled::Done(_))));
        let unset = op("unset_capacity", &object, args(Json::Null), Json::Null);
        provider.perform(&unset, &|_| {}).await.expect("removed");
        assert_eq!(provider.settle(&set).await, Ok(Settled::NotDone));
    }
}

#[tokio::test]
async fn a_list_of_many_pages_is_complete() {
    for (name, provider) in servers().await {
        let room = Room::new(&provider, "pages").await;
        let objects: Vec<ObjectRef> =
            (0..510).map(|i| room.config_map(&format!("c{i:03}"))).collect();
        let ops = objects.iter().map(|o| create(o, intent(o, json!({"data": {"k": "v"}}))));
        let ops: Vec<Op> = ops.collect();
        let done = futures::future::join_all(ops.iter().map(|op| room.perform(op))).await;
        assert!(done.iter().all(Result::is_ok), "{name}");
        let wanted = objects
            .iter()
            .chain([&room.config_map("missing")])
            .map(|o| Wanted { ty: crate::type_name("object"), identity: identity_of(o) })
            .collect();
        let seen = provider.observe(wanted).await;
        let present = seen.iter().filter(|o| matches!(o, Observation::Present(_))).count();
        assert_eq!(present, 510, "{name}");
        assert_eq!(seen.last(), Some(&Observation::Absent));
        let query = Query { namespace: Some(&room.namespace), labels: Some("a=b"), fields: None };
        let maps =
            provider.cluster().resolve("v1", "ConfigMap").await.expect("ok").expect("served");
        let all = provider.cluster().list(&maps, query, Some).await.expect("a list");
        assert_eq!(all.items.len(), 510, "{name}");
        room.end().await;
    }
}

#[tokio::test]
async fn everything_that_carries_the_mark_is_found_again() {
    for (name, provider) in servers().await {
        let room = Room::new(&provider, "find").await;
        let project = room.namespace.clone();
        let object = room.config_map("x");
        let marked =
            crate::ownership::mark(&from_json(&intent(&object, json!({}))), &project, false, false);
        let marked = crate::json::to_json(&marked).expect("known");
        let done = room.perform(&create(&object, marked)).await.expect("created");
        let found = provider.find(&project).await.expect("found");
        let found: Vec<_> =
            found.found.into_iter().map(|f| (f.ty.to_string(), f.identity, f.uid)).collect();
        assert_eq!(found, [("config_map".to_owned(), identity_of(&object), done.uid)], "{name}");
        room.end().await;
    }
}

#[tokio::test]
async fn the_cluster_has_one_identity_however_often_it_is_asked() {
    for (name, provider) in servers().await {
        let (first, second) = (provider.target().await, provider.target().await);
        let first = first.expect("a cluster");
        assert!(!first.uid.is_empty() && first.version.starts_with('v'), "{name}: {first:?}");
        assert_eq!(Ok(first), second);
    }
}

#[tokio::test]
async fn who_may_only_read_can_plan_and_is_told_what_is_missing_to_apply() {
    let (Some(admin), Some(viewer)) =
        (real("CLINCH_TEST_KUBECONFIG").await, real("CLINCH_TEST_KUBECONFIG_READONLY").await)
    else {
        return;
    };
    let room = Room::new(&admin, "viewer").await;
    let object = room.config_map("x");
    let wanted = intent(&object, json!({"data": {"k": "1"}}));
    room.perform(&create(&object, wanted.clone())).await.expect("created");
    let viewing = Room { provider: viewer.clone(), namespace: room.namespace.clone() };
    let live = viewing.see(&object).await.expect("it can be read");
    let change = update(&object, intent(&object, json!({"data": {"k": "2"}})), &live);
    let preview = viewer.preview(vec![change.clone()]).await.remove(0);
    assert!(matches!(preview, provider::Preview::Refused(_)), "{preview:?}");
    let problem = problem(viewing.perform(&change).await);
    assert_eq!(problem.summary, "The server does not allow this");
    assert!(problem.detail.contains("may not patch configmaps in namespace"), "{}", problem.detail);
    room.end().await;
}
