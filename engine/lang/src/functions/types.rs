//! Conversions, and putting the mark of a secret on or off.

use super::Kind::Nullable;
use super::{FunctionInfo, Outcome, fail, own, p};
use crate::eval::marks::{mark, unmark};
use crate::eval::types::{as_type, common_of};
use crate::text;
use values::{Type, Value};

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        own("tostring", [p("value", Nullable)], "string", "The value as a text.", |a| {
            to(&a[0], &Type::String)
        }),
        own("tonumber", [p("value", Nullable)], "number", "The value as a number.", |a| {
            to(&a[0], &Type::Number)
        }),
        own("tobool", [p("value", Nullable)], "bool", "The value as true or false.", |a| {
            to(&a[0], &Type::Bool)
        }),
        own(
            "tolist",
            [p("value", Nullable)],
            "list(any)",
            "The items as a list of one type.",
            |a| to_list(&a[0]),
        ),
        own(
            "toset",
            [p("value", Nullable)],
            "set(any)",
            "The items, each once and in order.",
            |a| to_set(&a[0]),
        ),
        own(
            "tomap",
            [p("value", Nullable)],
            "map(any)",
            "The entries as a map of one type.",
            |a| to_map(&a[0]),
        ),
        own(
            "sensitive",
            [p("value", Nullable)],
            "any",
            "The value, printed nowhere from here on.",
            |a| Ok(a[0].clone().into_sensitive()),
        ),
        own(
            "nonsensitive",
            [p("value", Nullable)],
            "any",
            "The value, printed again; only for what is no secret.",
            |a| Ok(unmark(a[0].clone()).0),
        ),
        own(
            "issensitive",
            [p("value", Nullable)],
            "bool",
            "Whether the value itself is sensitive.",
            |a| match &a[0] {
                // Once it is known it may come from somewhere else than it seems now.
                value if !value.is_known() => Ok(Value::Unknown(Type::Bool)),
                Value::Sensitive(_) => Ok(true.into()),
                _ => Ok(false.into()),
            },
        ),
        own(
            "can",
            [p("expression", Nullable)],
            "bool",
            "Whether the expression has a value.",
            |_| fail(None, "it cannot be called like this"),
        ),
        own(
            "try",
            [p("expressions", Nullable)],
            "any",
            "The first expression that has a value.",
            |_| fail(None, "it cannot be called like this"),
        )
        .variadic(),
        // Which parts that are stands in the text, not in the values.
        own(
            "ephemeralasnull",
            [p("value", Nullable)],
            "any",
            "The value with null in place of each part that is ephemeral.",
            |_| fail(None, "it cannot be called like this"),
        ),
    ]
}

fn to(value: &Value, ty: &Type) -> Outcome {
    values::conform(value, ty).or_else(|_| {
        let (plain, marked) = unmark(value.clone());
        match &plain {
            Value::String(s) if !marked => {
                fail(0, format!("{:?} cannot be converted to {ty}", text::short_str(s)))
            }
            other => fail(0, format!("{} cannot be converted to {ty}", text::article(other))),
        }
    })
}

/// All items converted to what they have in common.
fn unified(items: &[Value]) -> Option<Vec<Value>> {
    let ty = common_of(items)?;
    Some(items.iter().map(|v| as_type(v, &ty)).collect())
}

fn to_list(value: &Value) -> Outcome {
    let (value, marked) = unmark(value.clone());
    let list = match &value {
        Value::List(items) => match unified(items) {
            Some(items) => Value::list(items),
            None => return fail(0, "the items of a list have one type, and these have several"),
        },
        Value::Null => Value::Null,
        Value::Unknown(_) => Value::Unknown(Type::Any),
        other => return fail(0, format!("{} cannot be converted to a list", text::article(other))),
    };
    Ok(mark(list, marked))
}

fn to_set(value: &Value) -> Outcome {
    // A mark of one item would tell which item of the sorted set it is.
    let (value, marked) = value.exposed();
    let set = match &value {
        // Items that are not known yet may turn out to be equal.
        Value::List(items) if items.len() > 1 && !value.is_known() => {
            Value::Unknown(Type::set(Type::Any))
        }
        Value::List(items) => match unified(items) {
            Some(items) => super::sets::as_set(items),
            None => return fail(0, "the items of a set have one type, and these have several"),
        },
        Value::Null => Value::Null,
        Value::Unknown(_) => Value::Unknown(Type::set(Type::Any)),
        other => return fail(0, format!("{} cannot be converted to a set", text::article(other))),
    };
    Ok(mark(set, marked))
}

fn to_map(value: &Value) -> Outcome {
    let (value, marked) = unmark(value.clone());
    let map = match &value {
        Value::Map(map) => {
            let items: Vec<Value> = map.values().cloned().collect();
            match unified(&items) {
                Some(items) => Value::map(map.keys().cloned().zip(items)),
                None => {
                    return fail(0, "the values of a map have one type, and these have several");
                }
            }
        }
        Value::Null => Value::Null,
        Value::Unknown(_) => Value::Unknown(Type::Any),
        other => return fail(0, format!("{} cannot be converted to a map", text::article(other))),
    };
    Ok(mark(map, marked))
}
