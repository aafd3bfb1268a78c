//! What is asked: the path, the query and the headers of a request, read once.

use std::collections::BTreeMap;

use apimachinery::FieldError;
use http::HeaderMap;
use http::request::Parts;
use serde_json::{Value, json};

use crate::errors::ApiError;

/// What a path means, before it is known whether anything is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Path {
    Version,
    Healthy,
    /// `/api`
    Core,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`; the core group is empty.
    Resources(String, String),
    /// `/openapi/v3`, with or without a document below it.
    OpenApi(String),
    Object(ObjectPath),
    Unknown,
}

/// A path below a group and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectPath {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Path {
    pub(crate) fn parse(path: &str) -> Self {
        let decoded: Option<Vec<String>> =
            path.trim_matches('/').split('/').map(percent_decode).collect();
        let Some(decoded) = decoded else { return Self::Unknown };
        let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Healthy,
            ["api"] => Self::Core,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            ["api", version] => Self::Resources(String::new(), (*version).to_owned()),
            ["apis", group, version] => Self::Resources((*group).to_owned(), (*version).to_owned()),
            ["openapi", "v3", rest @ ..] => Self::OpenApi(rest.join("/")),
            ["api", version, rest @ ..] => object("", version, rest),
            ["apis", group, version, rest @ ..] => object(group, version, rest),
            _ => Self::Unknown,
        }
    }
}

fn object(group: &str, version: &str, rest: &[&str]) -> Path {
    let (namespace, rest) = match rest {
        // `namespaces/x` and its own subresources are the object itself.
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (plural, None, None),
        [plural, name] => (plural, Some((*name).to_owned()), None),
        [plural, name, sub @ ..] if !sub.is_empty() => {
            (plural, Some((*name).to_owned()), Some(sub.join("/")))
        }
        _ => return Path::Unknown,
    };
    Path::Object(ObjectPath {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace,
        plural: (*plural).to_owned(),
        name,
        subresource,
    })
}

/// The query of a request: the last value of each parameter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .filter_map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((
                        percent_decode(&name.replace('+', " "))?,
                        percent_decode(&value.replace('+', " "))?,
                    ))
                })
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The same with this parameter.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut all = self.0.clone();
        all.insert(name.to_owned(), value.to_owned());
        Self(all)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1" | "t" | "T" | "TRUE" | "True")
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
            }),
        }
    }
}

/// What a write asks for beside its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) manager: String,
    /// Whether `fieldManager` was given, and not taken from the client's name.
    pub(crate) manager_given: bool,
    pub(crate) force: bool,
    pub(crate) validation: FieldValidation,
}

/// What to do about unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl WriteOptions {
    /// Reads what is asked; `options` is the kind of the real server's parameters.
    pub(crate) fn parse(
        query: &Query,
        headers: &HeaderMap,
        options: &str,
    ) -> Result<Self, ApiError> {
        let unsupported = |name: &str, value: Value, supported: &[&str]| {
            Err(ApiError::bad_option(options, FieldError::not_supported(name, value, supported)))
        };
        let dry_run = match query.get("dryRun") {
            "" => false,
            "All" => true,
            other => return unsupported("dryRun", json!([other]), &["All"]),
        };
        let given = query.get("fieldManager");
        if given.len() > 128 {
            return Err(ApiError::bad_option(options, FieldError::too_long("fieldManager", 128)));
        }
        let validation = match query.get("fieldValidation") {
            "Strict" => FieldValidation::Strict,
            "Ignore" => FieldValidation::Ignore,
            "" | "Warn" => FieldValidation::Warn,
            other => {
                return unsupported(
                    "fieldValidation",
                    json!(other),
                    &["", "Ignore", "Warn", "Strict"],
                );
            }
        };
        let manager = if given.is_empty() { from_user_agent(headers) } else { given.to_owned() };
        Ok(Self {
            dry_run,
            manager,
            manager_given: !given.is_empty(),
            force: query.flag("force"),
            validation,
        })
    }
}

/// The client's name: its user agent up to the first slash.
fn from_user_agent(headers: &HeaderMap) -> String {
    let agent = headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
    let name = agent.unwrap_or_default().split('/').next().unwrap_or_default();
    let printable: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    if printable.is_empty() { "unknown".to_owned() } else { printable }
}

/// The media type of the body, without parameters.
pub(crate) fn content_type(parts: &Parts) -> String {
    let header =
        parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = header.unwrap_or_default().split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

fn percent_decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let hex = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}
