//! Every example: applied, planned again with nothing to do, its state lost and rebuilt,
//! destroyed, and nothing left behind.

use super::site::Site;
use super::stage::Stage;

/// Plays an example on both servers; `between` looks at it when it is applied.
fn play(example: &str, between: impl Fn(&Site<'_>)) {
    play_on(example, |_| (), between);
}

/// As `play`; `prepare` changes something before.
fn play_on(example: &str, prepare: impl Fn(&Site<'_>), between: impl Fn(&Site<'_>)) {
    play_at(Stage::both(example), example, prepare, between);
}

/// As `play`, while no other test has pods on the nodes that are drained.
fn play_alone(example: &str, between: impl Fn(&Site<'_>)) {
    play_at(Stage::both_alone(example), example, |_| (), between);
}

fn play_at(
    stages: Vec<Stage>,
    example: &str,
    prepare: impl Fn(&Site<'_>),
    between: impl Fn(&Site<'_>),
) {
    for stage in stages {
        let site = Site::new(&stage, example);
        site.has_hosts();
        prepare(&site);
        let planned = site.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(planned.code, 2, "{}: {}", stage.name, planned.all());
        assert_eq!(site.objects().len(), 0, "planning changes nothing");
        let applied = site.well(&["apply", "-auto-approve", "-allow=drain"]);
        assert!(applied.out.contains("\nApply complete! Resources: "), "{}", applied.all());
        site.is_converged();
        between(&site);
        let remembered = site.remembered();
        for file in ["state.json", "state.json.backup"] {
            let _absent = std::fs::remove_file(site.desk.data().join(file));
        }
        site.well(&["state", "rebuild"]);
        assert_eq!(site.remembered(), remembered, "{}", stage.name);
        site.is_converged();
        let destroyed = site.well(&["destroy", "-auto-approve", "-allow=drain"]);
        assert!(destroyed.out.contains("\nDestroy complete! Resources: "), "{}", destroyed.all());
        assert_eq!(site.objects().into_keys().collect::<Vec<_>>(), [""; 0], "{}", stage.name);
        assert_eq!(site.remembered(), "");
        println!("{example} on {}: applied, empty plan, rebuilt, destroyed", stage.name);
    }
}

#[test]
fn quickstart_is_applied_once_rebuilt_and_destroyed_without_a_trace() {
    play("quickstart", |site| {
        let said = site.run(&["plan", "-detailed-exitcode", "-var", "memory=6Gi"]);
        assert_eq!(said.code, 2);
        assert!(said.out.contains("\"4Gi\" -> \"6Gi\""), "{}", said.all());
        assert!(said.out.contains("\nPlan: 0 to add, 1 to change, 0 to destroy.\n"));
    });
}

#[test]
fn pods_of_memory_defaults_get_what_the_page_says() {
    play("memory-defaults", |site| {
        let said = site.desk.run(&["output", "-json", "memory"]);
        let memory: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        for (pod, limit, request) in [
            ("default-mem-demo", "512Mi", "256Mi"),
            ("default-mem-demo-2", "1Gi", "1Gi"),
            ("default-mem-demo-3", "512Mi", "128Mi"),
        ] {
            assert_eq!(memory[pod]["limits"]["memory"], limit, "{pod} on {}", site.stage.name);
            assert_eq!(memory[pod]["requests"]["memory"], request, "{pod}");
        }
    });
}

#[test]
fn pods_outside_the_memory_constraints_are_refused_in_the_servers_words() {
    play("memory-constraints", |site| {
        for (pod, why) in [
            ("too-large", "maximum memory usage per Container is 1Gi, but limit is 1536Mi"),
            ("too-small", "minimum memory usage per Container is 500Mi, but request is 100Mi"),
        ] {
            let said = site.run(&["plan", "-var", &format!("refused={pod}")]);
            assert_eq!(said.code, 1, "{}", said.all());
            let words = format!("pods \"{pod}\" is forbidden: {why}");
            assert!(said.err.contains(&words), "{}: {}", site.stage.name, said.all());
        }
    });
}

#[test]
fn deployment_behind_a_network_policy_comes_and_goes() {
    play("network-policy", |_| {});
}

#[test]
fn planner_of_pull_requests_comes_and_goes() {
    play("ci-planner", |_| {});
}

#[test]
fn a_state_in_the_cluster_is_lost_rebuilt_and_shared() {
    play("shared-state", |site| {
        let own = format!("shared-state-{}", site.own);
        site.stage.on(|client| async move {
            let secrets = kube::core::GroupVersionKind::gvk("", "v1", "Secret");
            let kind = kube::core::ApiResource::from_gvk(&secrets);
            let api: kube::Api<kube::api::DynamicObject> =
                kube::Api::namespaced_with(client, "clinch-system", &kind);
            let params = kube::api::DeleteParams::default();
            api.delete(&format!("clinch-state-{own}"), &params).await.unwrap();
        });
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.err.contains("Error: State is gone"), "{}", said.all());
        site.well(&["state", "rebuild"]);
        let said = site.run(&["plan", "-detailed-exitcode", "-var", "colour=red"]);
        assert_eq!(said.code, 2, "{}", said.all());
        assert!(said.out.contains("\"blue\" -> \"red\""), "{}", said.all());
    });
}

#[test]
fn extended_resources_are_counted_in_both_chunk_sizes() {
    play("extended-resources", |site| {
        let said = site.well(&["apply", "-auto-approve", "-var", "chunks=fine"]);
        assert!(said.out.contains("\"8\" -> \"800Gi\""), "{}", said.all());
        let fine = site.well(&["plan", "-detailed-exitcode", "-var", "chunks=fine"]);
        assert!(fine.out.contains("No changes."), "{}", fine.all());
        site.well(&["apply", "-auto-approve"]);
    });
}

#[test]
fn cloud_controller_manager_gets_its_rights_before_it_runs() {
    play("cloud-controller-manager", |site| {
        let routed = ["plan", "-detailed-exitcode", "-var", "cluster_cidr=10.244.0.0/16"];
        let said = site.run(&routed);
        assert_eq!(said.code, 2, "{}", said.all());
        assert!(said.out.contains("--cluster-cidr=10.244.0.0/16"), "{}", said.all());
    });
}

#[test]
fn definition_namespace_and_objects_of_both_come_in_one_run_and_go_in_reverse() {
    play("crd-and-resources", |site| {
        let jobs: Vec<String> =
            site.objects().into_keys().filter(|name| name.starts_with("CronTab ")).collect();
        assert_eq!(jobs.len(), 2, "{}", site.stage.name);
        let text = std::fs::read_to_string(site.desk.dir().join("main.hcl")).unwrap();
        site.desk.write("main.hcl", text.replace("replicas = 3", "replicas = 30"));
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}", said.all());
        let words = "`spec.replicas` is 30, above the maximum 10.";
        assert!(said.err.contains(words), "{}: {}", site.stage.name, said.all());
        site.desk.write("main.hcl", text);
    });
}

#[test]
fn settings_of_kubelets_are_set_and_given_back() {
    play("kubelet-settings", |site| {
        let hosts = site.desk.dir().join("hosts");
        let file = |node: &str| hosts.join(node).join(sandbox::KUBELET_CONFIG.0);
        let text = std::fs::read_to_string(file("worker-1")).unwrap();
        assert!(text.contains("\nmaxPods: 60\n"), "{text}");
        let text = std::fs::read_to_string(file("control-plane-1")).unwrap();
        assert_eq!(text, sandbox::KUBELET_CONFIG.1);
    });
}

#[test]
fn policies_of_topology_are_set_on_drained_nodes_and_given_back() {
    play_alone("topology-manager", |site| {
        let hosts = site.desk.dir().join("hosts");
        for node in ["worker-1", "worker-2"] {
            let file = hosts.join(node).join(sandbox::KUBELET_CONFIG.0);
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.contains("\ntopologyManagerPolicy: single-numa-node\n"), "{text}");
        }
    });
}

#[test]
fn cgroup_drivers_are_noted_where_they_fit_and_switched_on_drained_nodes() {
    play_alone("cgroup-driver", |site| {
        let host = site.desk.dir().join("hosts/worker-2");
        let says = |(path, _): (&str, &str), words: &str| {
            let text = std::fs::read_to_string(host.join(path)).unwrap();
            assert!(text.contains(words), "no `{words}` in {text}");
        };
        let said = site.well(&["plan", "-var", "driver=cgroupfs"]);
        for words in [
            "drain node worker-2: no pod has to leave\n",
            "switch kubelet and containerd of worker-2 to cgroupfs: stop kubelet, end containers, ",
            "Nodes: 2 to drain, 0 to restart, 0 to reboot (max 1 at a time).",
        ] {
            assert!(said.out.contains(words), "no `{words}` in {}", said.all());
        }
        site.well(&["apply", "-auto-approve", "-allow=drain", "-var", "driver=cgroupfs"]);
        says(sandbox::KUBELET_CONFIG, "\ncgroupDriver: cgroupfs\n");
        says(sandbox::RUNTIME_CONFIG, "SystemdCgroup = false\n");
        site.well(&["apply", "-auto-approve", "-allow=drain"]);
        says(sandbox::RUNTIME_CONFIG, sandbox::RUNTIME_CONFIG.1);
    });
}

#[test]
fn nodes_that_talk_to_containerd_are_noted_and_those_of_docker_are_moved() {
    play_alone("container-runtime-migration", |site| {
        let flags = site.desk.dir().join("hosts/worker-2/var/lib/kubelet/kubeadm-flags.env");
        let docker = "--container-runtime-endpoint=unix:///var/run/cri-dockerd.sock";
        let of = |flags: &str| format!("KUBELET_KUBEADM_ARGS=\"{flags}\"\n");
        std::fs::write(&flags, of(&format!("--network-plugin=cni --v=2 {docker}"))).unwrap();
        let said = site.well(&["plan"]);
        for words in [
            "drain node worker-2: no pod has to leave\n",
            "move the kubelet of worker-2 to containerd: stop kubelet, end containers of docker, ",
            "Nodes: 1 to drain, 0 to restart, 0 to reboot (max 1 at a time).",
        ] {
            assert!(said.out.contains(words), "no `{words}` in {}", said.all());
        }
        site.well(&["apply", "-auto-approve", "-allow=drain"]);
        let socket = "--container-runtime-endpoint=unix:///run/containerd/containerd.sock";
        assert_eq!(std::fs::read_to_string(&flags).unwrap(), of(&format!("--v=2 {socket}")));
        site.is_converged();
    });
}

#[test]
fn cache_for_dns_is_on_every_node_and_gone_again() {
    play("nodelocal-dns", |site| {
        let said = site.desk.run(&["output", "-json", "kubelets_must_give"]);
        assert_eq!(said.out.split_whitespace().collect::<String>(), "[\"10.96.0.10\"]");
        let ipvs = ["plan", "-var", "proxy_mode=ipvs", "-var", "kubelets=[\"worker-1\"]"];
        let said = site.run(&ipvs);
        assert!(
            said.out.contains("\nPlan: 1 to add, 1 to change, 0 to destroy.\n"),
            "{}",
            said.all()
        );
        assert!(said.out.contains("clusterDNS"), "{}", said.all());
    });
}

#[test]
fn flags_of_the_control_plane_are_set_and_given_back() {
    play("control-plane-flags", |site| {
        let manifests = site.desk.dir().join("hosts/control-plane-1/etc/kubernetes/manifests");
        for program in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            let text = std::fs::read_to_string(manifests.join(format!("{program}.yaml"))).unwrap();
            assert!(text.contains("\n    - --profiling=false\n"), "{program}: {text}");
        }
    });
}

