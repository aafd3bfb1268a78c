//! Which server the sandbox says it is.

use serde_json::{Value, json};

/// The version whose behaviour was recorded and is imitated.
pub(crate) const GIT_VERSION: &str = "v1.36.2";

/// The answer to `/version`.
pub(crate) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "archive",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "clinch sandbox",
        "platform": "linux/amd64",
    })
}
