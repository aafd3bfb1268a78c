//! What is decided about single settings of a node, and whose they are.

use crate::decide::settings;
use crate::support::{answer, arguments, kind, told};
use provider::Planned;

const WANTED: &str = r#"
    node   = "w1"
    labels = { disk = "ssd" }
    taint {
        key    = "dedicated"
        value  = "db"
        effect = "NoSchedule"
    }
"#;

/// A node with these labels, this spec, this record of what is ours, and other annotations.
fn node(labels: &str, spec: &str, record: &str, managers: &str) -> String {
    let annotations = match record {
        "" => "{}".to_owned(),
        record => format!("{{\"clinch/node-settings\": \"{record}\"}}"),
    };
    format!(
        r#"{{"apiVersion": "v1", "kind": "Node", "spec": {spec}, "metadata": {{"name": "w1",
            "uid": "u1", "resourceVersion": "7", "labels": {labels}, "annotations": {annotations},
            "managedFields": [{managers}]}}}}"#
    )
}

fn owner(manager: &str, fields: &str) -> String {
    format!(r#"{{"manager": "{manager}", "operation": "Update", "fieldsV1": {fields}}}"#)
}

fn plan(wanted: &str, live: &str) -> Planned {
    settings().of_kind("node_settings").wanting(wanted).live(live).plan()
}

#[track_caller]
fn is(wanted: &str, live: &str, expected: &str) {
    settings().of_kind("node_settings").wanting(wanted).live(live).is(expected);
}

const RECORD: &str = r"v1 shop\nlabel disk\ntaint dedicated:NoSchedule\n";
const SPEC: &str = r#"{"taints": [
    {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"},
    {"key": "dedicated", "value": "db", "effect": "NoSchedule"}]}"#;

