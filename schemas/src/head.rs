//! The head of a state that is kept in pieces: which pieces are the state.
//!
//! Whoever changes a state writes new pieces beside the old ones and then exchanges the head, so
//! that a reader sees the whole old state or the whole new one.

use crate::{ReadError, Unwritable, envelope};
use serde::{Deserialize, Serialize};

/// Which pieces are the state, and who may change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The configuration's name.
    pub project: String,
    /// The state's lineage; empty while nothing was ever stored.
    pub lineage: String,
    /// The state's serial.
    pub serial: u64,
    /// The pieces of the state; `None` while nothing was ever stored.
    pub state: Option<Pieces>,
    /// The set of the journal's pieces, while a run is not finished.
    pub journal: Option<String>,
    /// Grows with every change of hands. Whoever has an older one may not write.
    pub fence: u64,
    /// Who has it.
    pub holder: String,
}

/// Pieces of one text, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// What their names have in common.
    pub set: String,
    /// How many there are.
    pub count: u32,
    /// SHA-256 of the pieces, one behind the other.
    pub digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    project: String,
    lineage: String,
    serial: u64,
    state: Option<Wire>,
    journal: Option<String>,
    fence: u64,
    holder: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    set: String,
    count: u32,
    digest: String,
}

/// The text of a head.
pub fn write(head: &Head) -> Result<String, Unwritable> {
    let Head { project, lineage, serial, state, journal, fence, holder } = head.clone();
    let state = state.map(|Pieces { set, count, digest }| Wire { set, count, digest });
    let body = Body { project, lineage, serial, state, journal, fence, holder };
    let body = serde_json::to_string(&body).expect("the wire form is plain JSON");
    envelope::seal(&envelope::HEAD, &body)
}

/// The head in a text, when the text is whole.
pub fn read(bytes: &[u8]) -> Result<Head, ReadError> {
    let body = envelope::open::<Body>(&envelope::HEAD, bytes)?;
    let Body { project, lineage, serial, state, journal, fence, holder } = body;
    let state = state.map(|Wire { set, count, digest }| Pieces { set, count, digest });
    Ok(Head { project, lineage, serial, state, journal, fence, holder })
}
