//! Definitions with their objects, on both servers: in one run, changed, and deleted.

use super::site::Site;
use super::stage::Stage;
use crate::support::Said;

/// A plural that nobody can guess, so that the order comes from the definition itself.
const INDICES: &str = r#"
resource "object" "definition" {
  manifest = {
    apiVersion = "apiextensions.k8s.io/v1"
    kind       = "CustomResourceDefinition"
    metadata   = { name = "indices.OWN.example.com" }
    spec = {
      group = "OWN.example.com"
      scope = "Namespaced"
      names = { plural = "indices", singular = "index", kind = "Index" }
      versions = [{
        name = "v1", served = true, storage = true
        schema = { openAPIV3Schema = {
          type       = "object"
          properties = { spec = { type = "object", properties = {
            size = { type = "integer", minimum = 1 }
          } } }
        } }
      }]
    }
  }
}

resource "object" "one" {
  manifest = {
    apiVersion = "OWN.example.com/v1"
    kind       = "Index"
    metadata   = { namespace = "search-OWN", name = "one-OWN" }
    spec       = { size = 3 }
  }
}

resource "config_map" "settings" {
  namespace = "search-OWN"
  name      = "settings"
  data      = { colour = "blue" }
}

resource "namespace" "search" {
  name = "search-OWN"
}
"#;

fn site(stage: &Stage) -> Site<'_> {
    let site = Site::new(stage, "quickstart");
    site.desk.write("main.hcl", INDICES.replace("OWN", &site.own));
    site
}

fn change(site: &Site<'_>, from: &str, to: &str) {
    let text = INDICES.replace(from, to);
    assert_ne!(text, INDICES);
    site.desk.write("main.hcl", text.replace("OWN", &site.own));
}

/// The first line comes before the second.
#[track_caller]
fn follows(said: &Said, first: &str, second: &str) {
    let at = |line: &str| {
        said.err.find(line).unwrap_or_else(|| panic!("no `{line}` in: {}", said.all()))
    };
    assert!(at(first) < at(second), "{}", said.all());
}

#[test]
fn objects_follow_their_definition_and_namespace_and_go_before_them() {
    for stage in Stage::both("definitions") {
        let site = site(&stage);
        let planned = site.well(&["plan"]);
        assert!(planned.out.contains("Plan: 4 to add, 0 to change, 0 to destroy."));
        let why = format!(
            "  # object.one will be created\n  # (not verified by the server: namespace \
             `search-{}` is created by this plan)",
            site.own
        );
        assert!(planned.out.contains(&why), "{}: {}", stage.name, planned.all());
        let applied = site.well(&["apply", "-auto-approve"]);
        follows(&applied, "object.definition: Creation complete", "object.one: Creating...");
        follows(&applied, "namespace.search: Creation complete", "object.one: Creating...");
        follows(&applied, "namespace.search: Creation complete", "config_map.settings: Creating");
        site.is_converged();
        let destroyed = site.well(&["destroy", "-auto-approve"]);
        let count = "note: of this kind now, all of this project: 1 Index (";
        assert!(destroyed.out.contains(count), "{}: {}", stage.name, destroyed.all());
        follows(&destroyed, "object.one: Destruction complete", "object.definition: Destroying");
        follows(&destroyed, "object.one: Destruction complete", "namespace.search: Destroying...");
        assert_eq!(site.objects().into_keys().collect::<Vec<_>>(), [""; 0], "{}", stage.name);
    }
}

#[test]
fn changed_definition_and_an_object_that_needs_the_change_are_one_run() {
    for stage in Stage::both("changed definition") {
        let site = site(&stage);
        site.well(&["apply", "-auto-approve"]);
        // The definition stays as it is: its schema is known here nevertheless.
        change(&site, "size = 3", "size = 0, colour = 1");
        let said = site.run(&["plan"]);
        assert_eq!(said.code, 1, "{}: {}", stage.name, said.all());
        for words in
            ["Objects of kind Index have no field `spec.colour`.", "`spec.size` is 0, below the"]
        {
            assert!(said.err.contains(words), "{}: {}", stage.name, said.all());
        }
        let both = INDICES
            .replace("size = 3", "size = 3, colour = \"red\"")
            .replace("minimum = 1 }", "minimum = 1 }\n            colour = { type = \"string\" }");
        site.desk.write("main.hcl", both.replace("OWN", &site.own));
        let applied = site.well(&["apply", "-auto-approve"]);
        assert!(applied.out.contains("0 added, 2 changed, 0 destroyed"), "{}", applied.all());
        follows(&applied, "object.definition: Modifications complete", "object.one: Modifying...");
        site.is_converged();
        site.well(&["destroy", "-auto-approve"]);
        assert_eq!(site.objects().into_keys().collect::<Vec<_>>(), [""; 0], "{}", stage.name);
    }
}
