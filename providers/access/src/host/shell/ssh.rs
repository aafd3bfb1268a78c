//! The way over SSH: the user's own `ssh`, one connection for each machine.
//!
//! `ssh` brings what people have: its configuration, agents, certificates, hardware keys and
//! jump hosts. It is started once for a machine as the master of a shared connection, and every
//! script is a session over it.

use super::local::talk;
use super::{Ended, trouble};
use crate::host::HostError;
use openssh::{Error, Session, Stdio};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep, timeout};

/// `sshd` lets ten callers in at once that are not logged in yet (`MaxStartups`), and drops more.
/// Behind one jump host all callers are callers of that host.
const CONNECTS: usize = 8;
/// `sshd` opens ten sessions on one connection (`MaxSessions`).
const SESSIONS: usize = 8;
/// How long an unused connection stays when clinch is gone.
const LINGER: u32 = 120;
/// How often a server that has too many callers is called.
const TRIES: u32 = 4;
/// How long a machine that did not answer is not asked again.
const REST: Duration = Duration::from_secs(30);
/// The usual kinds of keys but those that are signed with SHA-1.
///
/// Source: [OpenSSH 8.8](https://www.openssh.com/txt/release-8.8), "Potentially-incompatible changes".
const WITHOUT_SHA1: &str =
    "-ssh-rsa,ssh-rsa-cert-v01@openssh.com,ssh-dss,ssh-dss-cert-v01@openssh.com";

/// How many machines are called at once.
#[derive(Debug, Clone)]
pub struct SshGate(Arc<Semaphore>);

impl SshGate {
    /// For all machines that may be behind one jump host.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(CONNECTS)))
    }
}

impl Default for SshGate {
    fn default() -> Self {
        Self::new()
    }
}

/// Which keys of machines are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKeys {
    /// Those that are known.
    #[default]
    Strict,
    /// Those that are known, and the first one of a machine that is not; it is written down.
    AcceptNew,
}

/// How a machine is reached. What is not said here is as `ssh` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// Its name or address, as it would be given to `ssh`.
    pub address: String,
    /// The port.
    pub port: Option<u16>,
    /// Who logs in.
    pub user: Option<String>,
    /// Whether to work as root by `sudo`.
    pub sudo: bool,
    /// The one key to log in with.
    pub identity_file: Option<PathBuf>,
    /// Configuration of `ssh` instead of the user's and the system's.
    pub config_file: Option<PathBuf>,
    /// File of known hosts instead of the user's.
    pub known_hosts_file: Option<PathBuf>,
    /// Jump hosts in their order: `admin@bastion:2222`.
    pub jump: Vec<String>,
    /// Which keys are trusted.
    pub host_keys: HostKeys,
    /// How long to wait for an answer.
    pub connect_timeout: Duration,
}

