//! Functions over lists and maps.

use super::Kind::{Any, Bools, List, Map, Nullable, Number, Strings};
use super::{FunctionInfo, Outcome, count, deep, fail, int_at, list_at, own, p, shallow};
use crate::eval::marks::{mark, unmark};
use crate::eval::ops::equal;
use crate::eval::types::{as_type, common_of, is_primitive, item, type_of};
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::{Type, Value};

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep("alltrue", [p("list", Bools)], "bool", "Whether every item is true.", |a| {
            Ok(list_at(a, 0).iter().all(|v| v.as_bool() == Some(true)).into())
        }),
        deep("anytrue", [p("list", Bools)], "bool", "Whether any item is true.", |a| {
            Ok(list_at(a, 0).iter().any(|v| v.as_bool() == Some(true)).into())
        }),
        shallow(
            "chunklist",
            [p("list", List), p("size", Number)],
            "list(list(any))",
            "Cuts a list into lists of at most `size` items.",
            chunklist,
        ),
        own(
            "coalesce",
            [p("values", Nullable)],
            "any",
            "The first argument that is neither null nor an empty string.",
            coalesce,
        )
        .variadic(),
        own(
            "coalescelist",
            [p("lists", Nullable)],
            "list(any)",
            "The first list that is not empty.",
            coalescelist,
        )
        .variadic(),
        deep(
            "compact",
            [p("list", Strings)],
            "list(string)",
            "The items that are neither null nor empty.",
            |a| {
                let kept =
                    list_at(a, 0).iter().filter(|v| v.as_str().is_some_and(|s| !s.is_empty()));
                Ok(Value::list(kept.cloned()))
            },
        ),
        shallow(
            "concat",
            [p("lists", List)],
            "list(any)",
            "All items of all lists, one after the other.",
            |a| Ok(Value::list(a.iter().flat_map(|l| l.as_list().unwrap_or_default()).cloned())),
        )
        .variadic(),
        own(
            "contains",
            [p("list", List), p("value", Nullable)],
            "bool",
            "Whether the list has an item that equals the value.",
            contains,
        ),
        deep(
            "distinct",
            [p("list", List)],
            "list(any)",
            "The items, each once, where it first stood.",
            |a| {
                let mut kept: Vec<Value> = Vec::new();
                let mut seen = BTreeSet::new();
                for v in list_at(a, 0) {
                    let new = match v.as_str() {
                        Some(s) => seen.insert(s.to_owned()),
                        None => !kept.contains(v),
                    };
                    if new {
                        kept.push(v.clone());
                    }
                }
                Ok(Value::list(kept))
            },
        ),
        shallow(
            "element",
            [p("list", List), p("index", Number)],
            "any",
            "The item at `index`, counting round and round; -1 is the last.",
            element,
        ),
        shallow(
            "flatten",
            [p("list", List)],
            "list(any)",
            "The items of all lists inside, however deep.",
            flatten,
        ),
        own(
            "index",
            [p("list", List), p("value", Any)],
            "number",
            "Where the value stands first.",
            index,
        ),
        shallow("keys", [p("map", Map)], "list(string)", "The keys in order.", |a| {
            let map = a[0].as_map().into_iter().flatten();
            Ok(Value::list(map.map(|(k, _)| Value::String(k.clone()))))
        }),
        shallow(
            "length",
            [p("value", Any)],
            "number",
            "How many items, entries or characters there are.",
            |a| match &a[0] {
                Value::List(items) => Ok(count(items.len())),
                Value::Map(map) => Ok(count(map.len())),
                Value::String(s) => Ok(count(config::clusters(s).len())),
                other => fail(
                    0,
                    format!(
                        "a list, an object or a string has a length, and this is {}",
                        text::article(other)
                    ),
                ),
            },
        ),
        own(
            "lookup",
            [p("map", Map), p("key", super::Kind::String), p("default", Nullable)],
            "any",
            "The entry of this key, or the default.",
            lookup,
        )
        .optional(1),
        deep(
            "matchkeys",
            [p("values", List), p("keys", List), p("search", List)],
            "list(any)",
            "The values whose key is one of those searched for.",
            |a| {
                let (values, keys, search) = (list_at(a, 0), list_at(a, 1), list_at(a, 2));
                if values.len() != keys.len() {
                    return fail(1, "there must be as many keys as values");
                }
                let ty = common_of(keys.iter().chain(search)).unwrap_or(Type::Any);
                let search: Vec<Value> = search.iter().map(|v| as_type(v, &ty)).collect();
                let pairs = values.iter().zip(keys);
                let pairs = pairs.filter(|(_, k)| search.contains(&as_type(k, &ty)));
                Ok(Value::list(pairs.map(|(v, _)| v.clone())))
            },
        ),
        own(
            "merge",
            [p("maps", Nullable)],
            "map(any)",
            "All entries of all maps; of equal keys the last counts.",
            merge,
        )
        .variadic(),
        own("one", [p("list", Nullable)], "any", "The only item, or null when there is none.", one),
        deep(
            "range",
            [p("start", Number), p("limit", Number), p("step", Number)],
            "list(number)",
            "The numbers from `start` up to but without `limit`.",
            range,
        )
        .optional(2),
        shallow("reverse", [p("list", List)], "list(any)", "The items, the last first.", |a| {
            Ok(Value::list(list_at(a, 0).iter().rev().cloned()))
        }),
        shallow(
            "slice",
            [p("list", List), p("start", Number), p("end", Number)],
            "list(any)",
            "The items from `start` up to but without `end`.",
            |a| {
                let (items, start, end) = (list_at(a, 0), int_at(a, 1)?, int_at(a, 2)?);
                let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
                if start < 0 || start > len {
                    return fail(1, format!("the start {start} is not within the {len} items"));
                }
                if end < start || end > len {
                    return fail(
                        2,
                        format!(
                            "the end {end} is not between the start {start} and the length {len}"
                        ),
                    );
                }
                let (start, end) = (usize::try_from(start), usize::try_from(end));
                match (start, end) {
                    (Ok(start), Ok(end)) => Ok(Value::list(items[start..end].iter().cloned())),
                    _ => fail(1, "the start is out of range"),
                }
            },
        ),
        deep(
            "sort",
            [p("list", Strings)],
            "list(string)",
            "The texts in the order of their characters.",
            |a| {
                let mut items = list_at(a, 0).to_vec();
                if let Some(i) = items.iter().position(Value::is_null) {
                    return fail(0, format!("item {i} is null"));
                }
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                Ok(Value::list(items))
            },
        ),
        deep(
            "transpose",
            [p("map", Map)],
            "map(list(string))",
            "Swaps keys and values of a map of lists of texts.",
            |a| {
                let mut out: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
                for (key, list) in a[0].as_map().into_iter().flatten() {
                    let Ok(Value::List(items)) = values::conform(list, &Type::list(Type::String))
                    else {
                        return fail(0, format!("the entry `{key}` is not a list of strings"));
                    };
                    for item in items.iter() {
                        match item {
                            Value::String(s) => {
                                out.entry(s.clone()).or_default().insert(key.clone());
                            }
                            _ => {
                                return fail(
                                    0,
                                    format!("the entry `{key}` has an item that is null"),
                                );
                            }
                        }
                    }
                }
                Ok(Value::map(
                    out.into_iter()
                        .map(|(k, v)| (k, Value::list(v.into_iter().map(Value::String)))),
                ))
            },
        ),
        shallow(
            "values",
            [p("map", Map)],
            "list(any)",
            "The values in the order of their keys.",
            |a| Ok(Value::list(a[0].as_map().into_iter().flatten().map(|(_, v)| v.clone()))),
        ),
        own(
            "zipmap",
            [p("keys", Strings), p("values", List)],
            "map(any)",
            "A map of these keys and these values.",
            zipmap,
        ),
    ]
}

