//! Use cases: load, plan, apply, resume, rebuild.
//!
//! This crate answers one question: *in what order are the rooms visited?* Each use case is one
//! function that wires pure stages and I/O together; the command line only chooses one and
//! shows what comes back. Start reading at [`load()`], then [`plan()`], then [`apply()`].
//!
//! **Invariant:** everything from outside comes in through a port: sources through
//! `config::Sources`, the world through `provider::Providers`, state and journal through
//! [`Store`], time through `runner::Clock` and one `Timestamp` per run.
//!
//! **Invariant:** nothing is done to the world before the state could be read, the cluster was
//! recognised, and the journal has the run's beginning.
//!
//! **Not here:** arguments, exit codes and terminals (`cli`); rendering (`view`).

mod ahead;
mod apply;
mod check;
mod failures;
mod in_doubt;
mod late;
mod load;
mod picture;
mod place;
mod ports;
mod preflight;
mod rebuild;
mod snapshot;
mod validate;

pub use ahead::Ahead;
pub use apply::{Applied, ApplyOptions, Ground, Resumed, apply, nothing_to_resume, resume};
pub use check::{check_resumed, check_saved};
pub use in_doubt::{in_doubt, remember_in_doubt, with_in_doubt};
pub use load::{ClusterSettings, Loaded, Parsed, load, parse};
pub use picture::{Picture, plan};
pub use place::{STATE_NAMESPACE, StatePlace, state_place};
pub use ports::{LoadedState, Store, Stored, World};
pub use preflight::preflight;
pub use rebuild::{Rebuilt, rebuild};
pub use snapshot::{snapshot, snapshot_sources};
pub use validate::validate;
