//! How much a namespace may use in total.
//!
//! A `ResourceQuota` caps what all objects of a namespace may ask for together: CPU and
//! memory of pods, storage of claims, numbers of objects. What would exceed it is refused
//! when it is created; what exists is never touched.
//!
//! ```hcl
//! resource "resource_quota" "team_a" {
//!   namespace = "team-a"
//!   name      = "compute"
//!   hard = {
//!     pods              = 20
//!     "requests.cpu"    = "8"
//!     "requests.memory" = "32Gi"
//!     "limits.memory"   = "64Gi"
//!     "requests.example.com/dongle" = 4
//!   }
//! }
//! ```
//!
//! A quota may hold for some pods only: `scopes`, or a `scope_selector` for priority classes.
//!
//! ```hcl
//! resource "resource_quota" "urgent" {
//!   namespace = "team-a"
//!   name      = "urgent"
//!   hard      = { pods = 2 }
//!
//!   scope_selector {
//!     match {
//!       scope    = "PriorityClass"
//!       operator = "In"
//!       values   = ["urgent"]
//!     }
//!   }
//! }
//! ```
//!
//! # Risks
//!
//! Where a quota caps CPU or memory, every container of the namespace must say how much it
//! wants, or the pod is refused; a `limit_range` with defaults takes this burden off.
//! A quota below what is used already is accepted: nothing stops, and nothing new starts. The
//! plan says so. Scopes cannot change in place: the quota is deleted and created anew, and
//! for that moment there is none.
//!
//! # See also
//!
//! [Configure memory and CPU quotas for a namespace](https://kubernetes.io/docs/tasks/administer-cluster/manage-resources/quota-memory-cpu-namespace/)

use crate::api::{ApiType, ObjectRef, Seen};
use crate::args::{self, entries, get, items, put};
use crate::canon::canonical_quantity;
use crate::codes;
use crate::fields::Names;
use apimachinery::{Quantity, names};
use plans::{Note, Problem};
use values::{Attr, Map, Path, Role, Schema, Type, Value};

/// How much a namespace may use in total.
pub struct ResourceQuota;

impl ApiType for ResourceQuota {
    const NAME: &'static str = "resource_quota";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("hard", "spec.hard"),
        ("scopes", "spec.scopes"),
        ("scope_selector.match", "spec.scopeSelector.matchExpressions"),
        ("scope_selector.match[].scope", "spec.scopeSelector.matchExpressions[].scopeName"),
        ("scope_selector", "spec.scopeSelector"),
    ]);

    fn schema() -> Schema {
        let expression = Type::object([
            ("scope", Type::String),
            ("operator", Type::String),
            ("values?", Type::list(Type::String)),
        ]);
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: at most 253 lower case letters, digits, `-` and `.`."),
            Attr::new(
                "hard",
                Type::map(Type::String),
                Role::Required,
                "What may be used at most, by resource: `pods`, `requests.cpu`, \
                 `limits.memory`, `requests.storage`, `count/deployments.apps`, \
                 `requests.example.com/dongle`. Numbers of things are whole numbers.",
            ),
            Attr::new(
                "scopes",
                Type::set(Type::String),
                Role::Optional,
                "Which pods count: `Terminating`, `NotTerminating`, `BestEffort`, \
                 `NotBestEffort`, `CrossNamespacePodAffinity`. Cannot change in place.",
            ),
            Attr::new(
                "scope_selector",
                Type::object([("match", Type::list(expression))]),
                Role::Optional,
                "Which pods count, by expressions that must all hold: `match` blocks with a \
                 `scope` (`PriorityClass`, say), an `operator` (`In`, `NotIn`, `Exists`, \
                 `DoesNotExist`) and `values`. Cannot change in place.",
            )
            .as_block(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("resource_quota.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("v1", "ResourceQuota", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let object = ObjectRef::namespaced("v1", "ResourceQuota", namespace, name);
        let mut spec = Map::new();
        put(&mut spec, "hard", get(args, "hard"));
        put(&mut spec, "scopes", get(args, "scopes"));
        put(&mut spec, "scopeSelector", &selector(get(args, "scope_selector")));
        let mut object = args::head(&object, args);
        object.insert("spec".into(), Value::map(spec));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        for (resource, amount) in entries(get(args, "hard")) {
            let path = Path::of("hard").attr(resource);
            check_hard(resource, amount, &path, &mut problems);
        }
        check_scopes(args, &mut problems);
        problems
    }

    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        let Some(live) = seen.live else { return (Vec::new(), Vec::new()) };
        let used = live.get("status").and_then(|status| status.get("used"));
        let hard = entries(get(seen.args, "hard"));
        let over = hard.filter_map(|(resource, hard)| {
            let used = used?.get(resource)?;
            let (hard, used) = (quantity(hard)?, quantity(used)?);
            (hard < used).then(|| {
                let text = format!(
                    "{hard} is less than the {used} that are used already, by {}; nothing stops, \
                     nothing new starts",
                    used.minus(hard)
                );
                (Path::of("hard").attr(resource), text)
            })
        });
        let mut notes = Vec::new();
        let mut warnings = Vec::new();
        for (path, text) in over {
            let problem = Problem::warning(
                codes::QUOTA_USED,
                "Quota below what is used",
                path.clone(),
                format!("`{path}`: {text}."),
            );
            warnings.push(problem);
            notes.push(Note { path, text });
        }
        (notes, warnings)
    }
}

