//! The cache for DNS and the kubelets that give its address to pods, on a real cluster. There the
//! program of the cache cannot run, so another one stands for it: what is played is the order.

use crate::machines::Machines;

#[test]
fn cache_for_dns_comes_before_the_kubelet_that_names_it_and_stays_as_long_as_it_does() {
    let Some(machines) = Machines::of("a cache for DNS") else { return };
    let file = machines.on_worker("cat /var/lib/kubelet/config.yaml");
    let given = machines.running("clusterDNS");
    let image = std::env::var("CLINCH_TEST_CLUSTER_IMAGE").unwrap();
    // kube-proxy and a DNS are not there; other nodes belong to other tests.
    let cache = format!(
        "resource \"nodelocal_dns\" \"cache\" {{\n  proxy_mode     = \"ipvs\"\n  \
         cluster_dns_ip = \"10.96.0.10\"\n  image          = \"{image}\"\n  \
         node_selector  = {{ \"kubernetes.io/hostname\" = \"worker-1\" }}\n}}\n"
    );
    let kubelet = "resource \"kubelet_config\" \"dns\" {\n  node     = \"worker-1\"\n  \
                   settings = { clusterDNS = nodelocal_dns.cache.kubelet_cluster_dns }\n}\n";
    let worker = machines.worker;

    machines.write(&format!("{cache}{kubelet}"));
    let said = machines.well(&["plan"]);
    let words = format!(
        "kubelets do not give 169.254.20.10 to pods yet, so these ask the cluster's DNS as before: `{worker}`;"
    );
    assert!(said.out.contains(&words), "{}", said.all());
    let said = machines.well(&["apply", "-auto-approve"]);
    let at = |words: &str| {
        said.err.find(words).unwrap_or_else(|| panic!("no `{words}`: {}", said.all()))
    };
    assert!(at("nodelocal_dns.cache: Creation complete") < at("kubelet_config.dns: Creating"));
    assert_eq!(machines.running("clusterDNS"), serde_json::json!(["169.254.20.10"]));
    machines.is_converged();

    let said = machines.desk.run(&["destroy", "-auto-approve"]);
    let words = format!("by the kubelets of `{worker}`. Without the cache");
    assert!(said.code == 1 && said.err.contains(&words), "{}", said.all());
    let running =
        machines.kubectl(&["-n", "kube-system", "get", "ds", "node-local-dns", "-o", "name"]);
    assert_eq!(running, "daemonset.apps/node-local-dns\n");

    machines.write(&cache);
    machines.well(&["apply", "-auto-approve", "-allow=destroy"]);
    assert_eq!(machines.running("clusterDNS"), given);
    assert_eq!(machines.on_worker("cat /var/lib/kubelet/config.yaml"), file);
    let said = machines.well(&["plan"]);
    let words = format!("give another address to\n│ pods: `{worker}`");
    assert!(said.err.replace("\n│ ", " ").contains(&words.replace("\n│ ", " ")), "{}", said.all());
    let said = machines.well(&["destroy", "-auto-approve"]);
    assert!(!said.err.contains("could not be seen"), "{}", said.all());
    let left = machines.kubectl(&["-n", "kube-system", "get", "sa,svc,cm,ds,pods", "-o", "name"]);
    let ours = ["node-local-dns", "kube-dns-upstream"];
    assert!(ours.iter().all(|name| !left.contains(name)), "{left}");
    machines.is_ready();
}