#[test]
fn mirrors_of_registries_are_on_every_node_and_gone_again() {
    play("registry-mirrors", |site| {
        let hosts = site.desk.dir().join("hosts");
        for node in super::ground::NODES {
            let file = |path: &str| std::fs::read_to_string(hosts.join(node).join(path)).unwrap();
            let hub = file("etc/containerd/certs.d/docker.io/hosts.toml");
            assert!(hub.contains("[host.\"https://hub.mirror.example.org\"]"), "{hub}");
            let config = file("etc/containerd/config.toml");
            assert!(config.contains("config_path = \"/etc/containerd/certs.d\""), "{config}");
        }
        let other =
            "mirrors={\"quay.io\" = {endpoints = [{url = \"https://quay.mirror.example.org\"}]}}";
        let said = site.run(&["plan", "-var", other]);
        let nodes = super::ground::NODES.len();
        let changes = format!("Plan: 0 to add, {nodes} to change, 0 to destroy.\n");
        assert!(said.out.contains(&changes) && !said.out.contains("Nodes: "), "{}", said.all());
    });
}

#[test]
fn hardening_closes_a_namespace_and_keeps_modules_from_the_workers() {
    play("hardening", |site| {
        let hosts = site.desk.dir().join("hosts");
        let file = "etc/modprobe.d/90-clinch-unused-protocols.conf";
        let text = std::fs::read_to_string(hosts.join("worker-1").join(file)).unwrap();
        assert!(text.contains("blacklist sctp"), "{text}");
        assert!(!hosts.join("control-plane-1").join(file).exists());
        let said = site.run(&["plan", "-var", "modules=[\"dccp\"]"]);
        assert!(
            said.out.contains("\nPlan: 0 to add, 2 to change, 0 to destroy."),
            "{}",
            said.all()
        );
    });
}

