//! Why something on a machine could not be done.

use crate::text::clean;
use diags::Code;
use plans::Problem;
use std::fmt;
use values::Path;

const FILE: Code = Code("E0708");
const HOST: Code = Code("E0709");
const COMMAND: Code = Code("E0710");

/// Why something on a machine could not be done. Nothing was changed.
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
}

impl HostError {
    /// Whether something other than expected was found, so that a plan is out of date.
    pub fn is_changed(&self) -> bool {
        matches!(self, Self::Changed { .. })
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
            Self::Io { .. } => (
                FILE,
                "A file on a host cannot be read or written",
                "Check who may read and write it.".to_owned(),
            ),
            Self::NoCommands { .. } => (
                COMMAND,
                "No program can be run on this host",
                "Use a real host for this resource.".to_owned(),
            ),
        };
        Problem::error(code, summary, Path::root(), self.to_string()).with_help(help)
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
            Self::NoCommands { host, program } => write!(
                f,
                "Host `{}` is a folder; `{}` cannot be run there.",
                clean(host),
                clean(program)
            ),
        }
    }
}

impl std::error::Error for HostError {}
