//! Strategic merge patches: merge patches that know which lists are maps.

use apimachinery::types::{PatchRule, Schema, TypeId};
use serde_json::{Map, Value};

use crate::errors::ApiError;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// The object with the patch merged in, by the rules of its type.
pub(crate) fn strategic(
    schema: &Schema,
    type_id: TypeId,
    live: &Value,
    body: &Value,
) -> Result<Value, ApiError> {
    let (Some(live), Some(patch)) = (live.as_object(), body.as_object()) else {
        return Err(ApiError::bad_request("a strategic merge patch has to be an object"));
    };
    Ok(Value::Object(Merger { schema }.maps(Some(type_id), live, patch)?))
}

struct Merger<'a> {
    schema: &'a Schema,
}

impl Merger<'_> {
    fn maps(
        &self,
        type_id: Option<TypeId>,
        live: &Map<String, Value>,
        patch: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ApiError> {
        match patch.get(DIRECTIVE).and_then(Value::as_str) {
            Some("replace") => return Ok(without_directives(patch)),
            Some("delete") => return Ok(Map::new()),
            Some("merge") | None => {}
            Some(other) => return Err(unknown_directive(other)),
        }
        let mut out = live.clone();
        if let Some(keep) = patch.get(RETAIN_KEYS).and_then(Value::as_array) {
            out.retain(|name, _| keep.iter().any(|kept| kept == name.as_str()));
        }
        for (name, change) in patch {
            if name.starts_with('$') {
                continue;
            }
            let (inside, rule) = self.field(type_id, name);
            let merged = match (out.get(name), change) {
                (_, Value::Null) => None,
                (Some(Value::Object(live)), Value::Object(change)) => {
                    Some(Value::Object(self.maps(inside, live, change)?))
                }
                (None, Value::Object(change)) => {
                    Some(Value::Object(self.maps(inside, &Map::new(), change)?))
                }
                (Some(Value::Array(live)), Value::Array(change)) if merges(rule.as_ref()) => {
                    Some(Value::Array(self.lists(inside, rule.as_ref(), live, change)?))
                }
                (None, Value::Array(change)) if merges(rule.as_ref()) => {
                    Some(Value::Array(self.lists(inside, rule.as_ref(), &[], change)?))
                }
                (_, change) => Some(change.clone()),
            };
            match merged {
                Some(merged) => out.insert(name.clone(), merged),
                None => out.remove(name),
            };
        }
        self.list_directives(type_id, &mut out, patch);
        Ok(out)
    }

    /// Directives that stand beside the list that they are about.
    fn list_directives(
        &self,
        type_id: Option<TypeId>,
        out: &mut Map<String, Value>,
        patch: &Map<String, Value>,
    ) {
        for (directive, argument) in patch {
            let Some(argument) = argument.as_array() else { continue };
            if let Some(name) = directive.strip_prefix(DELETE_FROM)
                && let Some(Value::Array(items)) = out.get_mut(name)
            {
                items.retain(|item| !argument.contains(item));
            }
            if let Some(name) = directive.strip_prefix(ORDER)
                && let Some(Value::Array(items)) = out.get_mut(name)
            {
                let key = self.field(type_id, name).1.map(|rule| rule.key).unwrap_or_default();
                let place = |item: &Value| {
                    argument
                        .iter()
                        .position(|wanted| same_item(&key, item, wanted))
                        .unwrap_or(usize::MAX)
                };
                items.sort_by_key(place);
            }
        }
    }

    fn lists(
        &self,
        element: Option<TypeId>,
        rule: Option<&PatchRule>,
        live: &[Value],
        patch: &[Value],
    ) -> Result<Vec<Value>, ApiError> {
        let key = rule.map(|rule| rule.key.clone()).unwrap_or_default();
        if patch.iter().any(|item| item[DIRECTIVE] == "replace") {
            let kept = patch.iter().filter(|item| item.get(DIRECTIVE).is_none());
            return Ok(kept.cloned().collect());
        }
        let mut out = live.to_vec();
        for item in patch {
            if key.is_empty() {
                if !out.contains(item) {
                    out.push(item.clone());
                }
                continue;
            }
            let Some(change) = item.as_object() else {
                return Err(ApiError::bad_request("a list of maps is patched with something else"));
            };
            if !change.contains_key(&key) {
                let why = format!("map: {item} does not contain declared merge key: {key}");
                return Err(ApiError::bad_request(why));
            }
            if change.get(DIRECTIVE).and_then(Value::as_str) == Some("delete") {
                out.retain(|known| known[&key] != item[&key]);
                continue;
            }
            match out.iter_mut().find(|known| known[&key] == item[&key]) {
                Some(known) => {
                    let live = known.as_object().cloned().unwrap_or_default();
                    *known = Value::Object(self.maps(element, &live, change)?);
                }
                None => out.push(Value::Object(self.maps(element, &Map::new(), change)?)),
            }
        }
        Ok(out)
    }

    /// The type of what a field holds (for a list, of its items) and what its patches do.
    fn field(&self, type_id: Option<TypeId>, name: &str) -> (Option<TypeId>, Option<PatchRule>) {
        let Some(map) = type_id.and_then(|id| self.schema.get(id).map.as_ref()) else {
            return (None, None);
        };
        let Some(field) = map.fields.get(name) else { return (map.element, None) };
        let inside = self.schema.get(field.type_id);
        let inside = inside.list.as_ref().map_or(field.type_id, |list| list.element);
        (Some(inside), field.patch.clone())
    }
}

fn merges(rule: Option<&PatchRule>) -> bool {
    rule.is_some_and(|rule| rule.merge)
}

fn same_item(key: &str, item: &Value, wanted: &Value) -> bool {
    if key.is_empty() { item == wanted } else { item[key] == wanted[key] }
}

fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    let kept = patch.iter().filter(|(name, _)| !name.starts_with('$'));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn unknown_directive(found: &str) -> ApiError {
    ApiError::bad_request(format!("unknown patch type {found:?} in a strategic merge patch"))
}
