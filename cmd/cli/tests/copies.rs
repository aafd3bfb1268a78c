//! Snapshots of the sandbox: taken, restored, and refused.

use crate::support::Desk;

const MAP: &str = r#"
resource "object" "settings" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "settings", namespace = "default" }
    data       = { level = "info" }
  }
}
"#;

#[test]
fn snapshot_of_the_sandbox_brings_its_objects_back() {
    let desk = Desk::new();
    desk.write("main.hcl", MAP);
    let early = desk.run(&["sandbox", "snapshot", "early.json"]);
    assert_eq!((early.code, early.err.contains("There is no sandbox in")), (1, true));
    assert_eq!(desk.run(&["apply", "-auto-approve"]).code, 0);
    let taken = desk.run(&["sandbox", "snapshot", "full.json"]);
    assert_eq!((taken.code, taken.all().trim()), (0, "Wrote full.json, secrets included."));
    assert_eq!(desk.run(&["destroy", "-auto-approve"]).code, 0);
    let restored = desk.run(&["sandbox", "restore", "full.json"]);
    assert_eq!(restored.code, 0, "{}", restored.all());
    let again = desk.run(&["sandbox", "snapshot", "again.json"]);
    assert_eq!(again.code, 0, "{}", again.all());
    let text = |name: &str| {
        let text = std::fs::read_to_string(desk.dir().join(name)).unwrap();
        // The version counts on; the objects are the same.
        text.split_once("\"objects\"").unwrap().1.to_owned()
    };
    assert_eq!(text("again.json"), text("full.json"));
}

#[test]
fn snapshot_of_another_time_or_of_nothing_is_refused_with_its_name() {
    let desk = Desk::new();
    desk.write("newer.json", r#"{"format":9,"version":1,"objects":[]}"#);
    desk.write("half.json", r#"{"format":1,"vers"#);
    let said = |file: &str| {
        let said = desk.run(&["sandbox", "restore", file]);
        assert_eq!(said.code, 1, "{}", said.all());
        let words: Vec<String> =
            said.err.split_whitespace().filter(|word| *word != "│").map(str::to_owned).collect();
        words.join(" ")
    };
    let newer = said("newer.json");
    assert!(newer.contains("newer.json is no snapshot: it has format 9"), "{newer}");
    let half = said("half.json");
    assert!(half.contains("half.json is no snapshot: it is not JSON, or cut short."), "{half}");
    let missing = said("missing.json");
    assert!(missing.contains("missing.json: "), "{missing}");
}
