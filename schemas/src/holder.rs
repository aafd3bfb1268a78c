//! Who holds a lock: for people who wait for it.
//!
//! Nothing is decided from it, and what cannot be read is no error: it is not shown.

use serde::{Deserialize, Serialize};

const KNOWN: u64 = 1;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine that it runs on.
    pub host: String,
    /// The user that it runs as.
    pub user: String,
    /// What it does: `apply`.
    pub operation: String,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u64,
    pid: u32,
    host: String,
    user: String,
    operation: String,
    since: i64,
}

/// The text of a holder.
pub fn write(holder: &Holder) -> String {
    let Holder { pid, host, user, operation, since } = holder.clone();
    let wire = Wire { version: KNOWN, pid, host, user, operation, since };
    serde_json::to_string(&wire).expect("the wire form is plain JSON") + "\n"
}

/// The holder in a text; `None` when it is anything else. Control characters are taken out,
/// since people will read it.
pub fn read(bytes: &[u8]) -> Option<Holder> {
    let wire: Wire = serde_json::from_slice(bytes).ok()?;
    let Wire { version: KNOWN, pid, host, user, operation, since } = wire else { return None };
    let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(100).collect();
    let (host, user, operation) = (plain(host), plain(user), plain(operation));
    Some(Holder { pid, host, user, operation, since })
}
