//! Version 1 of values.
//!
//! Null, booleans, texts, lists and objects are themselves, and so are whole numbers that fit
//! into 64 bits. The rest is an object with one key that begins with one `$`:
//! `{"$number": "0.1"}`, `{"$unknown": "string"}`, `{"$sensitive": "any"}`. A key of a user
//! that begins with `$` gets another one in front.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use values::{ObjectAttr, Type, Value};

/// A value as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireValue(pub Value);

impl From<&Value> for WireValue {
    fn from(value: &Value) -> Self {
        Self(value.clone())
    }
}

impl Serialize for WireValue {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(out)
    }
}

struct Borrowed<'a>(&'a Value);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => out.serialize_unit(),
            Value::Bool(truth) => out.serialize_bool(*truth),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => out.serialize_i64(whole),
                None => tagged(out, "$number", &number.to_string()),
            },
            Value::String(text) => out.serialize_str(text),
            Value::List(items) => {
                let mut seq = out.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    seq.serialize_element(&Borrowed(item))?;
                }
                seq.end()
            }
            Value::Map(map) => {
                let mut object = out.serialize_map(Some(map.len()))?;
                for (name, item) in map.iter() {
                    let key =
                        if name.starts_with('$') { format!("${name}") } else { name.to_string() };
                    object.serialize_entry(&key, &Borrowed(item))?;
                }
                object.end()
            }
            Value::Unknown(ty) => tagged(out, "$unknown", &WireType::from(ty)),
            // Only what a mark may say; the secret itself is looked at by nobody here.
            Value::Sensitive(secret) => match secret.expose() {
                Value::Unknown(ty) => tagged(out, "$sensitive", &WireType::from(ty)),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::List(_)
                | Value::Map(_)
                | Value::Sensitive(_) => tagged(out, "$sensitive", &WireType::Any),
            },
        }
    }
}

fn tagged<S: Serializer>(out: S, tag: &str, inner: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut object = out.serialize_map(Some(1))?;
    object.serialize_entry(tag, inner)?;
    object.end()
}

impl<'de> Deserialize<'de> for WireValue {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, whole: i64) -> Result<Value, E> {
        Ok(Value::Number(whole.into()))
    }

    fn visit_u64<E: Error>(self, whole: u64) -> Result<Value, E> {
        let whole = i64::try_from(whole);
        whole.map(|whole| Value::Number(whole.into())).map_err(|_| spelling())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Err(spelling())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(WireValue(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
        while let Some(key) = object.next_key::<Cow<'de, str>>()? {
            let name = match key.strip_prefix('$') {
                None => &*key,
                Some(rest) if rest.starts_with('$') => rest,
                Some(tag) if entries.is_empty() => return tag_value(tag, object),
                Some(_) => return Err(A::Error::custom("a tag stands among other keys")),
            };
            let name = name.into();
            let WireValue(item) = object.next_value()?;
            entries.push((name, item));
        }
        let count = entries.len();
        let value = Value::map(entries);
        if value.as_map().is_none_or(|map| map.len() < count) {
            return Err(A::Error::custom("a key stands twice in one object"));
        }
        Ok(value)
    }
}

fn spelling<E: Error>() -> E {
    E::custom("a number that is not whole, or very large, is written as `$number`")
}

fn tag_value<'de, A: MapAccess<'de>>(tag: &str, mut object: A) -> Result<Value, A::Error> {
    let value = match tag {
        "number" => {
            let text = object.next_value::<String>()?;
            let number: values::Number = text.parse().map_err(A::Error::custom)?;
            if number.to_string() != text || number.as_i64().is_some() {
                return Err(A::Error::custom("a number is in another spelling"));
            }
            Value::Number(number)
        }
        "unknown" => Value::Unknown(object.next_value::<WireType>()?.into()),
        "sensitive" => Value::Unknown(object.next_value::<WireType>()?.into()).into_sensitive(),
        _ => return Err(A::Error::custom("an unknown tag")),
    };
    if object.next_key::<String>()?.is_some() {
        return Err(A::Error::custom("a tag stands among other keys"));
    }
    Ok(value)
}

impl JsonSchema for WireValue {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any JSON without fractions. An object whose only key is `$number` \
                (an exact decimal), `$unknown` (known after apply, with its type) or \
                `$sensitive` (never stored) is none; other keys that begin with `$` have one \
                more `$` in front."
        })
    }
}

/// A type as JSON: `"string"`, `{"list": "string"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Type")]
pub enum WireType {
    /// Anything.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(T)`.
    List(Box<WireType>),
    /// `set(T)`.
    Set(Box<WireType>),
    /// `map(T)`.
    Map(Box<WireType>),
    /// `object({...})`.
    Object(Vec<WireAttr>),
    /// `tuple([...])`.
    Tuple(Vec<WireType>),
}

/// An attribute of an object type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TypeAttribute")]
pub struct WireAttr {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: WireType,
    /// Whether it may be left out.
    pub optional: bool,
}

impl From<&Type> for WireType {
    fn from(ty: &Type) -> Self {
        let boxed = |ty: &Type| Box::new(Self::from(ty));
        match ty {
            Type::Any => Self::Any,
            Type::Bool => Self::Bool,
            Type::Number => Self::Number,
            Type::String => Self::String,
            Type::List(item) => Self::List(boxed(item)),
            Type::Set(item) => Self::Set(boxed(item)),
            Type::Map(item) => Self::Map(boxed(item)),
            Type::Tuple(items) => Self::Tuple(items.iter().map(Self::from).collect()),
            Type::Object(attrs) => {
                let attr = |a: &ObjectAttr| WireAttr {
                    name: a.name.clone(),
                    ty: (&a.ty).into(),
                    optional: a.optional,
                };
                Self::Object(attrs.iter().map(attr).collect())
            }
        }
    }
}

impl From<WireType> for Type {
    fn from(ty: WireType) -> Self {
        let boxed = |ty: Box<WireType>| Box::new(Self::from(*ty));
        match ty {
            WireType::Any => Self::Any,
            WireType::Bool => Self::Bool,
            WireType::Number => Self::Number,
            WireType::String => Self::String,
            WireType::List(item) => Self::List(boxed(item)),
            WireType::Set(item) => Self::Set(boxed(item)),
            WireType::Map(item) => Self::Map(boxed(item)),
            WireType::Tuple(items) => Self::Tuple(items.into_iter().map(Self::from).collect()),
            WireType::Object(attrs) => {
                let attr = |a: WireAttr| ObjectAttr {
                    name: a.name,
                    ty: a.ty.into(),
                    optional: a.optional,
                    // A default is filled in where a value is made; no stored type has one.
                    default: None,
                };
                Self::Object(attrs.into_iter().map(attr).collect())
            }
        }
    }
}
