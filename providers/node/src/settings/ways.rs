//! Settings one by one: which parts of a configuration are ours.
//!
//! A [`Way`] leads to one setting: `evictionHard`, `memory.available`. Maps are gone into, lists
//! are settings as a whole.

use std::sync::Arc;
use values::{Map, Value};

/// The keys that lead to a setting.
pub(crate) type Way = Vec<Arc<str>>;

/// All settings that are given; a null gives none.
pub(crate) fn leaves(settings: &Value) -> Vec<(Way, Value)> {
    let mut out = Vec::new();
    collect(settings, &mut Vec::new(), &mut out);
    out
}

fn collect(value: &Value, way: &mut Way, out: &mut Vec<(Way, Value)>) {
    match value {
        Value::Null => {}
        Value::Map(map) if way.is_empty() || !map.is_empty() => {
            for (key, value) in map.iter() {
                way.push(key.clone());
                collect(value, way, out);
                way.pop();
            }
        }
        other => out.push((way.clone(), other.clone())),
    }
}

/// A way in a record.
pub(crate) fn to_value(way: &Way) -> Value {
    Value::list(way.iter().map(|key| Value::String(key.clone())))
}

/// A way, read from a record; `None` when it is none.
pub(crate) fn of_value(value: &Value) -> Option<Way> {
    let keys = value.as_list()?.iter().map(|key| key.as_str().map(Arc::from));
    keys.collect::<Option<Way>>().filter(|way| !way.is_empty())
}

/// What is set there; a null sets nothing.
pub(crate) fn get<'a>(of: &'a Value, way: &[Arc<str>]) -> Option<&'a Value> {
    way.iter().try_fold(of, |value, key| value.get(key)).filter(|value| !value.is_null())
}

/// The same with this setting, or without it.
#[must_use]
pub(crate) fn with(of: &Value, way: &[Arc<str>], setting: Option<&Value>) -> Value {
    let Some((key, rest)) = way.split_first() else {
        return setting.cloned().unwrap_or(Value::Null);
    };
    let mut map = of.as_map().cloned().unwrap_or_default();
    match (setting, map.get(key)) {
        (None, None) => return of.clone(),
        (None, Some(_)) if rest.is_empty() => {
            map.remove(&**key);
        }
        (_, inner) => {
            let inner = with(inner.unwrap_or(&Value::Null), rest, setting);
            map.insert(key.clone(), inner);
        }
    }
    Value::map(map)
}

/// The maps on the way to settings that are not there, outermost first.
pub(crate) fn missing_maps(of: &Value, settings: &[(Way, Value)]) -> Vec<Way> {
    let mut out: Vec<Way> = Vec::new();
    for (way, _) in settings {
        for end in 1..way.len() {
            let outer = way[..end].to_vec();
            if get(of, &outer).is_none() && !out.contains(&outer) {
                out.push(outer);
            }
        }
    }
    out
}

/// The same without those of the maps that are empty.
#[must_use]
pub(crate) fn without_empty(of: Value, maps: &[Way]) -> Value {
    let mut maps: Vec<&Way> = maps.iter().collect();
    // The innermost first: emptying it may empty the next.
    maps.sort_by_key(|way| std::cmp::Reverse(way.len()));
    let empty = |value: &Value, way: &Way| {
        get(value, way).and_then(Value::as_map).is_some_and(Map::is_empty)
    };
    maps.into_iter()
        .fold(of, |value, way| if empty(&value, way) { with(&value, way, None) } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Value {
        Value::map([
            ("maxPods", 110_i64.into()),
            ("evictionHard", Value::map([("memory.available", "100Mi".into())])),
            ("clusterDNS", Value::list(["10.0.0.10".into()])),
            ("nothing", Value::Null),
        ])
    }

    fn shown(way: &Way) -> String {
        way.join("/")
    }

    #[test]
    fn maps_are_gone_into_and_lists_are_not() {
        let ways: Vec<_> = leaves(&tree()).iter().map(|(way, _)| shown(way)).collect();
        assert_eq!(ways, ["clusterDNS", "evictionHard/memory.available", "maxPods"]);
    }

    #[test]
    fn what_is_set_and_taken_out_again_leaves_no_trace() {
        let way: Way = vec!["logging".into(), "options".into(), "json".into()];
        let settings = [(way.clone(), Value::from(1_i64))];
        let made = missing_maps(&tree(), &settings);
        assert_eq!(made.iter().map(shown).collect::<Vec<_>>(), ["logging", "logging/options"]);
        let set = with(&tree(), &way, Some(&1_i64.into()));
        assert_eq!(get(&set, &way), Some(&1_i64.into()));
        assert_eq!(without_empty(with(&set, &way, None), &made), tree());
        assert_eq!(with(&tree(), &way, None), tree());
    }

    #[test]
    fn a_map_that_was_empty_before_stays() {
        let before = Value::map([("evictionHard", Value::empty_map())]);
        let way: Way = vec!["evictionHard".into(), "memory.available".into()];
        let made = missing_maps(&before, &[(way.clone(), Value::Null)]);
        let set = with(&before, &way, Some(&"1Gi".into()));
        assert_eq!(without_empty(with(&set, &way, None), &made), before);
    }
}
