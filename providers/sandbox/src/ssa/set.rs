//! A set of paths, and its form in `managedFields` (`FieldsV1`).
//!
//! **Invariant:** a path and its descendants are independent members: owning a list
//! item says nothing about owning its fields.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::types::{Schema, TypeId};
use serde_json::{Map, Value};

use super::path::PathElement;
use super::typed;

/// A set of paths, as a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Set {
    members: BTreeSet<PathElement>,
    /// No child is empty.
    children: BTreeMap<PathElement, Set>,
}

impl Set {
    /// Adds one path. The empty path, the object itself, is never a member.
    pub(crate) fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// The set of these paths of field names.
    pub(crate) fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<PathElement> =
                path.iter().map(|name| PathElement::Field((*name).to_owned())).collect();
            set.insert(&path);
        }
        set
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// Whether this child is a member itself.
    pub(crate) fn has_member(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// What lies below this child.
    pub(crate) fn child(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let mine = out.children.entry(element.clone()).or_default();
            *mine = mine.union(child);
        }
        out
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, child)| {
            Some((element.clone(), child.intersection(other.children.get(element)?)))
        });
        Self { members, children: children.filter(|(_, child)| !child.is_empty()).collect() }
    }

    /// The paths that are not in `other`; a member of `other` does not take its descendants along.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.less(other, false)
    }

    /// The paths that are neither in `other` nor below one of its members.
    pub(crate) fn recursive_difference(&self, other: &Self) -> Self {
        self.less(other, true)
    }

    fn less(&self, other: &Self, recursive: bool) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            if recursive && other.members.contains(element) {
                continue;
            }
            let child = match other.children.get(element) {
                Some(theirs) => child.less(theirs, recursive),
                None => child.clone(),
            };
            if !child.is_empty() {
                children.insert(element.clone(), child);
            }
        }
        Self { members, children }
    }

    /// With every declared field on the way to a member as a member too. Entries of plain
    /// maps and list items on the way are not added: they are members where they are owned.
    pub(crate) fn with_named_fields(&self, schema: &Schema, type_id: TypeId) -> Self {
        let definition = schema.get(type_id);
        let mut out = self.clone();
        for (element, child) in &self.children {
            if let (PathElement::Field(name), Some(map)) = (element, &definition.map)
                && map.fields.contains_key(name)
            {
                out.members.insert(element.clone());
            }
            let inside = typed::type_below(definition, element);
            if let Some(inside) = inside {
                out.children.insert(element.clone(), child.with_named_fields(schema, inside));
            }
        }
        out
    }

    /// Every path, in order.
    pub(crate) fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
        for element in &self.members {
            prefix.push(element.clone());
            out.push(prefix.clone());
            prefix.pop();
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect(prefix, out);
            prefix.pop();
        }
    }

    /// The form in `managedFields`.
    pub(crate) fn encode(&self) -> Value {
        let mut out = Map::new();
        for element in &self.members {
            out.insert(element.encode(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            let mut inside = child.encode();
            if let (true, Some(map)) = (self.members.contains(element), inside.as_object_mut()) {
                map.insert(".".to_owned(), Value::Object(Map::new()));
            }
            out.insert(element.encode(), inside);
        }
        Value::Object(out)
    }

    /// Reads the form in `managedFields`.
    pub(crate) fn decode(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (name, inside) in fields.as_object()? {
            if name == "." {
                // Says that the parent is a member; handled there.
                continue;
            }
            let element = PathElement::parse(name)?;
            let child = Self::decode(inside)?;
            if child.is_empty() || inside.get(".").is_some() {
                set.members.insert(element.clone());
            }
            if !child.is_empty() {
                set.children.insert(element, child);
            }
        }
        Some(set)
    }
}
