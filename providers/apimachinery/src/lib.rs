//! The rules of Kubernetes that need no server: pure functions, no I/O.
//!
//! This crate answers: *what does this text or object mean to an API server?* The
//! sandbox uses it to behave like one, and the cluster provider to know beforehand
//! what one will say.
//!
//! | question | module |
//! | --- | --- |
//! | how is `1000m` stored, which of two quantities is more | [`quantity`] |
//! | is this a name, a label, an extended resource, and if not, why | [`names`] |
//! | does this object match `a in (b, c)` | [`selector`] |
//! | which kinds are there, under which path, namespaced or not | [`discovery`] |
//! | what do a `LimitRange` and a `ResourceQuota` make of an object | [`limits`] |
//! | what fields has a kind, how do its lists merge | [`types`] |
//! | which kinds and fields has a version of Kubernetes | [`versions`] |
//! | is this text a duration | [`duration`] |
//! | what of a pod depends on docker | [`docker`] |
//!
//! **Invariant:** no input panics, and equal inputs give equal outputs.
//!
//! **Not here:** anything that contacts a cluster, and any type of the engine but values.

pub mod discovery;
pub mod docker;
pub mod duration;
pub mod field_error;
pub mod limits;
pub mod names;
pub mod selector;
pub mod types;
pub mod versions;

pub use ::quantity;
pub use field_error::{FieldError, FieldErrorKind};
pub use quantity::{Quantity, QuantityError};
