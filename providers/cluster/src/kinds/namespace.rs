//! A namespace, with its Pod Security levels.
//!
//! A namespace is a room of the cluster: names, quotas, limits and network policies count
//! inside it. It is created before everything that the same configuration puts into it.
//!
//! ```hcl
//! resource "namespace" "team_a" {
//!   name   = "team-a"
//!   labels = { team = "a" }
//!
//!   pod_security {
//!     enforce = "baseline"
//!     warn    = "restricted"
//!   }
//! }
//! ```
//!
//! `pod_security` writes the labels that the Pod Security admission of the server reads:
//! what is below `enforce` is refused, what is below `audit` is logged, what is below `warn`
//! is told to the person who creates the pod. Running pods are not touched when a level
//! changes. The levels are `privileged`, `baseline` and `restricted`.
//!
//! # Risks
//!
//! Deleting a namespace deletes everything in it, also what this configuration does not know.
//! The namespaces `default`, `kube-system`, `kube-public` and `kube-node-lease` are never
//! deleted.
//!
//! # See also
//!
//! [Enforce Pod Security Standards with namespace labels](https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-namespace-labels/)

use crate::api::{ApiType, ObjectRef};
use crate::args::{self, entries, get, put, text};
use crate::codes;
use crate::fields::Names;
use apimachinery::names;
use plans::Problem;
use values::{Attr, Path, Role, Schema, Type, Value};

/// A namespace.
pub struct Namespace;

const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];
const MODES: [&str; 3] = ["enforce", "audit", "warn"];

impl ApiType for Namespace {
    const NAME: &'static str = "namespace";
    const NAMES: Names = Names(&[
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("pod_security.enforce", r#"metadata.labels."pod-security.kubernetes.io/enforce""#),
        ("pod_security.audit", r#"metadata.labels."pod-security.kubernetes.io/audit""#),
        ("pod_security.warn", r#"metadata.labels."pod-security.kubernetes.io/warn""#),
        (
            "pod_security.enforce_version",
            r#"metadata.labels."pod-security.kubernetes.io/enforce-version""#,
        ),
        (
            "pod_security.audit_version",
            r#"metadata.labels."pod-security.kubernetes.io/audit-version""#,
        ),
        (
            "pod_security.warn_version",
            r#"metadata.labels."pod-security.kubernetes.io/warn-version""#,
        ),
    ]);

    fn schema() -> Schema {
        let security = Type::object([
            ("enforce?", Type::String),
            ("audit?", Type::String),
            ("warn?", Type::String),
            ("enforce_version?", Type::String),
            ("audit_version?", Type::String),
            ("warn_version?", Type::String),
        ]);
        let mut attrs = vec![
            args::name("The name: at most 63 lower case letters, digits and `-`."),
            Attr::new(
                "pod_security",
                security,
                Role::Optional,
                "Pod Security levels: `enforce`, `audit` and `warn`, each `privileged`, \
                 `baseline` or `restricted`, and the version of the rules that each means: \
                 `latest` or `v1.36`.",
            )
            .as_block(),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("namespace.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let name = text(args, "name");
        let problems = args::check_name("name", name, names::dns_1123_label);
        if problems.is_empty() {
            Ok(ObjectRef::cluster_wide("v1", "Namespace", name))
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        let mut object =
            args::head(&ObjectRef::cluster_wide("v1", "Namespace", text(args, "name")), args);
        let security = security_labels(get(args, "pod_security"));
        if let (false, Some(Value::Map(metadata))) = (security.is_empty(), object.get("metadata")) {
            let mut metadata = values::Map::clone(metadata);
            // Labels that are unknown as a whole stay so; these are added once they are known.
            let labels = match metadata.get("labels") {
                Some(Value::Map(labels)) => values::Map::clone(labels),
                Some(other) => return with(object, other.clone()),
                None => values::Map::new(),
            };
            metadata.insert("labels".into(), Value::map(labels.into_iter().chain(security)));
            object.insert("metadata".into(), Value::map(metadata));
        }
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        let security = get(args, "pod_security");
        for (name, value) in entries(security) {
            let Some(given) = value.as_str() else { continue };
            let path = Path::of("pod_security").attr(name);
            let wrong = |detail: String, help: &str| {
                Problem::error(
                    codes::POD_SECURITY,
                    "Invalid Pod Security setting",
                    path.clone(),
                    detail,
                )
                .with_help(help)
            };
            if MODES.contains(&name) && !LEVELS.contains(&given) {
                let meant = diags::did_you_mean(given, LEVELS);
                let help = match meant {
                    Some(meant) => format!("Did you mean `{meant}`?"),
                    None => "Use `privileged`, `baseline` or `restricted`.".to_owned(),
                };
                problems.push(wrong(format!("There is no level `{given}`."), &help));
            }
            if name.ends_with("_version") && !is_version(given) {
                let detail = format!("`{given}` is no version of the Pod Security rules.");
                problems.push(wrong(detail, "Use `latest`, or a minor version such as `v1.36`."));
            }
        }
        for (label, _) in security_labels(security) {
            if entries(get(args, "labels")).any(|(key, _)| *key == *label) {
                let path = Path::of("labels").attr(&label);
                let detail = format!("`{label}` is also set by `pod_security`.");
                problems.push(
                    Problem::error(codes::POD_SECURITY, "Label set twice", path, detail)
                        .with_help("Set it in one of the two."),
                );
            }
        }
        problems
    }
}

fn with(mut object: values::Map, labels: Value) -> Value {
    let mut metadata = object.get("metadata").and_then(Value::as_map).cloned().unwrap_or_default();
    metadata.insert("labels".into(), labels);
    object.insert("metadata".into(), Value::map(metadata));
    Value::map(object)
}

/// The labels that the admission reads.
fn security_labels(security: &Value) -> values::Map {
    let mut labels = values::Map::new();
    for (name, value) in entries(security) {
        let label = format!("pod-security.kubernetes.io/{}", name.replace('_', "-"));
        put(&mut labels, &label, value);
    }
    labels
}

fn is_version(text: &str) -> bool {
    let minor = text.strip_prefix("v1.");
    text == "latest"
        || minor.is_some_and(|m| !m.is_empty() && m.bytes().all(|b| b.is_ascii_digit()))
}
