//! Addresses of resources and of their instances.

use crate::{Ident, TypeName};
use std::fmt;
use std::sync::Arc;

/// Whether a block manages a thing or only reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `resource`.
    Managed,
    /// `data`.
    Data,
}

/// Which of a resource's instances: none, `[0]` or `["key"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum InstanceKey {
    /// Neither `count` nor `for_each`.
    #[default]
    None,
    /// From `count`.
    Index(u64),
    /// From `for_each`.
    Key(Arc<str>),
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Index(i) => write!(f, "[{i}]"),
            Self::Key(key) => {
                f.write_str("[\"")?;
                for c in key.chars() {
                    match c {
                        '"' => f.write_str("\\\"")?,
                        '\\' => f.write_str("\\\\")?,
                        '\n' => f.write_str("\\n")?,
                        '\r' => f.write_str("\\r")?,
                        '\t' => f.write_str("\\t")?,
                        c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"]")
            }
        }
    }
}

/// The module that a block stands in, by the names of the calls; empty is the root.
pub type ModulePath = Vec<Ident>;

/// One instance of a module: each call with its key; empty is the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ModuleInstance(pub Vec<(Ident, InstanceKey)>);

impl ModuleInstance {
    /// The root module.
    pub fn root() -> Self {
        Self::default()
    }

    /// The same place without keys.
    pub fn path(&self) -> ModulePath {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// An instance of a module called from this one.
    #[must_use]
    pub fn child(&self, name: Ident, key: InstanceKey) -> Self {
        let mut steps = self.0.clone();
        steps.push((name, key));
        Self(steps)
    }
}

impl fmt::Display for ModuleInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, key)) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            write!(f, "{dot}module.{name}{key}")?;
        }
        Ok(())
    }
}

/// Address of a block: `resource_quota.team`, `data.nodes.all`, `module.a.config_map.b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceAddr {
    /// The module that the block stands in.
    pub module: ModulePath,
    /// `resource` or `data`.
    pub mode: Mode,
    /// The first label.
    pub ty: TypeName,
    /// The second label.
    pub name: Ident,
}

impl ResourceAddr {
    /// One instance of this resource.
    pub fn instance(&self, module: ModuleInstance, key: InstanceKey) -> InstanceAddr {
        InstanceAddr { module, mode: self.mode, ty: self.ty.clone(), name: self.name.clone(), key }
    }
}

impl fmt::Display for ResourceAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.module {
            write!(f, "module.{name}.")?;
        }
        let data = if self.mode == Mode::Data { "data." } else { "" };
        write!(f, "{data}{}.{}", self.ty, self.name)
    }
}

/// Address of one instance: `resource_quota.team["a"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceAddr {
    /// The instance of the module that it stands in.
    pub module: ModuleInstance,
    /// `resource` or `data`.
    pub mode: Mode,
    /// The first label.
    pub ty: TypeName,
    /// The second label.
    pub name: Ident,
    /// Which instance.
    pub key: InstanceKey,
}

impl InstanceAddr {
    /// The block that this is an instance of.
    pub fn resource(&self) -> ResourceAddr {
        ResourceAddr {
            module: self.module.path(),
            mode: self.mode,
            ty: self.ty.clone(),
            name: self.name.clone(),
        }
    }
}

impl fmt::Display for InstanceAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.0.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        let data = if self.mode == Mode::Data { "data." } else { "" };
        write!(f, "{data}{}.{}{}", self.ty, self.name, self.key)
    }
}