#[test]
fn settings_that_a_node_lacks_are_set_with_the_record() {
    let bare = node(r#"{"kubernetes.io/os": "linux"}"#, "{}", "", "");
    is(WANTED, &bare, "
        Create (compared here)
        + labels.disk = \"ssd\"
        + node = \"w1\"
        + taint[0].effect = \"NoSchedule\"
        + taint[0].key = \"dedicated\"
        + taint[0].value = \"db\"
        op: set settings of node w1 guard {\"labels\": {\"disk\": null}, \"record\": null, \"taints\": {\"dedicated:NoSchedule\": null}, \"uid\": \"u1\"}
    ");
    let Planned::Decided(decision) = plan(WANTED, &bare) else { panic!() };
    let record = decision.ops[0].args.get("record").unwrap().as_str().unwrap();
    assert_eq!(record, "v1 shop\nlabel disk\ntaint dedicated:NoSchedule\n");
}

#[test]
fn nothing_is_done_when_all_is_as_wanted() {
    is(WANTED, &node(r#"{"disk": "ssd"}"#, SPEC, RECORD, ""), "NoOp (compared here)");
    // What was there as wanted is not taken over.
    is(WANTED, &node(r#"{"disk": "ssd"}"#, SPEC, "", ""), "NoOp (compared here)");
}

#[test]
fn what_is_not_wanted_any_more_goes_and_what_others_have_stays() {
    let live = node(r#"{"disk": "ssd", "rack": "7"}"#, SPEC, RECORD, "");
    is("node = \"w1\"\nlabels = { rack = \"7\" }", &live, "
        Update (compared here)
        - labels.disk = \"ssd\"
        - taint[0].effect = \"NoSchedule\"
        - taint[0].key = \"dedicated\"
        - taint[0].value = \"db\"
        op: set settings of node w1 guard {\"labels\": {\"disk\": \"ssd\"}, \"record\": \"v1 shop\\nlabel disk\\ntaint dedicated:NoSchedule\\n\", \"taints\": {\"dedicated:NoSchedule\": {\"effect\": \"NoSchedule\", \"key\": \"dedicated\", \"value\": \"db\"}}, \"uid\": \"u1\"}
    ");
}

#[test]
fn label_that_somebody_else_has_set_since_stays_when_it_is_not_wanted_any_more() {
    let other = owner("node-labeller", r#"{"f:metadata": {"f:labels": {"f:disk": {}}}}"#);
    let live = node(r#"{"disk": "hdd"}"#, "{}", r"v1 shop\nlabel disk\n", &other);
    let told = answer(&plan("node = \"w1\"", &live));
    assert!(told.contains("note at `labels.disk`: stays: someone else has set it since"), "{told}");
    let Planned::Decided(decision) = plan("node = \"w1\"", &live) else { panic!() };
    assert_eq!(decision.ops[0].args.get("labels"), None);
    assert!(decision.ops[0].args.get("record").unwrap().is_null());
}

#[test]
fn label_of_a_controller_is_an_error_and_one_set_by_hand_is_overwritten_in_the_open() {
    let fields = r#"{"f:metadata": {"f:labels": {"f:disk": {}}}}"#;
    let live = |manager: &str| node(r#"{"disk": "hdd"}"#, "{}", "", &owner(manager, fields));
    is("node = \"w1\"\nlabels = { disk = \"ssd\" }", &live("node-labeller"), "
        Error E0724 at `labels.disk`: Field of another manager: `labels.disk` of the node is `hdd` and belongs to the field manager `node-labeller`. [Remove it to leave it to `node-labeller`, or let `node-labeller` give it up.]
    ");
    let told = answer(&plan("node = \"w1\"\nlabels = { disk = \"ssd\" }", &live("kubectl-label")));
    let note = "note at `labels.disk`: was `hdd`, set by hand (`kubectl-label`); an apply \
                overwrites it";
    assert!(told.contains(note), "{told}");
}

#[test]
fn settings_of_another_project_and_a_record_of_another_version_are_refused() {
    is(WANTED, &node("{}", "{}", r"v1 bank\nlabel rack\n", ""), "
        Error E0722 at ``: Object of another project: The settings of node w1 belong to project `bank`. [Manage the settings of a node in one project only.]
    ");
    is(WANTED, &node("{}", "{}", r"v9 shop\n", ""), "
        Error E0744 at ``: Ownership is not understood: The annotation `clinch/node-settings` of the node says what of it is whose, and this version of clinch does not understand it: \"v9 shop\\n\". [Use the version of clinch that wrote it, or remove the annotation.]
    ");
}

#[test]
fn cordon_is_taken_back_only_when_it_is_ours_or_asked_for() {
    let cordoned = r#"{"unschedulable": true}"#;
    is("node = \"w1\"", &node("{}", cordoned, "", ""), "NoOp (compared here)");
    let told =
        answer(&plan("node = \"w1\"", &node("{}", cordoned, r"v1 shop\nunschedulable\n", "")));
    assert!(told.contains("- unschedulable = true"), "{told}");
    let drainer = owner("kubectl-cordon", r#"{"f:spec": {"f:unschedulable": {}}}"#);
    let live = node("{}", cordoned, "", &drainer);
    let told = answer(&plan("node = \"w1\"\nunschedulable = false", &live));
    let note = "was cordoned by `kubectl-cordon`; an apply lets pods come again";
    assert!(told.contains(note), "{told}");
}

#[test]
fn node_that_is_not_wanted_any_more_is_released_and_never_deleted() {
    let kind = kind("node_settings");
    let args = arguments(kind.schema(), "node = \"w1\"");
    let identity = kind.identify(&args).unwrap();
    let plan = |live: &str| {
        kind.plan(&provider::PlanRequest {
            identity: &identity,
            desired: None,
            observed: &provider::Observation::Present(cluster::json::parse(live).unwrap()),
            recorded: None,
            preview: None,
            asked: None,
            ignore: &[],
            created: &std::collections::BTreeSet::new(),
            project: "shop",
            protect: false,
            release: false,
            wait: None,
            adopt: false,
        })
    };
    let Planned::Decided(decision) = plan(&node(r#"{"disk": "ssd"}"#, SPEC, RECORD, "")) else {
        panic!()
    };
    assert_eq!(decision.action, plans::Action::Delete);
    let [op] = decision.ops.as_slice() else { panic!() };
    assert_eq!((op.name.as_str(), op.text.as_str()), ("set_node", "release settings of node w1"));
    assert!(op.args.get("record").unwrap().is_null());
    let Planned::Decided(decision) = plan(&node("{}", "{}", "", "")) else { panic!() };
    assert_eq!(decision.action, plans::Action::Forget);
}

#[test]
fn ignored_label_is_left_as_it_is() {
    let live = node(r#"{"disk": "hdd"}"#, "{}", r"v1 shop\nlabel disk\n", "");
    let case = settings()
        .of_kind("node_settings")
        .wanting("node = \"w1\"\nlabels = { disk = \"ssd\" }")
        .live(&live)
        .ignoring(values::Path::of("labels"));
    case.is("NoOp (compared here)");
}

#[test]
fn settings_are_checked_by_the_rules_of_nodes() {
    let kind = kind("node_settings");
    for (args, expected) in [
        ("labels = { \"a b\" = \"c\" }", "cannot be the key of a label"),
        (
            "annotations = { \"clinch/node-settings\" = \"x\" }",
            "clinch says what of the node is its own",
        ),
        (
            "taint {\n key = \"a\"\n effect = \"Never\"\n}",
            "There is no effect `Never`. [Use `NoSchedule`, `PreferNoSchedule` or `NoExecute`.]",
        ),
        (
            "taint {\n key = \"a\"\n value = \"b c\"\n effect = \"NoSchedule\"\n}",
            "No taint can have this value",
        ),
        (
            "taint {\n key = \"a\"\n effect = \"NoSchedule\"\n}\ntaint {\n key = \"a\"\n value = \"x\"\n effect = \"NoSchedule\"\n}",
            "There is another taint with this key and effect.",
        ),
    ] {
        let args = arguments(kind.schema(), &format!("node = \"w1\"\n{args}"));
        let found = told(&kind.check(&args));
        assert!(found.lines().count() == 1 && found.contains(expected), "{found}");
    }
}
