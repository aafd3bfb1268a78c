//! Making a value fit a type.

use crate::{Map, Number, Path, Type, Value};
use std::sync::Arc;

/// A part of a value that cannot be made to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which part.
    pub path: Path,
    /// What is wrong, as the end of a sentence: `a number is needed, and this is a list`.
    /// Never holds a sensitive value.
    pub why: String,
    /// A name that was probably meant, when a name is wrong.
    pub meant: Option<String>,
}

/// The value as the type wants it, or every part that does not fit.
///
/// Converts where nothing is lost (`"8"` to `8`, `8` to `"8"`, `"true"` and `"1"` to `true`), sorts and
/// deduplicates sets, fills optional attributes that are left out with their defaults or null. Unknown parts stay
/// unknown, sensitive parts sensitive.
pub fn conform(value: &Value, ty: &Type) -> Result<Value, Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    let fitted = fit(value, ty, &Path::root(), &mut mismatches);
    if mismatches.is_empty() { Ok(fitted) } else { Err(mismatches) }
}

fn fit(value: &Value, ty: &Type, path: &Path, out: &mut Vec<Mismatch>) -> Value {
    match (value, ty) {
        (Value::Sensitive(inner), _) => fit(inner.expose(), ty, path, out).into_sensitive(),
        (Value::Unknown(_), ty) if *ty != Type::Any => Value::Unknown(ty.without_defaults()),
        (_, Type::Any)
        | (Value::Null | Value::Unknown(_), _)
        | (Value::Bool(_), Type::Bool)
        | (Value::Number(_), Type::Number)
        | (Value::String(_), Type::String) => value.clone(),
        (Value::Bool(b), Type::String) => Value::string(b.to_string()),
        (Value::Number(n), Type::String) => Value::string(n.to_string()),
        (Value::String(s), Type::Bool) => match &**s {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => mismatch(value, ty, path, out),
        },
        (Value::String(s), Type::Number) => match s.parse::<Number>() {
            Ok(n) => Value::Number(n),
            Err(_) => mismatch(value, ty, path, out),
        },
        (Value::List(items), Type::List(item)) => Value::list(
            items.iter().enumerate().map(|(i, v)| fit(v, item, &path.clone().index(i), out)),
        ),
        (Value::List(items), Type::Set(item)) => set(items, item, path, out),
        (Value::List(items), Type::Tuple(types)) => tuple(items, types, path, out),
        (Value::Map(map), Type::Map(item)) => Value::map(
            map.iter().map(|(k, v)| (k.clone(), fit(v, item, &path.clone().attr(k), out))),
        ),
        (Value::Map(map), Type::Object(attrs)) => object(map, attrs, path, out),
        (
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::List(_) | Value::Map(_),
            _,
        ) => mismatch(value, ty, path, out),
    }
}

fn mismatch(value: &Value, ty: &Type, path: &Path, out: &mut Vec<Mismatch>) -> Value {
    let why = format!("{} is needed, and this is {}", needed(ty), article(value.kind()));
    out.push(Mismatch { path: path.clone(), why, meant: None });
    Value::Null
}

fn needed(ty: &Type) -> String {
    match ty {
        Type::Any => "a value".to_owned(),
        Type::Bool => "a bool".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::String => "a string".to_owned(),
        Type::List(_) | Type::Tuple(_) => "a list".to_owned(),
        Type::Set(_) => "a set".to_owned(),
        Type::Map(_) => "a map".to_owned(),
        Type::Object(_) => "an object".to_owned(),
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => kind.to_owned(),
        "object" => format!("an {kind}"),
        _ if kind.starts_with("a ") => kind.to_owned(),
        _ => format!("a {kind}"),
    }
}

fn set(items: &[Value], item: &Type, path: &Path, out: &mut Vec<Mismatch>) -> Value {
    let mut fitted: Vec<Value> = Vec::new();
    for (i, value) in items.iter().enumerate() {
        let value = fit(value, item, &path.clone().index(i), out);
        if !fitted.contains(&value) {
            fitted.push(value);
        }
    }
    // Strings and numbers have a natural order; other items keep the order they came in.
    if fitted.iter().all(|v| v.as_str().is_some()) {
        fitted.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    } else if fitted.iter().all(|v| v.as_number().is_some()) {
        fitted.sort_by(|a, b| a.as_number().cmp(&b.as_number()));
    }
    Value::list(fitted)
}

