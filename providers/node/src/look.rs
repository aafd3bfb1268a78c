//! What was seen in one look at a host.

use access::{Answer, Ask, Entry, EntryKind, FileOnHost, Host, HostError, Output};
use std::collections::{BTreeMap, BTreeSet};

/// The answers to questions about one host. What nobody asked counts as absent, so a type must
/// ask for all that it reads.
pub(crate) struct Looked(BTreeMap<Ask, Answer>);

impl Looked {
    /// Asks all of it in one round trip. An error means that nothing is known of the host.
    pub(crate) async fn at(
        host: &dyn Host,
        asks: impl IntoIterator<Item = Ask>,
    ) -> Result<Self, HostError> {
        let asks: BTreeSet<Ask> = asks.into_iter().collect();
        if asks.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        let asks: Vec<Ask> = asks.into_iter().collect();
        let answers = host.look(&asks).await?;
        Ok(Self(asks.into_iter().zip(answers).collect()))
    }

    /// Whether it was asked.
    pub(crate) fn has(&self, ask: &Ask) -> bool {
        self.0.contains_key(ask)
    }

    /// With what was seen in a later look at the same host.
    pub(crate) fn and(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// The file; `None` when there is none.
    pub(crate) fn file(&self, path: &str) -> Result<Option<&FileOnHost>, HostError> {
        match self.0.get(&Ask::file(path)) {
            Some(Answer::File(file)) => Ok(Some(file)),
            Some(Answer::Failed(error)) => Err(error.clone()),
            Some(Answer::Absent | Answer::Folder(_) | Answer::Link(_) | Answer::Ran(_)) | None => {
                Ok(None)
            }
        }
    }

    /// What the program said; `None` when there is no such program.
    pub(crate) fn ran(&self, words: &[&str]) -> Result<Option<&Output>, HostError> {
        match self.0.get(&Ask::command(words.iter().copied())) {
            Some(Answer::Ran(output)) => Ok(Some(output)),
            Some(Answer::Failed(error)) => Err(error.clone()),
            Some(Answer::Absent | Answer::File(_) | Answer::Folder(_) | Answer::Link(_)) | None => {
                Ok(None)
            }
        }
    }

    /// The names of the files in the folder; none when there is no such folder.
    pub(crate) fn files_in(&self, folder: &str) -> Result<Vec<&str>, HostError> {
        self.names_in(folder, EntryKind::File)
    }

    /// The names of the folders in the folder; none when there is no such folder.
    pub(crate) fn folders_in(&self, folder: &str) -> Result<Vec<&str>, HostError> {
        self.names_in(folder, EntryKind::Folder)
    }

    /// The names of the symbolic links in the folder; none when there is no such folder.
    pub(crate) fn links_in(&self, folder: &str) -> Result<Vec<&str>, HostError> {
        self.names_in(folder, EntryKind::Link)
    }

    /// The names of the sockets, pipes and devices in the folder; none when there is no such
    /// folder.
    pub(crate) fn others_in(&self, folder: &str) -> Result<Vec<&str>, HostError> {
        self.names_in(folder, EntryKind::Other)
    }

    /// Whether the folder is there.
    pub(crate) fn has_folder(&self, folder: &str) -> Result<bool, HostError> {
        match self.0.get(&Ask::folder(folder)) {
            Some(Answer::Folder(_)) => Ok(true),
            Some(Answer::Failed(error)) => Err(error.clone()),
            Some(Answer::Absent | Answer::File(_) | Answer::Link(_) | Answer::Ran(_)) | None => {
                Ok(false)
            }
        }
    }

    fn names_in(&self, folder: &str, kind: EntryKind) -> Result<Vec<&str>, HostError> {
        let file = |entry: &&Entry| entry.kind == kind;
        match self.0.get(&Ask::folder(folder)) {
            Some(Answer::Folder(entries)) => {
                Ok(entries.iter().filter(file).map(|entry| entry.name.as_str()).collect())
            }
            Some(Answer::Failed(error)) => Err(error.clone()),
            Some(Answer::Absent | Answer::File(_) | Answer::Link(_) | Answer::Ran(_)) | None => {
                Ok(Vec::new())
            }
        }
    }
}
