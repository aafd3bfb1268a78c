//! Settings of kubelets on a real cluster: its `ConfigMap`, the file of a node and what runs agree.

use crate::machines::Machines;

/// What kubeadm keeps in the cluster for all kubelets.
fn base(machines: &Machines) -> String {
    machines.kubectl(&["-n", "kube-system", "get", "configmap", "kubelet-config", "-o", "yaml"])
}

/// What stays the same whoever writes.
fn without_versions(object: &str) -> String {
    object.lines().filter(|line| !line.contains("resourceVersion:")).collect::<Vec<_>>().join("\n")
}

const ENV: &str = "/var/lib/kubelet/kubeadm-flags.env";

#[test]
fn a_setting_is_in_the_file_in_the_cluster_and_in_what_runs() {
    let Some(machines) = Machines::of("a setting for all nodes") else { return };
    let (before, file) = (base(&machines), machines.on_worker("cat /var/lib/kubelet/config.yaml"));
    let env = machines.on_worker(&format!("cat {ENV}"));
    machines.on_worker(&format!("echo 'KUBELET_KUBEADM_ARGS=\"--max-pods=17\"' > {ENV}"));
    machines.write(
        "resource \"kubelet_config\" \"one\" {\n  node     = \"worker-1\"\n  \
         settings = { maxPods = 64 }\n}\n",
    );
    let said = machines.desk.run(&["plan"]);
    for words in ["`--max-pods=17` in", "flags = { max-pods = null }", "main.hcl line 3"] {
        assert!(said.err.contains(words), "no `{words}` in {}", said.all());
    }
    let one = "resource \"kubelet_config\" \"one\" {\n  node     = \"worker-1\"\n  \
               flags    = { \"max-pods\" = null, v = 3 }\n  settings = { maxPods = 64 }\n}\n";
    machines.write(one);
    let said = machines.well(&["plan"]);
    assert!(said.out.contains("kubelet-config: `maxPods` (not set); to"), "{}", said.all());
    let all = "resource \"kubelet_base_config\" \"all\" {\n  settings = { maxPods = 64 }\n}\n";
    machines.write(&all.replace("maxPods", "maxPodz"));
    let said = machines.desk.run(&["plan"]);
    let words = "ConfigMap kube-system/kubelet-config: the kubelet 1.37 has no field `maxPodz`.";
    assert!(said.err.contains(words) && said.err.contains("main.hcl line 2"), "{}", said.all());
    machines.write(&format!("{all}{one}"));
    let said = machines.well(&["apply", "-auto-approve"]);
    assert!(!said.out.contains("kubeadm upgrade node` would write"), "{}", said.all());
    machines.is_converged();
    assert!(base(&machines).contains("maxPods: 64"), "{}", base(&machines));
    let written = machines.on_worker("cat /var/lib/kubelet/config.yaml");
    assert!(written.contains("maxPods: 64"), "{written}");
    assert_eq!(machines.running("maxPods"), 64);
    let runs = machines.on_worker("tr '\\0' ' ' < /proc/$(pidof -s kubelet)/cmdline");
    assert!(runs.contains("--v=3") && !runs.contains("--max-pods"), "{runs}");
    // What an upgrade does to the file of a node: nothing is lost of ours.
    machines.on_worker("kubeadm upgrade node phase kubelet-config");
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(without_versions(&base(&machines)), without_versions(&before));
    assert_eq!(machines.running("maxPods"), 17);
    let given_back = machines.on_worker(&format!("cat {ENV}"));
    assert_eq!(given_back, "KUBELET_KUBEADM_ARGS=\"--max-pods=17\"\n");
    let left = machines.left();
    assert_eq!(left, "");
    for (path, content) in [("/var/lib/kubelet/config.yaml", file), (ENV, env)] {
        machines.on_worker(&format!("cat > {path} <<'END'\n{content}END"));
    }
    machines.on_worker("systemctl restart kubelet");
    machines.is_ready();
}
