//! Objects as the server holds them, as it writes them, and as clients send them in protobuf.
//!
//! [`decode`] turns JSON that somebody sent into the normal form in which the rest of
//! the sandbox works: unknown fields are gone (and reported), quantities are canonical,
//! what cannot be told from absent is absent; an empty list is still different from no
//! list. [`encode`] writes that form as the real server does: empty things left out
//! where its types say so, zero values written where they say so.
//!
//! **Invariant:** `decode(encode(x))` has no complaints, and `encode` is idempotent
//! through it.

mod decode;
mod encode;
mod protobuf;
mod scalar;

pub(crate) use decode::{DecodeError, decode};
pub(crate) use encode::{encode, encode_stored};
pub(crate) use protobuf::read as read_protobuf;
