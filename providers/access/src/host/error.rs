//! Why something on a machine could not be done.

use super::fence::{self, FenceTrouble};
use crate::text::{clean, sentence};
use diags::Code;
use plans::Problem;
use std::fmt;
use std::time::Duration;
use values::Path;

const FILE: Code = Code("E0708");
const HOST: Code = Code("E0709");
const COMMAND: Code = Code("E0710");
const UNREACHABLE: Code = Code("E0780");
const KEY: Code = Code("E0781");
const LOGIN: Code = Code("E0782");
const SUDO: Code = Code("E0783");
const LOST: Code = Code("E0784");
const STRANGE: Code = Code("E0785");
const OVERTAKEN: Code = Code("E0827");
const FENCE: Code = Code("E0828");
const BUSY: Code = Code("E0829");

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

const FAILING: &str = "The disk may be failing: `dmesg` on the host says more.";

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

    /// For a person, with what to do.
    pub fn to_problem(&self) -> Problem {
        let (code, summary, help) = match self {
            Self::UnknownHost { host, known } => (
                HOST,
                "The host of a node cannot be reached",
                match diags::did_you_mean(host, known.iter().map(String::as_str)) {
                    Some(meant) => format!("Did you mean `{}`?", clean(meant)),
                    None if known.is_empty() => "No host is configured.".to_owned(),
                    None => {
                        let known: Vec<String> =
                            known.iter().map(|k| format!("`{}`", clean(k))).collect();
                        format!("Known hosts: {}.", known.join(", "))
                    }
                },
            ),
            Self::BadPath { .. } => (
                FILE,
                "A file cannot have this path",
                "Write an absolute path without `.` and `..`.".to_owned(),
            ),
            Self::NotAFile { .. } => (
                FILE,
                "Something else is in the place of a file",
                "Look what it is for; it is not replaced.".to_owned(),
            ),
            Self::Changed { .. } => (
                FILE,
                "A file has changed",
                "Make a new plan, which shows the file as it is now.".to_owned(),
            ),
            Self::TooLong { .. } => (
                FILE,
                "A file is too long",
                "Look what wrote it; configuration is never that long.".to_owned(),
            ),
            Self::Io { said, .. } => (
                FILE,
                "A file on a host cannot be read or written",
                match said.as_str() {
                    s if s.contains("No space") || s.contains("quota") => "Make room on the host.",
                    s if s.contains("Read-only") => "Mount its file system for writing.",
                    s if s.contains("denied") => {
                        "Log in as root, or set `sudo = true` for the host."
                    }
                    s if s.contains("not permitted") => {
                        "Log in as root, or set `sudo = true` for the host. If that is so already, \
                         `lsattr` shows whether the file is marked as immutable."
                    }
                    s if s.contains("nput/output error") => FAILING,
                    _ => "Check who may read and write it.",
                }
                .to_owned(),
            ),
            Self::NoCommands { .. } => (
                COMMAND,
                "No program can be run on this host",
                "Use a real host for this resource.".to_owned(),
            ),
            Self::BadWord { .. } => (
                COMMAND,
                "A program cannot have this argument",
                "Leave out the character NUL.".to_owned(),
            ),
            Self::Unreachable { address, .. } => (
                UNREACHABLE,
                "A host cannot be reached",
                format!(
                    "Try `ssh {}`. To go on without it: -allow-unreachable.",
                    clean(&bare(address))
                ),
            ),
            Self::HostKey { address, trouble, .. } => match trouble {
                KeyTrouble::Unknown => (
                    KEY,
                    "The key of a host is not known",
                    format!(
                        "Ask the host's owner for the fingerprint, compare it with what \
                         `ssh {}` shows, and accept it there. With `host_keys = \"accept-new\"` \
                         the first key is trusted unseen.",
                        clean(&bare(address))
                    ),
                ),
                KeyTrouble::Changed { .. } => (
                    KEY,
                    "The key of a host has changed",
                    format!(
                        "Somebody may be in between. If the host was set up anew, compare the \
                         fingerprint with its owner's, then run `ssh-keygen -R '{}'` and log in \
                         once.",
                        clean(&known_as(address))
                    ),
                ),
                KeyTrouble::Revoked => (
                    KEY,
                    "The key of a host is revoked",
                    "Give the host another key; whoever revoked this one had a reason.".to_owned(),
                ),
            },
            Self::Login { address, .. } => (
                LOGIN,
                "A host let nobody in",
                format!(
                    "Check `user` and `identity_file`, and try `ssh {}`.",
                    clean(&bare(address))
                ),
            ),
            Self::NoSsh { .. } => (
                UNREACHABLE,
                "A host cannot be reached",
                "Install OpenSSH's client where clinch runs.".to_owned(),
            ),
            Self::Sudo { trouble, .. } => (
                SUDO,
                "Root cannot be had on a host",
                match trouble {
                    SudoTrouble::Password => {
                        "Give the user a rule with `NOPASSWD: ALL` in the sudoers file, or log in \
                         as root."
                    }
                    SudoTrouble::NotAllowed => {
                        "Add the user to the sudoers file, or log in as root."
                    }
                    SudoTrouble::Missing => "Install sudo there, or log in as root.",
                }
                .to_owned(),
            ),
            Self::NoTool { .. } => (
                COMMAND,
                "A program is missing on a host",
                "Install it there; clinch needs the usual tools of coreutils or busybox."
                    .to_owned(),
            ),
            Self::NotOnDisk { .. } => {
                (FILE, "A disk does not say that it holds a file", FAILING.to_owned())
            }
            Self::Lost { .. } => (
                LOST,
                "The connection to a host broke",
                "Look whether the host is up, then run the command again; what was begun is \
                 looked at first."
                    .to_owned(),
            ),
            Self::TimedOut { .. } => (
                LOST,
                "A program on a host took too long",
                "Look there what it waits for.".to_owned(),
            ),
            Self::Strange { .. } => (
                STRANGE,
                "A host gave an answer that is not understood",
                "Check that the user has a plain login with a POSIX shell.".to_owned(),
            ),
            Self::Overtaken { path, .. } => (
                OVERTAKEN,
                "A later run works on the host",
                format!(
                    "See who it is with `clinch lock show`; whoever took over finishes what this \
                     run began. Where the clock of the cluster was set back there may be no later \
                     run: make sure that nobody works on the host, and remove `{}` there.",
                    clean(path)
                ),
            ),
            Self::BadFence { path, trouble, .. } => (
                FENCE,
                "Who worked on a host last cannot be told",
                match trouble {
                    FenceTrouble::Newer => {
                        "Use the version that wrote it, or a newer one.".to_owned()
                    }
                    FenceTrouble::Damaged => format!(
                        "Make sure that no other run works on the host, and remove `{}` there.",
                        clean(path)
                    ),
                },
            ),
            Self::Busy { .. } => (
                BUSY,
                "An earlier run is still at work on a host",
                "Look there what it waits for, then run the command again.".to_owned(),
            ),
        };
        let problem = Problem::error(code, summary, Path::root(), self.to_string());
        Problem { unreachable: self.is_unreachable(), ..problem.with_help(help) }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost { host, .. } => {
                write!(f, "There is no way to reach the host of node `{}`.", clean(host))
            }
            Self::BadPath { path, why } => write!(f, "The path `{}` {why}.", clean(path)),
            Self::NotAFile { host, path, what } => {
                write!(f, "`{}` on host `{}` is {what}.", clean(path), clean(host))
            }
            Self::Changed { host, path } => write!(
                f,
                "`{}` on host `{}` is not as it was when the plan was made.",
                clean(path),
                clean(host)
            ),
            Self::TooLong { host, path } => write!(
                f,
                "`{}` on host `{}` is longer than {} MiB.",
                clean(path),
                clean(host),
                super::LONGEST_FILE >> 20
            ),
            Self::Io { host, path, said } => {
                write!(f, "`{}` on host `{}`: {}.", clean(path), clean(host), clean(said))
            }
            Self::NotOnDisk { host, path, said } => write!(
                f,
                "`{}` on host `{}` was changed, and may not stay so when the power fails: {}.",
                clean(path),
                clean(host),
                clean(said)
            ),
            Self::NoCommands { host, program } => write!(
                f,
                "Host `{}` is a folder; `{}` cannot be run there.",
                clean(host),
                clean(program)
            ),
            Self::BadWord { host, word } => write!(
                f,
                "`{}` cannot be an argument of a program on host `{}`.",
                clean(&word.replace('\0', "\u{fffd}")),
                clean(host)
            ),
            Self::Unreachable { host, address, said } => write!(
                f,
                "Host `{}` at {} cannot be reached: {}.",
                clean(host),
                clean(address),
                clean(said)
            ),
            Self::HostKey { host, address, trouble } => {
                let (host, address) = (clean(host), clean(address));
                match trouble {
                    KeyTrouble::Unknown => write!(
                        f,
                        "No key is known for host `{host}` at {address}, so it could be any \
                         machine. Nothing was sent to it."
                    ),
                    KeyTrouble::Changed { offered, known } => {
                        let known = match known.as_str() {
                            "" => "another",
                            known => known,
                        };
                        write!(
                            f,
                            "Host `{host}` at {address} has the key {}, and {} is known. Nothing \
                             was sent to it.",
                            clean(offered),
                            clean(known)
                        )
                    }
                    KeyTrouble::Revoked => write!(
                        f,
                        "The key of host `{host}` at {address} is marked as revoked. Nothing was \
                         sent to it."
                    ),
                }
            }
            Self::Login { host, address, said } => write!(
                f,
                "Host `{}` at {} refused the login: {}.",
                clean(host),
                clean(address),
                clean(said)
            ),
            Self::NoSsh { host } => write!(
                f,
                "Host `{}` is reached by the program `ssh`, which is not installed here.",
                clean(host)
            ),
            Self::Sudo { host, trouble } => {
                let why = match trouble {
                    SudoTrouble::Password => "asks for a password",
                    SudoTrouble::NotAllowed => "does not let this user in",
                    SudoTrouble::Missing => "is not installed",
                };
                write!(f, "`sudo` on host `{}` {why}.", clean(host))
            }
            Self::NoTool { host, tool } => {
                write!(f, "Host `{}` has no program `{}`.", clean(host), clean(tool))
            }
            Self::Lost { host, said } => write!(
                f,
                "The connection to host `{}` broke before it said how it ended: {}.",
                clean(host),
                clean(said)
            ),
            Self::TimedOut { host, program, after } => write!(
                f,
                "`{}` on host `{}` was ended after {} s.",
                clean(program),
                clean(host),
                after.as_secs()
            ),
            Self::Strange { host, said } => {
                write!(f, "Host `{}` said: {}", clean(host), sentence(said))
            }
            Self::Overtaken { host, number, holder, own, .. } => {
                f.write_str(&fence::overtaken(host, (*number, holder), *own))
            }
            Self::BadFence { host, path, trouble } => {
                let why = match trouble {
                    FenceTrouble::Newer => "was written by a newer version",
                    FenceTrouble::Damaged => "is damaged",
                };
                write!(
                    f,
                    "`{}` on host `{}` {why}, so nobody knows which run was there last. Nothing \
                     was done.",
                    clean(path),
                    clean(host)
                )
            }
            Self::Busy { host } => write!(
                f,
                "What an earlier run began on host `{}` has not ended within 30 s. Nothing was done.",
                clean(host)
            ),
        }
    }
}

/// `10.0.0.7:2222` as `ssh` wants it: `-p 2222 10.0.0.7`.
fn bare(address: &str) -> String {
    match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.contains(':') => {
            format!("-p {port} {host}")
        }
        _ => address.to_owned(),
    }
}

/// `10.0.0.7:2222` as a file of known hosts has it: `[10.0.0.7]:2222`.
fn known_as(address: &str) -> String {
    match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.contains(':') => {
            format!("[{host}]:{port}")
        }
        _ => address.to_owned(),
    }
}

impl std::error::Error for HostError {}
