//! One step on the way into an object: a field, a list item by key or by value.

use std::fmt;

use serde_json::{Map, Value};

/// One step. Keys and values are kept as canonical JSON, so that equal ones are equal text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PathElement {
    /// A field of a struct or an entry of a map.
    Field(String),
    /// An item of a list that is a map: its key fields as a JSON object.
    Key(String),
    /// An item of a list that is a set.
    Value(String),
    /// An item of any other list.
    Index(u64),
}

impl PathElement {
    /// The item whose key fields are these; the order given does not matter.
    pub(crate) fn key(fields: Vec<(String, Value)>) -> Self {
        let mut fields = fields;
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        let text: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
            .collect();
        Self::Key(format!("{{{}}}", text.join(",")))
    }

    /// The item of a set.
    pub(crate) fn value(value: &Value) -> Self {
        Self::Value(canonical(value))
    }

    /// Reads the form used in `managedFields`: `f:name`, `k:{...}`, `v:...`, `i:0`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => {
                let fields: Map<String, Value> = serde_json::from_str(rest).ok()?;
                Some(Self::key(fields.into_iter().collect()))
            }
            "v" => Some(Self::value(&serde_json::from_str(rest).ok()?)),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    /// The form used in `managedFields`.
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(key) => format!("k:{key}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }
}

/// The form used in messages: `.name`, `[port=80,protocol="TCP"]`, `[="x"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Key(key) => {
                let fields: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
                let mut fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                fields.sort();
                write!(out, "[{}]", fields.join(","))
            }
            Self::Value(value) => write!(out, "[={value}]"),
            Self::Index(index) => write!(out, "[{index}]"),
        }
    }
}

/// JSON text that is equal for equal values: whole numbers have one spelling.
fn canonical(value: &Value) -> String {
    if let Some(number) = value.as_f64()
        && number.fract() == 0.0
        && number.abs() < 1e15
        && value.as_i64().is_none()
    {
        return format!("{number:.0}");
    }
    value.to_string()
}
