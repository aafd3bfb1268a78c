//! What a value should be.

use crate::Value;
use std::fmt;

/// A type of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Anything; also what is not known yet.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(T)`.
    List(Box<Type>),
    /// `set(T)`: order does not matter, each item once.
    Set(Box<Type>),
    /// `map(T)`.
    Map(Box<Type>),
    /// `object({...})`, attributes in the order of their declaration.
    Object(Box<[ObjectAttr]>),
    /// `tuple([...])`.
    Tuple(Box<[Type]>),
}

/// An attribute of [`Type::Object`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectAttr {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is when it is left out or null, already of its type; null without one.
    pub default: Option<Value>,
}

impl Type {
    /// `list(T)`.
    pub fn list(item: Type) -> Self {
        Self::List(Box::new(item))
    }

    /// `set(T)`.
    pub fn set(item: Type) -> Self {
        Self::Set(Box::new(item))
    }

    /// `map(T)`.
    pub fn map(item: Type) -> Self {
        Self::Map(Box::new(item))
    }

    /// `object({...})`; a name that ends in `?` is optional.
    pub fn object<'a>(attrs: impl IntoIterator<Item = (&'a str, Type)>) -> Self {
        let attr = |(name, ty): (&str, Type)| match name.strip_suffix('?') {
            Some(name) => ObjectAttr { name: name.to_owned(), ty, optional: true, default: None },
            None => ObjectAttr { name: name.to_owned(), ty, optional: false, default: None },
        };
        Self::Object(attrs.into_iter().map(attr).collect())
    }

    /// The same type as values have it: what is left out was filled in when the value was made.
    #[must_use]
    pub fn without_defaults(&self) -> Self {
        let inner = |ty: &Self| Box::new(ty.without_defaults());
        match self {
            Self::Any | Self::Bool | Self::Number | Self::String => self.clone(),
            Self::List(item) => Self::List(inner(item)),
            Self::Set(item) => Self::Set(inner(item)),
            Self::Map(item) => Self::Map(inner(item)),
            Self::Tuple(items) => Self::Tuple(items.iter().map(Self::without_defaults).collect()),
            Self::Object(attrs) => {
                let plain = |attr: &ObjectAttr| ObjectAttr {
                    ty: attr.ty.without_defaults(),
                    default: None,
                    ..attr.clone()
                };
                Self::Object(attrs.iter().map(plain).collect())
            }
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(t) => write!(f, "list({t})"),
            Self::Set(t) => write!(f, "set({t})"),
            Self::Map(t) => write!(f, "map({t})"),
            Self::Object(attrs) => {
                f.write_str("object({")?;
                for (i, attr) in attrs.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    let (name, ty) = (&attr.name, &attr.ty);
                    match &attr.default {
                        Some(value) => write!(f, "{comma}{name} = optional({ty}, {value:?})")?,
                        None if attr.optional => write!(f, "{comma}{name} = optional({ty})")?,
                        None => write!(f, "{comma}{name} = {ty}")?,
                    }
                }
                f.write_str("})")
            }
            Self::Tuple(items) => {
                f.write_str("tuple([")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
        }
    }
}
