//! The live value with a configuration laid over it.

use std::collections::BTreeMap;

use apimachinery::types::{ListMerge, ListType, MapType, Schema, TypeId};
use serde_json::{Map, Value};

use super::{PathElement, Shape, as_list, as_map, field_type, item_element, shape};

/// Lays `over` on `live`: leaves are taken from `over` where it has them, maps and
/// keyed lists are joined, the order of shared list items is that of `over`.
pub(crate) fn merge(
    schema: &Schema,
    type_id: TypeId,
    live: Option<&Value>,
    over: Option<&Value>,
) -> Option<Value> {
    let definition = schema.get(type_id);
    // What is laid over decides where the two have different shapes.
    let decided = if over.is_some() { over } else { live };
    match shape(definition, decided)? {
        Shape::Scalar => over.or(live).cloned(),
        Shape::Map => merge_maps(schema, definition.map.as_ref()?, live, over),
        Shape::List => merge_lists(schema, definition.list.as_ref()?, live, over),
    }
}

fn merge_maps(
    schema: &Schema,
    map: &MapType,
    live: Option<&Value>,
    over: Option<&Value>,
) -> Option<Value> {
    let (left, right) = (as_map(live), as_map(over));
    let nothing = left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty);
    if map.atomic || nothing {
        return over.or(live).cloned();
    }
    let mut out = Map::new();
    let names = left.into_iter().chain(right).flat_map(Map::keys);
    for name in names {
        if out.contains_key(name) {
            continue;
        }
        let (left, right) =
            (left.and_then(|map| map.get(name)), right.and_then(|map| map.get(name)));
        let merged = match field_type(map, name) {
            Some(inside) => merge(schema, inside, left, right),
            None => right.or(left).cloned(),
        };
        if let Some(merged) = merged {
            out.insert(name.clone(), merged);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn merge_lists(
    schema: &Schema,
    list: &ListType,
    live: Option<&Value>,
    over: Option<&Value>,
) -> Option<Value> {
    let (left, right) = (as_list(live), as_list(over));
    let nothing = left.is_none_or(Vec::is_empty) && right.is_none_or(Vec::is_empty);
    if list.merge == ListMerge::Atomic || nothing {
        return over.or(live).cloned();
    }
    let left = Items::index(schema, list, left.map_or(&[][..], Vec::as_slice));
    let right = Items::index(schema, list, right.map_or(&[][..], Vec::as_slice));
    let out = Zip { schema, list, left: &left, right: &right, out: Vec::new() }.run();
    (!out.is_empty()).then_some(Value::Array(out))
}

/// A list's items by the step that leads to them.
struct Items<'a> {
    order: Vec<(PathElement, &'a Value)>,
    by_element: BTreeMap<PathElement, Option<&'a Value>>,
}

impl<'a> Items<'a> {
    fn index(schema: &Schema, list: &ListType, items: &'a [Value]) -> Self {
        let mut order = Vec::new();
        let mut by_element = BTreeMap::new();
        for item in items {
            let Ok(element) = item_element(schema, list, item) else { continue };
            // Items that occur twice are not merged with anything.
            let twice = by_element.contains_key(&element);
            by_element.insert(element.clone(), if twice { None } else { Some(item) });
            order.push((element, item));
        }
        Self { order, by_element }
    }

    fn has(&self, element: &PathElement) -> bool {
        self.by_element.contains_key(element)
    }

    fn get(&self, element: &PathElement) -> Option<&'a Value> {
        self.by_element.get(element).copied().flatten()
    }
}

/// Walks both lists at once: live items keep their places, shared items come in the
/// order of the configuration.
struct Zip<'a> {
    schema: &'a Schema,
    list: &'a ListType,
    left: &'a Items<'a>,
    right: &'a Items<'a>,
    out: Vec<Value>,
}

impl Zip<'_> {
    fn run(mut self) -> Vec<Value> {
        let shared: Vec<&PathElement> = self
            .right
            .order
            .iter()
            .map(|(element, _)| element)
            .filter(|element| self.left.has(element))
            .collect();
        let (mut next_shared, mut l, mut r) = (0, 0, 0);
        let mut merged = std::collections::BTreeSet::new();
        while l < self.left.order.len() || r < self.right.order.len() {
            if let (Some((element, _)), Some((wanted, _))) =
                (self.left.order.get(l), self.right.order.get(r))
            {
                if element == wanted {
                    merged.insert(element);
                    self.join(element);
                    (l, r, next_shared) = (l + 1, r + 1, next_shared + 1);
                    continue;
                }
                let other_turn = shared.get(next_shared).is_some_and(|next| *next != element);
                if self.right.has(element) && other_turn {
                    // Shared, but another shared item comes first.
                    l += 1;
                    continue;
                }
            }
            if let Some((element, item)) = self.left.order.get(l) {
                if !self.right.has(element) {
                    let kept = merge(self.schema, self.list.element, Some(item), None);
                    self.out.extend(kept);
                    l += 1;
                    continue;
                }
                if merged.contains(element) {
                    l += 1;
                }
            }
            if let Some((element, _)) = self.right.order.get(r) {
                merged.insert(element);
                self.join(element);
                r += 1;
                if shared.get(next_shared).is_some_and(|next| *next == element) {
                    next_shared += 1;
                }
            }
        }
        self.out
    }

    fn join(&mut self, element: &PathElement) {
        let joined =
            merge(self.schema, self.list.element, self.left.get(element), self.right.get(element));
        self.out.extend(joined);
    }
}
