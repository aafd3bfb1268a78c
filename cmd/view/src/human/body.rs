//! What differs inside one object, as indented lines with a sign before each.
//!
//! Levels at which only one thing changes are joined into a path
//! (`spec.template.spec.containers["app"].image`), so that a change deep inside an object is
//! one line.

use super::embedded;
use super::rows::{
    Lies, Row, Seg, What, collect, identities, is_quiet, item_seg, joined, lies, metadata,
};
use crate::style::Ink;
use crate::{Detail, Style, text, value};
use plans::Note;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Diff, Path, Value};

/// Lists of scalars up to this many columns stay on one line.
const SHORT_LIST: usize = 60;
/// Characters of one text without lines that are shown unless everything is asked for.
const LONG_TEXT: usize = 2_000;
/// Lines of one text that are shown unless everything is asked for.
const MANY_LINES: usize = 100;

/// What happens to a line's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Same,
    Add,
    Remove,
    Change,
}

impl Sign {
    pub(super) fn ink(self, style: Style) -> String {
        match self {
            Self::Same => " ".to_owned(),
            Self::Add => style.ink(Ink::Create, "+"),
            Self::Remove => style.ink(Ink::Destroy, "-"),
            Self::Change => style.ink(Ink::Change, "~"),
        }
    }
}

