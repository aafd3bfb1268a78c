//! Static pods of a real control plane: the manifest, what the kubelet shows, and the process.

use crate::machines::Machines;
use std::time::{Duration, Instant};

fn manifest(pod: &str) -> String {
    format!("/etc/kubernetes/manifests/{pod}.yaml")
}

/// Edits a manifest in one move. A copy in the same folder would be a second pod.
fn edit(machines: &Machines, pod: &str, script: &str) {
    machines.on_worker(&format!(
        "cd /etc/kubernetes/manifests; sed -e '{script}' {pod}.yaml > .{pod}.new; chmod 600 \
         .{pod}.new; mv .{pod}.new {pod}.yaml"
    ));
}

fn hcl(pod: &str, flags: &str) -> String {
    format!(
        "resource \"static_pod\" \"a\" {{\n  node  = \"control-plane-1\"\n  pod   = \"{pod}\"\n  \
         flags = {{\n    {flags}\n  }}\n}}\n"
    )
}

fn hash(machines: &Machines, pod: &str) -> String {
    let path = "jsonpath={.metadata.annotations.kubernetes\\.io/config\\.hash}";
    let name = format!("{pod}-control-plane-1");
    machines.kubectl(&["get", "pod", "-n", "kube-system", &name, "-o", path])
}

/// What the program was really started with.
fn process(machines: &Machines, pod: &str) -> String {
    machines.on_worker(&format!("tr '\\0' ' ' < /proc/$(pidof -s {pod})/cmdline"))
}

fn left(machines: &Machines) -> String {
    machines.on_worker("find /var/lib/clinch -type f 2>/dev/null || true")
}

#[test]
fn flags_of_a_real_scheduler_are_in_its_manifest_and_in_what_runs() {
    let Some(machines) = Machines::control_plane("flags of the scheduler") else { return };
    let pod = "kube-scheduler";
    let cat = format!("cat {}", manifest(pod));
    // Probes of kubeadm wait ten seconds before they ask: too long for a test.
    let slow = machines.on_worker(&cat);
    let faster =
        "s/initialDelaySeconds: 10/initialDelaySeconds: 1/; s/periodSeconds: 10/periodSeconds: 1/";
    edit(&machines, pod, faster);
    let before = machines.on_worker(&cat);
    assert_ne!(before, slow);
    let old = hash(&machines, pod);
    let good = hcl(pod, "kube-api-qps = 77\n    profiling    = false");
    machines.write(&good);
    machines.well(&["apply", "-auto-approve"]);
    machines.is_converged();
    let applied = machines.on_worker(&cat);
    for runs in [process(&machines, pod), applied.clone()] {
        assert!(runs.contains("--kube-api-qps=77") && runs.contains("--profiling=false"), "{runs}");
    }
    assert_ne!(hash(&machines, pod), old);

    edit(&machines, pod, "s/qps=77/qps=50/");
    let said = machines.desk.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    for words in ["flags.kube-api-qps \"50\" -> \"77\"", "declared in main.hcl line 5"] {
        assert!(said.out.contains(words), "no `{words}` in {}", said.all());
    }
    machines.well(&["apply", "-auto-approve"]);
    machines.is_converged();
    assert_eq!(machines.on_worker(&cat), applied);

    // What only the program itself knows.
    machines.write(&hcl(pod, "kube-api-qps = 78\n    no-such-flag = 1"));
    let said = machines.desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["unknown flag: --no-such-flag", "The old manifest is back, and it runs with it."]
    {
        assert!(said.err.contains(words), "no `{words}` in {}", said.all());
    }
    assert_eq!(machines.on_worker(&cat), applied);
    assert!(process(&machines, pod).contains("--kube-api-qps=77"));
    machines.write(&good);
    machines.is_converged();

    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(machines.on_worker(&cat), before);
    assert_eq!(left(&machines), "");
    edit(&machines, pod, "s/initialDelaySeconds: 1$/initialDelaySeconds: 10/");
}

/// The server is away for most of a minute each time, and the state is kept behind it.
#[test]
#[ignore = "needs minutes, and a cluster that nobody else uses meanwhile"]
fn flags_of_a_real_api_server_with_the_state_behind_it() {
    let Some(machines) = Machines::all("flags of the API server") else { return };
    let pod = "kube-apiserver";
    let cat = format!("cat {}", manifest(pod));
    let before = machines.on_worker(&cat);
    let state = "clinch {\n  name = \"apiserver\"\n  state \"cluster\" {\n    lease = \"5m\"\n  \
                 }\n}\n";
    machines.write(&format!("{state}{}", hcl(pod, "audit-log-maxage = 31")));
    let began = Instant::now();
    machines.well(&["apply", "-auto-approve"]);
    let took = began.elapsed();
    assert!(took < Duration::from_mins(3), "{took:?}");
    machines.is_converged();
    assert!(process(&machines, pod).contains("--audit-log-maxage=31"));

    machines.write(&format!("{state}{}", hcl(pod, "audit-log-maxage = 31\n    no-such-flag = 1")));
    let said = machines.desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["unknown flag: --no-such-flag", "The old manifest is back, and it runs with it."]
    {
        assert!(said.err.contains(words), "no `{words}` in {}", said.all());
    }
    machines.write(&format!("{state}{}", hcl(pod, "audit-log-maxage = 31")));
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(machines.on_worker(&cat), before);
    assert_eq!(left(&machines), "");
}
