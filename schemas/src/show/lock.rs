//! `lock list -json`: who holds which lock.

use serde::Serialize;

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// The configuration that it is the lock of; empty for a state on this machine.
    pub project: String,
    /// Whether anybody holds it.
    pub held: bool,
    /// Who, in words.
    pub holder: Option<String>,
    /// How long ago the last sign of life came, by the server's clock.
    pub silence_seconds: Option<u64>,
    /// Whether that is so long ago that the next run takes it over.
    pub expired: bool,
}
