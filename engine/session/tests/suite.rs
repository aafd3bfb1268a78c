//! Whole use cases on made-up types: a configuration, a world and a store in memory in, and
//! out comes everything that happened, in order.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod applying;
mod desk;
mod planning;
mod refusing;
mod resuming;
mod stage;
#[path = "../../planner/tests/types.rs"]
mod types;
