//! From a plan to what happened: the walk over its steps.
//!
//! This crate answers one question: *which step begins next?* It obeys the graph that the
//! planner laid down and decides nothing except to stop. Start reading at [`run`], then
//! `step.rs` for what surrounds one operation.
//!
//! **Invariant:** no step touches the world before its *begin* is durable, and no step that
//! needs it begins before its *end* is. A crash at any moment therefore leaves a journal
//! that tells which steps may have taken effect.
//!
//! **Invariant:** a step that has begun is never abandoned. To stop means to begin nothing
//! more; only the second interrupt stops waiting, and then what still runs is *in doubt*.
//!
//! **Invariant:** no scope is left out of service for nothing. When a step of a bracket fails or
//! the run is stopped, no other edit of it begins, and the steps that close it do. It stays open
//! only where what a step did is in doubt, or where closing it failed; resuming opens it again.
//!
//! **Invariant:** of a rollout's nodes no more are begun than its rules allow, counting those that
//! stay out of service; and none after more failures, or outside of its window.
//!
//! **Invariant:** everything comes in through [`Ports`]: no clock, no file, no randomness.
//!
//! **Not here:** the entries about a run as a whole, and what to do with an outcome
//! (`session`); the journal's file (`local`).

mod graph;
mod ports;
mod run;
mod settle;
mod step;
mod turns;

pub use ports::{Clock, Journal, Late, Ports};
pub use provider::BoxFuture;
pub use run::{Options, run};
pub use settle::{settle_in_doubt, settled_entry};

#[cfg(test)]
mod tests;
