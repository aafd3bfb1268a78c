//! Types of objects in one configuration, on both servers.

use super::site::Site;
use super::stage::Stage;
use std::path::Path;

const CANARY: &str = "tr0ub4dor-and-3";

const TEAM: &str = r#"
variable "password" {
  sensitive = true
}

variable "role" {
  default = "view"
}

resource "namespace" "team" {
  name = "team-OWN"
}

resource "service_account" "builder" {
  namespace          = namespace.team.name
  name               = "builder"
  image_pull_secrets = [secret.registry.name]
}

resource "secret" "registry" {
  namespace = namespace.team.name
  name      = "registry"
  type      = "kubernetes.io/basic-auth"
  data      = { username = "builder", password = var.password }
}

resource "role" "pods" {
  namespace = namespace.team.name
  name      = "pods"

  rule {
    api_groups = [""]
    resources  = ["pods"]
    verbs      = ["get"]
  }
}

resource "role_binding" "builder" {
  namespace = namespace.team.name
  name      = "builder"

  role_ref {
    kind = "Role"
    name = role.pods.name
  }
  subject {
    kind      = "ServiceAccount"
    namespace = namespace.team.name
    name      = service_account.builder.name
  }
  subject {
    kind = "User"
    name = "ada"
  }
}

resource "cluster_role" "monitoring" {
  name = "monitoring-OWN"

  aggregation_rule {
    cluster_role_selector {
      match_labels = { "example.com/monitoring-OWN" = "true" }
    }
  }
}

resource "cluster_role_binding" "monitoring" {
  name = "monitoring-OWN"

  role_ref {
    name = var.role
  }
  subject {
    kind = "Group"
    name = "monitors"
  }
}

resource "priority_class" "batch" {
  name           = "batch-OWN"
  value          = 1000
  global_default = false
}

resource "pod_disruption_budget" "web" {
  namespace       = namespace.team.name
  name            = "web"
  max_unavailable = "25%"

  selector {
    match_labels = { app = "web" }
  }
}
"#;

/// Whether a text is in any file below a folder.
fn is_somewhere(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_somewhere(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn accounts_rights_secrets_and_budgets_live_on_both_servers() {
    for stage in Stage::both("types") {
        let site = Site::new(&stage, "quickstart");
        site.desk.write("main.hcl", TEAM.replace("OWN", &site.own));
        let password = format!("password={CANARY}");
        let planned = site.well(&["plan", "-out=tfplan", "-var", &password]);
        assert!(planned.out.contains("Plan: 9 to add, "), "{}", planned.all());
        let applied = site.well(&["apply", "-auto-approve", "-var", &password]);
        let again = site.well(&["plan", "-detailed-exitcode", "-var", &password]);
        assert!(again.out.contains("\nNo changes."), "{}: {}", stage.name, again.all());
        // Another role cannot be bound in place.
        let other = site.run(&["plan", "-var", &password, "-var", "role=edit"]);
        assert!(
            other.out.contains("Plan: 1 to add, 0 to change, 1 to destroy."),
            "{}",
            other.all()
        );
        let changed = site.run(&["plan", "-var", "password=other"]);
        assert!(changed.out.contains("data.password"), "{}: {}", stage.name, changed.all());
        assert!(changed.out.contains("Plan: 0 to add, 1 to change, 0 to destroy."));
        for said in [&planned, &applied, &again, &other, &changed] {
            assert!(!said.all().contains(CANARY), "{}: {}", stage.name, said.all());
        }
        assert!(!is_somewhere(&site.desk.dir(), CANARY), "{}", stage.name);
        // As the server would have it in base64.
        assert!(!is_somewhere(&site.desk.dir(), "dHIwdWI0ZG9yLWFuZC0z"), "{}", stage.name);
        site.well(&["destroy", "-auto-approve", "-var", &password]);
        assert_eq!(site.objects().into_keys().collect::<Vec<_>>(), [""; 0], "{}", stage.name);
    }
}
