//! A machine, as far as a provider needs one: files, and commands.
//!
//! Start reading at [`Host`]. [`FolderHost`] is a machine that lives in a folder,
//! [`MemoryHost`] one that lives in memory, [`ShellHost`] this machine or one over SSH; [`Hosts`] finds a machine by its node's name.
//! Planning asks everything that it wants to know of a machine in one [`Host::look`].
//!
//! **Invariant:** a file is replaced whole or not at all: written beside its place under a
//! name that begins with a dot (the kubelet reads every file of its folder that does not), or
//! above that folder where even those are read, brought to disk, then renamed.
//!
//! **Invariant:** only regular files are read and replaced. A link, a folder, a pipe or a
//! device in the place of a file is an error, since someone meant something by it.
//!
//! **Invariant:** what works for a run with a number ([`Fence`]) changes nothing once a run with a
//! greater one was there.

mod error;
mod fence;
mod folder;
mod look;
mod memory;
mod path;
mod shell;
#[cfg(test)]
mod tests;

pub use error::{HostError, KeyTrouble, SudoTrouble};
pub use fence::{Fence, FenceTrouble};
pub use folder::FolderHost;
pub use look::{Answer, Ask, Entry, EntryKind};
pub use memory::MemoryHost;
pub use shell::{HostKeys, ShellHost, SshGate, SshSettings};

use provider::BoxFuture;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// The longest file that is read. Configuration is far shorter.
pub(crate) const LONGEST_FILE: u64 = 16 << 20;
/// How long a program may take that only looks.
pub const LONGEST_LOOK: Duration = Duration::from_secs(20);
/// How long a program may take when nobody says how long.
const USUAL_DEADLINE: Duration = Duration::from_mins(1);

/// A machine.
///
/// # Interruption
///
/// Dropping a future of `look` or `read` leaves nothing behind. Dropping one of the others
/// leaves open whether it took effect, and never half of a file.
pub trait Host: Send + Sync {
    /// The name of its node.
    fn name(&self) -> &str;

    /// Answers all these questions at once, each by itself, in the same order. An error of the
    /// whole means that the machine could not be asked: then nothing is known of it.
    fn look<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Vec<Answer>, HostError>>;

    /// Reads a regular file; `None` when nothing is there.
    fn read<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<FileOnHost>, HostError>> {
        Box::pin(async move {
            let answers = self.look(&[Ask::file(path)]).await?;
            answers.into_iter().next().unwrap_or(Answer::Absent).file()
        })
    }

    /// Replaces a file whole, or creates it with the folders that it needs.
    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>>;

    /// Removes a regular file. That nothing is there is no error, unless something must be.
    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>>;

    /// Removes a folder that nothing is in. That it is not there, or that something is in it, is no
    /// error: then it stays as it is.
    fn remove_folder<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), HostError>>;

    /// Runs a program with exactly these arguments; no shell interprets them.
    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>>;

    /// The same machine for a run: what changes something there, and every program, is refused with
    /// [`HostError::Overtaken`] once a later run was there, and leaves this run's number.
    fn fenced(&self, fence: &Fence) -> Arc<dyn Host>;

    /// Leaves the number of the run, and nothing else, when everything has ended that earlier runs
    /// began there: from then on they change nothing. Does nothing for no run.
    fn claim(&self) -> BoxFuture<'_, Result<(), HostError>>;

    /// Ends its connection, if it has one that nobody uses; the next use makes another.
    fn hang_up(&self) {}
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
    /// Where the content is until it takes its place.
    pub staged: Staged,
}

/// Where new content is brought to disk before it takes its place by a rename. A loss of power
/// leaves it there, perhaps in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staged {
    /// In the folder of the file, under a name that begins with a dot.
    Beside,
    /// In the folder above that one, for folders of which every file is read whatever its name.
    /// Both must be on one file system.
    Above,
}

impl<'a> WriteFile<'a> {
    /// This content with these permission bits, for whom it belongs to already, staged beside
    /// its place.
    pub fn new(path: &'a str, content: &'a [u8], mode: u32, expected: Expected<'a>) -> Self {
        Self { path, content, mode, uid: None, gid: None, expected, staged: Staged::Beside }
    }

    /// The same for this user and group.
    #[must_use]
    pub fn owned_by(self, uid: Option<u32>, gid: Option<u32>) -> Self {
        Self { uid, gid, ..self }
    }

    /// The same, staged there.
    #[must_use]
    pub fn staged(self, staged: Staged) -> Self {
        Self { staged, ..self }
    }
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
    pub fn is_met_by(self, found: Option<&FileOnHost>) -> bool {
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
    /// How long it may take; then it is ended, and what it did is in doubt.
    pub deadline: Duration,
}

impl<'a> Command<'a> {
    /// These words, nothing to read, and a minute.
    pub fn new(words: &'a [&'a str]) -> Self {
        Self { words, input: &[], deadline: USUAL_DEADLINE }
    }

    /// The same with this to read.
    #[must_use]
    pub fn reading(self, input: &'a [u8]) -> Self {
        Self { input, ..self }
    }

    /// The same with this much time.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
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

impl Output {
    /// Whether it said that all went well.
    pub fn succeeded(&self) -> bool {
        self.status == Some(0)
    }

    /// Its standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it complained of, on one line and fit to be shown.
    pub fn complaint(&self) -> String {
        crate::text::clean(&String::from_utf8_lossy(&self.stderr))
    }
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

    /// The same machines for a run.
    #[must_use]
    pub fn fenced(&self, fence: &Fence) -> Self {
        Self::of(self.hosts.values().map(|host| host.fenced(fence)))
    }

    /// Ends all connections that nobody uses.
    pub fn hang_up(&self) {
        self.hosts.values().for_each(|host| host.hang_up());
    }

    /// The names of all nodes whose machines can be reached, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }
}
