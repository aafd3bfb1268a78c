//! What accounts, roles and bindings make of their arguments, and what they refuse.

use crate::decide::settings;
use crate::kinds::{check, intent, named, notes};

#[test]
fn account_names_the_secrets_of_its_images() {
    intent::<cluster::kinds::ServiceAccount>(
        &named("automount_service_account_token = false\nimage_pull_secrets = [\"a\", \"b\"]"),
        r#"{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "a", "name": "x"},
            "automountServiceAccountToken": false, "imagePullSecrets": [{"name": "a"}, {"name": "b"}]}"#,
    );
    check("service_account", &named("image_pull_secrets = [\"my_secret\"]"), "
        Error E0720 at `image_pull_secrets[0]`: Invalid name: `my_secret` cannot be the name of a Secret: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*').
    ");
}

#[test]
fn rules_become_those_of_the_api() {
    intent::<cluster::kinds::ClusterRole>(
        "name = \"system:x\"\nrule {\n api_groups = [\"\"]\n resources = [\"pods\"]\n resource_names = [\"a\"]\n verbs = [\"get\"]\n}\nrule {\n non_resource_urls = [\"/metrics\"]\n verbs = [\"get\"]\n}",
        r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:x"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]},
                      {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}"#,
    );
}

#[test]
fn what_a_rule_lacks_is_refused_at_the_line() {
    check("role", &named("rule {\n resources = [\"deployments\"]\n verbs = []\n}"), "
        Error E0745 at `rule[0].verbs`: Invalid rule of access: A rule needs at least one verb.
        Error E0745 at `rule[0].api_groups`: Invalid rule of access: A rule needs `api_groups`. [Write `api_groups = [\"apps\"]`.]
    ");
    check("role", &named("rule {\n resources = [\"pods\", \"things\"]\n verbs = [\"get\"]\n}"), "
        Error E0745 at `rule[0].api_groups`: Invalid rule of access: A rule needs `api_groups`. [For the core group (pods, services, secrets) write `api_groups = [\"\"]`.]
    ");
    check("cluster_role", "name = \"x\"\nrule {\n verbs = [\"get\"]\n}", "
        Error E0745 at `rule[0].resources`: Invalid rule of access: A rule needs `resources`.
        Error E0745 at `rule[0].api_groups`: Invalid rule of access: A rule needs `api_groups`. [For the core group (pods, services, secrets) write `api_groups = [\"\"]`.]
    ");
    check("cluster_role", "name = \"x\"\nrule {\n non_resource_urls = [\"/x\"]\n resources = [\"pods\"]\n verbs = [\"get\"]\n}", "
        Error E0745 at `rule[0].resources`: Invalid rule of access: A rule with `non_resource_urls` takes no `resources`. [Write two `rule` blocks.]
    ");
    check(
        "role",
        "namespace = \"a\"\nname = \"a/b\"",
        "
        Error E0720 at `name`: Invalid name: `a/b` cannot be a name: may not contain '/'.
    ",
    );
}

/// The server takes such rules, and they allow nothing.
#[test]
fn slips_that_the_server_takes_are_told() {
    let rule = |groups: &str, resources: &str, verbs: &str| {
        named(&format!(
            "rule {{\n api_groups = [{groups}]\n resources = [{resources}]\n verbs = [{verbs}]\n}}"
        ))
    };
    for (groups, resources, verbs, told) in [
        ("\"\"", "\"deployments\"", "\"get\"", "
            Warning E0746 at `rule[0].resources[0]`: Rule allows nothing: `deployments` are in the API group `apps`, and the rule is about \"\". [Write `api_groups = [\"apps\"]`.]
        "),
        ("\"\"", "\"Pod\", \"svc\", \"secret/status\"", "\"get\"", "
            Warning E0746 at `rule[0].resources[0]`: Rule allows nothing: Rules name resources in the plural, and `Pod` is none. [Write `pods`.]
            Warning E0746 at `rule[0].resources[1]`: Rule allows nothing: Rules name resources in the plural, and `svc` is none. [Write `services`.]
            Warning E0746 at `rule[0].resources[2]`: Rule allows nothing: Rules name resources in the plural, and `secret` is none. [Write `secrets/status`.]
        "),
        ("\"\"", "\"pods/logs\", \"pods/*\", \"podds\"", "\"lists\", \"GET\"", "
            Warning E0746 at `rule[0].verbs[0]`: Rule allows nothing: No request of the API has the verb `lists`. [Did you mean `list`?]
            Warning E0746 at `rule[0].verbs[1]`: Rule allows nothing: No request of the API has the verb `GET`. [Did you mean `get`?]
            Warning E0746 at `rule[0].resources[0]`: Rule allows nothing: `pods` have no subresource `logs`. [Did you mean `pods/log`?]
            Warning E0746 at `rule[0].resources[2]`: Rule allows nothing: There is no resource `podds` in these API groups. [Did you mean `pods`?]
        "),
        ("\"\", \"apps\"", "\"pods\", \"deployments/scale\", \"*\"", "\"*\", \"use\"", ""),
        ("\"example.com\"", "\"dongles\"", "\"get\", \"juggle\"", ""),
        ("\"*\"", "\"deployments\"", "\"get\"", ""),
    ] {
        check("role", &rule(groups, resources, verbs), told);
    }
    check("role", &named("rule {\n api_groups = [\"\"]\n resources = [\"pods\"]\n resource_names = [\"a\"]\n verbs = [\"get\", \"create\"]\n}"), "
        Warning E0746 at `rule[0].verbs[1]`: Rule allows nothing: A request to `create` names no object, so `resource_names` never allows it. [Allow `create` in a rule without `resource_names`.]
    ");
}

#[test]
fn gathered_rules_are_not_written_too() {
    intent::<cluster::kinds::ClusterRole>(
        "name = \"x\"\naggregation_rule {\n cluster_role_selector {\n match_labels = { a = \"b\" }\n }\n}",
        r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "x"},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}"#,
    );
    check("cluster_role", "name = \"x\"\nrule {\n api_groups = [\"\"]\n resources = [\"pods\"]\n verbs = [\"get\"]\n}\naggregation_rule {\n cluster_role_selector {\n match_labels = { \"a b\" = \"c\" }\n }\n}", "
        Error E0732 at `rule`: Field of the server: The rules of a role with `aggregation_rule` are gathered from other roles; what is written here would be overwritten. [Put the `rule` blocks into a role of its own, with a label that is selected.]
        Error E0745 at `aggregation_rule.cluster_role_selector[0].match_labels[\"a b\"]`: Invalid rule of access: `a b` cannot be the key of a label: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]').
    ");
}

#[test]
fn bindings_become_those_of_the_api() {
    intent::<cluster::kinds::ClusterRoleBinding>(
        "name = \"x\"\nrole_ref {\n name = \"view\"\n}\nsubject {\n kind = \"Group\"\n name = \"ops\"\n}",
        r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "x"},
            "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "Group", "name": "ops"}]}"#,
    );
}

#[test]
fn mistakes_in_a_binding_are_refused_at_the_line() {
    check("cluster_role_binding", "name = \"x\"\nrole_ref {\n kind = \"Role\"\n name = \"view\"\n}\nsubject {\n kind = \"ServiceAccount\"\n name = \"a\"\n}", "
        Error E0745 at `role_ref.kind`: Invalid binding: A role of one namespace cannot be bound for the whole cluster. [Use `ClusterRole`.]
        Error E0745 at `subject[0]`: Invalid binding: A `ServiceAccount` lives in a namespace, and none is given. [Write `namespace`.]
    ");
    check("role_binding", &named("role_ref {\n name = \"view\"\n api_group = \"rbac\"\n}\nsubject {\n kind = \"user\"\n name = \"\"\n}\nsubject {\n kind = \"User\"\n name = \"ada\"\n namespace = \"a\"\n}\nsubject {\n kind = \"ServiceAccount\"\n name = \"s\"\n api_group = \"rbac.authorization.k8s.io\"\n}"), "
        Error E0745 at `role_ref`: Invalid binding: `role_ref` needs a `kind`. [Write `kind = \"Role\"` or `kind = \"ClusterRole\"`.]
        Error E0745 at `role_ref.api_group`: Invalid binding: Roles are in the API group `rbac.authorization.k8s.io`, not in `rbac`. [Leave `api_group` out.]
        Error E0745 at `subject[0].name`: Invalid binding: `name` is empty.
        Error E0745 at `subject[0].kind`: Invalid binding: There is no kind `user` of subjects. [Did you mean `User`?]
        Error E0745 at `subject[1].namespace`: Invalid binding: A `User` lives in no namespace. [Remove `namespace`; for the account of pods write `kind = \"ServiceAccount\"`.]
        Error E0745 at `subject[2].api_group`: Invalid binding: A `ServiceAccount` is in the core group, not in `rbac.authorization.k8s.io`. [Leave `api_group` out.]
    ");
}

#[test]
fn rights_that_are_more_than_they_seem_are_noted() {
    notes::<cluster::kinds::Role>(
        &named(
            "rule {\n api_groups = [\"*\"]\n resources = [\"*\"]\n verbs = [\"*\"]\n}\nrule {\n api_groups = [\"\"]\n resources = [\"users\"]\n verbs = [\"impersonate\"]\n}",
        ),
        None,
        &[
            "rule[0].verbs: allows everything, as `cluster-admin` does",
            "rule[1].verbs: `impersonate` lets its holders get rights that nobody gave them",
        ],
    );
    notes::<cluster::kinds::ClusterRoleBinding>(
        "name = \"x\"\nrole_ref {\n name = \"cluster-admin\"\n}",
        None,
        &["role_ref.name: may do everything in the whole cluster"],
    );
}

const BINDING: &str = r#"
    namespace = "a"
    name      = "x"
    role_ref {
        kind = "Role"
        name = "reader"
    }
"#;

/// Recorded from kube-apiserver 1.37.
#[test]
fn rights_that_the_user_lacks_are_listed() {
    settings()
        .of_kind("role")
        .wanting("namespace = \"a\"\nname = \"x\"")
        .refused(
            r#"{"code": 403, "reason": "Forbidden", "message": "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"ada\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"s\"], Verbs:[\"get\" \"list\"]}\n{APIGroups:[\"apps\"], Resources:[\"deployments\"], Verbs:[\"*\"]}\n{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}"}"#,
        )
        .is("Error E0727 at `rule`: Rights that you do not have yourself: Role a/x would give \
             rights that user `ada` does not have, and the server lets nobody give away more \
             than they have. Lacking: get, list of secrets named s; * of deployments (apps); get \
             of /metrics. [Plan as somebody who has these rights, or let an administrator give \
             you the verb `escalate` on this role.]");
}

#[test]
fn long_list_of_lacking_rights_is_cut() {
    let one = r#"\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}"#;
    let message = format!(
        r#"{{"code": 403, "reason": "Forbidden", "message": "rolebindings.rbac.authorization.k8s.io \"x\" is forbidden: user \"ada\" (groups=[]) is attempting to grant RBAC permissions not currently held:{}"}}"#,
        one.repeat(80)
    );
    let case = settings().of_kind("role_binding").wanting(BINDING).refused(&message);
    let told = crate::support::answer(&case.plan());
    assert!(told.starts_with("Error E0727 at `role_ref`: "), "{told}");
    assert!(told.contains("get of pods; get of pods; and 75 more."), "{told}");
    assert!(told.contains("the verb `bind` on this role"), "{told}");
}

const NOT_FOUND: &str = r#"{"code": 404, "reason": "NotFound", "message":
    "rolebindings.rbac.authorization.k8s.io \"reader\" not found"}"#;

#[test]
fn binding_of_a_role_that_is_not_there_says_so() {
    settings().of_kind("role_binding").wanting(BINDING).refused(NOT_FOUND).is(
        "Error E0727 at `role_ref.name`: Role does not exist: There is no Role `reader`, and a \
         role that does not exist can only be bound by someone who has the verb `bind` on it. \
         [Check `role_ref`, or declare the role in this configuration.]",
    );
}

#[test]
fn binding_of_a_role_that_this_plan_creates_is_verified_when_it_is_there() {
    let planned = settings()
        .of_kind("role_binding")
        .wanting(BINDING)
        .refused(NOT_FOUND)
        .creating("rbac.authorization.k8s.io/Role/a/reader")
        .plan();
    let told = crate::support::answer(&planned);
    assert!(
        told.starts_with("Create (not verified: Role `reader` is created by this plan)"),
        "{told}"
    );
}

/// Recorded from kube-apiserver 1.37.
#[test]
fn other_role_replaces_the_binding() {
    let live = r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"namespace": "a", "name": "x", "uid": "u1",
            "labels": {"applyset.kubernetes.io/part-of": "SET"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "writer"}}"#;
    let refused = r#"{"code": 422, "reason": "Invalid", "message": "...", "causes": [
        {"reason": "FieldValueInvalid", "field": "roleRef", "message": "Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"reader\"}: cannot change roleRef"}]}"#;
    let case = settings().of_kind("role_binding").wanting(BINDING).live(live).refused(refused);
    let told = crate::support::answer(&case.plan());
    assert!(told.starts_with("Replace (not verified:"), "{told}");
    assert!(told.contains("replaced for `role_ref`"), "{told}");
    assert!(told.contains("~ roleRef.name = \"writer\" -> \"reader\""), "{told}");
}

#[test]
fn account_comes_after_the_secrets_of_its_images() {
    let kind = crate::support::kind("service_account");
    let text = named("image_pull_secrets = [\"registry\"]");
    let args = crate::support::arguments(kind.schema(), &text);
    let needs = kind.needs(&kind.identify(&args).unwrap(), &args);
    let needs: Vec<&str> = needs.iter().map(|key| &*key.0).collect();
    assert_eq!(needs, ["Namespace//a", "Secret/a/registry"]);
}
