//! From a request to its handler, and from the handler's answer to a response.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;

use crate::catalog;
use crate::documents;
use crate::errors::ApiError;
use crate::handlers::delete::{self, DeleteOptions};
use crate::handlers::table::Shape;
use crate::handlers::write::{self, PatchKind};
use crate::handlers::{Ask, Target, Written, eviction, read, reviews, scale};
use crate::info;
use crate::request::{self, ObjectPath, Path, Query, WriteOptions};
use crate::server::{Outcome, Server};
use crate::service::ResponseBody;
use crate::store::Txn;
use crate::stored::Stored;
use crate::watch;

/// Media types in which bodies are read.
const BODIES: [&str; 2] = ["application/json", "application/yaml"];
const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// An answer before it is bytes.
enum Reply {
    Json(StatusCode, Value, Vec<String>),
    /// The text of a list.
    List(String),
    Text(&'static str),
    Aggregated(Value),
}

/// Answers one request, packed where that is wanted and worth it.
pub(crate) fn answer(server: &Arc<Server>, parts: &Parts, body: &Bytes) -> Response<ResponseBody> {
    let accept = parts.headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let packs = accept.is_some_and(|accept| accept.contains("gzip"));
    plain_answer(server, parts, body, packs)
}

fn plain_answer(
    server: &Arc<Server>,
    parts: &Parts,
    body: &Bytes,
    packs: bool,
) -> Response<ResponseBody> {
    let path = Path::parse(parts.uri.path());
    let query = Query::parse(parts.uri.query());
    if let Path::Object(object) = &path
        && parts.method == Method::GET
        && query.flag("watch")
    {
        return match open_watch(server, parts, object, &query) {
            Ok(response) => response,
            Err(error) => refusal(&error),
        };
    }
    match reply(server, parts, &path, &query, body) {
        Ok(Reply::Json(status, value, warnings)) => {
            json(status, "application/json", value.to_string(), &warnings, packs)
        }
        Ok(Reply::List(text)) => json(StatusCode::OK, "application/json", text, &[], packs),
        Ok(Reply::Aggregated(value)) => {
            json(StatusCode::OK, AGGREGATED, value.to_string(), &[], packs)
        }
        Ok(Reply::Text(text)) => plain(StatusCode::OK, text),
        Err(error) => refusal(&error),
    }
}

fn reply(
    server: &Server,
    parts: &Parts,
    path: &Path,
    query: &Query,
    body: &Bytes,
) -> Result<Reply, ApiError> {
    let ok = |value: Value| Ok(Reply::Json(StatusCode::OK, value, Vec::new()));
    if let Path::Object(object) = path {
        return object_reply(server, parts, object, query, body);
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(ApiError::method_not_allowed());
    }
    let document = |work: &dyn Fn(&Txn<'_>) -> Option<Value>| {
        server.with_store(|store| work(&store.begin())).ok_or_else(ApiError::unknown_path)
    };
    let wants_aggregated = accepts(parts, "as=APIGroupDiscoveryList");
    match path {
        Path::Version => ok(info::version()),
        Path::Healthy => Ok(Reply::Text("ok")),
        Path::Core if wants_aggregated => {
            Ok(Reply::Aggregated(document(&|txn| Some(documents::aggregated(txn, true)))?))
        }
        Path::Groups if wants_aggregated => {
            Ok(Reply::Aggregated(document(&|txn| Some(documents::aggregated(txn, false)))?))
        }
        Path::Core => ok(documents::core_versions()),
        Path::Groups => ok(document(&|txn| Some(documents::group_list(txn)))?),
        Path::Group(group) => ok(document(&|txn| documents::group(txn, group))?),
        Path::Resources(group, version) => {
            let list = document(&|txn| documents::resource_list(txn, group, version));
            ok(list.map_err(|_| nothing_there(group))?)
        }
        Path::OpenApi(rest) if rest.is_empty() => {
            ok(document(&|txn| Some(documents::openapi_index(txn)))?)
        }
        Path::OpenApi(rest) => ok(document(&|txn| documents::openapi(txn, rest))?),
        Path::Object(_) | Path::Unknown => Err(ApiError::unknown_path()),
    }
}

/// Whether the client's `Accept` asks for this.
fn accepts(parts: &Parts, what: &str) -> bool {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(what))
}

/// What a path below a group and version is about, if anything is served there.
fn target(txn: &Txn<'_>, path: &ObjectPath) -> Result<Target, ApiError> {
    let served = catalog::find(txn, &path.group, &path.version, &path.plural);
    let served = served.ok_or_else(|| nothing_there(&path.group))?;
    let subresource = path.subresource.clone().unwrap_or_default();
    let placed = path.namespace.is_some() == served.resource.namespaced;
    // A namespaced resource without a namespace is all of them; objects need theirs.
    let all = path.namespace.is_none() && path.name.is_none();
    if (!placed && !all)
        || (!subresource.is_empty() && !served.resource.has_subresource(&subresource))
    {
        return Err(nothing_there(&path.group));
    }
    Ok(Target {
        served,
        namespace: path.namespace.clone().unwrap_or_default(),
        name: path.name.clone().unwrap_or_default(),
        subresource,
    })
}

