//! A Kubernetes API, real or embedded, through one client.
//!
//! Start reading at [`Cluster`]. A request goes `ops` (what is asked) -> [`Cluster::ask`]
//! (how many at once, how often, how long) -> `kube::Client` (TLS, credentials, proxy).
//! Objects are JSON as the server sends them: typed structs would drop what they do not
//! know.

mod discovery;
mod error;
mod list;
mod node;
mod ops;
mod page;
mod retry;
mod reviews;
#[cfg(test)]
mod tests;
mod transport;
mod watch;

pub use discovery::{Discovery, Resource};
pub use error::{Call, Cause, ClusterError, Failure, Place, Refusal, TlsTrouble, Unreachable};
pub use list::{Listing, Query};
pub use ops::{Apply, Delete, Evict, JsonPatch, Propagation, Write};
pub use page::Item;
pub use reviews::Attempt;
pub use watch::{Watch, WatchEvent};

pub(crate) use transport::classify;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use retry::{Again, PATIENCE, Repeat};
use serde_json::Value as Json;
use serde_json::error::Category;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

/// How long a connection may take to be made.
pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long one try of a request may take: the server's own limit is 60 seconds.
const ANSWER_DEADLINE: Duration = Duration::from_secs(65);
/// More at once makes no API server faster, and each is a connection of its own.
const IN_FLIGHT: usize = 16;
/// No answer of an API server is that long; what is longer is not read to its end.
const LONGEST_BODY: usize = 512 << 20;

const JSON: &str = "application/json";

/// A Kubernetes API. Clones share the connection, the limits and what was discovered.
///
/// # Interruption
///
/// Dropping a future of a reading operation leaves nothing behind. Dropping one of a
/// writing operation leaves open whether the server carried it out.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    /// Who wants to hear of requests that are sent again.
    tell: Option<UnboundedSender<String>>,
}

struct Inner {
    client: kube::Client,
    place: Arc<Place>,
    gate: Semaphore,
    /// Whether the server has ever answered.
    reached: AtomicBool,
    discovery: discovery::Cache,
}

/// One request before it has a try.
pub(crate) struct Ask {
    pub(crate) call: Call,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) accept: &'static str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
}

impl Ask {
    pub(crate) fn get(call: Call, target: String) -> Self {
        Self {
            call,
            method: Method::GET,
            target,
            accept: JSON,
            content_type: None,
            body: Bytes::new(),
            repeat: Repeat::Harmless,
        }
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.target)
            .header(header::ACCEPT, self.accept);
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        request.body(Body::from(self.body.clone()))
    }
}

impl Cluster {
    /// A cluster behind this client, with the name and address that people know it by.
    ///
    /// For the embedded API server, whose client lives in this process. [`crate::connect`]
    /// makes one from a kubeconfig.
    pub fn from_client(
        client: kube::Client,
        name: impl Into<String>,
        server: impl Into<String>,
    ) -> Self {
        let place = Arc::new(Place { name: name.into(), server: server.into() });
        let inner = Inner {
            client,
            place,
            gate: Semaphore::new(IN_FLIGHT),
            reached: AtomicBool::new(false),
            discovery: discovery::Cache::default(),
        };
        Self { inner: Arc::new(inner), tell: None }
    }

    /// The same cluster, which tells there about every request that it sends again, as what
    /// is waited for: `the server, which answered 503 (again in 2s)`.
    #[must_use]
    pub fn telling(&self, tell: UnboundedSender<String>) -> Self {
        Self { inner: self.inner.clone(), tell: Some(tell) }
    }

    /// Which cluster this is, for people.
    pub fn place(&self) -> &Place {
        &self.inner.place
    }

    fn error(&self, call: &Call, failure: Failure, attempts: u32) -> ClusterError {
        ClusterError {
            place: self.inner.place.clone(),
            call: Box::new(call.clone()),
            failure,
            attempts,
        }
    }

