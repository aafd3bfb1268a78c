//! Names of declared things: they parse, print and sort.
//!
//! This crate answers one question: *what is this thing called?* Start reading at
//! [`InstanceAddr`]: `module.web["a"].resource_quota.team["x"]`.
//!
//! **Invariant:** an address cannot exist unparsed; [`std::str::FromStr`] reads back
//! exactly what [`std::fmt::Display`] writes.
//!
//! **Not here:** the identity of the remote object (`plans::Identity`).

mod ident;
mod instance;
mod parse;

pub use ident::{Ident, NotAnIdent, TypeName};
pub use instance::{InstanceAddr, InstanceKey, Mode, ModuleInstance, ModulePath, ResourceAddr};
pub use parse::NotAnAddress;

use std::fmt;
use std::sync::Arc;

/// What is taken out of service together: `cluster` or `node/w1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<str>);

impl Scope {
    /// The cluster as a whole: objects of the API that belong to no host.
    pub fn cluster() -> Self {
        Self("cluster".into())
    }

    /// One host, by the name of its node.
    pub fn node(name: &str) -> Self {
        Self(format!("node/{name}").into())
    }

    /// Reads back what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let is_node = text.strip_prefix("node/").is_some_and(|n| !n.is_empty());
        (text == "cluster" || is_node).then(|| Self(text.into()))
    }

    /// The node's name, when the scope is a node.
    pub fn node_name(&self) -> Option<&str> {
        self.0.strip_prefix("node/")
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
