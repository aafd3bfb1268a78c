//! Objects as rows of a table, which is what `kubectl get` shows, and as bare metadata.
//!
//! The columns are the real server's, recorded, or those of a definition.

mod cells;

use apimachinery::discovery::{self, Column};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::catalog::Served;
use crate::handlers::read::{self, Page};

/// How a client wants to see what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Whole objects.
    Full,
    /// Rows of a table.
    Table,
    /// Metadata alone.
    Metadata,
}

impl Shape {
    /// What an `Accept` header asks for first.
    pub(crate) fn wanted(accept: &str) -> Self {
        for choice in accept.split(',') {
            let has = |part: &str| choice.split(';').any(|found| found.trim() == part);
            if has("as=Table") && has("v=v1") {
                return Self::Table;
            }
            if has("as=PartialObjectMetadata") || has("as=PartialObjectMetadataList") {
                return Self::Metadata;
            }
            if choice.trim().starts_with("application/json") && !choice.contains("as=") {
                return Self::Full;
            }
        }
        Self::Full
    }

    /// One object in this shape.
    pub(crate) fn one(self, served: &Served, object: &Value, now: Timestamp) -> Value {
        match self {
            Self::Full => object.clone(),
            Self::Metadata => metadata_only(object),
            Self::Table => {
                let version = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                table(served, version, std::iter::once(object), now)
            }
        }
    }

    /// The list of a page in this shape, as it goes over the wire.
    pub(crate) fn many(self, served: &Served, page: &Page, now: Timestamp) -> String {
        let items = || page.items.iter().map(|object| object.peek());
        let list = match self {
            Self::Full => return read::list_text(served, page),
            Self::Table => {
                let items: Vec<_> = items().collect();
                table(served, page.metadata.clone(), items.iter().map(|object| &**object), now)
            }
            Self::Metadata => json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": page.metadata,
                "items": items().map(|object| metadata_only(&object)).collect::<Vec<_>>(),
            }),
        };
        list.to_string()
    }
}

fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

fn table<'a>(
    served: &Served,
    metadata: Value,
    items: impl Iterator<Item = &'a Value>,
    now: Timestamp,
) -> Value {
    let columns = columns(served);
    let definitions: Vec<Value> = columns
        .iter()
        .map(|(column, _)| {
            json!({
                "name": column.name,
                "type": column.kind,
                "format": column.format,
                "description": "",
                "priority": column.priority,
            })
        })
        .collect();
    let rows: Vec<Value> = items
        .map(|object| {
            let cells: Vec<Value> = columns
                .iter()
                .map(|(column, path)| match path {
                    Some(path) => cells::at_path(column, path, object, now),
                    None => cells::cell(served, column, object, now),
                })
                .collect();
            json!({"cells": cells, "object": metadata_only(object)})
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// The columns of a kind; those that a definition adds with the path to their values.
fn columns(served: &Served) -> Vec<(Column, Option<String>)> {
    if let Some(columns) = discovery::columns(&served.resource) {
        return columns.iter().map(|column| (column.clone(), None)).collect();
    }
    let column = |name: &str, kind: &str, format: &str| Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: format.to_owned(),
        priority: 0,
    };
    let name = (column("Name", "string", "name"), None);
    match &served.definition {
        None => vec![name, (column("Created At", "date", ""), None)],
        Some(definition) => {
            let added = definition.columns().into_iter().map(|(column, path)| (column, Some(path)));
            std::iter::once(name).chain(added).collect()
        }
    }
}
