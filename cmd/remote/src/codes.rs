//! Everything that can be wrong with what the cluster remembers.

use diags::Code;

/// The state in the cluster cannot be trusted.
pub(crate) const DAMAGED: Code = Code("E0530");
/// It was written by a newer clinch.
pub(crate) const NEWER: Code = Code("E0531");
/// It belongs to another configuration, or is another state than before.
pub(crate) const FOREIGN: Code = Code("E0532");
/// It is older than one that was there before.
pub(crate) const ROLLED_BACK: Code = Code("E0533");
/// It was there, and is gone.
pub(crate) const GONE: Code = Code("E0534");
/// Somebody else has the state now.
pub(crate) const FENCED: Code = Code("E0535");
/// The journal in the cluster cannot be trusted.
pub(crate) const JOURNAL: Code = Code("E0536");
/// It cannot be written down at all.
pub(crate) const UNWRITABLE: Code = Code("E0537");
/// It changes faster than it can be read.
pub(crate) const MOVING: Code = Code("E0538");
/// The plan of a run cannot be trusted, or is gone.
pub(crate) const PLAN: Code = Code("E0539");
/// Somebody else holds the lock.
pub(crate) const LOCKED: Code = Code("E0540");
/// The lock was lost.
pub(crate) const LOST: Code = Code("E0541");
/// A lock is not to be released.
pub(crate) const ALIVE: Code = Code("E0542");
