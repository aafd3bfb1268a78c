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
        let folder = || dir.to_owned();
        let (log, version, objects) =
            persist::open(dir, options.lock_timeout).map_err(|error| match error {
                ReadError::InUse => OpenError::InUse { folder: folder() },
                ReadError::Io(source) => OpenError::Io { folder: folder(), source },
                ReadError::Damaged(why) => OpenError::Damaged { folder: folder(), why },
            })?;
        let server =
            Server::new(Store::with_log(log, version, objects, options.history), options).map_err(
                |error| OpenError::Io { folder: folder(), source: io::Error::other(error.message) },
            )?;
        Ok(Self { service: SandboxService::new(server) })
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

    /// The handle that makes requests fail on purpose.
    pub fn faults(&self) -> Faults {
        self.service.faults()
    }

    /// The text of a kubeconfig for a sandbox that is served on `addr`.
    pub fn write_kubeconfig(&self, addr: SocketAddr) -> String {
        kubeconfig::text(addr)
    }
}
