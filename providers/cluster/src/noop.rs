//! The certificate of no-op: proof from one read that an apply would change nothing.
//!
//! This module answers one question: *can applying this intent change this object?* It never
//! predicts what an apply would do; it only proves that it would do nothing. When it cannot,
//! it says why, and the server is asked. Start reading at [`certify`].
//!
//! The proof walks the `fieldsV1` tree of our own entry in `managedFields` together with the
//! intent and the live object. The tree itself tells how lists merge (`f:` a field, `k:` an
//! item by key, `v:` an item of a set, nothing below: replaced whole), so no schema is needed
//! and custom resources are proven like built-in ones.
//!
//! **Why it is sound:** an apply merges the intent into the object and removes what our last
//! apply had set and this one does not. Equal sets of fields remove nothing; equal values at
//! the leaves merge to nothing; and items in the same order move nothing.
//!
//! **Invariant:** a reason never holds a value of the object, only names of fields.
//!
//! **Not here:** what webhooks and admission would make of a request that is never sent.

use crate::json;
use std::fmt::Write as _;
use values::{Map, Value};

/// Parts of `metadata` that an apply never owns.
const NOT_OWNED: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "selfLink",
];

/// Proves that applying `intent` as `manager` cannot change `live`, or says why it cannot
/// be proven.
pub fn certify(intent: &Value, live: &Value, manager: &str) -> Result<(), String> {
    if !intent.is_known() {
        return Err("a part of the intent is known after apply".to_owned());
    }
    let (intent, _) = intent.exposed();
    same_object(&intent, live)?;
    let entry = apply_entry(live, manager)?;
    if entry.get("apiVersion") != intent.get("apiVersion") {
        return Err("it was applied in another version of the API".to_owned());
    }
    match entry.get("fieldsV1").and_then(Value::as_map) {
        None => return Err("the record of owned fields cannot be read".to_owned()),
        Some(tree) if tree.is_empty() => return Err("no field is owned".to_owned()),
        Some(_) => {}
    }
    let records = Records {
        ours: entry.get("fieldsV1").unwrap_or(&Value::Null),
        others: managed_fields(live)
            .iter()
            .filter(|other| !is_apply_by(other, manager))
            .filter_map(|other| other.get("fieldsV1"))
            .collect(),
    };
    walk(&records, At::Object, &intent, Some(live)).map_err(|maybe| maybe.to_string())
}

/// The values at the leaves that `manager`'s apply owns, in the shape of the record of owned
/// fields; null when nothing is owned. Two projections are equal exactly when nothing that we
/// own has changed, whatever others did to the rest.
pub fn projection(live: &Value, manager: &str) -> Value {
    match apply_entry(live, manager) {
        Ok(entry) => {
            let tree = entry.get("fieldsV1").unwrap_or(&Value::Null);
            project(tree, At::Object, Some(live))
        }
        Err(_) => Value::Null,
    }
}

/// The object without the fields that `manager` alone owns and `intent` has no more: what an
/// apply would remove, as far as maps go. A prediction, for when the server may not be asked.
#[must_use]
pub fn released(intent: &Value, live: &Value, manager: &str) -> Value {
    let Ok(entry) = apply_entry(live, manager) else { return live.clone() };
    let others: Vec<&Value> = managed_fields(live)
        .iter()
        .filter(|other| !is_apply_by(other, manager))
        .filter_map(|other| other.get("fieldsV1"))
        .collect();
    let tree = entry.get("fieldsV1").unwrap_or(&Value::Null);
    without(tree, &others, Some(intent), live)
}

fn without(tree: &Value, others: &[&Value], intent: Option<&Value>, live: &Value) -> Value {
    let (Some(tree), Value::Map(map)) = (tree.as_map(), live) else { return live.clone() };
    let mut map = Map::clone(map);
    for (key, below) in tree.iter() {
        let Some(name) = key.strip_prefix("f:") else { continue };
        let Some(part) = map.get(name).cloned() else { continue };
        let shared: Vec<&Value> = others.iter().filter_map(|other| other.get(key)).collect();
        let wanted = intent.and_then(|intent| intent.get(name));
        match wanted {
            None if shared.is_empty() && !has_others(below, &part) => {
                map.remove(name);
            }
            _ => {
                map.insert(name.into(), without(below, &shared, wanted, &part));
            }
        }
    }
    Value::map(map)
}

