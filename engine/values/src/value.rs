//! The value itself.

use crate::{Number, Path, Step, Type};
use litemap::LiteMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Attributes of an object or entries of a map, ordered by name.
pub type Map = LiteMap<Arc<str>, Value>;

/// Data of the language. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing given.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An exact decimal number.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// A list or a tuple.
    List(Arc<Vec<Value>>),
    /// An object or a map.
    Map(Arc<Map>),
    /// Decided during apply; of this type once it is known.
    Unknown(Type),
    /// Known, but never printed.
    Sensitive(Sensitive),
}

/// A value that is printed nowhere.
///
/// Never nested directly in another [`Sensitive`]; [`Value::into_sensitive`] keeps that.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive(Arc<Value>);

impl Sensitive {
    /// The hidden value. Whatever is computed from it must be made sensitive again.
    pub fn expose(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive value)")
    }
}

impl Value {
    /// A text.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list of these.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// An object of these.
    pub fn map<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let entries = entries.into_iter();
        let mut map = Map::with_capacity(entries.size_hint().0);
        map.extend(entries.map(|(k, v)| (k.into(), v)));
        Self::Map(Arc::new(map))
    }

    /// The empty object.
    pub fn empty_map() -> Self {
        static EMPTY: LazyLock<Arc<Map>> = LazyLock::new(Arc::default);
        Self::Map(EMPTY.clone())
    }

    /// The same value, hidden. A sensitive value stays as it is.
    #[must_use]
    pub fn into_sensitive(self) -> Self {
        match self {
            Self::Sensitive(_) => self,
            value => Self::Sensitive(Sensitive(Arc::new(value))),
        }
    }

    /// The text, if this is a known text that is not sensitive.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth, if this is one that is not sensitive.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The number, if this is one that is not sensitive.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(n) => Some(n),
            _ => None,
        }
    }

    /// The items, if this is a list that is not sensitive as a whole.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if this is an object that is not sensitive as a whole.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// An attribute of an object; `None` when absent or when this is no object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map().and_then(|map| entry(map, name))
    }

    /// What stands at the path, looking through nothing that is sensitive.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.steps().iter().try_fold(self, |value, step| match step {
            Step::Attr(name) => value.get(name),
            Step::Index(i) => value.as_list()?.get(*i),
            Step::Item(key) => value.as_list()?.iter().find(|item| key.matches(item)),
        })
    }

    /// Whether this is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether no part is unknown.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::List(items) => items.iter().all(Value::is_known),
            Self::Map(map) => map.values().all(Value::is_known),
            Self::Sensitive(inner) => inner.expose().is_known(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// Whether any part is sensitive.
    pub fn has_sensitive(&self) -> bool {
        match self {
            Self::Sensitive(_) => true,
            Self::List(items) => items.iter().any(Value::has_sensitive),
            Self::Map(map) => map.values().any(Value::has_sensitive),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Unknown(_) => {
                false
            }
        }
    }

    /// The same value with every mark taken off, and whether there was one.
    ///
    /// For what leaves the process to where the secret belongs (a request to the API
    /// server, a file on a host), and for functions that put the mark back on the result.
    #[must_use]
    pub fn exposed(&self) -> (Value, bool) {
        if !self.has_sensitive() {
            return (self.clone(), false);
        }
        (self.without_marks(), true)
    }

    fn without_marks(&self) -> Value {
        match self {
            Self::Sensitive(inner) => inner.expose().without_marks(),
            Self::List(items) => Self::list(items.iter().map(Value::without_marks)),
            Self::Map(map) => Self::map(map.iter().map(|(k, v)| (k.clone(), v.without_marks()))),
            other => other.clone(),
        }
    }

    /// The name of the kind of value, as messages use it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "object",
            Self::Unknown(_) => "a value known after apply",
            Self::Sensitive(_) => "a sensitive value",
        }
    }
}

/// The entry of this name. Most objects have few attributes, and most of these have names of
/// other lengths: to go through them all takes less than to compare the texts of some.
pub fn entry<'a>(map: &'a Map, name: &str) -> Option<&'a Value> {
    const FEW: usize = 16;
    if map.len() > FEW {
        return map.get(name);
    }
    map.iter().find(|(other, _)| ***other == *name).map(|(_, value)| value)
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{n}"),
            Self::String(s) => write!(f, "{s:?}"),
            Self::List(items) => f.debug_list().entries(items.iter()).finish(),
            Self::Map(map) => f.debug_map().entries(map.iter()).finish(),
            Self::Unknown(_) => f.write_str("(known after apply)"),
            Self::Sensitive(s) => s.fmt(f),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Number(n.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_value_is_hidden_in_debug_at_any_depth() {
        let secret = Value::string("hunter2").into_sensitive();
        let value = Value::map([("list", Value::list([secret]))]);
        assert_eq!(format!("{value:?}"), r#"{"list": [(sensitive value)]}"#);
        assert!(!format!("{value:#?}").contains("hunter2"));
    }

    #[test]
    fn a_value_is_three_words_and_no_more() {
        // Ten thousand objects are a million of them.
        assert_eq!(size_of::<Value>(), 3 * size_of::<usize>());
    }

    #[test]
    fn an_attribute_is_found_in_an_object_of_any_size() {
        for size in [0, 1, 16, 17, 100] {
            let object = Value::map((0..size).map(|i| (format!("n{i}"), Value::from(i))));
            let found = (-1..=size).map(|i| object.get(&format!("n{i}")).cloned());
            let wanted = (-1..=size).map(|i| (0..size).contains(&i).then(|| Value::from(i)));
            assert!(found.eq(wanted), "{size}");
        }
    }

    #[test]
    fn accessors_do_not_look_inside_a_sensitive_value() {
        let secret = Value::string("hunter2").into_sensitive();
        assert_eq!(secret.as_str(), None);
        assert_eq!(secret.clone().into_sensitive(), secret);
        assert_eq!(secret.exposed(), (Value::string("hunter2"), true));
    }
}
