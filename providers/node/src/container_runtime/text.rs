//! Reading and editing TOML: only the lines of settings that change are other lines afterwards,
//! so that comments, the order of the rest and its line ends stay.
//!
//! Source: [TOML 1.1](https://toml.io/en/v1.1.0).

use crate::settings::ways::{self, Way};
use std::ops::Range;
use std::sync::Arc;
use toml_edit::{Document, DocumentMut, Item, Key, Table, TableLike};
use values::{Map, Value};

/// What a text says, or why it could not be read, as the end of a sentence.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    Ok(table(parsed(text)?.as_table()))
}

/// The text, with the places of everything in it.
pub(super) fn parsed(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("is no TOML: line {line}: {}", access::text::clean(error.message()))
    })
}

fn table(of: &dyn TableLike) -> Value {
    Value::map(of.iter().map(|(key, item)| (Arc::from(key), value(item))))
}

/// A value of the language; a date is its text.
pub(super) fn value(item: &Item) -> Value {
    if let Some(of) = item.as_table_like() {
        return table(of);
    }
    if let Some(tables) = item.as_array_of_tables() {
        return Value::list(tables.iter().map(|of| table(of)));
    }
    match item.as_value() {
        Some(scalar) => scalar_value(scalar),
        None => Value::Null,
    }
}

fn scalar_value(of: &toml_edit::Value) -> Value {
    use toml_edit::Value as Toml;
    match of {
        Toml::String(text) => text.value().as_str().into(),
        Toml::Integer(number) => (*number.value()).into(),
        Toml::Boolean(flag) => (*flag.value()).into(),
        Toml::Float(number) => number.value().to_string().into(),
        Toml::Datetime(time) => time.value().to_string().into(),
        Toml::Array(items) => Value::list(items.iter().map(scalar_value)),
        Toml::InlineTable(inner) => table(inner),
    }
}

/// How a value is written; `None` for what no setting of ours is.
fn written(of: &Value) -> Option<toml_edit::Value> {
    match of {
        Value::String(text) => Some((&**text).into()),
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(number) => Some(number.as_i64()?.into()),
        Value::List(items) => {
            Some(items.iter().map(written).collect::<Option<toml_edit::Array>>()?.into())
        }
        Value::Null | Value::Map(_) | Value::Unknown(_) | Value::Sensitive(_) => None,
    }
}

/// A text in quotes, as TOML reads it.
pub(super) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// The text that says `wanted` where it differs; the error is the end of a sentence.
pub(crate) fn edited(text: &str, wanted: &Value, ours: &[&Way]) -> Result<String, String> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let live = read(body)?;
    let mut now = body.to_owned();
    let gone = |way: &&&Way| ways::get(wanted, way).is_none();
    // What goes first: an emptied section must not keep what comes from having a place.
    let differing = || ours.iter().filter(|way| ways::get(&live, way) != ways::get(wanted, way));
    for way in differing().filter(gone) {
        now = removed(&now, way).or_else(|| anew(&now, way, None)).ok_or_else(stuck)?;
    }
    // The innermost first: without it, the one around it may be empty.
    while let Some(fewer) = without_empty_section(&now, wanted)? {
        now = fewer;
    }
    for way in differing().filter(|way| !gone(way)) {
        let setting = ways::get(wanted, way).and_then(written).ok_or_else(stuck)?;
        now = match set(&now, way, &setting) {
            Some(text) if says(&text, way, wanted) => text,
            Some(_) | None => anew(&now, way, Some(&setting)).ok_or_else(stuck)?,
        };
    }
    let same = read(&now).is_ok_and(|now| bare(&now) == bare(wanted));
    if same { Ok(format!("{mark}{now}")) } else { Err(stuck()) }
}

fn stuck() -> String {
    "is written in a way that this version cannot edit".to_owned()
}

fn says(text: &str, way: &Way, wanted: &Value) -> bool {
    read(text).is_ok_and(|now| ways::get(&now, way) == ways::get(wanted, way))
}

/// Without empty maps, which say nothing.
fn bare(of: &Value) -> Value {
    let Some(map) = of.as_map() else { return of.clone() };
    let inner = map.iter().map(|(key, value)| (key.clone(), bare(value)));
    Value::map(inner.filter(|(_, value)| !value.as_map().is_some_and(Map::is_empty)))
}

/// Prints the whole text again, with its comments. For what is not one setting a line, such as a
/// table in braces.
fn anew(text: &str, way: &Way, setting: Option<&toml_edit::Value>) -> Option<String> {
    let mut doc: DocumentMut = text.parse().ok()?;
    let (last, outer) = way.split_last()?;
    let mut of: &mut dyn TableLike = doc.as_table_mut();
    for key in outer {
        if of.get(key).is_none() {
            let mut new = Table::new();
            new.set_implicit(true);
            of.insert(key, Item::Table(new));
        }
        of = of.get_mut(key)?.as_table_like_mut()?;
    }
    match (setting, of.get_mut(last)) {
        (None, _) => {
            of.remove(last);
        }
        (Some(setting), Some(Item::Value(old))) => {
            let decor = old.decor().clone();
            *old = setting.clone();
            *old.decor_mut() = decor;
        }
        (Some(setting), _) => {
            of.insert(last, Item::Value(setting.clone()));
        }
    }
    Some(doc.to_string())
}

