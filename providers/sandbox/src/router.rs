//! From a request to its handler, and from the handler's answer to a response.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use serde_json::Value;

use crate::admission;
use crate::body;
use crate::catalog;
use crate::documents;
use crate::errors::ApiError;
use crate::faults::Twist;
use crate::handlers::delete::{self, DeleteOptions};
use crate::handlers::table::Shape;
use crate::handlers::write;
use crate::handlers::{Ask, Target, Written, binding, eviction, read, reviews, scale, token};
use crate::info;
use crate::request::{ObjectPath, Path, Query, WriteOptions};
use crate::respond::{Style, json, plain, refusal, set_type};
use crate::server::{Outcome, Server};
use crate::service::ResponseBody;
use crate::store::Txn;
use crate::stored::Stored;
use crate::watch;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// An answer before it is bytes.
enum Reply {
    Json(StatusCode, Value, Vec<String>),
    /// The text of a list.
    List(String),
    Text(&'static str),
    Aggregated(Value),
}

/// One request, and what is wrong with it on purpose.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a Arc<Server>,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a Bytes,
    pub(crate) twist: &'a Twist,
}

/// Answers one request, packed where that is wanted and worth it.
pub(crate) fn answer(call: &Call<'_>) -> Response<ResponseBody> {
    let path = Path::parse(call.parts.uri.path());
    let query = Query::parse(call.parts.uri.query());
    let style = Style {
        packs: call.header(header::ACCEPT_ENCODING).contains("gzip"),
        pretty: call.wants_pretty(&query),
    };
    if let Path::Object(object) = &path
        && call.parts.method == Method::GET
        && query.flag("watch")
    {
        return match open_watch(call, object, &query) {
            Ok(response) => response,
            Err(error) => refusal(&error, style),
        };
    }
    match reply(call, &path, &query) {
        Ok(Reply::Json(status, value, warnings)) => {
            json(status, "application/json", style.text(&value), &warnings, style)
        }
        Ok(Reply::List(text)) => {
            json(StatusCode::OK, "application/json", style.again(text), &[], style)
        }
        Ok(Reply::Aggregated(value)) => {
            json(StatusCode::OK, AGGREGATED, style.text(&value), &[], style)
        }
        Ok(Reply::Text(text)) => plain(StatusCode::OK, text),
        Err(error) => refusal(&error, style),
    }
}

impl Call<'_> {
    /// A header's text; empty when it is not there.
    fn header(&self, name: header::HeaderName) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether people are meant to read the answer: they say so, or use a program for people.
    fn wants_pretty(&self, query: &Query) -> bool {
        let agent = self.header(header::USER_AGENT);
        let for_people = ["curl", "Wget", "Mozilla/5.0"];
        match query.get("pretty") {
            "" => for_people.iter().any(|name| agent.starts_with(name)),
            _ => query.flag("pretty"),
        }
    }

    /// Whether the client reads JSON, which is all that there is.
    fn reads_json(&self) -> bool {
        let accept = self.header(header::ACCEPT);
        let media = |range: &str| range.split(';').next().unwrap_or_default().trim().to_owned();
        accept.is_empty()
            || accept.split(',').any(|range| {
                matches!(media(range).as_str(), "application/json" | "application/*" | "*/*")
            })
    }

    /// How the client wants to see objects.
    fn shape(&self) -> Shape {
        Shape::wanted(self.header(header::ACCEPT))
    }

    fn sent(&self) -> Result<Value, ApiError> {
        body::object(self.parts, self.body)
    }
}

fn reply(call: &Call<'_>, path: &Path, query: &Query) -> Result<Reply, ApiError> {
    let ok = |value: Value| Ok(Reply::Json(StatusCode::OK, value, Vec::new()));
    if let Path::Object(object) = path {
        if !call.reads_json() {
            return Err(ApiError::not_acceptable());
        }
        return object_reply(call, object, query);
    }
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        return Err(ApiError::method_not_allowed());
    }
    let document = |work: &dyn Fn(&Txn<'_>) -> Option<Value>| {
        call.server.with_store(|store| work(&store.begin())).ok_or_else(ApiError::unknown_path)
    };
    let wants_aggregated = call.header(header::ACCEPT).contains("as=APIGroupDiscoveryList");
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
    call: &Call<'_>,
    path: &ObjectPath,
    query: &Query,
) -> Result<Response<ResponseBody>, ApiError> {
    let target = call.server.with_store(|store| target(&store.begin(), path))?;
    let lines = watch::open(call.server, target, query, call.shape(), call.twist.watch.clone())?;
    let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
    set_type(&mut response, "application/json");
    Ok(response)
}