fn chunklist(a: &[Value]) -> Outcome {
    let size = int_at(a, 1)?;
    let items = list_at(a, 0);
    if size < 0 {
        return fail(1, "the size is negative");
    }
    if items.is_empty() {
        return Ok(Value::list([]));
    }
    match usize::try_from(size) {
        Ok(0) => Ok(Value::list([a[0].clone()])),
        Ok(size) => Ok(Value::list(items.chunks(size).map(|c| Value::list(c.iter().cloned())))),
        Err(_) => fail(1, "the size is out of range"),
    }
}

fn coalesce(args: &[Value]) -> Outcome {
    let mut marked = false;
    for (i, arg) in args.iter().enumerate() {
        let (value, had) = unmark(arg.clone());
        marked |= had;
        match &value {
            Value::Null => {}
            Value::String(s) if s.is_empty() => {}
            Value::Unknown(_) => {
                let marked = marked || args[i..].iter().any(Value::has_sensitive);
                let ty = if let Value::Unknown(ty) = &value { ty.clone() } else { Type::Any };
                let alike = args[i..].iter().all(|v| v.is_null() || type_of(v) == ty);
                return Ok(mark(Value::Unknown(if alike { ty } else { Type::Any }), marked));
            }
            _ => {
                // All arguments have one type in common, whichever is chosen.
                let Some(ty) = common_of(args) else {
                    return fail(i, "all arguments must be of one type");
                };
                let result = as_type(&value, &ty);
                return Ok(mark(result, marked));
            }
        }
    }
    fail(None, "every argument is null or an empty string")
}

