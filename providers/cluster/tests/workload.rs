//! Priorities, disruption budgets and secrets: what they make of their arguments, and what
//! they refuse.

use crate::decide::settings;
use crate::kinds::{check, intent, named, notes};
use crate::support::answer;

#[test]
fn priority_class_becomes_that_of_the_api() {
    intent::<cluster::kinds::PriorityClass>(
        "name = \"batch\"\nvalue = -5\nglobal_default = true\npreemption_policy = \"Never\"",
        r#"{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "batch"},
            "value": -5, "globalDefault": true, "preemptionPolicy": "Never"}"#,
    );
}

#[test]
fn priorities_beyond_those_of_people_are_refused() {
    for (value, told) in [
        ("1000000000", ""),
        ("-2147483648", ""),
        ("1000000001", "1000000001 is more than 1000000000; higher values are the cluster's own."),
        ("-2147483649", "-2147483649 is less than -2147483648."),
        ("1.5", "1.5 is no whole number."),
    ] {
        let told = match told {
            "" => String::new(),
            told => format!("Error E0747 at `value`: Invalid priority class: {told}"),
        };
        check("priority_class", &format!("name = \"a\"\nvalue = {value}"), &told);
    }
    check("priority_class", "name = \"system-a\"\nvalue = 1\npreemption_policy = \"never\"", "
        Error E0747 at `name`: Invalid priority class: `system-a` begins with `system-`, as only the cluster's own do.
        Error E0747 at `preemption_policy`: Invalid priority class: There is no preemption policy `never`. [Did you mean `Never`?]
    ");
}

#[test]
fn class_that_becomes_the_default_says_so_once() {
    let args = "name = \"a\"\nvalue = 1\nglobal_default = true";
    let told = "global_default: all new pods that name no class get this priority";
    notes::<cluster::kinds::PriorityClass>(args, None, &[told]);
    notes::<cluster::kinds::PriorityClass>(args, Some(r#"{"globalDefault": true}"#), &[]);
}

/// Recorded from kube-apiserver 1.37.
#[test]
fn other_priority_replaces_the_class() {
    let live = r#"{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1000,
        "preemptionPolicy": "PreemptLowerPriority", "metadata": {"name": "a", "uid": "u1",
            "labels": {"applyset.kubernetes.io/part-of": "SET"}}}"#;
    let refused = r#"{"code": 422, "reason": "Invalid", "message": "...", "causes": [
        {"reason": "FieldValueForbidden", "message": "Forbidden: may not be changed in an update.", "field": "value"},
        {"reason": "FieldValueInvalid", "message": "Invalid value: \"Never\": field is immutable", "field": "preemptionPolicy"}]}"#;
    let case = settings()
        .of_kind("priority_class")
        .wanting("name = \"a\"\nvalue = 1001\npreemption_policy = \"Never\"");
    let told = answer(&case.live(live).refused(refused).plan());
    assert!(told.starts_with("Replace ("), "{told}");
    assert!(told.contains("replaced for `value`\nreplaced for `preemption_policy`"), "{told}");
}

const SELECTOR: &str = "\nselector {\n match_labels = { app = \"web\" }\n}";

fn budget(rest: &str) -> String {
    named(&format!("{rest}{SELECTOR}"))
}

#[test]
fn budget_becomes_that_of_the_api() {
    intent::<cluster::kinds::PodDisruptionBudget>(
        &budget("min_available = \"50%\"\nunhealthy_pod_eviction_policy = \"AlwaysAllow\""),
        r#"{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"namespace": "a", "name": "x"},
            "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}},
                     "unhealthyPodEvictionPolicy": "AlwaysAllow"}}"#,
    );
    // A number that is written as a text is no percentage, and would be refused.
    intent::<cluster::kinds::PodDisruptionBudget>(
        &named("max_unavailable = \"1\"\nselector {\n}"),
        r#"{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"namespace": "a", "name": "x"},
            "spec": {"maxUnavailable": 1, "selector": {}}}"#,
    );
}

