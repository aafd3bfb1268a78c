//! Objects of the Kubernetes API: what resource types there are, and what a difference means.
//!
//! This crate answers two questions: *what should this object be, and is it?* (everything
//! but `io`, pure) and *how is it looked at and changed?* (`io`). Start reading at [`api`],
//! which holds what all types have in common; then one of [`kinds`], say
//! `kinds/config_map.rs`, to see how little a type has of its own.
//!
//! | question | module |
//! | --- | --- |
//! | what is decided about an object, and from what | [`api`] |
//! | can an apply change anything at all | [`noop`] |
//! | how would the server store this | [`canon`] |
//! | whose object is this | [`ownership`] |
//! | what of a node is ours | [`settings`] |
//! | what do people see of it | [`shown`] |
//! | how are values written that the configuration only points at | [`sources`] |
//! | which argument does the server complain about | [`fields`] |
//!
//! **Invariant:** nothing predicts what an apply makes of an object. "No change" is proven
//! or was answered by the server; everything else is what the server's dry-run said, or
//! plainly marked as not verified.
//!
//! **Not here:** HCL; how requests are sent (`access`); hosts (`node`).

pub mod api;
mod args;
pub mod canon;
pub mod codes;
mod definition;
pub mod digest;
pub mod fields;
pub mod io;
pub mod json;
pub mod kinds;
mod needs;
pub mod noop;
pub mod ownership;
pub mod settings;
pub mod shown;
pub mod sources;
mod versions;

pub use kinds::{data_kinds, kinds};

use addrs::TypeName;

/// The type's name, from a constant of this crate.
pub(crate) fn type_name(name: &str) -> TypeName {
    name.parse().expect("the names of this crate's types are identifiers")
}
