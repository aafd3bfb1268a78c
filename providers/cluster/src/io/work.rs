//! What an operation does, by its name.

use super::object::broken;
use crate::api::several;
use plans::{Op, Problem};

/// Every operation that there is. Whoever does, previews, settles or asks about one says so for
/// each of them, so that a new one is forgotten nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Applies an object.
    Apply,
    /// Applies nothing over an object, which gives it back.
    Release,
    /// Deletes an object.
    Delete,
    /// Sets a capacity of a node.
    SetCapacity,
    /// Takes it away.
    UnsetCapacity,
    /// Changes labels, annotations and taints of a node.
    SetNode,
    /// Changes one text of a `ConfigMap`.
    SetText,
    /// Asks about several operations, and is never performed.
    Several,
}

impl Work {
    pub(super) fn of(op: &Op) -> Result<Self, Problem> {
        Ok(match op.name.as_str() {
            "apply" => Self::Apply,
            "release" => Self::Release,
            "delete" => Self::Delete,
            "set_capacity" => Self::SetCapacity,
            "unset_capacity" => Self::UnsetCapacity,
            "set_node" => Self::SetNode,
            "set_text" => Self::SetText,
            several::NAME => Self::Several,
            other => return Err(broken(format!("There is no operation `{other}`."))),
        })
    }
}