impl SshSettings {
    /// This machine, all else as `ssh` has it.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            port: None,
            user: None,
            sudo: false,
            identity_file: None,
            config_file: None,
            known_hosts_file: None,
            jump: Vec::new(),
            host_keys: HostKeys::Strict,
            connect_timeout: Duration::from_secs(10),
        }
    }

    /// The words after `ssh` that make the master of a shared connection, or with no socket one
    /// that is not shared.
    fn words(&self, socket: Option<&str>) -> Vec<String> {
        let mut words: Vec<String> = match socket {
            Some(socket) => ["-f", "-N", "-T", "-M", "-S", socket].map(Into::into).into(),
            None => ["-T", "-S", "none"].map(Into::into).into(),
        };
        let keys = match self.host_keys {
            HostKeys::Strict => "yes",
            HostKeys::AcceptNew => "accept-new",
        };
        let timeout = self.connect_timeout.as_secs().max(1);
        let mut options = vec![
            "BatchMode=yes".to_owned(),
            format!("StrictHostKeyChecking={keys}"),
            format!("ConnectTimeout={timeout}"),
            format!("ControlPersist={}", socket.map_or(0, |_| LINGER)),
            "ServerAliveInterval=15".to_owned(),
            "ServerAliveCountMax=3".to_owned(),
            // Nobody is there to type a password, and none is sent.
            "PasswordAuthentication=no".to_owned(),
            "KbdInteractiveAuthentication=no".to_owned(),
            // Signatures and key exchanges with SHA-1 are forged in time, whatever a person has
            // allowed for an old machine. The names are those that versions before 8.5 know, too.
            format!("HostKeyAlgorithms={WITHOUT_SHA1}"),
            format!("PubkeyAcceptedKeyTypes={WITHOUT_SHA1}"),
            "KexAlgorithms=-*-sha1".to_owned(),
            // Nothing of this machine is lent to the other.
            "ForwardAgent=no".to_owned(),
            "ForwardX11=no".to_owned(),
            "ClearAllForwardings=yes".to_owned(),
            // What a person has for their own logins would disturb.
            "PermitLocalCommand=no".to_owned(),
            "RemoteCommand=none".to_owned(),
            "RequestTTY=no".to_owned(),
            "LogLevel=INFO".to_owned(),
        ];
        if let Some(file) = &self.known_hosts_file {
            options.push(format!("UserKnownHostsFile={}", quoted(&file.to_string_lossy())));
            options.push("GlobalKnownHostsFile=none".to_owned());
        }
        if self.identity_file.is_some() {
            options.push("IdentitiesOnly=yes".to_owned());
        }
        words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        let mut more = |flag: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        };
        more("-p", self.port.map(|port| port.to_string()));
        more("-l", self.user.clone());
        more("-i", self.identity_file.as_ref().map(|f| f.to_string_lossy().into_owned()));
        more("-F", self.config_file.as_ref().map(|f| f.to_string_lossy().into_owned()));
        more("-J", (!self.jump.is_empty()).then(|| self.jump.join(",")));
        // Whatever the address looks like, it is no option.
        words.extend(["--".to_owned(), self.address.clone()]);
        words
    }
}

/// As a file name is written in a configuration of `ssh`, where blanks separate names.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The connection to one machine.
#[derive(Clone)]
pub(super) struct Ssh(Arc<Shared>);

struct Shared {
    host: String,
    settings: SshSettings,
    connects: Arc<Semaphore>,
    sessions: Semaphore,
    line: Mutex<Line>,
}

enum Line {
    Idle,
    Up(Arc<Session>),
    /// It could not be reached at this time.
    Down(HostError, Instant),
}

impl fmt::Debug for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ssh").field(&self.0.settings).finish()
    }
}

impl Ssh {
    pub(super) fn new(host: String, settings: SshSettings, gate: &SshGate) -> Self {
        Self(Arc::new(Shared {
            host,
            settings,
            connects: gate.0.clone(),
            sessions: Semaphore::new(SESSIONS),
            line: Mutex::new(Line::Idle),
        }))
    }

    /// Has the shell of the login run this line.
    ///
    /// # Interruption
    ///
    /// Dropping this leaves the script running on the other side.
    pub(super) async fn exec(
        &self,
        line: &str,
        input: &[u8],
        room: u64,
    ) -> Result<Ended, HostError> {
        let lost = |said: String| HostError::Lost { host: self.0.host.clone(), said };
        let _turn = self.0.sessions.acquire().await;
        let session = self.connected(None).await?;
        let (session, mut child) = match spawn(session.clone(), line).await {
            Ok(child) => (session, child),
            // The connection was closed while nobody used it; nothing was begun.
            Err(_) => {
                let session = self.connected(Some(&session)).await?;
                let child = spawn(session.clone(), line).await;
                (session, child.map_err(|e| self.unreachable(full(&e)))?)
            }
        };
        let pipes = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let said = talk(pipes, input, room).await;
        let (stdout, stderr) = said.map_err(|e| lost(e.to_string()))?;
        let status = match child.wait().await {
            Ok(status) => status.code(),
            // The crate's word for the status 127.
            Err(Error::Remote(_)) => Some(127),
            Err(Error::RemoteProcessTerminated | Error::Disconnected) => None,
            Err(error) => return Err(lost(full(&error))),
        };
        drop(session);
        Ok(Ended { status, stdout, stderr })
    }

    /// Ends the connection, unless it is being made or used.
    pub(super) fn hang_up(&self) {
        if let Ok(mut line) = self.0.line.try_lock()
            && matches!(*line, Line::Up(_))
        {
            *line = Line::Idle;
        }
    }

