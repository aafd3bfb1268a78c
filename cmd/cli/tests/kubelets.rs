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

#[test]
fn a_setting_is_in_the_file_in_the_cluster_and_in_what_runs() {
    let Some(machines) = Machines::of("a setting for all nodes") else { return };
    let before = base(&machines);
    let file = machines.on_worker("cat /var/lib/kubelet/config.yaml");
    machines.write(
        "resource \"kubelet_config\" \"one\" {\n  node     = \"worker-1\"\n  \
         settings = { maxPods = 64 }\n}\n",
    );
    let said = machines.well(&["plan"]);
    assert!(said.out.contains("kubelet-config: `maxPods` (not set); to"), "{}", said.all());
    let both = "resource \"kubelet_base_config\" \"all\" {\n  settings = { maxPods = 64 }\n}\n\
                resource \"kubelet_config\" \"one\" {\n  node     = \"worker-1\"\n  \
                settings = kubelet_base_config.all.settings\n}\n";
    machines.write(&both.replace("maxPods", "maxPodz"));
    let said = machines.desk.run(&["plan"]);
    let words = "ConfigMap kube-system/kubelet-config: the kubelet 1.37 has no field `maxPodz`.";
    assert!(said.err.contains(words) && said.err.contains("main.hcl line 2"), "{}", said.all());
    machines.write(both);
    let said = machines.well(&["apply", "-auto-approve"]);
    assert!(!said.out.contains("kubeadm upgrade node` would write"), "{}", said.all());
    machines.is_converged();
    assert!(base(&machines).contains("maxPods: 64"), "{}", base(&machines));
    let written = machines.on_worker("cat /var/lib/kubelet/config.yaml");
    assert!(written.contains("maxPods: 64"), "{written}");
    assert_eq!(machines.running("maxPods"), 64);
    // What an upgrade does to the file of a node: nothing is lost of ours.
    machines.on_worker("kubeadm upgrade node phase kubelet-config");
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(without_versions(&base(&machines)), without_versions(&before));
    machines.is_ready();
    assert_eq!(machines.running("maxPods"), 110);
    machines.on_worker(&format!("cat > /var/lib/kubelet/config.yaml <<'END'\n{file}END"));
}
