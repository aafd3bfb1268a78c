//! Why a request to the API did not do what was asked.

use crate::text::{clean, sentence};
use diags::Code;
use plans::Problem;
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use values::Path;

const UNREACHABLE: Code = Code("E0711");
const TLS: Code = Code("E0712");
const UNAUTHENTICATED: Code = Code("E0713");
const FORBIDDEN: Code = Code("E0714");
const OVERLOADED: Code = Code("E0715");
const MALFORMED: Code = Code("E0716");
const REFUSED: Code = Code("E0717");
const CREDENTIALS: Code = Code("E0718");

/// Which cluster, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The context's name, or `sandbox`.
    pub name: String,
    /// `https://10.0.0.1:6443`, or the sandbox's folder.
    pub server: String,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As RBAC calls it: `get`, `list`, `patch`, ...
    pub verb: &'static str,
    /// Plural with its group as RBAC calls it: `configmaps`, `deployments.apps`.
    pub resource: String,
    /// The namespace, when the request has one.
    pub namespace: Option<String>,
    /// The object's name, when the request has one.
    pub name: Option<String>,
}

impl Call {
    /// A request that is not about an object.
    pub(crate) fn of(verb: &'static str, what: &str) -> Self {
        Self { verb, resource: what.to_owned(), namespace: None, name: None }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        match (&self.namespace, &self.name) {
            (Some(ns), Some(name)) => write!(f, " {ns}/{name}"),
            (Some(ns), None) => write!(f, " in namespace {ns}"),
            (None, Some(name)) => write!(f, " {name}"),
            (None, None) => Ok(()),
        }
    }
}

/// A request that did not do what was asked.
#[derive(Debug, Clone)]
pub struct ClusterError {
    /// Which cluster.
    pub place: Arc<Place>,
    /// What was asked.
    pub call: Box<Call>,
    /// What became of it.
    pub failure: Failure,
    /// How often it was tried.
    pub attempts: u32,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server answered, and refused.
    Refused(Box<Refusal>),
    /// There was no answer.
    Unreachable(Unreachable),
    /// There was an answer that cannot be understood; why, as the end of a sentence.
    Malformed(String),
}

/// A refusal by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The machine-readable reason, `Conflict`; empty when the answer had none.
    pub reason: String,
    /// The server's sentence.
    pub message: String,
    /// Single causes, such as each field that is wrong.
    pub causes: Vec<Cause>,
    /// The kind that the refusal is about (`details.kind`), which for a missing namespace is
    /// not the kind that was asked for.
    pub about_kind: Option<String>,
    /// The name that the refusal is about (`details.name`).
    pub about_name: Option<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the answer was not a `metav1.Status`: a path that does not exist, or a proxy.
    pub non_json: bool,
}

/// One cause of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// `FieldManagerConflict`, `FieldValueInvalid`, ...
    pub reason: String,
    /// The server's sentence.
    pub message: String,
    /// The field, as the server prints it.
    pub field: String,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// Nothing listens there.
    ConnectionRefused,
    /// The name of the server is not known.
    NameNotFound,
    /// No answer in this time.
    TimedOut(Duration),
    /// TLS could not be agreed on.
    Tls(TlsTrouble, String),
    /// There is nothing to show to the server as credentials; why.
    Credentials(String),
    /// The connection broke; how.
    Broken(String),
}

/// What is wrong with the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsTrouble {
    /// Signed by an authority that the configuration does not name.
    UnknownAuthority,
    /// For another name or address.
    WrongName,
    /// Past its time.
    Expired,
    /// Not yet valid, usually by a wrong clock.
    NotYetValid,
    /// The server refused our certificate.
    OursRefused,
    /// Something else.
    Other,
}

impl Failure {
    /// In a few words, as the end of a sentence that begins with the server.
    pub(crate) fn brief(&self) -> String {
        match self {
            Self::Refused(refusal) => format!("answered {}", refusal.code),
            Self::Malformed(_) => "answered nonsense".to_owned(),
            Self::Unreachable(why) => match why {
                Unreachable::ConnectionRefused => "is down".to_owned(),
                Unreachable::NameNotFound => "has no address".to_owned(),
                Unreachable::TimedOut(_) => "did not answer".to_owned(),
                Unreachable::Tls(..) => "cannot be trusted".to_owned(),
                Unreachable::Credentials(_) => "wants credentials".to_owned(),
                Unreachable::Broken(_) => "broke the connection".to_owned(),
            },
        }
    }
}

