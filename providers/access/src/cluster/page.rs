//! A page of a list as it came, and the objects in it, each read as far as somebody wants it.

use super::Resource;
use crate::json::Reader;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use values::Value;

/// One object of a list, as text that is not read yet.
pub struct Item<'a> {
    text: &'a RawValue,
    resource: &'a Resource,
}

/// A page as it came.
pub(super) struct Page<'a> {
    pub(super) metadata: Meta,
    items: Items<'a>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    metadata: Option<Meta>,
    #[serde(borrow, default, deserialize_with = "given")]
    items: Option<Items<'a>>,
}

/// What is there, even if it is null.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Items<'de>>, D::Error> {
    from.deserialize_any(AnyItems).map(Some)
}

#[derive(Deserialize)]
pub(super) struct Meta {
    #[serde(default, rename = "continue")]
    more: String,
    #[serde(default, rename = "resourceVersion")]
    pub(super) resource_version: String,
    #[serde(default, rename = "remainingItemCount")]
    pub(super) remaining: u64,
}

/// The texts of the objects, found by going over the page once.
enum Items<'a> {
    List(Vec<&'a RawValue>),
    NoList,
}

struct AnyItems;

impl<'de> Visitor<'de> for AnyItems {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Items::List(all))
    }
    fn visit_unit<E>(self) -> Result<Items<'de>, E> {
        // Go writes an empty list that was never made as null.
        Ok(Items::List(Vec::new()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Items<'de>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Items::NoList)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Items<'de>, E> {
        Ok(Items::NoList)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Items<'de>, E> {
        Ok(Items::NoList)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Items<'de>, E> {
        Ok(Items::NoList)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Items<'de>, E> {
        Ok(Items::NoList)
    }
    fn visit_str<E>(self, _: &str) -> Result<Items<'de>, E> {
        Ok(Items::NoList)
    }
}

impl Page<'_> {
    /// Where the next page begins; empty when there is none.
    pub(super) fn more(&self) -> &str {
        &self.metadata.more
    }
}

pub(super) fn read(body: &[u8]) -> Result<Page<'_>, String> {
    let head: Head<'_> = serde_json::from_slice(body).map_err(|e| super::not_json(body, &e))?;
    let kind = head.kind.unwrap_or_default();
    if !kind.ends_with("List") {
        return Err(format!("is no list but {}", crate::text::clean(&format!("`{kind}`"))));
    }
    Ok(Page {
        metadata: head.metadata.ok_or("is a list without metadata")?,
        items: head.items.ok_or("is a list without items")?,
    })
}

pub(super) fn keep_of<T>(
    page: &Page<'_>,
    resource: &Resource,
    keep: &impl Fn(Item<'_>) -> Result<Option<T>, String>,
) -> Result<Vec<T>, String> {
    let Items::List(items) = &page.items else {
        return Err("is a list whose items are no list".to_owned());
    };
    items.iter().filter_map(|text| keep(Item { text, resource }).transpose()).collect()
}

impl Item<'_> {
    /// Namespace (empty for none) and name.
    pub fn key(&self) -> Result<(String, String), String> {
        let mut key = Key { namespaced: self.resource.namespaced, ..Key::default() };
        let mut json = serde_json::Deserializer::from_str(self.text.get());
        let read = Look { key: &mut key, inside: false }.deserialize(&mut json);
        match (read, key) {
            // What broke off because there is no need to read on is no mistake.
            (_, Key { name: Some(name), namespace: Some(namespace), .. }) => Ok((namespace, name)),
            (_, Key { name: Some(name), namespaced: false, .. })
            | (Ok(()), Key { name: Some(name), .. }) => Ok((String::new(), name)),
            (Ok(()) | Err(_), _) => Err("is a list with an item that has no name".to_owned()),
        }
    }

    /// The whole object. Items of a list of a built-in kind do not repeat what they are.
    pub fn json(&self) -> Result<Json, String> {
        self.key()?;
        let mut json: Json = serde_json::from_str(self.text.get()).map_err(|e| self.broken(&e))?;
        let map = json.as_object_mut().ok_or("is a list with an item that is no object")?;
        map.entry("apiVersion").or_insert_with(|| self.resource.api_version.as_str().into());
        map.entry("kind").or_insert_with(|| self.resource.kind.as_str().into());
        Ok(json)
    }

    /// The same as a value.
    pub fn value(&self, reader: &Reader) -> Result<Value, String> {
        let what = [
            ("apiVersion", self.resource.api_version.as_str()),
            ("kind", self.resource.kind.as_str()),
        ];
        let value = reader.read_with(self.text.get(), &what).map_err(|e| self.broken(&e))?;
        match value {
            Value::Map(_) => Ok(value),
            _ => Err("is a list with an item that is no object".to_owned()),
        }
    }

    fn broken(&self, error: &serde_json::Error) -> String {
        let kind = &self.resource.kind;
        format!("has an item (`{kind}`) that cannot be read (column {})", error.column())
    }
}

/// What an object is called. A server writes that first, and most of the text comes behind it.
#[derive(Default)]
struct Key {
    namespaced: bool,
    namespace: Option<String>,
    name: Option<String>,
}

impl Key {
    fn is_complete(&self) -> bool {
        self.name.is_some() && (self.namespace.is_some() || !self.namespaced)
    }
}

/// Looks for the key of an object, and breaks off when it is found.
struct Look<'k> {
    key: &'k mut Key,
    /// Whether this is in the metadata already.
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(name) = entries.next_key::<String>()? {
            match (self.inside, name.as_str()) {
                (false, "metadata") => {
                    entries.next_value_seed(Look { key: &mut *self.key, inside: true })?;
                }
                (true, "name") => self.key.name = Some(entries.next_value()?),
                (true, "namespace") => self.key.namespace = Some(entries.next_value()?),
                (true | false, _) => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
            if self.key.is_complete() {
                return Err(A::Error::custom("the rest is not looked at"));
            }
        }
        Ok(())
    }
}
