//! Secrets that a configuration only points at: a file, a variable of the environment, what a
//! command prints.
//!
//! They are read when they are needed and not kept. What is read appears in no message, nor does
//! what a command says while it fails.

use crate::text;
use diags::Code;
use plans::Problem;
use std::fmt;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use values::Path;

const UNREADABLE: Code = Code("E0765");

/// The most that a secret may hold: what the API server takes for all values of a `Secret`
/// together (`MaxSecretSize` in `k8s.io/kubernetes/pkg/apis/core`).
pub const LONGEST_SECRET: u64 = 1024 * 1024;

/// How long a command may take. Long enough for somebody to touch a key or to type a PIN.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The content of a file; relative paths begin at the folder of the configuration.
    File(String),
    /// A variable of the environment.
    Env(String),
    /// What a program prints, called without a shell: its name and its arguments.
    Command(Vec<String>),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file `{}`", text::clean(path)),
            Self::Env(name) => write!(f, "the environment variable `{}`", text::clean(name)),
            // Arguments may be long, and say more than they should.
            Self::Command(argv) => {
                let program = argv.first().map(String::as_str).unwrap_or_default();
                write!(f, "the command `{}`", text::clean(program))
            }
        }
    }
}

/// The door to secrets of the machine that clinch runs on.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    folder: Option<PathBuf>,
}

impl Secrets {
    /// Reads files relative to this folder, and starts commands in it.
    pub fn beside(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// Lets nobody read anything.
    pub fn closed() -> Self {
        Self::default()
    }

    /// The bytes as they are.
    ///
    /// # Errors
    ///
    /// When there is no such file, variable or program, when a program fails or takes longer
    /// than two minutes, and when there are more than [`LONGEST_SECRET`] bytes.
    ///
    /// # Interruption
    ///
    /// Dropping the future ends a command that was started.
    pub async fn read(&self, source: &SecretSource) -> Result<Vec<u8>, Problem> {
        let Some(folder) = &self.folder else {
            return Err(unreadable(source, "reading secrets is not possible here"));
        };
        let bytes = match source {
            SecretSource::File(path) => of_file(&folder.join(path)).await,
            SecretSource::Env(name) => of_environment(name),
            SecretSource::Command(argv) => of_command(argv, folder).await,
        };
        let bytes = bytes.map_err(|why| unreadable(source, &why))?;
        if bytes.len() as u64 > LONGEST_SECRET {
            return Err(unreadable(source, "it has more than 1 MiB, and the server takes no more"));
        }
        Ok(bytes)
    }
}

fn unreadable(source: &SecretSource, why: &str) -> Problem {
    let detail = format!("A value comes from {source}, and {why}.");
    let help = match source {
        SecretSource::File(_) => {
            "Relative paths begin at the folder of the configuration. Nothing was changed."
        }
        SecretSource::Env(_) => "Set it for the process that applies. Nothing was changed.",
        SecretSource::Command(_) => {
            "What it said is not repeated, since it may hold a secret: run it by hand to see it. \
             Nothing was changed."
        }
    };
    Problem::error(UNREADABLE, "Secret cannot be read", Path::root(), detail).with_help(help)
}

async fn of_file(path: &FilePath) -> Result<Vec<u8>, String> {
    let file = tokio::fs::File::open(path).await.map_err(|error| said(&error))?;
    read_to_limit(file).await
}

/// One byte more than is allowed is enough to know that there is too much.
async fn read_to_limit(from: impl tokio::io::AsyncRead + Unpin) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = from.take(LONGEST_SECRET + 1).read_to_end(&mut bytes).await;
    read.map(|_| bytes).map_err(|error| said(&error))
}

fn of_environment(name: &str) -> Result<Vec<u8>, String> {
    // Looking up such names would panic.
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("that is no name of a variable".to_owned());
    }
    match std::env::var_os(name) {
        Some(value) => Ok(value.into_encoded_bytes()),
        None => Err("it is not set".to_owned()),
    }
}

