//! From bytes to bytes: the `tower::Service` in front of everything.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::Faults;
use crate::controllers;
use crate::faults::{self, After, Asked, Before};
use crate::router::{self, Call};
use crate::server::{Outcome, Server};
use crate::store::Store;

/// What the service answers with: all at once, or line by line for a watch.
pub type ResponseBody = UnsyncBoxBody<Bytes, ServiceError>;

/// The request got no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A fault broke the connection on purpose.
    #[error("connection reset by the sandbox")]
    Dropped,
    /// The body of the request could not be read.
    #[error("the request's body broke off: {0}")]
    Body(String),
}

/// The API server as a `tower::Service`. Clones share the same store.
#[derive(Clone)]
pub struct SandboxService {
    server: Arc<Server>,
}

impl SandboxService {
    pub(crate) fn new(server: Server) -> Self {
        Self { server: Arc::new(server) }
    }

    pub(crate) fn version(&self) -> u64 {
        self.server.with_store(|store| store.version)
    }

    pub(crate) fn forget_devices(&self, node: &str) -> bool {
        let done = self.server.transact(|txn, env, _| {
            Ok(Outcome::Keep(controllers::nodes::forget_devices(txn, env, node)))
        });
        done.unwrap_or(false)
    }

    pub(crate) fn snapshot(&self) -> String {
        self.server.with_store(Store::snapshot)
    }

    pub(crate) fn faults(&self) -> Faults {
        self.server.faults.clone()
    }

    async fn answer<B>(self, request: Request<B>) -> Result<Response<ResponseBody>, ServiceError>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| ServiceError::Body(error.to_string()))?;
        let body = body.to_bytes();
        let struck = self.server.faults.strike(&Asked::of(&parts));
        for before in struck.before {
            match before {
                Before::Wait(time) => tokio::time::sleep(time).await,
                Before::Drop => return Err(ServiceError::Dropped),
                Before::Answer(answer) => return Ok(answer),
            }
        }
        if struck.after.is_some() {
            // What is cut is the text, not what it was packed into.
            parts.headers.remove(http::header::ACCEPT_ENCODING);
        }
        let response = router::answer(&Call {
            server: &self.server,
            parts: &parts,
            body: &body,
            twist: &struck.twist,
        });
        match struck.after {
            None => Ok(response),
            Some(After::Drop) => Err(ServiceError::Dropped),
            Some(After::DropDuring) => faults::cut_short(response, true).await,
            Some(After::Truncate) => faults::cut_short(response, false).await,
        }
    }
}

/// A body that comes all at once.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> ResponseBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

impl<B> tower::Service<Request<B>> for SandboxService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    type Response = Response<ResponseBody>;
    type Error = ServiceError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}
