//! What a reference page shows, as arguments.

use super::literal::{Block, blocks, body};
use values::{ObjectAttr, Role, Schema, Type, Value};

/// The insides of the blocks on a page that are of this type. Those with `for_each` need the whole
/// language and are left out.
pub fn examples(page: &str, name: &str) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for text in page.split("```").filter_map(|part| part.strip_prefix("hcl\n")) {
        let is_own = |block: &Block<'_>| block.words.get(1) == Some(&name);
        let own = blocks(text)?.into_iter().filter(is_own).map(|block| block.inside.to_owned());
        out.extend(own.filter(|inside| !inside.contains("for_each")));
    }
    Ok(out)
}

/// The arguments that the inside of a block means, as a type gets them: made to fit the schema,
/// with the defaults of what is left out. `names` says what the text refers to.
pub fn arguments(schema: &Schema, text: &str, names: &[(&str, Value)]) -> Result<Value, String> {
    let ty = type_of(schema);
    let given = shaped(body(text, names)?, &ty);
    let mut given = given.as_map().cloned().unwrap_or_default();
    for attr in &schema.attrs {
        if let Role::Default(value) | Role::IdentityOr(value) = &attr.role
            && given.get(attr.name).is_none_or(Value::is_null)
        {
            given.insert(attr.name.into(), value.clone());
        }
    }
    values::conform(&Value::map(given), &ty).map_err(|wrong| format!("{wrong:?} in {text}"))
}

fn type_of(schema: &Schema) -> Type {
    let arguments = schema.attrs.iter().filter(|attr| attr.is_argument());
    let attrs = arguments.map(|attr| ObjectAttr {
        name: attr.name.to_owned(),
        ty: attr.ty.clone(),
        optional: !matches!(attr.role, Role::Identity | Role::Required),
        default: None,
    });
    Type::Object(attrs.collect())
}

/// Blocks come as lists; where the type is one object, there is one block.
fn shaped(value: Value, ty: &Type) -> Value {
    match (&value, ty) {
        (Value::List(items), Type::Object(_)) if items.len() == 1 => shaped(items[0].clone(), ty),
        (Value::List(items), Type::List(item)) => {
            Value::list(items.iter().map(|value| shaped(value.clone(), item)))
        }
        (Value::Map(map), Type::Object(attrs)) => {
            let ty = |name: &str| attrs.iter().find(|attr| attr.name == name).map(|attr| &attr.ty);
            Value::map(map.iter().map(|(name, value)| {
                let shaped = ty(name).map_or_else(|| value.clone(), |ty| shaped(value.clone(), ty));
                (name.clone(), shaped)
            }))
        }
        _ => value,
    }
}
