//! The journal: one entry a line, each line bound to the one before.
//!
//! A line holds the digest of the digest before it and of its own entry. A changed, missing or
//! exchanged line therefore breaks the chain, and only the end of a journal can be missing
//! without a trace: that is what a crash leaves behind.

pub mod v1;

use crate::envelope::{digest, printable};
use crate::{ReadError, Unwritable, VERSION, strict};
use states::JournalEntry;

const KNOWN: u64 = 1;

/// The end of a journal, which the next line is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain(String);

impl Default for Chain {
    /// The beginning of every journal.
    fn default() -> Self {
        Self("clinch-journal".to_owned())
    }
}

impl Chain {
    /// The line of the next entry, with its line break.
    pub fn line(&mut self, entry: &JournalEntry) -> Result<String, Unwritable> {
        let entry = v1::Entry::from(entry);
        let entry = serde_json::to_string(&entry).expect("the wire form is plain JSON");
        let line = compose(&self.0, KNOWN, VERSION, &entry);
        strict::check(&line.text).map_err(Unwritable)?;
        self.0 = line.digest;
        Ok(line.text)
    }
}

struct Composed {
    text: String,
    digest: String,
}

fn compose(before: &str, version: u64, clinch: &str, entry: &str) -> Composed {
    let head = format!("{{\"v\":{version},\"clinch\":\"{clinch}\",\"entry\":{entry}");
    let digest = digest(&[before, "\n", &head]);
    Composed { text: format!("{head},\"digest\":\"{digest}\"}}\n"), digest }
}

/// A journal that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The entries.
    pub entries: Vec<JournalEntry>,
    /// The end, for the next line.
    pub chain: Chain,
    /// How many bytes hold these entries. What is behind them is to be cut off before anything
    /// is appended.
    pub whole: usize,
    /// How many bytes are behind them: a line that was being written when the machine or the
    /// process died.
    pub torn: usize,
}

/// A line that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}: {why}")]
pub struct BadLine {
    /// From 1.
    pub line: usize,
    /// Why.
    pub why: ReadError,
}

/// The entries of a journal.
///
/// The end may be torn: bytes behind the last line break, or filled with zeros. Anything else
/// that is not as it was written is an error, since entries behind it would be lost.
pub fn read(bytes: &[u8]) -> Result<Read, BadLine> {
    let mut read = Read { entries: Vec::new(), chain: Chain::default(), whole: 0, torn: 0 };
    while read.whole < bytes.len() {
        let rest = &bytes[read.whole..];
        let line = rest.iter().position(|byte| *byte == b'\n').map(|end| &rest[..=end]);
        // A file that grew before its content was on the disk ends in zeros; whether a line
        // break was among what arrived says nothing.
        let torn = |line: &[u8]| line.contains(&0) && !rest[line.len()..].iter().any(|b| *b != 0);
        let line = match line {
            Some(line) if !torn(line) => line,
            Some(_) | None => {
                read.torn = rest.len();
                return Ok(read);
            }
        };
        let number = read.entries.len() + 1;
        let entry = one(&mut read.chain, line).map_err(|why| BadLine { line: number, why })?;
        read.entries.push(entry);
        read.whole += line.len();
    }
    Ok(read)
}

fn one(chain: &mut Chain, line: &[u8]) -> Result<JournalEntry, ReadError> {
    let text = strict::text(line)?;
    strict::check(text)?;
    let head: v1::Head = serde_json::from_str(text).map_err(|error| strict::not_json(&error))?;
    if head.v > KNOWN && head.clinch == VERSION {
        // This very clinch writes no such version.
        return Err(ReadError::Digest);
    }
    if head.v > KNOWN {
        let clinch = printable(&head.clinch);
        return Err(ReadError::Newer { version: head.v, known: KNOWN, clinch });
    }
    if head.v == 0 {
        return Err(ReadError::NoVersion(head.v));
    }
    let start = format!("{{\"v\":{},\"clinch\":\"{}\",\"entry\":", head.v, head.clinch);
    let end = format!(",\"digest\":\"{}\"}}\n", head.digest);
    let entry = text.strip_prefix(&start).and_then(|rest| rest.strip_suffix(&end));
    let entry = entry.ok_or(ReadError::Digest)?;
    let composed = compose(&chain.0, head.v, &head.clinch, entry);
    if composed.digest != head.digest {
        return Err(ReadError::Digest);
    }
    let entry: v1::Entry =
        serde_json::from_str(entry).map_err(|error| ReadError::Content(error.to_string()))?;
    chain.0 = composed.digest;
    Ok(entry.into())
}
