//! What happens on a request, once it is known what it is about.
//!
//! [`write`] is the one way in which objects come into being and change: decode,
//! default, owners, admission, preparation, validation, quota, storing, controllers,
//! in the real server's order. [`read`] and [`delete`] are the rest of the everyday
//! ones; [`scale`], [`eviction`], [`binding`], [`token`] and [`reviews`] are paths that stand for something
//! else, and [`table`] is another way of showing what is read.

pub(crate) mod binding;
pub(crate) mod delete;
pub(crate) mod eviction;
pub(crate) mod read;
pub(crate) mod reviews;
pub(crate) mod scale;
pub(crate) mod table;
pub(crate) mod token;
pub(crate) mod write;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::catalog::Served;
use crate::clock::Identities;
use crate::errors::ApiError;
use crate::faults::Webhook;
use crate::request::WriteOptions;

/// What every handler needs and nobody changes.
pub(crate) struct Env<'a> {
    pub(crate) now: Timestamp,
    /// The time as objects carry it.
    pub(crate) now_text: String,
    pub(crate) identities: &'a dyn Identities,
    /// Whether controllers are played.
    pub(crate) controllers: bool,
}

/// The object that a request is about.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) served: Served,
    /// Empty for objects of the cluster.
    pub(crate) namespace: String,
    /// Empty for the collection.
    pub(crate) name: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
}

/// The answer to a write.
pub(crate) struct Written {
    pub(crate) object: Arc<Value>,
    pub(crate) created: bool,
    /// Shown in `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// A write in progress: who asks for what.
pub(crate) struct Ask<'a> {
    pub(crate) env: &'a Env<'a>,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a WriteOptions,
    /// Those that have a say about it.
    pub(crate) webhooks: &'a [Webhook],
}

pub(crate) type Answer<T> = Result<T, ApiError>;
