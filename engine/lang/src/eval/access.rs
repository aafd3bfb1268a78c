//! Choosing an item of a list or an entry of a map.

use crate::{codes, text};
use diags::{Code, did_you_mean};
use values::{Type, Value};

/// An index that leads nowhere, in words.
pub(crate) struct Mistake {
    pub(crate) code: Code,
    pub(crate) summary: &'static str,
    pub(crate) why: String,
    pub(crate) meant: Option<String>,
}

/// `of[key]`, both without marks; `hidden` when the message may show neither.
pub(crate) fn index(of: &Value, key: &Value, hidden: bool) -> Result<Value, Mistake> {
    let bad = |why: String| Mistake {
        code: codes::BAD_INDEX,
        summary: "Invalid index",
        why,
        meant: None,
    };
    let shown = || if hidden { "this".to_owned() } else { format!("`{}`", text::short(key)) };
    if matches!(of, Value::Null) {
        return Err(Mistake {
            code: codes::NULL,
            summary: "Item of null",
            why: "This is null, so it has no items.".to_owned(),
            meant: None,
        });
    }
    if matches!(key, Value::Null) {
        return Err(bad("An item is chosen by a number or a text, and this is null.".to_owned()));
    }
    match (of, key) {
        (Value::Unknown(ty), _) if super::types::is_primitive(ty) => {
            Err(bad(format!("Only a list or an object has items, and this will be a {ty}.")))
        }
        (Value::Unknown(ty), _) => Ok(Value::Unknown(match ty {
            Type::List(item) | Type::Map(item) => (**item).clone(),
            _ => Type::Any,
        })),
        (Value::List(_) | Value::Map(_), Value::Unknown(_)) => Ok(Value::Unknown(Type::Any)),
        (Value::List(items), _) => {
            let Ok(Value::Number(number)) = values::conform(key, &Type::Number) else {
                return Err(bad(format!(
                    "An item of a list is chosen by a number; {} is none.",
                    shown()
                )));
            };
            let at = number.as_i64().and_then(|i| usize::try_from(i).ok());
            match at.and_then(|i| items.get(i)) {
                Some(item) => Ok(item.clone()),
                None if items.is_empty() => Err(bad("The list is empty.".to_owned())),
                None if hidden => Err(bad("The list has no such item.".to_owned())),
                None if !number.is_integer() => {
                    Err(bad(format!("An index is a whole number, and this is {number}.")))
                }
                None => Err(bad(format!(
                    "The list has {} items, counted from 0, and none has the index {number}.",
                    items.len()
                ))),
            }
        }
        (Value::Map(map), _) => {
            let Ok(Value::String(name)) = values::conform(key, &Type::String) else {
                return Err(bad(format!("An entry is chosen by a text; {} is none.", shown())));
            };
            map.get(&name).cloned().ok_or_else(|| {
                if hidden {
                    return bad("There is no such key.".to_owned());
                }
                let keys = map.keys().map(|k| &**k);
                let why =
                    format!("There is no key {name:?}; there are {}.", text::listed(keys.clone()));
                Mistake { meant: did_you_mean(&name, keys).map(str::to_owned), ..bad(why) }
            })
        }
        (of, _) => Err(bad(format!(
            "Only a list or an object has items, and this is {}.",
            text::article(of)
        ))),
    }
}