/// Whether a part has fields that our record does not tell of.
fn has_others(tree: &Value, part: &Value) -> bool {
    match (tree.as_map(), part) {
        (Some(tree), Value::Map(map)) if !tree.is_empty() => map.iter().any(|(name, part)| {
            tree.get(format!("f:{name}").as_str()).is_none_or(|below| has_others(below, part))
        }),
        _ => false,
    }
}

/// Whether `manager` has an apply entry, of any version.
pub fn has_apply_entry(live: &Value, manager: &str) -> bool {
    managed_fields(live).iter().any(|entry| is_apply_by(entry, manager))
}

fn managed_fields(live: &Value) -> &[Value] {
    let metadata = live.get("metadata");
    metadata.and_then(|m| m.get("managedFields")).and_then(Value::as_list).unwrap_or(&[])
}

fn is_apply_by(entry: &Value, manager: &str) -> bool {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("");
    text("manager") == manager && text("operation") == "Apply" && text("subresource").is_empty()
}

/// The one entry of `manager`'s apply to the object itself.
fn apply_entry<'a>(live: &'a Value, manager: &str) -> Result<&'a Value, String> {
    let mut entries = managed_fields(live).iter().filter(|entry| is_apply_by(entry, manager));
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => Err(format!("nothing was applied by `{manager}`")),
        (Some(_), Some(_)) => Err(format!("`{manager}` applied it in two versions of the API")),
    }
}

/// The intent must be for this very object, and the object must be staying.
fn same_object(intent: &Value, live: &Value) -> Result<(), String> {
    fn metadata<'a>(object: &'a Value, name: &str) -> &'a Value {
        object.get("metadata").and_then(|m| m.get(name)).unwrap_or(&Value::Null)
    }
    if !metadata(live, "deletionTimestamp").is_null() {
        return Err("it is being deleted".to_owned());
    }
    if intent.get("kind") != live.get("kind") {
        return Err("it is of another kind".to_owned());
    }
    for name in ["name", "namespace", "uid", "resourceVersion"] {
        let wanted = metadata(intent, name);
        if !wanted.is_null() && wanted != metadata(live, name) {
            return Err(format!("`metadata.{name}` differs"));
        }
    }
    Ok(())
}

/// Where in an object something stands: at its top and in its metadata are parts that an apply
/// never owns, and they are looked past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Object,
    Metadata,
    Inside,
}

impl At {
    /// The part of this name, unless an apply never owns it.
    fn part<'a>(self, map: &'a Map, name: &str) -> Option<&'a Value> {
        let part = values::entry(map, name)?;
        self.is_ownable(name, part).then_some(part)
    }

    fn is_ownable(self, name: &str, part: &Value) -> bool {
        match self {
            Self::Object if name == "metadata" => match part {
                Value::Map(metadata) => {
                    metadata.iter().any(|(name, part)| Self::Metadata.is_ownable(name, part))
                }
                _ => true,
            },
            Self::Object => !["apiVersion", "kind"].contains(&name),
            Self::Metadata => !NOT_OWNED.contains(&name),
            Self::Inside => true,
        }
    }

    /// All that an apply can own of what stands here.
    fn whole(self, value: &Value) -> Value {
        let Value::Map(map) = value else { return value.clone() };
        if self == Self::Inside {
            return value.clone();
        }
        let parts = map.iter().filter(|(name, part)| self.is_ownable(name, part));
        Value::map(parts.map(|(name, part)| (name.clone(), self.below(name).whole(part))))
    }

    fn below(self, name: &str) -> Self {
        if self == Self::Object && name == "metadata" { Self::Metadata } else { Self::Inside }
    }
}

/// Why a no-op could not be proven, and where.
struct Maybe {
    why: &'static str,
    /// From the inside out.
    at: Vec<String>,
}

impl Maybe {
    fn because(why: &'static str) -> Self {
        Self { why, at: Vec::new() }
    }

    fn inside(mut self, step: &str) -> Self {
        self.at.push(step.to_owned());
        self
    }
}

impl std::fmt::Display for Maybe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut path = String::new();
        for step in self.at.iter().rev() {
            let dot = if path.is_empty() || step.starts_with('[') { "" } else { "." };
            write!(path, "{dot}{step}")?;
        }
        if path.is_empty() { f.write_str(self.why) } else { write!(f, "`{path}` {}", self.why) }
    }
}

/// The records of owned fields at one place of the object.
struct Records<'a> {
    ours: &'a Value,
    others: Vec<&'a Value>,
}

impl<'a> Records<'a> {
    /// One step further; those who own nothing there drop out.
    fn at(&self, key: &str, ours: &'a Value) -> Self {
        Self { ours, others: self.others.iter().filter_map(|other| other.get(key)).collect() }
    }

