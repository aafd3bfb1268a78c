//! What it says.

use super::{HostError, KeyTrouble, SudoTrouble};
use crate::host::fence::{self, FenceTrouble};
use crate::text::{clean, sentence};
use std::fmt;

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
                crate::host::LONGEST_FILE >> 20
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
