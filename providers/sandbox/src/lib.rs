//! A Kubernetes API server small enough to live in the process.
//!
//! It answers one question: *what would a real API server say to this request?*
//! What it supports it does as kube-apiserver 1.36 does (its server-side apply is
//! held to recorded transitions of that server); what it does not support it
//! refuses with the real server's kind of error, never with a silent success.
//!
//! Start reading at [`Sandbox`]. One [`SandboxService`] serves both ways in: the
//! in-process [`Sandbox::client`], and [`Sandbox::serve`] on a loopback port.
//! A request goes `service` (bytes) -> `router` (what is asked) -> `handlers`
//! (what happens) -> `store` (what is remembered).
//!
//! **Invariant:** a request is one critical section. It reads and writes the store
//! under one lock and is durable before it is answered.
//!
//! **Invariant:** time and identities come from [`Options`], so that a test can
//! make a run repeatable.
//!
//! **Not here:** authentication, RBAC, webhooks, aggregation, protobuf, exec and
//! logs. The README of this folder lists what is and what is not.

mod admission;
mod body;
mod catalog;
mod clock;
mod codec;
mod controllers;
mod custom;
mod defaults;
mod documents;
mod errors;
mod faults;
mod fields;
mod handlers;
mod host;
mod info;
mod kinds;
mod kubeconfig;
mod meta;
mod open;
mod patch;
mod persist;
mod request;
mod respond;
mod router;
mod serve;
mod server;
mod service;
mod ssa;
mod store;
mod stored;
mod validate;
mod watch;

pub use clock::{
    Clock, Identities, RandomIdentities, SequentialIdentities, SteppingClock, SystemClock,
};
pub use faults::{Fault, Faults, Matcher, WatchFault, Webhook};
pub use host::{KUBELET_CONFIG, RUNTIME_CONFIG, files_of_host};
pub use open::{OpenError, Options, Sandbox};
pub use service::{ResponseBody, SandboxService, ServiceError};

#[cfg(test)]
mod tests;
