//! Nodes take turns as a rollout says.

use crate::resume::tamper;
use crate::support::Desk;
use serde_json::Value as Json;

const NODES: [&str; 3] = ["worker-1", "worker-2", "worker-3"];

/// Three workers, each with a kubelet, and a change that drains them.
fn desk(rollout: &str) -> Desk {
    let desk = Desk::new();
    for node in NODES {
        desk.somebody_writes(&format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: {node}}}\n\
             status: {{conditions: [{{type: Ready, status: 'True'}}]}}\n"
        ));
        edit(&desk, node, "");
    }
    configure(&desk, rollout);
    desk
}

fn edit(desk: &Desk, node: &str, more: &str) {
    desk.somebody_edits(&format!(
        "# {node}:/var/lib/kubelet/config.yaml\napiVersion: kubelet.config.k8s.io/v1beta1\n\
         kind: KubeletConfiguration\n{more}"
    ));
}

fn configure(desk: &Desk, rollout: &str) {
    desk.write(
        "main.hcl",
        format!(
            "data \"nodes\" \"all\" {{}}\n\
             resource \"kubelet_config\" \"all\" {{\n  for_each = toset(data.nodes.all.names)\n  \
             node     = each.key\n  settings = {{ topologyManagerPolicy = \"best-effort\" }}\n}}\n\
             rollout \"workers\" {{\n  nodes = data.nodes.all.names\n  {rollout}\n}}\n"
        ),
    );
}

/// Which kubelets have the new setting.
fn changed(desk: &Desk) -> Vec<&'static str> {
    let file = |node: &str| {
        let hosts = desk.data().join("sandbox/hosts");
        std::fs::read_to_string(hosts.join(node).join("var/lib/kubelet/config.yaml")).unwrap()
    };
    NODES.into_iter().filter(|node| file(node).contains("best-effort")).collect()
}

/// Open on one day of the week that is neither yesterday, today nor tomorrow.
fn closed() -> String {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).weekday();
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let today = usize::try_from(today.to_monday_zero_offset()).unwrap();
    format!("{} 01:00-05:00 UTC", days[(today + 3) % 7])
}

#[test]
fn outside_of_the_window_no_node_is_begun_and_the_run_can_be_resumed() {
    let window = closed();
    let desk = desk(&format!("window = \"{window}\""));
    for command in [&["apply", "-auto-approve", "-allow=drain"][..], &["apply", "-resume"]] {
        let said = desk.run(command);
        assert_eq!(said.code, 1, "{}", said.all());
        let words = format!(
            "The window of rollout `workers` is closed, so no node is begun. It is open {window}."
        );
        let told = said.all().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&words), "{}", said.all());
        assert!(said.all().contains("clinch apply -resume"), "{}", said.all());
        assert_eq!(changed(&desk), Vec::<&str>::new());
    }
    configure(&desk, "window = \"00:00-24:00 UTC\"");
    let said = desk.run(&["apply", "-auto-approve", "-allow=drain"]);
    assert_eq!((said.code, changed(&desk)), (0, NODES.to_vec()), "{}", said.all());
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
}

