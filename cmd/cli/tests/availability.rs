//! An application that is always there while all workers of a real cluster get settings that cost a
//! drain: one node at a time, killed in the middle of a switch of kubelet and runtime, resumed from
//! another machine, with the pods that were foreseen and no others moved.
//!
//! The longest test of all. Tests begin in the order of their names, so it is among the first.

use crate::host_faults::begun;
use crate::machines::Machines;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Three pods of one application, of which two are always kept; and one on each node that no drain
/// moves. On two workers alone: others belong to other tests.
const APPLICATION: &str = "apiVersion: v1
kind: Namespace
metadata: {name: rollouts}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: rollouts}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {rollouts: here}
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: IMAGE}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: rollouts}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: rollouts}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      nodeSelector: {rollouts: here}
      terminationGracePeriodSeconds: 1
      containers: [{name: agent, image: IMAGE}]
";

/// The state in the cluster, and a lock that soon can be followed.
const STATE: &str = r#"clinch {
  name = "rollouts"
  state "cluster" {
    lease = "20s"
  }
}
"#;

const NODES: [&str; 2] = ["worker-1", "worker-2"];

const WORKERS: &str = r#"resource "kubelet_config" "worker_1" {
  node     = "worker-1"
  settings = {
    topologyManagerPolicy = "single-numa-node"
    cpuManagerPolicy      = "static"
    kubeReserved          = { cpu = "100m" }
  }
}

resource "cgroup_driver" "workers" {
  for_each = toset(["worker-1", "worker-2"])
  node     = each.key
  driver   = "cgroupfs"
}
"#;

/// Time for it to stop what runs, and not to start it again.
const IN_THE_SWITCH: Duration = Duration::from_secs(3);

/// The control groups above those of each container of a worker.
const GROUPS: &str = "for p in $(ctr -n k8s.io tasks list | awk 'NR > 1 { print $2 }'); do \
                      grep -o 'kubepods[^/]*' /proc/$p/cgroup | head -1; done | sort -u";

