//! Kinds of problems that only the planner can find.

use diags::Code;

/// The identity of an object depends on something that is not known before it is read.
pub(crate) const IDENTITY_UNKNOWN: Code = Code("E0401");
/// Two instances own one object.
pub(crate) const OWNED_TWICE: Code = Code("E0402");
/// A plan would delete what is protected.
pub(crate) const PROTECTED: Code = Code("E0403");
/// Instances need each other.
pub(crate) const CYCLE: Code = Code("E0404");
/// A data source depends on what is decided during apply.
pub(crate) const DATA_TOO_EARLY: Code = Code("E0405");
/// The state remembers an object of a type that this program does not know.
pub(crate) const UNKNOWN_TYPE: Code = Code("E0406");
/// An object was decided before it was looked at.
pub(crate) const UNSEEN: Code = Code("E0407");
/// An address that a person named means nothing.
pub(crate) const NOT_DECLARED: Code = Code("E0408");
/// What needs a replaced object may go with it.
pub(crate) const GOES_ALONG: Code = Code("E0410");
/// Only a part is planned, as requested.
pub(crate) const PARTIAL: Code = Code("E0409");
/// Objects were left out, because what they are on cannot be reached.
pub(crate) const LEFT_OUT: Code = Code("E0413");
/// What a resource manages cannot be given back.
pub(crate) const NO_RELEASE: Code = Code("E0411");
/// An object that is to be given back instead of deleted would be replaced.
pub(crate) const KEPT: Code = Code("E0412");
/// A `rollout` block says something that it cannot mean.
pub(crate) const BAD_ROLLOUT: Code = Code("E0414");
/// What is to be imported is not there, or another object is meant.
pub(crate) const BAD_IMPORT: Code = Code("E0420");
/// Two `rollout` blocks select one node.
pub(crate) const SELECTED_TWICE: Code = Code("E0415");
/// A `rollout` block names a node that there is not.
pub(crate) const NO_SUCH_NODE: Code = Code("E0416");
/// A `rollout` block selects no node.
pub(crate) const SELECTS_NOTHING: Code = Code("E0417");
/// Whether there are the nodes that a `rollout` block names is not known.
pub(crate) const NODES_UNSEEN: Code = Code("E0418");
/// An object that is replaced by one of the same name is to be created before it is deleted.
pub(crate) const ONE_NAME: Code = Code("E0430");
/// The old object of a replacement needs what is deleted before the new one can be created.
pub(crate) const NEEDED_BY_OLD: Code = Code("E0431");
