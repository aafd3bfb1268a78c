//! Values from the texts of many objects that are alike.

use super::number;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use values::Value;

/// Reads many objects that are alike. What they have in common is read and held once for all of
/// them: names of fields, short texts such as the names of managers and namespaces, and who owns
/// which fields, which is half of the text of an object and the same for all that one program
/// applied in one shape.
#[derive(Debug, Default)]
pub struct Reader {
    known: Mutex<Known>,
}

impl Reader {
    /// The value that this text is. Says what is wrong with the text as `serde_json` does, which
    /// refuses what is nested more than 127 deep: whoever writes objects must not end this process.
    pub fn read(&self, text: &str) -> Result<Value, serde_json::Error> {
        self.read_with(text, &[])
    }

    /// The same; an object has these members too, unless it says otherwise itself.
    pub fn read_with(
        &self,
        text: &str,
        members: &[(&str, &str)],
    ) -> Result<Value, serde_json::Error> {
        // Nothing panics while it is held, and half of what is known would do no harm.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // What a text left that broke off.
        known.entries.clear();
        let mut json = serde_json::Deserializer::from_str(text);
        let value = Reading { known: &mut known, members, apart: APART }.deserialize(&mut json)?;
        json.end()?;
        Ok(value)
    }
}

/// Longer texts are seldom the same.
const SHORT: usize = 64;
/// A power of two: the place of a text is a part of its number.
const PLACES: usize = 512;
/// A list has hardly ever more shapes of records; where it has, the others are read as they come.
const RECORDS: usize = 256;
/// What is read once for all of its kind, from the outside in. Objects that were applied within a
/// second have the same list of owners, and others the same record in another list.
const APART: &[&str] = &["managedFields", "fieldsV1"];

/// What the objects so far have in common.
#[derive(Debug, Default)]
struct Known {
    /// Texts, each at the one place where it can be; what comes later takes it.
    texts: Vec<Option<Arc<str>>>,
    /// Lists of owners and records of owned fields, by their text.
    records: BTreeMap<Box<str>, Value>,
    /// Entries of the objects that are being read, the innermost last.
    entries: Vec<(Arc<str>, Value)>,
}

impl Known {
    fn text(&mut self, text: &str) -> Arc<str> {
        if text.len() > SHORT {
            return Arc::from(text);
        }
        if self.texts.is_empty() {
            self.texts.resize(PLACES, None);
        }
        let place = &mut self.texts[place(text)];
        match place {
            Some(known) if **known == *text => known.clone(),
            Some(_) | None => place.insert(Arc::from(text)).clone(),
        }
    }

    /// `apart` is what may be read for itself within it; without an end to that, each would begin
    /// to count anew how deep it is.
    fn record<E: Error>(&mut self, raw: &RawValue, apart: &[&str]) -> Result<Value, E> {
        if let Some(known) = self.records.get(raw.get()) {
            return Ok(known.clone());
        }
        let mut json = serde_json::Deserializer::from_str(raw.get());
        let reading = Reading { known: &mut *self, members: &[], apart };
        let value = reading.deserialize(&mut json).map_err(E::custom)?;
        if self.records.len() < RECORDS {
            self.records.insert(raw.get().into(), value.clone());
        }
        Ok(value)
    }
}

/// Where a text can be: any number does that differs for most texts, as it decides nothing but
/// what is shared.
fn place(text: &str) -> usize {
    let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let bytes = text.as_bytes();
    let (first, last) = (bytes.len().min(8), bytes.len().saturating_sub(8));
    let number = word(&bytes[..first]) ^ word(&bytes[last..]).rotate_left(29) ^ bytes.len() as u64;
    // The upper bits of such a product depend on all of the number.
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACES.trailing_zeros());
    usize::try_from(number).unwrap_or_default()
}

/// Makes values while the text is being parsed, without a document in between.
struct Reading<'a> {
    known: &'a mut Known,
    /// More members of the object.
    members: &'a [(&'a str, &'a str)],
    /// Which members are read for themselves.
    apart: &'a [&'a str],
}

impl Reading<'_> {
    fn inside(&mut self) -> Reading<'_> {
        Reading { known: &mut *self.known, members: &[], apart: self.apart }
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, i: i64) -> Result<Value, E> {
        Ok(number(&i.into()))
    }
    fn visit_u64<E>(self, u: u64) -> Result<Value, E> {
        Ok(number(&u.into()))
    }
    fn visit_f64<E>(self, x: f64) -> Result<Value, E> {
        // Text has no number that is none; JSON writes such a one as null.
        Ok(serde_json::Number::from_f64(x).map_or(Value::Null, |n| number(&n)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(self.known.text(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self.inside())? {
            all.push(item);
        }
        // Most lists are short, and many are kept.
        all.shrink_to_fit();
        Ok(Value::List(Arc::new(all)))
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let first = self.known.entries.len();
        // What the object says comes later, and of two entries the later one counts.
        for (name, text) in self.members {
            let entry = (self.known.text(name), Value::String(self.known.text(text)));
            self.known.entries.push(entry);
        }
        while let Some(name) = entries.next_key_seed(Name(&mut *self.known))? {
            let value = match self.apart.iter().position(|apart| *name == **apart) {
                Some(place) => {
                    let raw = entries.next_value::<&RawValue>()?;
                    self.known.record(raw, &self.apart[place + 1..])?
                }
                None => entries.next_value_seed(self.inside())?,
            };
            self.known.entries.push((name, value));
        }
        let all = self.known.entries.drain(first..);
        Ok(if all.len() == 0 { Value::empty_map() } else { Value::map(all) })
    }
}

/// The name of a field, without a copy of its text.
struct Name<'a>(&'a mut Known);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Arc<str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }
    fn visit_str<E>(self, text: &str) -> Result<Arc<str>, E> {
        Ok(self.0.text(text))
    }
}
