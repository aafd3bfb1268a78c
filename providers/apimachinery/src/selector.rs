//! Selectors: which objects a request, a policy or a service means.
//!
//! A label selector comes as text (`app=web,tier in (a,b)`) or as an object
//! (`matchLabels`, `matchExpressions`); both become one [`LabelSelector`]. A field
//! selector comes as text only.
//!
//! **Invariant:** an empty selector matches everything; there is no selector that
//! matches nothing, the caller keeps an `Option` for an absent one.

mod fields;
mod labels;

pub use fields::{FieldRequirement, FieldSelector};
pub use labels::{LabelSelector, Operator, Requirement};

/// Why a selector is not one. The text is shown to the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub String);
