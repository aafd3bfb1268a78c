//! Who may give rights away: only a real server asks.

use super::site::Site;
use super::stage::Stage;

/// A kubeconfig of an account that may make roles in a namespace, and read nothing secret.
fn maker(site: &Site<'_>, namespace: &str) -> std::path::PathBuf {
    let kubectl = |args: &[&str]| site.stage.kubectl(args);
    kubectl(&["create", "namespace", namespace]);
    kubectl(&["-n", namespace, "create", "serviceaccount", "maker"]);
    let account = format!("--serviceaccount={namespace}:maker");
    let verbs = "--verb=get,list,create,patch,update,delete";
    let resources = "--resource=roles,rolebindings";
    kubectl(&["-n", namespace, "create", "role", "maker", verbs, resources]);
    kubectl(&["-n", namespace, "create", "rolebinding", "maker", "--role=maker", &account]);
    // Everybody who plans must be able to tell which cluster it is.
    let system = ["-n", "kube-system"];
    let name = format!("maker-{}", site.own);
    let named = ["create", "role", &name, "--verb=get", "--resource=namespaces"];
    kubectl(&[&system[..], &named, &["--resource-name=kube-system"]].concat());
    let role = format!("--role={name}");
    kubectl(&[&system[..], &["create", "rolebinding", &name, &role, &account]].concat());
    let token = kubectl(&["-n", namespace, "create", "token", "maker"]);
    let text = std::fs::read_to_string(&site.stage.kubeconfig).unwrap();
    let lines = text.lines().filter_map(|line| {
        let line = line.to_owned();
        let credential = ["client-certificate", "client-key", "token"];
        if credential.iter().any(|name| line.trim().starts_with(name)) {
            return None;
        }
        let user = line.trim() == "user:";
        Some(if user { format!("{line}\n    token: {}", token.trim()) } else { line })
    });
    site.desk.write("maker.kubeconfig", lines.collect::<Vec<_>>().join("\n"));
    site.desk.dir().join("maker.kubeconfig")
}

#[test]
fn rights_that_the_planner_lacks_are_refused_in_the_plan_by_name() {
    let Some(stage) = Stage::real("privilege escalation") else { return };
    let site = Site::new(&stage, "quickstart");
    let namespace = format!("rights-{}", site.own);
    let kubeconfig = maker(&site, &namespace).display().to_string();
    let role = |resource: &str| {
        format!(
            "resource \"role\" \"r\" {{\n  namespace = \"{namespace}\"\n  name = \"r\"\n  rule {{\n    \
             api_groups = [\"\", \"rbac.authorization.k8s.io\"]\n    resources = [\"{resource}\"]\n    \
             verbs = [\"get\"]\n  }}\n}}\n"
        )
    };
    let binding = |name: &str| {
        format!(
            "resource \"role_binding\" \"b\" {{\n  namespace = \"{namespace}\"\n  name = \"b\"\n  \
             role_ref {{\n    kind = \"Role\"\n    name = \"{name}\"\n  }}\n}}\n"
        )
    };
    let plan = |text: &str| {
        site.desk.write("main.hcl", text);
        site.desk.run(&["plan", "-kubeconfig", &kubeconfig])
    };
    let said = plan(&role("secrets"));
    let words = "Lacking: get of secrets";
    assert!(said.code == 1 && said.err.contains(words), "{}", said.all());
    assert!(said.err.contains("Error: Rights that you do not have yourself"), "{}", said.all());
    let said = plan(&binding("nobody"));
    assert!(said.code == 1 && said.err.contains("Error: Role does not exist"), "{}", said.all());
    // A role and its binding in one plan: the binding is asked about when the role is there.
    site.desk.write("main.hcl", role("roles") + &binding("r"));
    let said = site.desk.run(&["apply", "-auto-approve", "-kubeconfig", &kubeconfig]);
    assert!(said.code == 1 && said.err.contains("Lacking: get of roles"), "{}", said.all());
    let kubectl = ["-n", "kube-system", "delete", "role,rolebinding"];
    site.stage.kubectl(&[&kubectl[..], &[&format!("maker-{}", site.own)]].concat());
}