#[test]
fn budget_says_one_thing() {
    check("pod_disruption_budget", &budget("min_available = 1\nmax_unavailable = 1"), "
        Error E0748 at `max_unavailable`: Invalid disruption budget: `min_available` and `max_unavailable` say the same from two sides. [Write one of the two.]
    ");
    check("pod_disruption_budget", &budget(""), "
        Error E0748 at ``: Invalid disruption budget: It says neither how many pods stay nor how many may be away. [Write `min_available` or `max_unavailable`.]
    ");
    for (share, why) in [
        ("-1", "-1 is negative."),
        ("0.5", "0.5 is no whole number of pods."),
        ("\"150%\"", "150% is more than all pods."),
        ("\"%\"", "`%` is no percentage."),
        ("\"-5%\"", "`-5%` is no percentage."),
        ("\"half\"", "`half` is neither a number nor a percentage."),
        ("true", "It must be a number or a percentage, not bool."),
    ] {
        check(
            "pod_disruption_budget",
            &budget(&format!("min_available = {share}")),
            &format!(
                "Error E0748 at `min_available`: Invalid disruption budget: {why} [Write a number such as 1, or a percentage such as \"50%\".]"
            ),
        );
    }
    check("pod_disruption_budget", &named("min_available = 1\nunhealthy_pod_eviction_policy = \"always\"\nselector {\n match_expressions {\n key = \"a\"\n operator = \"in\"\n }\n}"), "
        Error E0748 at `unhealthy_pod_eviction_policy`: Invalid disruption budget: There is no policy `always`. [Use `IfHealthyBudget` or `AlwaysAllow`.]
        Error E0748 at `selector.match_expressions[0].operator`: Invalid disruption budget: There is no operator `in`. [Did you mean `In`?]
    ");
}

#[test]
fn budget_without_room_is_warned_of() {
    let told = |share: &str, live: Option<&str>, why: &[&str]| {
        let expected: Vec<String> = why
            .iter()
            .map(|why| {
                format!(
                    "E0749 at {}: Under this budget {why}: a node with such a pod can not be \
                     drained, and an upgrade that drains it hangs.",
                    share.split(' ').next().unwrap()
                )
            })
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        notes::<cluster::kinds::PodDisruptionBudget>(&budget(share), live, &expected);
    };
    let three = Some(r#"{"status": {"expectedPods": 3}}"#);
    told("max_unavailable = 0", None, &["no pod may ever be away"]);
    told("max_unavailable = \"0%\"", None, &["no pod may ever be away"]);
    told("min_available = \"100%\"", None, &["all pods must stay"]);
    told("min_available = 3", three, &["3 pods must stay, and there are 3"]);
    told("min_available = 2", three, &[]);
    told("min_available = 3", Some(r#"{"status": {"expectedPods": 0}}"#), &[]);
    told("max_unavailable = 1", three, &[]);
    notes::<cluster::kinds::PodDisruptionBudget>(
        &named("min_available = 1\nselector {\n}"),
        None,
        &["selector: selects all pods of the namespace"],
    );
}

#[test]
fn secret_is_sent_in_base64_and_hidden_leaf_by_leaf() {
    let args = named("data = { a = \"x\" }\nbinary_data = { b = \"AAE=\" }\ntype = \"Opaque\"");
    let args = crate::support::arguments(
        &<cluster::kinds::Secret as cluster::api::ApiType>::schema(),
        &args,
    );
    let object = <cluster::kinds::Secret as cluster::api::ApiType>::intent(&args);
    assert_eq!(
        object.exposed().0,
        cluster::json::parse(
            r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a", "name": "x"},
                "data": {"a": "eA==", "b": "AAE="}, "type": "Opaque"}"#
        )
        .unwrap()
    );
    assert_eq!(
        format!("{:?}", object.get("data").unwrap()),
        "{\"a\": (sensitive value), \"b\": (sensitive value)}"
    );
}

#[test]
fn keys_of_a_secret_are_checked_and_no_value_is_quoted() {
    check("secret", &named("data = { \"a/b\" = \"hunter2\", c = \"hunter2\" }\nbinary_data = { c = \"hunter%\" }"), "
        Error E0735 at ``: Invalid data: `data[\"a/b\"]`: `a/b` cannot be a key: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+').
        Error E0735 at ``: Invalid data: `binary_data.c`: The value of `c` is not base64.
        Error E0735 at ``: Invalid data: `binary_data.c`: `c` is in `data` already.
    ");
    check("secret", &named("type = \"kubernetes.io/tls\"\ndata = { \"tls.crt\" = \"x\" }"), "
        Error E0735 at ``: Invalid data: `data`: A Secret of type `kubernetes.io/tls` needs the key `tls.key`.
    ");
    check("secret", &named("type = \"kubernetes.io/basic-auth\"\ndata = { user = \"x\" }"), "
        Error E0735 at ``: Invalid data: `data`: A Secret of type `kubernetes.io/basic-auth` needs the key `username` or `password`.
    ");
}
