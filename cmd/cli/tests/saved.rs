//! Saved plans: applied as they were reviewed, or refused.

use crate::support::{Desk, Said};

const TEAM: &str = "\
resource \"namespace\" \"team\" {
  name = \"team\"
}

resource \"config_map\" \"settings\" {
  namespace = namespace.team.name
  name      = \"settings\"
  data      = { colour = \"blue\" }
}
";

/// A desk where blue was applied and a plan for green is saved.
fn saved() -> Desk {
    let desk = Desk::new();
    desk.write("main.hcl", TEAM);
    assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
    desk.write("main.hcl", TEAM.replace("blue", "green"));
    let said = desk.run(&["plan", "-out=tfplan"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.err.contains("clinch apply tfplan"), "{}", said.err);
    desk
}

fn colour(desk: &Desk) -> String {
    let object = desk.look("v1", "ConfigMap", "team", "settings");
    object["data"]["colour"].as_str().unwrap_or("none").to_owned()
}

#[track_caller]
fn refused(said: &Said, word: &str) {
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.all().contains(word), "`{word}` is not in\n{}", said.all());
}

#[test]
fn a_saved_plan_is_its_own_approval_and_is_applied_as_it_was_shown() {
    let desk = saved();
    // What is in the files now is another matter.
    desk.write("main.hcl", TEAM.replace("blue", "red"));
    let said = desk.run(&["apply", "-input=false", "tfplan"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("0 added, 1 changed, 0 destroyed"), "{}", said.out);
    assert_eq!(colour(&desk), "green");
}

#[test]
fn a_plan_with_a_secret_from_outside_is_not_applied_with_another_or_none() {
    let desk = Desk::new();
    desk.write(
        "main.hcl",
        "variable \"token\" {\n  sensitive = true\n  default   = \"usual\"\n}\n\n\
         resource \"namespace\" \"team\" {\n  name = \"team\"\n}\n\n\
         resource \"config_map\" \"settings\" {\n  namespace = namespace.team.name\n  \
         name      = \"settings\"\n  data      = { colour = var.token }\n}\n",
    );
    assert_eq!(desk.run(&["plan", "-out=tfplan", "-var=token=red"]).code, 0);
    let said = desk.run(&["apply", "tfplan"]);
    refused(&said, "Plan needs its sensitive values again");
    assert!(said.err.contains("`token`") && said.err.contains("CLINCH_VAR_token"), "{}", said.err);
    assert_eq!(desk.run(&["apply", "-var=token=red", "tfplan"]).code, 0);
    assert_eq!(colour(&desk), "red");
    // One that was planned with its default has it in its sources, whatever is given now.
    assert_eq!(desk.run(&["plan", "-out=tfplan"]).code, 0);
    assert_eq!(desk.run(&["apply", "-var=token=red", "tfplan"]).code, 0);
    assert_eq!(colour(&desk), "usual");
}

#[test]
fn a_plan_is_applied_once() {
    let desk = saved();
    assert_eq!(desk.run(&["apply", "tfplan"]).code, 0);
    refused(&desk.run(&["apply", "tfplan"]), "A plan is applied once");
}

#[test]
fn a_plan_whose_object_somebody_changed_meanwhile_is_stale() {
    let desk = saved();
    desk.somebody_writes(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: team }\n\
         data: { colour: red }\n",
    );
    refused(&desk.run(&["apply", "tfplan"]), "was changed since the plan was made");
    assert_eq!(colour(&desk), "red");
}

#[test]
fn a_failed_step_is_a_diagnostic_with_its_place_in_json_too() {
    let desk = saved();
    desk.somebody_writes(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: team }\n\
         data: { colour: red }\n",
    );
    let said = desk.run(&["apply", "-json", "tfplan"]);
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{}", said.all());
    let lines = said.out.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    let told: Vec<_> = lines.filter(|l| l["type"] == "diagnostic").collect();
    assert_eq!(told.len(), 1, "{}", said.out);
    let told = &told[0]["diagnostic"];
    assert_eq!(told["severity"], "error");
    assert_eq!(told["address"], "config_map.settings");
    assert_eq!(told["range"]["filename"], "main.hcl");
    assert_eq!(told["range"]["start"]["line"], 5);
    assert_eq!(told["snippet"]["context"], "resource \"config_map\" \"settings\"");
}

#[test]
fn a_plan_whose_object_somebody_deleted_meanwhile_is_stale() {
    let desk = saved();
    desk.somebody_writes(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: team }\n\
         deleted: true\n",
    );
    let said = desk.run(&["apply", "tfplan"]);
    refused(&said, "settings");
    assert_eq!(colour(&desk), "none");
}

#[test]
fn a_plan_to_create_what_somebody_created_meanwhile_is_stale() {
    let desk = Desk::new();
    desk.write("main.hcl", "resource \"namespace\" \"team\" {\n  name = \"team\"\n}\n");
    assert_eq!(desk.run(&["plan", "-out=tfplan"]).code, 0);
    desk.somebody_writes("apiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n");
    refused(&desk.run(&["apply", "tfplan"]), "team");
    let said = desk.run(&["state", "list"]);
    assert_eq!(said.out, "", "it is not ours: {}", said.all());
}

#[test]
fn a_plan_that_was_tampered_with_is_refused() {
    let desk = saved();
    let path = desk.dir().join("tfplan");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [("green", "mauve"), ("\"version\":1", "\"version\":7")] {
        let other = text.replace(from, to);
        assert_ne!(text, other, "{from}");
        desk.write("tfplan", other);
        refused(&desk.run(&["apply", "tfplan"]), "Plan file cannot be trusted");
    }
    desk.write("tfplan", &text[..text.len() / 2]);
    refused(&desk.run(&["apply", "tfplan"]), "Plan file cannot be trusted");
    desk.write("tfplan", "not a plan");
    refused(&desk.run(&["show", "tfplan"]), "Plan file cannot be trusted");
    refused(&desk.run(&["apply", "nothing"]), "there is no such file");
    assert_eq!(colour(&desk), "blue");
}

#[test]
fn a_plan_for_another_cluster_is_refused() {
    let desk = saved();
    refused(&desk.line("CLINCH_DATA_DIR=elsewhere clinch apply tfplan"), "another cluster");
    assert_eq!(colour(&desk), "blue");
}

#[test]
fn a_plan_for_the_state_of_another_project_is_refused() {
    let desk = saved();
    std::fs::remove_file(desk.data().join("state.json")).unwrap();
    assert_eq!(desk.run(&["state", "rebuild"]).code, 0);
    refused(&desk.run(&["apply", "tfplan"]), "another state");
    assert_eq!(colour(&desk), "blue");
}

#[test]
fn a_plan_of_another_version_of_the_program_is_refused() {
    let desk = saved();
    let path = desk.dir().join("tfplan");
    let mut plan = local::read_plan(&path).unwrap();
    "0.0.1".clone_into(&mut plan.plan.fingerprints.engine);
    std::fs::remove_file(&path).unwrap();
    local::write_plan(&path, &plan).unwrap();
    refused(&desk.run(&["apply", "tfplan"]), "Plan of another version");
    assert_eq!(colour(&desk), "blue");
}

#[test]
fn a_plan_with_errors_is_not_saved() {
    let desk = saved();
    std::fs::remove_file(desk.dir().join("tfplan")).unwrap();
    desk.write("main.hcl", TEAM.replace("\"team\"", "\"Team_\""));
    assert_eq!(desk.run(&["plan", "-out=tfplan"]).code, 1);
    assert!(!desk.dir().join("tfplan").exists());
}

#[test]
fn a_saved_plan_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(saved().dir().join("tfplan")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
