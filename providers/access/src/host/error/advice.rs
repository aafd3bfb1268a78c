//! What a person is told to do about it.

use super::{HostError, KeyTrouble, SudoTrouble};
use crate::host::fence::FenceTrouble;
use crate::text::clean;
use diags::Code;
use plans::Problem;
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
const FAILING: &str = "The disk may be failing: `dmesg` on the host says more.";

impl HostError {
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