fn selector(given: &Value) -> Value {
    let Some(map) = given.as_map() else { return given.clone() };
    let expression = |expression: &Value| {
        let Some(known) = expression.as_map() else { return expression.clone() };
        let mut out = Map::new();
        for (argument, field) in
            [("scope", "scopeName"), ("operator", "operator"), ("values", "values")]
        {
            put(&mut out, field, known.get(argument).unwrap_or(&Value::Null));
        }
        Value::map(out)
    };
    let expressions = match map.get("match") {
        Some(Value::List(list)) => Value::list(list.iter().map(expression)),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    Value::map([("matchExpressions", expressions)])
}

fn quantity(value: &Value) -> Option<Quantity> {
    Quantity::parse(canonical_quantity(value).as_str()?).ok()
}

/// Resources that a quota knows by a plain name and that are measured, not counted.
const MEASURED: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.storage",
];
/// Those that are counted.
const COUNTED: &[&str] = &[
    "pods",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
];

fn check_hard(resource: &str, amount: &Value, path: &Path, problems: &mut Vec<Problem>) {
    let mut wrong = |code, detail: String, help: Option<String>| {
        let problem = Problem::error(code, "Invalid quota", path.clone(), detail);
        problems.push(match help {
            Some(help) => problem.with_help(help),
            None => problem,
        });
    };
    match wrong_name(resource) {
        Some((why, help)) => wrong(codes::QUOTA, why, help),
        None => {
            // What is hidden is left to the server.
            let Some(text) = amount.as_str() else { return };
            match Quantity::parse(text) {
                Err(why) => {
                    let detail = format!("`{text}` is not a quantity: {why}.");
                    wrong(codes::QUANTITY, detail, args::quantity_hint(text));
                }
                Ok(amount) if amount.is_negative() => {
                    let detail = format!("`{resource}` is {amount}, and must not be negative.");
                    wrong(codes::QUOTA, detail, None);
                }
                Ok(amount) if is_counted(resource) && !amount.is_integer() => {
                    let detail = format!("`{resource}` is counted, and {text} is no whole number.");
                    wrong(codes::QUOTA, detail, None);
                }
                Ok(_) => {}
            }
        }
    }
}

/// Whether the resource is counted in whole numbers.
fn is_counted(resource: &str) -> bool {
    let extended = resource.strip_prefix("requests.").is_some_and(|name| name.contains('/'));
    COUNTED.contains(&resource)
        || resource.starts_with("count/")
        || extended
        || resource.ends_with(".storageclass.storage.k8s.io/persistentvolumeclaims")
        || resource.ends_with(".deviceclass.resource.k8s.io/devices")
}

