//! Identifiers of the language.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An HCL identifier: a letter or `_`, then letters, digits, `_` or `-`.
///
/// Letters are those of Unicode (`ID_Start`), as in the HCL specification.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Arc<str>);

/// A text that is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnIdent(pub String);

impl fmt::Display for NotAnIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an identifier", self.0)
    }
}

impl std::error::Error for NotAnIdent {}

impl Ident {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl FromStr for Ident {
    type Err = NotAnIdent;
    fn from_str(text: &str) -> Result<Self, NotAnIdent> {
        let start = |c: char| c.is_alphabetic() || c == '_';
        let rest = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if text.starts_with(start) && text.chars().all(rest) {
            return Ok(Self(text.into()));
        }
        Err(NotAnIdent(text.to_owned()))
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Ident {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Ident {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Ident {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

/// The type of a resource or data source: `kubelet_config`.
pub type TypeName = Ident;
