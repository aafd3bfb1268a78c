//! Values: what the arguments of an instance come to.
//!
//! [`Names`](names::Names) holds everything that can be named; [`prepare`] computes what an
//! expression names before the expression is looked at, so that a chain of locals of any
//! length needs no stack; [`expr`] then goes through the expression itself.

pub(crate) mod access;
mod arguments;
mod calls;
mod conditional;
mod conditions;
mod evaluator;
pub(crate) mod expr;
pub(crate) mod files;
pub(crate) mod fit;
mod imports;
mod lifecycle;
pub(crate) mod marks;
pub(crate) mod mentions;
pub(crate) mod names;
mod objects;
pub(crate) mod ops;
mod prepare;
pub(crate) mod scope;
mod template;
pub(crate) mod types;

/// Longest text, in bytes.
pub(crate) const LARGEST: usize = 64 << 20;
/// Longest list that a function gives; a list of so many is no configuration that anybody reads.
pub(crate) const MOST_ITEMS: usize = 5_000_000;

pub use conditions::Refused;
pub use evaluator::{Evaluator, plain_cluster};
pub use imports::Imported;
pub use lifecycle::{Lifecycle, Trigger};
