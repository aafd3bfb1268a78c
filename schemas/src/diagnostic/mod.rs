//! Diagnostics for machines: Terraform's shape, and ours beside it.
//!
//! Start reading at [`v1::Diagnostic`].

pub mod v1;
