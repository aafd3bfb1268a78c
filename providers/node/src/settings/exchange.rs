//! A new file in the place of an old one, which is kept until it is known whether the new one
//! works.
//!
//! **Invariant:** the record of what was there before is written first, then a copy of the old
//! file, then the file. So after a crash anywhere the file is the old or the new one, and with
//! the new one there is the copy to go back to.

use super::record::Shelf;
use crate::host_type::{Site, refused};
use crate::place::staged;
use crate::records::MODE;
use access::{Expected, FileOnHost, HostError, WriteFile, digest};
use plans::Op;
use provider::StepError;
use values::Value;

/// A file and its record, read right before a step.
pub(crate) struct Found {
    pub(crate) file: Option<FileOnHost>,
    pub(crate) record: Option<FileOnHost>,
}

/// What is to be in the place of a file.
pub(crate) struct Exchange<'a> {
    pub(crate) shelf: Shelf,
    pub(crate) path: &'a str,
    pub(crate) content: &'a [u8],
    pub(crate) mode: u32,
    /// The new record; `None` when nothing is ours afterwards.
    pub(crate) record: Option<&'a str>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn<'a> {
    /// The file says so already, and did when it was planned.
    Same,
    /// The file is to be written over what is expected.
    Over(Expected<'a>),
    /// An earlier run wrote the file.
    Written,
}

impl Found {
    pub(crate) async fn read(site: Site<'_>, shelf: Shelf, path: &str) -> Result<Self, StepError> {
        let file = site.host.read(path).await.map_err(refused)?;
        let record = site.host.read(&shelf.place(path)).await.map_err(refused)?;
        Ok(Self { file, record })
    }
}

impl Exchange<'_> {
    /// Reads the file and its record.
    pub(crate) async fn found(&self, site: Site<'_>) -> Result<Found, StepError> {
        Found::read(site, self.shelf, self.path).await
    }

    /// That the record is the one that was planned over, or already the new one.
    pub(crate) fn check_record(&self, op: &Op, found: &Found) -> Result<(), StepError> {
        self.check_record_over(op, found, op.guard.get("record").and_then(Value::as_str))
    }

    /// The same where it was planned over this digest.
    pub(crate) fn check_record_over(
        &self,
        op: &Op,
        found: &Found,
        planned: Option<&str>,
    ) -> Result<(), StepError> {
        let now = found.record.as_ref().map(FileOnHost::digest);
        if now.as_deref() == planned || now == self.record_digest() {
            return Ok(());
        }
        let shown = &op.identity.shown;
        Err(StepError::Stale(format!(
            "The record of what is ours of {shown} changed since the plan."
        )))
    }

    fn record_digest(&self) -> Option<String> {
        self.record.map(|text| digest(text.as_bytes()))
    }

    /// Writes the record, the copy of the old file, and the file.
    pub(crate) async fn put(
        &self,
        site: Site<'_>,
        found: &Found,
        turn: Turn<'_>,
    ) -> Result<(), StepError> {
        let is_new = found.record.as_ref().map(FileOnHost::digest) != self.record_digest();
        if let Some(text) = self.record.filter(|_| is_new) {
            let place = self.shelf.place(self.path);
            write(site, &place, text.as_bytes(), MODE, Expected::Anything)
                .await
                .map_err(refused)?;
        }
        let kept = self.shelf.kept(self.path);
        match (turn, &found.file) {
            // A copy that an earlier run left behind is of another file.
            (Turn::Same, _) => site.host.remove(&kept, Expected::Anything).await.map_err(refused),
            (Turn::Over(expected), Some(old)) => {
                let copied = write(site, &kept, &old.content, MODE, Expected::Anything).await;
                copied.map_err(refused)?;
                let written = write(site, self.path, self.content, self.mode, expected).await;
                written.map_err(refused)
            }
            (Turn::Over(expected), None) => {
                let written = write(site, self.path, self.content, self.mode, expected).await;
                written.map_err(refused)
            }
            (Turn::Written, _) => Ok(()),
        }
    }

    /// The new file works: nothing is kept of the old one, nor of the record when nothing is ours.
    pub(crate) async fn done(&self, site: Site<'_>) -> Result<(), StepError> {
        let cleared = async {
            self.forget_copy(site).await?;
            let place = self.shelf.place(self.path);
            match self.record {
                Some(_) => Ok(()),
                None => site.host.remove(&place, Expected::Anything).await,
            }
        };
        // The file is there already; only what was noted about it is not gone yet.
        cleared.await.map_err(|error: HostError| StepError::InDoubt(error.to_string()))
    }

    /// Puts the old file back, if the new one took its place, and the old record. The copy stays
    /// until it is known that the old file works.
    pub(crate) async fn back(
        &self,
        site: Site<'_>,
        record: Option<&FileOnHost>,
    ) -> Result<(), HostError> {
        let kept = site.host.read(&self.shelf.kept(self.path)).await?;
        let now = site.host.read(self.path).await?;
        let is_back = |old: &FileOnHost| now.as_ref().is_some_and(|now| now.content == old.content);
        if let Some(old) = kept.filter(|old| !is_back(old)) {
            let new = digest(self.content);
            let expected = Expected::Digest(&new);
            write(site, self.path, &old.content, self.mode, expected).await?;
        }
        let place = self.shelf.place(self.path);
        match record {
            // It is there still.
            _ if self.record.is_none() => Ok(()),
            Some(old) => write(site, &place, &old.content, MODE, Expected::Anything).await,
            None => site.host.remove(&place, Expected::Anything).await,
        }
    }

    /// Nothing is kept of the old file.
    pub(crate) async fn forget_copy(&self, site: Site<'_>) -> Result<(), HostError> {
        site.host.remove(&self.shelf.kept(self.path), Expected::Anything).await
    }
}

/// Writes a file for whom it belongs to already, or for root.
pub(crate) async fn write(
    site: Site<'_>,
    path: &str,
    content: &[u8],
    mode: u32,
    expected: Expected<'_>,
) -> Result<(), HostError> {
    site.host.write(WriteFile::new(path, content, mode, expected).staged(staged(path))).await
}
