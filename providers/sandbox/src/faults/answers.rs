//! Answers that no handler gives.

use std::time::Duration;

use futures::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};

use super::asked::qualified;
use super::{Asked, Webhook};
use crate::errors::ApiError;
use crate::service::{ResponseBody, ServiceError, whole};

pub(super) fn status(code: u16, reason: &str, message: &str) -> Response<ResponseBody> {
    with_details(code, reason, message, None)
}

fn with_details(
    code: u16,
    reason: &str,
    message: &str,
    details: Option<Value>,
) -> Response<ResponseBody> {
    let mut status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    });
    if let Some(details) = details {
        status["details"] = details;
    }
    instead(code, "application/json", format!("{status}\n"))
}

/// The server's own words when it sheds load; they are no `Status`.
pub(super) fn too_many(retry_after: Option<u32>) -> Response<ResponseBody> {
    let text = "Too many requests, please try again later.\n";
    let mut response = instead(429, "text/plain; charset=utf-8", text.to_owned());
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) fn forbidden(asked: &Asked, user: &str) -> Response<ResponseBody> {
    let Some(object) = asked.object() else { return status(403, "Forbidden", "forbidden") };
    let (shown, details) = about(asked);
    let sub = object.subresource.as_ref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let place = match &object.namespace {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{shown} is forbidden: User {user:?} cannot {} resource \"{}{sub}\" in API group {:?} {place}",
        asked.verb(),
        object.plural,
        object.group,
    );
    with_details(403, "Forbidden", &message, Some(details))
}

pub(super) fn conflict(asked: &Asked) -> Response<ResponseBody> {
    let (shown, details) = about(asked);
    let message = format!(
        "Operation cannot be fulfilled on {shown}: the object has been modified; please apply your changes to the latest version and try again"
    );
    with_details(409, "Conflict", &message, Some(details))
}

/// What a request is about: in words, and as the details of a status.
fn about(asked: &Asked) -> (String, Value) {
    let Some(object) = asked.object() else { return (String::new(), json!({})) };
    let (mut shown, mut details) = (qualified(object), json!({"kind": object.plural}));
    if let Some(name) = &object.name {
        shown = format!("{shown} {name:?}");
        details["name"] = json!(name);
    }
    if !object.group.is_empty() {
        details["group"] = json!(object.group);
    }
    (shown, details)
}

pub(super) fn instead(code: u16, content_type: &str, body: String) -> Response<ResponseBody> {
    let mut response = Response::new(whole(body.into_bytes()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(media) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    response
}

/// What a webhook that does not let a request pass makes of it.
pub(crate) fn refusal_of_webhook(webhook: &Webhook) -> Option<ApiError> {
    let failed = |name: &str, why: String| {
        let message = format!(
            "Internal error occurred: failed calling webhook {name:?}: failed to call webhook: {why}"
        );
        let mut error = ApiError::internal(message.clone());
        error.reason = "InternalError";
        let cause = message.trim_start_matches("Internal error occurred: ");
        error.details = Some(json!({"causes": [{"message": cause}]}));
        error
    };
    match webhook {
        Webhook::Mutates(_) => None,
        Webhook::Refuses { name, code, message } => Some(ApiError::denied(
            *code,
            format!("admission webhook {name:?} denied the request: {message}"),
        )),
        Webhook::TimesOut { name, after } => {
            let address = format!("https://webhook.default.svc:443/?timeout={}s", after.as_secs());
            Some(failed(name, format!("Post {address:?}: context deadline exceeded")))
        }
        Webhook::IsDown { name } => {
            let why = "Post \"https://webhook.default.svc:443/?timeout=10s\": dial tcp 10.96.0.99:443: connect: connection refused";
            Some(failed(name, why.to_owned()))
        }
    }
}

/// The first half of an answer, and then the connection's end or nothing more.
pub(crate) async fn cut_short(
    response: Response<ResponseBody>,
    breaks: bool,
) -> Result<Response<ResponseBody>, ServiceError> {
    let (mut head, body) = response.into_parts();
    let text = body.collect().await?.to_bytes();
    // Not in the middle of a packed stream: what is cut is the text.
    let half = text.slice(..text.len() / 2);
    if !breaks {
        head.headers.remove(header::CONTENT_LENGTH);
        return Ok(Response::from_parts(head, whole(half)));
    }
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    let frames = stream::iter([Ok(Frame::data(half))]).chain(stream::once(hang_up()).map(Err));
    Ok(Response::from_parts(head, StreamBody::new(frames).boxed_unsync()))
}

/// The end of a connection, once what was said before has left.
pub(crate) async fn hang_up() -> ServiceError {
    tokio::time::sleep(Duration::from_millis(20)).await;
    ServiceError::Dropped
}
