//! What of a host's files is ours, where a file cannot say so itself: a record beside it.
//!
//! For each such file there is one text in `/var/lib/clinch/files`, named after the digest of
//! the file's path, and readable for root alone:
//!
//! ```text
//! clinch file record 1
//! project shop
//! path /etc/motd
//! secret no
//! earlier 0644 0 0
//! ```
//!
//! `secret` is whether the content came from a sensitive value, so that it is not shown even by
//! a configuration that does not know. `earlier` is `none` when there was no file before, else
//! mode, user and group of the one that was; its content is in `/var/lib/clinch/kept` under the
//! same name. There is one kept content for each file: the one from before clinch.
//!
//! **Invariant:** a record is there before the file is changed for the first time, and until the
//! file is as it was before. So a file without a record was never touched.

use std::fmt;

/// Everything of ours on a host. No resource may mean a file in it.
pub(crate) const OURS: &str = "/var/lib/clinch";
/// The folder of the records.
pub(crate) const FOLDER: &str = "/var/lib/clinch/files";
const KEPT: &str = "/var/lib/clinch/kept";
/// Permission bits of records and of kept contents.
pub(crate) const MODE: u32 = 0o600;

const HEAD: &str = "clinch file record ";
const VERSION: u32 = 1;

/// Where the record of a file is.
pub(crate) fn place(path: &str) -> String {
    format!("{FOLDER}/{}", name(path))
}

/// Where the content of a file is kept that was there before.
pub(crate) fn kept(path: &str) -> String {
    format!("{KEPT}/{}", name(path))
}

/// Any path becomes a name that every file system takes.
pub(crate) fn name(path: &str) -> String {
    access::digest(path.as_bytes()).chars().take(32).collect()
}

/// What is known of a file that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The project that it belongs to.
    pub(crate) project: String,
    /// Where the file is.
    pub(crate) path: String,
    /// Whether its content came from a sensitive value.
    pub(crate) secret: bool,
    /// The file that was there before.
    pub(crate) earlier: Option<Earlier>,
}

/// A file that was there before, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Earlier {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Why a record cannot be relied on, as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Newer,
    Damaged,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Newer => "was written by a newer version",
            Self::Damaged => "is damaged",
        })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, path, secret, earlier } = self;
        let secret = if *secret { "yes" } else { "no" };
        writeln!(f, "{HEAD}{VERSION}\nproject {project}\npath {path}\nsecret {secret}")?;
        match earlier {
            Some(Earlier { mode, uid, gid }) => writeln!(f, "earlier {mode:04o} {uid} {gid}"),
            None => writeln!(f, "earlier none"),
        }
    }
}

impl Record {
    /// Reads it strictly: nothing missing, nothing more.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Unreadable> {
        let text = str::from_utf8(content).map_err(|_| Unreadable::Damaged)?;
        let version = text.lines().next().and_then(|line| line.strip_prefix(HEAD));
        match version.and_then(|version| version.parse::<u32>().ok()) {
            Some(VERSION) => Self::lines(text).ok_or(Unreadable::Damaged),
            Some(version) if version > VERSION => Err(Unreadable::Newer),
            Some(_) | None => Err(Unreadable::Damaged),
        }
    }

    fn lines(text: &str) -> Option<Self> {
        // A file that was not written to its end has no last line break.
        let text = text.strip_suffix('\n')?;
        let [_, project, path, secret, earlier] = text.split('\n').collect::<Vec<_>>()[..] else {
            return None;
        };
        let secret = match secret.strip_prefix("secret ")? {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        let earlier = match earlier.strip_prefix("earlier ")? {
            "none" => None,
            file => Some(Earlier::parse(file)?),
        };
        let project = project.strip_prefix("project ")?.to_owned();
        Some(Self { project, path: path.strip_prefix("path ")?.to_owned(), secret, earlier })
    }
}

impl Earlier {
    fn parse(text: &str) -> Option<Self> {
        let [mode, uid, gid] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
        let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777)?;
        Some(Self { mode, uid: uid.parse().ok()?, gid: gid.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "clinch file record 1
project shop
path /etc/a b
secret no
earlier 0640 0 42
";

    #[test]
    fn record_reads_back_what_it_prints() {
        let record = Record::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(record.to_string(), TEXT);
        let new = Record { earlier: None, secret: true, ..record };
        assert_eq!(Record::parse(new.to_string().as_bytes()), Ok(new));
    }

    #[test]
    fn damage_and_newer_versions_are_told_apart_from_nothing() {
        for cut in 0..TEXT.len() {
            assert_eq!(Record::parse(&TEXT.as_bytes()[..cut]), Err(Unreadable::Damaged), "{cut}");
        }
        for (of, to) in [
            ("secret no", "secret maybe"),
            ("0640", "99"),
            ("0640", "17777"),
            (" 42", ""),
            ("path ", ""),
            ("secret", "project again\nsecret"),
        ] {
            let text = TEXT.replace(of, to);
            assert_eq!(Record::parse(text.as_bytes()), Err(Unreadable::Damaged), "{text}");
        }
        let newer = TEXT.replace("record 1", "record 2");
        assert_eq!(Record::parse(newer.as_bytes()), Err(Unreadable::Newer));
    }

    #[test]
    fn names_are_plain_and_differ_where_paths_do() {
        assert_ne!(place("/etc/a"), place("/etc/a "));
        let place = place("/etc/\u{202e}/a b");
        let name = place.strip_prefix("/var/lib/clinch/files/").unwrap();
        assert!(name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    }
}