    /// Whether someone else owns parts of what is here.
    fn shared_in_parts(&self) -> bool {
        let has_parts = |parts: Children<'_>| parts.first().is_some();
        self.others.iter().any(|other| Children::of(other).is_some_and(has_parts))
    }
}

/// The children of a node of the tree.
#[derive(Clone, Copy)]
struct Children<'a>(&'a Map);

impl<'a> Children<'a> {
    fn of(tree: &'a Value) -> Option<Self> {
        tree.as_map().map(Self)
    }

    /// Each with its key; `.` only says that the node itself is owned.
    fn iter(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().map(|(key, tree)| (&**key, tree)).filter(|(key, _)| *key != ".")
    }

    fn first(self) -> Option<&'a str> {
        self.iter().next().map(|(key, _)| key)
    }

    fn count(self) -> usize {
        self.0.len() - usize::from(self.0.contains_key("."))
    }
}

fn walk(records: &Records<'_>, at: At, want: &Value, live: Option<&Value>) -> Result<(), Maybe> {
    let children = Children::of(records.ours).ok_or(Maybe::because("has an unreadable record"))?;
    let live = live.ok_or(Maybe::because("is gone"))?;
    let Some(first) = children.first() else { return leaf(records, at, want, live) };
    let kind = first.get(..2);
    if children.iter().any(|(key, _)| key.get(..2) != kind) {
        return Err(Maybe::because("has a mixed record"));
    }
    match kind {
        Some("f:") => fields(records, children, at, want, live),
        Some("k:") => items(records, children, want, live),
        Some("v:") => members(children, want, live),
        _ => Err(Maybe::because("is owned by position")),
    }
}

/// What is owned as a whole. A map of which others own parts is none of these: we own it
/// because we once set it empty, and its entries are theirs alone.
fn leaf(records: &Records<'_>, at: At, want: &Value, live: &Value) -> Result<(), Maybe> {
    let same = match at {
        At::Inside => want == live,
        // No server owns these as a whole; a record can say so all the same.
        At::Object | At::Metadata => at.whole(want) == at.whole(live),
    };
    if !same {
        return Err(Maybe::because("differs"));
    }
    if records.shared_in_parts() {
        return Err(Maybe::because("is owned in parts by others"));
    }
    Ok(())
}

fn fields(
    records: &Records<'_>,
    children: Children<'_>,
    at: At,
    want: &Value,
    live: &Value,
) -> Result<(), Maybe> {
    let (Some(want), Some(live)) = (want.as_map(), live.as_map()) else {
        return Err(Maybe::because("is not an object"));
    };
    for (key, tree) in children.iter() {
        let name = &key[2..];
        let wanted = at.part(want, name).ok_or(Maybe::because("was set and is not any more"));
        let below = records.at(key, tree);
        wanted
            .and_then(|wanted| walk(&below, at.below(name), wanted, at.part(live, name)))
            .map_err(|m| m.inside(name))?;
    }
    // Every owned field is wanted; now every wanted field must be owned. Nearly always there are
    // as many of them, and then they are.
    let mut wanted = want.iter().filter(|(name, part)| at.is_ownable(name, part));
    if wanted.clone().count() == children.count() {
        return Ok(());
    }
    let owned = |name: &str| children.0.contains_key(format!("f:{name}").as_str());
    match wanted.find(|(name, _)| !owned(name)) {
        Some((name, _)) => Err(Maybe::because("is not owned yet").inside(name)),
        None => Ok(()),
    }
}

fn items(
    records: &Records<'_>,
    children: Children<'_>,
    want: &Value,
    live: &Value,
) -> Result<(), Maybe> {
    let (Some(want), Some(live)) = (want.as_list(), live.as_list()) else {
        return Err(Maybe::because("is not a list"));
    };
    if want.len() != children.count() {
        return Err(Maybe::because("has another number of items"));
    }
    let mut places: Vec<(usize, usize)> = Vec::with_capacity(want.len());
    for (key, tree) in children.iter() {
        let parsed = json::parse(&key[2..]);
        let Some(names) = parsed.as_ref().and_then(Value::as_map) else {
            return Err(Maybe::because("has an unreadable key"));
        };
        let at = |maybe: Maybe| maybe.inside(&format!("[{}]", &key[2..]));
        let wanted = only(want, |item| has_key(item, names))
            .or_else(|| only(want, |item| may_have_key(item, names)))
            .ok_or_else(|| at(Maybe::because("is not one item of the intent")))?;
        let lives = only(live, |item| has_key(item, names))
            .ok_or_else(|| at(Maybe::because("is not one item of the object")))?;
        if places.iter().any(|(taken, _)| *taken == wanted) {
            return Err(at(Maybe::because("is the same item as another")));
        }
        places.push((wanted, lives));
        let below = records.at(key, tree);
        walk(&below, At::Inside, &want[wanted], Some(&live[lives])).map_err(at)?;
    }
    in_order(places)
}