#[test]
fn kernel_modules_are_forbidden_on_every_node_or_on_the_workers_alone() {
    play("kernel-modules", |site| {
        let file = "etc/modprobe.d/90-clinch-modules.conf";
        for node in ["control-plane-1", "worker-1"] {
            let hosts = site.desk.dir().join("hosts");
            let text = std::fs::read_to_string(hosts.join(node).join(file)).unwrap();
            assert!(text.contains("install dccp /bin/false"), "{text}");
        }
        let said = site.run(&["plan", "-var", "workers_only=true"]);
        assert!(said.out.contains(" 0 to add, 0 to change, 1 to destroy."), "{}", said.all());
    });
}

#[test]
fn authority_is_put_where_debian_keeps_them_on_every_host() {
    let hosts = |site: &Site<'_>| {
        let of = |node: &&str| site.desk.dir().join("hosts").join(node);
        super::ground::NODES.iter().map(of).collect::<Vec<_>>()
    };
    let prepare = |site: &Site<'_>| {
        let said = site.run(&["plan"]);
        assert!(said.all().contains("Error: No trust store on this host"), "{}", said.all());
        for host in hosts(site) {
            std::fs::create_dir_all(host.join("etc")).unwrap();
            std::fs::write(host.join("etc/ca-certificates.conf"), "").unwrap();
        }
        let said = site.run(&["plan"]);
        assert!(said.all().contains("Error: No running kernel"), "{}", said.all());
        site.desk.write("folders.auto.tfvars", "update = false\n");
    };
    play_on("trusted-ca", prepare, |site| {
        for host in hosts(site) {
            let file = host.join("usr/local/share/ca-certificates/clinch-example-root.crt");
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.contains("-----BEGIN CERTIFICATE-----"), "{text}");
        }
    });
}

