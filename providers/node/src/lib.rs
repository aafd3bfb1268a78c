//! What is kept on the hosts of nodes: files that belong to clinch alone.
//!
//! This crate answers two questions: *what should this file hold, and does it?* (the resource
//! types, pure) and *how is it read and written?* ([`NodeProvider`]). Start reading at
//! `kernel_module_blacklist.rs`, the first type, then at `owned.rs`, what all types that keep
//! a file have in common.
//!
//! **Invariant:** only files that carry the mark of this project in their first line are ever
//! replaced or removed.
//!
//! **Invariant:** a host that cannot be reached is an error on every object there, never
//! "nothing is there".
//!
//! **Not here:** how a file is replaced without being half written (`access`), what surrounds
//! an edit that disturbs what runs (`rollout`), objects of the API (`cluster`).

pub mod codes;
mod io;
mod kernel_module_blacklist;
mod owned;

pub use io::NodeProvider;
pub use kernel_module_blacklist::KernelModuleBlacklist;

use provider::ResourceKind;

/// All resource types, by name.
pub fn kinds() -> Vec<Box<dyn ResourceKind>> {
    vec![Box::new(KernelModuleBlacklist::new())]
}
