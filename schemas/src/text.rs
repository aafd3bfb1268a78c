//! Things that are written as one text: addresses, names, scopes.

use addrs::{Ident, InstanceAddr, Scope};
use plans::Window;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A thing that prints as a text and reads back from it.
pub(crate) trait Printed: Sized + fmt::Display {
    /// The name and the description in a JSON Schema.
    const SCHEMA: (&'static str, &'static str);
    fn read(text: &str) -> Result<Self, String>;
}

/// Written as its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<T>(pub T);

impl<T: Printed> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl<'de, T: Printed> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(json)?;
        let thing = T::read(&text).map_err(D::Error::custom)?;
        if !is_printed_as(&thing, &text) {
            return Err(D::Error::custom(format!("`{text}` is another spelling")));
        }
        Ok(Self(thing))
    }
}

/// Whether a thing prints as this text.
fn is_printed_as(thing: &impl fmt::Display, text: &str) -> bool {
    /// What is left of the text when what is printed is taken off its beginning.
    struct Rest<'t>(&'t str);
    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    write!(rest, "{thing}").is_ok() && rest.0.is_empty()
}

impl<T: Printed> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::SCHEMA.0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": T::SCHEMA.1 })
    }
}

impl Printed for InstanceAddr {
    const SCHEMA: (&'static str, &'static str) =
        ("Address", "Address of an instance: `module.web[\"a\"].config_map.site[0]`.");

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: addrs::NotAnAddress| error.to_string())
    }
}

impl Printed for Ident {
    const SCHEMA: (&'static str, &'static str) =
        ("TypeName", "Name of a resource type: `resource_quota`.");

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: addrs::NotAnIdent| error.to_string())
    }
}

impl Printed for Scope {
    const SCHEMA: (&'static str, &'static str) =
        ("Scope", "What is taken out of service together: `cluster` or `node/NAME`.");

    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("`{text}` is not a scope"))
    }
}

impl Printed for Window {
    const SCHEMA: (&'static str, &'static str) =
        ("Window", "Times of the week: `Sat,Sun 22:00-04:00 UTC`.");

    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }
}
