//! What is decided about a file on a host.

use crate::support::{STRICT, answer, args, kind, plan, seen, told, unknown};
use plans::Problem;
use provider::Observation;
use values::{Path, Value};

#[track_caller]
fn check(args: Option<&Value>, observed: &Observation, expected: &str) {
    assert_eq!(answer(&plan(args, observed, &[])), expected);
}

#[test]
fn host_that_cannot_be_reached_is_reported_and_nothing_is_planned() {
    let problem = Problem::error(diags::Code("E0709"), "Unreachable", Path::of("node"), "No host.");
    let unknown = Observation::Unknown(problem);
    check(Some(&args(&["sctp"], true)), &unknown, "E0709 at `node`: No host.");
    check(None, &unknown, "E0709 at `node`: No host.");
}

#[test]
fn missing_file_is_created_and_loaded_modules_are_named() {
    check(
        Some(&args(&["sctp", "dccp"], true)),
        &seen(None, "", &["ext4", "sctp"]),
        "Create (Local)
after: mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=true
op: write /etc/modprobe.d/90-clinch-modules.conf on w1
note at `modules`: `sctp` is loaded, and stays so until it is unloaded or the node reboots",
    );
    let hyphened = plan(Some(&args(&["snd-pcm"], true)), &seen(None, "", &["snd_pcm"]), &[]);
    assert!(answer(&hyphened).contains("`snd-pcm` is loaded"));
}

#[test]
fn file_as_asked_for_is_no_change() {
    check(
        Some(&args(&["dccp", "sctp"], true)),
        &seen(Some(STRICT), "0644", &[]),
        "NoOp (Local)
before: mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=true
after: mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=true",
    );
}

/// Whatever differs is shown, down to a comment and the mode.
#[test]
fn every_difference_is_shown() {
    let mark = "# Managed by clinch (project shop)\n";
    for (content, mode, expected) in [
        (
            format!("{mark}blacklist rds\ninstall rds /bin/false\n"),
            "0644",
            "before: mode=\"0644\" modules=[\"rds\"] strict=true",
        ),
        (
            format!("{mark}blacklist dccp\nblacklist sctp\n"),
            "0644",
            "before: mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=false",
        ),
        (
            format!("{STRICT}options snd index=1\n"),
            "0644",
            "before: mode=\"0644\" modules=[\"dccp\", \"sctp\"] other_lines=[\"options snd index=1\"] strict=true",
        ),
        (
            STRICT.replace("install sctp /bin/false\n", ""),
            "0644",
            "before: mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=[\"dccp\"]",
        ),
        (
            STRICT.to_owned(),
            "0600",
            "before: mode=\"0600\" modules=[\"dccp\", \"sctp\"] strict=true",
        ),
        (
            format!("{STRICT}# by hand\n"),
            "0644",
            "before: content=\"# Managed by clinch (project shop)\\n# Changes made here are overwritten.\\nblacklist dccp\\ninstall dccp /bin/false\\nblacklist sctp\\ninstall sctp /bin/false\\n# by hand\\n\" mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=true",
        ),
    ] {
        let planned =
            plan(Some(&args(&["dccp", "sctp"], true)), &seen(Some(&content), mode, &[]), &[]);
        let text = answer(&planned);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[1]), ("Update (Local)", expected));
        assert_ne!(lines[1].strip_prefix("before"), lines[2].strip_prefix("after"));
        assert!(lines[3].ends_with("(guarded)"), "{text}");
    }
}

#[test]
fn file_of_others_is_neither_replaced_nor_removed() {
    let by_hand = seen(Some("blacklist sctp\n"), "0644", &[]);
    let exists = "E0762 at ``: w1:/etc/modprobe.d/90-clinch-modules.conf exists already and was not written by clinch.";
    check(Some(&args(&["sctp"], true)), &by_hand, exists);
    check(None, &by_hand, exists);
    let bank = seen(Some(&STRICT.replace("shop", "bank")), "0644", &[]);
    let other = "E0763 at ``: w1:/etc/modprobe.d/90-clinch-modules.conf belongs to project `bank`, and this is `shop`.";
    check(Some(&args(&["sctp"], true)), &bank, other);
    check(None, &bank, other);
}

#[test]
fn unwanted_file_is_removed_and_a_gone_one_forgotten() {
    check(
        None,
        &seen(Some(STRICT), "0644", &[]),
        "Delete (Local)
before: mode=\"0644\" modules=[\"dccp\", \"sctp\"] strict=true
op: remove /etc/modprobe.d/90-clinch-modules.conf on w1 (guarded)",
    );
    check(None, &seen(None, "", &[]), "Forget (Local)");
    check(None, &Observation::Absent, "Forget (Local)");
}

#[test]
fn modules_known_after_apply_are_written_late() {
    let mut late = args(&[], true).as_map().unwrap().clone();
    late.insert("modules".into(), Value::list([unknown(), "sctp".into()]));
    check(
        Some(&Value::map(late)),
        &seen(None, "", &[]),
        "Create (values known after apply)
after: mode=\"0644\" modules=[(known after apply), \"sctp\"] strict=true
op: write /etc/modprobe.d/90-clinch-modules.conf on w1",
    );
}

#[test]
fn ignored_modules_stay_as_they_are() {
    let file = seen(Some(STRICT), "0644", &[]);
    let planned = plan(Some(&args(&["rds"], true)), &file, &[Path::of("modules")]);
    assert!(answer(&planned).starts_with("NoOp"));
}

#[test]
fn sensitive_modules_are_in_no_debug_text() {
    let mut hidden = args(&[], true).as_map().unwrap().clone();
    hidden.insert("modules".into(), Value::list([Value::from("dongle_x").into_sensitive()]));
    let content = STRICT.replace("sctp", "dongle_x");
    for observed in [seen(None, "", &["dongle_x"]), seen(Some(&content), "0644", &["dongle_x"])] {
        let planned = plan(Some(&Value::map(hidden.clone())), &observed, &[]);
        assert!(!format!("{planned:?}").contains("dongle_x"), "{planned:?}");
    }
}

#[test]
fn names_that_are_no_modules_or_lead_elsewhere_are_refused_at_the_line() {
    let kind = kind();
    let problems = kind.check(&args(&["../sctp", "sctp.ko", "a b", "", "sctp", "snd-pcm"], true));
    assert_eq!(
        told(&problems),
        "E0761 at `modules[0]`: `../sctp` cannot be the name of a kernel module.
E0761 at `modules[1]`: `sctp.ko` cannot be the name of a kernel module.
E0761 at `modules[2]`: `a b` cannot be the name of a kernel module.
E0761 at `modules[3]`: `` cannot be the name of a kernel module."
    );
    for (node, name) in
        [("", "x"), ("../w1", "x"), ("w 1", "x"), ("w1", "../x"), ("w1", "X"), ("w1", "-x")]
    {
        let args = Value::map([("node", node.into()), ("name", name.into())]);
        assert!(kind.identify(&args).is_err(), "{node} {name}");
    }
}

#[test]
fn identity_is_stable_and_the_page_has_an_example() {
    let kind = kind();
    let identity = kind.identify(&args(&[], true)).unwrap();
    assert_eq!(identity.key.to_string(), "node/w1:/etc/modprobe.d/90-clinch-modules.conf");
    assert_eq!(kind.scope(&identity).to_string(), "node/w1");
    assert!(kind.page().contains("```hcl\nresource \"kernel_module_blacklist\""));
    for attr in &kind.schema().attrs {
        assert!(attr.doc.ends_with('.'), "{}", attr.name);
    }
}
