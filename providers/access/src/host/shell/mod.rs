//! A machine that is reached through its shell: this one, or another over SSH.
//!
//! Whatever is done is one of five fixed scripts (`scripts/`), given to `sh -c` with its
//! parameters as words; content travels on the standard input and never touches a temporary
//! script. What the scripts promise:
//!
//! - Every part of a path is a folder, never a link: they go to the folder, ask the shell where
//!   it truly is, and use names relative to it.
//! - A file is written beside its place, or in the folder above, under a name that begins with a
//!   dot, readable for nobody else; its digest is checked, so that a broken connection cannot shorten it; owner
//!   and mode are set; it is brought to disk, renamed, and the folder brought to disk.
//! - What must be there is checked right before the rename.
//! - A script says how it ended in its last line. Without that line it did not come to its end,
//!   whatever the exit status of the connection.
//! - A file that is replaced keeps its access control list and its label of `SELinux`, or stays.
//! - Where runs are told apart (`fence`), what changes something looks in the same script whether a
//!   later run was there, and keeps that one out until the script has ended.
//!
//! **Not here:** other extended attributes are not carried over to the new file.

mod local;
mod quote;
mod reply;
mod script;
mod ssh;
#[cfg(test)]
mod tests;
mod trouble;

pub use ssh::{HostKeys, SshGate, SshSettings};

use super::fence::Fence;
use super::{
    Answer, Ask, Command, Expected, Host, HostError, LONGEST_FILE, LONGEST_LOOK, Output, Staged,
    WriteFile, digest, path,
};
use provider::BoxFuture;
use reply::Where;
use script::Script;
use ssh::Ssh;
use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How much of what a program says is kept.
const LONGEST_OUTPUT: u64 = 1 << 20;
/// How much a machine may say in one look.
const LONGEST_REPLY: u64 = 64 << 20;
/// How long a whole look, or the exchange of a file, may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the words of one script may be: the kernel gives a program no longer argument than
/// 128 KiB, and the shell of the login gets all of them as one.
const LONGEST_WORDS: usize = 100 << 10;

/// A machine that is reached through its shell.
#[derive(Debug, Clone)]
pub struct ShellHost {
    name: String,
    sudo: bool,
    way: Way,
    fence: Option<Fence>,
}

#[derive(Debug, Clone)]
enum Way {
    /// This machine, through this shell.
    Here(&'static [&'static str]),
    Ssh(Ssh),
}

