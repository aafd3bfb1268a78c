//! Everything that can be wrong with the files.

use diags::Code;

/// The state file cannot be trusted.
pub(crate) const STATE_DAMAGED: Code = Code("E0501");
/// The state file was written by a newer clinch.
pub(crate) const STATE_NEWER: Code = Code("E0502");
/// The journal cannot be trusted.
pub(crate) const JOURNAL_DAMAGED: Code = Code("E0503");
/// The journal and the state do not belong together.
pub(crate) const JOURNAL_FOREIGN: Code = Code("E0504");
/// The disk said no.
pub(crate) const DISK: Code = Code("E0505");
/// The end of the journal was torn off by a crash.
pub(crate) const JOURNAL_TORN: Code = Code("E0506");
/// The files change faster than they can be read.
pub(crate) const MOVING: Code = Code("E0507");
/// The state on the disk is newer than the one to be written.
pub(crate) const OUTRUN: Code = Code("E0508");
/// The state could not be read back, so it is not written.
pub(crate) const STATE_UNWRITABLE: Code = Code("E0509");
/// Somebody else holds the lock.
pub(crate) const LOCKED: Code = Code("E0520");
/// The lock cannot be taken at all.
pub(crate) const NO_LOCK: Code = Code("E0521");
/// A plan file cannot be trusted.
pub(crate) const PLAN_DAMAGED: Code = Code("E0601");
/// A plan file was written by a newer clinch.
pub(crate) const PLAN_NEWER: Code = Code("E0602");
/// A plan file cannot be read or written.
pub(crate) const PLAN_FILE: Code = Code("E0603");
