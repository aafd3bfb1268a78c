//! The columns that a definition adds to a table.
//!
//! Paths are the simple ones that definitions use: names, indexes, `[*]`, and a filter of one
//! comparison, such as `.status.conditions[?(@.type=="Ready")].status`. Of several values the
//! first is shown, as the real server does.

use apimachinery::discovery::Column;
use serde_json::Value;

use super::Definition;

impl Definition {
    /// The columns after the name, each with the path to its value.
    pub(crate) fn columns(&self) -> Vec<(Column, String)> {
        let added = self.version()["additionalPrinterColumns"].as_array();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let column = |added: &Value| {
            let column = Column {
                name: text(&added["name"]),
                kind: text(&added["type"]),
                format: text(&added["format"]),
                priority: added["priority"].as_i64().unwrap_or(0),
            };
            (column, text(&added["jsonPath"]))
        };
        match added {
            Some(added) if !added.is_empty() => added.iter().map(column).collect(),
            _ => {
                let age = Column {
                    name: "Age".to_owned(),
                    kind: "date".to_owned(),
                    format: String::new(),
                    priority: 0,
                };
                vec![(age, ".metadata.creationTimestamp".to_owned())]
            }
        }
    }
}

/// The first value at a path.
pub(crate) fn first<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = vec![object];
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']')?;
            let (step, after) = (&inside[..end], &inside[end + 1..]);
            found = found.into_iter().flat_map(|value| items(value, step)).collect();
            rest = after;
        } else {
            let named = rest.strip_prefix('.').unwrap_or(rest);
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (name, after) = named.split_at(end);
            if !name.is_empty() {
                found = found.into_iter().filter_map(|value| value.get(name)).collect();
            } else if after.is_empty() {
                break;
            }
            rest = after;
        }
    }
    found.first().copied()
}

/// What a step in brackets leads to.
fn items<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    if let Some(filter) = step.strip_prefix("?(@.").and_then(|filter| filter.strip_suffix(')')) {
        let Some((name, wanted)) = filter.split_once("==") else { return Vec::new() };
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        let is_it = |item: &&Value| match &item[name.trim()] {
            Value::String(text) => text == wanted,
            other => other.to_string().as_str() == wanted,
        };
        return value.as_array().into_iter().flatten().filter(is_it).collect();
    }
    if step == "*" {
        return value.as_array().into_iter().flatten().collect();
    }
    match step.parse::<usize>() {
        Ok(index) => value.get(index).into_iter().collect(),
        Err(_) => value.get(step.trim_matches(['"', '\''])).into_iter().collect(),
    }
}
