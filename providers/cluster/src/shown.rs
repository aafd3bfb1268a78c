//! Objects as people see them.
//!
//! The server adds much to an object that nobody asked for and that changes by itself. What a
//! plan shows, compares and exports leaves that away, and hides what must not be printed.
//! Start reading at [`view`].

use crate::canon::hide_secret_data;
use crate::ownership::{MANAGED_BY, PART_OF};
use plans::Problem;
use std::sync::Arc;
use values::{Map, Path, Value};

/// Parts of `metadata` that change by themselves or mean nothing to people.
const NOISE: &[&str] =
    &["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// The object as people see it: without status and bookkeeping; data of a Secret is hidden.
#[must_use]
pub fn view(object: &Value) -> Value {
    picture(object, Picture::Shown { marks: true })
}

/// The same without our labels of ownership.
#[must_use]
pub(crate) fn unmarked_view(object: &Value) -> Value {
    picture(object, Picture::Shown { marks: false })
}

/// The object for references to it: as [`view`], but with its uid and status.
#[must_use]
pub fn exported(object: &Value) -> Value {
    picture(object, Picture::Exported)
}

/// For whom a picture of an object is.
#[derive(Clone, Copy)]
enum Picture {
    /// For people, with our labels of ownership or without them.
    Shown { marks: bool },
    /// For references.
    Exported,
}

/// Made in one go: there are as many as objects, and what each leaves out is known beforehand.
fn picture(object: &Value, picture: Picture) -> Value {
    let exported = matches!(picture, Picture::Exported);
    let Some(map) = object.as_map() else { return object.clone() };
    let parts = map.iter().filter(|(name, _)| exported || &***name != "status");
    let parts: Vec<(Arc<str>, Value)> = parts
        .map(|(name, part)| match part {
            Value::Map(metadata) if **name == *"metadata" => {
                (name.clone(), metadata_of(metadata, picture))
            }
            _ => (name.clone(), part.clone()),
        })
        .collect();
    hide_secret_data(&Value::map(parts))
}

fn metadata_of(metadata: &Map, picture: Picture) -> Value {
    let mut parts: Vec<(Arc<str>, Value)> = Vec::with_capacity(metadata.len());
    for (name, part) in metadata.iter() {
        match (&**name, part, picture) {
            // A uid is a text, or none.
            ("uid", Value::String(_), Picture::Exported) => {
                parts.push((name.clone(), part.clone()));
            }
            (name, _, _) if NOISE.contains(&name) => {}
            ("labels", Value::Map(labels), Picture::Shown { marks: false }) => {
                parts.extend(unmarked(labels).map(|labels| (name.clone(), labels)));
            }
            (_, _, _) => parts.push((name.clone(), part.clone())),
        }
    }
    Value::map(parts)
}

/// Labels without those of ownership; `None` when no other is there.
fn unmarked(labels: &Map) -> Option<Value> {
    let others = labels.iter().filter(|(name, _)| ![MANAGED_BY, PART_OF].contains(&&***name));
    let others: Vec<_> = others.map(|(name, text)| (name.clone(), text.clone())).collect();
    (!others.is_empty()).then(|| Value::map(others))
}

/// What a namespace that is being deleted says it still waits for.
pub fn remaining(live: &Value) -> Vec<&str> {
    fn text<'a>(of: &'a Value, name: &str) -> &'a str {
        of.get(name).and_then(Value::as_str).unwrap_or_default()
    }
    if text(live, "kind") != "Namespace" {
        return Vec::new();
    }
    let conditions = live.get("status").and_then(|s| s.get("conditions")).and_then(Value::as_list);
    let keeps = |c: &&Value| {
        let ty = text(c, "type");
        text(c, "status") == "True" && (ty.ends_with("Remaining") || ty.ends_with("Failure"))
    };
    conditions.unwrap_or_default().iter().filter(keeps).map(|c| text(c, "message")).collect()
}

/// The uid that the server gave the object.
pub fn uid(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("uid")?.as_str()
}

/// A text of the object's metadata.
pub fn metadata<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get("metadata")?.get(name)?.as_str()
}

/// The views without our labels of ownership, unless they are what differs.
#[must_use]
pub fn without_marks(
    before: Option<Value>,
    after: Option<Value>,
) -> (Option<Value>, Option<Value>) {
    let label = |object: &Option<Value>, name: &str| {
        let labels = object.as_ref()?.get("metadata")?.get("labels")?;
        labels.get(name).cloned()
    };
    let both = before.is_some() && after.is_some();
    let differs = |name: &&str| label(&before, name) != label(&after, name);
    if both && [MANAGED_BY, PART_OF].iter().any(differs) {
        return (before, after);
    }
    let unmarked = |object: Value| unmarked_view(&object);
    (before.map(unmarked), after.map(unmarked))
}

