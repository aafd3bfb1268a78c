//! State, lock, journal and plans as objects in the cluster.
//!
//! This crate answers one question: *what does the cluster remember of a configuration, and who
//! may change it?* Start reading at [`Store`], then at [`Lock`].
//!
//! ```text
//! namespace clinch-system
//!   Lease  clinch-PROJECT                    who is at work, and the highest serial
//!   Secret clinch-state-PROJECT              the head: which pieces are the state
//!   Secret clinch-state-PROJECT-SET-N        pieces of the state
//!   Secret clinch-journal-PROJECT-SET-N      the journal of a run that is not finished
//!   Secret clinch-plan-PROJECT-RUN-N         its plan
//! ```
//!
//! **Invariant:** pieces never change; a new state is new pieces, and then one exchange of the
//! head, at the version that was read. A crash between leaves the old state and pieces that
//! nobody reads; the next writer removes them.
//!
//! **Invariant:** an entry of the journal is durable when the API server has answered. Whoever
//! takes the lock over changes the head and the journal's last piece before anything else, so
//! that whoever had it before can neither write a state nor begin a step: the versions that it
//! knows are gone.
//!
//! **Invariant:** what is not whole is an error, never an empty state.
//!
//! **Not here:** what stands in the texts (`schemas`), and what it means (`states`).

mod codes;
mod head;
mod journal;
mod lease;
mod pieces;
mod room;
mod store;

pub use journal::Journal;
pub use lease::{Claim, Lease, Lock, Released, Taken};
pub use room::Room;
pub use schemas::holder::Holder;
pub use store::{Loaded, Store};

#[cfg(test)]
mod tests;