/// Groups that are built in say so in an object, others in plain text.
fn nothing_there(group: &str) -> ApiError {
    let built_in = catalog::built_in().iter().any(|served| served.resource.group == group);
    if built_in { ApiError::no_such_resource() } else { ApiError::unknown_path() }
}

fn open_watch(
    server: &Arc<Server>,
    parts: &Parts,
    path: &ObjectPath,
    query: &Query,
) -> Result<Response<ResponseBody>, ApiError> {
    let target = server.with_store(|store| target(&store.begin(), path))?;
    let lines = watch::open(server, target, query, shape(parts))?;
    let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
    set_type(&mut response, "application/json");
    Ok(response)
}

fn object_reply(
    server: &Server,
    parts: &Parts,
    path: &ObjectPath,
    query: &Query,
    body: &Bytes,
) -> Result<Reply, ApiError> {
    let is_collection = path.name.is_none();
    match (&parts.method, is_collection, path.subresource.as_deref()) {
        (&Method::GET | &Method::HEAD, false, subresource) => {
            read_reply(server, parts, path, subresource)
        }
        (&Method::GET | &Method::HEAD, true, _) => list_reply(server, parts, path, query),
        (&Method::POST, true, _) => write_reply(server, parts, path, query, |txn, ask| {
            let sent = read_body(parts, body)?;
            if reviews::is_review(&ask.target.served.resource.plural) {
                let object = Arc::new(reviews::answer(&ask.target.served.resource.plural, &sent));
                return Ok(Written { object, created: true, warnings: Vec::new() });
            }
            write::create(txn, ask, &sent)
        }),
        (&Method::POST, false, Some("eviction")) => {
            write_reply(server, parts, path, query, |txn, ask| {
                let sent = read_body(parts, body)?;
                let object = Arc::new(eviction::evict(txn, ask.env, ask.target, &sent)?);
                Ok(Written { object, created: true, warnings: Vec::new() })
            })
        }
        (&Method::PUT, false, Some("scale")) => {
            write_reply(server, parts, path, query, |txn, ask| {
                scale::change(txn, ask, None, &read_body(parts, body)?)
            })
        }
        (&Method::PATCH, false, Some("scale")) => {
            write_reply(server, parts, path, query, |txn, ask| {
                let (kind, change) = read_patch(parts, body)?;
                scale::change(txn, ask, Some(kind), &change)
            })
        }
        (&Method::PUT, false, subresource) if subresource != Some("eviction") => {
            write_reply(server, parts, path, query, |txn, ask| {
                write::replace(txn, ask, &read_body(parts, body)?)
            })
        }
        (&Method::PATCH, false, subresource)
            if !matches!(subresource, Some("eviction" | "finalize")) =>
        {
            write_reply(server, parts, path, query, |txn, ask| {
                let (kind, change) = read_patch(parts, body)?;
                write::patch(txn, ask, kind, &change)
            })
        }
        (&Method::DELETE, _, None) => delete_reply(server, parts, path, query, body),
        _ => {
            // Whether there is anything at all is said before what may be done with it.
            server.with_store(|store| target(&store.begin(), path))?;
            Err(ApiError::method_not_allowed())
        }
    }
}

fn shape(parts: &Parts) -> Shape {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    Shape::wanted(accept.unwrap_or_default())
}

fn read_reply(
    server: &Server,
    parts: &Parts,
    path: &ObjectPath,
    subresource: Option<&str>,
) -> Result<Reply, ApiError> {
    server.transact(|txn, env, _| {
        let target = target(txn, path)?;
        if matches!(subresource, Some("eviction" | "finalize")) || is_question(&target) {
            return Err(ApiError::method_not_allowed());
        }
        let object = read::get(txn, &target)?;
        let shown = match subresource {
            Some("scale") => scale::of(&object),
            _ => shape(parts).one(&target.served, &object, env.now),
        };
        Ok(Outcome::Drop(Reply::Json(StatusCode::OK, shown, Vec::new())))
    })
}

fn list_reply(
    server: &Server,
    parts: &Parts,
    path: &ObjectPath,
    query: &Query,
) -> Result<Reply, ApiError> {
    server.transact(|txn, env, store| {
        let target = target(txn, path)?;
        if is_question(&target) {
            return Err(ApiError::method_not_allowed());
        }
        let page = read::list(store, &target, query)?;
        let list = shape(parts).many(&target.served, &page, env.now);
        Ok(Outcome::Drop(Reply::List(list)))
    })
}

fn is_question(target: &Target) -> bool {
    reviews::is_review(&target.served.resource.plural)
}

