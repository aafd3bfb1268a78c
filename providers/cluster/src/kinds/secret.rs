//! Passwords, keys and certificates for pods.
//!
//! A `Secret` holds texts and files as a `config_map` does, but fewer people may read it, and
//! clinch never prints its values: plans show the keys, and that a value changes.
//!
//! ```hcl
//! resource "secret" "database" {
//!   namespace = "team-a"
//!   name      = "database"
//!   data = {
//!     user     = "app"
//!     password = "correct horse battery staple"
//!   }
//! }
//! ```
//!
//! Take values from variables instead of writing them down as here: `variable "password" {
//! sensitive = true }` and `CLINCH_VAR_password` in the environment, or a file of variables
//! that is not committed. What is sensitive is in no plan file, no state, no journal and no log;
//! a saved plan asks for it again when it is applied.
//!
//! Values are written to `data` of the object, never to `stringData`, from which a key that is
//! taken away would not go. Keys that others added are left alone.
//!
//! Or only say where they are. Then not even the plan sees them: the step that writes the
//! object reads them, from a file beside the configuration, from its environment, or from a
//! program such as a password manager.
//!
//! ```hcl
//! resource "secret" "registry" {
//!   namespace = "team-a"
//!   name      = "registry"
//!   data_from = {
//!     "tls.crt" = { file = "certificates/registry.pem" }
//!     token     = { env = "REGISTRY_TOKEN" }
//!     password  = { command = ["pass", "show", "registry"], version = "2026-11" }
//!   }
//! }
//! ```
//!
//! Since a plan does not read such values, it cannot see that one has changed where it comes
//! from: change `version` to have it written anew. A value that somebody else changed in the
//! cluster, or that comes from another place now, is read and written again by itself. Which
//! source each value came from stands on the object as the annotation `clinch/secret-sources`,
//! as digests of the sources, not of the values.
//!
//! # Risks
//!
//! A command runs with the rights and the environment of whoever applies, in the folder of the
//! configuration; read configurations of others before you apply them. It has two minutes.
//! The keys of `data` are shown; only the values are hidden. Changing `type` deletes the object
//! and creates it anew, and with `immutable = true` so does every change of the data. In the
//! cluster a Secret is only as secret as etcd is encrypted and rights are given sparingly.
//!
//! # See also
//!
//! [Secrets](https://kubernetes.io/docs/concepts/configuration/secret/),
//! [Encrypting Confidential Data at Rest](https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/)

use crate::api::{ApiType, ObjectRef};
use crate::args::{self, get, put};
use crate::codes;
use crate::fields::Names;
use crate::sources::{self, Sourced};
use apimachinery::names;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plans::Problem;
use values::{Attr, Map, Path, Role, Schema, Type, Value};

/// Passwords, keys and certificates for pods.
pub struct Secret;

/// What all values together may have.
const MOST_BYTES: usize = 1024 * 1024;

