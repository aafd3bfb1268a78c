//! What a text means, with places.

use std::sync::Arc;
use values::{Number, Step, Value};

/// Bytes of the text: the first, and one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands; for an alias, what it stands for.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a part of a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: `~`, `null`, or no text at all.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(Arc<str>),
    /// A sequence.
    List(Arc<Vec<Node>>),
    /// A mapping, in the order of the text.
    Map(Arc<Vec<Entry>>),
}

/// A key and what stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, as text.
    pub key: Arc<str>,
    /// Where the key stands.
    pub place: Place,
    /// What stands under it.
    pub value: Node,
}

impl Node {
    /// The value without places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::list(items.iter().map(Node::to_value)),
            Kind::Map(entries) => {
                Value::map(entries.iter().map(|e| (e.key.clone(), e.value.to_value())))
            }
        }
    }

    /// What stands under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// What the path leads to.
    pub fn at(&self, path: &values::Path) -> Option<&Node> {
        path.steps().iter().try_fold(self, |node, step| match (step, &node.kind) {
            (Step::Attr(name), _) => node.get(name),
            (Step::Index(index), Kind::List(items)) => items.get(*index),
            (Step::Item(key), Kind::List(items)) => {
                items.iter().find(|item| key.matches(&item.to_value()))
            }
            (Step::Index(_) | Step::Item(_), _) => None,
        })
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
        }
    }

    /// The deepest place that the steps lead to. A mapping or a sequence that is the last is
    /// named by its key: it may have a hundred lines.
    pub fn place_of(&self, steps: &[Step]) -> Place {
        let (mut node, mut named) = (self, None);
        for step in steps {
            let next = match (step, &node.kind) {
                (Step::Attr(name), Kind::Map(_)) => {
                    node.entry(name).map(|entry| (&entry.value, Some(entry.place)))
                }
                (Step::Index(index), Kind::List(items)) => items.get(*index).map(|i| (i, None)),
                (Step::Item(key), Kind::List(items)) => {
                    items.iter().find(|item| key.matches(&item.to_value())).map(|i| (i, None))
                }
                (Step::Attr(_) | Step::Index(_) | Step::Item(_), _) => None,
            };
            let Some((inner, place)) = next else { break };
            (node, named) = (inner, place);
        }
        match (&node.kind, named) {
            (Kind::List(_) | Kind::Map(_) | Kind::Null, Some(key)) => key,
            _ => node.place,
        }
    }
}