/// What a script left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    /// `None` when the connection broke, or a signal ended the shell.
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl ShellHost {
    /// This machine, as the machine of this node.
    pub fn local(name: impl Into<String>, sudo: bool) -> Self {
        Self { name: name.into(), sudo, way: Way::Here(&["sh"]), fence: None }
    }

    /// The machine of this node over SSH. The connection is made when it is needed first.
    pub fn ssh(name: impl Into<String>, settings: SshSettings, gate: &SshGate) -> Self {
        let name = name.into();
        let sudo = settings.sudo;
        let way = Way::Ssh(Ssh::new(name.clone(), settings, gate));
        Self { name, sudo, way, fence: None }
    }

    #[cfg(test)]
    fn through(name: &str, shell: &'static [&'static str]) -> Self {
        Self { name: name.to_owned(), sudo: false, way: Way::Here(shell), fence: None }
    }

    /// Runs a script to its end.
    async fn script(
        &self,
        script: Script,
        arguments: &[&str],
        input: &[u8],
        patience: Duration,
    ) -> Result<Ended, HostError> {
        if let Some(word) = arguments.iter().find(|word| word.contains('\0')) {
            return Err(HostError::BadWord { host: self.name.clone(), word: (*word).to_owned() });
        }
        let sudo: &[&str] = if self.sudo { &["env", "LC_ALL=C", "sudo", "-n", "--"] } else { &[] };
        let sh = match &self.way {
            Way::Here(shell) => shell,
            Way::Ssh(_) => &["sh"][..],
        };
        let words = [sudo, sh, &["-c", script.0, "clinch"], arguments].concat();
        let words: Vec<Cow<'_, str>> = words.into_iter().map(Cow::Borrowed).collect();
        let work = async {
            match &self.way {
                Way::Here(_) => local::exec(&self.name, &words, input, LONGEST_REPLY).await,
                Way::Ssh(ssh) => ssh.exec(&quote::line(words), input, LONGEST_REPLY).await,
            }
        };
        let ended = match tokio::time::timeout(patience, work).await {
            Ok(ended) => ended?,
            Err(_) => {
                let said = format!("no answer for {} s", patience.as_secs());
                return Err(HostError::Lost { host: self.name.clone(), said });
            }
        };
        if ended.status == Some(0) {
            return Ok(ended);
        }
        Err(trouble::not_run(&self.name, self.sudo, &ended))
    }

    /// Runs a script that ends with a verdict, and says what it is, unless a later run was there.
    async fn decided(
        &self,
        script: Script,
        arguments: &[&str],
        input: &[u8],
        patience: Duration,
    ) -> Result<(String, Vec<u8>, Vec<u8>), HostError> {
        let fence = Fence::words(self.fence.as_ref());
        let fence: Vec<&str> = fence.iter().map(String::as_str).collect();
        let arguments = [&fence[..], arguments].concat();
        let ended = self.script(script, &arguments, input, patience).await?;
        let Some((verdict, before)) = reply::verdict(&ended.stdout) else {
            return Err(trouble::not_run(&self.name, self.sudo, &ended));
        };
        match (&self.fence, verdict.strip_prefix("fence ")) {
            (Some(fence), Some(said)) => Err(self.not_passed(fence, said)),
            (_, _) => Ok((verdict, before.to_vec(), ended.stderr)),
        }
    }

    fn not_passed(&self, fence: &Fence, said: &str) -> HostError {
        let of_its_file = || Where { host: &self.name, path: &fence.path() }.refusal(said);
        fence.refusal(&self.name, said).unwrap_or_else(of_its_file)
    }

    /// Runs a script whose verdict is `done`.
    async fn done(
        &self,
        script: Script,
        path: &str,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<(), HostError> {
        match self.decided(script, arguments, input, PATIENCE).await? {
            (verdict, ..) if verdict == "done" => Ok(()),
            (verdict, ..) => Err(Where { host: &self.name, path }.refusal(&verdict)),
        }
    }

    /// Asks as many questions as go into one script.
    async fn ask(&self, asks: &[Ask]) -> Result<Vec<Answer>, HostError> {
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let (seconds, most_said) = (seconds(LONGEST_LOOK), LONGEST_OUTPUT.to_string());
        let most_read = (LONGEST_FILE + 1).to_string();
        let counts: Vec<String> = asks.iter().map(count).collect();
        let mut arguments = vec![seconds.as_str(), &most_said, &most_read];
        for (ask, count) in asks.iter().zip(&counts) {
            match ask {
                Ask::File(path) => arguments.extend(["file", path]),
                Ask::Folder(path) => arguments.extend(["folder", path]),
                Ask::Link(path) => arguments.extend(["link", path]),
                Ask::Command(words) => {
                    arguments.extend(["command", count]);
                    arguments.extend(words.iter().map(String::as_str));
                }
            }
        }
        let input = format!("{mark}\n");
        let ended = self.script(script::LOOK, &arguments, input.as_bytes(), PATIENCE).await?;
        reply::answers(&self.name, asks, &mark, (&ended.stdout, &ended.stderr))
    }
}

impl Host for ShellHost {
    fn name(&self) -> &str {
        &self.name
    }

    fn look<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Vec<Answer>, HostError>> {
        boxed(async move {
            // What cannot be asked is answered here.
            let refused: Vec<Option<HostError>> = asks.iter().map(|a| self.refused(a)).collect();
            let kept: Vec<Ask> = asks
                .iter()
                .zip(&refused)
                .filter(|(_, refused)| refused.is_none())
                .map(|(ask, _)| ask.clone())
                .collect();
            let mut answers = Vec::with_capacity(kept.len());
            for asks in batches(&kept) {
                answers.extend(self.ask(asks).await?);
            }
            let mut answers = answers.into_iter();
            let answer = |refused: Option<HostError>| match refused {
                Some(error) => Some(Answer::Failed(error)),
                None => answers.next(),
            };
            Ok(refused.into_iter().map_while(answer).collect())
        })
    }

    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>> {
        boxed(async move {
            path::parts(file.path)?;
            let number = |number: Option<u32>| number.map_or("-".to_owned(), |n| n.to_string());
            let (mode, uid) = (format!("{:04o}", file.mode & 0o7777), number(file.uid));
            let (gid, digest) = (number(file.gid), digest(file.content));
            let folder = match file.staged {
                Staged::Beside => ".",
                Staged::Above => "..",
            };
            let new = format!("{folder}/.clinch-{}", uuid::Uuid::new_v4().simple());
            let expected = words(file.expected);
            let arguments = [file.path, &mode, &uid, &gid, &expected, &digest, &new];
            self.done(script::WRITE, file.path, &arguments, file.content).await
        })
    }

    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>> {
        boxed(async move {
            path::parts(path)?;
            self.done(script::REMOVE, path, &[path, &words(expected)], &[]).await
        })
    }

