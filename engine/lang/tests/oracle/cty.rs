//! A small reader of table rows: Go literals of the value library, as far as data goes.

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization as _;
use values::{Number, Type, Value};

/// What a row's literal is, or `None` when it is more than data.
pub(super) fn value(json: &Json) -> Option<Value> {
    if let Some(name) = json.get("$ref").and_then(Json::as_str) {
        return reference(name);
    }
    if let Some(name) = json.get("$call").and_then(Json::as_str) {
        let args = json.get("args").and_then(Json::as_array)?;
        return call(name.trim_start_matches("cty."), args);
    }
    if let Some(method) = json.get("$method").and_then(Json::as_str) {
        let of = value(json.get("recv")?)?;
        return match method {
            "Mark" | "WithMarks" => Some(of.into_sensitive()),
            // What else is known about an unknown value is not kept here.
            "Refine"
            | "NotNull"
            | "RefineNotNull"
            | "NewValue"
            | "StringPrefix"
            | "StringPrefixFull"
            | "NumberRangeLowerBound"
            | "NumberRangeUpperBound"
            | "CollectionLengthLowerBound"
            | "CollectionLengthUpperBound"
            | "CollectionLength"
            | "NumberRangeInclusive" => Some(of),
            _ => None,
        };
    }
    None
}

fn reference(name: &str) -> Option<Value> {
    Some(match name.trim_start_matches("cty.") {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "Zero" => Value::from(0),
        "DynamicVal" => Value::Unknown(Type::Any),
        "EmptyTupleVal" => Value::list([]),
        "EmptyObjectVal" => Value::empty_map(),
        _ => return None,
    })
}

fn call(name: &str, args: &[Json]) -> Option<Value> {
    let first = args.first();
    Some(match name {
        // As texts of a configuration are: composed (NFC).
        "StringVal" => Value::string(text(first?)?.nfc().collect::<String>()),
        "BoolVal" => Value::Bool(first?.as_bool()?),
        "NumberIntVal" | "NumberFloatVal" | "NumberUIntVal" => Value::Number(number(first?)?),
        "MustParseNumberVal" => Value::Number(text(first?)?.parse().ok()?),
        "NullVal" => Value::Null,
        "UnknownVal" => Value::Unknown(ty(first?)?),
        "ListVal" | "TupleVal" => Value::list(items(first?)?),
        "SetVal" => {
            let list = Value::list(items(first?)?);
            values::conform(&list, &Type::set(Type::Any)).ok()?
        }
        "ListValEmpty" | "SetValEmpty" => Value::list([]),
        "MapValEmpty" => Value::empty_map(),
        "MapVal" | "ObjectVal" => Value::map(entries(first?)?),
        _ => return None,
    })
}

/// A text; also one that is made by repeating or joining texts.
pub(super) fn text(json: &Json) -> Option<String> {
    if let Some(text) = json.as_str() {
        return Some(text.to_owned());
    }
    if json.get("$op").and_then(Json::as_str) == Some("+") {
        return Some(text(json.get("l")?)? + &text(json.get("r")?)?);
    }
    if json.get("$call").and_then(Json::as_str) == Some("strings.Repeat") {
        let args = json.get("args")?;
        return Some(text(args.get(0)?)?.repeat(usize::try_from(args.get(1)?.as_u64()?).ok()?));
    }
    None
}

fn number(json: &Json) -> Option<Number> {
    match json.get("$num").and_then(Json::as_str) {
        Some(digits) => digits.parse().ok(),
        None => json.as_i64().map(Number::from),
    }
}

/// The items of a Go slice of values.
pub(super) fn items(json: &Json) -> Option<Vec<Value>> {
    if json.is_null() {
        return Some(Vec::new());
    }
    let list = json.get("$list").and_then(|_| json.get("v")).unwrap_or(json);
    list.as_array()?.iter().map(value).collect()
}

/// The entries of a Go map of values.
pub(super) fn entries(json: &Json) -> Option<Vec<(String, Value)>> {
    if json.is_null() {
        return Some(Vec::new());
    }
    let map = json.get("$map").and_then(|_| json.get("v")).unwrap_or(json);
    map.as_object()?.iter().map(|(k, v)| Some((k.clone(), value(v)?))).collect()
}

pub(super) fn ty(json: &Json) -> Option<Type> {
    if let Some(name) = json.get("$ref").and_then(Json::as_str) {
        return Some(match name.trim_start_matches("cty.") {
            "String" => Type::String,
            "Number" => Type::Number,
            "Bool" => Type::Bool,
            "DynamicPseudoType" => Type::Any,
            "EmptyObject" => Type::Object(Box::default()),
            "EmptyTuple" => Type::Tuple(Box::default()),
            _ => return None,
        });
    }
    let name = json.get("$call").and_then(Json::as_str)?.trim_start_matches("cty.");
    let first = json.get("args")?.get(0)?;
    Some(match name {
        "List" => Type::list(ty(first)?),
        "Set" => Type::set(ty(first)?),
        "Map" => Type::map(ty(first)?),
        "Tuple" => {
            let list = first.get("v").unwrap_or(first).as_array()?;
            Type::Tuple(list.iter().map(ty).collect::<Option<_>>()?)
        }
        "Object" => {
            let map = first.get("v").unwrap_or(first).as_object()?;
            let attrs = map.iter().map(|(k, v)| Some((k.as_str(), ty(v)?)));
            Type::object(attrs.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}