fn write_reply(
    server: &Server,
    parts: &Parts,
    path: &ObjectPath,
    query: &Query,
    work: impl FnOnce(&mut Txn<'_>, &Ask<'_>) -> Result<Written, ApiError>,
) -> Result<Reply, ApiError> {
    let kind = match parts.method {
        Method::POST => "CreateOptions",
        Method::PUT => "UpdateOptions",
        _ => "PatchOptions",
    };
    let options = WriteOptions::parse(query, &parts.headers, kind)?;
    server.transact(|txn, env, _| {
        let target = target(txn, path)?;
        let everywhere = target.served.resource.namespaced && target.namespace.is_empty();
        if everywhere || (is_question(&target) && !target.name.is_empty()) {
            return Err(ApiError::method_not_allowed());
        }
        let written = work(txn, &Ask { env, target: &target, options: &options })?;
        let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
        let mut shown = (*written.object).clone();
        if options.dry_run && written.created {
            // What was not stored has no version.
            crate::meta::unset(&mut shown, "resourceVersion");
        }
        let reply = Reply::Json(status, shown, written.warnings);
        Ok(if options.dry_run { Outcome::Drop(reply) } else { Outcome::Keep(reply) })
    })
}

fn delete_reply(
    server: &Server,
    parts: &Parts,
    path: &ObjectPath,
    query: &Query,
    body: &Bytes,
) -> Result<Reply, ApiError> {
    let options = if body.is_empty() { None } else { Some(read_body(parts, body)?) };
    let options = DeleteOptions::parse(query, options.as_ref())?;
    server.transact(|txn, env, _| {
        let target = target(txn, path)?;
        let reply = if target.name.is_empty() {
            let verbs = &target.served.resource.verbs;
            if !verbs.iter().any(|verb| verb == "deletecollection") {
                return Err(ApiError::method_not_allowed());
            }
            let items = delete::delete_collection(txn, env, &target, query, &options)?;
            let version = txn.version().to_string();
            let items = items.iter().map(|object| Arc::new(Stored::of(object))).collect();
            let page =
                read::Page { items, metadata: serde_json::json!({"resourceVersion": version}) };
            Reply::List(read::list_text(&target.served, &page))
        } else {
            let object = delete::delete(txn, env, &target, &options)?;
            Reply::Json(StatusCode::OK, (*object).clone(), Vec::new())
        };
        Ok(if options.dry_run { Outcome::Drop(reply) } else { Outcome::Keep(reply) })
    })
}

fn read_body(parts: &Parts, body: &Bytes) -> Result<Value, ApiError> {
    let media = request::content_type(parts);
    match media.as_str() {
        "" | "application/json" => from_json(body),
        "application/yaml" | "text/yaml" => from_yaml(body),
        _ => Err(ApiError::unsupported_media_type(&BODIES)),
    }
}

fn read_patch(parts: &Parts, body: &Bytes) -> Result<(PatchKind, Value), ApiError> {
    let kind = match request::content_type(parts).as_str() {
        "application/json-patch+json" => PatchKind::Json,
        "application/merge-patch+json" => PatchKind::Merge,
        "application/strategic-merge-patch+json" => PatchKind::Strategic,
        "application/apply-patch+yaml" => PatchKind::Apply,
        _ => return Err(ApiError::unsupported_media_type(&PATCHES)),
    };
    let patch = if kind == PatchKind::Apply { from_yaml(body)? } else { from_json(body)? };
    Ok((kind, patch))
}

fn from_json(body: &Bytes) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON): {error}"
        ))
    })
}

fn from_yaml(body: &Bytes) -> Result<Value, ApiError> {
    // JSON is YAML, and most clients send it.
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let wrong = |why: String| ApiError::bad_request(format!("error decoding YAML: {why}"));
    let text = std::str::from_utf8(body).map_err(|error| wrong(error.to_string()))?;
    serde_saphyr::from_str(text).map_err(|error| wrong(error.to_string()))
}

fn refusal(error: &ApiError) -> Response<ResponseBody> {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if error.plain {
        return plain(status, "404 page not found\n");
    }
    json(status, "application/json", error.status().to_string(), &[], false)
}

/// Answers shorter than this are not worth packing.
const WORTH_PACKING: usize = 128 * 1024;

fn json(
    status: StatusCode,
    media: &'static str,
    mut text: String,
    warnings: &[String],
    packs: bool,
) -> Response<ResponseBody> {
    text.push('\n');
    let packed = if packs && text.len() > WORTH_PACKING { pack(&text) } else { None };
    let is_packed = packed.is_some();
    let body = packed.unwrap_or_else(|| text.into_bytes());
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
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

fn plain(status: StatusCode, text: &'static str) -> Response<ResponseBody> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync());
    *response.status_mut() = status;
    set_type(&mut response, "text/plain; charset=utf-8");
    response
}

fn set_type(response: &mut Response<ResponseBody>, media: &'static str) {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
}
