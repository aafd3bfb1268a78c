//! What others do to our objects on a real server: their fields are theirs, ours are ours.

use super::site::Site;
use super::stage::Stage;
use serde_json::Value as Json;

#[test]
fn a_quota_edited_with_kubectl_is_drift_and_what_others_added_is_not() {
    let Some(stage) = Stage::real("drift") else { return };
    let site = Site::new(&stage, "quickstart");
    let namespace = format!("web-{}", site.own);
    let kubectl = |args: &[&str]| stage.kubectl(&[&["-n", &namespace], args].concat());
    site.well(&["apply", "-auto-approve"]);
    site.is_converged();

    let args = ["get", "resourcequota", "compute", "-o", "json", "--show-managed-fields"];
    let quota: Json = serde_json::from_str(&kubectl(&args)).unwrap();
    let entries = quota["metadata"]["managedFields"].as_array().unwrap();
    let ours: Vec<&Json> = entries.iter().filter(|e| e["manager"] == "clinch").collect();
    assert_eq!(ours.len(), 1, "{quota:#}");
    assert_eq!(ours[0]["operation"], "Apply");
    assert!(ours[0]["fieldsV1"]["f:spec"]["f:hard"]["f:pods"].is_object(), "{quota:#}");
    assert_eq!(quota["metadata"]["labels"]["app.kubernetes.io/managed-by"], "clinch");

    // What somebody else adds is theirs.
    kubectl(&["label", "resourcequota", "compute", "cost-centre=42"]);
    kubectl(&["annotate", "limitrange", "memory", "reviewed=yes"]);
    stage.kubectl(&["label", "namespace", &namespace, "zone=a"]);
    let quota = r#"{"spec":{"hard":{"services":"7"}}}"#;
    kubectl(&["patch", "resourcequota", "compute", "--type=merge", "-p", quota]);
    let said = site.well(&["drift"]);
    assert!(said.out.contains("No changes."), "{}", said.all());

    // What somebody else changes of ours is shown and taken back.
    let edit = r#"{"spec":{"hard":{"pods":"30"}}}"#;
    kubectl(&["patch", "resourcequota", "compute", "--type=merge", "-p", edit]);
    stage.kubectl(&["label", "namespace", &namespace, "--overwrite", "team=other"]);
    let said = site.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.out.contains("~ spec.hard.pods = \"30\" -> \"20\""), "{}", said.all());
    assert!(said.out.contains("team"), "{}", said.all());
    assert!(said.out.contains("Drift: 2 changed outside of clinch, 0 not yet applied."));
    site.well(&["apply", "-auto-approve"]);
    let hard = kubectl(&["get", "resourcequota", "compute", "-o", "jsonpath={.spec.hard}"]);
    assert!(hard.contains(r#""pods":"20""#) && hard.contains(r#""services":"7""#), "{hard}");
    site.is_converged();

    // What somebody deletes is missing, not forgotten.
    kubectl(&["delete", "limitrange", "memory"]);
    let said = site.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.out.contains("limit_range.memory"), "{}", said.all());
    site.well(&["apply", "-auto-approve"]);
    site.is_converged();
}

#[test]
fn a_kubectl_edit_is_drift_like_a_patch() {
    let Some(stage) = Stage::real("kubectl edit") else { return };
    let site = Site::new(&stage, "quickstart");
    let namespace = format!("web-{}", site.own);
    site.well(&["apply", "-auto-approve"]);
    let editor = "sed -i 's/requests.memory: 4Gi/requests.memory: 5Gi/'";
    let edit = ["-n", &namespace, "edit", "resourcequota", "compute"];
    stage.kubectl_with(&edit, &[("KUBE_EDITOR", editor)]);
    let said = site.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.out.contains("\"5Gi\" -> \"4Gi\""), "{}", said.all());
    assert!(said.out.contains("`kubectl-edit`"), "{}", said.all());
}

#[test]
fn a_deployment_scaled_with_kubectl_is_drift_and_one_that_a_controller_scales_is_a_conflict() {
    let Some(stage) = Stage::real("kubectl scale") else { return };
    let site = Site::new(&stage, "network-policy");
    let namespace = format!("policy-example-{}", site.own);
    site.well(&["apply", "-auto-approve"]);
    stage.kubectl(&["-n", &namespace, "scale", "deployment", "nginx", "--replicas=2"]);
    let said = site.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.out.contains("spec.replicas = 2 -> 1"), "{}", said.all());
    site.well(&["apply", "-auto-approve"]);
    site.is_converged();

    site.desk.write(
        "scaled.yaml",
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: nginx\n  \
             namespace: {namespace}\nspec:\n  replicas: 3\n"
        ),
    );
    let file = site.desk.dir().join("scaled.yaml").display().to_string();
    let manager = "--field-manager=autoscaler";
    stage.kubectl(&["apply", "--server-side", "--force-conflicts", manager, "-f", &file]);
    let said = site.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains("belongs to the field manager `autoscaler` and is `3`"));
    assert!(said.err.contains("`ignore_changes`"), "{}", said.all());
}
