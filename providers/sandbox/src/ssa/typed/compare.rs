//! What was added, changed and removed between two values.

use std::collections::BTreeMap;

use apimachinery::types::{ListMerge, ListType, MapType, Schema, TypeId};
use serde_json::{Map, Value};

use super::super::set::Set;
use super::{PathElement, Shape, as_list, as_map, equal, field_type, item_element, shape};

/// The paths in which two values differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) added: Set,
    pub(crate) modified: Set,
    pub(crate) removed: Set,
}

impl Comparison {
    /// Without what is at or below the members of `ignored`.
    pub(crate) fn without(&self, ignored: &Set) -> Self {
        Self {
            added: self.added.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
        }
    }
}

/// Compares two values of one type.
pub(crate) fn compare(schema: &Schema, type_id: TypeId, old: &Value, new: &Value) -> Comparison {
    let mut walker = Walker { schema, path: Vec::new(), found: Comparison::default() };
    walker.walk(type_id, Some(old), Some(new));
    walker.found
}

struct Walker<'a> {
    schema: &'a Schema,
    path: Vec<PathElement>,
    found: Comparison,
}

/// Whether a walk ended in a leaf, which has recorded itself.
type Leaf = bool;

impl Walker<'_> {
    fn walk(&mut self, type_id: TypeId, old: Option<&Value>, new: Option<&Value>) {
        let definition = self.schema.get(type_id);
        let (old_shape, new_shape) = (shape(definition, old), shape(definition, new));
        let leaf = if new.is_none() {
            self.shaped(type_id, old_shape, old, new)
        } else {
            if old.is_some() && old_shape != new_shape {
                self.shaped(type_id, old_shape, old, new);
            }
            self.shaped(type_id, new_shape, old, new)
        };
        if !leaf {
            match (old, new) {
                (None, _) => self.found.added.insert(&self.path),
                (_, None) => self.found.removed.insert(&self.path),
                _ => {}
            }
        }
    }

    fn shaped(
        &mut self,
        type_id: TypeId,
        shape: Option<Shape>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Leaf {
        let definition = self.schema.get(type_id);
        match (shape, &definition.map, &definition.list) {
            (Some(Shape::Map), Some(map), _) => self.maps(map, old, new),
            (Some(Shape::List), _, Some(list)) => self.lists(list, old, new),
            _ => self.leaf(old, new),
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) -> Leaf {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) if !equal(old, new) => self.found.modified.insert(&self.path),
            _ => {}
        }
        true
    }

    fn maps(&mut self, map: &MapType, old: Option<&Value>, new: Option<&Value>) -> Leaf {
        let (left, right) = (as_map(old), as_map(new));
        let nothing = left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty);
        if map.atomic || nothing {
            return self.leaf(old, new);
        }
        let both = left.into_iter().chain(right).flat_map(Map::keys);
        let names: std::collections::BTreeSet<&String> = both.collect();
        for name in names {
            self.path.push(PathElement::Field(name.clone()));
            let (old, new) =
                (left.and_then(|map| map.get(name)), right.and_then(|map| map.get(name)));
            match field_type(map, name) {
                Some(inside) => self.walk(inside, old, new),
                None => {
                    self.leaf(old, new);
                }
            }
            self.path.pop();
        }
        false
    }

    fn lists(&mut self, list: &ListType, old: Option<&Value>, new: Option<&Value>) -> Leaf {
        let (left, right) = (as_list(old), as_list(new));
        let nothing = left.is_none_or(Vec::is_empty) && right.is_none_or(Vec::is_empty);
        if list.merge == ListMerge::Atomic || nothing {
            return self.leaf(old, new);
        }
        let (left, right) = (self.index(list, left), self.index(list, right));
        let both: std::collections::BTreeSet<&PathElement> =
            left.keys().chain(right.keys()).collect();
        for element in both {
            let empty = Vec::new();
            let old = left.get(element).unwrap_or(&empty);
            let new = right.get(element).unwrap_or(&empty);
            self.path.push(element.clone());
            self.items(list, old, new);
            self.path.pop();
        }
        false
    }

    fn items(&mut self, list: &ListType, old: &[&Value], new: &[&Value]) {
        match (old.len(), new.len()) {
            (0 | 1, 0 | 1) => self.walk(list.element, old.first().copied(), new.first().copied()),
            // Items that occur twice are compared as a whole.
            (2.., 2..) => {
                let same = old.len() == new.len() && old.iter().zip(new).all(|(a, b)| equal(a, b));
                if !same {
                    self.found.modified.insert(&self.path);
                }
            }
            (2.., _) => {
                if let Some(new) = new.first() {
                    self.walk(list.element, None, Some(new));
                }
                self.found.removed.insert(&self.path);
            }
            _ => {
                if let Some(old) = old.first() {
                    self.walk(list.element, Some(old), None);
                }
                self.found.added.insert(&self.path);
            }
        }
    }

    fn index<'v>(
        &self,
        list: &ListType,
        items: Option<&'v Vec<Value>>,
    ) -> BTreeMap<PathElement, Vec<&'v Value>> {
        let mut by_element: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
        for item in items.into_iter().flatten() {
            if let Ok(element) = item_element(self.schema, list, item) {
                by_element.entry(element).or_default().push(item);
            }
        }
        by_element
    }
}