/// A setting and the key before it.
fn find<'d>(doc: &'d Document<&str>, way: &Way) -> Option<(&'d Key, &'d Item)> {
    let (last, outer) = way.split_last()?;
    let mut of: &dyn TableLike = doc.as_table();
    for key in outer {
        of = of.get(key)?.as_table_like()?;
    }
    of.get_key_value(last)
}

/// The text from the begin of a line to its end, the line break included.
fn line_around(text: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    let start = text.get(..inner.start)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(inner.end..)?.find('\n').map_or(text.len(), |at| inner.end + at + 1);
    Some(start..end)
}

/// The lines of a setting when nothing else is in them; `None` in a table in braces, say.
fn lines_of(text: &str, key: &Range<usize>, value: &Range<usize>) -> Option<Range<usize>> {
    let lines = line_around(text, &(key.start..value.end))?;
    let before = text.get(lines.start..key.start)?;
    let after = text.get(value.end..lines.end)?.trim();
    let alone =
        !before.contains(['{', '[', ',', '=', '#']) && (after.is_empty() || after.starts_with('#'));
    alone.then_some(lines)
}

fn removed(text: &str, way: &Way) -> Option<String> {
    let doc = parsed(text).ok()?;
    let (key, item) = find(&doc, way)?;
    let lines = lines_of(text, &key.span()?, &item.span()?)?;
    Some(format!("{}{}", text.get(..lines.start)?, text.get(lines.end..)?))
}

/// Without one header that has nothing below it and should not be there.
fn without_empty_section(text: &str, wanted: &Value) -> Result<Option<String>, String> {
    let extra = |way: &Way| ways::get(wanted, way).is_none();
    Ok(sections(text)?.into_iter().rev().find(extra).and_then(|way| without_header(text, &way)))
}

/// The ways of all headers that have nothing below them, outermost first.
fn sections(text: &str) -> Result<Vec<Way>, String> {
    fn collect(of: &Table, way: &mut Way, out: &mut Vec<Way>) {
        for (key, item) in of {
            let Some(inner) = item.as_table() else { continue };
            way.push(key.into());
            if !inner.is_implicit() && !inner.is_dotted() && inner.is_empty() {
                out.push(way.clone());
            }
            collect(inner, way, out);
            way.pop();
        }
    }
    let mut out = Vec::new();
    collect(parsed(text)?.as_table(), &mut Vec::new(), &mut out);
    Ok(out)
}

/// Without the header of an empty section, and one blank line before it.
fn without_header(text: &str, way: &Way) -> Option<String> {
    let doc = parsed(text).ok()?;
    let (_, item) = find(&doc, way)?;
    let line = line_around(text, &item.as_table()?.span()?)?;
    let before = text.get(..line.start)?;
    let break_length = if before.ends_with("\r\n") { 2 } else { 1 };
    let blank =
        ["\n", "\r\n"].contains(&before) || before.ends_with("\n\n") || before.ends_with("\n\r\n");
    let start = if blank { line.start - break_length } else { line.start };
    Some(format!("{}{}", text.get(..start)?, text.get(line.end..)?))
}

fn set(text: &str, way: &Way, setting: &toml_edit::Value) -> Option<String> {
    let doc = parsed(text).ok()?;
    if let Some((_, item)) = find(&doc, way) {
        let place = item.as_value()?.span()?;
        return Some(format!("{}{setting}{}", text.get(..place.start)?, text.get(place.end..)?));
    }
    let (last, outer) = way.split_last()?;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = format!("{} = {setting}{end}", Key::new(&**last));
    let owner = if outer.is_empty() {
        Some(doc.as_table())
    } else {
        let found = find(&doc, &outer.to_vec()).and_then(|(_, item)| item.as_table());
        found.filter(|table| !table.is_implicit() && !table.is_dotted())
    };
    let Some(owner) = owner else {
        let header = outer.iter().map(|key| Key::new(&**key).to_string());
        let header = format!("[{}]{end}", header.collect::<Vec<_>>().join("."));
        let gap = match text {
            "" => String::new(),
            text if text.ends_with('\n') => end.to_owned(),
            _ => format!("{end}{end}"),
        };
        return Some(format!("{text}{gap}{header}  {line}"));
    };
    let (at, indent) = place_in(text, owner, outer.is_empty())?;
    let before = text.get(..at)?;
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { end };
    Some(format!("{before}{gap}{indent}{line}{}", text.get(at..)?))
}

/// Where the next setting of a section goes, and how far it is moved in.
fn place_in(text: &str, owner: &Table, is_root: bool) -> Option<(usize, String)> {
    let mut last: Option<Range<usize>> = None;
    for (key, item) in owner {
        let Some(place) = item.as_value().and_then(|_| item.span()) else { continue };
        let key = owner.get_key_value(key)?.0.span()?;
        if last.as_ref().is_none_or(|last| last.end < place.end) {
            last = Some(key.start..place.end);
        }
    }
    if let Some(last) = last {
        let line = line_around(text, &last)?;
        let indent: String =
            text.get(line.start..)?.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        return Some((line.end, indent));
    }
    if is_root {
        // Before the first section, or after the comments when there is none.
        let any_section = text.lines().any(|line| line.trim_start().starts_with('['));
        return Some((if any_section { 0 } else { text.len() }, String::new()));
    }
    let line = line_around(text, &owner.span()?)?;
    let indent: String =
        text.get(line.start..)?.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    Some((line.end, format!("{indent}  ")))
}

#[cfg(test)]
mod tests;
