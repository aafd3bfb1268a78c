//! Addresses that blocks name.

use crate::tree::Expr;
use addrs::{Ident, InstanceAddr, InstanceKey, Mode, ModulePath};
use diags::Span;
use std::fmt;

/// What `moved`, `removed` and `import` name: a module, a resource, or one instance of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Where.
    pub span: Span,
    /// The calls on the way, from the module that the block stands in; without a key all
    /// instances are meant.
    pub modules: Vec<(Ident, Option<InstanceKey>)>,
    /// The resource in the last of them; the module itself without one.
    pub resource: Option<NamedResource>,
}

/// A resource of a [`Named`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResource {
    /// Whether it is read only.
    pub mode: Mode,
    /// Its type.
    pub ty: Ident,
    /// Its name.
    pub name: Ident,
    /// One instance; all of them without one.
    pub key: Option<InstanceKey>,
}

/// `moved { from, to }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The header of the block.
    pub span: Span,
    /// The address before.
    pub from: Named,
    /// The address now.
    pub to: Named,
}

/// `removed { from, lifecycle { destroy } }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The header of the block.
    pub span: Span,
    /// What is declared no more.
    pub from: Named,
    /// Whether its objects are deleted rather than forgotten.
    pub destroy: bool,
}

/// `import { for_each, to, id }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The header of the block.
    pub span: Span,
    /// Whose object exists already, without the keys that are expressions.
    pub to: Named,
    /// Keys in `to` that are expressions.
    pub keys: Vec<LateKey>,
    /// One import for each of these.
    pub for_each: Option<Expr>,
    /// Which object that is, as a person calls it.
    pub id: Option<Expr>,
}

/// A key of a [`Named`] that is an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateKey {
    /// The call that has it, by its position; the resource itself without one.
    pub call: Option<usize>,
    /// What it is.
    pub value: Expr,
}

impl Named {
    /// Whether this is the same address, wherever it stands.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.modules == other.modules && self.resource == other.resource
    }

    /// Whether it names one instance only.
    pub(crate) fn has_key(&self) -> bool {
        self.modules.iter().any(|(_, key)| key.is_some())
            || self.resource.as_ref().is_some_and(|resource| resource.key.is_some())
    }

    /// Whether both name the same block, with whatever keys.
    pub fn is_within(&self, other: &Self) -> bool {
        let plain = |named: &Self| {
            let modules: Vec<Ident> = named.modules.iter().map(|(name, _)| name.clone()).collect();
            let resource = named.resource.clone();
            (modules, resource.map(|r| (r.mode, r.ty, r.name)))
        };
        plain(self) == plain(other)
    }

    /// Whether an instance is meant by this name in a module: itself, or all that a part of its
    /// address names.
    pub fn covers(&self, within: &ModulePath, addr: &InstanceAddr) -> bool {
        let fits = |wanted: &Option<InstanceKey>, key: &InstanceKey| {
            wanted.as_ref().is_none_or(|wanted| wanted == key)
        };
        let steps = &addr.module.0;
        let Some((outer, inner)) = steps.split_at_checked(within.len()) else { return false };
        let here = outer.iter().map(|(name, _)| name).eq(within);
        if !here || inner.len() < self.modules.len() {
            return false;
        }
        let mut pairs = self.modules.iter().zip(inner);
        if !pairs.all(|((name, wanted), (is, key))| name == is && fits(wanted, key)) {
            return false;
        }
        match &self.resource {
            None => true,
            Some(resource) => {
                inner.len() == self.modules.len()
                    && resource.mode == addr.mode
                    && resource.ty == addr.ty
                    && resource.name == addr.name
                    && fits(&resource.key, &addr.key)
            }
        }
    }

    /// The path of the module that it names or that its resource is in.
    pub fn module(&self, within: &ModulePath) -> ModulePath {
        within.iter().chain(self.modules.iter().map(|(name, _)| name)).cloned().collect()
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for (name, key) in &self.modules {
            write!(f, "{dot}module.{name}")?;
            if let Some(key) = key {
                write!(f, "{key}")?;
            }
            dot = ".";
        }
        let Some(resource) = &self.resource else { return Ok(()) };
        let data = if resource.mode == Mode::Data { "data." } else { "" };
        write!(f, "{dot}{data}{}.{}", resource.ty, resource.name)?;
        match &resource.key {
            Some(key) => write!(f, "{key}"),
            None => Ok(()),
        }
    }
}
