//! What the configuration leaves to others.

use super::*;
use crate::support::answer;
use values::Path;

#[test]
fn ignored_argument_keeps_what_the_cluster_has() {
    let live = config_map(r#"{"color": "red", "theirs": "x"}"#, r#""f:color": {}"#, "");
    for path in ["data", "data.color"] {
        settings().live(&live).ignoring(Path::of(path)).is("NoOp (proven)");
    }
    // It does not exist yet: then the configuration counts.
    let created = settings().ignoring(Path::of("data")).would(&applied(r#"{"color": "blue"}"#));
    assert!(answer(&created.plan()).contains("+ data.color = \"blue\""));
}

/// An autoscaler took the replicas over and a person another image: neither is asked for
/// again, and what we still own of the ignored parts is not dropped.
#[test]
fn ignored_field_that_another_manager_took_over_is_not_claimed_back() {
    let live = |image_owned: &str| {
        format!(
            r#"{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{
                "name": "d", "namespace": "a", "uid": "u1", "resourceVersion": "7",
                "labels": {{"app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET"}},
                "managedFields": [{{"manager": "clinch", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {{
                    "f:metadata": {{"f:labels": {{"f:app.kubernetes.io/managed-by": {{}}, "f:applyset.kubernetes.io/part-of": {{}}}}}},
                    "f:spec": {{"f:template": {{"f:spec": {{"f:containers": {{
                        "k:{{\"name\":\"c\"}}": {{".": {{}}, "f:name": {{}}{image_owned}}}}}}}}}}}}}}}]}},
                "spec": {{"replicas": 5, "template": {{"spec": {{"containers": [
                    {{"name": "sidecar", "image": "s:1"}}, {{"name": "c", "image": "i:2"}}]}}}}}}}}"#
        )
    };
    let deployment = r#"manifest = {
        apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "d", namespace = "a" }
        spec = { replicas = 2, template = { spec = { containers = [{ name = "c", image = "i:1" }] } } }
    }"#;
    let containers = Path::of("manifest.spec.template.spec.containers");
    for image_owned in ["", r#", "f:image": {}"#] {
        settings()
            .of_kind("object")
            .wanting(deployment)
            .live(&live(image_owned))
            .ignoring(Path::of("manifest.spec.replicas"))
            .ignoring(containers.clone().index(0).attr("image"))
            .is("NoOp (proven)");
    }
}

#[test]
fn ignored_block_stands_for_all_its_parts() {
    let live = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "uid": "u1",
        "labels": {"app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET",
            "pod-security.kubernetes.io/enforce": "restricted"},
        "managedFields": [{"manager": "clinch", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {
            "f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {},
                "f:applyset.kubernetes.io/part-of": {}}}}}]}}"#;
    let args = "name = \"a\"\npod_security {\n enforce = \"baseline\"\n}";
    let case = settings().of_kind("namespace").wanting(args).live(live);
    case.ignoring(Path::of("pod_security")).is("NoOp (proven)");
}
