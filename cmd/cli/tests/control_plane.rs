//! Static pods of a real control plane: the manifest, what the kubelet shows, and the process.

use crate::machines::Machines;
use crate::support::Desk;
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

#[test]
fn flags_of_a_real_scheduler_are_in_its_manifest_and_in_what_runs() {
    let Some(machines) = Machines::control_plane("flags of the scheduler") else { return };
    let pod = "kube-scheduler";
    let cat = format!("cat {}", manifest(pod));
    let before = machines.on_worker(&cat);
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
    assert_eq!(machines.left(), "");
}

/// The server is away for a quarter of a minute each time, and the state is kept behind it. It
/// takes as long again until the kubelet has found it and shows the new pod.
#[test]
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
    assert_eq!(machines.left(), "");
}

const SCHEDULER: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-scheduler, namespace: \
                         kube-system}\nspec:\n  containers:\n  - command:\n    - kube-scheduler\n    \
                         - --profiling=true\n    name: kube-scheduler\n";

/// Two nodes of a control plane, each with its own manifest.
fn two_nodes() -> Desk {
    let desk = Desk::new();
    for node in ["control-plane-1", "control-plane-2"] {
        desk.somebody_edits(&format!("# {node}:{}\n{SCHEDULER}", manifest("kube-scheduler")));
    }
    desk.write(
        "main.hcl",
        "resource \"static_pod\" \"scheduler\" {\n  for_each = toset([\"control-plane-1\", \
         \"control-plane-2\"])\n  node     = each.value\n  pod      = \"kube-scheduler\"\n  \
         flags    = { profiling = false }\n}\n",
    );
    desk
}

fn manifest_of(desk: &Desk, node: &str) -> String {
    let place = format!("sandbox/hosts/{node}{}", manifest("kube-scheduler"));
    std::fs::read_to_string(desk.data().join(place)).unwrap()
}

#[test]
fn flags_on_two_nodes_of_a_control_plane_change_one_after_the_other() {
    let desk = two_nodes();
    let said = desk.run(&["apply", "-auto-approve", "-json", "-parallelism=10"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let told = said.out.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let node = line["hook"]["resource"]["resource_key"].as_str()?.to_owned();
        let what = line["type"].as_str()?.to_owned();
        ["apply_start", "apply_complete"].contains(&what.as_str()).then_some((what, node))
    });
    let told: Vec<(String, String)> = told.collect();
    let [(_, first), _, (_, second), _] = told.as_slice() else { panic!("{told:?}") };
    assert_ne!(first, second);
    let steps = [first, first, second, second]
        .into_iter()
        .zip(["apply_start", "apply_complete"].iter().cycle());
    let steps: Vec<_> = steps.map(|(node, what)| ((*what).to_owned(), node.clone())).collect();
    assert_eq!(told, steps);
    for node in ["control-plane-1", "control-plane-2"] {
        assert!(manifest_of(&desk, node).contains("--profiling=false"), "{node}");
    }
    assert_eq!(desk.run(&["plan", "-detailed-exitcode"]).code, 0);
}

/// Whichever of them that is.
#[test]
fn the_second_node_of_a_control_plane_is_left_alone_when_the_first_one_fails() {
    let nodes = ["control-plane-1", "control-plane-2"];
    let left_alone = nodes.map(|bad| {
        let desk = two_nodes();
        assert_eq!(desk.run(&["plan", "-out=tfplan"]).code, 0);
        let edited = SCHEDULER.replace("profiling", "v=9\n    - --profiling");
        desk.somebody_edits(&format!("# {bad}:{}\n{edited}", manifest("kube-scheduler")));
        let said = desk.run(&["apply", "-parallelism=10", "tfplan"]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.err.contains(bad), "{}", said.all());
        assert_eq!(manifest_of(&desk, bad), edited);
        let other = nodes.iter().find(|node| **node != bad).unwrap();
        manifest_of(&desk, other) == SCHEDULER
    });
    assert!(left_alone[0] != left_alone[1], "{left_alone:?}");
}
