//! Functions over sets: lists whose items stand in order and each once.

use super::Kind::List;
use super::{FunctionInfo, Outcome, deep, list_at, p};
use crate::eval::types::{as_type, common_of};
use values::{Type, Value};

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep("setunion", [p("sets", List)], "set(any)", "The items of any of the sets.", |a| {
            let all = alike(a);
            Ok(as_set(all.into_iter().flatten()))
        })
        .variadic(),
        deep("setintersection", [p("sets", List)], "set(any)", "The items of all the sets.", |a| {
            let all = alike(a);
            let Some((first, rest)) = all.split_first() else { return Ok(Value::list([])) };
            Ok(as_set(first.iter().filter(|v| rest.iter().all(|s| s.contains(v))).cloned()))
        })
        .variadic(),
        deep(
            "setsubtract",
            [p("set", List), p("minus", List)],
            "set(any)",
            "The items of the first set that the second has not.",
            |a| {
                let all = alike(a);
                Ok(as_set(all[0].iter().filter(|v| !all[1].contains(v)).cloned()))
            },
        ),
        deep(
            "setproduct",
            [p("sets", List)],
            "list(list(any))",
            "All combinations of one item of each set.",
            setproduct,
        )
        .variadic(),
    ]
}

/// The items of each set, all converted to the one type that they have in common.
fn alike(args: &[Value]) -> Vec<Vec<Value>> {
    let all = args.iter().flat_map(|a| a.as_list().unwrap_or_default());
    let ty = common_of(all).unwrap_or(Type::Any);
    (0..args.len()).map(|i| list_at(args, i).iter().map(|v| as_type(v, &ty)).collect()).collect()
}

/// Each item once, in order.
pub(super) fn as_set(items: impl IntoIterator<Item = Value>) -> Value {
    let list = Value::list(items);
    // Nothing is converted to `any`, so nothing can fail to fit.
    values::conform(&list, &Type::set(Type::Any)).unwrap_or(list)
}

fn setproduct(a: &[Value]) -> Outcome {
    const MOST: usize = 1_000_000;
    if a.len() < 2 {
        return super::fail(None, "at least two sets are needed");
    }
    let sizes = (0..a.len()).try_fold(1usize, |n, i| n.checked_mul(list_at(a, i).len()));
    if sizes.is_none_or(|n| n > MOST) {
        return super::fail(None, format!("more than {MOST} combinations"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for i in 0..a.len() {
        rows = rows
            .iter()
            .flat_map(|row| {
                list_at(a, i).iter().map(move |v| {
                    let mut longer = row.clone();
                    longer.push(v.clone());
                    longer
                })
            })
            .collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::list)))
}
