//! What a value should be.

use std::fmt;

/// A type of the language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectAttr {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out.
    pub optional: bool,
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
            Some(name) => ObjectAttr { name: name.to_owned(), ty, optional: true },
            None => ObjectAttr { name: name.to_owned(), ty, optional: false },
        };
        Self::Object(attrs.into_iter().map(attr).collect())
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
                    if attr.optional {
                        write!(f, "{comma}{} = optional({})", attr.name, attr.ty)?;
                    } else {
                        write!(f, "{comma}{} = {}", attr.name, attr.ty)?;
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
