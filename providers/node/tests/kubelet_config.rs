//! Settings of kubelets: what depends on the host that they are for.

use crate::support::{answer, request};
use access::{Hosts, MemoryHost};
use node::NodeProvider;
use provider::{ResourceKind, Wanted};
use std::sync::Arc;
use values::Value;

const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const TEXT: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
const FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "kubelet_config").unwrap()
}

/// A kubelet whose client certificate is gone cannot ask for another one.
#[tokio::test]
async fn certificates_on_a_file_system_in_memory_are_refused_by_what_the_host_has_mounted() {
    let plan = async |mounts: &str| {
        let host = MemoryHost::new("w1")
            .with_file(CONFIG, TEXT)
            .with_file(FLAGS, "KUBELET_KUBEADM_ARGS=\"\"\n")
            .with_file("/proc/1/mounts", mounts);
        let args = Value::map([
            ("node", "w1".into()),
            ("settings", Value::map([("maxPods", 60_i64.into())])),
            ("flags", Value::map([("cert-dir", "/srv/pki/kubelet".into())])),
        ]);
        assert_eq!(kind().check(&args), []);
        let identity = kind().identify(&args).unwrap();
        let provider = NodeProvider::new(Hosts::of([Arc::new(host) as _]), "shop");
        let wanted = Wanted { ty: kind().name().clone(), identity: identity.clone() };
        let observed = provider.observe(vec![wanted]).await.remove(0);
        answer(&kind().plan(&request(&identity, Some(&args), &observed)))
    };
    let disk = "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/sdb1 /srv/pki ext4 rw 0 0\n";
    assert!(plan(disk).await.starts_with("Create"));
    assert_eq!(
        plan(&disk.replace("/srv/pki ext4", "/srv/pki tmpfs")).await,
        "E0844 at `flags.cert-dir`: `/srv/pki/kubelet` would be gone after a reboot: the host has \
         `/srv/pki` in memory. Without its certificates a kubelet cannot come back to its cluster."
    );
}
