//! What differs between two values, by structure.

use crate::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The attributes that tell one item of a list from the others: `name = "app"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemKey(pub Vec<(Arc<str>, Value)>);

impl ItemKey {
    /// Whether the item has this key.
    pub fn matches(&self, item: &Value) -> bool {
        self.0.iter().all(|(name, value)| item.get(name) == Some(value))
    }
}

/// The difference of two values, as a tree with the shape of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diff {
    /// Equal in both.
    Same(Value),
    /// Only after.
    Added(Value),
    /// Only before.
    Removed(Value),
    /// Another value, and nothing inside to compare.
    Changed(Value, Value),
    /// Two objects, by attribute.
    Object(BTreeMap<Arc<str>, Diff>),
    /// Two lists whose items have keys, in the order of the second list; removed items stand
    /// where they stood.
    Items(Vec<(ItemKey, Diff)>),
    /// Two lists without keys, by the longest common subsequence.
    List(Vec<Diff>),
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same(_))
    }
}

/// Names that identify an item when every item of both lists has them and no two items share
/// them; the merge keys of the Kubernetes API, most specific first.
const KEYS: &[&[&str]] = &[
    &["name"],
    &["port", "protocol"],
    &["containerPort", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["ip"],
    &["topologyKey", "whenUnsatisfiable"],
    &["type"],
    &["key"],
    &["uid"],
];

/// Compares by structure: objects by attribute, lists by the keys of their items.
pub fn diff(before: &Value, after: &Value) -> Diff {
    if before == after {
        return Diff::Same(after.clone());
    }
    match (before, after) {
        (Value::Map(a), Value::Map(b)) => {
            let names = a.keys().chain(b.keys());
            Diff::Object(
                names.map(|k| (k.clone(), one(a.get(k), b.get(k)))).collect::<BTreeMap<_, _>>(),
            )
        }
        (Value::List(a), Value::List(b)) => {
            let keyed = KEYS.iter().find_map(|names| Some((keys(a, names)?, keys(b, names)?)));
            match keyed {
                Some((ka, kb)) => Diff::Items(items(a, &ka, b, &kb)),
                None => Diff::List(sequence(a, b)),
            }
        }
        _ => Diff::Changed(before.clone(), after.clone()),
    }
}

fn one(before: Option<&Value>, after: Option<&Value>) -> Diff {
    match (before, after) {
        (Some(a), Some(b)) => diff(a, b),
        (Some(a), None) => Diff::Removed(a.clone()),
        (None, Some(b)) => Diff::Added(b.clone()),
        (None, None) => Diff::Same(Value::Null),
    }
}

/// The key of each item, or `None` when an item has none or two have the same.
fn keys(list: &[Value], names: &[&str]) -> Option<Vec<ItemKey>> {
    let mut out: Vec<ItemKey> = Vec::with_capacity(list.len());
    for item in list {
        let mut key = Vec::with_capacity(names.len());
        for name in names {
            match item.get(name)? {
                v @ (Value::String(_) | Value::Number(_)) => key.push(((*name).into(), v.clone())),
                _ => return None,
            }
        }
        let key = ItemKey(key);
        if out.contains(&key) {
            return None;
        }
        out.push(key);
    }
    Some(out)
}

fn items(a: &[Value], ka: &[ItemKey], b: &[Value], kb: &[ItemKey]) -> Vec<(ItemKey, Diff)> {
    let mut out: Vec<(ItemKey, Diff)> = Vec::new();
    let mut gone = ka.iter().zip(a).filter(|(k, _)| !kb.contains(k)).collect::<Vec<_>>();
    for (key, after) in kb.iter().zip(b) {
        let before = ka.iter().position(|k| k == key);
        if let Some(at) = before {
            // Removed items are told before the first kept item that they stood before.
            gone.retain(|(k, v)| {
                let stood_before = ka.iter().position(|x| x == *k).is_some_and(|i| i < at);
                if stood_before {
                    out.push(((*k).clone(), Diff::Removed((*v).clone())));
                }
                !stood_before
            });
        }
        out.push((key.clone(), one(before.map(|i| &a[i]), Some(after))));
    }
    out.extend(gone.into_iter().map(|(k, v)| (k.clone(), Diff::Removed(v.clone()))));
    out
}

/// Longest common subsequence; lists that people read are short, long ones are replaced whole.
fn sequence(a: &[Value], b: &[Value]) -> Vec<Diff> {
    const LONG: usize = 500;
    if a.len() > LONG || b.len() > LONG {
        let gone = a.iter().map(|v| Diff::Removed(v.clone()));
        return gone.chain(b.iter().map(|v| Diff::Added(v.clone()))).collect();
    }
    let mut table = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] = if a[i] == b[j] {
                table[i + 1][j + 1] + 1
            } else {
                table[i + 1][j].max(table[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            out.push(Diff::Same(b[j].clone()));
            (i, j) = (i + 1, j + 1);
        } else if table[i + 1][j] == table[i][j + 1] && a[i].kind() == b[j].kind() {
            out.push(diff(&a[i], &b[j]));
            (i, j) = (i + 1, j + 1);
        } else if table[i + 1][j] >= table[i][j + 1] {
            out.push(Diff::Removed(a[i].clone()));
            i += 1;
        } else {
            out.push(Diff::Added(b[j].clone()));
            j += 1;
        }
    }
    out.extend(a[i..].iter().map(|v| Diff::Removed(v.clone())));
    out.extend(b[j..].iter().map(|v| Diff::Added(v.clone())));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str, image: &str) -> Value {
        Value::map([("name", name.into()), ("image", image.into())])
    }

    #[test]
    fn items_are_matched_by_name_even_when_they_move() {
        let before = Value::list([container("a", "1"), container("b", "1")]);
        let after = Value::list([container("b", "2"), container("a", "1")]);
        let Diff::Items(items) = diff(&before, &after) else { panic!("keyed") };
        assert!(matches!(&items[0].1, Diff::Object(o) if o["image"]
            == Diff::Changed("1".into(), "2".into()) && o["name"].is_same()));
        assert!(items[1].1.is_same());
    }

    #[test]
    fn list_without_keys_shows_what_came_and_went() {
        let list = |items: &[&str]| Value::list(items.iter().map(|s| Value::from(*s)));
        let got = diff(&list(&["a", "b", "c"]), &list(&["b", "c", "d"]));
        assert_eq!(
            got,
            Diff::List(vec![
                Diff::Removed("a".into()),
                Diff::Same("b".into()),
                Diff::Same("c".into()),
                Diff::Added("d".into())
            ])
        );
    }

    #[test]
    fn equal_values_are_one_node() {
        let value = Value::list([container("a", "1")]);
        assert!(diff(&value, &value).is_same());
    }
}
