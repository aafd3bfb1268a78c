//! The front door: opening a sandbox and the ways into it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::clock::{Clock, Identities, RandomIdentities, SystemClock};
use crate::persist::{self, ReadError};
use crate::server::Server;
use crate::store::Store;
use crate::{Faults, SandboxService, kubeconfig, serve};

/// How a sandbox is to behave. Any combination is fine.
#[derive(Clone)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where uids come from.
    pub identities: Arc<dyn Identities>,
    /// Whether a new sandbox starts with its three simulated nodes.
    pub nodes: bool,
    /// Whether controllers, the scheduler and the nodes' agents are played. Without them
    /// objects are only stored, as by a server that runs alone.
    pub controllers: bool,
    /// How long to wait for another process that has the same folder open.
    pub lock_timeout: Duration,
    /// How many past events watches and pages can go back.
    pub history: usize,
}

impl Options {
    /// The machine's clock, random uids, three nodes, ten seconds of patience.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            identities: Arc::new(RandomIdentities),
            nodes: true,
            controllers: true,
            lock_timeout: Duration::from_secs(10),
            history: 10_000,
        }
    }
}

/// Why a folder could not be opened as a sandbox.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder.
    #[error("the sandbox in {folder} is in use by another process")]
    InUse {
        /// The folder that is held.
        folder: PathBuf,
    },
    /// The folder could not be read or written.
    #[error("the sandbox in {folder} cannot be used: {source}")]
    Io {
        /// The folder concerned.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds data that this version cannot read.
    #[error("the sandbox in {folder} is damaged: {why}")]
    Damaged {
        /// The folder concerned.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The text is no snapshot that this version can read.
    #[error("this is no snapshot: {why}")]
    NoSnapshot {
        /// What is wrong with it.
        why: String,
    },
}

impl OpenError {
    fn of_folder(folder: &Path, error: ReadError) -> Self {
        let folder = folder.to_owned();
        match error {
            ReadError::InUse => Self::InUse { folder },
            ReadError::Io(source) => Self::Io { folder, source },
            ReadError::Damaged(why) => Self::Damaged { folder, why },
        }
    }
}

/// An embedded API server. Clones share the same store.
#[derive(Clone)]
pub struct Sandbox {
    service: SandboxService,
}

impl Sandbox {
    /// A sandbox that is forgotten when its last clone is dropped.
    pub fn in_memory() -> Self {
        Self::in_memory_with(Options::real())
    }

    /// As [`Sandbox::in_memory`], with options.
    pub fn in_memory_with(options: Options) -> Self {
        // Nothing is written to disk, so populating it cannot fail.
        let server = Server::new(Store::in_memory(options.history), options)
            .expect("a store in memory accepts the objects of a new cluster");
        Self { service: SandboxService::new(server) }
    }

    /// A sandbox that lives in a folder, which is created where it is missing.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(dir, Options::real())
    }

    /// As [`Sandbox::open`], with options.
    pub fn open_with(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let (log, version, objects) = persist::open(dir, options.lock_timeout)
            .map_err(|error| OpenError::of_folder(dir, error))?;
        let server = Server::new(Store::with_log(log, version, objects, options.history), options)
            .map_err(|error| OpenError::Io {
                folder: dir.to_owned(),
                source: io::Error::other(error.message),
            })?;
        Ok(Self { service: SandboxService::new(server) })
    }

    /// A sandbox in memory with the objects of a snapshot.
    pub fn from_snapshot(snapshot: &str, options: Options) -> Result<Self, OpenError> {
        let (version, tables) =
            persist::read(snapshot).map_err(|why| OpenError::NoSnapshot { why })?;
        let store = Store::with_objects(version, tables, options.history);
        // Nothing is written to disk, so populating it cannot fail.
        let server = Server::new(store, options)
            .expect("a store in memory accepts the objects of a new cluster");
        Ok(Self { service: SandboxService::new(server) })
    }

    /// Every object of this moment as a text: JSON, one object on a line, secrets included.
    pub fn snapshot(&self) -> String {
        self.service.snapshot()
    }

    /// Makes a folder hold the objects of a snapshot and nothing else.
    ///
    /// Refuses while the folder is open elsewhere, after `patience`. Resource versions count on
    /// from the higher of the two, and watches from before are told that they are too old.
    pub fn restore(dir: &Path, snapshot: &str, patience: Duration) -> Result<(), OpenError> {
        let (version, tables) =
            persist::read(snapshot).map_err(|why| OpenError::NoSnapshot { why })?;
        persist::restore(dir, patience, &tables, version)
            .map_err(|error| OpenError::of_folder(dir, error))
    }

    /// The server itself, as a `tower::Service` over HTTP requests.
    pub fn service(&self) -> SandboxService {
        self.service.clone()
    }

    /// A client that talks to this sandbox without any socket.
    ///
    /// Must be called inside a tokio runtime, as `kube::Client` wants one.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// Serves connections until the future is dropped or accepting fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        serve::serve(self.service(), listener).await
    }

    /// The resource version of the last change, for [`Fault::Stale`](crate::Fault::Stale).
    pub fn version(&self) -> u64 {
        self.service.version()
    }

    /// Plays a kubelet that registers its node anew without a record of its devices: extended
    /// resources become zero and belong to the kubelet. `false` where there is no such node.
    pub fn forget_devices(&self, node: &str) -> bool {
        self.service.forget_devices(node)
    }

    /// The handle that makes requests fail on purpose.
    pub fn faults(&self) -> Faults {
        self.service.faults()
    }

    /// The text of a kubeconfig for a sandbox that is served on `addr`.
    pub fn write_kubeconfig(&self, addr: SocketAddr) -> String {
        kubeconfig::text(addr)
    }
}
