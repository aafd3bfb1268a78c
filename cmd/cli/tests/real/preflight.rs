//! Rights: asked for before the first step, and what a plan says without them. Only a real
//! server refuses.

use super::site::Site;
use super::stage::Stage;
use std::path::{Path, PathBuf};

/// A kubeconfig for an account, by a token.
fn kubeconfig_of(site: &Site<'_>, namespace: &str, account: &str) -> PathBuf {
    let token = site.stage.kubectl(&["-n", namespace, "create", "token", account]);
    let text = std::fs::read_to_string(&site.stage.kubeconfig).unwrap();
    let lines = text.lines().filter_map(|line| {
        let credential = ["client-certificate", "client-key", "token"];
        if credential.iter().any(|name| line.trim().starts_with(name)) {
            return None;
        }
        let user = line.trim() == "user:";
        Some(if user { format!("{line}\n    token: {}", token.trim()) } else { line.to_owned() })
    });
    let name = format!("{account}.kubeconfig");
    site.desk.write(&name, lines.collect::<Vec<_>>().join("\n"));
    site.desk.dir().join(name)
}

/// An account that may look at `ConfigMap`s and accounts of a namespace, and at nothing else but
/// which cluster it is.
fn reader(site: &Site<'_>, namespace: &str) -> PathBuf {
    let kubectl = |args: &[&str]| site.stage.kubectl(args);
    kubectl(&["create", "namespace", namespace]);
    kubectl(&["-n", namespace, "create", "serviceaccount", "reader"]);
    let (verbs, resources) = ("--verb=get,list", "--resource=configmaps,serviceaccounts");
    kubectl(&["-n", namespace, "create", "role", "reader", verbs, resources]);
    let account = format!("--serviceaccount={namespace}:reader");
    kubectl(&["-n", namespace, "create", "rolebinding", "reader", "--role=reader", &account]);
    let name = format!("reader-{}", site.own);
    let system = ["-n", "kube-system", "create"];
    let role = ["role", &name, "--verb=get", "--resource=namespaces"];
    kubectl(&[&system[..], &role, &["--resource-name=kube-system"]].concat());
    let binding = ["rolebinding", &name, &format!("--role={name}"), &account];
    kubectl(&[&system[..], &binding].concat());
    kubeconfig_of(site, namespace, "reader")
}

fn forget(site: &Site<'_>, name: &str) {
    site.stage.kubectl(&["-n", "kube-system", "delete", "role,rolebinding", name]);
}

fn configuration(namespace: &str, colour: &str, more: &str) -> String {
    format!(
        "clinch {{\n  name = \"{namespace}\"\n}}\n\
         resource \"config_map\" \"same\" {{\n  namespace = \"{namespace}\"\n  name = \"same\"\n}}\n\
         resource \"config_map\" \"settings\" {{\n  namespace = \"{namespace}\"\n  \
         name = \"settings\"\n  data = {{ colour = \"{colour}\" }}\n}}\n{more}"
    )
}

fn account(namespace: &str) -> String {
    format!(
        "resource \"service_account\" \"new\" {{\n  namespace = \"{namespace}\"\n  \
         name = \"new\"\n}}\n"
    )
}

