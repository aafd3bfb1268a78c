//! Maps that are read into a list: in the order of the text, without being sorted first. Whether a
//! key stands twice was looked at before ([`crate::strict`]).

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
    entries: &[(K, V)],
    out: S,
) -> Result<S::Ok, S::Error> {
    out.collect_map(entries.iter().map(|(key, value)| (key, value)))
}

pub(crate) fn deserialize<'de, K, V, D>(json: D) -> Result<Vec<(K, V)>, D::Error>
where
    K: Deserialize<'de>,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    json.deserialize_map(Entries(PhantomData))
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = Vec<(K, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
