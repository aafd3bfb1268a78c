//! One look at a machine: many questions, one round trip.

use super::{FileOnHost, HostError, Output};

/// A question about a machine. Answering it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// What is in this regular file, and who may do what with it.
    File(String),
    /// What is in this folder, by name.
    Folder(String),
    /// Where this symbolic link points.
    Link(String),
    /// What this program says. It must only look, never change anything, and end within
    /// [`LONGEST_LOOK`](super::LONGEST_LOOK). It reads nothing.
    Command(Vec<String>),
}

impl Ask {
    /// [`Ask::File`].
    pub fn file(path: impl Into<String>) -> Self {
        Self::File(path.into())
    }

    /// [`Ask::Folder`].
    pub fn folder(path: impl Into<String>) -> Self {
        Self::Folder(path.into())
    }

    /// [`Ask::Link`].
    pub fn link(path: impl Into<String>) -> Self {
        Self::Link(path.into())
    }

    /// [`Ask::Command`].
    pub fn command<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self::Command(words.into_iter().map(Into::into).collect())
    }
}

/// The answer to one [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing has this path, or no program has this name.
    Absent,
    /// A regular file.
    File(FileOnHost),
    /// What is in a folder, sorted by name.
    Folder(Vec<Entry>),
    /// Where a link points, as it says.
    Link(String),
    /// What a program said, whatever its exit status.
    Ran(Output),
    /// This question has no answer; others may have one.
    Failed(HostError),
}

impl Answer {
    /// The file; `None` when there is none.
    pub fn file(self) -> Result<Option<FileOnHost>, HostError> {
        match self {
            Self::File(file) => Ok(Some(file)),
            Self::Failed(error) => Err(error),
            Self::Absent | Self::Folder(_) | Self::Link(_) | Self::Ran(_) => Ok(None),
        }
    }

    /// What is in the folder; `None` when there is none.
    pub fn folder(self) -> Result<Option<Vec<Entry>>, HostError> {
        match self {
            Self::Folder(entries) => Ok(Some(entries)),
            Self::Failed(error) => Err(error),
            Self::Absent | Self::File(_) | Self::Link(_) | Self::Ran(_) => Ok(None),
        }
    }

    /// Where the link points; `None` when there is none.
    pub fn link(self) -> Result<Option<String>, HostError> {
        match self {
            Self::Link(target) => Ok(Some(target)),
            Self::Failed(error) => Err(error),
            Self::Absent | Self::File(_) | Self::Folder(_) | Self::Ran(_) => Ok(None),
        }
    }

    /// What the program said; `None` when there is no such program.
    pub fn output(self) -> Result<Option<Output>, HostError> {
        match self {
            Self::Ran(output) => Ok(Some(output)),
            Self::Failed(error) => Err(error),
            Self::Absent | Self::File(_) | Self::Folder(_) | Self::Link(_) => Ok(None),
        }
    }
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without the folder's.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What something in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, a socket, a device.
    Other,
}
