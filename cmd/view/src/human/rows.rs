//! Which lines a difference needs, and under which names.

use super::body::Sign;
use crate::{text, value};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Diff, ItemKey, Path, Step, Value};

/// One step on the way to what a line shows.
#[derive(Debug, Clone)]
pub(super) enum Seg {
    Attr(Arc<str>),
    Item(ItemKey, usize),
    Index(usize),
}

impl Seg {
    fn is(&self, step: &Step) -> bool {
        match (self, step) {
            (Self::Attr(a), Step::Attr(b)) => a == b,
            (Self::Item(key, _), Step::Item(other)) => key == other,
            (Self::Item(_, at) | Self::Index(at), Step::Index(index)) => at == index,
            (Self::Attr(_) | Self::Index(_), _) | (Self::Item(..), Step::Attr(_)) => false,
        }
    }
}

/// How a path that someone talks about lies to the path of a line.
#[derive(PartialEq, Eq)]
pub(super) enum Lies {
    /// It is the line's.
    Here,
    /// It leads further inside.
    Inside,
    /// It is something that the line is a part of.
    Around,
    Elsewhere,
}

pub(super) fn lies(line: &[Seg], path: &Path) -> Lies {
    match relation(line, path) {
        // People speak of arguments (`hard.pods`), and an object of the API holds them one
        // level further in (`spec.hard.pods`).
        Lies::Elsewhere => match line.split_first() {
            Some((Seg::Attr(outer), rest)) if matches!(&**outer, "spec" | "metadata") => {
                relation(rest, path)
            }
            _ => Lies::Elsewhere,
        },
        relation => relation,
    }
}

fn relation(line: &[Seg], path: &Path) -> Lies {
    let steps = path.steps();
    if !line.iter().zip(steps).all(|(seg, step)| seg.is(step)) {
        return Lies::Elsewhere;
    }
    match steps.len().cmp(&line.len()) {
        std::cmp::Ordering::Equal => Lies::Here,
        std::cmp::Ordering::Greater => Lies::Inside,
        std::cmp::Ordering::Less => Lies::Around,
    }
}

/// Something to print under one name.
pub(super) struct Row<'a> {
    pub(super) name: String,
    /// Whether the name is a path of several steps, which takes no part in alignment.
    pub(super) joined: bool,
    pub(super) at: Vec<Seg>,
    pub(super) what: What<'a>,
    /// Unchanged neighbours at the levels that were joined.
    pub(super) hidden: usize,
    pub(super) moved: Option<(usize, usize)>,
}

