//! A small cluster in which everything may go wrong, run by clinch's own code.
//!
//! This crate answers one question: *is there an order of crashes, faults and other people's doings
//! in which clinch breaks a promise?* It drives the real session, planner, runner, rollout and
//! providers in one thread, with time that nobody waits for, against an API server in the process
//! and machines in memory, and looks at every [`Invariant`] after every event.
//!
//! | question | start at |
//! | --- | --- |
//! | what is run, and how often | [`Run`], [`crash_points`], [`Run::by_seed`] |
//! | what must hold | [`INVARIANTS`] |
//! | what the world is made of | `world` |
//! | what a person does with clinch | `operator` |
//! | where a request is counted, refused, or the last one | `gate` (API server), `hand` (hosts) |
//!
//! A process of clinch is a runtime of its own. It dies by dropping that runtime, with every task
//! in it, before or after any effect: a request that changes an object (the journal, the state and
//! the lock are objects, too), a change of a file, a command on a host. The world stays, and the
//! next process finds it as it is.
//!
//! **Invariant:** equal seeds give equal runs, to the last line of the trace.
//!
//! **Not here:** power cuts between a write and its `fsync` (`local` and `access` have their own
//! tests); a state that is kept in files; certificates; real kubelets (`cargo xtask cluster`).

mod chance;
mod clock;
mod gate;
mod hand;
mod history;
mod invariants;
mod operator;
mod planted;
mod process;
mod run;
mod site;
mod story;
mod touch;
mod watched;
mod world;

pub use invariants::{ALL as INVARIANTS, Invariant, Violation};
pub use planted::Planted;
pub use process::Pause;
pub use run::{Run, crash_points};
pub use world::Crash;

#[cfg(test)]
mod tests;
