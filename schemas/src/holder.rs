//! Who holds a lock: for people who wait for it.
//!
//! Not a stored format: nothing is decided from it, and what cannot be read is no error.

use serde::{Deserialize, Serialize};

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
    pid: u32,
    host: String,
    user: String,
    operation: String,
    since: i64,
}

/// The text of a holder.
pub fn write(holder: &Holder) -> String {
    let Holder { pid, host, user, operation, since } = holder.clone();
    let wire = Wire { pid, host, user, operation, since };
    serde_json::to_string(&wire).expect("the wire form is plain JSON") + "\n"
}

/// The holder in a text; `None` when it is anything else. Control characters are taken out,
/// since people will read it.
pub fn read(bytes: &[u8]) -> Option<Holder> {
    let Wire { pid, host, user, operation, since } = serde_json::from_slice(bytes).ok()?;
    let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(100).collect();
    let (host, user, operation) = (plain(host), plain(user), plain(operation));
    Some(Holder { pid, host, user, operation, since })
}
