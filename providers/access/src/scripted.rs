//! A server that says what a test wants: no socket, no clock, any misbehaviour.
//!
//! [`Server::new`] takes a function from request to [`Reply`]. [`Server::cluster`] is a
//! [`Cluster`] that talks to it; [`Server::seen`] is what was asked so far.

use crate::Cluster;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube::client::Body;
use serde_json::{Value as Json, json};
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// One request as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PATCH`, ...
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Without the question mark; empty when there is none.
    pub query: String,
    /// The media type of the body; empty when there is none.
    pub content_type: String,
    /// The body.
    pub body: String,
}

impl Seen {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or(Json::Null)
    }

    /// Whether the query has this part: `limit=1000`.
    pub fn asks(&self, part: &str) -> bool {
        self.query.split('&').any(|p| p == part)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.query.is_empty() { "" } else { "?" };
        write!(f, "{} {}{mark}{}", self.method, self.path, self.query)
    }
}

/// What the server does.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    chunks: Vec<String>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As it should be.
    Proper,
    /// The connection breaks after the last chunk.
    Broken,
    /// Nothing follows, and nothing says so.
    Silent,
    /// The connection breaks before any answer.
    NoAnswer,
    /// No answer ever.
    NeverAnswer,
}

impl Reply {
    /// This status with this text as it is.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), chunks: vec![body.into()], end: End::Proper }
    }

    /// Success with this JSON.
    pub fn json(body: Json) -> Self {
        Self::text(200, body.to_string())
    }

    /// A refusal in the form of the API.
    pub fn refusal(code: u16, reason: &str, message: &str) -> Self {
        Self::status(json!({"code": code, "reason": reason, "message": message}))
    }

    /// A refusal with all details; `code` tells the HTTP status.
    pub fn status(mut status: Json) -> Self {
        let code = status["code"].as_u64().and_then(|c| u16::try_from(c).ok()).unwrap_or(500);
        for (key, value) in [("kind", "Status"), ("apiVersion", "v1"), ("status", "Failure")] {
            status[key] = value.into();
        }
        Self::text(code, status.to_string())
    }

    /// A refusal because the object does not exist.
    pub fn not_found(name: &str) -> Self {
        Self::status(json!({
            "code": 404, "reason": "NotFound",
            "message": format!("{name:?} not found"), "details": {"name": name},
        }))
    }

    /// What a server says to a path that it does not have.
    pub fn no_such_path() -> Self {
        Self::text(404, "404 page not found\n")
    }

    /// A stream of events, one a line.
    pub fn events(events: impl IntoIterator<Item = Json>) -> Self {
        let chunks = events.into_iter().map(|e| format!("{e}\n")).collect();
        Self { chunks, ..Self::text(200, "") }
    }

    /// The connection breaks before an answer.
    pub fn reset() -> Self {
        Self { end: End::NoAnswer, ..Self::text(200, "") }
    }

    /// There is never an answer.
    pub fn hang() -> Self {
        Self { end: End::NeverAnswer, ..Self::text(200, "") }
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The connection breaks after what was sent.
    #[must_use]
    pub fn then_break(self) -> Self {
        Self { end: End::Broken, ..self }
    }

    /// Nothing more comes after what was sent, and the connection stays.
    #[must_use]
    pub fn then_silence(self) -> Self {
        Self { end: End::Silent, ..self }
    }

    async fn respond(self) -> io::Result<Response<ReplyBody>> {
        match self.end {
            End::NoAnswer => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            End::NeverAnswer => pending::<()>().await,
            End::Proper | End::Broken | End::Silent => {}
        }
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        let end = self.end;
        let chunks = self.chunks.into_iter().map(|c| Ok(Frame::data(Bytes::from(c))));
        let tail = futures::stream::once(async move {
            if end == End::Silent {
                pending::<()>().await;
            }
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        });
        let ends = usize::from(end != End::Proper);
        let body = futures::stream::iter(chunks).chain(tail.take(ends));
        response.body(StreamBody::new(body.boxed())).map_err(io::Error::other)
    }
}

type ReplyBody = StreamBody<futures::stream::BoxStream<'static, Result<Frame<Bytes>, io::Error>>>;

type Script = dyn FnMut(&Seen) -> Reply + Send;

/// A server that answers from a script. Clones share it.
#[derive(Clone)]
pub struct Server {
    script: Arc<Mutex<Box<Script>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A server that answers so.
    pub fn new(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self { script: Arc::new(Mutex::new(Box::new(script))), seen: Arc::default() }
    }

    /// A cluster whose API is this server. To be called inside a runtime.
    pub fn cluster(&self) -> Cluster {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.answer(request).await }
        });
        let client = kube::Client::new(service, "default");
        Cluster::from_client(client, "scripted", "https://scripted.test:6443")
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every request so far, one a line, without those for discovery.
    pub fn log(&self) -> String {
        let seen = self.seen();
        let asked = seen.iter().filter(|s| s.path != "/api" && s.path != "/apis");
        asked.map(Seen::to_string).collect::<Vec<_>>().join("\n")
    }

    async fn answer(&self, request: Request<Body>) -> io::Result<Response<ReplyBody>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let content_type = parts.headers.get(http::header::CONTENT_TYPE);
        let seen = Seen {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            content_type: content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let reply = {
            let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
            (*script)(&seen)
        };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        reply.respond().await
    }
}

/// The answers of a server that has these kinds, or `None` for other requests. Each kind is
/// written `v1/ConfigMap/configmaps` or `v1/Namespace/namespaces/cluster`.
pub fn discovery(seen: &Seen, kinds: &[&str]) -> Option<Reply> {
    let core = match seen.path.as_str() {
        "/api" => true,
        "/apis" => false,
        _ => return None,
    };
    let mut groups: Vec<(String, String, Vec<Json>)> = Vec::new();
    for kind in kinds {
        let (kind, cluster) = match kind.strip_suffix("/cluster") {
            Some(kind) => (kind, true),
            None => (*kind, false),
        };
        let parts: Vec<&str> = kind.split('/').collect();
        let (group, version, kind, plural) = match parts.as_slice() {
            [version, kind, plural] => ("", *version, *kind, *plural),
            [group, version, kind, plural] => (*group, *version, *kind, *plural),
            _ => continue,
        };
        if group.is_empty() != core {
            continue;
        }
        let resource = json!({
            "resource": plural,
            "responseKind": {"group": "", "version": "", "kind": kind},
            "scope": if cluster { "Cluster" } else { "Namespaced" },
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
            "subresources": [{"subresource": "status"}],
        });
        match groups.iter_mut().find(|(g, v, _)| g == group && v == version) {
            Some((_, _, resources)) => resources.push(resource),
            None => groups.push((group.to_owned(), version.to_owned(), vec![resource])),
        }
    }
    let items = groups.into_iter().map(|(group, version, resources)| {
        json!({
            "metadata": {"name": group},
            "versions": [
                {"version": version, "freshness": "Current", "resources": resources},
            ],
        })
    });
    Some(Reply::json(json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "items": items.collect::<Vec<_>>(),
    })))
}