fn coalescelist(args: &[Value]) -> Outcome {
    let mut marked = false;
    for (i, arg) in args.iter().enumerate() {
        let (value, had) = unmark(arg.clone());
        marked |= had;
        match &value {
            Value::Null => {}
            Value::Unknown(_) => {
                let marked = marked || args[i..].iter().any(Value::has_sensitive);
                return Ok(mark(Value::Unknown(Type::Any), marked));
            }
            Value::List(items) if items.is_empty() => {}
            Value::List(_) => return Ok(mark(value, marked)),
            other => {
                return fail(i, format!("a list is needed, and this is {}", text::article(other)));
            }
        }
    }
    fail(None, "every list is null or empty")
}

fn contains(args: &[Value]) -> Outcome {
    let marked = args.iter().any(Value::has_sensitive);
    let (list, _) = unmark(args[0].clone());
    let items = match &list {
        Value::Unknown(_) => return Ok(mark(Value::Unknown(Type::Bool), marked)),
        Value::List(items) => items,
        Value::Null => return fail(0, "the argument is null"),
        other => return fail(0, format!("a list is needed, and this is {}", text::article(other))),
    };
    let mut found = Some(false);
    for item in items.iter() {
        match equal(item, &args[1]) {
            Some(true) => return Ok(mark(Value::Bool(true), marked)),
            Some(false) => {}
            None => found = None,
        }
    }
    let result = found.map_or(Value::Unknown(Type::Bool), Value::Bool);
    Ok(mark(result, marked))
}