    fn remove_folder<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), HostError>> {
        boxed(async move {
            path::parts(path)?;
            self.done(script::REMOVE_FOLDER, path, &[path], &[]).await
        })
    }

    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>> {
        boxed(async move {
            let (limit, most) = (seconds(command.deadline), LONGEST_OUTPUT.to_string());
            let arguments = [&[limit.as_str(), most.as_str()], command.words].concat();
            let patience = command.deadline + PATIENCE;
            let program = command.words.first().copied().unwrap_or_default();
            let (verdict, stdout, stderr) =
                self.decided(script::RUN, &arguments, command.input, patience).await?;
            match verdict.strip_prefix("ran ") {
                Some(status) => {
                    let ended = (status, command.deadline);
                    reply::output(&self.name, program, ended, (&stdout, &stderr))
                }
                None => Err(Where { host: &self.name, path: program }.refusal(&verdict)),
            }
        })
    }

    fn fenced(&self, fence: &Fence) -> Arc<dyn Host> {
        Arc::new(Self { fence: Some(fence.clone()), ..self.clone() })
    }

    fn claim(&self) -> BoxFuture<'_, Result<(), HostError>> {
        boxed(async move {
            match &self.fence {
                None => Ok(()),
                Some(fence) => self.done(script::CLAIM, &fence.path(), &[], &[]).await,
            }
        })
    }

    fn hang_up(&self) {
        match &self.way {
            Way::Here(_) => {}
            Way::Ssh(ssh) => ssh.hang_up(),
        }
    }
}

impl ShellHost {
    /// Why a question cannot even be asked.
    fn refused(&self, ask: &Ask) -> Option<HostError> {
        match ask {
            Ask::File(path) | Ask::Folder(path) | Ask::Link(path) => path::parts(path).err(),
            Ask::Command(words) => {
                let bad = match words.first() {
                    None => Some(""),
                    Some(_) => words.iter().map(String::as_str).find(|word| word.contains('\0')),
                };
                let error = |word: &str| HostError::BadWord {
                    host: self.name.clone(),
                    word: word.to_owned(),
                };
                bad.map(error)
            }
        }
    }
}

fn boxed<'a, T>(
    work: impl Future<Output = Result<T, HostError>> + Send + 'a,
) -> BoxFuture<'a, Result<T, HostError>> {
    Box::pin(work)
}

/// Whole seconds, as every `timeout` reads them.
fn seconds(duration: Duration) -> String {
    duration.as_secs().max(1).to_string()
}

fn count(ask: &Ask) -> String {
    match ask {
        Ask::Command(words) => words.len().to_string(),
        Ask::File(_) | Ask::Folder(_) | Ask::Link(_) => String::new(),
    }
}

fn words(expected: Expected<'_>) -> Cow<'_, str> {
    match expected {
        Expected::Anything => "any".into(),
        Expected::Absent => "absent".into(),
        Expected::Digest(digest) => format!("digest:{digest}").into(),
        Expected::Stamp(stamp) => format!("stamp:{stamp}").into(),
    }
}

/// The questions in runs that each go into one script; nearly always a single one.
fn batches(asks: &[Ask]) -> Vec<&[Ask]> {
    let length = |ask: &Ask| match ask {
        Ask::File(path) | Ask::Folder(path) | Ask::Link(path) => quote::quote(path).len() + 11,
        Ask::Command(words) => {
            words.iter().map(|word| quote::quote(word).len() + 1).sum::<usize>() + 20
        }
    };
    let (mut batches, mut start, mut used) = (Vec::new(), 0, 0);
    for (i, ask) in asks.iter().enumerate() {
        if i > start && used + length(ask) > LONGEST_WORDS {
            batches.push(&asks[start..i]);
            (start, used) = (i, 0);
        }
        used += length(ask);
    }
    if start < asks.len() {
        batches.push(&asks[start..]);
    }
    batches
}
