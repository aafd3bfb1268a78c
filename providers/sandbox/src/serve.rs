//! The same service on a TCP port.

use std::io;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use crate::SandboxService;

/// Accepts connections until the future is dropped.
pub(crate) async fn serve(service: SandboxService, listener: TcpListener) -> io::Result<()> {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _peer) = listener.accept().await?;
        let service = service.clone();
        // Finished connections are reaped here, so that the set does not grow for ever.
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let service = hyper_util::service::TowerToHyperService::new(service);
            // A broken connection is the client's affair; the next one starts afresh.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
