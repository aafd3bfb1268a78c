//! What changes, for one instance.

use crate::{Guard, Identity};
use addrs::{InstanceAddr, Scope};
use values::{Disruption, Path, Value};

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Nothing: proven equal.
    NoOp,
    /// It does not exist and will.
    Create,
    /// Some of it changes in place.
    Update,
    /// It is deleted and created anew; in the other order where [`Change::create_first`] says so.
    Replace,
    /// It is deleted.
    Delete,
    /// It is no longer managed, and stays as it is.
    Forget,
}

impl Action {
    /// Whether anything is done.
    pub fn is_change(self) -> bool {
        self != Self::NoOp
    }
}

/// Why something happens that the configuration does not plainly say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The block is gone: `(because X is not in configuration)`.
    NotInConfiguration,
    /// The key is gone from `for_each`.
    KeyGone,
    /// The index is beyond `count`.
    IndexGone,
    /// `enabled` is false, of its block or of a module that it is in.
    Disabled,
    /// The whole configuration is being destroyed.
    Destroy,
    /// These arguments cannot be changed in place.
    CannotUpdate(Vec<Path>),
    /// A person asked for it.
    Requested,
    /// What `replace_triggered_by` names changes; the reference as it is written.
    Triggered(String),
}

/// Where the picture of the object after the change comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Proven from what was read: nothing can change.
    Proven,
    /// The server was asked and answered.
    Server,
    /// Compared here, completely: the object is a file or a value that only clinch defaults.
    Local,
    /// Not verified by the server until apply; why.
    Unverified(String),
    /// Predicted here, because the server may not be asked by whoever plans; why.
    Predicted(String),
}

/// Whether the world moved or the configuration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The configuration asks for something that was not applied yet.
    Pending,
    /// What was applied is no longer so.
    Drift,
}

/// Something to know about a change: an owner, an excess, a default that will be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The part concerned; the root when it is the whole.
    pub path: Path,
    /// One line, without sensitive values.
    pub text: String,
}

/// All that happens to one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which instance.
    pub addr: InstanceAddr,
    /// Which object.
    pub identity: Identity,
    /// What is taken out of service for it, if anything.
    pub scope: Scope,
    /// What is done.
    pub action: Action,
    /// Whether the new object of a replacement is there before the old one goes.
    pub create_first: bool,
    /// Why, when that is not plain.
    pub reason: Option<Reason>,
    /// What it costs.
    pub disruption: Disruption,
    /// The object as it is, as people see it; `None` when it does not exist.
    pub before: Option<Value>,
    /// The object as it will be; `None` when it will not exist.
    pub after: Option<Value>,
    /// Where `after` comes from.
    pub basis: Basis,
    /// Whether the world moved or the configuration did.
    pub origin: Origin,
    /// Things to know.
    pub notes: Vec<Note>,
    /// What must be allowed by name before it happens; nothing of a plan is done otherwise.
    pub blocked: Vec<Guard>,
}

/// What happens to an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// What the state remembers.
    pub before: Option<Value>,
    /// What it will be.
    pub after: Option<Value>,
}

impl OutputChange {
    /// Whether it differs. A secret is not remembered, only that there was one; beside such a
    /// memory the secret of today counts as the same, or no second plan would ever be empty.
    pub fn is_change(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(Value::Sensitive(before)), Some(Value::Sensitive(after)))
                if !before.expose().is_known() && after.expose().is_known() =>
            {
                false
            }
            (before, after) => before != after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use values::Type;

    #[test]
    fn secret_output_is_not_a_change_beside_the_memory_that_there_was_one() {
        let output = |before, after| OutputChange { name: "token".to_owned(), before, after };
        let remembered = || Some(Value::Unknown(Type::Any).into_sensitive());
        let secret = |text: &str| Some(Value::string(text).into_sensitive());
        assert!(!output(remembered(), secret("a")).is_change());
        assert!(output(secret("a"), secret("b")).is_change());
        assert!(output(None, secret("a")).is_change());
        assert!(output(remembered(), None).is_change());
        assert!(output(remembered(), Some(Value::string("a"))).is_change());
    }
}
