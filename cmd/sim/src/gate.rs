//! The way of one process to the API server.

use crate::planted::Planted;
use crate::process::Process;
use crate::story::Mishap;
use crate::touch::{Request, Touch};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use sandbox::{Fault, Matcher, ResponseBody, ServiceError};
use serde_json::{Value as Json, json};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The API server, as a client of this process reaches it.
#[derive(Clone)]
pub(crate) struct Gate(pub(crate) Arc<Process>);

type Answer = Result<Response<ResponseBody>, ServiceError>;

impl tower::Service<http::Request<Body>> for Gate {
    type Response = Response<ResponseBody>;
    type Error = ServiceError;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let process = self.0.clone();
        Box::pin(async move { answer(&process, request).await })
    }
}

async fn answer(process: &Process, request: http::Request<Body>) -> Answer {
    let world = &process.world;
    process.runs().await;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| ServiceError::Body(error.to_string()))?;
    let body = body.to_bytes();
    if let Some(node) = asked_kubelet(&parts.method, parts.uri.path()) {
        return Ok(of_kubelet(process, node));
    }
    let query = parts.uri.query().unwrap_or_default();
    let Some(mut asked) = Request::of(&parts.method, parts.uri.path(), query, &body) else {
        return world.forward(http::Request::from_parts(parts, Body::from(body.to_vec()))).await;
    };
    asked.pods_node = world.node_of_pod(&asked.name).filter(|_| asked.resource == "pods");
    let body = match world.planted {
        Some(Planted::NoFence) if process.is_late() => without_version(&body, &mut asked),
        _ => body.to_vec(),
    };
    let touch = Touch::Object(asked);
    let mishap = world.before(&touch).await;
    let fault = mishap.and_then(|mishap| fault(mishap, &touch));
    let is_done = |fault: &Fault| matches!(fault, Fault::DropAfter | Fault::Latency(_));
    let breaks_before = fault.as_ref().is_some_and(|fault| !is_done(fault));
    if let Some(fault) = fault {
        world.faults().once(Matcher::Any, fault);
    }
    let answer = world.forward(http::Request::from_parts(parts, Body::from(body))).await;
    world.faults().clear();
    let refused = answer.as_ref().is_ok_and(|answer| !answer.status().is_success());
    if refused || breaks_before {
        world.not_done(&touch).await;
    } else {
        process.wrote(&touch);
        world.after(&touch).await;
    }
    answer
}

/// How a mishap shows at the API server.
fn fault(mishap: Mishap, touch: &Touch) -> Option<Fault> {
    let is_update = matches!(touch, Touch::Object(r) if r.verb != "create");
    let status = |code, reason: &str| {
        let (reason, message) = (reason.to_owned(), "the server is at its end".to_owned());
        Fault::Status { code, reason, message }
    };
    Some(match mishap {
        Mishap::TooMany => Fault::TooManyRequests { retry_after: Some(2) },
        Mishap::Unavailable => status(503, "ServiceUnavailable"),
        Mishap::Failure => status(500, "InternalError"),
        Mishap::BreaksBefore => Fault::DropBefore,
        Mishap::BreaksAfter => Fault::DropAfter,
        Mishap::Conflict if is_update => Fault::Conflict,
        Mishap::Late => Fault::Latency(Duration::from_secs(20)),
        Mishap::Conflict => return None,
    })
}

/// The node whose kubelet is asked for its settings.
fn asked_kubelet<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix("/api/v1/nodes/").filter(|_| *method == Method::GET)?;
    rest.strip_suffix("/proxy/configz")
}

fn of_kubelet(process: &Process, node: &str) -> Response<ResponseBody> {
    let world = &process.world;
    let now = world.clock.now();
    let machine = world.machines.get(node).filter(|machine| !machine.is_away(now));
    let config = machine.and_then(|machine| machine.kubelet(|kubelet| kubelet.configz(now)));
    let (status, body) = match config {
        Some(config) => (StatusCode::OK, config),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503,
                "reason": "ServiceUnavailable", "message": "error trying to reach service",
            }),
        ),
    };
    let body = http_body_util::Full::new(body.to_string().into());
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The same without the version that it was made for.
fn without_version(body: &[u8], asked: &mut Request) -> Vec<u8> {
    let mut object: Json = serde_json::from_slice(body).unwrap_or_default();
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.remove("resourceVersion");
    }
    asked.body = object.clone();
    object.to_string().into_bytes()
}
