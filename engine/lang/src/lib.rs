//! The language: what names refer to, what functions there are, what expressions give.
//!
//! This crate answers one question: *given the configuration and the results so far, what
//! does the user want?* Start reading at [`analyze()`] (checks that need no value, and the
//! order), then [`Evaluator`] (values). [`variables()`] comes between the two.
//!
//! **Invariant:** nothing here contacts anything; equal inputs give equal values and equal
//! diagnostics in equal order.
//!
//! **Invariant:** whatever is computed from a sensitive value is sensitive, and no
//! diagnostic shows a sensitive value.
//!
//! **Invariant:** a value that depends on an unknown is unknown, never guessed.
//!
//! **Not here:** text to tree (`config`), what a resource type may contain (`provider`), and
//! what differs from the world (`planner`).

mod analyze;
pub mod codes;
mod early;
mod ephemeral;
mod eval;
mod expand;
mod files;
mod functions;
mod graph;
mod manifests;
mod place;
mod references;
mod shown;
mod text;
mod variables;

pub use analyze::analyze;
pub use early::EarlyNames;
pub use eval::files::Wanted;
pub use eval::{Evaluator, Imported, Lifecycle, Refused, Trigger, plain_cluster};
pub use files::wanted_files;
pub use functions::{FunctionInfo, Kind, Parameter, functions, left_out};
pub use graph::References;
pub use manifests::wanted_manifests;
pub use text::seconds;
pub use variables::{Given, GivenValue, Inputs, variables};

use values::Schema;

/// What resource types and data sources there are, and what each may contain.
pub trait Schemas {
    /// The schema of a resource type.
    fn resource(&self, ty: &str) -> Option<&Schema>;
    /// The schema of a data source.
    fn data(&self, ty: &str) -> Option<&Schema>;
    /// The names of all resource types.
    fn resource_types(&self) -> Vec<&str>;
    /// The names of all data sources.
    fn data_types(&self) -> Vec<&str>;
}