#[test]
fn whoever_may_only_read_gets_a_plan_that_says_so_and_an_apply_that_begins_nothing() {
    let Some(stage) = Stage::real("read-only planning") else { return };
    let site = Site::new(&stage, "quickstart");
    let namespace = format!("reading-{}", site.own);
    let reader = reader(&site, &namespace).display().to_string();
    let as_reader = |args: &[&str]| site.desk.run(&[args, &["-kubeconfig", &reader]].concat());
    site.desk.write("main.hcl", configuration(&namespace, "blue", ""));
    site.well(&["apply", "-auto-approve"]);

    // Nothing to do is proven from reading alone.
    let said = as_reader(&["plan", "-detailed-exitcode"]);
    assert!(said.code == 0 && said.out.contains("\nNo changes."), "{}", said.all());

    site.desk.write("main.hcl", configuration(&namespace, "red", &account(&namespace)));
    let said = as_reader(&["plan", "-detailed-exitcode", "-out", "saved"]);
    assert_eq!(said.code, 2, "{}", said.all());
    let user = format!("`system:serviceaccount:{namespace}:reader` may not patch");
    for words in [
        &*format!(
            "# (predicted locally, not verified by the server: {user} configmaps in namespace \
             `{namespace}`)"
        ),
        "data.colour = \"blue\" -> \"red\"",
        "\nPlan: 1 to add, 1 to change, 0 to destroy.\n",
        &*format!("Not verified by the server: 2 of 2 changes ({user} configmaps in namespace"),
        "Blocked: 3 rights are missing.",
    ] {
        assert!(said.out.contains(words), "`{words}` is not in {}", said.all());
    }
    for words in [
        "Warning: Rights are missing",
        &*format!(
            "create serviceaccounts in namespace `{namespace}` — needed by service_account.new"
        ),
        &*format!("patch configmaps in namespace `{namespace}` — needed by config_map.settings"),
        "resources: [\"configmaps\"], verbs: [\"patch\"]",
        "resources: [\"serviceaccounts\"], verbs: [\"create\", \"patch\"]",
    ] {
        assert!(said.err.contains(words), "`{words}` is not in {}", said.all());
    }

    let said = as_reader(&["show", "-json", "saved"]);
    let plan: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let asked = plan["x_ops"]["preflight"].as_array().unwrap();
    let missing: Vec<String> = asked
        .iter()
        .filter(|right| right["allowed"] == false)
        .map(|right| format!("{} {}", right["verb"], right["resource"]))
        .collect();
    let expected = [
        "\"create\" \"serviceaccounts\"",
        "\"patch\" \"configmaps\"",
        "\"patch\" \"serviceaccounts\"",
    ];
    assert_eq!(missing, expected);
    assert_eq!((&plan["applyable"], &plan["x_ops"]["unverified"]), (&false.into(), &2.into()));

    // The same user is refused before anything is written.
    for args in [&["apply", "-auto-approve"][..], &["apply", "saved"]] {
        let said = as_reader(args);
        assert!(said.code == 1 && said.err.contains("Error: Rights are missing"), "{}", said.all());
        assert!(said.err.contains("Nothing was done."), "{}", said.all());
        assert!(!site.desk.data().join("journal.jsonl").exists(), "nothing was begun");
    }
    // Somebody who has the rights may apply what was planned without them.
    let said = site.well(&["apply", "saved"]);
    assert!(said.out.contains("Resources: 1 added, 1 changed, 0 destroyed."), "{}", said.all());
    site.is_converged();

    // A deletion that may not be asked about is a prediction, too.
    site.desk.write("main.hcl", configuration(&namespace, "red", ""));
    let said = as_reader(&["plan"]);
    let words = format!("may not delete serviceaccounts in namespace `{namespace}`)");
    assert!(said.code == 0 && said.out.contains(&words), "{}", said.all());
    forget(&site, &format!("reader-{}", site.own));
}

#[test]
fn a_planner_that_a_policy_limits_to_dry_runs_plans_verified_and_applies_nothing() {
    let Some(stage) = Stage::real("a planner limited by a policy") else { return };
    let site = Site::new(&stage, "ci-planner");
    site.well(&["apply", "-auto-approve"]);
    let namespace = format!("ci-planner-example-{}", site.own);
    let planner = kubeconfig_of(&site, &namespace, "planner");
    let other = Site::new(&stage, "quickstart");
    let text = configuration(&namespace, "blue", "");
    other.desk.write("main.hcl", text);
    let as_planner = |args: &[&str]| plan_as(&other, &planner, args);
    let said = as_planner(&["plan"]);
    assert!(said.code == 0 && said.out.contains("Plan: 2 to add"), "{}", said.all());
    assert!(!said.out.contains("not verified"), "{}", said.all());
    let words = "this account may only ask what would happen (dry run)";
    let mut said = as_planner(&["apply", "-auto-approve"]);
    // A policy needs a moment until it is followed, which may be in the middle of an apply.
    for _ in 0..20 {
        if said.out.contains("Resources so far: 0 added") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        plan_as(&other, &stage.kubeconfig, &["destroy", "-auto-approve"]);
        said = as_planner(&["apply", "-auto-approve"]);
    }
    assert!(said.out.contains("Resources so far: 0 added"), "{}", said.all());
    assert!(said.code == 1 && said.err.contains(words), "{}", said.all());
    site.well(&["destroy", "-auto-approve"]);
}

fn plan_as(site: &Site<'_>, kubeconfig: &Path, args: &[&str]) -> crate::support::Said {
    let kubeconfig = kubeconfig.display().to_string();
    site.desk.run(&[args, &["-kubeconfig", &kubeconfig]].concat())
}
