//! A real node that leaves docker for containerd.
//!
//! What is real: the hosts, systemd, the kubelet, containerd, the drain, the pods, and that the
//! kubelet's containers are in another runtime behind another socket afterwards. What is not: no
//! kubelet of today has a dockershim, and no docker is at hand. A second containerd with a root of its
//! own is the unit `docker.service` and listens where cri-dockerd would; a script answers for the
//! program `docker`, and ends its containers. So the node says `containerd://` before as well. A flag
//! of the dockershim, with which this kubelet would not start again, is only in the file.

use crate::machines::Machines;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A pod that no drain moves, and that has the folder of docker's socket.
const AGENT: &str = "apiVersion: v1
kind: Namespace
metadata: {name: migration}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: migration}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 1
      nodeSelector: {kubernetes.io/hostname: NODE}
      volumes: [{name: run, hostPath: {path: /run}}]
      containers:
      - {name: agent, image: IMAGE, volumeMounts: [{name: run, mountPath: /host, readOnly: true}]}
";

/// The node's kubelet with the stand-in for docker.
const PREPARE: &str = r#"set -e
cd /var/lib/kubelet
mkdir -p /srv/before
cp config.yaml kubeadm-flags.env /srv/before
if [ -e instance-config.yaml ]; then cp instance-config.yaml /srv/before; fi
sed '1a root = "/var/lib/containerd/stand-in"\nstate = "/run/stand-in"' /etc/containerd/config.toml \
  > /etc/stand-in.toml
printf '\n[grpc]\n  address = "/run/cri-dockerd.sock"\n' >> /etc/stand-in.toml
cat > /etc/systemd/system/docker.service <<'UNIT'
[Service]
Type=notify
Delegate=yes
ExecStart=/usr/bin/containerd --config /etc/stand-in.toml
[Install]
WantedBy=multi-user.target
UNIT
cat > /usr/local/bin/docker <<'DOCKER'
#!/bin/sh
C="ctr -a /run/cri-dockerd.sock -n k8s.io tasks"
case "$1" in
--version) echo "Docker version 20.10.7, a stand-in" ;;
ps) $C list | awk 'NR > 1 && $3 == "RUNNING" { print $1 }' ;;
stop) shift 3; for id; do $C kill -s KILL "$id"; done; sleep 1 ;;
kill) shift; for id; do $C kill -s KILL "$id" || true; done ;;
esac
DOCKER
chmod +x /usr/local/bin/docker
systemctl daemon-reload
systemctl enable --now docker 2>/dev/null
ctr -a /run/cri-dockerd.sock -n k8s.io images import /usr/share/cluster/images/pause.tar > /dev/null
systemctl stop kubelet
for id in $(ctr -n k8s.io tasks list -q); do ctr -n k8s.io tasks kill -s KILL $id; done
sed -i 's|^containerRuntimeEndpoint:.*|containerRuntimeEndpoint: unix:///run/cri-dockerd.sock|' *.yaml
grep -q ^containerRuntimeEndpoint config.yaml ||
  echo 'containerRuntimeEndpoint: unix:///run/cri-dockerd.sock' >> config.yaml
systemctl start kubelet
"#;

/// As it was before.
const MEND: &str = "systemctl disable --now docker 2>/dev/null; cp /srv/before/* /var/lib/kubelet; \
    awk '/stand-in/ { print $2 }' /proc/mounts | sort -r | xargs -r umount -l; \
    rm -rf /srv/before /var/lib/containerd/stand-in /run/stand-in /run/cri-dockerd.sock* \
    /etc/stand-in.toml /etc/systemd/system/docker.service /usr/local/bin/docker; \
    systemctl daemon-reload";