    /// An answer that is no sense.
    fn malformed(&self, call: &Call, why: impl Into<String>) -> ClusterError {
        self.error(call, Failure::Malformed(why.into()), 1)
    }

    /// Sends a request, again where that does no harm, and returns the body of the answer
    /// when it is a success.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Bytes, ClusterError> {
        let began = Instant::now();
        let mut delays = retry::delays();
        let mut attempts = 1;
        loop {
            let failure = match self.attempt(ask).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            let reached = self.inner.reached.load(Ordering::Relaxed);
            let writes = ask.method != Method::GET;
            let delay = match retry::again(&failure, ask.repeat, writes, reached) {
                Again::No => None,
                Again::Soon => delays.next(),
                Again::After(delay) => Some(delay),
            };
            match delay {
                Some(delay) if began.elapsed() + delay <= PATIENCE => {
                    self.tell(&ask.call, &failure, delay);
                    tokio::time::sleep(delay).await;
                    attempts += 1;
                }
                _ => return Err(self.error(&ask.call, failure, attempts)),
            }
        }
    }

    fn tell(&self, call: &Call, failure: &Failure, delay: Duration) {
        let what = failure.brief();
        tracing::info!("{call}: {what}; again in {delay:.1?}");
        if let Some(tell) = &self.tell {
            // Whoever wanted to hear it may have gone.
            let _ = tell.send(format!("the server, which {what} (again in {delay:.0?})"));
        }
    }

    /// One try, within its deadline.
    async fn attempt(&self, ask: &Ask) -> Result<Bytes, Failure> {
        // The gate is never closed.
        let _permit = self.inner.gate.acquire().await;
        let work = async {
            let response = self.send(ask).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_BODY).collect().await;
            let body = body.map_err(|e| Failure::Unreachable(transport::classify(&*e)))?.to_bytes();
            if parts.status.is_success() {
                return Ok(body);
            }
            Err(refused(parts.status.as_u16(), &parts.headers, &body))
        };
        match tokio::time::timeout(ANSWER_DEADLINE, work).await {
            Ok(done) => done,
            Err(_) => Err(Failure::Unreachable(Unreachable::TimedOut(ANSWER_DEADLINE))),
        }
    }

    async fn send(&self, ask: &Ask) -> Result<Response<Body>, Failure> {
        let request = ask.request().map_err(|e| Failure::Malformed(format!("has no path: {e}")))?;
        let response = self.inner.client.send(request).await;
        let response =
            response.map_err(|error| Failure::Unreachable(transport::classify(&error)))?;
        self.inner.reached.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// Sends a request and reads the answer as a JSON object.
    pub(crate) async fn ask_json(&self, ask: &Ask) -> Result<Json, ClusterError> {
        let body = self.ask(ask).await?;
        parse(&body).map_err(|why| self.malformed(&ask.call, why))
    }
}

fn refused(status: u16, headers: &http::HeaderMap, body: &[u8]) -> Failure {
    let retry_after = headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
    let retry_after = retry_after.and_then(|v| v.trim().parse().ok()).map(Duration::from_secs);
    if (300..400).contains(&status) {
        let to = headers.get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or("elsewhere");
        return Failure::Malformed(format!(
            "sends the client to {}; an API server does not do that",
            crate::text::clean(to)
        ));
    }
    Failure::Refused(Box::new(Refusal::read(status, retry_after, body)))
}

/// The body as a JSON object, or what it is instead.
fn parse(body: &[u8]) -> Result<Json, String> {
    match serde_json::from_slice(body) {
        Ok(json @ Json::Object(_)) => Ok(json),
        Ok(_) => Err("is JSON, but no object".to_owned()),
        Err(e) => Err(not_json(body, &e)),
    }
}

fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("breaks off after {} bytes", body.len()),
        Category::Syntax | Category::Io => format!("is not JSON (at line {line}, column {column})"),
        Category::Data => format!("is JSON, but not as expected (at line {line}, column {column})"),
    }
}
