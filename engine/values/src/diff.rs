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
    /// where they stood. Items that only changed places among the kept ones are
    /// [`Diff::Moved`]; an insertion or a removal moves nothing.
    Items(Vec<(ItemKey, Diff)>),
    /// Two lists without keys, by the longest common subsequence.
    List(Vec<Diff>),
    /// An item of [`Diff::Items`] that stands elsewhere than it did; what else differs is inside.
    Moved {
        /// Its position in the first list, from 0.
        from: usize,
        /// Its position in the second list, from 0.
        to: usize,
        /// The item itself.
        inner: Box<Diff>,
    },
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

/// The two values, with everything hidden in one of them hidden in the other too.
///
/// What is read from the world carries no marks, and what the configuration says does. Shown
/// side by side, the unmarked one would give the secret away: the old password, or the same.
/// What stands beside only hidden things (a removed entry of a map of secrets) is hidden too.
#[must_use]
pub fn hide_alike(before: &Value, after: &Value) -> (Value, Value) {
    (hidden_like(before, after), hidden_like(after, before))
}

fn hidden_like(value: &Value, like: &Value) -> Value {
    if !like.has_sensitive() || value == like {
        return value.clone();
    }
    match (value, like) {
        (_, Value::Sensitive(_)) if value.is_null() => Value::Null,
        (_, Value::Sensitive(_)) => value.clone().into_sensitive(),
        (Value::Map(map), Value::Map(other)) => {
            let all = !other.is_empty() && other.values().all(|v| matches!(v, Value::Sensitive(_)));
            Value::map(map.iter().map(|(name, v)| {
                let hidden = match other.get(name) {
                    Some(like) => hidden_like(v, like),
                    None if all => v.clone().into_sensitive(),
                    None => v.clone(),
                };
                (name.clone(), hidden)
            }))
        }
        // Which item belongs to which is a guess, so each is hidden where any other is.
        (Value::List(items), Value::List(others)) => Value::list(items.iter().map(|item| {
            if others.contains(item) {
                return item.clone();
            }
            others.iter().fold(item.clone(), |item, like| hidden_like(&item, like))
        })),
        _ => value.clone(),
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
    let stayed = stayed(&kb.iter().map(|k| ka.iter().position(|x| x == k)).collect::<Vec<_>>());
    let mut gone = ka.iter().zip(a).filter(|(k, _)| !kb.contains(k)).collect::<Vec<_>>();
    for (to, (key, after)) in kb.iter().zip(b).enumerate() {
        let before = ka.iter().position(|k| k == key);
        if let Some(at) = before.filter(|_| stayed[to]) {
            // Removed items are told before the first unmoved item that they stood before.
            gone.retain(|(k, v)| {
                let stood_before = ka.iter().position(|x| x == *k).is_some_and(|i| i < at);
                if stood_before {
                    out.push(((*k).clone(), Diff::Removed((*v).clone())));
                }
                !stood_before
            });
        }
        let inner = one(before.map(|i| &a[i]), Some(after));
        let diff = match before {
            Some(from) if !stayed[to] => Diff::Moved { from, to, inner: Box::new(inner) },
            _ => inner,
        };
        out.push((key.clone(), diff));
    }
    out.extend(gone.into_iter().map(|(k, v)| (k.clone(), Diff::Removed(v.clone()))));
    out
}

/// Which items kept their order: the longest rising run of earlier positions, so that as few
/// items as possible count as moved. `None` is an item that was not there before.
fn stayed(from: &[Option<usize>]) -> Vec<bool> {
    // `link[i]` is the item before `i` in the longest rising run that ends in `i`.
    let mut link: Vec<Option<usize>> = vec![None; from.len()];
    // `tail[n]` is the item with the smallest position that ends a run of length `n + 1`.
    let mut tail: Vec<usize> = Vec::new();
    for (i, place) in from.iter().enumerate() {
        let Some(place) = place else { continue };
        let at = tail.partition_point(|&t| from[t].is_some_and(|p| p < *place));
        link[i] = at.checked_sub(1).map(|n| tail[n]);
        if at == tail.len() {
            tail.push(i);
        } else {
            tail[at] = i;
        }
    }
    let mut out = vec![false; from.len()];
    let mut next = tail.last().copied();
    while let Some(i) = next {
        out[i] = true;
        next = link[i];
    }
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
        let Diff::Moved { from: 1, to: 0, inner } = &items[0].1 else { panic!("moved") };
        assert!(matches!(&**inner, Diff::Object(o) if o["image"]
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

    /// `a` stays, `!a` moved.
    fn order(before: &[&str], after: &[&str]) -> String {
        let list = |names: &[&str]| Value::list(names.iter().map(|n| container(n, "1")));
        let Diff::Items(items) = diff(&list(before), &list(after)) else { return "same".into() };
        let text = |(key, diff): &(ItemKey, Diff)| match diff {
            Diff::Moved { from, to, .. } => format!("{key} {from}->{to}"),
            Diff::Added(_) => format!("+{key}"),
            Diff::Removed(_) => format!("-{key}"),
            _ => key.to_string(),
        };
        items.iter().map(text).collect::<Vec<_>>().join(" ").replace('"', "")
    }

    #[test]
    fn an_item_that_changed_places_is_moved_and_as_few_as_possible_are() {
        assert_eq!(order(&["a", "b", "c"], &["c", "a", "b"]), "c 2->0 a b");
        assert_eq!(order(&["a", "b", "c"], &["b", "c", "a"]), "b c a 0->2");
        assert_eq!(order(&["a", "b"], &["x", "a", "b"]), "+x a b");
        assert_eq!(order(&["a", "b", "c"], &["b", "c"]), "-a b c");
        assert_eq!(order(&["a", "b", "c", "d"], &["d", "x", "b", "c"]), "d 3->0 +x -a b c");
    }

    #[test]
    fn what_one_side_hides_is_hidden_on_the_other() {
        let secret = |s: &str| Value::from(s).into_sensitive();
        let live = Value::map([
            ("data", Value::map([("a", "old-secret".into()), ("gone", "old-secret".into())])),
            (
                "env",
                Value::list([Value::map([("name", "A".into()), ("value", "old-secret".into())])]),
            ),
            ("args", Value::list(["--x".into(), "old-secret".into()])),
            ("plain", "shown".into()),
        ]);
        let wanted = Value::map([
            ("data", Value::map([("a", secret("new"))])),
            ("env", Value::list([Value::map([("name", "B".into()), ("value", secret("new"))])])),
            ("args", Value::list(["--x".into(), secret("new")])),
            ("plain", "shown".into()),
        ]);
        for (a, b) in [hide_alike(&live, &wanted), hide_alike(&wanted, &live)] {
            let text = format!("{a:?} {b:?} {:?}", diff(&a, &b));
            assert!(!text.contains("old-secret"), "{text}");
            assert!(text.contains("shown") && text.contains("--x"), "{text}");
        }
    }

    #[test]
    fn equal_secrets_of_which_one_is_not_marked_are_the_same() {
        let (a, b) = hide_alike(&"s".into(), &Value::from("s").into_sensitive());
        assert!(diff(&a, &b).is_same());
    }

    #[test]
    fn equal_values_are_one_node() {
        let value = Value::list([container("a", "1")]);
        assert!(diff(&value, &value).is_same());
    }
}
