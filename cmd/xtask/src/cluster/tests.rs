//! What other tests rely on when they use a cluster: these run on the one that the environment
//! names, as the gate starts it.

use crate::program;
use crate::trouble::Trouble;
use std::env;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// The cluster for tests, one test at a time: some reboot what others look at.
struct Cluster {
    ssh_config: String,
    kubectl: String,
    kubeconfig: String,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

/// The cluster, or nothing and a line that says so.
fn cluster() -> Option<Cluster> {
    let set = |key: &str| env::var(key).ok().filter(|value| !value.is_empty());
    let found = || {
        Some(Cluster {
            ssh_config: set("CLINCH_TEST_CLUSTER_SSH_CONFIG")?,
            kubectl: set("CLINCH_TEST_CLUSTER_KUBECTL")?,
            kubeconfig: set("CLINCH_TEST_CLUSTER_KUBECONFIG")?,
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
        })
    };
    let cluster = found();
    if cluster.is_none() {
        let test = thread::current().name().unwrap_or_default().to_owned();
        println!("SKIPPED {test}: CLINCH_TEST_CLUSTER_SSH_CONFIG is not set");
    }
    cluster
}

impl Cluster {
    fn ssh(&self, host: &str, command: &str) -> Result<String, Trouble> {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", &self.ssh_config, "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"]);
        program::output(ssh.args([host, command])).map(|text| text.trim().to_owned())
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String, Trouble> {
        let mut kubectl = Command::new(&self.kubectl);
        kubectl.args(["--kubeconfig", &self.kubeconfig]).args(arguments);
        program::output(&mut kubectl).map(|text| text.trim().to_owned())
    }

    /// What kubectl makes of a text on its standard input.
    fn send(&self, arguments: &str, text: &str) -> Result<String, Trouble> {
        let script = format!("\"$0\" --kubeconfig \"$1\" {arguments} <<'END'\n{text}\nEND");
        program::output(Command::new("sh").args(["-c", &script, &self.kubectl, &self.kubeconfig]))
    }

    #[track_caller]
    fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_mins(2), "{what}: not after two minutes");
            sleep(Duration::from_millis(300));
        }
    }
}

fn names(key: &str) -> Vec<String> {
    env::var(key).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn every_node_is_ready_and_every_pod_of_the_control_plane_runs() {
    let Some(cluster) = cluster() else { return };
    let nodes = cluster.kubectl(&["get", "nodes", "-o", "json"]).unwrap();
    assert!(crate::control_plane::nodes_are_ready(&nodes), "{nodes}");
    for name in names("CLINCH_TEST_CLUSTER_NODES") {
        assert!(nodes.contains(&format!("\"kubernetes.io/hostname\": \"{name}\"")), "{name}");
    }
    let phases = "jsonpath={range .items[*]}{.metadata.name}={.status.phase} {end}";
    let pods = cluster.kubectl(&["get", "pods", "-n", "kube-system", "-o", phases]).unwrap();
    for program in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        assert!(pods.contains(&format!("{program}-control-plane-1=Running")), "{pods}");
    }
}

#[test]
fn host_is_reached_by_the_name_of_its_node_and_only_the_administrator_has_sudo() {
    let Some(cluster) = cluster() else { return };
    for name in names("CLINCH_TEST_CLUSTER_NODES") {
        assert_eq!(
            cluster.ssh(&name, "hostname; id -un; sudo id -un").unwrap(),
            format!("{name}\nadmin\nroot")
        );
        assert_eq!(cluster.ssh(&format!("root@{name}"), "id -u").unwrap(), "0");
        let refused = cluster.ssh(&format!("guest@{name}"), "sudo -n true").unwrap_err();
        assert!(refused.to_string().contains("a password is required"), "{refused}");
    }
}

#[test]
fn host_is_known_by_its_key_and_a_stranger_is_refused() {
    let Some(cluster) = cluster() else { return };
    // The same host under a name that nobody vouched for.
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", &cluster.ssh_config, "-o", "BatchMode=yes", "-o", "HostKeyAlias=stranger"]);
    let refused = program::run(ssh.args(["worker-1", "true"])).unwrap_err();
    assert!(refused.to_string().contains("Host key verification failed"), "{refused}");
}