/// `value` with everything hidden that is hidden in `like`. Items of lists may stand
/// elsewhere than in `like`, so a list is hidden whole when any part of it was.
#[must_use]
pub fn masked(value: &Value, like: &Value) -> Value {
    // Nearly always; everything else would copy the whole object.
    if !like.has_sensitive() {
        return value.clone();
    }
    match (value, like) {
        (_, Value::Sensitive(_)) | (Value::List(_), Value::List(_)) => {
            value.clone().into_sensitive()
        }
        (Value::Map(map), Value::Map(like)) => {
            let mask = |(name, value): (&Arc<str>, &Value)| {
                let like = like.get(name).unwrap_or(&Value::Null);
                (name.clone(), masked(value, like))
            };
            Value::map(map.iter().map(mask))
        }
        _ => value.clone(),
    }
}

/// A text of the server without what is hidden in the intent.
pub fn redacted(text: &str, intent: &Value) -> String {
    let mut secrets = Vec::new();
    collect(intent, false, &mut secrets);
    // The longest first, or a secret that is part of another would leave the rest of it.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "(sensitive value)"))
}

/// Problems without what is hidden in the arguments that they are about.
#[must_use]
pub fn without_secrets(problems: Vec<Problem>, args: &Value) -> Vec<Problem> {
    if !args.has_sensitive() {
        return problems;
    }
    let told = |problem: Problem| Problem {
        detail: redacted(&problem.detail, args),
        help: problem.help.map(|help| redacted(&help, args)),
        ..problem
    };
    problems.into_iter().map(told).collect()
}

fn collect(value: &Value, hidden: bool, out: &mut Vec<String>) {
    match value {
        Value::Sensitive(inner) => collect(inner.expose(), true, out),
        Value::List(items) => items.iter().for_each(|item| collect(item, hidden, out)),
        Value::Map(map) => map.values().for_each(|item| collect(item, hidden, out)),
        Value::String(text) if hidden && !text.is_empty() => {
            // The server quotes texts; a text with quotes or line breaks stands there escaped.
            let escaped = format!("{text:?}");
            out.push(escaped.trim_matches('"').to_owned());
            out.push(text.to_string());
            if let Some(plain) = decoded(text) {
                out.push(plain);
            }
        }
        Value::Number(number) if hidden => out.push(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) => {}
    }
}

fn decoded(text: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok().filter(|plain| plain.len() > 3)
}

/// The intent laid over the object: what it will be as far as that can be said here.
#[must_use]
pub fn overlaid(object: &Value, intent: &Value) -> Value {
    match (object, intent) {
        (Value::Map(below), Value::Map(above)) => {
            let mut out = Map::clone(below);
            for (name, value) in above.iter() {
                let value = out.get(name).map_or_else(|| value.clone(), |b| overlaid(b, value));
                out.insert(name.clone(), value);
            }
            Value::map(out)
        }
        _ => intent.clone(),
    }
}

/// Where the server's answer is not what the intent says.
pub fn changed_by_server(intent: &Value, result: &Value) -> Vec<Path> {
    let mut out = Vec::new();
    compare(&intent.exposed().0, Some(result), &Path::root(), &mut out);
    out
}

fn compare(want: &Value, got: Option<&Value>, path: &Path, out: &mut Vec<Path>) {
    match (want, got) {
        (Value::Map(want), Some(Value::Map(got))) => {
            for (name, value) in want.iter() {
                let got = got.get(name);
                // Of equal parts there is nothing to say, and they need no path.
                if got != Some(value) {
                    compare(value, got, &path.clone().attr(name), out);
                }
            }
        }
        // An empty object or zero and its absence are the same to the server where it drops one.
        (Value::Map(want), None) if want.is_empty() => {}
        (Value::Bool(false), None) => {}
        (Value::String(text), None) if text.is_empty() => {}
        (Value::Number(number), None) if number.is_zero() => {}
        (Value::List(want), Some(Value::List(got))) if want.len() <= got.len() => {
            let items = want.iter().enumerate();
            items.for_each(|(i, item)| {
                compare(item, Some(counterpart(item, i, got)), &path.clone().index(i), out);
            });
        }
        (_, Some(got)) if want == got => {}
        _ => out.push(path.clone()),
    }
}

/// The item that has all that is wanted, else the one of the same name, else the one at the
/// same place.
pub(crate) fn counterpart<'a>(item: &Value, index: usize, list: &'a [Value]) -> &'a Value {
    let fits = |other: &&Value| {
        let mut differences = Vec::new();
        compare(item, Some(other), &Path::root(), &mut differences);
        differences.is_empty()
    };
    let by_name = item.get("name").filter(|name| name.as_str().is_some());
    let same = || by_name.and_then(|name| list.iter().find(|o| o.get("name") == Some(name)));
    list.iter().find(fits).or_else(same).or_else(|| list.get(index)).unwrap_or(&Value::Null)
}
