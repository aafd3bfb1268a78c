//! What will happen, what is happening, what happened: plain data.
//!
//! This crate is the whole interface between the machine and the people. [`Plan`] is what
//! will happen, [`Event`] what is happening, [`Outcome`] what happened. Planner and runner
//! write them, views read them, `schemas` stores them.
//!
//! **Invariant:** nothing here does anything: no clock, no I/O, no evaluation. A [`Plan`]
//! holds all its steps; apply decides nothing except to stop.
//!
//! **Not here:** how a plan is made (`planner`), run (`runner`), stored (`schemas`) or shown
//! (`view`).

mod change;
mod event;
mod guard;
mod op;
mod plan;
mod rollout;
mod window;

pub use change::{Action, Basis, Change, Note, Origin, OutputChange, Reason};
pub use event::{Ended, Event, Outcome, Stop, Tally};
pub use guard::{Allowed, Guard, GuardKind, Right, flag};
pub use op::{Identity, ObjectKey, Op, Problem};
pub use plan::{
    Bracket, BracketId, Exported, Fingerprints, Mode, Plan, Recorded, Step, StepId, Target,
    Timestamp,
};
pub use rollout::{Rollout, Turn};
pub use window::Window;
