//! Types of values that are there, and what two of them have in common.

use std::sync::Arc;
use values::{ObjectAttr, Type, Value};

/// The type of a value, as far as a value shows it; [`Type::Any`] for what shows none.
pub(crate) fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Any,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(items) => {
            let mut types: Vec<Type> = items.iter().map(type_of).collect();
            match types.pop() {
                None => Type::list(Type::Any),
                Some(last) if types.iter().all(|t| *t == last) => Type::list(last),
                Some(last) => {
                    types.push(last);
                    Type::Tuple(types.into())
                }
            }
        }
        Value::Map(map) => {
            let attr = |(name, value): (&Arc<str>, &Value)| ObjectAttr {
                name: name.to_string(),
                ty: type_of(value),
                optional: false,
                default: None,
            };
            Type::Object(map.iter().map(attr).collect())
        }
        Value::Unknown(ty) => ty.clone(),
        Value::Sensitive(inner) => type_of(inner.expose()),
    }
}

/// The type to which values of both types can be converted; `None` when there is none.
/// Parts that have nothing in common stay as they are, as [`Type::Any`].
pub(crate) fn common(a: &Type, b: &Type) -> Option<Type> {
    let part = |a: &Type, b: &Type| common(a, b).unwrap_or(Type::Any);
    match (a, b) {
        (Type::Any, other) | (other, Type::Any) => Some(other.clone()),
        (Type::Bool, Type::Bool) => Some(Type::Bool),
        (Type::Number, Type::Number) => Some(Type::Number),
        (Type::String, Type::String | Type::Bool | Type::Number)
        | (Type::Bool | Type::Number, Type::String) => Some(Type::String),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            Some(Type::Tuple(a.iter().zip(b).map(|(a, b)| part(a, b)).collect()))
        }
        (
            Type::List(_) | Type::Set(_) | Type::Tuple(_),
            Type::List(_) | Type::Set(_) | Type::Tuple(_),
        ) => Some(Type::list(part(&item(a), &item(b)))),
        (Type::Object(a), Type::Object(b)) if same_names(a, b) => {
            let attr = |(a, b): (&ObjectAttr, &ObjectAttr)| ObjectAttr {
                name: a.name.clone(),
                ty: part(&a.ty, &b.ty),
                optional: a.optional || b.optional,
                default: None,
            };
            Some(Type::Object(a.iter().zip(b).map(attr).collect()))
        }
        (Type::Map(_) | Type::Object(_), Type::Map(_) | Type::Object(_)) => {
            // Objects with different attributes are maps when all their parts agree.
            Some(match common(&item(a), &item(b)) {
                Some(item) => Type::map(item),
                None => Type::map(Type::Any),
            })
        }
        _ => None,
    }
}

fn same_names(a: &[ObjectAttr], b: &[ObjectAttr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name)
}

/// Whether a value of one type may turn out to convert to another.
pub(crate) fn can_be(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::String, to) => is_primitive(to),
        (Type::Bool | Type::Number, to) => from == to || *to == Type::String,
        (Type::List(_) | Type::Set(_) | Type::Tuple(_), to) => {
            matches!(to, Type::List(_) | Type::Set(_) | Type::Tuple(_))
        }
        (Type::Map(_) | Type::Object(_), to) => matches!(to, Type::Map(_) | Type::Object(_)),
    }
}

/// Whether a value that is not known yet has no items, whatever it turns out to be.
pub(crate) fn is_primitive(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Number | Type::String)
}

/// What the items of a list or the values of a map have in common.
pub(crate) fn item(ty: &Type) -> Type {
    let all = |types: &mut dyn Iterator<Item = &Type>| {
        let mut types = types.cloned();
        let first = types.next().unwrap_or(Type::Any);
        types.try_fold(first, |a, b| common(&a, &b)).unwrap_or(Type::Any)
    };
    match ty {
        Type::List(item) | Type::Set(item) | Type::Map(item) => (**item).clone(),
        Type::Tuple(types) => all(&mut types.iter()),
        Type::Object(attrs) => all(&mut attrs.iter().map(|a| &a.ty)),
        Type::Any | Type::Bool | Type::Number | Type::String => Type::Any,
    }
}

/// The type that all values have in common; `None` when there is none.
pub(crate) fn common_of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Option<Type> {
    values.into_iter().try_fold(Type::Any, |ty, value| common(&ty, &type_of(value)))
}

/// The value as that type, or as it is when it does not fit after all.
pub(crate) fn as_type(value: &Value, ty: &Type) -> Value {
    values::conform(value, ty).unwrap_or_else(|_| value.clone())
}

/// The chosen result of a conditional, converted to the type that both results have in
/// common; `None` when they have none.
pub(crate) fn like(chosen: &Value, other: &Value) -> Option<Value> {
    // The usual cases need no types.
    match (chosen, other) {
        (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_))
        | (Value::Unknown(Type::Any), _)
        | (_, Value::Null) => return Some(chosen.clone()),
        _ => {}
    }
    let ty = common(&type_of(chosen), &type_of(other))?;
    Some(as_type(chosen, &ty))
}
