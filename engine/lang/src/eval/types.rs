//! Types of values that are there, and making the results of a conditional alike.

use values::{ObjectAttr, Type, Value};

/// The type of a value, as far as a value shows it.
pub(crate) fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Any,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(items) => {
            let mut types = items.iter().map(type_of);
            match types.next() {
                Some(first) if types.all(|t| t == first) => Type::list(first),
                _ => Type::Any,
            }
        }
        Value::Map(map) => {
            let attr = |(name, value): (&std::sync::Arc<str>, &Value)| ObjectAttr {
                name: name.to_string(),
                ty: type_of(value),
                optional: false,
            };
            Type::Object(map.iter().map(attr).collect())
        }
        Value::Unknown(ty) => ty.clone(),
        Value::Sensitive(inner) => type_of(inner.expose()),
    }
}

/// The chosen result of a conditional, converted so that it has the type that both results
/// have in common; `None` when they have none.
pub(crate) fn like(chosen: &Value, other: &Value) -> Option<Value> {
    match (chosen, other) {
        (Value::Sensitive(inner), other) => Some(like(inner.expose(), other)?.into_sensitive()),
        (chosen, Value::Sensitive(inner)) => like(chosen, inner.expose()),
        (Value::Null | Value::Unknown(_), _) | (_, Value::Null | Value::Unknown(_)) => {
            Some(chosen.clone())
        }
        (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_) | Value::Bool(_) | Value::Number(_)) => {
            Some(chosen.clone())
        }
        (Value::Bool(b), Value::String(_)) => Some(Value::string(b.to_string())),
        (Value::Number(n), Value::String(_)) => Some(Value::string(n.to_string())),
        (Value::List(a), Value::List(b)) => Some(list_like(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            let same = a.len() == b.len() && a.keys().all(|k| b.contains_key(k));
            if same {
                let entries = a.iter().zip(b.values());
                let alike: Option<Vec<_>> =
                    entries.map(|((k, a), b)| Some((k.clone(), like(a, b)?))).collect();
                return Some(alike.map_or_else(|| chosen.clone(), Value::map));
            }
            // Two objects with different attributes are a map when all their parts agree.
            let alike: Option<Vec<_>> = a
                .iter()
                .map(|(k, v)| {
                    let mut others = b.values().chain(a.values());
                    Some((k.clone(), others.try_fold(v.clone(), |v, o| like(&v, o))?))
                })
                .collect();
            Some(alike.map_or_else(|| chosen.clone(), Value::map))
        }
        (
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::List(_) | Value::Map(_),
            _,
        ) => None,
    }
}

fn list_like(a: &std::sync::Arc<Vec<Value>>, b: &[Value]) -> Value {
    let alike: Option<Vec<Value>> = if a.len() == b.len() {
        a.iter().zip(b).map(|(a, b)| like(a, b)).collect()
    } else {
        // One item of each kind decides; comparing all with all would be quadratic.
        let kinds = one_of_each_kind(a.iter().chain(b));
        a.iter().map(|v| kinds.iter().try_fold(v.clone(), |v, o| like(&v, o))).collect()
    };
    alike.map_or_else(|| Value::List(a.clone()), Value::list)
}

fn one_of_each_kind<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<&'v Value> {
    let mut kinds: Vec<&Value> = Vec::new();
    for value in values {
        let structural = matches!(value, Value::List(_) | Value::Map(_));
        if structural || !kinds.iter().any(|k| k.kind() == value.kind()) {
            if kinds.len() < 64 {
                kinds.push(value);
            }
        }
    }
    kinds
}
