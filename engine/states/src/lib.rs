//! What is remembered between runs: the state, and the journal that it is made from.
//!
//! This crate answers one question: *what does clinch know about what it did?* The
//! [`State`] names every object that was applied, enough to find it, recognise it and delete
//! it in the right order. While a run goes on nothing rewrites the state: each step adds two
//! entries to the journal, and [`replay`] makes the state and the journal into the state
//! after them. Start reading there.
//!
//! **Invariant:** [`replay`] is total and idempotent. A crash may cut the journal anywhere,
//! and may come after the state was written and before the journal was put away; both are
//! ordinary inputs.
//!
//! **Invariant:** no value of an object and no secret is remembered, only identities, uids and
//! digests. Losing the state loses nothing that cannot be rebuilt from the cluster.
//!
//! **Not here:** files, locks and their format (`local`, `schemas`); who writes the entries
//! (`runner`, and `session` for those about the run as a whole).

mod edit;
mod journal;
mod replay;
mod state;

pub use edit::{Selection, move_records, remove_records, select};
pub use journal::{JournalEntry, RecordChange, RunStarted};
pub use plans::Recorded;
pub use replay::{Follows, Mismatch, Replayed, UnfinishedRun, follows, replay};
pub use state::{MAX_USED_PLANS, State};

#[cfg(test)]
mod tests;
