//! State, lock, journal and plans as files in a folder.
//!
//! This crate answers one question: *what is on the disk, and can it be trusted?* Start
//! reading at [`Folder`], the data directory `.clinch/` beside a configuration.
//!
//! ```text
//! .clinch/                 0700
//!   .gitignore             everything
//!   state.json             what is remembered
//!   state.json.backup      what was remembered before the last run
//!   state.json.moved       what was remembered before it was moved to the cluster
//!   journal.jsonl          what the run that goes on, or that died, has done
//!   lock, lock.json        held by whoever changes something here, and who that is
//!   runs/RUN.plan          the plan of the run that goes on, or that died
//!   runs/RUN.jsonl         journals of the last runs
//! ```
//!
//! **Invariant:** a file is the old one or the new one, at every moment, whatever dies: it is
//! written beside its place, made durable, and put there by a rename. Only the journal grows
//! in place; its lines are chained, and what a crash can tear off is its last line.
//!
//! **Invariant:** a file that is not whole is an error, never an empty state; only a file that
//! is not there is a new one.
//!
//! **Invariant:** every file is 0600 and the directory 0700 from the first moment on, whatever
//! the umask. No symbolic link is followed in the last component of a path that is written.
//!
//! **Not here:** what stands in the files (`schemas`), and what it means (`states`).

mod codes;
mod disk;
mod folder;
mod journal;
mod lock;
mod plan;

pub use folder::{DATA_DIR, Folder, Loaded};
pub use journal::JournalFile;
pub use lock::Lock;
pub use plan::{read_plan, write_plan};
pub use schemas::holder::Holder;

#[cfg(test)]
mod tests;