fn element(a: &[Value]) -> Outcome {
    let (items, index) = (list_at(a, 0), int_at(a, 1)?);
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if len == 0 {
        return fail(0, "an empty list has no items");
    }
    match usize::try_from(index.rem_euclid(len)).ok().and_then(|i| items.get(i)) {
        Some(item) => Ok(item.clone()),
        None => fail(1, "the index is out of range"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table")]
fn flatten(a: &[Value]) -> Outcome {
    let mut flat = Flat::default();
    flat.add(list_at(a, 0));
    if flat.unknown {
        let marked = flat.marked || flat.items.iter().any(Value::has_sensitive);
        return Ok(mark(Value::Unknown(Type::Any), marked));
    }
    Ok(mark(Value::list(flat.items), flat.marked))
}

#[derive(Default)]
struct Flat {
    items: Vec<Value>,
    /// An item may turn out to be a list, of any length.
    unknown: bool,
    /// The length of a list inside was sensitive, and so is the length of all.
    marked: bool,
}

impl Flat {
    fn add(&mut self, items: &[Value]) {
        for item in items {
            // One more than can be is refused with the result.
            if self.items.len() > crate::eval::MOST_ITEMS {
                return;
            }
            let (inner, had) = unmark(item.clone());
            match &inner {
                Value::List(inner) => {
                    self.marked |= had;
                    self.add(inner);
                }
                Value::Unknown(ty) => {
                    self.unknown |= !is_primitive(ty);
                    self.items.push(item.clone());
                }
                _ => self.items.push(item.clone()),
            }
        }
    }
}

fn index(args: &[Value]) -> Outcome {
    let marked = args.iter().any(Value::has_sensitive);
    let (list, _) = unmark(args[0].clone());
    let items = match &list {
        Value::Unknown(_) => return Ok(mark(Value::Unknown(Type::Number), marked)),
        Value::List(items) => items,
        other => return fail(0, format!("a list is needed, and this is {}", text::article(other))),
    };
    for (i, item) in items.iter().enumerate() {
        match equal(item, &args[1]) {
            Some(true) => return Ok(mark(count(i), marked)),
            Some(false) => {}
            None => return Ok(mark(Value::Unknown(Type::Number), marked)),
        }
    }
    if items.is_empty() {
        return fail(0, "an empty list holds nothing");
    }
    fail(1, "the list has no such item")
}

fn lookup(args: &[Value]) -> Outcome {
    let (map, map_marked) = unmark(args[0].clone());
    let (key, key_marked) = unmark(args[1].clone());
    let marked = map_marked || key_marked;
    let unknown = || {
        let marked = marked || args.iter().any(Value::has_sensitive);
        Ok(mark(Value::Unknown(Type::Any), marked))
    };
    let map = match &map {
        Value::Map(map) => map,
        Value::Unknown(_) => return unknown(),
        Value::Null => return fail(0, "the argument is null"),
        other => return fail(0, format!("a map is needed, and this is {}", text::article(other))),
    };
    let key = match values::conform(&key, &Type::String) {
        Ok(Value::String(key)) => key,
        Ok(Value::Unknown(_)) => return unknown(),
        _ => return fail(1, "a key is a string"),
    };
    match (map.get(&key), args.get(2)) {
        (Some(found), _) => Ok(mark(found.clone(), marked)),
        (None, Some(default)) => Ok(mark(default.clone(), marked)),
        (None, None) if marked => fail(1, "the map has no such key"),
        (None, None) => fail(1, format!("the map has no key {key:?}")),
    }
}

fn merge(args: &[Value]) -> Outcome {
    let mut out: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    let (mut marked, mut unknown) = (false, false);
    for (i, arg) in args.iter().enumerate() {
        let (arg, had) = unmark(arg.clone());
        marked |= had;
        match &arg {
            Value::Null => {}
            Value::Unknown(_) => unknown = true,
            Value::Map(map) => out.extend(map.iter().map(|(k, v)| (k.clone(), v.clone()))),
            other => {
                return fail(
                    i,
                    format!("a map or an object is needed, and this is {}", text::article(other)),
                );
            }
        }
    }
    if unknown {
        marked |= out.values().any(Value::has_sensitive);
        return Ok(mark(Value::Unknown(Type::Any), marked));
    }
    Ok(mark(Value::map(out), marked))
}

fn one(args: &[Value]) -> Outcome {
    let (list, marked) = unmark(args[0].clone());
    match &list {
        Value::Null => fail(0, "the argument is null"),
        Value::Unknown(_) => Ok(mark(Value::Unknown(Type::Any), marked)),
        Value::List(items) => match items.as_slice() {
            [] => Ok(mark(Value::Null, marked)),
            [only] => Ok(mark(only.clone(), marked)),
            _ if marked => fail(0, "there is more than one item"),
            many => fail(0, format!("at most one item is needed, and there are {}", many.len())),
        },
        other => fail(0, format!("a list is needed, and this is {}", text::article(other))),
    }
}

fn range(a: &[Value]) -> Outcome {
    const MOST: usize = 1024;
    let n = |i: usize| a[i].as_number().cloned().unwrap_or_else(|| 0.into());
    let zero = values::Number::from(0);
    let (start, end, step) = match a.len() {
        1 => (zero.clone(), n(0), None),
        2 => (n(0), n(1), None),
        _ => (n(0), n(1), Some(n(2))),
    };
    let down = end < start;
    let step = step.unwrap_or_else(|| if down { (-1).into() } else { 1.into() });
    if step.is_zero() {
        return fail(2, "a step of zero never arrives");
    }
    if (step < zero) != down && start != end {
        return fail(2, "the step leads away from the limit");
    }
    let mut out = Vec::new();
    let mut at = start;
    while if down { at > end } else { at < end } {
        if out.len() >= MOST {
            return fail(None, format!("more than {MOST} numbers"));
        }
        out.push(Value::Number(at.clone()));
        at = match crate::eval::ops::arithmetic(config::BinaryOp::Add, &at, &step) {
            Ok(next) => next,
            Err(why) => return fail(None, why),
        };
    }
    Ok(Value::list(out))
}

fn zipmap(args: &[Value]) -> Outcome {
    let (keys, keys_marked) = args[0].exposed();
    let (list, list_marked) = unmark(args[1].clone());
    let marked = keys_marked || list_marked;
    let list_marks = list.has_sensitive();
    if !keys.is_known() || matches!(list, Value::Unknown(_)) {
        // What it will have in common with something else is known before its keys are.
        let ty = match item(&type_of(&list)) {
            Type::Any => Type::Any,
            item => Type::map(item),
        };
        return Ok(mark(Value::Unknown(ty), marked || list_marks));
    }
    let Ok(Value::List(keys)) = values::conform(&keys, &Type::list(Type::String)) else {
        return fail(0, "a list of strings is needed");
    };
    let Value::List(items) = &list else { return fail(1, "a list is needed") };
    if keys.len() != items.len() {
        return fail(1, format!("there are {} keys and {} values", keys.len(), items.len()));
    }
    let mut map = BTreeMap::new();
    for (key, value) in keys.iter().zip(items.iter()) {
        match key {
            Value::String(key) => drop(map.insert(key.clone(), value.clone())),
            _ => return fail(0, "a key is null"),
        }
    }
    Ok(mark(Value::map(map), marked))
}
