//! Settings that cost a drain, on all workers of a real cluster: one node at a time, killed in the
//! middle, resumed, with an application that is always there.

use crate::host_faults::{begun, until};
use crate::machines::Machines;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

/// Three pods of one application, of which two are always kept.
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
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: IMAGE}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: rollouts}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
";

const WORKERS: &str = r#"resource "kubelet_config" "workers" {
  for_each = toset(["worker-1", "worker-2"])
  node     = each.key
  settings = {
    topologyManagerPolicy = "single-numa-node"
    cpuManagerPolicy      = "static"
    kubeReserved          = { cpu = "100m" }
  }
}
"#;

/// Begin and end of six steps, after the beginning of the run, and the begin of the next: the
/// settings of the second worker.
const IN_THE_SECOND: usize = 1 + 6 * 2 + 1;

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

fn cordoned(machines: &Machines) -> String {
    let path = "jsonpath={.items[?(@.spec.unschedulable==true)].metadata.name}";
    machines.kubectl(&["get", "nodes", "-o", path])
}

#[test]
fn workers_are_drained_one_by_one_and_a_run_that_was_killed_in_the_second_finishes_it() {
    let Some(machines) = Machines::all("rollout over two workers") else { return };
    let image = std::env::var("CLINCH_TEST_CLUSTER_IMAGE").unwrap();
    machines.desk.write("web.yaml", APPLICATION.replace("IMAGE", &image));
    let file = machines.desk.dir().join("web.yaml");
    machines.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    while ready(&machines) != Some(3) {
        sleep(Duration::from_millis(300));
    }
    machines.desk.write("main.hcl", WORKERS);
    let said = machines.well(&["plan"]);
    for words in [
        "cordon node worker-1\n",
        "configure the kubelet on worker-1\n",
        "uncordon node worker-2 when it is ready\n",
        "budget rollouts/web allows 1\n",
        "Nodes: 2 to drain, 0 to restart, 0 to reboot (max 1 at a time).",
    ] {
        assert!(said.out.contains(words), "no `{words}` in {}", said.all());
    }
    let least = least_ready(&machines, || {
        let mut child = begun(&machines, &["-allow=drain"]);
        assert!(until(&machines, &mut child, IN_THE_SECOND));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(cordoned(&machines), "worker-2");
        // Who does something else meanwhile is told, and does not forget the node.
        machines.desk.write("main.hcl", "");
        let allow = "-allow=destroy,drain,empty,stranded";
        let said = machines.desk.run(&["apply", "-auto-approve", allow]);
        let words = "Error: Nodes are still out of service";
        assert!(said.code == 1 && said.err.contains(words), "{}", said.all());
        assert!(said.err.contains("`worker-2` is cordoned by the run"), "{}", said.all());
        machines.desk.write("main.hcl", WORKERS);
        let said = machines.well(&["apply", "-resume", "-auto-approve", "-allow=drain"]);
        // The first is through, and is not touched again.
        assert!(!said.err.contains("worker-1"), "{}", said.all());
        assert_eq!(cordoned(&machines), "");
        machines.is_converged();
        let said = machines.desk.run(&["drift"]);
        assert_eq!(said.code, 0, "{}", said.all());
        machines.well(&["destroy", "-auto-approve", "-allow=destroy,drain"]);
        assert_eq!(cordoned(&machines), "");
    });
    assert!((2..=3).contains(&least), "{least} pods were ready");
    machines.kubectl(&["delete", "namespace", "rollouts", "--wait=false"]);
}
