//! What somebody does to the world: one request that changes an object, one change of a file, one
//! command on a host.

use crate::site::CANARY;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::Value as Json;
use std::fmt;

/// The namespace of the state.
pub(crate) const STATE: &str = session::STATE_NAMESPACE;

/// What is done to the world.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Touch {
    /// A request that changes an object.
    Object(Request),
    /// A file is written; removed when there is no content.
    File { node: String, path: String, content: Option<Vec<u8>> },
    /// A command is run that changes something.
    Command { node: String, words: Vec<String> },
}

/// A request about an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// As Kubernetes calls it: `create`, `update`, `patch`, `delete`.
    pub(crate) verb: &'static str,
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) body: Json,
    /// Whether the secret stands in it.
    pub(crate) tells: bool,
    /// The node of the pod that is meant, when it is one.
    pub(crate) pods_node: Option<String>,
}

impl Request {
    /// What a request would change; `None` for one that only looks.
    pub(crate) fn of(method: &Method, path: &str, query: &str, body: &[u8]) -> Option<Self> {
        let dry = query.split('&').any(|part| part == "dryRun=All");
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = parts.as_slice() else {
            return None;
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let text = String::from_utf8_lossy(body);
        let body: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
        let (resource, named, subresource) = match rest {
            [resource] => (*resource, "", ""),
            [resource, name] => (*resource, *name, ""),
            [resource, name, subresource, ..] => (*resource, *name, *subresource),
            [] => return None,
        };
        let is_review = resource.ends_with("reviews");
        let verb = match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => return None,
        };
        let is_proxy = subresource == "proxy";
        if dry || is_review || is_proxy || body["dryRun"].as_array().is_some_and(|d| !d.is_empty())
        {
            return None;
        }
        let of_body = || body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let name = if named.is_empty() { of_body() } else { named.to_owned() };
        Some(Self {
            verb,
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name,
            subresource: subresource.to_owned(),
            tells: tells(&text),
            body,
            pods_node: None,
        })
    }

    /// Whether it is about the state, the journal, plans or the lock.
    pub(crate) fn is_of_state(&self) -> bool {
        self.namespace == STATE || (self.resource == "namespaces" && self.name == STATE)
    }

    /// Which part of the state it is about: `journal`, `state`, `plan`, `lock`.
    pub(crate) fn part(&self) -> &str {
        let label = self.body["metadata"]["labels"]["clinch.dev/part"].as_str();
        // A deletion has no labels, and the rest of a name is by chance.
        let by_name = || self.name.strip_prefix("clinch-")?.split('-').next();
        let of_state = self.namespace == STATE;
        label.or_else(|| by_name().filter(|_| of_state)).unwrap_or_default()
    }
}

/// Whether the secret stands in a text.
pub(crate) fn tells(text: &str) -> bool {
    text.contains(CANARY) || text.contains(&BASE64_STANDARD.encode(CANARY))
}

impl Touch {
    /// Whether only clinch's own memory is changed.
    pub(crate) fn is_of_state(&self) -> bool {
        matches!(self, Self::Object(request) if request.is_of_state())
    }
}

impl fmt::Display for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(request) => {
                // Names of pieces are by chance.
                let of_state = !request.part().is_empty();
                let name = if of_state { request.part() } else { request.name.as_str() };
                write!(f, "{} {}", request.verb, request.resource)?;
                for part in [request.namespace.as_str(), name, request.subresource.as_str()] {
                    if !part.is_empty() {
                        write!(f, "/{part}")?;
                    }
                }
                Ok(())
            }
            Self::File { node, path, content: Some(_) } => write!(f, "{node}: write {path}"),
            Self::File { node, path, content: None } => write!(f, "{node}: remove {path}"),
            Self::Command { node, words } => write!(f, "{node}: run {}", words.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: Method, target: &str, body: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match Request::of(&method, path, query, body.as_bytes()) {
            Some(request) => Touch::Object(request).to_string(),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn request_that_changes_nothing_is_no_touch() {
        let pods = "/api/v1/namespaces/shop/pods";
        assert_eq!(read(Method::GET, pods, ""), "nothing");
        assert_eq!(read(Method::POST, &format!("{pods}?dryRun=All"), "{}"), "nothing");
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        assert_eq!(read(Method::POST, reviews, "{}"), "nothing");
    }

    #[test]
    fn touch_is_shown_as_verb_and_object() {
        let evict = read(Method::POST, "/api/v1/namespaces/shop/pods/web-1/eviction", "{}");
        assert_eq!(evict, "create pods/shop/web-1/eviction");
        assert_eq!(read(Method::PATCH, "/api/v1/nodes/w1", "[]"), "patch nodes/w1");
        let named = r#"{"metadata": {"name": "x"}}"#;
        assert_eq!(read(Method::POST, "/api/v1/namespaces", named), "create namespaces/x");
    }
}