/// Types whose keys are prescribed: all of the first, or one of the second.
const TYPES: [(&str, &[&str], &[&str]); 5] = [
    ("kubernetes.io/tls", &["tls.crt", "tls.key"], &[]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"], &[]),
    ("kubernetes.io/dockercfg", &[".dockercfg"], &[]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"], &[]),
    ("kubernetes.io/basic-auth", &[], &["username", "password"]),
];

impl ApiType for Secret {
    const NAME: &'static str = "secret";
    const NAMES: Names = Names(&[
        ("namespace", "metadata.namespace"),
        ("name", "metadata.name"),
        ("labels", "metadata.labels"),
        ("annotations", "metadata.annotations"),
        ("data", "data"),
        ("type", "type"),
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
                "Texts by key, as they are (not in base64). A key has letters, digits, `-`, `_` \
                 and `.`; all values together have at most 1 MiB.",
            )
            .as_sensitive(),
            Attr::new(
                "binary_data",
                Type::map(Type::String),
                Role::Optional,
                "Files in base64 by key, for what is not text. A key is in `data` or here.",
            )
            .as_sensitive(),
            Attr::new(
                "data_from",
                Type::map(Type::object([
                    ("file?", Type::String),
                    ("env?", Type::String),
                    ("command?", Type::list(Type::String)),
                    ("trim?", Type::Bool),
                    ("version?", Type::String),
                ])),
                Role::Optional,
                "Values by key that are read only by the step that writes them: from a `file`, \
                 the environment variable `env`, or the output of a `command` (a list: the \
                 program and its arguments; there is no shell). `trim` takes one line break off \
                 the end, by default of commands only. Another `version` has the value read anew.",
            ),
            Attr::new(
                "type",
                Type::String,
                Role::Optional,
                "What is in it, such as `kubernetes.io/tls`, which prescribes the keys. Left \
                 out: `Opaque`. Changing it replaces the object.",
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
        args::page!("secret.rs")
    }

    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>> {
        args::namespaced("v1", "Secret", args)
    }

    fn intent(args: &Value) -> Value {
        let (namespace, name) = (args::text(args, "namespace"), args::text(args, "name"));
        let mut object = args::head(&ObjectRef::namespaced("v1", "Secret", namespace, name), args);
        let plain = hidden_entries(get(args, "data"));
        let files = hidden_entries(get(args, "binary_data"));
        let from = sources::of_argument(get(args, "data_from"));
        let data = match (plain, files) {
            (Some(plain), Some(files)) if from.is_some() => {
                let plain = plain.into_iter().map(|(key, value)| (key, encoded(&value)));
                let data: Map = plain.chain(files).collect();
                if data.is_empty() { Value::Null } else { Value::map(data) }
            }
            // Which keys there are is not known yet.
            (Some(_) | None, _) => Value::Unknown(Type::map(Type::String)).into_sensitive(),
        };
        put(&mut object, "data", &data);
        put(&mut object, "type", get(args, "type"));
        put(&mut object, "immutable", get(args, "immutable"));
        Value::map(object)
    }

    fn sources(args: &Value) -> Vec<Sourced> {
        sources::of_argument(get(args, "data_from")).unwrap_or_default()
    }

    fn check(args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        problems.extend(check_sources(args));
        let [plain, files] = ["data", "binary_data"].map(|name| hidden_entries(get(args, name)));
        // At the block and not at the line: that is printed, and may hold the secret itself.
        let mut wrong = |path: Path, detail: String| {
            let detail = format!("`{path}`: {detail}");
            let root = Path::root();
            problems.push(Problem::error(codes::CONFIG_DATA, "Invalid data", root, detail));
        };
        let mut size = 0;
        for (argument, entries) in [("data", &plain), ("binary_data", &files)] {
            for (key, value) in entries.iter().flatten() {
                let path = Path::of(argument).attr(key);
                for why in names::config_map_key(key) {
                    wrong(path.clone(), format!("`{key}` cannot be a key: {why}."));
                }
                let (exposed, _) = value.exposed();
                let Some(text) = exposed.as_str() else { continue };
                size += if argument == "data" {
                    text.len()
                } else if let Ok(bytes) = STANDARD.decode(text) {
                    bytes.len()
                } else {
                    wrong(path, format!("The value of `{key}` is not base64."));
                    0
                };
            }
        }
        let (Some(plain), Some(files)) = (plain, files) else { return problems };
        for key in files.keys().filter(|key| plain.contains_key(*key)) {
            let detail = format!("`{key}` is in `data` already.");
            wrong(Path::of("binary_data").attr(key), detail);
        }
        if size > MOST_BYTES {
            let detail = format!(
                "All values together have {size} bytes, and the server takes {MOST_BYTES}."
            );
            wrong(Path::of("data"), detail);
        }
        let Some(from) = sources::of_argument(get(args, "data_from")) else { return problems };
        let has = |key: &&str| {
            let elsewhere = || from.iter().any(|sourced| sourced.key == **key);
            plain.contains_key(*key) || files.contains_key(*key) || elsewhere()
        };
        let of_type = get(args, "type").as_str();
        for (ty, all, any) in TYPES.iter().filter(|(ty, ..)| Some(*ty) == of_type) {
            let missing = all.iter().filter(|key| !has(key));
            for key in missing {
                wrong(Path::of("data"), format!("A Secret of type `{ty}` needs the key `{key}`."));
            }
            if !any.is_empty() && !any.iter().any(has) {
                let keys = any.join("` or `");
                wrong(Path::of("data"), format!("A Secret of type `{ty}` needs the key `{keys}`."));
            }
        }
        problems
    }
}

/// What is wrong with the places that values are read from.
fn check_sources(args: &Value) -> Vec<Problem> {
    let given = get(args, "data_from");
    let at = Path::of("data_from");
    let wrong = |path: Path, detail: String, help: &str| {
        Problem::error(codes::CONFIG_DATA, "Invalid data", path, detail).with_help(help)
    };
    if given.has_sensitive() {
        let detail = "`data_from` says where secrets are, and plans show that, so it cannot be \
                      sensitive itself.";
        let help = "Take the sensitive value out, or use `data` for it.";
        return vec![wrong(at, detail.to_owned(), help)];
    }
    let mut problems = Vec::new();
    for (key, source) in args::entries(given) {
        let path = at.clone().attr(key);
        for why in names::config_map_key(key) {
            let detail = format!("`{key}` cannot be a key: {why}.");
            problems.push(Problem::error(codes::CONFIG_DATA, "Invalid data", path.clone(), detail));
        }
        if let Some(Err(detail)) = source.is_known().then(|| Sourced::of(key, source)) {
            let help = "Give it one of `file`, `env` and `command`.";
            problems.push(wrong(path.clone(), detail, help));
        }
        let names = ["data", "binary_data"];
        for name in names.into_iter().filter(|name| {
            hidden_entries(get(args, name)).is_some_and(|entries| entries.contains_key(key))
        }) {
            let detail = format!("`{key}` is in `{name}` already.");
            problems.push(wrong(path.clone(), detail, "Keep one of the two."));
        }
    }
    problems
}

/// The entries, each hidden; `None` when it is not known which there are.
fn hidden_entries(given: &Value) -> Option<Map> {
    match given {
        Value::Map(map) => {
            Some(map.iter().map(|(k, v)| (k.clone(), v.clone().into_sensitive())).collect())
        }
        Value::Sensitive(hidden) => hidden_entries(hidden.expose()),
        Value::Unknown(_) => None,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            Some(Map::new())
        }
    }
}

/// A text as the API has it; the mark stays.
fn encoded(value: &Value) -> Value {
    match value {
        Value::Sensitive(hidden) => encoded(hidden.expose()).into_sensitive(),
        Value::String(text) => Value::string(STANDARD.encode(text.as_bytes())),
        other => other.clone(),
    }
}
