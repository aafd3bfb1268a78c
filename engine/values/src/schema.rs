//! What a resource type may contain, and what each argument costs to change.

use crate::{Type, Value};
use std::fmt;

/// How much a change disturbs what runs, from nothing to a reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Disruption {
    /// Nothing that runs notices.
    #[default]
    Quiet,
    /// A process reads its configuration again.
    Reload,
    /// A process of the node restarts.
    Restart,
    /// Pods leave the node first.
    Drain,
    /// The host restarts.
    Reboot,
}

impl fmt::Display for Disruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quiet => "none",
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Drain => "drain",
            Self::Reboot => "reboot",
        })
    }
}

/// Who decides an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The configuration must, and it says which object is meant; known before anything is
    /// read, and never changed in place.
    Identity,
    /// As [`Role::Identity`], but may be left out; the value is then this one.
    IdentityOr(Value),
    /// The configuration must.
    Required,
    /// The configuration may; when left out nothing is managed.
    Optional,
    /// The configuration may; when left out it is this value.
    Default(Value),
    /// The world does; it can only be referred to.
    Computed,
}

/// One argument or exported attribute of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attr {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// Who decides it.
    pub role: Role,
    /// What changing it costs.
    pub cost: Disruption,
    /// Whether its value is never printed.
    pub sensitive: bool,
    /// Whether it is written as nested blocks: `limit { ... }`, once for each item when the
    /// type is a list, once when it is an object. The name of the block is the attribute's.
    pub block: bool,
    /// One or two sentences with units, range and effect, for the reference page.
    pub doc: &'static str,
}

impl Attr {
    /// An argument that is not sensitive, not a block, and quiet to change.
    pub fn new(name: &'static str, ty: Type, role: Role, doc: &'static str) -> Self {
        Self { name, ty, role, cost: Disruption::Quiet, sensitive: false, block: false, doc }
    }

    /// Written as nested blocks.
    #[must_use]
    pub fn as_block(mut self) -> Self {
        self.block = true;
        self
    }

    /// Never printed.
    #[must_use]
    pub fn as_sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// What changing it costs.
    #[must_use]
    pub fn costing(mut self, cost: Disruption) -> Self {
        self.cost = cost;
        self
    }

    /// Whether the configuration may set it.
    pub fn is_argument(&self) -> bool {
        self.role != Role::Computed
    }

    /// Whether it says which object is meant.
    pub fn is_identity(&self) -> bool {
        matches!(self.role, Role::Identity | Role::IdentityOr(_))
    }
}

/// What a resource type or data source may contain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// In the order of the reference page.
    pub attrs: Vec<Attr>,
}

impl Schema {
    /// Of these attributes.
    pub fn new(attrs: Vec<Attr>) -> Self {
        Self { attrs }
    }

    /// The attribute of this name.
    pub fn attr(&self, name: &str) -> Option<&Attr> {
        self.attrs.iter().find(|a| a.name == name)
    }
}
