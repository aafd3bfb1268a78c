//! Any object of the Kubernetes API.
//!
//! For kinds that have no resource type of their own, built-in or custom. The manifest is
//! written as in YAML, as a value of the language.
//!
//! ```hcl
//! resource "object" "nginx" {
//!   manifest = {
//!     apiVersion = "apps/v1"
//!     kind       = "Deployment"
//!     metadata = {
//!       namespace = "team-a"
//!       name      = "nginx"
//!     }
//!     spec = {
//!       replicas = 2
//!       selector = { matchLabels = { app = "nginx" } }
//!       template = {
//!         metadata = { labels = { app = "nginx" } }
//!         spec     = { containers = [{ name = "nginx", image = "nginx:1.29" }] }
//!       }
//!     }
//!   }
//! }
//! ```
//!
//! Objects in files of YAML are read by `manifests`, one for each document, by kind, namespace
//! and name:
//!
//! ```hcl
//! resource "object" "app" {
//!   for_each = manifests("app/*.yaml")
//!   manifest = each.value
//! }
//! ```
//!
//! Only what the manifest says is managed: fields that others set are left alone, and a
//! field that goes out of the manifest is removed. Where the manifest names a namespace, a
//! `ServiceAccount`, a role, a `ConfigMap` or a Secret that the same configuration declares,
//! that is created first.
//!
//! The same holds for a `CustomResourceDefinition` and the objects of its kind: all of them
//! come in one run. Such objects are checked by the schema of the definition while planning,
//! and by the server right before they are written.
//!
//! Data of a Secret is never printed, whoever wrote it.
//!
//! # Risks
//!
//! Fields that the server does not let change (a Deployment's selector, say) delete the
//! object and create it anew; the plan says so. A definition is never replaced like that, since
//! every object of its kind would go with it.
//!
//! # See also
//!
//! [Server-Side Apply](https://kubernetes.io/docs/reference/using-api/server-side-apply/)

use crate::api::{ApiType, ObjectRef};
use crate::args::{self, get};
use crate::fields::Names;
use crate::{canon, codes};
use apimachinery::{discovery, names};
use plans::Problem;
use values::{Attr, Path, Role, Schema, Type, Value};

/// Any object of the API.
pub struct Object;

impl ApiType for Object {
    const NAME: &'static str = "object";
    const NAMES: Names = Names(&[("manifest", "")]);

    fn schema() -> Schema {
        let mut attrs = vec![Attr::new(
            "manifest",
            Type::Any,
            Role::Required,
            "The object as in YAML: `apiVersion`, `kind`, `metadata` with a `name`, and what \
             the kind has. `apiVersion`, `kind`, `metadata.namespace` and `metadata.name` say \
             which object is meant and are known before apply.",
        )];
        attrs.extend(args::computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("object.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        let (manifest, _) = get(args, "manifest").exposed();
        let mut problems = Vec::new();
        let metadata = get(&manifest, "metadata");
        let api_version = required(&manifest, "apiVersion", &Path::root(), &mut problems);
        let kind = required(&manifest, "kind", &Path::root(), &mut problems);
        let name = required(metadata, "name", &Path::of("metadata"), &mut problems);
        let namespace = match get(metadata, "namespace") {
            Value::Null => None,
            Value::String(namespace) => Some(namespace.to_string()),
            other => {
                let path = Path::of("metadata.namespace");
                problems.push(no_text(other, path));
                None
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        if let Some(namespace) = &namespace {
            problems.extend(names::dns_1123_label(namespace).into_iter().map(|why| {
                identity(
                    Path::of("metadata.namespace"),
                    format!("`{namespace}` cannot be a namespace: {why}."),
                )
            }));
        }
        problems.extend(names::path_segment(&name).into_iter().map(|why| {
            identity(Path::of("metadata.name"), format!("`{name}` cannot be a name: it {why}."))
        }));
        problems.extend(misplaced(&api_version, &kind, namespace.as_deref()));
        if problems.is_empty() {
            Ok(ObjectRef { api_version, kind, namespace, name })
        } else {
            Err(problems)
        }
    }

    fn intent(args: &Value) -> Value {
        get(args, "manifest").clone()
    }

    fn check(args: &Value) -> Vec<Problem> {
        let (manifest, _) = get(args, "manifest").exposed();
        let at = Path::of("manifest");
        let mut problems = args::check_metadata(get(&manifest, "metadata"), &at.attr("metadata"));
        problems.extend(
            canon::refused(&manifest)
                .into_iter()
                .map(|problem| Problem { path: Self::NAMES.argument(&problem.path), ..problem }),
        );
        let text = |name: &str| get(&manifest, name).as_str().unwrap_or("");
        if text("kind") == "ClusterRole"
            && !get(&manifest, "aggregationRule").is_null()
            && !args::items(get(&manifest, "rules")).is_empty()
        {
            let detail = "A ClusterRole with `aggregationRule` gets its `rules` from other roles; \
                          what is written here would be overwritten.";
            problems.push(
                Problem::error(
                    codes::SERVER_OWNED,
                    "Field of the server",
                    Path::of("manifest.rules"),
                    detail,
                )
                .with_help("Remove `rules`."),
            );
        }
        problems
    }
}

fn identity(path: Path, detail: String) -> Problem {
    let path = Object::NAMES.argument(&path);
    Problem::error(codes::IDENTITY, "Manifest does not say which object", path, detail)
}

fn no_text(value: &Value, path: Path) -> Problem {
    let detail = match value {
        Value::Null => format!("`{path}` is missing."),
        Value::Unknown(_) => {
            format!(
                "`{path}` is known after apply, and which object is meant must be known before."
            )
        }
        other => format!("`{path}` must be a string, and this is of kind {}.", other.kind()),
    };
    identity(path, detail)
}

fn required(of: &Value, name: &str, at: &Path, problems: &mut Vec<Problem>) -> String {
    match get(of, name) {
        Value::String(text) if !text.is_empty() => text.to_string(),
        other => {
            let problem = no_text(other, at.clone().attr(name));
            let generated = name == "name" && !get(of, "generateName").is_null();
            problems.push(if generated {
                problem
                    .with_help("`generateName` cannot be used: a name must be known before apply.")
            } else {
                problem
            });
            String::new()
        }
    }
}

/// A namespace where the kind has none, or none where it needs one. Kinds that are not built
/// in are taken at their word.
fn misplaced(api_version: &str, kind: &str, namespace: Option<&str>) -> Option<Problem> {
    if kind == "List" || (kind.ends_with("List") && discovery::by_kind(api_version, kind).is_none())
    {
        let detail = format!("`{kind}` is a list of objects, and a block is one object.");
        let problem = identity(Path::of("kind"), detail);
        return Some(problem.with_help("Use `for_each` over the items."));
    }
    let known = discovery::by_kind(api_version, kind)?;
    match (known.namespaced, namespace) {
        (true, None) => {
            let detail =
                format!("A {kind} lives in a namespace, and `metadata.namespace` is missing.");
            Some(
                identity(Path::of("metadata.namespace"), detail)
                    .with_help("Write it, even if it is `default`."),
            )
        }
        (false, Some(_)) => {
            let detail = format!("A {kind} lives in no namespace.");
            Some(
                identity(Path::of("metadata.namespace"), detail)
                    .with_help("Remove `metadata.namespace`."),
            )
        }
        (true, Some(_)) | (false, None) => None,
    }
}