async fn of_command(argv: &[String], folder: &FilePath) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("there is no program to call".to_owned());
    };
    let started = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = started.map_err(|error| format!("it cannot be started: {}", said(&error)))?;
    let stdout = child.stdout.take().ok_or("its output cannot be read")?;
    let work = async {
        let bytes = read_to_limit(stdout).await?;
        let status = child.wait().await.map_err(|error| said(&error))?;
        if status.success() || bytes.len() as u64 > LONGEST_SECRET {
            Ok(bytes)
        } else {
            Err(format!("it failed ({status})"))
        }
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(format!("it did not end within {} s", PATIENCE.as_secs())),
    }
}

/// Why, as the middle of a sentence.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => text::clean(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(folder: &FilePath, source: SecretSource) -> String {
        match Secrets::beside(folder).read(&source).await {
            Ok(bytes) => format!("{:?}", String::from_utf8_lossy(&bytes)),
            Err(problem) => problem.detail,
        }
    }

    fn command(argv: &[&str]) -> SecretSource {
        SecretSource::Command(argv.iter().map(|word| (*word).to_owned()).collect())
    }

    #[tokio::test]
    async fn file_beside_the_configuration_is_read_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
        let file = |name: &str| SecretSource::File(name.to_owned());
        assert_eq!(read(folder.path(), file("password")).await, r#""hunter2\n""#);
        assert_eq!(
            read(folder.path(), file("passwort")).await,
            "A value comes from the file `passwort`, and it does not exist."
        );
        assert_eq!(
            read(folder.path(), file(".")).await,
            "A value comes from the file `.`, and it is a folder."
        );
    }

    #[tokio::test]
    async fn file_that_never_ends_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            read(folder.path(), SecretSource::File("/dev/zero".to_owned())).await,
            "A value comes from the file `/dev/zero`, and it has more than 1 MiB, and the server \
             takes no more."
        );
        assert_eq!(
            read(folder.path(), command(&["cat", "/dev/zero"])).await,
            "A value comes from the command `cat`, and it has more than 1 MiB, and the server \
             takes no more."
        );
    }

    #[tokio::test]
    async fn variable_that_is_not_set_is_no_empty_secret() {
        let folder = tempfile::tempdir().unwrap();
        let env = |name: &str| SecretSource::Env(name.to_owned());
        assert_eq!(
            read(folder.path(), env("CLINCH_NO_SUCH_VARIABLE")).await,
            "A value comes from the environment variable `CLINCH_NO_SUCH_VARIABLE`, and it is \
             not set."
        );
        assert_eq!(
            read(folder.path(), env("A=B")).await,
            "A value comes from the environment variable `A=B`, and that is no name of a variable."
        );
        assert_ne!(read(folder.path(), env("PATH")).await, "\"\"");
    }

    #[tokio::test]
    async fn command_runs_without_a_shell_in_the_folder_of_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a b"), "x").unwrap();
        assert_eq!(read(folder.path(), command(&["cat", "a b"])).await, "\"x\"");
        assert_eq!(read(folder.path(), command(&["echo", "$HOME;"])).await, r#""$HOME;\n""#);
    }

    #[tokio::test]
    async fn failing_command_says_nothing_of_what_it_printed() {
        let folder = tempfile::tempdir().unwrap();
        let failing = command(&["sh", "-c", "echo hunter2; echo hunter3 >&2; exit 3"]);
        assert_eq!(
            read(folder.path(), failing).await,
            "A value comes from the command `sh`, and it failed (exit status: 3)."
        );
        assert_eq!(
            read(folder.path(), command(&["no-such-program"])).await,
            "A value comes from the command `no-such-program`, and it cannot be started: it does \
             not exist."
        );
    }

    #[tokio::test]
    async fn closed_door_reads_nothing() {
        let problem = Secrets::closed().read(&SecretSource::Env("PATH".to_owned())).await;
        assert!(problem.unwrap_err().detail.contains("not possible here"));
    }
}
