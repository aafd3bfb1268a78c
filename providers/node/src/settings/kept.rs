//! Copies of files that a change takes the place of, kept until what reads them runs again.
//!
//! A copy says in its first line with which mode and owner the file comes back, or that there was
//! none:
//!
//! ```text
//! file 0644 0 0
//! version = 2
//! ```
//!
//! **Invariant:** the copy is there before the file changes, and until it is known that the new
//! file works. So after a crash anywhere there is a way back, and a copy says that somebody has to
//! look.

use super::record::Shelf;
use crate::host_type::Site;
use crate::place::staged;
use crate::records;
use crate::settings::exchange;
use access::{Expected, FileOnHost, HostError, WriteFile};

/// A file that was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) content: Vec<u8>,
}

/// A file of ours that somebody else wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Damaged;

impl Before {
    pub(crate) fn of(file: &FileOnHost) -> Self {
        let FileOnHost { mode, uid, gid, content, .. } = file;
        Self { mode: *mode, uid: *uid, gid: *gid, content: content.clone() }
    }

    pub(crate) fn is(&self, file: &FileOnHost) -> bool {
        *self == Self::of(file)
    }

    /// Writes it over what is expected there.
    pub(crate) async fn write(
        &self,
        site: Site<'_>,
        path: &str,
        expected: Expected<'_>,
    ) -> Result<(), HostError> {
        let file = WriteFile::new(path, &self.content, self.mode, expected).staged(staged(path));
        site.host.write(file.owned_by(Some(self.uid), Some(self.gid))).await
    }
}

/// Keeps the file that is there now, or that there is none.
pub(crate) async fn keep(
    site: Site<'_>,
    shelf: Shelf,
    path: &str,
    now: Option<&FileOnHost>,
) -> Result<(), HostError> {
    let copy = copy(now);
    exchange::write(site, &shelf.kept(path), &copy, records::MODE, Expected::Anything).await
}

/// Puts back what is kept of it, if something is. The copy stays until it is known that the old
/// file works. The error is a sentence.
pub(crate) async fn put_back(site: Site<'_>, shelf: Shelf, path: &str) -> Result<(), String> {
    let said = |error: HostError| error.to_string();
    let place = shelf.kept(path);
    let Some(file) = site.host.read(&place).await.map_err(said)? else { return Ok(()) };
    let back = match read(&file.content).map_err(|Damaged| format!("`{place}` is damaged."))? {
        Some(before) => before.write(site, path, Expected::Anything).await,
        None => site.host.remove(path, Expected::Anything).await,
    };
    back.map_err(said)
}

/// Nothing is kept of the old file.
pub(crate) async fn forget(site: Site<'_>, shelf: Shelf, path: &str) -> Result<(), HostError> {
    site.host.remove(&shelf.kept(path), Expected::Anything).await
}

fn copy(now: Option<&FileOnHost>) -> Vec<u8> {
    let Some(FileOnHost { content, mode, uid, gid, .. }) = now else { return b"none\n".to_vec() };
    let mut out = format!("file {mode:04o} {uid} {gid}\n").into_bytes();
    out.extend_from_slice(content);
    out
}

fn read(kept: &[u8]) -> Result<Option<Before>, Damaged> {
    let end = kept.iter().position(|b| *b == b'\n').ok_or(Damaged)?;
    let line = str::from_utf8(&kept[..end]).map_err(|_| Damaged)?;
    if line == "none" {
        return Ok(None);
    }
    let file = || {
        let words: Vec<&str> = line.strip_prefix("file ")?.split(' ').collect();
        let [mode, uid, gid] = words[..] else { return None };
        let mode = u32::from_str_radix(mode, 8).ok()?;
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(Before { mode, uid, gid, content: kept[end + 1..].to_vec() })
    };
    file().map(Some).ok_or(Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back() {
        let file = FileOnHost {
            content: b"a = 1\n\xff".to_vec(),
            mode: 0o640,
            uid: 7,
            gid: 8,
            stamp: String::new(),
        };
        assert_eq!(read(&copy(Some(&file))), Ok(Some(Before::of(&file))));
        assert_eq!(read(&copy(None)), Ok(None));
        for damaged in ["", "none", "file\n", "file 0640 7\n", "file x 7 8\n"] {
            assert_eq!(read(damaged.as_bytes()), Err(Damaged), "{damaged:?}");
        }
    }
}
