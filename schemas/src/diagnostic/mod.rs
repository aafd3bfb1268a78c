//! Diagnostics for machines: Terraform's shape, and ours beside it.
//!
//! Start reading at [`v1::Diagnostic`].

mod place;
pub mod v1;

pub use place::enclosing_block;
