//! What each type makes of its arguments, and what it refuses at which line.

use crate::support::{arguments, kind, told};
use cluster::api::ApiType;
use cluster::json;
use provider::{Observation, PlanRequest, Planned, Preview};
use std::collections::BTreeSet;
use values::Value;

/// What is wrong with these arguments: code, path and explanation, one a line.
#[track_caller]
pub(crate) fn check(ty: &str, args: &str, expected: &str) {
    let kind = kind(ty);
    let args = arguments(kind.schema(), args);
    let mut problems = kind.identify(&args).err().unwrap_or_default();
    problems.extend(kind.check(&args));
    let found = told(&problems);
    let lines = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&found), lines(expected), "\n{found}\n");
}

/// The object that these arguments become.
#[track_caller]
pub(crate) fn intent<T: ApiType>(args: &str, expected: &str) {
    let args = arguments(&T::schema(), args);
    assert_eq!(T::intent(&args), json::parse(expected).unwrap());
}

/// What is told about a change of these arguments over this object.
#[track_caller]
pub(crate) fn notes<T: ApiType>(args: &str, live: Option<&str>, expected: &[&str]) {
    let args = arguments(&T::schema(), args);
    let live = live.map(|live| json::parse(live).unwrap());
    let (notes, warnings) = T::notes(&cluster::api::Seen { args: &args, live: live.as_ref() });
    let notes = notes.iter().map(|note| format!("{}: {}", note.path, note.text));
    let warnings = warnings.iter().map(|w| format!("{} at {}: {}", w.code, w.path, w.detail));
    assert_eq!(notes.chain(warnings).collect::<Vec<_>>(), expected);
}

const NAMED: &str = "namespace = \"a\"\nname = \"x\"\n";

pub(crate) fn named(rest: &str) -> String {
    format!("{NAMED}{rest}")
}

