//! JSON read without believing too much.
//!
//! `serde_json` keeps the last of two equal keys and allows 128 levels. Everything stored
//! passes through [`check`] before it is decoded.

use crate::ReadError;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The most levels of arrays and objects in a stored text.
pub const MAX_DEPTH: usize = 64;

/// The largest stored text.
pub const MAX_BYTES: usize = 256 << 20;

/// Refuses what is not one JSON value, or has two equal keys in one object, or is too deep.
pub(crate) fn check(text: &str) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut keys = Vec::new();
    let check = Check { depth: 0, keys: &mut keys };
    let checked = check.deserialize(&mut json).and_then(|()| json.end());
    checked.map_err(|error| not_json(&error))
}

/// The text of bytes that may be anything.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    std::str::from_utf8(bytes).map_err(|error| ReadError::NotText(error.valid_up_to()))
}

/// Without the place that `serde_json` adds to its words: it stands in fields of its own.
pub(crate) fn not_json(error: &serde_json::Error) -> ReadError {
    let (line, column) = (error.line(), error.column());
    let words = error.to_string();
    let why = words.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&words);
    ReadError::NotJson { why: why.to_owned(), line, column }
}

struct Check<'k, 'de> {
    depth: usize,
    /// The keys of the objects around this place, as they stand in the text.
    keys: &'k mut Vec<Cow<'de, str>>,
}

impl<'de> DeserializeSeed<'de> for Check<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Check<'_, 'de> {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("it is nested more than {MAX_DEPTH} levels deep")));
        }
        Ok(self.depth + 1)
    }

    fn inside(&mut self, depth: usize) -> Check<'_, 'de> {
        Check { depth, keys: &mut *self.keys }
    }
}

impl<'de> Visitor<'de> for Check<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        while seq.next_element_seed(self.inside(depth))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let first = self.keys.len();
        // What clinch writes is mostly sorted, and then each key is compared with one other.
        let mut sorted = true;
        while let Some(key) = map.next_key_seed(Key)? {
            sorted &= self.keys[first..].last().is_none_or(|before| *before < key);
            self.keys.push(key);
            map.next_value_seed(self.inside(depth))?;
        }
        if !sorted {
            self.keys[first..].sort_unstable();
            if self.keys[first..].windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(A::Error::custom("a key stands twice in one object"));
            }
        }
        self.keys.truncate(first);
        Ok(())
    }
}

/// A key, without a copy of it where it stands in the text as it is.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cow<'de, str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
