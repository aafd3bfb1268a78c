//! Configuration data for pods, by key.
//!
//! A `ConfigMap` holds texts and small files that pods read as environment variables or as
//! files. Pods that read it as files see a change within about a minute; environment
//! variables are read once, when a container starts.
//!
//! ```hcl
//! resource "config_map" "settings" {
//!   namespace = "team-a"
//!   name      = "settings"
//!   data = {
//!     "log.level"   = "info"
//!     "app.properties" = "color=blue\n"
//!   }
//! }
//! ```
//!
//! Keys that are not in the configuration and that others added are left alone; a key that
//! goes out of the configuration is removed.
//!
//! # Risks
//!
//! With `immutable = true` every change of `data` deletes the object and creates it anew.
//! Everybody who may read the namespace may read the data: it is no place for secrets.
//!
//! # See also
//!
//! [Configure a Pod to use a ConfigMap](https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/)

use crate::api::{ApiType, ObjectRef};
use crate::args::{self, entries, get, put};
use crate::codes;
use crate::fields::Names;
use apimachinery::names;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plans::Problem;
use values::{Attr, Path, Role, Schema, Type, Value};

/// Configuration data for pods.
pub struct ConfigMap;

/// What all values together may have.
const MOST_BYTES: usize = 1024 * 1024;

impl ApiType for ConfigMap {
    const NAME: &'static str = "config_map";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("data", "data"),
        ("binary_data", "binaryData"),
        ("immutable", "immutable"),
    ]);

    fn schema() -> Schema {
        let mut attrs = vec![
            args::namespace(),
            args::name("The name: at most 253 lower case letters, digits, `-` and `.`."),
            Attr::new(
                "data",
                Type::map(Type::String),
                Role::Optional,
                "Texts by key. A key has letters, digits, `-`, `_` and `.`; all values together \
                 have at most 1 MiB.",
            ),
            Attr::new(
                "binary_data",
                Type::map(Type::String),
                Role::Optional,
                "Files in base64 by key, for what is not text. A key is in `data` or here.",
            ),
            Attr::new(
                "immutable",
                Type::Bool,
                Role::Optional,
                "Whether the server refuses later changes of the data, which relieves it of \
                 watching the object. Cannot be taken back.",
            ),
        ];
        attrs.extend(args::metadata_and_computed());
        Schema::new(attrs)
    }

    fn page() -> &'static str {
        args::page!("config_map.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("v1", "ConfigMap", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let mut object =
            args::head(&ObjectRef::namespaced("v1", "ConfigMap", namespace, name), args);
        put(&mut object, "data", get(args, "data"));
        put(&mut object, "binaryData", get(args, "binary_data"));
        put(&mut object, "immutable", get(args, "immutable"));
        Value::map(object)
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        let mut wrong = |path: Path, detail: String| {
            problems.push(Problem::error(codes::CONFIG_DATA, "Invalid data", path, detail));
        };
        let mut size = 0;
        for argument in ["data", "binary_data"] {
            for (key, value) in entries(get(args, argument)) {
                let path = Path::of(argument).attr(key);
                for why in names::config_map_key(key) {
                    wrong(path.clone(), format!("`{key}` cannot be a key: {why}."));
                }
                let (exposed, _) = value.exposed();
                let text = exposed.as_str().unwrap_or("");
                size += match argument {
                    "data" => text.len(),
                    _ => match STANDARD.decode(text) {
                        Ok(bytes) => bytes.len(),
                        Err(_) => {
                            wrong(path, format!("The value of `{key}` is not base64."));
                            0
                        }
                    },
                };
            }
        }
        for (key, _) in entries(get(args, "binary_data")) {
            if entries(get(args, "data")).any(|(other, _)| other == key) {
                let detail = format!("`{key}` is in `data` already.");
                wrong(Path::of("binary_data").attr(key), detail);
            }
        }
        if size > MOST_BYTES {
            let detail = format!(
                "All values together have {size} bytes, and the server takes {MOST_BYTES}."
            );
            wrong(Path::of("data"), detail);
        }
        problems
    }
}