#[test]
fn names_are_checked_by_the_rules_of_the_api() {
    check("config_map", "namespace = \"A\"\nname = \"x_y\"", "
        Error E0720 at `namespace`: Invalid name: `A` cannot be a namespace: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?').
        Error E0720 at `name`: Invalid name: `x_y` cannot be a name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*').
    ");
    check(
        "config_map",
        "namespace = \"\"\nname = \"x\"",
        "
        Error E0720 at `namespace`: Invalid name: `namespace` is empty.
    ",
    );
}

#[test]
fn labels_of_ownership_cannot_be_set() {
    check("config_map", &named("labels = { \"app.kubernetes.io/managed-by\" = \"Helm\" }"), "
        Error E0733 at `labels[\"app.kubernetes.io/managed-by\"]`: Invalid label or annotation: The label `app.kubernetes.io/managed-by` says who manages the object. [Remove it; clinch writes it on every object that it owns.]
    ");
}

#[test]
fn keys_and_size_of_config_data_are_checked() {
    check("config_map", &named("data = { \"a/b\" = \"x\", \"..\" = \"y\" }\nbinary_data = { logo = \"%\" }"), "
        Error E0735 at `data[\"..\"]`: Invalid data: `..` cannot be a key: must not be '..'.
        Error E0735 at `data[\"a/b\"]`: Invalid data: `a/b` cannot be a key: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+').
        Error E0735 at `binary_data.logo`: Invalid data: The value of `logo` is not base64.
    ");
    check(
        "config_map",
        &named("data = { a = \"x\" }\nbinary_data = { a = \"eA==\" }"),
        "
        Error E0735 at `binary_data.a`: Invalid data: `a` is in `data` already.
    ",
    );
    let big = format!("data = {{ a = \"{}\" }}", "x".repeat(1024 * 1024 + 1));
    check("config_map", &named(&big), "
        Error E0735 at `data`: Invalid data: All values together have 1048577 bytes, and the server takes 1048576.
    ");
}

#[test]
fn pod_security_levels_become_labels() {
    intent::<cluster::kinds::Namespace>(
        "name = \"a\"\nlabels = { team = \"x\" }\npod_security {\n enforce = \"baseline\"\n enforce_version = \"v1.36\"\n}",
        r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {
            "team": "x", "pod-security.kubernetes.io/enforce": "baseline",
            "pod-security.kubernetes.io/enforce-version": "v1.36"}}}"#,
    );
    check("namespace", "name = \"a\"\npod_security {\n enforce = \"base-line\"\n warn_version = \"1.36\"\n}", "
        Error E0743 at `pod_security.enforce`: Invalid Pod Security setting: There is no level `base-line`. [Did you mean `baseline`?]
        Error E0743 at `pod_security.warn_version`: Invalid Pod Security setting: `1.36` is no version of the Pod Security rules. [Use `latest`, or a minor version such as `v1.36`.]
    ");
    check("namespace", "name = \"a\"\nlabels = { \"pod-security.kubernetes.io/warn\" = \"baseline\" }\npod_security {\n warn = \"baseline\"\n}", "
        Error E0743 at `labels[\"pod-security.kubernetes.io/warn\"]`: Label set twice: `pod-security.kubernetes.io/warn` is also set by `pod_security`. [Set it in one of the two.]
    ");
}

#[test]
fn rules_of_a_limit_are_refused_at_the_line() {
    for (limit, expected) in [
        ("type = \"Container\"\nmin = { memory = \"2Gi\" }\nmax = { memory = \"1Gi\" }", "
            Error E0736 at `limit[0].min.memory`: Invalid limit: `min` of `memory` is 2Gi, and `default_request`, which the server takes from `max`, is 1Gi: it must not be more.
        "),
        ("type = \"Container\"\ndefault = { cpu = 2 }\nmax = { cpu = \"1500m\" }", "
            Error E0736 at `limit[0].default.cpu`: Invalid limit: `default` of `cpu` is 2, and `max` is 1500m: it must not be more.
        "),
        ("type = \"Pod\"\ndefault = { cpu = 1 }", "
            Error E0736 at `limit[0].default`: Invalid limit: A limit of type `Pod` takes no `default`. [Defaults are for containers: use type `Container`.]
        "),
        ("type = \"PersistentVolumeClaim\"", "
            Error E0736 at `limit[0]`: Invalid limit: A limit of type `PersistentVolumeClaim` needs an amount of `storage` in `min` or `max`.
        "),
        ("type = \"container\"", "
            Error E0736 at `limit[0].type`: Invalid limit: There is no type `container` to limit. [Did you mean `Container`?]
        "),
        ("type = \"Container\"\nmax = { memroy = \"1Gi\", cpu = \"1 core\" }", "
            Error E0734 at `limit[0].max.cpu`: Invalid quantity: `1 core` is not a quantity: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'. [Write `1`.]
            Error E0736 at `limit[0].max.memroy`: Invalid limit: A container cannot ask for a resource `memroy`. [Did you mean `memory`?]
        "),
        ("type = \"Pod\"\nmin = { cpu = 1 }\nmax = { cpu = 2 }\nmax_limit_request_ratio = { cpu = 4, memory = \"0.5\" }", "
            Error E0736 at `limit[0].max_limit_request_ratio.cpu`: Invalid limit: The ratio of `cpu` is 4, and `max` is only 2.000 times `min`.
            Error E0736 at `limit[0].max_limit_request_ratio.memory`: Invalid limit: The ratio of `memory` is 500m, and must be at least 1.
        "),
        ("type = \"Container\"\ndefault = { \"example.com/dongle\" = 2 }\ndefault_request = { \"example.com/dongle\" = 1 }", "
            Error E0736 at `limit[0].default_request[\"example.com/dongle\"]`: Invalid limit: `example.com/dongle` cannot be overcommitted: `default` is 2 and `default_request` is 1, and they must be equal.
        "),
        ("type = \"Container\"\nmax = { memory = unknown }\nmin = { memory = \"1Gi\" }", ""),
    ] {
        check("limit_range", &named(&format!("limit {{\n{limit}\n}}")), expected);
    }
    check("limit_range", &named("limit {\n type = \"Pod\"\n}\nlimit {\n type = \"Pod\"\n}"), "
        Error E0736 at `limit[1].type`: Type limited twice: There is another `limit` block for `Pod`. [Put all into one block.]
    ");
}

#[test]
fn what_the_server_fills_into_a_limit_is_told() {
    notes::<cluster::kinds::LimitRange>(
        &named(
            "limit {\n type = \"Container\"\n max = { memory = \"1Gi\" }\n min = { memory = \"500Mi\", cpu = \"0.1\" }\n}",
        ),
        None,
        &[
            "limit[0].default.memory: the server fills in 1Gi",
            "limit[0].default_request.cpu: the server fills in 100m",
            "limit[0].default_request.memory: the server fills in 1Gi",
        ],
    );
}

#[test]
fn quota_below_what_is_used_names_the_excess() {
    let live = r#"{"status": {"used": {"requests.memory": "1536Mi", "pods": "3"}}}"#;
    notes::<cluster::kinds::ResourceQuota>(
        &named("hard = { pods = 3, \"requests.memory\" = \"1Gi\" }"),
        Some(live),
        &[
            "hard[\"requests.memory\"]: 1Gi is less than the 1536Mi that are used already, by 512Mi; nothing stops, nothing new starts",
            "E0738 at hard[\"requests.memory\"]: `hard[\"requests.memory\"]`: 1Gi is less than the 1536Mi that are used already, by 512Mi; nothing stops, nothing new starts.",
        ],
    );
    notes::<cluster::kinds::ResourceQuota>(&named("hard = { pods = 3 }"), Some("{}"), &[]);
}

#[test]
fn names_and_amounts_of_a_quota_are_refused_at_the_line() {
    check("resource_quota", &named("hard = { pod = 3, pods = \"2.5\", cpu = \"many\", memory = \"-1Gi\", \"count/deployments.apps\" = \"1500m\" }"), "
        Error E0737 at `hard[\"count/deployments.apps\"]`: Invalid quota: `count/deployments.apps` is counted, and 1500m is no whole number.
        Error E0734 at `hard.cpu`: Invalid quota: `many` is not a quantity: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'.
        Error E0737 at `hard.memory`: Invalid quota: `memory` is -1Gi, and must not be negative.
        Error E0737 at `hard.pod`: Invalid quota: `pod` is no resource that a quota knows. [Did you mean `pods`?]
        Error E0737 at `hard.pods`: Invalid quota: `pods` is counted, and 2.5 is no whole number.
    ");
    check("resource_quota", &named("hard = { \"example.com/dongle\" = 1, \"limits.example.com/dongle\" = 1, \"requests.example.com/dongle\" = \"1.5\", \"gold.storageclass.storage.k8s.io/requests.storage\" = \"1Ti\" }"), "
        Error E0737 at `hard[\"example.com/dongle\"]`: Invalid quota: A quota knows an extended resource by its requests, not as `example.com/dongle`. [Write `requests.example.com/dongle`.]
        Error E0737 at `hard[\"limits.example.com/dongle\"]`: Invalid quota: A quota can cap only the requests of an extended resource, not `limits.example.com/dongle`. [Write `requests.example.com/dongle`.]
        Error E0737 at `hard[\"requests.example.com/dongle\"]`: Invalid quota: `requests.example.com/dongle` is counted, and 1.5 is no whole number.
    ");
}

#[test]
fn scopes_of_a_quota_are_refused_at_the_line() {
    check("resource_quota", &named("hard = { pods = 1, \"requests.storage\" = \"1Gi\" }\nscopes = [\"BestEffort\", \"NotBestEffort\", \"PriorityClass\", \"Terminatin\"]"), "
        Error E0737 at `scopes[2]`: Invalid scope: `PriorityClass` needs an operator. [Write a `scope_selector` block.]
        Error E0737 at `scopes[1]`: Invalid scope: `NotBestEffort` and `BestEffort` exclude each other.
        Error E0737 at `scopes[3]`: Invalid scope: There is no scope `Terminatin`. [Did you mean `Terminating`?]
        Error E0737 at `hard[\"requests.storage\"]`: Invalid scope: A quota of scope `BestEffort` cannot cap `requests.storage`.
    ");
    check("resource_quota", &named("hard = { pods = 1 }\nscope_selector {\n match {\n scope = \"PriorityClass\"\n operator = \"In\"\n}\n match {\n scope = \"BestEffort\"\n operator = \"NotIn\"\n}\n}"), "
        Error E0737 at `scope_selector.match[0].operator`: Invalid scope: `In` needs `values`.
        Error E0737 at `scope_selector.match[1].operator`: Invalid scope: `BestEffort` can only be asked with `Exists`.
    ");
    intent::<cluster::kinds::ResourceQuota>(
        &named(
            "hard = { pods = 1 }\nscope_selector {\n match {\n scope = \"PriorityClass\"\n operator = \"In\"\n values = [\"high\"]\n}\n}",
        ),
        r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "x", "namespace": "a"},
            "spec": {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}}"#,
    );
}

/// The policies of the documentation and what each block means.
#[test]
fn blocks_of_a_policy_become_rules() {
    for (blocks, spec) in [
        ("policy_types = [\"Ingress\"]", r#"{"podSelector": {}, "policyTypes": ["Ingress"]}"#),
        ("ingress {\n}", r#"{"podSelector": {}, "ingress": [{}]}"#),
        (
            "pod_selector {\n match_labels = { app = \"nginx\" }\n}\ningress {\n from {\n pod_selector {\n match_labels = { access = \"true\" }\n}\n}\n}",
            r#"{"podSelector": {"matchLabels": {"app": "nginx"}},
                "ingress": [{"from": [{"podSelector": {"matchLabels": {"access": "true"}}}]}]}"#,
        ),
        (
            "egress {\n to {\n namespace_selector {\n}\n}\n to {\n ip_block {\n cidr = \"0.0.0.0/0\"\n except = [\"169.254.169.254/32\"]\n}\n}\n port {\n port = \"dns\"\n protocol = \"UDP\"\n}\n port {\n port = \"8000\"\n end_port = 9000\n}\n}",
            r#"{"podSelector": {}, "egress": [{"to": [{"namespaceSelector": {}},
                {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}],
                "ports": [{"port": "dns", "protocol": "UDP"}, {"port": 8000, "endPort": 9000}]}]}"#,
        ),
    ] {
        let expected = format!(
            r#"{{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {{"name": "x", "namespace": "a"}}, "spec": {spec}}}"#
        );
        intent::<cluster::kinds::NetworkPolicy>(&named(blocks), &expected);
    }
}

#[test]
fn addresses_ports_and_selectors_of_a_policy_are_refused_at_the_line() {
    for (rule, expected) in [
        ("from {\n ip_block {\n cidr = \"10.0.0.1\"\n}\n}", "
            Error E0739 at `ingress[0].from[0].ip_block.cidr`: Invalid network policy: `10.0.0.1` is not a block of addresses. [For one address write `10.0.0.1/32`.]
        "),
        ("from {\n ip_block {\n cidr = \"10.1.2.3/8\"\n except = [\"11.0.0.0/16\", \"10.0.0.0/8\", \"x\"]\n}\n}", "
            Warning E0739 at `ingress[0].from[0].ip_block.cidr`: Invalid network policy: `10.1.2.3/8` has bits behind its prefix, which do not count. [Write `10.0.0.0/8`.]
            Error E0739 at `ingress[0].from[0].ip_block.except[0]`: Invalid network policy: `11.0.0.0/16` does not lie inside of `10.1.2.3/8`.
            Error E0739 at `ingress[0].from[0].ip_block.except[1]`: Invalid network policy: `10.0.0.0/8` is the whole of `10.1.2.3/8`: nothing is left.
            Error E0739 at `ingress[0].from[0].ip_block.except[2]`: Invalid network policy: `x` is not a block of addresses.
        "),
        ("from {\n pod_selector {\n}\n ip_block {\n cidr = \"::/0\"\n}\n}", "
            Error E0739 at `ingress[0].from[0].ip_block`: Invalid network policy: An `ip_block` stands alone: a block of addresses has no pods. [Write two blocks; any of them is then allowed.]
        "),
        ("from {\n}", "
            Error E0739 at `ingress[0].from[0]`: Invalid network policy: It says nothing: `pod_selector`, `namespace_selector` or `ip_block` is needed. [To allow everything, leave the block out.]
        "),
        ("port {\n port = 70000\n protocol = \"tcp\"\n}", "
            Error E0739 at `ingress[0].port[0].port`: Invalid network policy: 70000 is no port: a whole number from 1 to 65535.
            Error E0739 at `ingress[0].port[0].protocol`: Invalid network policy: There is no protocol `tcp` for policies. [Did you mean `TCP`?]
        "),
        ("port {\n port = 90\n end_port = 80\n}\nport {\n port = \"web\"\n end_port = 80\n}\nport {\n port = \"Web_1\"\n}", "
            Error E0739 at `ingress[0].port[0].end_port`: Invalid network policy: The range ends at 80, before it begins at 90.
            Error E0739 at `ingress[0].port[1].end_port`: Invalid network policy: A range needs a number as `port` to begin with.
            Error E0739 at `ingress[0].port[2].port`: Invalid network policy: `Web_1` cannot be the name of a port: must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-).
        "),
        ("from {\n pod_selector {\n match_expressions = [{ key = \"a\", operator = \"In\" }, { key = \"b\", operator = \"exists\" }]\n}\n}", "
            Error E0739 at `ingress[0].from[0].pod_selector.match_expressions[0].operator`: Invalid network policy: `In` needs `values`.
            Error E0739 at `ingress[0].from[0].pod_selector.match_expressions[1].operator`: Invalid network policy: There is no operator `exists`. [Did you mean `Exists`?]
        "),
    ] {
        check("network_policy", &named(&format!("ingress {{\n{rule}\n}}")), expected);
    }
    check("network_policy", &named("policy_types = [\"ingress\"]"), "
        Error E0739 at `policy_types[0]`: Invalid network policy: There is no policy type `ingress`. [Did you mean `Ingress`?]
    ");
}

#[test]
fn policy_that_cuts_off_dns_or_ignores_its_rules_is_warned_about() {
    const DNS: &str = "Nothing here lets the selected pods reach DNS on port 53, so they cannot \
         resolve names unless another policy allows it.";
    for (blocks, expected) in [
        ("policy_types = [\"Egress\"]", vec![format!("E0740 at policy_types: {DNS}")]),
        ("egress {\n port {\n port = 443\n}\n}", vec![format!("E0740 at egress: {DNS}")]),
        ("egress {\n port {\n port = 53\n}\n}", vec![format!("E0740 at egress: {DNS}")]),
        ("egress {\n port {\n port = 53\n protocol = \"UDP\"\n}\n}", vec![]),
        ("egress {\n}", vec![]),
        ("policy_types = [\"Ingress\"]", vec![]),
        (
            "policy_types = [\"Ingress\"]\negress {\n}",
            vec![
                "E0740 at egress: `policy_types` has no `Egress`, so the `egress` blocks are ignored."
                    .to_owned(),
            ],
        ),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        notes::<cluster::kinds::NetworkPolicy>(&named(blocks), None, &expected);
    }
}

#[test]
fn manifest_must_say_which_object_is_meant() {
    for (manifest, expected) in [
        ("{ kind = \"ConfigMap\", metadata = { generateName = \"x-\" } }", "
            Error E0720 at `manifest.apiVersion`: Manifest does not say which object: `apiVersion` is missing.
            Error E0720 at `manifest.metadata.name`: Manifest does not say which object: `metadata.name` is missing. [`generateName` cannot be used: a name must be known before apply.]
        "),
        ("{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = unknown, namespace = \"a\" } }", "
            Error E0720 at `manifest.metadata.name`: Manifest does not say which object: `metadata.name` is known after apply, and which object is meant must be known before.
        "),
        ("{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"x\" } }", "
            Error E0720 at `manifest.metadata.namespace`: Manifest does not say which object: A ConfigMap lives in a namespace, and `metadata.namespace` is missing. [Write it, even if it is `default`.]
        "),
        ("{ apiVersion = \"v1\", kind = \"Node\", metadata = { name = \"x\", namespace = \"a\" } }", "
            Error E0720 at `manifest.metadata.namespace`: Manifest does not say which object: A Node lives in no namespace. [Remove `metadata.namespace`.]
        "),
        ("{ apiVersion = \"v1\", kind = \"List\", metadata = { name = \"x\" } }", "
            Error E0720 at `manifest.kind`: Manifest does not say which object: `List` is a list of objects, and a block is one object. [Use `for_each` over the items.]
        "),
        ("{ apiVersion = \"example.com/v1\", kind = \"Widget\", metadata = { name = \"x\" } }", ""),
    ] {
        check("object", &format!("manifest = {manifest}"), expected);
    }
}

#[test]
fn parts_that_only_the_server_writes_are_refused() {
    check(
        "object",
        "manifest = { apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"x\", namespace = \"a\", uid = \"u\", creationTimestamp = null, managedFields = [] }, status = { a = 1 } }",
        "
        Error E0732 at `manifest.status`: Field of the server: `status` is written by the server alone; an apply would ignore it. [Remove it from the configuration.]
        Error E0732 at `manifest.metadata.uid`: Field of the server: `metadata.uid` is written by the server alone; an apply would ignore it. [Remove it from the configuration.]
        ",
    );
    check(
        "object",
        "manifest = { apiVersion = \"apps/v1beta1\", kind = \"Deployment\", metadata = { name = \"x\", namespace = \"a\" } }",
        "
        Warning E0729 at `manifest.apiVersion`: Not in this version: No version of Kubernetes since 1.25 has a Deployment in `apps/v1beta1`. [Write `apiVersion: apps/v1`, and see what else differs.]
        ",
    );
}

#[test]
fn two_versions_of_one_object_have_one_key() {
    let kind = kind("object");
    let key = |version: &str| {
        let text = format!(
            "manifest = {{ apiVersion = \"{version}\", kind = \"HorizontalPodAutoscaler\", metadata = {{ name = \"x\", namespace = \"a\" }} }}"
        );
        kind.identify(&arguments(kind.schema(), &text)).unwrap().key.to_string()
    };
    assert_eq!(key("autoscaling/v1"), "autoscaling/HorizontalPodAutoscaler/a/x");
    assert_eq!(key("autoscaling/v2"), key("autoscaling/v1"));
}

#[test]
fn object_needs_what_it_names() {
    let kind = kind("object");
    let needs = |manifest: &str| {
        let args = arguments(kind.schema(), &format!("manifest = {manifest}"));
        let identity = kind.identify(&args).unwrap();
        kind.needs(&identity, &args).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        needs(
            "{ apiVersion = \"apps/v1\", kind = \"Deployment\", metadata = { name = \"d\", namespace = \"a\" }
               spec = { template = { spec = {
                 serviceAccountName = \"web\", priorityClassName = \"high\"
                 volumes = [{ name = \"v\", configMap = { name = \"settings\" } }, { name = \"s\", secret = { secretName = \"tls\" } }]
                 containers = [{ name = \"c\", envFrom = [{ secretRef = { name = \"env\" } }] }] } } } }"
        ),
        [
            "ConfigMap/a/settings",
            "Namespace//a",
            "Secret/a/env",
            "Secret/a/tls",
            "ServiceAccount/a/web",
            "scheduling.k8s.io/PriorityClass//high",
        ]
    );
    assert!(
        needs(
            "{ apiVersion = \"example.com/v1\", kind = \"Policy\", metadata = { name = \"p\" } }"
        )
        .contains(&"example.com/Policy".into())
    );
}

#[test]
fn extended_resource_is_counted_and_has_a_domain() {
    let check_one = |name: &str, quantity: &str, expected: &str| {
        let args = format!("node = \"w1\"\nname = \"{name}\"\nquantity = {quantity}");
        check("extended_resource", &args, expected);
    };
    check_one("example.com/dongle", "4", "");
    check_one("example.com/special-storage", "\"800Gi\"", "");
    check_one("example.com/dongle", "4.5", "
        Error E0741 at `quantity`: Invalid extended resource: 4.5 is no whole number, and an extended resource is counted.
    ");
    check_one(
        "example.com/dongle",
        "-1",
        "
        Error E0741 at `quantity`: Invalid extended resource: -1 is negative.
    ",
    );
    check_one("dongle", "1", "
        Error E0741 at `name`: Invalid extended resource: `dongle` has no domain: write it as `example.com/dongle`.
    ");
    check_one("kubernetes.io/dongle", "1", "
        Error E0741 at `name`: Invalid extended resource: `kubernetes.io/dongle` is in a domain that is reserved for Kubernetes.
    ");
}

/// What is planned for four dongles on a node whose status is this.
fn dongles(live: Option<&str>, wanted: bool, recorded: Option<&str>) -> String {
    let kind = kind("extended_resource");
    let args =
        arguments(kind.schema(), "node = \"w1\"\nname = \"example.com/dongle\"\nquantity = 4");
    let identity = kind.identify(&args).unwrap();
    let observed = match live {
        None => Observation::Absent,
        Some(status) => {
            let text = format!("{{\"metadata\": {{\"uid\": \"n1\"}}, \"status\": {status}}}");
            Observation::Present(json::parse(&text).unwrap())
        }
    };
    let recorded = recorded.map(|uid| plans::Recorded {
        identity: identity.clone(),
        uid: Some(uid.to_owned()),
        digest: String::new(),
        needs: Vec::new(),
        protected: false,
    });
    let planned = kind.plan(&PlanRequest {
        identity: &identity,
        desired: wanted.then_some(&args),
        observed: &observed,
        recorded: recorded.as_ref(),
        preview: None,
        asked: None,
        ignore: &[],
        created: &BTreeSet::new(),
        project: "shop",
        protect: false,
        release: false,
        wait: None,
        adopt: false,
    });
    crate::support::answer(&planned)
}

#[test]
fn p40_missing_zero_and_different_capacities_are_told_apart() {
    let capacity = |n: &str| {
        format!(
            "{{\"capacity\": {{\"example.com/dongle\": \"{n}\"}}, \"allocatable\": {{\"example.com/dongle\": \"{n}\"}}}}"
        )
    };
    let create = "Create (compared here)
  + name = \"example.com/dongle\"
  + node = \"w1\"
  + quantity = \"4\"
op: advertise example.com/dongle of node w1 guard {\"uid\": \"n1\"}";
    assert_eq!(dongles(Some("{}"), true, None), create);
    assert_eq!(
        dongles(Some("{}"), true, Some("n1")),
        format!(
            "{create}\nnote at `quantity`: missing: the node does not have it any more, as after it was removed and joined again"
        )
    );
    let update = |from: &str, note: &str| {
        format!(
            "Update (compared here)
  ~ quantity = \"{from}\" -> \"4\"
op: set example.com/dongle of node w1 guard {{\"uid\": \"n1\"}}
note at `quantity`: {note}"
        )
    };
    assert_eq!(
        dongles(Some(&capacity("0")), true, Some("n1")),
        update("0", "zero: the kubelet resets it when it starts with an empty directory")
    );
    assert_eq!(
        dongles(Some(&capacity("3")), true, Some("n1")),
        update("3", "different: someone else set it to 3")
    );
    assert_eq!(dongles(Some(&capacity("4000m")), true, None), "NoOp (compared here)");
    let behind = "{\"capacity\": {\"example.com/dongle\": \"4\"}, \"allocatable\": {\"example.com/dongle\": \"0\"}}";
    assert_eq!(
        dongles(Some(behind), true, None),
        "NoOp (compared here)\nnote at `quantity`: pods can be given 0: the kubelet has not taken it over"
    );
}

#[test]
fn capacity_is_removed_only_from_the_node_that_got_it() {
    let four = "{\"capacity\": {\"example.com/dongle\": \"4\"}}";
    assert_eq!(
        dongles(Some(four), false, Some("n1")),
        "Delete (compared here)
  - name = \"example.com/dongle\"
  - node = \"w1\"
  - quantity = \"4\"
op: remove example.com/dongle of node w1 guard {\"uid\": \"n1\"}"
    );
    assert_eq!(
        dongles(Some(four), false, Some("n0")),
        "Forget (compared here)\nnote at ``: the node was removed and joined again; what it has is not ours"
    );
    assert_eq!(
        dongles(Some("{}"), false, Some("n1")),
        "Forget (compared here)\nnote at ``: the node does not have it any more"
    );
    assert_eq!(
        dongles(None, true, None),
        "Error E0742 at `node`: Node does not exist: There is no node `w1` in the cluster. [Check the name; `data \"nodes\"` lists the names of all nodes.]"
    );
}

/// Any garbage in the answers of a server is planned as an error or a change, never a panic.
#[test]
fn strange_answers_of_a_server_do_not_panic() {
    let garbage = [
        Value::Null,
        true.into(),
        "x".into(),
        Value::list([Value::Null]),
        Value::empty_map(),
        Value::map([("metadata", "x".into()), ("code", "x".into()), ("causes", 1.into())]),
        json::parse(r#"{"code": 409, "causes": [1, {"reason": "FieldManagerConflict"}]}"#).unwrap(),
        json::parse(r#"{"code": 422, "causes": [{"field": "[[", "message": "is immutable"}]}"#)
            .unwrap(),
        json::parse(
            r#"{"metadata": {"managedFields": [{"manager": "clinch", "operation": "Apply",
            "apiVersion": "v1", "fieldsV1": {"f:data": {"k:x": {}, "v:": {}}, "x": 1}}]}}"#,
        )
        .unwrap(),
    ];
    let kind = kind("config_map");
    let args = arguments(kind.schema(), &named("data = { a = \"b\" }"));
    let identity = kind.identify(&args).unwrap();
    for live in &garbage {
        for answer in &garbage {
            for preview in
                [None, Some(Preview::Would(answer.clone())), Some(Preview::Refused(answer.clone()))]
            {
                for desired in [Some(&args), None] {
                    for observed in [Observation::Absent, Observation::Present(live.clone())] {
                        let planned = kind.plan(&PlanRequest {
                            identity: &identity,
                            desired,
                            observed: &observed,
                            recorded: None,
                            preview: preview.as_ref(),
                            asked: None,
                            ignore: &[values::Path::of("data.a"), values::Path::of("nothing")],
                            created: &BTreeSet::new(),
                            project: "shop",
                            protect: false,
                            release: false,
                            wait: None,
                            adopt: false,
                        });
                        let deletes = matches!(&planned, Planned::Decided(d) if d.action == plans::Action::Delete);
                        assert!(!deletes || !live.is_null(), "{planned:?}");
                    }
                }
            }
        }
    }
}
