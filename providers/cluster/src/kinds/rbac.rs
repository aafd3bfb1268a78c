//! Rules, subjects and references to roles: what the four types of RBAC share.

use crate::args::{each, get, items, put, renamed};
use crate::codes;
use apimachinery::{discovery, names};
use plans::{Note, Problem};
use values::{Attr, Map, Path, Role, Type, Value};

pub(super) const VERSION: &str = "rbac.authorization.k8s.io/v1";
const GROUP: &str = "rbac.authorization.k8s.io";

/// Verbs that the API server and its authorizers ask for.
const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "approve",
    "sign",
    "attest",
    "proxy",
];

/// Requests of these verbs name no object, so a name cannot allow them.
const NAMELESS: [&str; 2] = ["create", "deletecollection"];

const SUBJECTS: [&str; 3] = ["ServiceAccount", "User", "Group"];

fn strings() -> Type {
    Type::list(Type::String)
}

/// `rule` blocks of a role.
pub(super) fn rules_of_role() -> Attr {
    let rule = Type::object([
        ("verbs", strings()),
        ("api_groups?", strings()),
        ("resources?", strings()),
        ("resource_names?", strings()),
    ]);
    Attr::new(
        "rule",
        Type::list(rule),
        Role::Optional,
        "What is allowed: `verbs` on the `resources` of the `api_groups` (`\"\"` is the core \
         group), and with `resource_names` only on objects of these names. A subresource is \
         written `pods/log`, everything is `*`.",
    )
    .as_block()
}

/// `rule` blocks of a role of the whole cluster.
pub(super) fn rules_of_cluster_role() -> Attr {
    let rule = Type::object([
        ("verbs", strings()),
        ("api_groups?", strings()),
        ("resources?", strings()),
        ("resource_names?", strings()),
        ("non_resource_urls?", strings()),
    ]);
    Attr::new(
        "rule",
        Type::list(rule),
        Role::Optional,
        "What is allowed: `verbs` on the `resources` of the `api_groups` (`\"\"` is the core \
         group), and with `resource_names` only on objects of these names; or `verbs` on \
         `non_resource_urls` such as `/metrics`. A subresource is written `pods/log`, \
         everything is `*`.",
    )
    .as_block()
}

/// `subject` blocks.
pub(super) fn subjects() -> Attr {
    let subject = Type::object([
        ("kind", Type::String),
        ("name", Type::String),
        ("namespace?", Type::String),
        ("api_group?", Type::String),
    ]);
    Attr::new(
        "subject",
        Type::list(subject),
        Role::Optional,
        "Who gets the role: `kind` is `ServiceAccount` (with a `namespace`), `User` or `Group`, \
         `name` is whose.",
    )
    .as_block()
}

/// The `role_ref` block.
pub(super) fn role_ref(doc: &'static str) -> Attr {
    let role = Type::object([
        ("kind?", Type::String),
        ("name", Type::String),
        ("api_group?", Type::String),
    ]);
    Attr::new("role_ref", role, Role::Required, doc).as_block()
}

/// The rules as the API has them.
pub(super) fn rules(given: &Value) -> Value {
    each(given, |rule| {
        renamed(
            rule,
            &[
                ("verbs", "verbs", Value::clone),
                ("api_groups", "apiGroups", Value::clone),
                ("resources", "resources", Value::clone),
                ("resource_names", "resourceNames", Value::clone),
                ("non_resource_urls", "nonResourceURLs", Value::clone),
            ],
        )
    })
}

/// Puts `subjects` and `roleRef` into a binding.
pub(super) fn put_binding(object: &mut Map, args: &Value, default_kind: Option<&str>) {
    let subject = |subject: &Value| {
        renamed(
            subject,
            &[
                ("kind", "kind", Value::clone),
                ("name", "name", Value::clone),
                ("namespace", "namespace", Value::clone),
                ("api_group", "apiGroup", Value::clone),
            ],
        )
    };
    put(object, "subjects", &each(get(args, "subject"), subject));
    let role = renamed(
        get(args, "role_ref"),
        &[
            ("kind", "kind", Value::clone),
            ("name", "name", Value::clone),
            ("api_group", "apiGroup", Value::clone),
        ],
    );
    let role = match (role.as_map(), default_kind) {
        (Some(map), Some(kind)) => {
            let mut map = map.clone();
            map.entry("kind".into()).or_insert_with(|| kind.into());
            Value::map(map)
        }
        _ => role,
    };
    put(object, "roleRef", &role);
}