#[test]
fn what_depends_on_docker_is_found_while_it_is_there() {
    play("docker-dependents", |site| {
        let offenders = ["-auto-approve", "-var", "offenders=true"];
        site.well(&[&["apply"], &offenders[..]].concat());
        let said = site.well(&[&["apply"], &offenders[..]].concat());
        let namespace = format!("docker-example-{}", site.own);
        let lines = |text: &str| -> Vec<String> {
            let of_ours = text.lines().filter(|line| line.contains(&namespace));
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            of_ours.map(|line| words(line).replace(&namespace, "NAMESPACE")).collect()
        };
        let table = lines(said.out.rsplit_once("Outputs:").unwrap().1);
        let found = [
            "\"NAMESPACE: Deployment/agent\",",
            "\"NAMESPACE: Deployment/runner\",",
            "blocking NAMESPACE Deployment/agent 0 - container `agent` mounts /var/run, which \
             holds the socket of docker",
            "blocking NAMESPACE Deployment/runner 0 - container `runner` mounts \
             /var/run/docker.sock, the socket of docker",
            "review NAMESPACE Deployment/debug 0 - container `debug` is privileged",
        ];
        assert_eq!(table, found, "{}: {}", site.stage.name, said.all());
        site.well(&["apply", "-auto-approve", "-allow=destroy,empty"]);
        let said = site.well(&["apply", "-auto-approve"]);
        assert_eq!(lines(said.out.rsplit_once("Outputs:").unwrap().1), [""; 0], "{}", said.all());
    });
}