#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Same(&'a Value),
    Add(&'a Value),
    Remove(&'a Value),
    Change(&'a Value, &'a Value),
    Object(&'a BTreeMap<Arc<str>, Diff>),
    List(&'a [Diff]),
    /// Nothing but its place in the list.
    Place,
}

impl What<'_> {
    pub(super) fn sign(self) -> Sign {
        match self {
            Self::Same(_) => Sign::Same,
            Self::Add(_) => Sign::Add,
            Self::Remove(_) => Sign::Remove,
            Self::Change(..) | Self::Object(_) | Self::List(_) | Self::Place => Sign::Change,
        }
    }
}

impl<'a> Row<'a> {
    pub(super) fn plain(name: String, at: Vec<Seg>, what: What<'a>) -> Self {
        Row { name, joined: false, at, what, hidden: 0, moved: None }
    }
}

pub(super) fn joined(at: &[Seg], seg: Seg) -> Vec<Seg> {
    let mut at = at.to_vec();
    at.push(seg);
    at
}

/// An item of a list that stands on its own: named by its key if it has the most common one.
pub(super) fn item_seg(item: &Value, index: usize) -> Seg {
    match item.get("name") {
        Some(name @ Value::String(_)) => {
            Seg::Item(ItemKey(vec![("name".into(), name.clone())]), index)
        }
        _ => Seg::Index(index),
    }
}

/// `["app"]`, `[port=80,protocol="TCP"]`.
fn bracketed(key: &ItemKey) -> String {
    let text = match key.0.as_slice() {
        [(_, only)] => value::text(only),
        several => {
            let parts =
                several.iter().map(|(n, v)| format!("{}={}", text::name(n), value::text(v)));
            parts.collect::<Vec<_>>().join(",")
        }
    };
    format!("[{text}]")
}

/// Rows for one changed thing: one row, or one for each changed item of a keyed list. Levels
/// with a single change are joined into the name, unless `all` is to be shown.
pub(super) fn collect<'a>(
    rows: &mut Vec<Row<'a>>,
    name: String,
    joins: bool,
    at: Vec<Seg>,
    diff: &'a Diff,
    hidden: usize,
    all: bool,
) {
    let row =
        |what| Row { name: name.clone(), joined: joins, at: at.clone(), what, hidden, moved: None };
    match diff {
        Diff::Same(v) => rows.push(row(What::Same(v))),
        Diff::Changed(Value::Null, v) | Diff::Added(v) => rows.push(row(What::Add(v))),
        Diff::Removed(v) => rows.push(row(What::Remove(v))),
        Diff::Changed(a, b) => rows.push(row(What::Change(a, b))),
        Diff::List(diffs) => rows.push(row(What::List(diffs))),
        Diff::Object(map) => {
            let mut loud = map.iter().filter(|(_, d)| !is_quiet(d));
            match (loud.next(), loud.next()) {
                (Some((key, only)), None) if !all => {
                    let hidden = hidden + shown_entries(map) - 1;
                    let name = format!("{name}{}", dotted(key));
                    let at = joined(&at, Seg::Attr(key.clone()));
                    collect(rows, name, true, at, only, hidden, all);
                }
                _ => rows.push(row(What::Object(map))),
            }
        }
        Diff::Items(items) => {
            // Unchanged items are counted once, with the first row.
            let quiet = items.iter().filter(|(_, d)| is_quiet(d)).count();
            let mut hidden = if all { hidden } else { hidden + quiet };
            for (i, (key, diff)) in items.iter().enumerate() {
                if all || !is_quiet(diff) {
                    let name = format!("{name}{}", bracketed(key));
                    let at = joined(&at, Seg::Item(key.clone(), i));
                    collect(rows, name, true, at, diff, std::mem::take(&mut hidden), all);
                }
            }
        }
        Diff::Moved { from, to, inner } => {
            let moved = Some((from + 1, to + 1));
            match &**inner {
                inner if is_quiet(inner) => rows.push(Row { moved, ..row(What::Place) }),
                Diff::Object(map) => rows.push(Row { moved, ..row(What::Object(map)) }),
                other => {
                    rows.push(Row { moved, ..row(What::Place) });
                    collect(rows, name, joins, at, other, 0, all);
                }
            }
        }
    }
}

/// `.name`, `["a/b"]`: one attribute further.
fn dotted(key: &str) -> String {
    match text::name(key) {
        plain if plain == key => format!(".{plain}"),
        quoted => format!("[{quoted}]"),
    }
}

/// How many entries of an object a person would count.
fn shown_entries(map: &BTreeMap<Arc<str>, Diff>) -> usize {
    map.values().filter(|d| !matches!(d, Diff::Same(Value::Null)) && !is_nothing(d)).count()
}

fn is_nothing(diff: &Diff) -> bool {
    match diff {
        Diff::Added(v) | Diff::Removed(v) => v.is_null(),
        _ => false,
    }
}

/// Whether there is nothing to show: equal, or left out here and null there.
pub(super) fn is_quiet(diff: &Diff) -> bool {
    match diff {
        Diff::Same(_) => true,
        Diff::Added(v) | Diff::Removed(v) => v.is_null(),
        Diff::Changed(a, b) => a == b,
        Diff::Object(map) => map.values().all(is_quiet),
        Diff::Items(items) => items.iter().all(|(_, d)| is_quiet(d)),
        Diff::List(diffs) => diffs.iter().all(is_quiet),
        Diff::Moved { .. } => false,
    }
}

/// `name` and `namespace`, at the top and in `metadata`: an object's identity is never hidden.
pub(super) fn identities<'a>(
    rows: &mut Vec<Row<'a>>,
    key: &Arc<str>,
    v: &'a Value,
    at: &[Seg],
    top: bool,
) {
    let at = joined(at, Seg::Attr(key.clone()));
    match &**key {
        "name" | "namespace" | "node" if v.as_str().is_some() => {
            rows.push(Row::plain(text::name(key), at, What::Same(v)));
        }
        "metadata" if top => {
            for inner in ["name", "namespace"] {
                if let Some(v) = v.get(inner).filter(|v| v.as_str().is_some()) {
                    let at = joined(&at, Seg::Attr(inner.into()));
                    rows.push(Row::plain(format!("metadata.{inner}"), at, What::Same(v)));
                }
            }
        }
        _ => {}
    }
}

/// The name in metadata of which one other thing changes; that is joined into one line, which
/// would leave the name out. Answers how many it showed.
pub(super) fn metadata<'a>(rows: &mut Vec<Row<'a>>, at: &[Seg], diff: &'a Diff) -> i64 {
    let Diff::Object(map) = diff else { return 0 };
    if map.values().filter(|d| !is_quiet(d)).count() != 1 {
        return 0;
    }
    let mut shown = 0;
    for key in ["name", "namespace"] {
        if let Some(Diff::Same(v)) = map.get(key)
            && v.as_str().is_some()
        {
            let at = joined(at, Seg::Attr(key.into()));
            rows.push(Row::plain(format!("metadata.{key}"), at, What::Same(v)));
            shown += 1;
        }
    }
    shown
}