/// What is wrong with the name of a role or binding.
pub(super) fn check_name(args: &Value) -> Vec<Problem> {
    crate::args::check_name("name", get(args, "name").as_str().unwrap_or(""), |name| {
        names::path_segment(name)
    })
}

fn wrong(path: Path, detail: String) -> Problem {
    Problem::error(codes::RBAC, "Invalid rule of access", path, detail)
}

fn doubtful(path: Path, detail: String) -> Problem {
    Problem::warning(codes::RBAC_EFFECT, "Rule allows nothing", path, detail)
}

/// What is wrong with the `rule` blocks.
pub(super) fn check_rules(args: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, rule) in items(get(args, "rule")).iter().enumerate() {
        check_rule(rule, &Path::of("rule").index(i), &mut problems);
    }
    problems
}

fn check_rule(rule: &Value, at: &Path, problems: &mut Vec<Problem>) {
    if rule.as_map().is_none() {
        return; // Not known yet.
    }
    let at = |name: &str| at.clone().attr(name);
    let given = |name: &str| !items(get(rule, name)).is_empty();
    let missing = |name: &str| {
        let value = get(rule, name);
        value.is_null() || value.as_list().is_some_and(<[Value]>::is_empty)
    };
    if missing("verbs") {
        problems.push(wrong(at("verbs"), "A rule needs at least one verb.".to_owned()));
    }
    check_verbs(rule, &at("verbs"), problems);
    if given("non_resource_urls") {
        for name in ["api_groups", "resources", "resource_names"] {
            if given(name) {
                let detail = format!("A rule with `non_resource_urls` takes no `{name}`.");
                problems.push(wrong(at(name), detail).with_help("Write two `rule` blocks."));
            }
        }
        return;
    }
    if missing("resources") && missing("non_resource_urls") {
        problems.push(wrong(at("resources"), "A rule needs `resources`.".to_owned()));
    }
    if missing("api_groups") && missing("non_resource_urls") {
        let problem = wrong(at("api_groups"), "A rule needs `api_groups`.".to_owned());
        problems.push(
            problem.with_help(match groups_of(rule).as_slice() {
                [] => "For the core group (pods, services, secrets) write `api_groups = [\"\"]`."
                    .to_owned(),
                groups => format!("Write `api_groups = [{}]`.", listed(groups)),
            }),
        );
    } else {
        check_resources(rule, &at("resources"), problems);
    }
    let verbs = items(get(rule, "verbs")).iter().enumerate();
    let nameless = verbs.filter(|(_, verb)| verb.as_str().is_some_and(|v| NAMELESS.contains(&v)));
    for (i, verb) in nameless.filter(|_| given("resource_names")) {
        let verb = verb.as_str().unwrap_or("");
        let detail =
            format!("A request to `{verb}` names no object, so `resource_names` never allows it.");
        let problem = doubtful(at("verbs").index(i), detail);
        problems
            .push(problem.with_help(format!("Allow `{verb}` in a rule without `resource_names`.")));
    }
}

fn check_verbs(rule: &Value, at: &Path, problems: &mut Vec<Problem>) {
    for (i, verb) in items(get(rule, "verbs")).iter().enumerate() {
        let Some(verb) = verb.as_str().filter(|v| *v != "*" && !VERBS.contains(v)) else {
            continue;
        };
        // Any word may be a verb, so only what looks like a slip is told.
        if let Some(meant) = diags::did_you_mean(&verb.to_lowercase(), VERBS) {
            let detail = format!("No request of the API has the verb `{verb}`.");
            let problem = doubtful(at.clone().index(i), detail);
            problems.push(problem.with_help(format!("Did you mean `{meant}`?")));
        }
    }
}

/// Known texts of a list; `None` when any of it is not known.
fn texts<'a>(rule: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    match get(rule, name) {
        Value::Null => Some(Vec::new()),
        given => given.as_list()?.iter().map(Value::as_str).collect(),
    }
}

