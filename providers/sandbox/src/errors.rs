//! What a request is refused with: a `metav1.Status`, in the real server's words.

use apimachinery::FieldError;
use apimachinery::discovery::Resource;
use serde_json::{Map, Value, json};

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    /// Answered as plain text, as the real server does for paths that it does not know.
    pub(crate) plain: bool,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, plain: false }
    }

    /// `metav1.Status` as JSON.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        if self.reason.is_empty()
            && let Some(status) = status.as_object_mut()
        {
            status.remove("reason");
        }
        status
    }

    /// There is nothing at this path.
    pub(crate) fn unknown_path() -> Self {
        Self { plain: true, ..Self::new(404, "NotFound", "404 page not found") }
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    pub(crate) fn namespace_not_found(name: &str) -> Self {
        let mut error = Self::new(404, "NotFound", format!("namespaces {name:?} not found"));
        error.details = Some(json!({"name": name, "kind": "namespaces"}));
        error
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// A condition of a deletion does not hold; the real server names the kind here.
    pub(crate) fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let (kind, group) = (&resource.kind, &resource.group);
        let shown = if group.is_empty() { kind.clone() } else { format!("{kind}.{group}") };
        let message = format!("Operation cannot be fulfilled on {shown} {name:?}: {why}");
        let mut error = Self::new(409, "Conflict", message);
        error.details = Some(json!({"name": name, "kind": kind}));
        if let (false, Some(details)) = (group.is_empty(), &mut error.details) {
            details["group"] = Value::from(group.as_str());
        }
        error
    }

    /// There is a server for the group, and nothing of this name.
    pub(crate) fn no_such_resource() -> Self {
        let message = "the server could not find the requested resource";
        let mut error = Self::new(404, "NotFound", message);
        error.details = Some(json!({}));
        error
    }

    /// A parameter of the request is not acceptable.
    pub(crate) fn bad_option(options: &str, error: FieldError) -> Self {
        Self::invalid("meta.k8s.io", options, "", &[error])
    }

    /// The object was changed since the request's author read it.
    pub(crate) fn stale(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn apply_conflict(message: String, causes: Vec<Value>) -> Self {
        let mut error = Self::new(409, "Conflict", message);
        error.details = Some(json!({"causes": causes}));
        error
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let shown = resource.qualified();
        let message = if name.is_empty() {
            format!("{shown} is forbidden: {why}")
        } else {
            format!("{shown} {name:?} is forbidden: {why}")
        };
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// The object breaks rules about its fields.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let causes: Vec<Value> = errors
            .iter()
            .map(|error| json!({"reason": error.kind.reason(), "message": error.body(), "field": error.field}))
            .collect();
        // What is said twice is shown once.
        let mut distinct: Vec<String> = Vec::new();
        for error in errors.iter().map(ToString::to_string) {
            if !distinct.contains(&error) {
                distinct.push(error);
            }
        }
        let shown = match distinct.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut error =
            Self::new(422, "Invalid", format!("{qualified} {name:?} is invalid: {shown}"));
        let mut details = Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), Value::from(value));
            }
        }
        details.insert("causes".to_owned(), Value::Array(causes));
        error.details = Some(Value::Object(details));
        error
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut error = Self::new(405, "MethodNotAllowed", message);
        error.details = Some(json!({}));
        error
    }

    /// The client reads nothing that there is.
    pub(crate) fn not_acceptable() -> Self {
        let message = "406: Not Acceptable\n\nAvailable representations: application/json";
        let mut error = Self::new(406, "NotAcceptable", message);
        error.details = Some(json!({}));
        error
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The request asks for a version that does not exist yet.
    pub(crate) fn too_large_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut error = Self::new(504, "Timeout", message);
        error.details = Some(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }));
        error
    }

    pub(crate) fn too_many_requests(message: impl Into<String>) -> Self {
        Self::new(429, "TooManyRequests", message)
    }

    /// The real server's own name of the kind in this place has no plural.
    pub(crate) fn forbidden_budget(name: &str, why: &str) -> Self {
        let message = format!("poddisruptionbudget.policy {name:?} is forbidden: {why}");
        let mut error = Self::new(403, "Forbidden", message);
        error.details =
            Some(json!({"name": name, "group": "policy", "kind": "poddisruptionbudget"}));
        error
    }

    /// Says when to ask again, in seconds.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.details.get_or_insert_with(|| json!({}))["retryAfterSeconds"] = json!(seconds);
        self
    }

    /// The real server answers an apply of the wrong type like this.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// A webhook refuses; without a code of its own it is a bad request.
    pub(crate) fn denied(code: u16, message: String) -> Self {
        let reason = if code == 403 { "Forbidden" } else { "" };
        Self::new(code.max(400), reason, message)
    }

    /// A patch that cannot be carried out; the real server says no more than this.
    pub(crate) fn rejected() -> Self {
        let message = "the server rejected our request due to an error in our request";
        let mut error = Self::new(422, "Invalid", message);
        error.details = Some(json!({}));
        error
    }

    /// Adds a cause, as admission does.
    pub(crate) fn with_cause(mut self, reason: &str, message: &str, field: &str) -> Self {
        let details = self.details.get_or_insert_with(|| json!({}));
        details["causes"] = json!([{"reason": reason, "message": message, "field": field}]);
        self
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        let mut details = Map::new();
        for (key, value) in [("name", name), ("group", &resource.group), ("kind", &resource.plural)]
        {
            if !value.is_empty() {
                details.insert(key.to_owned(), Value::from(value));
            }
        }
        self.details = Some(Value::Object(details));
        self
    }
}