/// Whether the pod's container runs behind a socket. Pods of other tests may be there, too.
fn runs_in(machines: &Machines, socket: &str) -> bool {
    let path = "jsonpath={.items[*].status.containerStatuses[*].containerID}";
    let id = machines.kubectl(&["-n", "migration", "get", "pods", "-o", path]);
    let tasks = machines.on_worker(&format!("ctr -a {socket} -n k8s.io tasks list || true"));
    let id = id.trim().strip_prefix("containerd://").filter(|id| id.len() == 64);
    id.is_some_and(|id| tasks.lines().any(|task| task.starts_with(id) && task.contains("RUNNING")))
}

fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_mins(1), "{what} does not come about");
        sleep(Duration::from_millis(300));
    }
}

fn agent_is_ready(machines: &Machines) -> bool {
    let path = "jsonpath={.status.numberReady}";
    machines.kubectl(&["-n", "migration", "get", "daemonset", "agent", "-o", path]) == "1"
}

const DOCKER: &str = "/run/cri-dockerd.sock";
const CONTAINERD: &str = "/run/containerd/containerd.sock";
const ANNOTATION: &str = "kubeadm.alpha.kubernetes.io/cri-socket";

#[test]
fn a_node_leaves_a_stand_in_for_docker_with_its_daemon_sets_and_stays_with_containerd() {
    let Some(machines) = Machines::of("a node that leaves docker") else { return };
    let node = machines.worker;
    let image = std::env::var("CLINCH_TEST_CLUSTER_IMAGE").unwrap();
    let agent = AGENT.replace("IMAGE", &image).replace("NODE", node);
    machines.desk.write("agent.yaml", agent);
    let file = machines.desk.dir().join("agent.yaml");
    machines.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    machines.on_worker(PREPARE);
    let annotate = |socket: &str| {
        let said = format!("{ANNOTATION}=unix:///var{socket}");
        machines.kubectl(&["annotate", "--overwrite", "node", node, &said]);
    };
    annotate(DOCKER);
    until("the pod in the stand-in", || runs_in(&machines, DOCKER) && agent_is_ready(&machines));
    assert_eq!(machines.running("containerRuntimeEndpoint"), format!("unix://{DOCKER}"));
    let flags = "/var/lib/kubelet/kubeadm-flags.env";
    machines.on_worker(&format!("sed -i 's|ARGS=\"|ARGS=\"--network-plugin=cni |' {flags}"));

    machines.write(
        "resource \"runtime_migration\" \"a\" {\n  node           = \"worker-1\"\n  disable_docker \
         = true\n}\n",
    );
    let said = machines.well(&["plan"]);
    let shown: String = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "docker, by cri-dockerd",
        "network-plugin",
        "docker.service active, enabled",
        "end containers of docker, stop and disable docker, write its files",
        "to drain, 0 to restart",
    ] {
        assert!(shown.contains(words), "no `{words}` in {}", said.all());
    }
    let warned = said.all().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(warned.contains("migration/DaemonSet/agent"), "{}", said.all());
    machines.well(&["apply", "-auto-approve", "-allow=drain"]);

    assert!(runs_in(&machines, CONTAINERD));
    assert!(agent_is_ready(&machines));
    assert_eq!(machines.running("containerRuntimeEndpoint"), format!("unix://{CONTAINERD}"));
    let units = "systemctl is-active docker; systemctl is-enabled docker containerd";
    assert_eq!(machines.on_worker(&format!("{units} || true")), "inactive\ndisabled\nenabled\n");
    assert!(!machines.on_worker(&format!("cat {flags}")).contains("network-plugin"));
    let said = machines.kubectl(&["get", "node", node, "-o", "jsonpath={.metadata.annotations}"]);
    assert!(said.contains(&format!("\"unix://{CONTAINERD}\"")), "{said}");
    machines.is_converged();
    annotate(DOCKER);
    let said = machines.desk.run(&["drift"]);
    assert!(said.code == 2 && said.out.contains("cri_socket"), "{}", said.all());
    annotate(CONTAINERD);
    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(machines.running("containerRuntimeEndpoint"), format!("unix://{CONTAINERD}"));
    machines.kubectl(&["delete", "namespace", "migration", "--wait=false"]);
    machines.on_worker(MEND);
    machines.is_ready();
}