/// The built-in groups of everything that the rule names; none when anything is not built in.
fn groups_of(rule: &Value) -> Vec<String> {
    let mut groups = Vec::new();
    for resource in texts(rule, "resources").unwrap_or_default() {
        let name = resource.split('/').next().unwrap_or("");
        match discovery::all().iter().find(|known| known.plural == name) {
            Some(known) => groups.push(known.group.clone()),
            None => return Vec::new(),
        }
    }
    groups.sort();
    groups.dedup();
    groups
}

fn listed(groups: &[String]) -> String {
    let quoted: Vec<String> = groups.iter().map(|group| format!("\"{group}\"")).collect();
    quoted.join(", ")
}

fn check_resources(rule: &Value, at: &Path, problems: &mut Vec<Problem>) {
    let (Some(groups), Some(resources)) = (texts(rule, "api_groups"), texts(rule, "resources"))
    else {
        return;
    };
    let built_in = |group: &&str| discovery::all().iter().any(|known| known.group == **group);
    // Of custom resources nothing is known.
    if !groups.iter().all(built_in) {
        return;
    }
    for (i, resource) in resources.iter().enumerate() {
        let here = || discovery::all().iter().filter(|known| groups.contains(&&*known.group));
        let (name, sub) = resource.split_once('/').unwrap_or((resource, ""));
        if name == "*" {
            continue;
        }
        let problem =
            |detail: String, help: String| doubtful(at.clone().index(i), detail).with_help(help);
        if let Some(known) = here().find(|known| known.plural == name) {
            let subs = || known.subresources.iter().map(|sub| sub.name.as_str());
            let meant = diags::did_you_mean(sub, subs());
            if let (false, Some(meant)) = (subs().any(|s| s == sub), meant.filter(|_| sub != "*")) {
                let detail = format!("`{name}` have no subresource `{sub}`.");
                problems.push(problem(detail, format!("Did you mean `{name}/{meant}`?")));
            }
            continue;
        }
        let called = |known: &&discovery::Resource| {
            known.singular == name.to_lowercase() || known.short_names.iter().any(|s| s == name)
        };
        let plurals = here().map(|known| known.plural.as_str());
        let meant = here().find(called).map(|known| known.plural.as_str());
        let elsewhere = discovery::all().iter().find(|known| known.plural == name);
        if let Some(meant) = meant {
            let detail = format!("Rules name resources in the plural, and `{name}` is none.");
            problems
                .push(problem(detail, format!("Write `{}`.", resource.replacen(name, meant, 1))));
        } else if let Some(known) = elsewhere {
            let detail = format!(
                "`{name}` are in the API group `{}`, and the rule is about {}.",
                known.group,
                listed(&groups.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>())
            );
            problems.push(problem(detail, format!("Write `api_groups = [\"{}\"]`.", known.group)));
        } else if let Some(meant) = diags::did_you_mean(name, plurals) {
            let detail = format!("There is no resource `{name}` in these API groups.");
            problems.push(problem(detail, format!("Did you mean `{meant}`?")));
        }
    }
}

/// What is told of rules that give away more than people may think.
pub(super) fn power(args: &Value) -> Vec<Note> {
    let has = |rule: &Value, name: &str, text: &str| {
        items(get(rule, name)).iter().any(|item| item.as_str() == Some(text))
    };
    let note = |(i, rule): (usize, &Value)| {
        let all = ["verbs", "api_groups", "resources"].iter().all(|name| has(rule, name, "*"));
        let mut grants = ["escalate", "bind", "impersonate"].into_iter();
        let grants = grants.find(|verb| has(rule, "verbs", verb));
        let text = match grants {
            _ if all => "allows everything, as `cluster-admin` does".to_owned(),
            Some(verb) => format!("`{verb}` lets its holders get rights that nobody gave them"),
            None => return None,
        };
        Some(Note { path: Path::of("rule").index(i).attr("verbs"), text })
    };
    items(get(args, "rule")).iter().enumerate().filter_map(note).collect()
}

