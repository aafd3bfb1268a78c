//! For a person at a terminal, or one who reads a log.
//!
//! [`plan`] before, [`event`] and [`Progress`] during, [`outcome`] after; [`diagnostic`] when something is
//! wrong. Symbols and sentences are Terraform's where other tools parse them.

mod body;
mod change;
mod diagnostic;
mod embedded;
mod event;
mod layout;
mod lines;
mod outcome;
mod plan;
mod progress;
mod prompt;
mod rows;
mod secret;
mod snippet;
mod state;
mod table;

pub use diagnostic::{diagnostic, diagnostics};
pub use event::event;
pub(crate) use event::first_and_last;
pub use layout::text_diff;
pub use outcome::outcome;
pub use plan::{Places, blocked, counts, nodes, plan, plan_at, predicted};
pub use progress::Progress;
pub use prompt::{approval, not_saved, saved};
pub(crate) use secret::only_secrets_differ;
pub use state::{outputs, record, state, value};
