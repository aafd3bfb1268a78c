//! Names that hold for a part of an expression only.

use addrs::Ident;
use values::Value;

/// Names that a `for` binds, and the item of a splat, innermost first.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'s> {
    Empty,
    Bound {
        name: &'s Ident,
        value: &'s Value,
        outer: &'s Scope<'s>,
    },
    Item {
        value: &'s Value,
        outer: &'s Scope<'s>,
    },
    /// All that a template was given.
    Vars {
        map: &'s values::Map,
    },
}

impl Scope<'_> {
    pub(crate) fn find(&self, wanted: &Ident) -> Option<&Value> {
        let mut scope = self;
        loop {
            match scope {
                Scope::Empty => return None,
                Scope::Vars { map } => return map.get(wanted.as_str()),
                Scope::Bound { name, value, .. } if *name == wanted => return Some(value),
                Scope::Bound { outer, .. } | Scope::Item { outer, .. } => scope = outer,
            }
        }
    }

    pub(crate) fn item(&self) -> Option<&Value> {
        let mut scope = self;
        loop {
            match scope {
                Scope::Empty | Scope::Vars { .. } => return None,
                Scope::Item { value, .. } => return Some(value),
                Scope::Bound { outer, .. } => scope = outer,
            }
        }
    }
}
