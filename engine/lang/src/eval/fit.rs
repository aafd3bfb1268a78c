//! Making the value of a variable fit its type.
//!
//! Stricter than a conversion where a person wrote an object by hand, since an attribute too
//! much is a slip there; looser where a whole object is handed on, which may have more than
//! is asked for.

use std::sync::Arc;
use values::{Mismatch, ObjectAttr, Path, Type, Value, conform};

/// The value as the type wants it. `written` tells whether an attribute is written by hand.
pub(crate) fn fit(
    value: &Value,
    ty: &Type,
    written: &dyn Fn(&Path) -> bool,
) -> Result<Value, Vec<Mismatch>> {
    // Most values fit, and then nothing needs to be looked at twice.
    conform(value, ty).or_else(|mismatches| {
        let (value, ty) = adapt(value, ty, &Path::root(), written);
        match conform(&value, &ty) {
            Ok(fitted) => Ok(fitted),
            // What was wrong all along is told in the words of the type as it was declared.
            Err(left) if left.len() == mismatches.len() => Err(mismatches),
            Err(left) => Err(left),
        }
    })
}

/// The value without attributes that nobody asks for, and the type without asking for
/// attributes that are null on purpose.
fn adapt(value: &Value, ty: &Type, path: &Path, written: &dyn Fn(&Path) -> bool) -> (Value, Type) {
    match (value, ty) {
        (Value::Sensitive(inner), ty) => {
            let (value, ty) = adapt(inner.expose(), ty, path, written);
            (value.into_sensitive(), ty)
        }
        (Value::Map(map), Type::Object(attrs)) => {
            let mut types = Vec::with_capacity(attrs.len());
            let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
            for attr in attrs {
                let Some(value) = map.get(attr.name.as_str()) else {
                    types.push(attr.clone());
                    continue;
                };
                let (value, ty) = adapt(value, &attr.ty, &path.clone().attr(&attr.name), written);
                let optional = attr.optional || value.is_null();
                types.push(ObjectAttr { ty, optional, ..attr.clone() });
                entries.push((attr.name.as_str().into(), value));
            }
            for (name, value) in map.iter() {
                let asked = attrs.iter().any(|a| *a.name == **name);
                if !asked && written(&path.clone().attr(name)) {
                    entries.push((name.clone(), value.clone()));
                }
            }
            (Value::map(entries), Type::Object(types.into()))
        }
        (Value::List(items), Type::List(item)) => {
            let (items, item) = adapt_items(items, item, path, written);
            (items, Type::list(item))
        }
        (Value::List(items), Type::Set(item)) => {
            let (items, item) = adapt_items(items, item, path, written);
            (items, Type::set(item))
        }
        (Value::Map(map), Type::Map(item)) => {
            let mut common = (**item).clone();
            let entries: Vec<(Arc<str>, Value)> = map
                .iter()
                .map(|(name, value)| {
                    let inner = path.clone().attr(name);
                    let (value, ty) = adapt(value, &common, &inner, written);
                    common = ty;
                    (name.clone(), value)
                })
                .collect();
            (Value::map(entries), Type::map(common))
        }
        (value, ty) => (value.clone(), ty.clone()),
    }
}

fn adapt_items(
    items: &[Value],
    item: &Type,
    path: &Path,
    written: &dyn Fn(&Path) -> bool,
) -> (Value, Type) {
    let mut common = item.clone();
    let mut adapted = Vec::with_capacity(items.len());
    for (i, value) in items.iter().enumerate() {
        let (value, ty) = adapt(value, &common, &path.clone().index(i), written);
        common = ty;
        adapted.push(value);
    }
    (Value::list(adapted), common)
}
