//! Which pods leave a node: forecasts beside what `kubectl drain` says of the same node.

use super::stage::Stage;
use access::Cluster;
use rollout::drain::{Drain, Fate, Options, World, forecast};
use std::collections::BTreeSet;
use std::process::Command;

/// Pods of every sort on node `worker-1`; those of the daemon set and the deployment come by
/// themselves.
const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log, namespace: shop}
spec:
  selector: {matchLabels: {app: log}}
  template:
    metadata: {labels: {app: log}}
    spec:
      containers: [{name: main, image: none}]
      volumes: [{name: scratch, emptyDir: {}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {kubernetes.io/hostname: worker-1}
      containers: [{name: main, image: none}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, namespace: shop}
spec:
  replicas: 1
  serviceName: cache
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec:
      nodeSelector: {kubernetes.io/hostname: worker-1}
      containers: [{name: main, image: none}]
      volumes: [{name: scratch, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: tool, namespace: shop}
spec: {nodeName: worker-1, containers: [{name: main, image: none}]}
---
apiVersion: v1
kind: Pod
metadata: {name: scratch, namespace: shop}
spec:
  nodeName: worker-1
  containers: [{name: main, image: none}]
  volumes: [{name: scratch, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: over, namespace: shop}
spec:
  nodeName: worker-1
  containers: [{name: main, image: none}]
  volumes: [{name: scratch, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata:
  name: mirror
  namespace: shop
  annotations: {kubernetes.io/config.mirror: x}
spec: {nodeName: worker-1, containers: [{name: main, image: none}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: orphan
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: gone, uid: u, controller: true}]
spec: {nodeName: worker-1, containers: [{name: main, image: none}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: custom
  namespace: shop
  ownerReferences: [{apiVersion: x.example.com/v1, kind: DaemonSet, name: x, uid: u, controller: true}]
spec: {nodeName: worker-1, containers: [{name: main, image: none}]}
";

/// What leaves, or what is in the way.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Leaves(BTreeSet<String>),
    Refuses(BTreeSet<String>),
}

fn of_forecast(drain: &Drain) -> Said {
    let names = |wanted: fn(&Fate) -> bool| {
        let pods = drain.pods.iter().filter(|pod| wanted(&pod.fate));
        pods.map(|pod| pod.key.to_string()).collect()
    };
    if drain.is_refused() {
        return Said::Refuses(names(|fate| matches!(fate, Fate::Refused(_))));
    }
    Said::Leaves(names(|fate| matches!(fate, Fate::Evicted | Fate::Removed)))
}

/// kubectl names every pod as `namespace/name`.
fn of_kubectl(stage: &Stage, kubectl: &str, flags: &[&str]) -> Said {
    let said = Command::new(kubectl)
        .arg("--kubeconfig")
        .arg(&stage.kubeconfig)
        .args(["drain", "worker-1", "--ignore-daemonsets", "--dry-run=client"])
        .args(flags)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    let names = |text: &str| {
        let words = text.split([' ', ',', '[', ']', '\n']).filter(|word| word.starts_with("shop/"));
        words.map(str::to_owned).collect()
    };
    if said.status.success() { Said::Leaves(names(&out)) } else { Said::Refuses(names(&err)) }
}

#[test]
fn r2_the_same_pods_leave_as_kubectl_would_evict() {
    let Ok(kubectl) = std::env::var("CLINCH_TEST_KUBECTL") else {
        println!("SKIPPED drains beside kubectl: CLINCH_TEST_KUBECTL is not set");
        return;
    };
    let stage = Stage::sandbox();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("objects.yaml");
    std::fs::write(&file, OBJECTS).unwrap();
    stage.kubectl(&["apply", "--validate=false", "-f", file.to_str().unwrap()]);
    let over = ["patch", "pod", "over", "-n", "shop", "--subresource=status", "--type=merge"];
    stage.kubectl(&[&over[..], &["-p", r#"{"status":{"phase":"Succeeded"}}"#]].concat());
    let world = stage.on(|client| async move {
        World::read(&Cluster::from_client(client, "sandbox", "memory")).await.unwrap()
    });
    let mut compared = 0;
    for (force, delete_emptydir_data) in
        [(false, false), (true, false), (false, true), (true, true)]
    {
        let mut flags = Vec::new();
        flags.extend(force.then_some("--force"));
        flags.extend(delete_emptydir_data.then_some("--delete-emptydir-data"));
        // kubectl does not look where pods could go.
        let allow_stranded = true;
        let options = Options { force, delete_emptydir_data, allow_stranded, ..Options::careful() };
        let ours = of_forecast(&forecast(&world, "worker-1", &options).unwrap());
        let theirs = of_kubectl(&stage, &kubectl, &flags);
        assert_eq!(ours, theirs, "{flags:?}");
        compared += 1;
    }
    println!("ORACLE drains beside kubectl: {compared}/{compared} of 4");
}