impl Refusal {
    /// Reads the body of an answer that is no success.
    pub(crate) fn read(code: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let status: Option<Json> = serde_json::from_slice(body).ok();
        let status = status.filter(|s| s["kind"] == "Status");
        let non_json = status.is_none();
        let text = |v: &Json| clean(v.as_str().unwrap_or_default());
        let Some(status) = status else {
            let shown = clean(&String::from_utf8_lossy(&body[..body.len().min(500)]));
            let message = if shown.is_empty() { format!("HTTP status {code}") } else { shown };
            return Self {
                code,
                reason: String::new(),
                message,
                causes: Vec::new(),
                about_kind: None,
                about_name: None,
                retry_after,
                non_json,
            };
        };
        let details = &status["details"];
        let causes = details["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let some = |v: &Json| v.as_str().filter(|s| !s.is_empty()).map(clean);
        Self {
            code,
            reason: text(&status["reason"]),
            message: text(&status["message"]),
            causes: causes
                .iter()
                .map(|c| Cause {
                    reason: text(&c["reason"]),
                    message: text(&c["message"]),
                    field: text(&c["field"]),
                })
                .collect(),
            about_kind: some(&details["kind"]),
            about_name: some(&details["name"]),
            retry_after: retry_after.or_else(|| {
                details["retryAfterSeconds"].as_u64().filter(|s| *s > 0).map(Duration::from_secs)
            }),
            non_json,
        }
    }

    /// Whether another manager owns a field with another value, as opposed to a stale
    /// `resourceVersion`: both are status 409, and only this one has causes.
    pub fn is_manager_conflict(&self) -> bool {
        self.code == 409 && self.causes.iter().any(|c| c.reason == "FieldManagerConflict")
    }

    /// Whether the object is no longer at the `resourceVersion` of the request.
    pub fn is_stale_version(&self) -> bool {
        self.code == 409
            && self.reason == "Conflict"
            && self.causes.is_empty()
            && !self.is_other_uid()
    }

    /// Whether the object is gone or is another one than the `uid` of the request. A
    /// recreated object shows as an attempt to change `metadata.uid`.
    pub fn is_other_uid(&self) -> bool {
        (self.code == 409 && self.message.to_lowercase().contains("uid"))
            || (self.code == 422 && self.causes.iter().any(|c| c.field == "metadata.uid"))
    }
}

impl ClusterError {
    /// The refusal, when the server answered.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.failure {
            Failure::Refused(refusal) => Some(refusal),
            Failure::Unreachable(_) | Failure::Malformed(_) => None,
        }
    }

    /// The HTTP status of the refusal.
    pub fn code(&self) -> Option<u16> {
        self.refusal().map(|r| r.code)
    }

    /// Whether the server said that this very object, or the namespace that it would be in,
    /// does not exist. A missing path (kind not served) and a page of some proxy are not that.
    pub fn is_object_not_found(&self) -> bool {
        self.refusal().is_some_and(|r| {
            let object = r.about_name.is_some() && r.about_name == self.call.name;
            r.code == 404 && r.reason == "NotFound" && (object || self.is_namespace_missing(r))
        })
    }

    fn is_namespace_missing(&self, r: &Refusal) -> bool {
        r.about_kind.as_deref() == Some("namespaces") && r.about_name == self.call.namespace
    }

    /// Whether the path of the request is not served: a kind that does not exist (yet).
    pub fn is_path_not_found(&self) -> bool {
        self.refusal().is_some_and(|r| r.code == 404 && r.non_json)
    }

    /// Whether the server said that this is not allowed.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether a request that changes something may have changed it nevertheless.
    pub fn may_have_taken_effect(&self) -> bool {
        match &self.failure {
            Failure::Refused(r) => matches!(r.code, 500 | 502 | 504) && !is_typed_error(r),
            Failure::Malformed(_) => true,
            Failure::Unreachable(why) => match why {
                Unreachable::TimedOut(_) | Unreachable::Broken(_) => true,
                Unreachable::ConnectionRefused
                | Unreachable::NameNotFound
                | Unreachable::Tls(..)
                | Unreachable::Credentials(_) => false,
            },
        }
    }

    /// For a person, with what to do.
    pub fn to_problem(&self) -> Problem {
        match &self.failure {
            Failure::Refused(refusal) => self.refused(refusal),
            Failure::Unreachable(why) => self.unreachable(why),
            Failure::Malformed(why) => self
                .problem(
                    MALFORMED,
                    "The server's answer cannot be understood",
                    format!("Asked to {}, the server answered something that {why}.", self.call),
                )
                .with_help(
                    "Something between here and the API server may have cut or replaced the \
                     answer. Nothing was concluded from it; try again.",
                ),
        }
    }

    fn problem(&self, code: Code, summary: &'static str, detail: String) -> Problem {
        let tries = match self.attempts {
            0 | 1 => String::new(),
            n => format!(" It was tried {n} times."),
        };
        Problem::error(code, summary, Path::root(), detail + &tries)
    }

    fn at(&self) -> String {
        format!("{} (context `{}`)", self.place.server, self.place.name)
    }

    fn refused(&self, r: &Refusal) -> Problem {
        let said = sentence(&r.message);
        match r.code {
            401 => self
                .problem(
                    UNAUTHENTICATED,
                    "The server does not accept the credentials",
                    format!("{} answered 401 to: {}. {said}", self.at(), self.call),
                )
                .with_help(
                    "The token or certificate has probably expired. Log in to the cluster \
                     again, or choose another context with `-context`.",
                ),
            403 => self.forbidden(r),
            429 | 500..=599 if !is_typed_error(r) => {
                let problem = self.problem(
                    OVERLOADED,
                    "The server cannot answer at the moment",
                    format!("Asked to {}, {} answered {}: {said}", self.call, self.at(), r.code),
                );
                problem.with_help("This is usually over after a while; try again.")
            }
            _ => {
                let mut detail = format!("Asked to {}, the server answered: {said}", self.call);
                for cause in r.causes.iter().filter(|c| !r.message.contains(&c.message)) {
                    for part in [&cause.field, &sentence(&cause.message)] {
                        if !part.is_empty() {
                            detail.push(' ');
                            detail.push_str(part);
                        }
                    }
                }
                self.problem(REFUSED, "The server refuses this", detail)
            }
        }
    }

    fn forbidden(&self, r: &Refusal) -> Problem {
        let Call { verb, resource, namespace, .. } = &*self.call;
        let who = user_of(&r.message).map_or("This user".to_owned(), |u| format!("User `{u}`"));
        let place = match namespace {
            Some(ns) => format!("in namespace `{ns}`"),
            None => "in the whole cluster".to_owned(),
        };
        let said = sentence(&r.message);
        // Not every 403 is a missing right: quota and policies answer 403 too.
        if !r.message.contains("cannot ") {
            return self.problem(
                REFUSED,
                "The server refuses this",
                format!("Asked to {}, the server answered: {said}", self.call),
            );
        }
        let scope = namespace.as_ref().map_or(String::new(), |ns| format!(" -n {ns}"));
        self.problem(
            FORBIDDEN,
            "The server does not allow this",
            format!("{who} may not {verb} {resource} {place}. The server said: {said}"),
        )
        .with_help(format!(
            "Ask for the right to {verb} {resource}; this shows what is allowed:\n  kubectl \
             auth can-i {verb} {resource}{scope}"
        ))
    }

    fn unreachable(&self, why: &Unreachable) -> Problem {
        let at = self.at();
        match why {
            Unreachable::ConnectionRefused => self
                .problem(
                    UNREACHABLE,
                    "The server cannot be reached",
                    format!("Nothing listens at {at}: the connection was refused."),
                )
                .with_help(
                    "Check that the API server runs and that the context is the one you mean; \
                     `kubectl config get-contexts` lists them.",
                ),
            Unreachable::NameNotFound => self
                .problem(
                    UNREACHABLE,
                    "The server cannot be reached",
                    format!("The name of the server {at} cannot be resolved."),
                )
                .with_help("Check the `server` of the kubeconfig and the network or VPN."),
            Unreachable::TimedOut(after) => self
                .problem(
                    UNREACHABLE,
                    "The server does not answer",
                    format!("Asked to {}, {at} gave no answer for {after:?}.", self.call),
                )
                .with_help("Check the network or VPN between here and the server."),
            Unreachable::Broken(how) => self
                .problem(
                    UNREACHABLE,
                    "The connection to the server broke",
                    format!("Asked to {}, {at}: {}", self.call, sentence(how)),
                )
                .with_help("The server may be restarting; try again."),
            Unreachable::Credentials(what) => self
                .problem(
                    CREDENTIALS,
                    "The credentials for the server cannot be had",
                    format!("For {at}: {}", sentence(what)),
                )
                .with_help("Run the login command of your cluster's provider, then try again."),
            Unreachable::Tls(trouble, said) => self.tls(*trouble, said),
        }
    }

    fn tls(&self, trouble: TlsTrouble, said: &str) -> Problem {
        let at = self.at();
        let (detail, help) = match trouble {
            TlsTrouble::UnknownAuthority => (
                format!("The certificate of {at} is signed by an authority that is not known."),
                "Put the cluster's own authority into `certificate-authority-data` of the \
                 kubeconfig. If it is there, this may not be the server that you mean.",
            ),
            TlsTrouble::WrongName => (
                format!("The certificate of {at} is for another name: {}", sentence(said)),
                "Use an address that the certificate names, or set `tls-server-name` in the \
                 kubeconfig.",
            ),
            TlsTrouble::Expired => (
                format!("The certificate of {at} has expired: {}", sentence(said)),
                "Renew the certificate of the API server, or set this machine's clock right.",
            ),
            TlsTrouble::NotYetValid => (
                format!("The certificate of {at} is not valid yet: {}", sentence(said)),
                "Set the clocks of this machine and of the server right.",
            ),
            TlsTrouble::OursRefused => (
                format!("{at} refused the client certificate: {}", sentence(said)),
                "The certificate of the kubeconfig has expired or is of another cluster.",
            ),
            TlsTrouble::Other => (
                format!("TLS with {at} failed: {}", sentence(said)),
                "Check that the address of the kubeconfig is that of a Kubernetes API server.",
            ),
        };
        self.problem(TLS, "The server cannot be trusted", detail).with_help(help)
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_problem().detail)
    }
}

impl std::error::Error for ClusterError {}

/// An object that does not fit the schema is reported by server-side apply as status 500.
fn is_typed_error(r: &Refusal) -> bool {
    r.message.contains("failed to create typed") || r.message.contains("field not declared")
}

/// `User "jane" cannot list ...` names the user.
fn user_of(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("User \"")?;
    rest.split_once('"').map(|(user, _)| user)
}
