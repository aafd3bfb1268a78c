//! Which paths does a value mention?

use std::collections::BTreeSet;

use apimachinery::types::{ListMerge, ListType, MapType, Schema, TypeId};
use serde_json::Value;

use super::super::set::Set;
use super::{PathElement, Shape, field_type, item_element, shape};

/// The set of every leaf and item that the value mentions.
pub(crate) fn to_set(schema: &Schema, type_id: TypeId, value: &Value) -> Set {
    let mut walker = Walker { schema, set: Set::default(), path: Vec::new() };
    walker.walk(type_id, value);
    walker.set
}

struct Walker<'a> {
    schema: &'a Schema,
    set: Set,
    path: Vec<PathElement>,
}

impl Walker<'_> {
    fn walk(&mut self, type_id: TypeId, value: &Value) {
        let definition = self.schema.get(type_id);
        match shape(definition, Some(value)) {
            Some(Shape::Map) => {
                if let Some(map) = &definition.map {
                    self.map(map, value);
                }
            }
            Some(Shape::List) => {
                if let Some(list) = &definition.list {
                    self.list(list, value);
                }
            }
            Some(Shape::Scalar) => self.set.insert(&self.path),
            None => {}
        }
    }

    fn map(&mut self, map: &MapType, value: &Value) {
        if map.atomic {
            self.set.insert(&self.path);
            return;
        }
        for (name, inside) in value.as_object().into_iter().flatten() {
            self.path.push(PathElement::Field(name.clone()));
            if let Some(type_id) = field_type(map, name) {
                self.walk(type_id, inside);
            }
            let empty =
                inside.is_null() || inside.as_object().is_some_and(serde_json::Map::is_empty);
            if empty || !map.fields.contains_key(name) {
                self.set.insert(&self.path);
            }
            self.path.pop();
        }
    }

    fn list(&mut self, list: &ListType, value: &Value) {
        if list.merge == ListMerge::Atomic {
            self.set.insert(&self.path);
            return;
        }
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        let elements: Vec<Option<PathElement>> =
            items.iter().map(|item| item_element(self.schema, list, item).ok()).collect();
        let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for element in elements.iter().flatten() {
            if !seen.insert(element) {
                twice.insert(element);
            }
        }
        for (item, element) in items.iter().zip(&elements) {
            let Some(element) = element else { continue };
            self.path.push(element.clone());
            if !twice.contains(element) {
                self.walk(list.element, item);
            }
            // Items that occur twice are owned as a whole.
            self.set.insert(&self.path);
            self.path.pop();
        }
    }
}
