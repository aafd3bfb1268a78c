//! Watches: what happened since a version, line by line, until the client has enough.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream};
use http_body::Frame;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::errors::ApiError;
use crate::faults::{self, End, Next, Outbox, WatchFault};
use crate::handlers::Target;
use crate::handlers::read::Selection;
use crate::handlers::table::Shape;
use crate::request::Query;
use crate::server::Server;
use crate::service::ServiceError;
use crate::store::{Event, EventKind, Store};

/// How often a quiet watch says how far it is.
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
/// How long a watch lasts when the client does not say.
const DEFAULT_TIMEOUT: u64 = 1800;

/// An open watch.
struct Watching {
    server: Arc<Server>,
    target: Target,
    selection: Selection,
    shape: Shape,
    /// The version up to which everything was looked at.
    version: u64,
    bookmarks: bool,
    changes: watch::Receiver<u64>,
    outbox: Outbox,
    deadline: Instant,
    next_bookmark: Instant,
    ended: bool,
}

/// Opens a watch; its lines come as the body of the answer.
pub(crate) fn open(
    server: &Arc<Server>,
    target: Target,
    query: &Query,
    shape: Shape,
    fault: Option<WatchFault>,
) -> Result<impl Stream<Item = Result<Frame<Bytes>, ServiceError>> + Send + use<>, ApiError> {
    let selection = Selection::parse(&target.served, query)?;
    let initial_events = query.flag("sendInitialEvents");
    if initial_events && query.get("resourceVersionMatch") != "NotOlderThan" {
        return Err(ApiError::invalid(
            "meta.k8s.io",
            "ListOptions",
            "",
            &[apimachinery::FieldError::forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )],
        ));
    }
    let asked = query.number("resourceVersion")?.unwrap_or(0);
    let timeout = query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
    let seconds = timeout.unwrap_or(DEFAULT_TIMEOUT).min(24 * 3600);
    let bookmarks = query.flag("allowWatchBookmarks");
    let now = Instant::now();
    let mut watching = Watching {
        server: server.clone(),
        target,
        selection,
        shape,
        version: asked,
        bookmarks,
        changes: server.changes(),
        outbox: Outbox::new(fault),
        deadline: now + Duration::from_secs(seconds),
        next_bookmark: now + BOOKMARK_INTERVAL,
        ended: false,
    };
    watching.begin(asked, initial_events)?;
    Ok(stream::unfold(watching, |mut watching| async move {
        let line = watching.next().await?;
        Some((line.map(Frame::data), watching))
    }))
}

impl Watching {
    /// Queues what the client is owed at once.
    fn begin(&mut self, asked: u64, initial_events: bool) -> Result<(), ApiError> {
        let server = self.server.clone();
        server.with_store(|store| {
            if asked > store.version {
                return Err(ApiError::too_large_version(asked, store.version));
            }
            if asked == 0 || initial_events {
                let namespace =
                    (!self.target.namespace.is_empty()).then_some(self.target.namespace.as_str());
                for object in store.begin().list(&self.target.served.table, namespace) {
                    if self.selection.matches(&object) {
                        self.push("ADDED", &object);
                    }
                }
                self.version = store.version;
                if initial_events {
                    self.bookmark(true);
                }
            } else if asked < store.oldest_event() {
                self.expired(store.oldest_event());
            }
            Ok(())
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, ServiceError>> {
        loop {
            match self.outbox.next() {
                Next::Line(line) => return Some(Ok(line)),
                Next::End(End::Never) => std::future::pending().await,
                Next::End(End::Break) => {
                    self.end(End::Break);
                    return Some(Err(faults::hang_up().await));
                }
                Next::End(end) => {
                    self.end(end);
                    continue;
                }
                Next::Nothing => {}
            }
            if self.ended {
                return None;
            }
            // Marked as seen first: a change while collecting wakes the wait below.
            self.changes.borrow_and_update();
            self.collect();
            // What waits for company is no reason to look again.
            if self.outbox.is_ready() {
                continue;
            }
            tokio::select! {
                biased;
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = tokio::time::sleep_until(self.next_bookmark.min(self.deadline)) => {
                    self.ended = Instant::now() >= self.deadline;
                    self.next_bookmark = Instant::now() + BOOKMARK_INTERVAL;
                    if self.bookmarks {
                        self.bookmark(false);
                    }
                }
            }
        }
    }

    /// What a fault puts in the place of everything that would have come.
    fn end(&mut self, end: End) {
        self.outbox = Outbox::new(None);
        self.ended = true;
        match end {
            End::Close | End::Break | End::Never => {}
            End::Expired => {
                let oldest = self.server.with_store(Store::oldest_event);
                self.expired(oldest);
            }
            End::Bookmark => {
                self.version = self.server.with_store(|store| store.version);
                self.bookmark(false);
            }
        }
    }

    /// The version up to which everything was looked at is no longer remembered.
    fn expired(&mut self, oldest: u64) {
        let error =
            ApiError::expired(format!("too old resource version: {} ({oldest})", self.version));
        self.line("ERROR", &error.status());
        self.ended = true;
    }

    /// Queues what happened since the last look.
    fn collect(&mut self) {
        let server = self.server.clone();
        server.with_store(|store| {
            if self.version < store.oldest_event() {
                self.expired(store.oldest_event());
                return;
            }
            for event in store.events_after(self.version) {
                self.event(event);
            }
            self.version = store.version;
        });
    }

    fn event(&mut self, event: &Event) {
        let mine = event.table == self.target.served.table
            && (self.target.namespace.is_empty() || event.key.0 == self.target.namespace);
        if !mine {
            return;
        }
        let before = event.before.as_ref().map(|before| before.peek());
        let object = &event.object.peek();
        let was = before.is_some_and(|before| self.selection.matches(&before));
        let is = event.kind != EventKind::Deleted && self.selection.matches(object);
        // An object that leaves or enters the selection is deleted or added for this client.
        match (was, is) {
            (false, true) => self.push("ADDED", object),
            (true, true) => self.push("MODIFIED", object),
            (true, false) => self.push("DELETED", object),
            (false, false) => {}
        }
    }

    fn bookmark(&mut self, end_of_initial: bool) {
        let resource = &self.target.served.resource;
        let mut object = json!({
            "kind": resource.kind,
            "apiVersion": resource.api_version(),
            "metadata": {"resourceVersion": self.version.to_string()},
        });
        if end_of_initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        self.line("BOOKMARK", &object);
    }

    fn push(&mut self, kind: &str, object: &Value) {
        let now = self.server.options.clock.now();
        let shown = self.shape.one(&self.target.served, object, now);
        self.outbox.event(line(kind, &shown));
    }

    fn line(&mut self, kind: &str, object: &Value) {
        self.outbox.other(line(kind, object));
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut line = json!({"type": kind, "object": object}).to_string();
    line.push('\n');
    Bytes::from(line)
}
