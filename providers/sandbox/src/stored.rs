//! An object at rest: its text, which is what nearly every reader wants.
//!
//! A list of ten thousand objects is ten thousand texts after each other, and a log line is
//! one; a tree of maps is needed only where somebody looks inside, and costs ten times the
//! memory of its text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::meta;
use crate::store::Key;

/// One object as it was written.
#[derive(Debug)]
pub(crate) struct Stored {
    /// `{"apiVersion":…,"kind":…,` and then everything else.
    text: Box<str>,
    /// Where everything else begins.
    rest: usize,
    parsed: OnceLock<Arc<Value>>,
}

impl Stored {
    pub(crate) fn of(object: &Value) -> Self {
        let empty = serde_json::Map::new();
        let fields = object.as_object().unwrap_or(&empty);
        let is_head = |name: &str| matches!(name, "apiVersion" | "kind");
        let mut text = String::from("{");
        let mut put = |name: &str, value: &Value| {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&Value::from(name).to_string());
            text.push(':');
            text.push_str(&value.to_string());
            text.len()
        };
        let heads = fields.iter().filter(|(name, _)| is_head(name));
        let head = heads.map(|(name, value)| put(name, value)).last().unwrap_or(0);
        fields.iter().filter(|(name, _)| !is_head(name)).for_each(|(name, value)| {
            put(name, value);
        });
        text.push('}');
        // After the heads comes a comma, or the end.
        let rest = if text[head..].starts_with(',') { head + 1 } else { text.len() - 1 };
        Self { text: text.into(), rest: if head == 0 { 1 } else { rest }, parsed: OnceLock::new() }
    }

    /// A text that [`Stored::text`] gave once, or any other JSON of an object.
    pub(crate) fn read(text: &str) -> Self {
        match rest_of(text) {
            Some(rest) => Self { text: text.into(), rest, parsed: OnceLock::new() },
            None => Self::of(&parse(text)),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The members of the object without `apiVersion` and `kind`, and the closing brace.
    pub(crate) fn rest(&self) -> &str {
        &self.text[self.rest..]
    }

    /// The object, kept for whoever looks next.
    pub(crate) fn value(&self) -> Arc<Value> {
        self.parsed.get_or_init(|| Arc::new(parse(&self.text))).clone()
    }

    /// The object for one look.
    pub(crate) fn peek(&self) -> Arc<Value> {
        self.parsed.get().cloned().unwrap_or_else(|| Arc::new(parse(&self.text)))
    }

    /// Where the object stands.
    pub(crate) fn key(&self) -> Key {
        let metadata =
            members(&self.text).and_then(|object| members(object.get("metadata")?.get()));
        match metadata {
            Some(metadata) => {
                let text = |name: &str| string(&metadata, name).unwrap_or_default();
                (text("namespace"), text("name"))
            }
            None => meta::key(&self.peek()),
        }
    }

    /// The uids of its owners.
    pub(crate) fn owners(&self) -> Vec<String> {
        // Nearly no object has any.
        if self.text.contains("\"ownerReferences\"") {
            meta::owners(&self.peek())
        } else {
            Vec::new()
        }
    }
}

/// The members of a JSON object, each still a text.
pub(crate) type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The members of an object; `None` when this is none.
pub(crate) fn members(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

/// A member that is a string.
pub(crate) fn string(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// Where the rest begins in a text that begins with the two heads.
fn rest_of(text: &str) -> Option<usize> {
    let after = |text: &str, name: &str| {
        let value = text.strip_prefix(name)?;
        let end = value.find('"')?;
        let plain = !value[..end].contains('\\') && value[end + 1..].starts_with(',');
        plain.then_some(name.len() + end + 2)
    };
    let kind = after(text, "{\"apiVersion\":\"")?;
    Some(kind + after(&text[kind..], "\"kind\":\"")?)
}

fn parse(text: &str) -> Value {
    // What a client sent has a limit of its own; ownership may be a little deeper.
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let object = reader.into_iter().next().and_then(Result::ok);
    object.expect("a text that was written as JSON, or read as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_heads_of_an_object_stand_first_in_its_text() {
        let object = json!({"data": {"a": "1"}, "kind": "ConfigMap", "apiVersion": "v1"});
        let stored = Stored::of(&object);
        assert_eq!(stored.text(), r#"{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1"}}"#);
        assert_eq!(stored.rest(), r#""data":{"a":"1"}}"#);
        assert_eq!(*stored.value(), object);
    }

    #[test]
    fn a_text_is_read_back_as_it_was_whatever_the_order_of_its_members() {
        for object in [
            json!({"apiVersion": "v1", "kind": "Pod"}),
            json!({"apiVersion": "a\"b", "kind": "Pod", "x": 1}),
            json!({"metadata": {"name": "a"}}),
            json!({}),
        ] {
            let stored = Stored::of(&object);
            for text in [stored.text().to_owned(), object.to_string()] {
                let read = Stored::read(&text);
                assert_eq!(*read.value(), object);
                assert_eq!(read.text(), stored.text());
                assert_eq!(read.rest(), stored.rest(), "{text}");
            }
        }
    }

    #[test]
    fn the_place_and_the_owners_of_an_object_are_found_in_its_text() {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": "p", "namespace": "n\u{e9}", "ownerReferences": [{"uid": "u1"}, {"uid": "u2"}],
        }});
        let stored = Stored::of(&object);
        assert_eq!(stored.key(), ("n\u{e9}".to_owned(), "p".to_owned()));
        assert_eq!(stored.owners(), ["u1", "u2"]);
        let free = Stored::of(&json!({"metadata": {"name": "\"quoted\""}}));
        assert_eq!(free.key(), (String::new(), "\"quoted\"".to_owned()));
        assert!(free.owners().is_empty());
    }
}
