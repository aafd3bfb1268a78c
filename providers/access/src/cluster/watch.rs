//! Following one object, or several.

use super::Unreachable;
use super::discovery::with_query;
use super::{ANSWER_DEADLINE, Ask, Cluster, ClusterError, Failure, Query, Refusal, Resource};
use super::{refused, transport};
use bytes::BytesMut;
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde_json::Value as Json;
use std::time::Duration;

/// No object is that long.
const LONGEST_LINE: usize = 64 << 20;

/// What happened to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent {
    /// It is like this now.
    Now(Json),
    /// It was deleted; as it was last.
    Gone(Json),
    /// Nothing happened up to this version.
    Bookmark(String),
}

/// A running watch. Ends by itself; the server sees to that, too.
pub struct Watch {
    cluster: Cluster,
    ask: Ask,
    /// The one object that is meant; `None` for all that the server tells of.
    name: Option<String>,
    body: Body,
    buffer: BytesMut,
}

impl Cluster {
    /// Follows one object from a version on, for at most this long. Takes no place among the
    /// requests in flight, since it does nothing most of the time.
    pub async fn watch_one(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        from: &str,
        lasting: Duration,
    ) -> Result<Watch, ClusterError> {
        let fields = format!("metadata.name={name}");
        let query = Query { namespace, fields: Some(&fields), ..Query::default() };
        self.open(resource, query, Some(name), from, lasting).await
    }

    /// Follows all objects that the query means from a version on (of their list), likewise.
    pub async fn watch(
        &self,
        resource: &Resource,
        query: Query<'_>,
        from: &str,
        lasting: Duration,
    ) -> Result<Watch, ClusterError> {
        self.open(resource, query, None, from, lasting).await
    }

    async fn open(
        &self,
        resource: &Resource,
        query: Query<'_>,
        name: Option<&str>,
        from: &str,
        lasting: Duration,
    ) -> Result<Watch, ClusterError> {
        let seconds = lasting.as_secs().max(1).to_string();
        let target = with_query(
            resource.path(query.namespace, None, None),
            &[
                ("watch", Some("true")),
                ("allowWatchBookmarks", Some("true")),
                ("labelSelector", query.labels),
                ("fieldSelector", query.fields),
                ("resourceVersion", Some(from)),
                ("timeoutSeconds", Some(&seconds)),
            ],
        );
        let ask = Ask::get(resource.call("watch", query.namespace, name), target);
        let opening = async {
            let response = self.send(&ask).await?;
            let (parts, body) = response.into_parts();
            if parts.status.is_success() {
                return Ok(body);
            }
            let body = Limited::new(body, LONGEST_LINE).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            Err(refused(parts.status.as_u16(), &parts.headers, &body))
        };
        let opened = tokio::time::timeout(ANSWER_DEADLINE, opening).await;
        let opened =
            opened.unwrap_or(Err(Failure::Unreachable(Unreachable::TimedOut(ANSWER_DEADLINE))));
        match opened {
            Ok(body) => Ok(Watch {
                cluster: self.clone(),
                ask,
                name: name.map(str::to_owned),
                body,
                buffer: BytesMut::new(),
            }),
            Err(failure) => Err(self.error(&ask.call, failure, 1)),
        }
    }
}

impl Watch {
    /// The next event; `None` when the server has ended the watch.
    ///
    /// # Interruption
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Result<Option<WatchEvent>, ClusterError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line = self.buffer.split_to(end + 1);
                if let Some(event) = self.event(&line)? {
                    return Ok(Some(event));
                }
                continue;
            }
            if self.buffer.len() > LONGEST_LINE {
                return Err(self.malformed("is a line without end"));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    let why = Failure::Unreachable(transport::classify(&error));
                    return Err(self.cluster.error(&self.ask.call, why, 1));
                }
                // A last line without its end was cut off: it is not an event.
                None => return Ok(None),
            }
        }
    }

    fn malformed(&self, why: &str) -> ClusterError {
        self.cluster.malformed(&self.ask.call, why)
    }

    fn event(&self, line: &[u8]) -> Result<Option<WatchEvent>, ClusterError> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        let Ok(mut event) = serde_json::from_slice::<Json>(line) else {
            return Err(self.malformed("is no event"));
        };
        let object = event.get_mut("object").map(Json::take).unwrap_or_default();
        let ours =
            self.name.as_ref().is_none_or(|name| object["metadata"]["name"] == name.as_str());
        match event["type"].as_str().unwrap_or_default() {
            "ADDED" | "MODIFIED" if ours => Ok(Some(WatchEvent::Now(object))),
            "DELETED" if ours => Ok(Some(WatchEvent::Gone(object))),
            "ADDED" | "MODIFIED" | "DELETED" => Ok(None),
            "BOOKMARK" => {
                let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
                Ok(Some(WatchEvent::Bookmark(version.to_owned())))
            }
            "ERROR" => {
                let code = object["code"].as_u64().and_then(|c| u16::try_from(c).ok());
                let body = object.to_string();
                let refusal = Refusal::read(code.unwrap_or(500), None, body.as_bytes());
                let failure = Failure::Refused(Box::new(refusal));
                Err(self.cluster.error(&self.ask.call, failure, 1))
            }
            _ => Err(self.malformed("is no event")),
        }
    }
}
