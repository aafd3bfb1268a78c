//! Reading single fields of an object, with errors that name it and the place.

use super::objects::{Key, OwnerRef};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::fmt;

/// An object that cannot be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Which object: `Pod shop/web-0`.
    pub object: String,
    /// Why, as the end of a sentence: `its `spec.volumes` is no list`.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.why)
    }
}

/// An object while it is read.
pub(super) struct Reader<'a> {
    object: &'a Json,
    kind: &'static str,
}

type Read<T> = Result<T, Unreadable>;

impl<'a> Reader<'a> {
    pub(super) fn new(object: &'a Json, kind: &'static str) -> Self {
        Self { object, kind }
    }

    pub(super) fn wrong(&self, why: impl Into<String>) -> Unreadable {
        let text = |name: &str| self.object["metadata"][name].as_str().unwrap_or_default();
        let key = Key::new(text("namespace"), text("name"));
        let named = if key.name.is_empty() { "without a name".to_owned() } else { key.to_string() };
        Unreadable {
            object: access::text::clean(&format!("{} {named}", self.kind)),
            why: access::text::clean(&why.into()),
        }
    }

    fn at(&self, path: &str) -> &'a Json {
        path.split('.').fold(self.object, |at, name| &at[name])
    }

    pub(super) fn typed<T>(
        &self,
        path: &str,
        what: &str,
        read: impl Fn(&'a Json) -> Option<T>,
    ) -> Read<Option<T>> {
        match self.at(path) {
            Json::Null => Ok(None),
            there => match read(there) {
                Some(read) => Ok(Some(read)),
                None => Err(self.wrong(format!("its `{path}` is no {what}"))),
            },
        }
    }

    pub(super) fn text(&self, path: &str) -> Read<Option<&'a str>> {
        self.typed(path, "text", Json::as_str)
    }

    pub(super) fn name(&self, path: &str) -> Read<String> {
        match self.text(path)? {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(self.wrong(format!("it has no `{path}`"))),
        }
    }

    pub(super) fn flag(&self, path: &str) -> Read<bool> {
        Ok(self.typed(path, "boolean", Json::as_bool)?.unwrap_or(false))
    }

    pub(super) fn number(&self, path: &str) -> Read<i64> {
        Ok(self.typed(path, "whole number", Json::as_i64)?.unwrap_or(0))
    }

    pub(super) fn list(&self, path: &str) -> Read<&'a [Json]> {
        Ok(self.typed(path, "list", |l| l.as_array().map(Vec::as_slice))?.unwrap_or_default())
    }

    pub(super) fn map(&self, path: &str) -> Read<Option<&'a Map<String, Json>>> {
        self.typed(path, "map", Json::as_object)
    }

    pub(super) fn texts(&self, path: &str) -> Read<BTreeMap<String, String>> {
        let entries = self.map(path)?.into_iter().flatten();
        let text = |(name, value): (&String, &Json)| match value.as_str() {
            Some(value) => Ok((name.clone(), value.to_owned())),
            None => Err(self.wrong(format!("`{name}` of its `{path}` is no text"))),
        };
        entries.map(text).collect()
    }

    pub(super) fn key(&self) -> Read<Key> {
        let namespace = self.text("metadata.namespace")?.unwrap_or_default();
        Ok(Key::new(namespace, self.name("metadata.name")?))
    }

    /// The condition of this type, when its status is true.
    pub(super) fn holds(&self, condition: &str) -> Read<bool> {
        let all = self.list("status.conditions")?.iter();
        Ok(all.into_iter().any(|one| one["type"] == condition && one["status"] == "True"))
    }

    pub(super) fn controller(&self, namespace: &str) -> Read<Option<OwnerRef>> {
        let mut all = self.list("metadata.ownerReferences")?.iter();
        let Some(owner) = all.find(|owner| owner["controller"] == true) else { return Ok(None) };
        let text = |name: &str| owner[name].as_str().filter(|text| !text.is_empty());
        let (Some(version), Some(kind), Some(name)) =
            (text("apiVersion"), text("kind"), text("name"))
        else {
            return Err(self.wrong("its controller has no `apiVersion`, `kind` or `name`"));
        };
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let key = Key::new(namespace, name);
        Ok(Some(OwnerRef { group: group.to_owned(), kind: kind.to_owned(), key }))
    }

    /// A list of maps.
    pub(super) fn maps(&self, path: &str) -> Read<Vec<&'a Json>> {
        let all = self.list(path)?.iter();
        let is_map = |one: &'a Json| match one {
            Json::Object(_) => Ok(one),
            _ => Err(self.wrong(format!("an item of its `{path}` is no map"))),
        };
        all.map(is_map).collect()
    }
}
