//! Label selectors: which objects are meant, by their labels.
//!
//! Arguments are called `match_labels` and `match_expressions`, as blocks have them.

use crate::args::{each, entries, get, items, renamed};
use apimachinery::names;
use values::{Path, Type, Value};

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// The type of a selector among the arguments.
pub(super) fn shape() -> Type {
    let expression = Type::object([
        ("key", Type::String),
        ("operator", Type::String),
        ("values?", Type::list(Type::String)),
    ]);
    Type::object([
        ("match_labels?", Type::map(Type::String)),
        ("match_expressions?", Type::list(expression)),
    ])
}

/// The selector as the API has it.
pub(super) fn object(given: &Value) -> Value {
    renamed(
        given,
        &[
            ("match_labels", "matchLabels", Value::clone),
            ("match_expressions", "matchExpressions", |list| each(list, expression)),
        ],
    )
}

fn expression(given: &Value) -> Value {
    renamed(
        given,
        &[
            ("key", "key", Value::clone),
            ("operator", "operator", Value::clone),
            ("values", "values", Value::clone),
        ],
    )
}

/// Whether it is known and asks for nothing, and so selects everything.
pub(super) fn is_empty(selector: &Value) -> bool {
    let nothing = |name: &str| match get(selector, name) {
        Value::Null => true,
        Value::Map(map) => map.is_empty(),
        Value::List(list) => list.is_empty(),
        _ => false,
    };
    selector.as_map().is_some() && nothing("match_labels") && nothing("match_expressions")
}

/// Tells what is wrong with a selector that stands at this path of the arguments: where, what,
/// and what to do.
pub(super) fn check(
    selector: &Value,
    at: &Path,
    told: &mut impl FnMut(Path, String, Option<String>),
) {
    for (key, value) in entries(get(selector, "match_labels")) {
        let path = at.clone().attr("match_labels").attr(key);
        for why in names::qualified_name(key) {
            told(path.clone(), format!("`{key}` cannot be the key of a label: {why}."), None);
        }
        for why in value.as_str().map(names::label_value).unwrap_or_default() {
            told(path.clone(), format!("No label can have this value: {why}."), None);
        }
    }
    for (i, expression) in items(get(selector, "match_expressions")).iter().enumerate() {
        let path = at.clone().attr("match_expressions").index(i);
        check_expression(expression, &path, told);
    }
}

fn check_expression(
    expression: &Value,
    path: &Path,
    told: &mut impl FnMut(Path, String, Option<String>),
) {
    if let Some(key) = get(expression, "key").as_str() {
        for why in names::qualified_name(key) {
            let detail = format!("`{key}` cannot be the key of a label: {why}.");
            told(path.clone().attr("key"), detail, None);
        }
    }
    let Some(operator) = get(expression, "operator").as_str() else { return };
    let values = get(expression, "values");
    match operator {
        "In" | "NotIn" if values.is_known() && items(values).is_empty() => {
            told(path.clone().attr("operator"), format!("`{operator}` needs `values`."), None);
        }
        "Exists" | "DoesNotExist" if !items(values).is_empty() => {
            told(path.clone().attr("values"), format!("`{operator}` takes no `values`."), None);
        }
        known if OPERATORS.contains(&known) => {}
        other => {
            let meant = diags::did_you_mean(other, OPERATORS);
            let help = meant.map(|meant| format!("Did you mean `{meant}`?"));
            told(path.clone().attr("operator"), format!("There is no operator `{other}`."), help);
        }
    }
}
