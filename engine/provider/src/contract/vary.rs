//! Arguments with one part exchanged, and what may be inside of a type.

use values::{Path, Schema, Step, Type, Value};

/// A value with each of its leaves exchanged in turn, and each of its maps and lists.
pub(super) fn each(value: &Value, exchange: &dyn Fn(&Value) -> Value) -> Vec<Value> {
    let mut out = match value {
        Value::Map(map) => {
            let of = |(name, inside): (&std::sync::Arc<str>, &Value)| {
                let with = |new: Value| {
                    let mut map = values::Map::clone(map);
                    map.insert(name.clone(), new);
                    Value::map(map)
                };
                each(inside, exchange).into_iter().map(with).collect::<Vec<_>>()
            };
            map.iter().flat_map(of).collect()
        }
        Value::List(items) => {
            let of = |(at, inside): (usize, &Value)| {
                let with = |new: Value| {
                    let mut items = items.to_vec();
                    items[at] = new;
                    Value::list(items)
                };
                each(inside, exchange).into_iter().map(with).collect::<Vec<_>>()
            };
            items.iter().enumerate().flat_map(of).collect()
        }
        _ => Vec::new(),
    };
    if !value.is_null() {
        out.push(exchange(value));
    }
    out
}

/// All leaves exchanged at once.
pub(super) fn all(value: &Value, exchange: &mut dyn FnMut(&Value) -> Value) -> Value {
    match value {
        Value::Map(map) => Value::map(
            map.iter()
                .map(|(name, value)| (name.clone(), all(value, exchange)))
                .collect::<Vec<_>>(),
        ),
        Value::List(items) => {
            Value::list(items.iter().map(|value| all(value, exchange)).collect::<Vec<_>>())
        }
        Value::Null => Value::Null,
        leaf => exchange(leaf),
    }
}

/// Whether a path leads into what a schema has: to an argument, and on through its type.
pub(super) fn leads_into(schema: &Schema, path: &Path) -> bool {
    let mut steps = path.steps().iter();
    let mut ty = match steps.next() {
        None => return true,
        Some(Step::Attr(name)) => match schema.attr(name) {
            Some(attr) => &attr.ty,
            None => return false,
        },
        Some(_) => return false,
    };
    for step in steps {
        ty = match (ty, step) {
            (Type::Any, _) => return true,
            (Type::List(item) | Type::Set(item), Step::Index(_) | Step::Item(_))
            | (Type::Map(item), Step::Attr(_)) => item,
            (Type::Tuple(items), Step::Index(at)) if *at < items.len() => &items[*at],
            (Type::Object(attrs), Step::Attr(name)) => {
                match attrs.iter().find(|attr| attr.name == **name) {
                    Some(attr) => &attr.ty,
                    None => return false,
                }
            }
            _ => return false,
        };
    }
    true
}
