//! From bytes to bytes: the `tower::Service` in front of everything.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::Faults;
use crate::faults::Fault;
use crate::router;
use crate::server::Server;

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
    server: Arc<Server>,
}

impl SandboxService {
    pub(crate) fn new(server: Server) -> Self {
        Self { server: Arc::new(server) }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.server.faults.clone()
    }

    async fn answer<B>(self, request: Request<B>) -> Result<Response<ResponseBody>, ServiceError>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|error| ServiceError::Body(error.to_string()))?;
        let body = body.to_bytes();
        let struck =
            self.server.faults.strike(parts.method.as_str(), parts.uri.path(), writes(&parts));
        let mut drop_after = false;
        for fault in struck {
            match fault {
                Fault::Latency(time) => tokio::time::sleep(time).await,
                Fault::DropBefore => return Err(ServiceError::Dropped),
                Fault::DropAfter => drop_after = true,
                Fault::Status { code, reason, message } => {
                    return Ok(failure(code, &reason, &message));
                }
            }
        }
        let response = router::answer(&self.server, &parts, &body);
        if drop_after {
            return Err(ServiceError::Dropped);
        }
        Ok(response)
    }
}

/// Whether a request would change something.
fn writes(parts: &Parts) -> bool {
    let reads = matches!(parts.method, http::Method::GET | http::Method::HEAD);
    !reads && !parts.uri.query().unwrap_or_default().contains("dryRun=All")
}

fn failure(code: u16, reason: &str, message: &str) -> Response<ResponseBody> {
    let status = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    });
    let body = Full::new(Bytes::from(format!("{status}\n"))).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
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
