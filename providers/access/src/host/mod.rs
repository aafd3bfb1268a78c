//! A machine, as far as a provider needs one: files, and commands.
//!
//! Start reading at [`Host`]. [`FolderHost`] is a machine that lives in a folder,
//! [`MemoryHost`] one that lives in memory; [`Hosts`] finds a machine by its node's name.
//!
//! **Invariant:** a file is replaced whole or not at all: written beside its place under a
//! name that begins with a dot (the kubelet reads every file of its folder that does not),
//! brought to disk, then renamed.
//!
//! **Invariant:** only regular files are read and replaced. A link, a folder, a pipe or a
//! device in the place of a file is an error, since someone meant something by it.

mod error;
mod folder;
mod memory;
mod path;
#[cfg(test)]
mod tests;

pub use error::HostError;
pub use folder::FolderHost;
pub use memory::MemoryHost;

use provider::BoxFuture;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The longest file that is read. Configuration is far shorter.
pub(crate) const LONGEST_FILE: u64 = 16 << 20;

/// A machine.
///
/// # Interruption
///
/// Dropping a future of `read` leaves nothing behind. Dropping one of the others leaves open
/// whether it took effect, and never half of it.
pub trait Host: Send + Sync {
    /// The name of its node.
    fn name(&self) -> &str;

    /// Reads a regular file; `None` when nothing is there.
    fn read<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<FileOnHost>, HostError>>;

    /// Replaces a file whole, or creates it with the folders that it needs.
    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>>;

    /// Removes a regular file. That nothing is there is no error, unless something must be.
    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>>;

    /// Runs a program with exactly these arguments; no shell sees them.
    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>>;
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOnHost {
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
    /// Number of the user who owns it.
    pub uid: u32,
    /// Number of the group that owns it.
    pub gid: u32,
    /// Another one after every change of the file or of its mode and owner, and tells nothing
    /// of the content: for a later [`Expected::Stamp`] where a digest would tell of a secret.
    pub stamp: String,
}

impl FileOnHost {
    /// The digest of its content, for a later [`Expected::Digest`].
    pub fn digest(&self) -> String {
        digest(&self.content)
    }
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteFile<'a> {
    /// Absolute, without `.` and `..`.
    pub path: &'a str,
    /// What will be in it.
    pub content: &'a [u8],
    /// Permission bits that it will have.
    pub mode: u32,
    /// Number of the user who will own it; `None` for the owner that it has, or for whoever
    /// writes it when it is new.
    pub uid: Option<u32>,
    /// Number of the group that will own it; `None` as with `uid`.
    pub gid: Option<u32>,
    /// What must be there right before.
    pub expected: Expected<'a>,
}

/// What must be in the place of a file right before it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Whatever it is.
    Anything,
    /// Nothing.
    Absent,
    /// A file whose content has this digest.
    Digest(&'a str),
    /// A file with this [`FileOnHost::stamp`].
    Stamp(&'a str),
}

impl Expected<'_> {
    /// Whether what is there is what is expected.
    pub(crate) fn holds(self, found: Option<&FileOnHost>) -> bool {
        match (self, found) {
            (Self::Anything, _) | (Self::Absent, None) => true,
            (Self::Digest(wanted), Some(file)) => file.digest() == wanted,
            (Self::Stamp(wanted), Some(file)) => file.stamp == wanted,
            (Self::Absent, Some(_)) | (Self::Digest(_) | Self::Stamp(_), None) => false,
        }
    }
}

/// A program to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// The program and its arguments.
    pub words: &'a [&'a str],
    /// What it reads on its standard input.
    pub input: &'a [u8],
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to its standard output, cut at a mebibyte.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error, cut at a mebibyte.
    pub stderr: Vec<u8>,
}

/// SHA-256 in hexadecimal digits, as guards hold it.
pub fn digest(content: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(content) {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// All machines that can be reached, by the names of their nodes.
#[derive(Clone, Default)]
pub struct Hosts {
    hosts: BTreeMap<String, Arc<dyn Host>>,
}

impl Hosts {
    /// These machines.
    pub fn of(hosts: impl IntoIterator<Item = Arc<dyn Host>>) -> Self {
        Self { hosts: hosts.into_iter().map(|h| (h.name().to_owned(), h)).collect() }
    }

    /// The machines of a folder: each folder in it is one, named after its node. None when
    /// there is no such folder.
    pub fn in_folder(folder: &std::path::Path) -> Result<Self, HostError> {
        folder::hosts_of(folder).map(|hosts| {
            Self::of(hosts.into_iter().map(|host| -> Arc<dyn Host> { Arc::new(host) }))
        })
    }

    /// The machine of this node.
    pub fn get(&self, node: &str) -> Result<&Arc<dyn Host>, HostError> {
        self.hosts.get(node).ok_or_else(|| HostError::UnknownHost {
            host: node.to_owned(),
            known: self.hosts.keys().cloned().collect(),
        })
    }

    /// The names of all nodes whose machines can be reached, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }
}
