//! What stands around the content of a stored file: what it is, and proof that it is whole.
//!
//! ```json
//! {"format":"clinch-state","version":1,"clinch":"0.1.0","digest":"sha256:9f2c…","body":{…}}
//! ```
//!
//! One spelling only: a file in which any byte differs from what was written is refused, be it
//! a space. The digest is over the whole file without the digest itself.

use crate::{ReadError, Unwritable, strict};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The version of this clinch, which stands in everything that it stores.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A format and the newest version of it that can be read.
pub(crate) struct Format {
    /// As in the file.
    pub(crate) name: &'static str,
    /// For people: `a state`.
    pub(crate) shown: &'static str,
    /// The newest version.
    pub(crate) version: u64,
}

/// All stored formats, so that a file of the wrong kind is called by its name.
pub(crate) const STATE: Format = Format { name: "clinch-state", shown: "a state", version: 1 };
/// A plan.
pub(crate) const PLAN: Format = Format { name: "clinch-plan", shown: "a plan", version: 1 };
/// The head of a state in pieces.
pub(crate) const HEAD: Format =
    Format { name: "clinch-state-head", shown: "the head of a state", version: 1 };

const END: &str = "}\n";

/// The text of a file with this content.
pub(crate) fn seal(format: &Format, body: &str) -> Result<String, Unwritable> {
    let head = head(format.name, format.version, VERSION);
    let digest = digest(&[&head, ",\"body\":", body, END]);
    let text = format!("{head},\"digest\":\"{digest}\",\"body\":{body}{END}");
    if text.len() > strict::MAX_BYTES {
        return Err(Unwritable(ReadError::TooLarge));
    }
    strict::check(&text).map_err(Unwritable)?;
    Ok(text)
}

/// The content of a file, when the file is whole and of this format.
pub(crate) fn open<T: DeserializeOwned>(format: &Format, bytes: &[u8]) -> Result<T, ReadError> {
    let text = strict::text(bytes)?;
    strict::check(text)?;
    let body = body(format, text)?;
    serde_json::from_str(body).map_err(|error| ReadError::Content(error.to_string()))
}

#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
    clinch: Option<String>,
}

fn body<'a>(format: &Format, text: &'a str) -> Result<&'a str, ReadError> {
    let other =
        |found: &str| ReadError::OtherFormat { found: found.to_owned(), wanted: format.shown };
    let Ok(head) = serde_json::from_str::<Head>(text) else {
        return Err(other("JSON of another kind"));
    };
    let (Some(name), Some(version), Some(clinch)) = (head.format, head.version, head.clinch) else {
        return Err(other("JSON of another kind"));
    };
    if name != format.name {
        let known = [STATE, PLAN, HEAD].into_iter().find(|known| known.name == name);
        return Err(other(known.map_or("JSON of another kind", |known| known.shown)));
    }
    if version > format.version && clinch == VERSION {
        // This very clinch writes no such version.
        return Err(ReadError::Digest);
    }
    if version > format.version {
        // What the newer one is like is not known here; only that it is whole JSON.
        return Err(ReadError::Newer {
            version,
            known: format.version,
            clinch: printable(&clinch),
        });
    }
    if version == 0 {
        return Err(ReadError::NoVersion(version));
    }
    let head = self::head(format.name, version, &clinch);
    let rest = text.strip_prefix(&head).and_then(|rest| rest.strip_prefix(",\"digest\":\""));
    let (written, rest) = rest.and_then(|rest| rest.split_once('"')).ok_or(ReadError::Digest)?;
    let body = rest.strip_prefix(",\"body\":").and_then(|rest| rest.strip_suffix(END));
    let body = body.ok_or(ReadError::Digest)?;
    if digest(&[&head, ",\"body\":", body, END]) != written {
        return Err(ReadError::Digest);
    }
    Ok(body)
}

fn head(name: &str, version: u64, clinch: &str) -> String {
    format!("{{\"format\":\"{name}\",\"version\":{version},\"clinch\":\"{clinch}\"")
}

/// A version as a damaged or hostile file may give it.
pub(crate) fn printable(version: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    if version.is_empty() || version.len() > 40 || !version.chars().all(plain) {
        return "of an unreadable version".to_owned();
    }
    version.to_owned()
}

/// `sha256:` and the digest of the parts, one after the other.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
