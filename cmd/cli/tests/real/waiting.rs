//! How long is waited, and for what.

use super::site::Site;
use super::stage::Stage;

const CLAIM: &str = r#"
clinch {
  name = "OWN"
}
resource "namespace" "n" {
  name = "OWN"
}
resource "object" "claim" {
  manifest = {
    apiVersion = "v1"
    kind       = "PersistentVolumeClaim"
    metadata   = { name = "data", namespace = namespace.n.name }
    spec = {
      storageClassName = "nobody"
      accessModes      = ["ReadWriteOnce"]
      resources        = { requests = { storage = "1Gi" } }
    }
  }
  lifecycle {
    wait_timeout = "WAIT"
  }
}
"#;

const WEBHOOK: &str = r#"
clinch {
  name = "OWN"
}
resource "namespace" "n" {
  name = "OWN"
}
resource "object" "hook" {
  manifest = {
    apiVersion = "admissionregistration.k8s.io/v1"
    kind       = "ValidatingWebhookConfiguration"
    metadata   = { name = "OWN" }
    webhooks = [{
      name                    = "a.example.com"
      admissionReviewVersions = ["v1"]
      sideEffects             = "None"
      clientConfig            = { service = { name = "nobody", namespace = namespace.n.name } }
      namespaceSelector       = { matchLabels = { "kubernetes.io/metadata.name" = "OWN" } }
      rules = [{
        apiGroups   = [""]
        apiVersions = ["v1"]
        operations  = ["CREATE"]
        resources   = ["pods"]
      }]
    }]
  }
  lifecycle {
    wait_timeout = "WAIT"
  }
}
"#;

#[test]
fn a_resource_says_how_long_to_wait_for_it() {
    for stage in Stage::both("waiting for a claim") {
        let site = Site::new(&stage, "quickstart");
        let own = format!("waiting-{}", site.own);
        let with = |wait: &str| CLAIM.replace("OWN", &own).replace("WAIT", wait);
        site.desk.write("main.hcl", with("1s"));
        let said = site.run(&["apply", "-auto-approve"]);
        let words = "1 s were not enough; still awaited: PersistentVolumeClaim";
        assert!(said.code == 1 && said.err.contains(words), "{}: {}", stage.name, said.all());
        site.well(&["destroy", "-auto-approve"]);
        site.desk.write("main.hcl", with("0s"));
        site.well(&["apply", "-auto-approve"]);
        site.is_converged();
        let destroyed = site.well(&["destroy", "-auto-approve", "-allow=data"]);
        assert!(destroyed.out.contains("2 destroyed"), "{}", destroyed.all());
    }
}

#[test]
fn a_webhook_without_anybody_behind_it_is_not_written() {
    let Some(stage) = Stage::real("webhooks that nobody answers") else { return };
    let site = Site::new(&stage, "quickstart");
    let own = format!("hook-{}", site.own);
    let with = |wait: &str| WEBHOOK.replace("OWN", &own).replace("WAIT", wait);
    site.desk.write("main.hcl", with("1s"));
    let said = site.run(&["apply", "-auto-approve"]);
    let words = "Webhook without anybody behind it";
    assert!(said.code == 1 && said.err.contains(words), "{}", said.all());
    assert_eq!(site.objects().keys().filter(|k| k.contains("Webhook")).count(), 0);
    site.desk.write("main.hcl", with("0s"));
    site.well(&["apply", "-auto-approve"]);
    site.well(&["destroy", "-auto-approve"]);
}

const SERVICE: &str = r#"
clinch {
  name = "OWN"
}
resource "namespace" "n" {
  name = "OWN"
}
resource "object" "web" {
  manifest = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = { name = "web", namespace = namespace.n.name }
    spec       = { selector = { app = "nobody" }, ports = [{ port = 80 }] }
  }
}
"#;

#[test]
fn a_service_that_nothing_is_behind_is_a_warning_and_not_waited_for() {
    let Some(stage) = Stage::real("services without endpoints") else { return };
    let site = Site::new(&stage, "quickstart");
    let own = format!("service-{}", site.own);
    site.desk.write("main.hcl", SERVICE.replace("OWN", &own));
    let said = site.well(&["apply", "-auto-approve"]);
    for words in ["Warning: Service without endpoints", "with object.web", "`app=nobody` is ready"]
    {
        assert!(said.err.contains(words), "`{words}` is not in {}", said.all());
    }
    site.is_converged();
    site.well(&["destroy", "-auto-approve"]);
}