#[test]
fn kernel_settings_of_a_kubelet_stay_on_its_host() {
    let Some(cluster) = cluster() else { return };
    for key in ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"] {
        let path = format!("/proc/sys/{key}");
        let host = cluster.ssh("root@worker-1", &format!("cat {path}; stat -c %d {path}")).unwrap();
        let machine = program::output(Command::new("stat").args(["-c", "%d", &path])).unwrap();
        assert_ne!(host.lines().last(), machine.lines().last(), "{key} is the machine's own file");
    }
}

#[test]
fn kubeadm_finds_the_certificates_of_the_control_plane() {
    let Some(cluster) = cluster() else { return };
    let table = cluster.ssh("root@control-plane-1", "kubeadm certs check-expiration").unwrap();
    for name in ["admin.conf", "apiserver-kubelet-client", "etcd-server", "front-proxy-client"] {
        assert!(table.lines().any(|line| line.starts_with(name)), "{name} is not in:\n{table}");
    }
}

#[test]
fn pod_is_evicted_only_when_its_disruption_budget_allows_it() {
    let Some(cluster) = cluster() else { return };
    let image = env::var("CLINCH_TEST_CLUSTER_IMAGE").unwrap();
    let space = "evictions";
    cluster.kubectl(&["create", "namespace", space]).unwrap();
    let objects = format!(
        r#"{{"apiVersion": "v1", "kind": "List", "items": [
          {{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{"name": "web"}}, "spec": {{
            "replicas": 2, "selector": {{"matchLabels": {{"app": "web"}}}},
            "template": {{"metadata": {{"labels": {{"app": "web"}}}},
              "spec": {{"containers": [{{"name": "web", "image": "{image}"}}]}}}}}}}},
          {{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {{"name": "web"}},
            "spec": {{"minAvailable": 2, "selector": {{"matchLabels": {{"app": "web"}}}}}}}}]}}"#
    );
    cluster.send(&format!("apply -n {space} -f -"), &objects).unwrap();
    let allowed = |wanted: &str| {
        let path = "jsonpath={.status.currentHealthy} {.status.disruptionsAllowed}";
        let budget = cluster.kubectl(&["get", "pdb", "web", "-n", space, "-o", path]);
        budget.is_ok_and(|text| text == wanted)
    };
    Cluster::eventually("two pods", || allowed("2 0"));
    let pod = cluster
        .kubectl(&["get", "pods", "-n", space, "-o", "jsonpath={.items[0].metadata.name}"])
        .unwrap();
    let evict = || {
        let eviction = format!(
            r#"{{"apiVersion": "policy/v1", "kind": "Eviction",
              "metadata": {{"name": "{pod}", "namespace": "{space}"}}}}"#
        );
        let path = format!("/api/v1/namespaces/{space}/pods/{pod}/eviction");
        cluster.send(&format!("create --raw {path} -f -"), &eviction)
    };
    let refused = evict().unwrap_err().to_string();
    assert!(refused.contains("violate the pod's disruption budget"), "{refused}");
    cluster.kubectl(&["scale", "deployment", "web", "-n", space, "--replicas=3"]).unwrap();
    Cluster::eventually("three pods", || allowed("3 1"));
    evict().unwrap();
    Cluster::eventually("the end of the pod", || {
        cluster.kubectl(&["get", "pod", &pod, "-n", space]).is_err()
    });
    cluster.kubectl(&["delete", "namespace", space, "--wait=false"]).unwrap();
}

#[test]
fn host_that_is_rebooted_becomes_a_ready_node_again() {
    let Some(cluster) = cluster() else { return };
    let name = names("CLINCH_TEST_CLUSTER_WORKERS").pop().unwrap();
    let boot = || cluster.ssh(&name, "cat /proc/sys/kernel/random/boot_id");
    let before = boot().unwrap();
    // The connection ends with the host, which is no trouble.
    let _ = cluster.ssh(&name, "sudo systemctl reboot");
    Cluster::eventually("another boot", || boot().is_ok_and(|now| now != before));
    let now = boot().unwrap();
    let path = "jsonpath={.status.nodeInfo.bootID} {.status.conditions[?(@.type=='Ready')].status}";
    Cluster::eventually("a ready node", || {
        cluster
            .kubectl(&["get", "node", &name, "-o", path])
            .is_ok_and(|text| text == format!("{now} True"))
    });
}
