//! Files of which only some settings are ours.
//!
//! Others write such a file too, so each setting has an owner of its own: a record beside the
//! file ([`record`]) says which are ours and what stood there before. [`ways`] are the names of
//! settings, [`exchange`] puts a new file in the place of the old one and back.

pub(crate) mod exchange;
pub(crate) mod record;
pub(crate) mod ways;
