//! Values as JSON, with what JSON has no word for.

pub mod v1;

use values::{Type, Value};

/// The value without its secrets: each is replaced by one that is sensitive and not known.
pub fn sealed(value: &Value) -> Value {
    seal_against(value, None)
}

/// Two pictures of one object without their secrets, so that those which differ still do.
///
/// A secret after that equals the one before it becomes the very same mark, and one that does
/// not becomes a mark that names its type. Otherwise a stored plan that changes a secret would
/// show nothing.
pub fn sealed_pair(
    before: Option<&Value>,
    after: Option<&Value>,
) -> (Option<Value>, Option<Value>) {
    let (before, after) = match (before, after) {
        // What was read from the world carries no marks, and must not be stored without them.
        (Some(before), Some(after)) => {
            let (before, after) = values::hide_alike(before, after);
            (Some(before), Some(after))
        }
        (before, after) => (before.cloned(), after.cloned()),
    };
    let sealed_after = after.map(|after| seal_against(&after, before.as_ref()));
    (before.as_ref().map(sealed), sealed_after)
}

fn seal_against(value: &Value, before: Option<&Value>) -> Value {
    match value {
        // Nothing is hidden in it, and it may be the mark of a change already.
        Value::Sensitive(secret) if matches!(secret.expose(), Value::Unknown(_)) => value.clone(),
        Value::Sensitive(secret) => {
            let ty = match before {
                // Nothing to differ from: the mark says nothing about the secret.
                None => Type::Any,
                Some(Value::Sensitive(other)) if other == secret => Type::Any,
                // What is not remembered cannot differ.
                Some(Value::Sensitive(other)) if !other.expose().is_known() => Type::Any,
                Some(_) => type_of(secret.expose()),
            };
            Value::Unknown(ty).into_sensitive()
        }
        Value::List(items) => Value::list(items.iter().enumerate().map(|(i, item)| {
            let before = before.and_then(Value::as_list).and_then(|items| items.get(i));
            seal_against(item, before)
        })),
        Value::Map(map) => Value::map(map.iter().map(|(name, item)| {
            (name.clone(), seal_against(item, before.and_then(|before| before.get(name))))
        })),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) => {
            value.clone()
        }
    }
}

/// Never [`Type::Any`], which is the mark of a secret that does not differ.
fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::List(_) => Type::list(Type::Any),
        Value::Map(_) => Type::map(Type::Any),
        Value::Unknown(ty) if *ty != Type::Any => ty.clone(),
        Value::Null | Value::String(_) | Value::Unknown(_) => Type::String,
        Value::Sensitive(inner) => type_of(inner.expose()),
    }
}

#[cfg(test)]
mod tests;