/// Ends the run some time after the first line that has these words.
fn killed_at(child: &mut Child, words: &str, later: Duration) {
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    let said: Vec<String> = said.map(Result::unwrap).take_while(|l| !l.contains(words)).collect();
    sleep(later);
    let over = child.try_wait().unwrap();
    assert!(over.is_none(), "`{words}` never came: {}", said.join("\n"));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The uids of all pods on both workers, by namespace and name.
fn pods(machines: &Machines) -> BTreeMap<String, String> {
    let path = "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {.metadata.uid} \
                {.spec.nodeName}{\"\\n\"}{end}";
    let all = machines.kubectl(&["get", "pods", "-A", "-o", path]);
    let pod = |line: &str| match line.split(' ').collect::<Vec<_>>().as_slice() {
        [name, uid, node] if NODES.contains(node) => Some(((*name).to_owned(), (*uid).to_owned())),
        _ => None,
    };
    all.lines().filter_map(pod).collect()
}

/// The pods that a plan says will leave.
fn foreseen(plan: &str) -> BTreeSet<String> {
    let leaving = plan.lines().filter_map(|line| line.trim().strip_prefix("evict "));
    leaving.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

fn ready(machines: &Machines) -> Option<u32> {
    let path = "jsonpath={.status.readyReplicas}";
    // Without an answer nothing is known; the API server is not a part of this.
    machines.kubectl(&["-n", "rollouts", "get", "deployment", "web", "-o", path]).parse().ok()
}

/// The least that was ready while this went on.
fn least_ready(machines: &Machines, work: impl FnOnce()) -> u32 {
    let over = AtomicBool::new(false);
    scope(|threads| {
        let watch = threads.spawn(|| {
            let mut least = u32::MAX;
            while !over.load(Ordering::Relaxed) {
                least = least.min(ready(machines).unwrap_or(u32::MAX));
                sleep(Duration::from_millis(200));
            }
            least
        });
        let ends = Ends(&over);
        work();
        drop(ends);
        watch.join().unwrap()
    })
}

/// The watch ends with the work, also when that panics.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until all containers of both workers are in control groups of this name: those that were
/// ended are started anew when their node is in service again.
fn are_in(machines: &Machines, group: &str) {
    for worker in NODES {
        let began = Instant::now();
        loop {
            let groups = machines.on(worker, GROUPS);
            let are = groups.lines().eq([group]);
            if are {
                break;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{worker}: {groups}");
            sleep(Duration::from_millis(500));
        }
    }
}

fn cordoned(machines: &Machines) -> String {
    let path = "jsonpath={.items[?(@.spec.unschedulable==true)].metadata.name}";
    machines.kubectl(&["get", "nodes", "-l", "rollouts=here", "-o", path])
}

#[test]
fn workers_are_drained_one_by_one_and_a_run_that_was_killed_in_the_second_finishes_it() {
    let Some(machines) = Machines::pair("rollout over two workers") else { return };
    let image = std::env::var("CLINCH_TEST_CLUSTER_IMAGE").unwrap();
    let label = |label| machines.kubectl(&[&["label", "node"], &NODES[..], &[label]].concat());
    label("rollouts=here");
    machines.desk.write("web.yaml", APPLICATION.replace("IMAGE", &image));
    let file = machines.desk.dir().join("web.yaml");
    machines.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    while ready(&machines) != Some(3) {
        sleep(Duration::from_millis(300));
    }
    let hcl = format!("{STATE}{WORKERS}");
    machines.desk.write("main.hcl", &hcl);
    let said = machines.well(&["plan"]);
    for words in [
        "cordon node worker-1\n",
        "evict   rollouts/web-",
        "switch kubelet and containerd of worker-1 to cgroupfs: stop kubelet, end containers, stop \
         containerd, write both files, start containerd, start kubelet\n",
        "configure the kubelet on worker-1\n",
        "uncordon node worker-2 when it is ready\n",
        "budget rollouts/web allows 1\n",
        "Nodes: 2 to drain, 0 to restart, 0 to reboot (max 1 at a time).",
    ] {
        assert!(said.out.contains(words), "no `{words}` in {}", said.all());
    }
    let (before, foreseen) = (pods(&machines), foreseen(&said.out));
    assert_eq!(foreseen.len(), 3, "{}", said.out);
    let least = least_ready(&machines, || {
        let mut child = begun(&machines, &["-allow=drain"]);
        killed_at(&mut child, "[\"worker-2\"]: Creating", IN_THE_SWITCH);
        assert_eq!(cordoned(&machines), "worker-2");
        // Who plans something else meanwhile is told, and brings the node back before all else.
        machines.desk.write("main.hcl", STATE);
        let said = machines.desk.run(&["plan"]);
        let words = "Warning: Nodes are still out of service";
        assert!(said.code == 0 && said.err.contains(words), "{}", said.all());
        assert!(said.err.contains("`worker-2` is cordoned by the run"), "{}", said.all());
        assert!(said.out.contains("      1. cordon node worker-2\n"), "{}", said.all());
        // From another machine, which has nothing but the configuration.
        let lock = "-lock-timeout=2m";
        let other = machines.elsewhere();
        other.write("main.hcl", &hcl);
        let well = |args: &[&str]| {
            let said = other.run(args);
            assert_eq!(said.code, 0, "{args:?}: {}", said.all());
            said
        };
        let said = well(&["apply", "-resume", "-auto-approve", "-allow=drain", lock]);
        // The first is through, and is not touched again.
        assert!(!said.err.contains("worker-1"), "{}", said.all());
        assert_eq!(cordoned(&machines), "");
        let now = pods(&machines);
        let stayed = |(pod, uid): &(&String, &String)| now.get(*pod) == Some(uid);
        let left = before.iter().filter(|pod| !stayed(pod)).map(|(name, _)| name.clone());
        assert_eq!(left.collect::<BTreeSet<_>>(), foreseen, "others left than the plan said");
        are_in(&machines, "kubepods");
        well(&["plan", "-detailed-exitcode"]);
        well(&["drift"]);
        well(&["destroy", "-auto-approve", "-allow=destroy,drain", lock]);
        assert_eq!(cordoned(&machines), "");
        are_in(&machines, "kubepods.slice");
    });
    assert!((2..=3).contains(&least), "{least} pods were ready");
    machines.kubectl(&["delete", "namespace", "rollouts", "--wait=false"]);
    label("rollouts-");
}
