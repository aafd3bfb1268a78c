//! The stream of lines that `-json` prints: Terraform's machine-readable output, and ours.
//!
//! Start reading at [`v1::Line`].

pub mod v1;
