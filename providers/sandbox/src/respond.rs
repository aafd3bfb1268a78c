//! From an answer to the bytes of a response.

use std::io::Write;

use http::{HeaderValue, Response, StatusCode, header};

use serde_json::Value;

use crate::errors::ApiError;
use crate::service::{ResponseBody, whole};

/// How a client wants the text of its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) packs: bool,
    pub(crate) pretty: bool,
}

impl Style {
    pub(crate) fn text(self, value: &Value) -> String {
        let pretty = self.pretty.then(|| serde_json::to_string_pretty(value));
        // What is a value can be written.
        pretty.and_then(Result::ok).unwrap_or_else(|| value.to_string())
    }

    /// A text that is JSON already.
    pub(crate) fn again(self, text: String) -> String {
        if !self.pretty {
            return text;
        }
        serde_json::from_str(&text).map_or(text, |value| self.text(&value))
    }
}

/// A refusal as the answer.
pub(crate) fn refusal(error: &ApiError, style: Style) -> Response<ResponseBody> {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if error.plain {
        return plain(status, "404 page not found\n");
    }
    let told = error.status();
    let style = Style { packs: false, ..style };
    let mut response = json(status, "application/json", style.text(&told), &[], style);
    if let Some(seconds) = told["details"]["retryAfterSeconds"].as_u64() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Answers shorter than this are not worth packing.
const WORTH_PACKING: usize = 128 * 1024;

/// An answer in JSON, packed where that is worth it.
pub(crate) fn json(
    status: StatusCode,
    media: &'static str,
    mut text: String,
    warnings: &[String],
    style: Style,
) -> Response<ResponseBody> {
    text.push('\n');
    let packed = if style.packs && text.len() > WORTH_PACKING { pack(&text) } else { None };
    let is_packed = packed.is_some();
    let body = packed.unwrap_or_else(|| text.into_bytes());
    let mut response = Response::new(whole(body));
    if is_packed {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    *response.status_mut() = status;
    set_type(&mut response, media);
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(header) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, header);
        }
    }
    response
}

fn pack(text: &str) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok()
}

/// An answer for people.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<ResponseBody> {
    let mut response = Response::new(whole(text.as_bytes()));
    *response.status_mut() = status;
    set_type(&mut response, "text/plain; charset=utf-8");
    response
}

/// Says what the body is.
pub(crate) fn set_type(response: &mut Response<ResponseBody>, media: &'static str) {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
}