/// Writes the lines of one object's difference.
pub(super) struct Body<'a> {
    style: Style,
    detail: Detail,
    forces: Vec<(&'a Path, Cell<bool>)>,
    notes: Vec<(&'a Note, Cell<bool>)>,
    lines: Vec<String>,
}

impl<'a> Body<'a> {
    pub(super) fn new(style: Style, detail: Detail, forces: &'a [Path], notes: &'a [Note]) -> Self {
        Self {
            style,
            detail,
            forces: forces.iter().map(|p| (p, Cell::new(false))).collect(),
            notes: notes.iter().map(|n| (n, Cell::new(false))).collect(),
            lines: Vec::new(),
        }
    }

    /// The lines, the paths that force a replacement and notes that no line showed.
    pub(super) fn finish(self) -> (Vec<String>, Vec<&'a Path>, Vec<&'a Note>) {
        let forces = self.forces.into_iter().filter(|(_, used)| !used.get()).map(|(p, _)| p);
        let notes = self.notes.into_iter().filter(|(_, used)| !used.get()).map(|(n, _)| n);
        (self.lines, forces.collect(), notes.collect())
    }

    /// Whether what does not change is shown too.
    fn all_shown(&self) -> bool {
        self.detail == Detail::Full
    }

    /// The difference of a whole object.
    pub(super) fn whole(&mut self, diff: &Diff, level: usize) {
        match diff {
            Diff::Object(map) => self.object(map, &[], level),
            Diff::Same(v) => self.same_object(v, level),
            Diff::Added(Value::Map(map)) => self.all(map, Sign::Add, &[], level),
            Diff::Removed(Value::Map(map)) => self.all(map, Sign::Remove, &[], level),
            Diff::Added(_)
            | Diff::Removed(_)
            | Diff::Changed(..)
            | Diff::Items(_)
            | Diff::List(_)
            | Diff::Moved { .. } => {
                let (all, mut rows) = (self.all_shown(), Vec::new());
                collect(&mut rows, "value".to_owned(), false, Vec::new(), diff, 0, all);
                self.rows(rows, level);
            }
        }
    }

    /// Outputs, which have no object around them.
    pub(super) fn outputs(&mut self, diffs: &BTreeMap<Arc<str>, Diff>) {
        let (all, mut rows) = (self.all_shown(), Vec::new());
        for (name, diff) in diffs {
            collect(&mut rows, text::name(name), false, Vec::new(), diff, 0, all);
        }
        self.rows(rows, 0);
    }

    /// Only what says which object it is, and how much there is besides.
    pub(super) fn identity(&mut self, v: &Value, sign: Sign, level: usize) {
        let Some(map) = v.as_map() else { return };
        let mut rows = Vec::new();
        let mut hidden = 0;
        for (key, v) in map {
            if v.is_null() {
                continue;
            }
            let before = rows.len();
            identities(&mut rows, key, v, &[], true);
            hidden += usize::from(rows.len() == before);
        }
        if sign == Sign::Remove {
            for row in &mut rows {
                if let What::Same(v) = row.what {
                    row.what = What::Remove(v);
                }
            }
        }
        self.rows(rows, level);
        self.hidden(hidden, "attribute", "attributes", "", level);
    }

    fn same_object(&mut self, v: &Value, level: usize) {
        if self.detail == Detail::Full
            && let Some(map) = v.as_map()
        {
            return self.all(map, Sign::Same, &[], level);
        }
        self.identity(v, Sign::Same, level);
    }

    /// Every entry of a map with the same sign.
    fn all(&mut self, map: &values::Map, sign: Sign, at: &[Seg], level: usize) {
        let rows = map.iter().filter(|(_, v)| !v.is_null()).map(|(key, v)| Row {
            name: text::name(key),
            joined: false,
            at: joined(at, Seg::Attr(key.clone())),
            what: match sign {
                Sign::Add => What::Add(v),
                Sign::Remove => What::Remove(v),
                Sign::Same | Sign::Change => What::Same(v),
            },
            hidden: 0,
            moved: None,
        });
        let rows = rows.collect();
        self.rows(rows, level);
    }

    fn object(&mut self, map: &BTreeMap<Arc<str>, Diff>, at: &[Seg], level: usize) {
        let (mut identity, mut rows) = (Vec::new(), Vec::new());
        let (mut hidden, all) = (0, self.all_shown());
        // The item of a keyed list is named on the line that opens it.
        let is_item = matches!(at.last(), Some(Seg::Item(..)));
        for (key, diff) in map {
            let here = joined(at, Seg::Attr(key.clone()));
            if !is_quiet(diff) {
                if at.is_empty() && &**key == "metadata" && !all {
                    hidden -= metadata(&mut identity, &here, diff);
                }
                collect(&mut rows, text::name(key), false, here, diff, 0, all);
                continue;
            }
            let v = match diff {
                Diff::Same(v) if !v.is_null() => v,
                Diff::Same(_) | Diff::Added(_) | Diff::Removed(_) => continue,
                _ => {
                    hidden += 1;
                    continue;
                }
            };
            if all {
                rows.push(Row::plain(text::name(key), here, What::Same(v)));
                continue;
            }
            let before = identity.len();
            if !is_item {
                identities(&mut identity, key, v, at, at.is_empty());
            }
            hidden += i64::from(identity.len() == before);
        }
        identity.append(&mut rows);
        let joined: usize = identity.iter().map(|r| r.hidden).sum();
        let hidden = hidden + i64::try_from(joined).unwrap_or(i64::MAX);
        self.rows(identity, level);
        let hidden = usize::try_from(hidden).unwrap_or(0);
        self.hidden(hidden, "attribute", "attributes", "unchanged ", level);
    }

    fn hidden(&mut self, n: usize, one: &str, many: &str, kind: &str, level: usize) {
        if n > 0 {
            let comment = format!("# ({n} {kind}{} hidden)", if n == 1 { one } else { many });
            let comment = self.style.ink(Ink::Faint, &comment);
            self.lines.push(format!("{}{comment}", blanks(level + 1)));
        }
    }

    fn rows(&mut self, rows: Vec<Row<'_>>, level: usize) {
        let aligned = |r: &Row<'_>| !r.joined && text::width(&r.name) <= 40;
        let widest = rows.iter().filter(|r| aligned(r)).map(|r| text::width(&r.name)).max();
        for row in rows {
            let columns = if aligned(&row) { widest.unwrap_or(0) } else { 0 };
            self.row(row, columns, level);
        }
    }

    fn row(&mut self, row: Row<'_>, columns: usize, level: usize) {
        let sign = row.what.sign();
        let head = format!("{} = ", text::pad(&row.name, columns));
        let moved = row.moved.map(|(from, to)| format!("moved from position {from} to {to}"));
        match row.what {
            What::Same(v) | What::Add(v) | What::Remove(v) => {
                self.value(sign, &head, v, "", &row.at, level);
            }
            What::Change(a, b) => self.changed(&head, a, b, &row.at, level),
            What::Object(map) => {
                self.open(Sign::Change, &head, "{", &row.at, moved.as_deref(), level);
                self.object(map, &row.at, level + 1);
                self.close("}", level);
            }
            What::List(diffs) => {
                self.open(Sign::Change, &head, "[", &row.at, None, level);
                self.list(diffs, &row.at, level + 1);
                self.close("]", level);
            }
            What::Place => {
                let comment = moved.map(|m| self.style.ink(Ink::Faint, &format!(" # {m}")));
                let line = format!("{}{}", row.name, comment.unwrap_or_default());
                self.line(Sign::Change, &line, level);
                self.notes_at(&row.at, true, level);
            }
        }
    }

    fn line(&mut self, sign: Sign, text: &str, level: usize) {
        let line = format!("{}  {} {text}", blanks(level), sign.ink(self.style));
        self.lines.push(line.trim_end().to_owned());
    }

    fn close(&mut self, bracket: &str, level: usize) {
        self.lines.push(format!("{}{bracket}", blanks(level + 1)));
    }

    fn open(
        &mut self,
        sign: Sign,
        head: &str,
        bracket: &str,
        at: &[Seg],
        comment: Option<&str>,
        level: usize,
    ) {
        let comment = comment.map(|c| self.style.ink(Ink::Faint, &format!(" # {c}")));
        let forces = self.forces_at(at, false);
        self.line(sign, &format!("{head}{bracket}{}{forces}", comment.unwrap_or_default()), level);
        self.notes_at(at, false, level);
    }

    /// A value that stands on its own, over as many lines as it needs.
    fn value(&mut self, sign: Sign, head: &str, v: &Value, end: &str, at: &[Seg], level: usize) {
        match v {
            Value::Map(map) if !map.values().all(Value::is_null) => {
                self.open(sign, head, "{", at, None, level);
                self.all(map, sign, at, level + 1);
                self.close(&format!("}}{end}"), level);
            }
            Value::List(items) if !is_short(items) => {
                self.open(sign, head, "[", at, None, level);
                for (i, item) in items.iter().enumerate() {
                    let at = joined(at, item_seg(item, i));
                    self.value(sign, "", item, ",", &at, level + 1);
                }
                self.close(&format!("]{end}"), level);
            }
            Value::String(s) if is_long(s) => {
                self.open(sign, head, "<<-EOT", at, None, level);
                self.text(s, level);
                self.close(&format!("EOT{end}"), level);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Unknown(_)
            | Value::Sensitive(_) => {
                let text = self.leaf(v);
                let forces = self.forces_at(at, true);
                self.line(sign, &format!("{head}{text}{end}{forces}"), level);
                self.notes_at(at, true, level);
            }
        }
    }

    /// A value on one line; a very long text only with its beginning.
    fn leaf(&self, v: &Value) -> String {
        match v {
            // Attributes that are left out make no line, so nothing is left of this one.
            Value::Map(_) => "{}".to_owned(),
            Value::String(s) if !self.all_shown() => match text::first(s, LONG_TEXT) {
                (_, 0) => value::text(v),
                (shown, more) => {
                    let comment = self.style.ink(Ink::Faint, &format!("# ({more} bytes hidden)"));
                    format!("{} {comment}", text::quoted(shown))
                }
            },
            _ => value::text(v),
        }
    }

    fn changed(&mut self, head: &str, a: &Value, b: &Value, at: &[Seg], level: usize) {
        if let (Value::String(a), Value::String(b)) = (a, b)
            && (is_long(a) || is_long(b))
        {
            self.open(Sign::Change, head, "<<-EOT", at, None, level);
            self.text_diff(a, b, level);
            return self.close("EOT", level);
        }
        if let (Value::String(a), Value::String(b)) = (a, b)
            && let (Some(x), Some(y)) = (embedded::indented(a), embedded::indented(b))
            && x != y
        {
            self.open(Sign::Change, head, "<<-EOT", at, Some("JSON, indented here"), level);
            self.text_diff(&x, &y, level);
            return self.close("EOT", level);
        }
        let is_block = |v: &Value| match v {
            Value::Map(map) => !map.is_empty(),
            Value::List(items) => !is_short(items),
            Value::String(s) => is_long(s),
            _ => false,
        };
        if is_block(a) || is_block(b) {
            // Nothing in common: the one goes and the other comes.
            if !a.is_null() {
                self.value(Sign::Remove, head, a, "", at, level);
            }
            if !b.is_null() {
                self.value(Sign::Add, head, b, "", at, level);
            }
            return;
        }
        let forces = self.forces_at(at, true);
        let line = match (a, b) {
            // Both are hidden; that they differ is all there is to say.
            (Value::Sensitive(_), Value::Sensitive(_)) => {
                let comment = self.style.ink(Ink::Faint, " # changed");
                format!("{head}{}{comment}{forces}", value::text(b))
            }
            (Value::String(x), Value::String(y)) if !self.all_shown() => {
                let (x, y) = embedded::elided(x, y, self.style)
                    .unwrap_or_else(|| (value::text(a), value::text(b)));
                format!("{head}{x} -> {y}{forces}")
            }
            _ => format!("{head}{} -> {}{forces}", value::text(a), value::text(b)),
        };
        self.line(Sign::Change, &line, level);
        self.notes_at(at, true, level);
    }

    fn list(&mut self, diffs: &[Diff], at: &[Seg], level: usize) {
        let mut same = 0;
        for (i, diff) in diffs.iter().enumerate() {
            if is_quiet(diff) && !self.all_shown() {
                same += 1;
                continue;
            }
            self.hidden(same, "element", "elements", "unchanged ", level);
            same = 0;
            let at = joined(at, Seg::Index(i));
            match diff {
                Diff::Same(v) => self.value(Sign::Same, "", v, ",", &at, level),
                Diff::Added(v) => self.value(Sign::Add, "", v, ",", &at, level),
                Diff::Removed(v) => self.value(Sign::Remove, "", v, ",", &at, level),
                // In a list, one item went and another came; that they stood in one place
                // means nothing.
                Diff::Changed(a, b) => {
                    self.value(Sign::Remove, "", a, ",", &at, level);
                    self.value(Sign::Add, "", b, ",", &at, level);
                }
                Diff::Object(map) => {
                    self.open(Sign::Change, "", "{", &at, None, level);
                    self.object(map, &at, level + 1);
                    self.close("},", level);
                }
                Diff::List(inner) => {
                    self.open(Sign::Change, "", "[", &at, None, level);
                    self.list(inner, &at, level + 1);
                    self.close("],", level);
                }
                Diff::Items(_) | Diff::Moved { .. } => {
                    let (all, mut rows) = (self.all_shown(), Vec::new());
                    collect(&mut rows, format!("[{i}]"), true, at, diff, 0, all);
                    self.rows(rows, level);
                }
            }
        }
        self.hidden(same, "element", "elements", "unchanged ", level);
    }

    /// All lines of a text.
    fn text(&mut self, s: &str, level: usize) {
        let lines: Vec<_> = s.split_inclusive('\n').collect();
        let shown = if self.all_shown() { lines.len() } else { MANY_LINES };
        for line in lines.iter().take(shown) {
            let line = text::text_line(line.strip_suffix('\n').unwrap_or(line), false);
            self.lines.push(format!("{}{line}", blanks(level + 2)).trim_end().to_owned());
        }
        self.hidden(lines.len().saturating_sub(shown), "line", "lines", "", level + 1);
    }

    /// What differs between two texts, with three lines around each difference.
    fn text_diff(&mut self, a: &str, b: &str, level: usize) {
        for line in super::lines::diff(a, b, self.all_shown()) {
            let (sign, text) = match line {
                super::lines::Line::Same(text) => (Sign::Same, text),
                super::lines::Line::Added(text) => (Sign::Add, text),
                super::lines::Line::Removed(text) => (Sign::Remove, text),
                super::lines::Line::Hidden(n) => {
                    self.hidden(n, "line", "lines", "unchanged ", level + 1);
                    continue;
                }
                super::lines::Line::Comment(text) => {
                    let comment = self.style.ink(Ink::Faint, &format!("# ({text})"));
                    self.lines.push(format!("{}{comment}", blanks(level + 2)));
                    continue;
                }
            };
            self.line(sign, &text, level + 1);
        }
    }

    /// ` # forces replacement` when this line, or for a line without lines inside something in
    /// it, cannot be changed in place.
    fn forces_at(&self, at: &[Seg], leaf: bool) -> String {
        let mut found = false;
        for (path, used) in &self.forces {
            let hit = match lies(at, path) {
                Lies::Here => true,
                Lies::Inside | Lies::Around => leaf,
                Lies::Elsewhere => false,
            };
            if hit {
                used.set(true);
                found = true;
            }
        }
        if !found {
            return String::new();
        }
        format!(" {}", self.style.ink(Ink::Destroy, "# forces replacement"))
    }

    fn notes_at(&mut self, at: &[Seg], leaf: bool, level: usize) {
        let mut found = Vec::new();
        for (note, used) in &self.notes {
            let lies = lies(at, &note.path);
            if !used.get() && (lies == Lies::Here || (leaf && lies == Lies::Inside)) {
                used.set(true);
                found.push(format!("# note: {}", text::line(&note.text)));
            }
        }
        let note = |n: &String| format!("{}{}", blanks(level + 1), self.style.ink(Ink::Change, n));
        let found: Vec<_> = found.iter().map(note).collect();
        self.lines.extend(found);
    }
}

fn blanks(level: usize) -> String {
    " ".repeat(4 * level)
}

fn is_short(items: &[Value]) -> bool {
    let scalar = |v: &Value| match v {
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::String(s) => !is_long(s),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Unknown(_)
        | Value::Sensitive(_) => true,
    };
    items.is_empty()
        || (items.iter().all(scalar)
            && items.iter().map(|v| text::width(&value::text(v)) + 2).sum::<usize>() <= SHORT_LIST)
}

/// Whether a text has lines.
fn is_long(s: &str) -> bool {
    s.trim_end_matches('\n').contains('\n')
}
