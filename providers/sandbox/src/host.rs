//! What the folder of a host has in it from the beginning.

/// The file that a kubelet is started with, as kubeadm writes it.
pub const KUBELET_CONFIG: (&str, &str) = (
    "var/lib/kubelet/config.yaml",
    "\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: Webhook
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
kind: KubeletConfiguration
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
",
);

/// What a containerd is started with that goes with that kubelet.
pub const RUNTIME_CONFIG: (&str, &str) = (
    "etc/containerd/config.toml",
    "\
version = 2

[plugins.\"io.containerd.grpc.v1.cri\"]
  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]
    runtime_type = \"io.containerd.runc.v2\"

    [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]
      SystemdCgroup = true
",
);

/// The node of the control plane that a new sandbox has.
const CONTROL_PLANE: &str = "control-plane-1";
/// The manifests of the control plane's static pods, as kubeadm writes them.
const MANIFESTS: [(&str, &str); 4] = [
    ("etc/kubernetes/manifests/etcd.yaml", include_str!("manifests/etcd.yaml")),
    ("etc/kubernetes/manifests/kube-apiserver.yaml", include_str!("manifests/kube-apiserver.yaml")),
    (
        "etc/kubernetes/manifests/kube-controller-manager.yaml",
        include_str!("manifests/kube-controller-manager.yaml"),
    ),
    ("etc/kubernetes/manifests/kube-scheduler.yaml", include_str!("manifests/kube-scheduler.yaml")),
];

/// The files that the host of this node has from the beginning: paths without a slash in front,
/// and contents.
pub fn files_of_host(node: &str) -> Vec<(&'static str, &'static str)> {
    let manifests = if node == CONTROL_PLANE { &MANIFESTS[..] } else { &[] };
    [KUBELET_CONFIG, RUNTIME_CONFIG].into_iter().chain(manifests.iter().copied()).collect()
}
