//! Clusters that are not there.

use crate::files::nothing_is_planned;
use crate::support::{Desk, Said};

const TEAM: &str = "resource \"namespace\" \"team\" {\n  name = \"team\"\n}\n";
const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
clusters:
- name: a
  cluster: { server: 'http://127.0.0.1:9' }
users:
- { name: u, user: {} }
contexts:
- { name: staging, context: { cluster: a, user: u } }
- { name: production, context: { cluster: a, user: u } }
current-context: staging
";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM).write("kubeconfig", KUBECONFIG);
    desk
}

#[track_caller]
fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{}", said.all());
    for word in words {
        assert!(said.err.contains(word), "`{word}` is not in\n{}", said.err);
    }
    nothing_is_planned(&said.out);
}

#[test]
fn a_missing_kubeconfig_is_named_and_nothing_else_is_tried() {
    let desk = desk();
    for command in ["plan", "drift", "destroy"] {
        refused(&desk.run(&[command, "-kubeconfig", "nope"]), &["There is no file nope"]);
    }
    assert!(!desk.data().join("sandbox").exists(), "the sandbox is not a fallback");
}

#[test]
fn a_missing_context_is_told_with_those_that_there_are() {
    let said = desk().run(&["plan", "-kubeconfig", "kubeconfig", "-context", "prod"]);
    refused(&said, &["no context `prod`", "`production`", "`staging`", "-context=NAME"]);
}

#[test]
fn a_server_that_is_down_is_not_an_empty_cluster() {
    let desk = desk();
    let said = desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.all());
    for command in ["plan", "drift"] {
        let said = desk.run(&[command, "-kubeconfig", "kubeconfig"]);
        refused(&said, &["127.0.0.1:9", "`staging`", "refused"]);
    }
    assert_eq!(desk.run(&["state", "list"]).out, "namespace.team\n");
}

#[test]
fn a_kubeconfig_that_is_no_yaml_is_named_with_the_place() {
    let desk = desk();
    desk.write("kubeconfig", "clusters: [\n");
    refused(&desk.run(&["plan", "-kubeconfig", "kubeconfig"]), &["kubeconfig:", "not valid"]);
}

#[test]
fn a_cluster_block_without_its_file_is_refused() {
    let desk = desk();
    desk.write("cluster.hcl", "cluster \"main\" {\n  kubeconfig = \"nope\"\n}\n");
    refused(&desk.run(&["plan"]), &["There is no file nope"]);
}

#[test]
fn the_pinned_cluster_is_checked_before_anything_is_done() {
    let desk = desk();
    desk.write("kubeconfig", KUBECONFIG);
    desk.write(
        "cluster.hcl",
        "cluster \"main\" {\n  kubeconfig = \"kubeconfig\"\n  uid = \"x\"\n}\n",
    );
    // The server is down, so it cannot be recognised; that is not the same as being right.
    refused(&desk.run(&["plan"]), &["refused"]);
}

#[test]
fn a_sandbox_that_is_damaged_is_not_an_empty_one() {
    let desk = desk();
    assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
    let log = desk.data().join("sandbox/log.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = b'\0';
    std::fs::write(&log, bytes).unwrap();
    refused(&desk.run(&["plan"]), &["Sandbox cannot be opened", "damaged"]);
}
