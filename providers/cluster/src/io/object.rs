//! Identities, intents and live objects between values and JSON.

use access::{Cluster, Resource, Secrets, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diags::Code;
use plans::{Identity, Op, Problem};
use provider::Performed;
use serde_json::Value as Json;
use std::sync::Arc;
use values::{Path, Value};

use crate::canon::hide_secret_data;
use crate::{shown, sources};

const NOT_UNDERSTOOD: Code = Code("E0751");
const SCOPE: Code = Code("E0753");

/// An object, found from its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) api_version: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) namespace: Option<Arc<str>>,
    pub(super) name: Arc<str>,
}

impl Named {
    /// From the arguments of an identity.
    pub(super) fn of(identity: &Identity) -> Result<Self, Problem> {
        let text = |name: &str| match identity.args.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(_) | None => None,
        };
        match (text("api_version"), text("kind"), text("name")) {
            (Some(api_version), Some(kind), Some(name)) => {
                Ok(Self { api_version, kind, namespace: text("namespace"), name })
            }
            _ => Err(broken(format!("{} has no full identity.", identity.shown))),
        }
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Where it is; `None` when the server does not have this kind.
    pub(super) async fn resolve(&self, cluster: &Cluster) -> Result<Option<Resource>, Problem> {
        let found = cluster.resolve(&self.api_version, &self.kind).await;
        let found = found.map_err(|error| error.to_problem())?;
        found.map(|resource| self.fits(&resource).map(|()| resource)).transpose()
    }

    /// Whether it has a namespace exactly when its kind wants one. Without this check a name
    /// in the wrong place would look absent.
    pub(super) fn fits(&self, resource: &Resource) -> Result<(), Problem> {
        let problem = |detail: String, help: &str| {
            Problem::error(SCOPE, "The namespace does not fit the kind", Path::root(), detail)
                .with_help(help)
        };
        match (&self.namespace, resource.namespaced) {
            (Some(_), true) | (None, false) => Ok(()),
            (None, true) => Err(problem(
                format!("Objects of kind `{}` live in namespaces, and none is given.", self.kind),
                "Set `metadata.namespace`.",
            )),
            (Some(namespace), false) => Err(problem(
                format!(
                    "Objects of kind `{}` live in no namespace, and `{namespace}` is given.",
                    self.kind
                ),
                "Remove `metadata.namespace`.",
            )),
        }
    }

    /// For people: `ConfigMap a/b`.
    pub(super) fn shown(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

/// An operation that this half does not understand: the fault of the program, or of a plan
/// file that another version wrote.
pub(super) fn broken(detail: impl Into<String>) -> Problem {
    Problem::error(NOT_UNDERSTOOD, "An operation is not understood", Path::root(), detail)
        .with_help("Make a new plan with this version of the program.")
}

/// A text among the arguments or guards of an operation.
pub(super) fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
}

/// A switch among the arguments of an operation; off when it is not given.
pub(super) fn flag(of: &Value, name: &str) -> bool {
    of.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// A whole number among the arguments of an operation.
pub(super) fn whole(of: &Value, name: &str) -> Option<u64> {
    of.get(name).and_then(Value::as_number)?.as_i64()?.try_into().ok()
}

/// What an operation applies.
pub(super) struct Intent {
    pub(super) value: Value,
    json: Json,
}

impl Intent {
    pub(super) fn of(op: &Op) -> Result<Self, Problem> {
        let Some(value) = op.args.get("object") else {
            return Err(broken(format!("`{}` says to apply nothing.", op.text)));
        };
        let json = json::to_json_exposing_sensitive(value).map_err(|not_plain| {
            broken(format!("{} cannot be sent: {not_plain}.", op.identity.shown))
        })?;
        if !json["metadata"].is_object() {
            return Err(broken(format!("`{}` says to apply what is no object.", op.text)));
        }
        Ok(Self { value: value.clone(), json })
    }

    /// With the values that the configuration only points at.
    pub(super) async fn complete(op: &Op, secrets: &Secrets) -> Result<Self, Problem> {
        let mut intent = Self::of(op)?;
        let sources = op.args.get("sources").unwrap_or(&Value::Null);
        let sources = sources::of_args(sources).map_err(broken)?;
        if sources.is_empty() {
            return Ok(intent);
        }
        let mut object = intent.value.as_map().cloned().unwrap_or_default();
        let mut data = object.get("data").and_then(Value::as_map).cloned().unwrap_or_default();
        for sourced in sources {
            let bytes = secrets.read(&sourced.source).await?;
            let text = STANDARD.encode(sourced.finished(bytes));
            intent.json["data"][&sourced.key] = text.as_str().into();
            data.insert(sourced.key.into(), Value::from(text).into_sensitive());
        }
        object.insert("data".into(), Value::map(data));
        intent.value = Value::map(object);
        Ok(intent)
    }

    /// As it is sent, for exactly this object at exactly this version where these are given.
    pub(super) fn body(&self, uid: Option<&str>, resource_version: Option<&str>) -> Json {
        let mut body = self.json.clone();
        for (name, value) in [("uid", uid), ("resourceVersion", resource_version)] {
            if let Some(value) = value {
                body["metadata"][name] = value.into();
            }
        }
        body
    }

    /// A problem without what the intent hides: servers quote what they refuse.
    pub(super) fn redacted(&self, problem: Problem) -> Problem {
        Problem {
            detail: shown::redacted(&problem.detail, &self.value),
            help: problem.help.map(|help| shown::redacted(&help, &self.value)),
            ..problem
        }
    }

    /// What references see of the object now.
    pub(super) fn performed(&self, live: &Json) -> Performed {
        let live = json::from_json(live);
        let masked = shown::masked(&hide_secret_data(&live), &self.value);
        let uid = shown::uid(&live).map(str::to_owned);
        let exported = Value::map([
            ("uid", uid.as_deref().map_or(Value::Null, Value::from)),
            ("object", shown::exported(&masked)),
        ]);
        Performed { exported, uid }
    }
}

/// A text of the metadata of a live object.
pub(super) fn meta<'a>(live: &'a Json, name: &str) -> Option<&'a str> {
    live["metadata"][name].as_str().filter(|t| !t.is_empty())
}

/// Whether a live object is on its way out.
pub(super) fn is_going(live: &Json) -> bool {
    meta(live, "deletionTimestamp").is_some()
}