    /// The connection, made if need be; not the one that proved broken.
    async fn connected(&self, broken: Option<&Arc<Session>>) -> Result<Arc<Session>, HostError> {
        let mut line = self.0.line.lock().await;
        match &*line {
            Line::Up(session) if broken.is_none_or(|b| !Arc::ptr_eq(b, session)) => {
                return Ok(session.clone());
            }
            Line::Down(error, at) if at.elapsed() < REST => return Err(error.clone()),
            Line::Idle | Line::Up(_) | Line::Down(..) => {}
        }
        match self.connect().await {
            Ok(session) => {
                let session = Arc::new(session);
                *line = Line::Up(session.clone());
                Ok(session)
            }
            Err(error) => {
                *line = Line::Down(error.clone(), Instant::now());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Session, HostError> {
        let _turn = self.0.connects.acquire().await;
        let mut tries = 1;
        loop {
            match self.launch().await {
                Ok(session) => return Ok(session),
                Err(NotLaunched::Other(error)) => return Err(error),
                Err(NotLaunched::Said(log)) if trouble::is_busy(&log) && tries < TRIES => {
                    sleep(Duration::from_millis(250 << tries)).await;
                    tries += 1;
                }
                Err(NotLaunched::Said(log)) => {
                    let read = |file: &str| std::fs::read_to_string(file).ok();
                    let address = self.shown_address();
                    return Err(trouble::not_connected(&self.0.host, &address, &log, read));
                }
            }
        }
    }

    /// Starts the master, which goes to the background once it is logged in.
    async fn launch(&self) -> Result<Session, NotLaunched> {
        let other = |e: std::io::Error| NotLaunched::Other(self.unreachable(e.to_string()));
        // The path of a socket is short by nature, so the name is too.
        let folder = tempfile::Builder::new().prefix("clinch-").tempdir().map_err(other)?;
        let log = folder.path().join("log");
        let socket = folder.path().join("master");
        let words = self.0.settings.words(Some(&socket.to_string_lossy()));
        match self.ssh(&words, &log).await? {
            (true, _) => Ok(Session::new_native_mux(folder)),
            (false, said) if trouble::is_behind_another(&said) => {
                let mut words = self.0.settings.words(None);
                words.push("exit".to_owned());
                let (_, plainly) = self.ssh(&words, &log).await?;
                Err(NotLaunched::Said(plainly))
            }
            (false, said) => Err(NotLaunched::Said(said)),
        }
    }

    /// Runs `ssh` until it ends or goes to the background: whether all is well, and what it said.
    async fn ssh(&self, words: &[String], log: &Path) -> Result<(bool, String), NotLaunched> {
        let other = |e: std::io::Error| NotLaunched::Other(self.unreachable(e.to_string()));
        // Not by `-E`: what a jump host's own `ssh` says goes to the same place.
        let said = std::fs::File::create(log).map_err(other)?;
        let child = tokio::process::Command::new("ssh")
            .args(words)
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(said)
            // A person who interrupts clinch does not cut the line of a step.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = match child {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(NotLaunched::Other(HostError::NoSsh { host: self.0.host.clone() }));
            }
            child => child.map_err(other)?,
        };
        // Each of a chain of jump hosts may take its time.
        let chain = u32::try_from(self.0.settings.jump.len()).unwrap_or(u32::MAX);
        let patience = self.0.settings.connect_timeout.saturating_mul(chain.saturating_add(2));
        let Ok(ended) = timeout(patience, child.wait()).await else {
            let said = format!("no answer for {} s", patience.as_secs());
            return Err(NotLaunched::Other(self.unreachable(said)));
        };
        let ended = ended.map_err(other)?.success();
        let said = std::fs::read(log).map_err(other)?;
        Ok((ended, String::from_utf8_lossy(&said).into_owned()))
    }

    fn unreachable(&self, said: String) -> HostError {
        let address = self.shown_address();
        HostError::Unreachable { host: self.0.host.clone(), address, said }
    }

    fn shown_address(&self) -> String {
        match self.0.settings.port {
            Some(port) => format!("{}:{port}", self.0.settings.address),
            None => self.0.settings.address.clone(),
        }
    }
}

/// Why there is no master.
enum NotLaunched {
    /// What `ssh` said.
    Said(String),
    Other(HostError),
}

async fn spawn(session: Arc<Session>, line: &str) -> Result<openssh::Child<Arc<Session>>, Error> {
    let mut command = session.arc_raw_command(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().await
}

/// An error with its causes.
fn full(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}
