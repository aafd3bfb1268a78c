//! Remote objects and operations on them, as data.

use diags::{Code, Diagnostic, Severity};
use std::fmt;
use std::sync::Arc;
use values::{Path, Value};

/// The one name of a remote object, or of the part of one that a resource owns. Two resources
/// with the same key own the same thing, which is an error.
///
/// Examples: `v1/ConfigMap/kube-system/coredns`, `v1/Node/w1#example.com/dongle`,
/// `node/w1:/etc/modprobe.d/x.conf`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(pub Arc<str>);

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which remote object is meant; known before anything is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its one name.
    pub key: ObjectKey,
    /// What the provider needs to find it, never sensitive, never unknown.
    pub args: Value,
    /// How people call it: `ConfigMap kube-system/coredns`.
    pub shown: String,
}

/// One operation on the world, as data: a saved plan holds exactly what will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// The resource type whose provider performs it.
    pub ty: addrs::TypeName,
    /// Which operation: `apply`, `delete`, `write`, ... Known to the provider of `ty`.
    pub name: String,
    /// The object.
    pub identity: Identity,
    /// What to do, in the provider's terms. Unknown parts are decided during apply.
    pub args: Value,
    /// What must still be true right before, in the provider's terms (uid, resourceVersion,
    /// digest of a file); null when nothing is asked.
    pub guard: Value,
    /// For people, as an imperative: `apply ConfigMap kube-system/coredns`.
    pub text: String,
}

/// Something wrong with a part of an argument; becomes a [`Diagnostic`] once its path is
/// mapped to a place in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of problem.
    pub code: Code,
    /// The headline; never holds text of a user.
    pub summary: &'static str,
    /// Which argument; the root when the whole resource is meant.
    pub path: Path,
    /// What is wrong and why.
    pub detail: String,
    /// What to do.
    pub help: Option<String>,
    /// Whether nothing at all can be told of a whole scope, since it was not reached: a node's
    /// host that is down. Its objects are neither there nor gone.
    pub unreachable: bool,
}

impl Problem {
    /// An error.
    pub fn error(code: Code, summary: &'static str, path: Path, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            summary,
            path,
            detail: detail.into(),
            help: None,
            unreachable: false,
        }
    }

    /// A warning.
    pub fn warning(
        code: Code,
        summary: &'static str,
        path: Path,
        detail: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, summary, path, detail) }
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As a diagnostic without a place; the caller that knows the configuration adds one.
    pub fn into_diagnostic(self) -> Diagnostic {
        let new = match self.severity {
            Severity::Error => Diagnostic::error,
            Severity::Warning => Diagnostic::warning,
        };
        let mut diagnostic = new(self.code, self.summary, self.detail);
        diagnostic.help = self.help;
        diagnostic
    }
}
