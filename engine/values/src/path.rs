//! Ways into a value.

use crate::Value;
use crate::diff::ItemKey;
use std::fmt;
use std::sync::Arc;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An attribute of an object or an entry of a map.
    Attr(Arc<str>),
    /// A position in a list.
    Index(usize),
    /// The item of a list that has this key: `containers["app"]`.
    Item(ItemKey),
}

/// A way into a value: `spec.limits[0].max.memory`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The value itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// From names joined by dots, for paths known to the program: `Path::of("spec.hard")`.
    pub fn of(names: &str) -> Self {
        Self(names.split('.').filter(|n| !n.is_empty()).map(|n| Step::Attr(n.into())).collect())
    }

    /// One attribute further.
    #[must_use]
    pub fn attr(mut self, name: &str) -> Self {
        self.0.push(Step::Attr(name.into()));
        self
    }

    /// One position further.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// One step further.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// The steps from the outside in.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether `self` is `other` or leads into it: `spec` is a prefix of `spec.hard`.
    pub fn is_prefix_of(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Attr(name) if plain(name) => {
                    write!(f, "{}{name}", if i == 0 { "" } else { "." })?;
                }
                Step::Attr(name) => write!(f, "[{:?}]", &**name)?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Item(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |v: &Value| match v {
            Value::String(s) => format!("{s:?}"),
            other => format!("{other:?}"),
        };
        match self.0.as_slice() {
            [(_, only)] => f.write_str(&text(only)),
            several => {
                for (i, (name, value)) in several.iter().enumerate() {
                    write!(f, "{}{name}={}", if i == 0 { "" } else { "," }, text(value))?;
                }
                Ok(())
            }
        }
    }
}