/// Somebody changes the file of the first node after the plan was made.
#[test]
fn as_many_nodes_may_fail_as_the_rollout_says() {
    for (rollout, reached) in [("", 0), ("max_failures = 1", 2)] {
        let desk = desk(rollout);
        let said = desk.run(&["plan", "-out=plan"]);
        assert_eq!(said.code, 0, "{}", said.all());
        edit(&desk, "worker-1", "maxPods: 50\n");
        let said = desk.run(&["apply", "-allow=drain", "plan"]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert_eq!(changed(&desk), NODES[3 - reached..], "{}", said.all());
        let nodes: Json =
            serde_json::to_value(NODES.map(|node| desk.look("v1", "Node", "", node))).unwrap();
        let cordoned = nodes.as_array().unwrap().iter();
        assert_eq!(cordoned.filter(|n| n["spec"]["unschedulable"] == true).count(), 0, "{nodes}");
    }
}

/// Whoever finds that a run cannot be gone on with must hear of the node that it left cordoned.
#[test]
fn a_resume_that_begins_nothing_names_the_nodes_that_are_out_of_service() {
    let desk = desk("");
    assert_eq!(desk.run(&["plan", "-out=plan"]).code, 0);
    edit(&desk, "worker-1", "maxPods: 50\n");
    assert_eq!(desk.run(&["apply", "-allow=drain", "plan"]).code, 1);
    died_on(&desk, "worker-2");
    tamper(&desk, |saved| "0.0.1".clone_into(&mut saved.plan.fingerprints.engine));
    let said = desk.run(&["apply", "-resume"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["Warning: Nodes are still out of service", "`worker-2` is cordoned", "E0870"] {
        assert!(said.err.contains(words), "{}", said.all());
    }
    assert!(said.err.contains("Error: Plan of another version"), "{}", said.all());
    // A new apply brings it back, and what runs after all is silent.
    let said = desk.run(&["apply", "-auto-approve", "-allow=drain"]);
    assert_eq!((said.code, changed(&desk)), (0, NODES.to_vec()), "{}", said.all());
    assert_eq!(desk.look("v1", "Node", "", "worker-2")["spec"]["unschedulable"], Json::Null);
    assert!(!desk.run(&["plan"]).all().contains("E0870"));
}

/// The run of the saved plan left this node out of service.
fn died_on(desk: &Desk, node: &str) {
    let plan = local::read_plan(&desk.dir().join("plan")).unwrap().plan;
    desk.somebody_writes(&format!(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: {node}\n  \
         annotations: {{clinch/cordoned: v1 {} {}}}\nspec: {{unschedulable: true}}\n\
         status: {{conditions: [{{type: Ready, status: 'True'}}]}}\n",
        plan.project, plan.id
    ));
}

/// The change was bad, so the configuration is taken back: nothing is left to do on the node that
/// the run died on, and it is out of service all the same.
#[test]
fn configuration_that_is_taken_back_brings_back_the_node_that_the_run_died_on() {
    let desk = desk("");
    assert_eq!(desk.run(&["plan", "-out=plan"]).code, 0);
    edit(&desk, "worker-1", "maxPods: 50\n");
    assert_eq!(desk.run(&["apply", "-allow=drain", "plan"]).code, 1);
    died_on(&desk, "worker-2");
    desk.write("main.hcl", "data \"nodes\" \"all\" {}\n");
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 2, "{}", said.all());
    let shown = "What a run that was not finished left out of service is brought back in these \
                 steps:\n  node/worker-2 (left out of service)\n      1. take over the cordon of \
                 node worker-2\n      2. uncordon node worker-2 when it is ready\n";
    assert!(said.out.contains(shown), "{}", said.all());
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!((said.code, changed(&desk)), (0, Vec::new()), "{}", said.all());
    assert_eq!(desk.look("v1", "Node", "", "worker-2")["spec"]["unschedulable"], Json::Null);
    let said = desk.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!said.all().contains("E0870"), "{}", said.all());
}

#[test]
fn machines_are_told_the_rules_and_the_batches() {
    let desk = desk("max_unavailable = 2\n  canary = 1\n  pause_between = \"90s\"");
    assert_eq!(desk.run(&["plan", "-out=plan"]).code, 0);
    let said = desk.run(&["show", "-json", "plan"]);
    let shown: Json = serde_json::from_str(&said.out).unwrap();
    let rollout = |control_plane: bool, most: u32, batches: &[&[&str]]| {
        serde_json::json!({
            "name": "workers",
            "control_plane": control_plane,
            "batches": batches,
            "max_unavailable": most,
            "max_failures": 0,
            "pause_seconds": 90,
            "window": null,
        })
    };
    // The sandbox has a control plane of its own.
    let of_workers = rollout(false, 2, &[&["worker-1"], &["worker-2", "worker-3"]]);
    let of_control_plane = rollout(true, 1, &[&["control-plane-1"]]);
    assert_eq!(shown["x_ops"]["rollouts"], Json::from(vec![of_workers, of_control_plane]));
    let said = desk.run(&["show", "plan"]);
    let line = "  rollout.workers: 3 nodes, at most 2 at a time, in batches of 1, 2, 1m30s between \
                batches, until one fails";
    assert!(said.out.contains(line), "{}", said.out);
}
