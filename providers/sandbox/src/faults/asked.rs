//! A request as matchers see it.

use http::Method;
use http::request::Parts;

use super::{Fault, Matcher, Webhook};
use crate::request::{ObjectPath, Path, Query};

/// What is asked, read once for all faults.
pub(crate) struct Asked {
    method: Method,
    path: String,
    object: Option<ObjectPath>,
    watches: bool,
    continues: bool,
    dry_run: bool,
}

impl Asked {
    pub(crate) fn of(parts: &Parts) -> Self {
        let query = Query::parse(parts.uri.query());
        let object = match Path::parse(parts.uri.path()) {
            Path::Object(object) => Some(object),
            Path::Version
            | Path::Healthy
            | Path::Core
            | Path::Groups
            | Path::Group(_)
            | Path::Resources(..)
            | Path::OpenApi(_)
            | Path::Unknown => None,
        };
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            object,
            watches: query.flag("watch"),
            continues: !query.get("continue").is_empty(),
            dry_run: query.get("dryRun") == "All",
        }
    }

    pub(super) fn object(&self) -> Option<&ObjectPath> {
        self.object.as_ref()
    }

    fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// What is done, as Kubernetes calls it; empty for what is not about objects.
    pub(super) fn verb(&self) -> &'static str {
        let Some(object) = &self.object else { return "" };
        match (&self.method, object.name.is_some()) {
            (&Method::GET | &Method::HEAD, _) if self.watches => "watch",
            (&Method::GET | &Method::HEAD, true) => "get",
            (&Method::GET | &Method::HEAD, false) => "list",
            (&Method::POST, _) => "create",
            (&Method::PUT, _) => "update",
            (&Method::PATCH, _) => "patch",
            (&Method::DELETE, true) => "delete",
            (&Method::DELETE, false) => "deletecollection",
            _ => "",
        }
    }

    pub(super) fn matches(&self, number: u64, matcher: &Matcher) -> bool {
        let has = |part: &str| self.path.contains(part);
        match matcher {
            Matcher::Any => true,
            Matcher::Number(wanted) => *wanted == number,
            Matcher::Request { method, path } => {
                (method == "*" || method == self.method.as_str()) && has(path)
            }
            Matcher::Write { path } => !self.reads() && !self.dry_run && has(path),
            Matcher::Objects { verb, resource, namespace } => {
                let Some(object) = &self.object else { return false };
                let place = object.namespace.as_deref().unwrap_or_default();
                (verb == "*" || verb == self.verb())
                    && (resource == "*" || *resource == qualified(object))
                    && namespace.as_deref().is_none_or(|namespace| namespace == place)
            }
        }
    }

    /// Whether this fault can do anything to this request.
    pub(super) fn can_be_struck(&self, fault: &Fault) -> bool {
        let names_one = self.object.as_ref().is_some_and(|object| object.subresource.is_none());
        match fault {
            Fault::Status { .. }
            | Fault::TooManyRequests { .. }
            | Fault::Answer { .. }
            | Fault::Latency(_)
            | Fault::DropBefore
            | Fault::DropAfter => true,
            Fault::DropDuring | Fault::Truncated => self.verb() != "watch",
            Fault::Forbidden { .. } => self.object.is_some(),
            Fault::Conflict => matches!(self.verb(), "update" | "patch" | "delete"),
            Fault::Stale { .. } => matches!(self.verb(), "get" | "list") && !self.continues,
            Fault::Webhook(Webhook::Mutates(_)) => {
                names_one && matches!(self.verb(), "create" | "update" | "patch")
            }
            Fault::Webhook(
                Webhook::Refuses { .. } | Webhook::TimesOut { .. } | Webhook::IsDown { .. },
            ) => names_one && !self.reads(),
            Fault::Watch(_) => self.verb() == "watch",
        }
    }
}

/// The resource as messages name it.
pub(super) fn qualified(object: &ObjectPath) -> String {
    let group = if object.group.is_empty() { "" } else { "." };
    format!("{}{group}{}", object.plural, object.group)
}