fn members(children: Children<'_>, want: &Value, live: &Value) -> Result<(), Maybe> {
    let (Some(want), Some(live)) = (want.as_list(), live.as_list()) else {
        return Err(Maybe::because("is not a list"));
    };
    if want.len() != children.count() {
        return Err(Maybe::because("has another number of items"));
    }
    let mut places = Vec::with_capacity(want.len());
    for (key, _) in children.iter() {
        let value = json::parse(&key[2..]).ok_or(Maybe::because("has an unreadable item"))?;
        let place = |list: &[Value]| only(list, |item| *item == value);
        match (place(want), place(live)) {
            (Some(wanted), Some(lives)) => places.push((wanted, lives)),
            _ => return Err(Maybe::because("has other items")),
        }
    }
    in_order(places)
}

/// The position of the one item that satisfies the test; `None` for none and for several.
fn only(list: &[Value], test: impl Fn(&Value) -> bool) -> Option<usize> {
    let mut found = list.iter().enumerate().filter(|(_, item)| test(item)).map(|(i, _)| i);
    match (found.next(), found.next()) {
        (Some(place), None) => Some(place),
        _ => None,
    }
}

fn has_key(item: &Value, key: &Map) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}

/// Whether the item has the key once the parts that it leaves out are taken as given: a port
/// without `protocol`. The walk then finds out whether the left-out part is really owned.
fn may_have_key(item: &Value, key: &Map) -> bool {
    let given = |name: &str| item.get(name).is_some();
    key.keys().any(|name| given(name))
        && key.iter().all(|(name, value)| !given(name) || item.get(name) == Some(value))
}

/// An apply puts our items in the order of the intent, so another order is a change.
fn in_order(mut places: Vec<(usize, usize)>) -> Result<(), Maybe> {
    places.sort_unstable();
    if places.windows(2).all(|pair| pair[0].1 < pair[1].1) {
        return Ok(());
    }
    Err(Maybe::because("has its items in another order"))
}

/// What of one live item of a list is owned, from the projection of the list. Of a list that
/// is owned as a whole, all of the item is.
pub(crate) fn owned_part(list: Option<&Value>, item: &Value) -> Option<Value> {
    let entries = list?.as_list()?;
    let keyed =
        |entry: &Value| entry.as_map().is_some_and(|m| m.keys().all(|k| k.starts_with("k:")));
    if !entries.iter().all(keyed) {
        return Some(item.clone());
    }
    entries.iter().filter_map(Value::as_map).flatten().find_map(|(key, owned)| {
        let key = key.strip_prefix("k:").and_then(json::parse)?;
        has_key(item, key.as_map()?).then(|| owned.clone())
    })
}

fn project(tree: &Value, at: At, live: Option<&Value>) -> Value {
    let (Some(children), Some(live)) = (Children::of(tree), live) else { return Value::Null };
    let Some(first) = children.first() else { return at.whole(live) };
    match first.get(..2) {
        Some("f:") => Value::map(children.iter().map(|(key, tree)| {
            let name = key.strip_prefix("f:").unwrap_or(key);
            let part = live.as_map().and_then(|live| at.part(live, name));
            (name, project(tree, at.below(name), part))
        })),
        Some("k:") => {
            // In the order of the object, since an order is something that can change.
            let live = live.as_list().unwrap_or(&[]);
            Value::list(live.iter().flat_map(|item| {
                let ours = children.iter().filter(|(key, _)| {
                    let key = key.strip_prefix("k:").and_then(json::parse);
                    key.as_ref().and_then(Value::as_map).is_some_and(|key| has_key(item, key))
                });
                ours.map(|(key, tree)| Value::map([(key, project(tree, At::Inside, Some(item)))]))
            }))
        }
        Some("v:") => {
            let ours = |item: &&Value| {
                children.iter().any(|(key, _)| {
                    key.strip_prefix("v:").and_then(json::parse).as_ref() == Some(*item)
                })
            };
            Value::list(live.as_list().unwrap_or(&[]).iter().filter(ours).cloned())
        }
        _ => at.whole(live),
    }
}
