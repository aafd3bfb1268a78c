//! Data of the language: values of which any part may be *unknown* or *sensitive*.
//!
//! This crate answers one question: *what can an argument be?* Start reading at [`Value`],
//! then [`Type`] (what it should be), [`Schema`] (what a resource type may contain),
//! [`conform()`] (making one fit the other) and [`diff()`] (what differs).
//!
//! **Invariant:** a value that is [`Value::Sensitive`] is printed nowhere: its `Debug` says
//! `(sensitive value)`, and code that forgets to look inside meets a value of the wrong
//! type instead of a secret.
//!
//! **Invariant:** maps are ordered by key, so equal values print equally.
//!
//! **Not here:** evaluation (`lang`), rendering for people (`view`), JSON (`schemas`).

mod conform;
mod diff;
mod number;
mod path;
mod schema;
mod types;
mod value;

pub use conform::{Mismatch, conform};
pub use diff::{Diff, ItemKey, diff, hide_alike};
pub use number::{BadNumber, Number};
pub use path::{Path, Step};
pub use schema::{Attr, Disruption, Role, Schema};
pub use types::{ObjectAttr, Type};
pub use value::{Map, Sensitive, Value, entry};
