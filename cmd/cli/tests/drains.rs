//! A worker is emptied on a real cluster, with real kubelets and controllers.

#![expect(clippy::print_stdout, reason = "shows a forecast beside what happened")]

use crate::machines::Machines;
use access::{Cluster, ClusterOptions, Env, Query, Resource, connect};
use rollout::drain::{
    Cordon, Evict, Fate, Holder, Options, Uncordon, Uncordoned, Whose, World, forecast,
};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const SPACE: &str = "drains";

/// Three pods of one application, of which two are always kept.
fn application(image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {SPACE}}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: web, image: {image}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web, namespace: {SPACE}}}
spec:
  minAvailable: 2
  selector: {{matchLabels: {{app: web}}}}
"
    )
}

/// How many pods of the application are ready and not asked to end.
async fn ready(cluster: &Cluster) -> usize {
    let pods = Resource {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
        namespaced: true,
        verbs: std::collections::BTreeSet::new(),
        subresources: std::collections::BTreeSet::new(),
    };
    let query = Query { namespace: Some(SPACE), ..Query::default() };
    let found = cluster.list(&pods, query, Some).await.unwrap().items;
    let serves = |pod: &&serde_json::Value| {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    found.iter().filter(serves).count()
}

async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_mins(1), "{what} did not come");
        sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn a_drain_of_a_worker_never_leaves_fewer_than_the_budget_wants() {
    let test = "a_drain_of_a_worker_never_leaves_fewer_than_the_budget_wants";
    let Some(machines) = Machines::all(test) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(drained(&machines));
}

async fn drained(machines: &Machines) {
    let set = |name: &str| std::env::var(name).unwrap();
    let kubeconfig = Some(PathBuf::from(set("CLINCH_TEST_CLUSTER_KUBECONFIG")));
    let options = ClusterOptions { kubeconfig, ..ClusterOptions::new(Env::default(), "test") };
    let cluster = connect(options).await.unwrap();

    // All three are on worker-1 at first.
    machines.kubectl(&["cordon", "worker-2"]);
    machines.kubectl(&["create", "namespace", SPACE]);
    machines.desk.write("app.yaml", application(&set("CLINCH_TEST_CLUSTER_IMAGE")));
    let file = machines.desk.dir().join("app.yaml");
    machines.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    until("three pods", || async { ready(&cluster).await == 3 }).await;
    machines.kubectl(&["uncordon", "worker-2"]);

    let options = Options { timeout: Duration::from_mins(1), ..Options::careful() };
    let world = World::read(&cluster).await.unwrap();
    let foreseen = forecast(&world, "worker-1", &options).unwrap();
    println!("{}", foreseen.lines().join("\n"));
    let going = foreseen.leaving().filter(|pod| pod.fate == Fate::Evicted);
    let going: Vec<_> = going.map(|pod| pod.key.clone()).collect();
    let lines = foreseen.lines();
    let line = lines.iter().find(|line| line.contains("drains/web-")).unwrap();
    assert!(
        line.ends_with("Deployment drains/web, 3 of 3 ready, budget drains/web allows 1"),
        "{lines:?}"
    );

    let holder = Holder { project: "test".to_owned(), plan: "1".to_owned() };
    let node = "worker-1".to_owned();
    let cordon = Cordon { node: node.clone(), uid: None, holder: holder.clone() };
    let whose = cordon.perform(&cluster, &|_| {}).await.unwrap();
    assert_eq!(whose, Whose::Plan(holder.clone()));
    let said = Mutex::new(Vec::new());
    let progress = |text: String| said.lock().unwrap().push(text);
    let fewest = AtomicUsize::new(usize::MAX);
    let evict = Evict { node: node.clone(), uid: None, options };
    let began = Instant::now();
    let done = tokio::select! {
        done = evict.perform(&cluster, &progress) => done.unwrap(),
        () = async { loop {
            fewest.fetch_min(ready(&cluster).await, Ordering::Relaxed);
            sleep(Duration::from_millis(50)).await;
        } } => unreachable!("it never ends"),
    };
    let said = said.into_inner().unwrap();
    println!("drained in {:.1?}:\n{}", began.elapsed(), said.join("\n"));
    assert_eq!(fewest.load(Ordering::Relaxed), 2, "one at a time, and never two");
    assert_eq!(done.pods, going, "what was foreseen");
    assert!(said.iter().any(|text| text.contains("budget drains/web")), "{said:?}");
    let uncordon = Uncordon { node, uid: None, holder };
    assert_eq!(uncordon.perform(&cluster, &|_| {}).await.unwrap(), Uncordoned::Open);
    machines.kubectl(&["delete", "namespace", SPACE, "--wait=false"]);
}