/// What is wrong with `role_ref` and the `subject` blocks.
pub(super) fn check_binding(args: &Value, roles: &'static [&'static str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let invalid =
        |path: Path, detail: String| Problem::error(codes::RBAC, "Invalid binding", path, detail);
    let role = get(args, "role_ref");
    let at = Path::of("role_ref");
    match get(role, "kind") {
        Value::Null if roles.len() > 1 && role.as_map().is_some() => {
            let problem = invalid(at.clone(), "`role_ref` needs a `kind`.".to_owned());
            problems
                .push(problem.with_help("Write `kind = \"Role\"` or `kind = \"ClusterRole\"`."));
        }
        kind => {
            if let Some(kind) = kind.as_str().filter(|kind| !roles.contains(kind)) {
                let detail = match kind {
                    "Role" => {
                        "A role of one namespace cannot be bound for the whole cluster.".to_owned()
                    }
                    kind => format!("There is no kind `{kind}` of roles."),
                };
                let problem = invalid(at.clone().attr("kind"), detail);
                problems.push(match diags::did_you_mean(kind, roles.iter().copied()) {
                    Some(meant) => problem.with_help(format!("Did you mean `{meant}`?")),
                    None => problem.with_help(format!("Use `{}`.", roles.join("` or `"))),
                });
            }
        }
    }
    if let Some(name) = get(role, "name").as_str() {
        if name.is_empty() {
            problems.push(invalid(at.clone().attr("name"), "`name` is empty.".to_owned()));
        }
        for why in names::path_segment(name) {
            let detail = format!("`{name}` cannot be the name of a role: it {why}.");
            problems.push(invalid(at.clone().attr("name"), detail));
        }
    }
    if let Some(group) = get(role, "api_group").as_str().filter(|group| *group != GROUP) {
        let detail = format!("Roles are in the API group `{GROUP}`, not in `{group}`.");
        problems.push(invalid(at.attr("api_group"), detail).with_help("Leave `api_group` out."));
    }
    for (i, subject) in items(get(args, "subject")).iter().enumerate() {
        check_subject(subject, &Path::of("subject").index(i), roles.len() == 1, &mut problems);
    }
    problems
}

fn check_subject(subject: &Value, at: &Path, whole_cluster: bool, problems: &mut Vec<Problem>) {
    let invalid =
        |path: Path, detail: String| Problem::error(codes::RBAC, "Invalid binding", path, detail);
    if get(subject, "name").as_str() == Some("") {
        problems.push(invalid(at.clone().attr("name"), "`name` is empty.".to_owned()));
    }
    let Some(kind) = get(subject, "kind").as_str() else { return };
    let group = get(subject, "api_group").as_str();
    match kind {
        "ServiceAccount" => {
            if get(subject, "namespace").is_null() && whole_cluster {
                let detail = "A `ServiceAccount` lives in a namespace, and none is given.";
                problems
                    .push(invalid(at.clone(), detail.to_owned()).with_help("Write `namespace`."));
            }
            if let Some(group) = group.filter(|group| !group.is_empty()) {
                let detail = format!("A `ServiceAccount` is in the core group, not in `{group}`.");
                let path = at.clone().attr("api_group");
                problems.push(invalid(path, detail).with_help("Leave `api_group` out."));
            }
        }
        "User" | "Group" => {
            if !get(subject, "namespace").is_null() {
                let detail = format!("A `{kind}` lives in no namespace.");
                let problem = invalid(at.clone().attr("namespace"), detail);
                problems.push(problem.with_help(
                    "Remove `namespace`; for the account of pods write `kind = \"ServiceAccount\"`.",
                ));
            }
            if let Some(group) = group.filter(|group| *group != GROUP) {
                let detail = format!("A `{kind}` is in the API group `{GROUP}`, not in `{group}`.");
                let path = at.clone().attr("api_group");
                problems.push(invalid(path, detail).with_help("Leave `api_group` out."));
            }
        }
        other => {
            let detail = format!("There is no kind `{other}` of subjects.");
            let problem = invalid(at.clone().attr("kind"), detail);
            problems.push(match diags::did_you_mean(other, SUBJECTS) {
                Some(meant) => problem.with_help(format!("Did you mean `{meant}`?")),
                None => problem.with_help("Use `ServiceAccount`, `User` or `Group`."),
            });
        }
    }
}
