//! From bytes to bytes: the `tower::Service` in front of everything.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::faults::Fault;
use crate::{Faults, Options};

/// What the service answers with: all at once, or line by line for a watch.
pub type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// The request got no answer at all.
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
    inner: Arc<Inner>,
}

struct Inner {
    faults: Faults,
    _options: Options,
}

impl SandboxService {
    pub(crate) fn new(options: Options) -> Self {
        Self { inner: Arc::new(Inner { faults: Faults::default(), _options: options }) }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.inner.faults.clone()
    }

    async fn answer<B>(self, request: Request<B>) -> Result<Response<ResponseBody>, ServiceError>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| ServiceError::Body(error.to_string()))?;
        let _body = body.to_bytes();
        let struck = self.inner.faults.strike(parts.method.as_str(), parts.uri.path(), false);
        if struck.contains(&Fault::DropBefore) {
            return Err(ServiceError::Dropped);
        }
        let mut response =
            Response::new(Full::new(Bytes::from_static(b"404 page not found\n")).boxed_unsync());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok(response)
    }
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
