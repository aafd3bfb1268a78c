//! Exit codes that scripts rely on.

/// Nothing to do, or all done.
pub(crate) const DONE: u8 = 0;
/// Failed.
pub(crate) const FAILED: u8 = 1;
/// Differences were found (`plan -detailed-exitcode`, `drift`).
pub(crate) const DIFFERENT: u8 = 2;
/// Files are not in canonical layout (`fmt -check`).
pub(crate) const NOT_FORMATTED: u8 = 3;
/// Interrupted by `SIGINT`.
pub(crate) const INTERRUPTED: u8 = 130;
/// Interrupted by `SIGTERM`.
pub(crate) const TERMINATED: u8 = 143;
