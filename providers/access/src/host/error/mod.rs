//! Why something on a machine could not be done.

mod advice;
mod text;

use super::fence::FenceTrouble;
use std::time::Duration;

/// Why something on a machine could not be done. Nothing was changed, except where
/// [`HostError::is_in_doubt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// No machine is known for this node.
    UnknownHost {
        /// The node.
        host: String,
        /// The nodes whose machines are known.
        known: Vec<String>,
    },
    /// Not a path that files are kept at.
    BadPath {
        /// The path.
        path: String,
        /// Why, as the end of a sentence.
        why: &'static str,
    },
    /// Something else is in the place of a file or of a folder above it.
    NotAFile {
        /// The machine.
        host: String,
        /// Where.
        path: String,
        /// What it is: `a symbolic link`.
        what: &'static str,
    },
    /// What is there is not what was expected.
    Changed {
        /// The machine.
        host: String,
        /// Where.
        path: String,
    },
    /// Too long to be read.
    TooLong {
        /// The machine.
        host: String,
        /// Where.
        path: String,
    },
    /// The system said no.
    Io {
        /// The machine.
        host: String,
        /// Where, or what was to be run.
        path: String,
        /// What the system said.
        said: String,
    },
    /// Nothing can be run on this machine.
    NoCommands {
        /// The machine.
        host: String,
        /// The program.
        program: String,
    },
    /// No program can be given this argument.
    BadWord {
        /// The machine.
        host: String,
        /// The argument.
        word: String,
    },
    /// It did not answer.
    Unreachable {
        /// The machine.
        host: String,
        /// Where it was looked for.
        address: String,
        /// What was said about it.
        said: String,
    },
    /// It may be another machine. Nothing was sent to it.
    HostKey {
        /// The machine.
        host: String,
        /// Where it was looked for.
        address: String,
        /// What is wrong with the key.
        trouble: KeyTrouble,
    },
    /// It let nobody in.
    Login {
        /// The machine.
        host: String,
        /// Where it is.
        address: String,
        /// What it said.
        said: String,
    },
    /// `ssh` is not installed here.
    NoSsh {
        /// The machine that was to be reached.
        host: String,
    },
    /// Root cannot be had.
    Sudo {
        /// The machine.
        host: String,
        /// Why not.
        trouble: SudoTrouble,
    },
    /// A program that is needed there is missing.
    NoTool {
        /// The machine.
        host: String,
        /// The program.
        tool: String,
    },
    /// The connection broke, or there was no answer in time.
    Lost {
        /// The machine.
        host: String,
        /// What was said about it.
        said: String,
    },
    /// A file was changed, and the disk did not say that it holds the change.
    NotOnDisk {
        /// The machine.
        host: String,
        /// The path.
        path: String,
        /// What was said about it.
        said: String,
    },
    /// A program took too long and was ended.
    TimedOut {
        /// The machine.
        host: String,
        /// The program.
        program: String,
        /// How long it had.
        after: Duration,
    },
    /// Its shell says what nobody understands.
    Strange {
        /// The machine.
        host: String,
        /// What it said.
        said: String,
    },
    /// A later run was there, so this one changes nothing any more.
    Overtaken {
        /// The machine.
        host: String,
        /// The file there that says so.
        path: String,
        /// The number of the later run.
        number: u64,
        /// Whose it is.
        holder: String,
        /// The number of this run.
        own: u64,
    },
    /// Which run was there last, cannot be read.
    BadFence {
        /// The machine.
        host: String,
        /// The file there that says it.
        path: String,
        /// Why not.
        trouble: FenceTrouble,
    },
    /// Something that an earlier run began there does not end.
    Busy {
        /// The machine.
        host: String,
    },
}

/// What is wrong with the key of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTrouble {
    /// Nobody wrote down which key it has.
    Unknown,
    /// It has another key than was written down.
    Changed {
        /// Fingerprint of the key that it has now.
        offered: String,
        /// Fingerprint of the key that is known; empty when that cannot be told.
        known: String,
    },
    /// Its key is marked as revoked.
    Revoked,
}

/// Why `sudo` did not give root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SudoTrouble {
    /// It asks for a password.
    Password,
    /// The user may not.
    NotAllowed,
    /// It is not installed.
    Missing,
}

impl HostError {
    /// Whether something other than expected was found, so that a plan is out of date.
    pub fn is_changed(&self) -> bool {
        matches!(self, Self::Changed { .. })
    }

    /// Whether what was to be done may have been done.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::NotOnDisk { .. } | Self::TimedOut { .. })
    }

    /// Whether nothing at all can be told of the machine: it was not reached.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Login { .. } | Self::Lost { .. } => true,
            // A name that is misspelt, a machine that is another one than it was, and a program
            // that is missing here are nothing to go on without.
            Self::UnknownHost { .. }
            | Self::HostKey { .. }
            | Self::NoSsh { .. }
            | Self::BadPath { .. }
            | Self::NotAFile { .. }
            | Self::Changed { .. }
            | Self::TooLong { .. }
            | Self::Io { .. }
            | Self::NoCommands { .. }
            | Self::BadWord { .. }
            | Self::Sudo { .. }
            | Self::NoTool { .. }
            | Self::NotOnDisk { .. }
            | Self::TimedOut { .. }
            | Self::Strange { .. }
            | Self::Overtaken { .. }
            | Self::BadFence { .. }
            | Self::Busy { .. } => false,
        }
    }
}

impl std::error::Error for HostError {}