/// What is wrong with the name of a resource in a quota, and what was probably meant.
fn wrong_name(resource: &str) -> Option<(String, Option<String>)> {
    let huge = resource.strip_prefix("requests.").unwrap_or(resource).starts_with("hugepages-");
    let plain = MEASURED.contains(&resource) || COUNTED.contains(&resource);
    if plain || huge || resource.strip_prefix("count/").is_some_and(|name| !name.is_empty()) {
        return None;
    }
    if !resource.contains('/') {
        let known = MEASURED.iter().chain(COUNTED).copied();
        let meant = diags::did_you_mean(resource, known);
        let help = meant.map(|meant| format!("Did you mean `{meant}`?"));
        let why = format!("`{resource}` is no resource that a quota knows.");
        let other = "Count objects of any kind as `count/RESOURCE.GROUP`.".to_owned();
        return Some((why, help.or(Some(other))));
    }
    if let Some(name) = resource.strip_prefix("limits.")
        && names::is_extended_resource(name)
    {
        let why =
            format!("A quota can cap only the requests of an extended resource, not `{resource}`.");
        return Some((why, Some(format!("Write `requests.{name}`."))));
    }
    if names::is_extended_resource(resource) && !resource.contains(".k8s.io/") {
        let why =
            format!("A quota knows an extended resource by its requests, not as `{resource}`.");
        return Some((why, Some(format!("Write `requests.{resource}`."))));
    }
    let errors = names::qualified_name(resource);
    let why = || format!("`{resource}` cannot be the name of a resource: {}.", errors.join("; "));
    (!errors.is_empty()).then(|| (why(), None))
}

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];

/// Rules of scopes, and which resources each can cap.
fn check_scopes(args: &Value, problems: &mut Vec<Problem>) {
    let mut wrong = |path: Path, detail: String, help: Option<String>| {
        let problem = Problem::error(codes::QUOTA, "Invalid scope", path, detail);
        problems.push(match help {
            Some(help) => problem.with_help(help),
            None => problem,
        });
    };
    let mut used: Vec<(&str, Path)> = Vec::new();
    for (i, scope) in items(get(args, "scopes")).iter().enumerate() {
        let Some(scope) = scope.as_str() else { continue };
        let path = Path::of("scopes").index(i);
        if matches!(scope, "PriorityClass" | "VolumeAttributesClass") {
            let why = format!("`{scope}` needs an operator.");
            wrong(path.clone(), why, Some("Write a `scope_selector` block.".to_owned()));
        }
        used.push((scope, path));
    }
    for (i, expression) in items(get(get(args, "scope_selector"), "match")).iter().enumerate() {
        let path = Path::of("scope_selector.match").index(i);
        let text = |name: &str| get(expression, name).as_str();
        let (Some(scope), Some(operator)) = (text("scope"), text("operator")) else { continue };
        used.push((scope, path.clone().attr("scope")));
        let values = items(get(expression, "values")).len();
        let by_class = matches!(scope, "PriorityClass" | "VolumeAttributesClass");
        let at = |name: &str| path.clone().attr(name);
        match operator {
            "In" | "NotIn" | "DoesNotExist" if !by_class => {
                let why = format!("`{scope}` can only be asked with `Exists`.");
                wrong(at("operator"), why, None);
            }
            "In" | "NotIn" if values == 0 && get(expression, "values").is_known() => {
                wrong(at("operator"), format!("`{operator}` needs `values`."), None);
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                wrong(at("values"), format!("`{operator}` takes no `values`."), None);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => wrong(
                at("operator"),
                format!("There is no operator `{other}`."),
                Some("Use `In`, `NotIn`, `Exists` or `DoesNotExist`.".to_owned()),
            ),
        }
    }
    for (scope, path) in &used {
        if !SCOPES.contains(scope) {
            let meant = diags::did_you_mean(scope, SCOPES);
            let help = meant.map(|meant| format!("Did you mean `{meant}`?"));
            wrong(path.clone(), format!("There is no scope `{scope}`."), help);
        }
        let has = |other: &str| used.iter().any(|(scope, _)| *scope == other);
        if matches!(*scope, "NotTerminating" | "NotBestEffort") && has(&scope[3..]) {
            let why = format!("`{scope}` and `{}` exclude each other.", &scope[3..]);
            wrong(path.clone(), why, None);
        }
    }
    for (resource, _) in entries(get(args, "hard")) {
        let refuses = |(scope, _): &&(&str, Path)| !scope_allows(scope, resource);
        if let Some((scope, _)) = used.iter().find(refuses) {
            let why = format!("A quota of scope `{scope}` cannot cap `{resource}`.");
            wrong(Path::of("hard").attr(resource), why, None);
        }
    }
}

/// Whether a quota of this scope can cap the resource; only standard names are restricted.
fn scope_allows(scope: &str, resource: &str) -> bool {
    const COMPUTE: &[&str] =
        &["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
    let standard = MEASURED.contains(&resource) || COUNTED.contains(&resource);
    match scope {
        _ if !standard => true,
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => {
            matches!(resource, "persistentvolumeclaims" | "requests.storage")
        }
        _ => resource == "pods" || COMPUTE.contains(&resource),
    }
}
