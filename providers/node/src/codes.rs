//! The kinds of problems that this crate reports.

use diags::Code;

/// A name does not say which host or file is meant.
pub const IDENTITY: Code = Code("E0760");
/// A kernel module cannot have this name.
pub const MODULE: Code = Code("E0761");
/// A file exists and is not ours.
pub const NOT_OURS: Code = Code("E0762");
/// A file belongs to another project.
pub const OTHER_PROJECT: Code = Code("E0763");
/// An operation is not one that hosts know.
pub const STRANGE: Code = Code("E0764");
