//! Making the sandbox misbehave on purpose, for the tests of those who talk to it.
//!
//! A [`Fault`] is armed on the [`Faults`] handle with a [`Matcher`] and a number of times. What a
//! fault cannot strike (a read by a webhook, say) does not use it up. Several faults may strike
//! one request: they act in the order in which they were armed.
//!
//! | where it goes wrong | faults |
//! | --- | --- |
//! | before anything is done | [`Fault::Latency`], [`Fault::DropBefore`], [`Fault::Status`], [`Fault::TooManyRequests`], [`Fault::Forbidden`], [`Fault::Conflict`], [`Fault::Answer`] |
//! | while it is done | [`Fault::Webhook`], [`Fault::Stale`] |
//! | when it is done and durable | [`Fault::DropAfter`], [`Fault::DropDuring`], [`Fault::Truncated`] |
//! | in a watch | [`Fault::Watch`] |
//!
//! The last but one row is what a client finds hardest to tell from the first. On a port a broken
//! connection is one that is closed; a connection that breaks between two requests looks to a
//! client like [`Fault::DropBefore`] of the second.

mod answers;
mod armed;
mod asked;
mod outbox;

use std::time::Duration;

use serde_json::Value;

pub(crate) use answers::{cut_short, hang_up, refusal_of_webhook};
pub use armed::Faults;
pub(crate) use armed::{After, Before, Twist};
pub(crate) use asked::Asked;
pub(crate) use outbox::{End, Next, Outbox};

/// Which requests a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// Every request.
    Any,
    /// The request with this number; the first request of a sandbox is number one.
    Number(u64),
    /// Requests of this method (`*` for any) whose path contains this text.
    Request {
        /// `GET`, `PATCH`, ... or `*`.
        method: String,
        /// Part of the path, such as `/configmaps/`.
        path: String,
    },
    /// As `Request`, but only requests that would change something (no dry-run).
    Write {
        /// Part of the path, such as `/configmaps/`.
        path: String,
    },
    /// Requests about the objects of one resource, by what is done with them.
    Objects {
        /// As Kubernetes calls it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
        /// `deletecollection`; `*` for any.
        verb: String,
        /// Such as `configmaps` or `deployments.apps`; `*` for any.
        resource: String,
        /// The namespace in the path; empty for requests about all namespaces and about objects
        /// of the cluster; `None` for any.
        namespace: Option<String>,
    },
}

impl Matcher {
    /// Requests that do this with the objects of this resource, in any namespace.
    pub fn verb(verb: &str, resource: &str) -> Self {
        Self::Objects { verb: verb.to_owned(), resource: resource.to_owned(), namespace: None }
    }

    /// The same requests, in this namespace only.
    #[must_use]
    pub fn within(self, namespace: &str) -> Self {
        match self {
            Self::Objects { verb, resource, namespace: _ } => {
                Self::Objects { verb, resource, namespace: Some(namespace.to_owned()) }
            }
            other @ (Self::Any | Self::Number(_) | Self::Request { .. } | Self::Write { .. }) => {
                other
            }
        }
    }
}

/// What happens to a request that is struck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this HTTP status and a `metav1.Status` of this reason; not carried out.
    Status {
        /// The HTTP status code, such as 503.
        code: u16,
        /// The machine-readable reason, such as `ServiceUnavailable`.
        reason: String,
        /// The message for people.
        message: String,
    },
    /// Not carried out; 429 in plain text, as the server answers when it has too much to do
    /// (priority and fairness). A blocked eviction is another 429, and needs no fault.
    TooManyRequests {
        /// Seconds in the `Retry-After` header; `None` for no header.
        retry_after: Option<u32>,
    },
    /// Not carried out; 403 in the words of RBAC about what was asked. With
    /// [`Matcher::Objects`] one kind, or one namespace of a kind, is out of reach.
    Forbidden {
        /// Who is told that they may not.
        user: String,
    },
    /// Not carried out; 409, as if somebody else had changed the object in between. Strikes
    /// `PUT`, `PATCH` and `DELETE`, dry runs included.
    Conflict,
    /// Not carried out; something in between answers instead of the server, such as a proxy
    /// with a page of its own.
    Answer {
        /// The HTTP status code; 200 is the interesting one.
        code: u16,
        /// The `Content-Type`, such as `text/html`.
        content_type: String,
        /// The body, whatever it is.
        body: String,
    },
    /// Carried out after this time.
    Latency(Duration),
    /// The connection breaks and nothing was carried out.
    DropBefore,
    /// The request is carried out, then the connection breaks without an answer.
    DropAfter,
    /// The request is carried out; the head of the answer says how long the body is, half of it
    /// comes, then the connection breaks. Does not strike watches, which have
    /// [`WatchFault::Breaks`].
    DropDuring,
    /// The request is carried out; the answer is complete as HTTP goes (its `Content-Length` is
    /// what comes), and its JSON ends in the middle.
    Truncated,
    /// A `get` or `list` is answered from the past: as of this resource version, with the
    /// versions of that time, as from a follower that lags behind. A request for something
    /// newer gets the 504 of such a follower. Does not strike watches or pages (`continue`).
    Stale {
        /// See [`Sandbox::version`](crate::Sandbox::version).
        version: u64,
    },
    /// An admission webhook has a say about the write, dry runs included. It is called for what
    /// clients send, not for what controllers do, and not for subresources.
    Webhook(Webhook),
    /// A watch misbehaves.
    Watch(WatchFault),
}

/// What an admission webhook does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// It changes the object with this JSON merge patch, after the owners of its fields were
    /// recorded and before it is validated. Strikes creations and changes.
    Mutates(Value),
    /// It refuses an object that is valid in itself, or a deletion.
    Refuses {
        /// The name of the webhook, which the message says.
        name: String,
        /// The HTTP status code, such as 400 (what the server takes for none) or 403.
        code: u16,
        /// Why.
        message: String,
    },
    /// It does not answer in time, and the server does not go on without it (500, late).
    TimesOut {
        /// The name of the webhook, which the message says.
        name: String,
        /// How long the server waits for it; 10 s unless configured.
        after: Duration,
    },
    /// Nobody listens where it should be, and the server does not go on without it (500).
    IsDown {
        /// The name of the webhook, which the message says.
        name: String,
    },
}

/// How a watch misbehaves. Events are counted from the first one of the watch, those about
/// objects that were there before included; bookmarks are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchFault {
    /// After this many events the answer ends as if its time were up.
    Closes {
        /// How many events come before.
        after: u64,
    },
    /// After this many events the connection breaks.
    Breaks {
        /// How many events come before.
        after: u64,
    },
    /// After this many events comes an `ERROR` event with 410 `Expired`, and the answer ends.
    Expires {
        /// How many events come before.
        after: u64,
    },
    /// After this many events comes a bookmark of the present version, and the answer ends.
    /// Events in between are never sent by this watch.
    Bookmarks {
        /// How many events come before.
        after: u64,
    },
    /// After this many events nothing more comes, not even the end.
    FallsSilent {
        /// How many events come before.
        after: u64,
    },
    /// Every event comes twice.
    Repeats,
    /// Events come in pairs with the later one first; a lone one waits for the next.
    Swaps,
}