fn object_reply(call: &Call<'_>, path: &ObjectPath, query: &Query) -> Result<Reply, ApiError> {
    let is_collection = path.name.is_none();
    match (&call.parts.method, is_collection, path.subresource.as_deref()) {
        (&Method::GET | &Method::HEAD, false, subresource) => read_reply(call, path, subresource),
        (&Method::GET | &Method::HEAD, true, _) => list_reply(call, path, query),
        (&Method::POST, true, _) => write_reply(call, path, query, |txn, ask| {
            let sent = call.sent()?;
            if reviews::is_review(&ask.target.served.resource.plural) {
                let object = Arc::new(reviews::answer(&ask.target.served.resource.plural, &sent));
                return Ok(Written { object, created: true, warnings: Vec::new() });
            }
            write::create(txn, ask, &sent)
        }),
        (&Method::POST, false, Some("eviction")) => {
            let sent = call.sent()?;
            write_reply(call, path, &eviction::query(query, &sent)?, |txn, ask| {
                let object = Arc::new(eviction::evict(txn, ask.env, ask.target, &sent)?);
                Ok(Written { object, created: true, warnings: Vec::new() })
            })
        }
        (&Method::POST, false, Some(action @ ("binding" | "token"))) => {
            write_reply(call, path, query, |txn, ask| {
                let sent = call.sent()?;
                let object = match action {
                    "binding" => binding::bind(txn, ask, &sent)?,
                    _ => token::request(txn, ask, &sent)?,
                };
                Ok(Written { object: Arc::new(object), created: true, warnings: Vec::new() })
            })
        }
        (&Method::PUT, false, Some("scale")) => {
            write_reply(call, path, query, |txn, ask| scale::change(txn, ask, None, &call.sent()?))
        }
        (&Method::PATCH, false, Some("scale")) => write_reply(call, path, query, |txn, ask| {
            let (kind, change) = body::patch(call.parts, call.body)?;
            scale::change(txn, ask, Some(kind), &change)
        }),
        (&Method::PUT, false, subresource) if !is_action(subresource) => {
            write_reply(call, path, query, |txn, ask| write::replace(txn, ask, &call.sent()?))
        }
        (&Method::PATCH, false, subresource)
            if !is_action(subresource) && subresource != Some("finalize") =>
        {
            write_reply(call, path, query, |txn, ask| {
                let (kind, change) = body::patch(call.parts, call.body)?;
                write::patch(txn, ask, kind, &change)
            })
        }
        (&Method::DELETE, _, None) => delete_reply(call, path, query),
        _ => {
            // Whether there is anything at all is said before what may be done with it.
            call.server.with_store(|store| target(&store.begin(), path))?;
            Err(ApiError::method_not_allowed())
        }
    }
}

fn read_reply(
    call: &Call<'_>,
    path: &ObjectPath,
    subresource: Option<&str>,
) -> Result<Reply, ApiError> {
    call.server.transact(|txn, env, store| {
        let target = target(txn, path)?;
        if is_action(subresource) || subresource == Some("finalize") || is_question(&target) {
            return Err(ApiError::method_not_allowed());
        }
        let object = read::get(store, &target, call.twist.stale)?;
        let shown = match subresource {
            Some("scale") => scale::of(&target.served, &object),
            _ => call.shape().one(&target.served, &object, env.now),
        };
        Ok(Outcome::Drop(Reply::Json(StatusCode::OK, shown, Vec::new())))
    })
}

fn list_reply(call: &Call<'_>, path: &ObjectPath, query: &Query) -> Result<Reply, ApiError> {
    call.server.transact(|txn, env, store| {
        let target = target(txn, path)?;
        if is_question(&target) {
            return Err(ApiError::method_not_allowed());
        }
        let page = read::list(store, &target, query, call.twist.stale)?;
        let list = call.shape().many(&target.served, &page, env.now);
        Ok(Outcome::Drop(Reply::List(list)))
    })
}

/// A subresource that is only posted to.
fn is_action(subresource: Option<&str>) -> bool {
    matches!(subresource, Some("eviction" | "binding" | "token"))
}

fn is_question(target: &Target) -> bool {
    reviews::is_review(&target.served.resource.plural)
}

fn write_reply(
    call: &Call<'_>,
    path: &ObjectPath,
    query: &Query,
    work: impl FnOnce(&mut Txn<'_>, &Ask<'_>) -> Result<Written, ApiError>,
) -> Result<Reply, ApiError> {
    let kind = match call.parts.method {
        Method::POST => "CreateOptions",
        Method::PUT => "UpdateOptions",
        _ => "PatchOptions",
    };
    let options = WriteOptions::parse(query, &call.parts.headers, kind)?;
    call.server.transact(|txn, env, _| {
        let target = target(txn, path)?;
        let everywhere = target.served.resource.namespaced && target.namespace.is_empty();
        if everywhere || (is_question(&target) && !target.name.is_empty()) {
            return Err(ApiError::method_not_allowed());
        }
        let written = work(
            txn,
            &Ask { env, target: &target, options: &options, webhooks: &call.twist.webhooks },
        )?;
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

fn delete_reply(call: &Call<'_>, path: &ObjectPath, query: &Query) -> Result<Reply, ApiError> {
    let options = if call.body.is_empty() { None } else { Some(call.sent()?) };
    let options = DeleteOptions::parse(query, options.as_ref())?;
    call.server.transact(|txn, env, _| {
        let target = target(txn, path)?;
        admission::refused_by_webhook(&call.twist.webhooks)?;
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