fn tuple(items: &[Value], types: &[Type], path: &Path, out: &mut Vec<Mismatch>) -> Value {
    if items.len() != types.len() {
        let why = format!("{} items are needed, and these are {}", types.len(), items.len());
        out.push(Mismatch { path: path.clone(), why, meant: None });
        return Value::Null;
    }
    let pairs = items.iter().zip(types).enumerate();
    Value::list(pairs.map(|(i, (v, t))| fit(v, t, &path.clone().index(i), out)))
}

fn object(map: &Map, attrs: &[crate::ObjectAttr], path: &Path, out: &mut Vec<Mismatch>) -> Value {
    for name in map.keys() {
        if attrs.iter().any(|a| *a.name == **name) {
            continue;
        }
        let names = attrs.iter().map(|a| a.name.as_str());
        let meant = diags::did_you_mean(name, names.clone()).map(str::to_owned);
        let why = format!("there is no attribute `{name}`; there are {}", listed(names));
        out.push(Mismatch { path: path.clone().attr(name), why, meant });
    }
    let fitted = attrs.iter().map(|attr| {
        let key: Arc<str> = attr.name.as_str().into();
        let value = match (map.get(&key), &attr.default) {
            (None | Some(Value::Null), Some(default)) => default.clone(),
            (Some(value), _) => fit(value, &attr.ty, &path.clone().attr(&attr.name), out),
            (None, None) => Value::Null,
        };
        if value.is_null() && !attr.optional && map.get(&key).is_none_or(Value::is_null) {
            let why = format!("the attribute `{}` is missing", attr.name);
            out.push(Mismatch { path: path.clone(), why, meant: None });
        }
        (key, value)
    });
    Value::map(fitted.collect::<Vec<_>>())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, ty: &Type, want: &str) {
        let got = match conform(value, ty) {
            Ok(v) => format!("{v:?}"),
            Err(ms) => {
                ms.iter().map(|m| format!("{}: {}", m.path, m.why)).collect::<Vec<_>>().join("; ")
            }
        };
        assert_eq!(got, want);
    }

    #[test]
    fn what_loses_nothing_is_converted() {
        check(&"8".into(), &Type::Number, "8");
        check(&8.into(), &Type::String, "\"8\"");
        check(&"true".into(), &Type::Bool, "true");
        check(&"0".into(), &Type::Bool, "false");
        check(&Value::Unknown(Type::Any), &Type::Bool, "(known after apply)");
    }

    #[test]
    fn every_wrong_part_is_named_with_its_path() {
        let ty = Type::object([("a", Type::Number), ("b?", Type::list(Type::Bool))]);
        let value = Value::map([("a", "x".into()), ("b", Value::list([true.into(), 7.into()]))]);
        check(
            &value,
            &ty,
            "a: a number is needed, and this is a string; b[1]: a bool is needed, and this is a number",
        );
        check(
            &Value::map([("aa", 1.into())]),
            &ty,
            "aa: there is no attribute `aa`; there are `a`, `b`; : the attribute `a` is missing",
        );
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let Type::Object(mut attrs) =
            Type::object([("size?", Type::Number), ("name?", Type::String)])
        else {
            return;
        };
        attrs[0].default = Some(Value::from(3));
        let ty = Type::list(Type::Object(attrs));
        let items = [
            Value::empty_map(),
            Value::map([("size", Value::Null)]),
            Value::map([("size", Value::from("4"))]),
        ];
        check(
            &Value::list(items),
            &ty,
            r#"[{"name": null, "size": 3}, {"name": null, "size": 3}, {"name": null, "size": 4}]"#,
        );
        assert_eq!(
            ty.to_string(),
            "list(object({size = optional(number, 3), name = optional(string)}))"
        );
    }

    #[test]
    fn sensitive_stays_sensitive_through_a_conversion() {
        let got = conform(&Value::from("8").into_sensitive(), &Type::Number);
        assert_eq!(got, Ok(Value::from(8).into_sensitive()));
    }

    #[test]
    fn a_set_is_sorted_and_has_each_item_once() {
        let value = Value::list(["b".into(), "a".into(), "b".into()]);
        check(&value, &Type::set(Type::String), r#"["a", "b"]"#);
    }
}
