//! Server-side apply: who owns which field, and what an apply makes of an object.
//!
//! This module answers: *given the live object, its owners and a new configuration,
//! what is the new object and who owns what afterwards?* It follows the published
//! semantics of structured merge: sets of paths per manager, lists that are maps or
//! sets by their type, conflicts, and removal of what nobody claims any more.
//!
//! Start reading at [`updater`] (one request's effect), then [`managers`] (the
//! `managedFields` of an object). [`typed`] walks values by their type; [`set`] and
//! [`path`] are the sets of paths.
//!
//! **Invariant:** pure functions; time is given.

pub(crate) mod managers;
pub(crate) mod path;
pub(crate) mod set;
pub(crate) mod typed;
pub(crate) mod updater;
