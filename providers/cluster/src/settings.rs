//! What of a node is ours: the annotation that says so, and taints as texts.
//!
//! A node belongs to its kubelet and to the cluster's controllers; a configuration owns single
//! labels, annotations and taints of it. Which ones is written on the node itself, in one
//! annotation, so that a state that is lost loses nothing. The taints of a node are one list to
//! the server, so that field managers could not tell whose a taint is.
//!
//! The annotation has one thing a line, after a line with its version and the project:
//!
//! ```text
//! v1 shop
//! label example.com/disk
//! taint dedicated:NoSchedule
//! unschedulable
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use values::Value;

/// The annotation.
pub const RECORD: &str = "clinch/node-settings";

/// What a project owns of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The project.
    pub project: String,
    /// Keys of labels.
    pub labels: BTreeSet<String>,
    /// Keys of annotations.
    pub annotations: BTreeSet<String>,
    /// Taints without their values: `key:effect`.
    pub taints: BTreeSet<String>,
    /// Whether it took the node out of scheduling.
    pub unschedulable: bool,
}

impl Record {
    /// Nothing is owned yet.
    pub fn new(project: &str) -> Self {
        Self { project: project.to_owned(), ..Self::default() }
    }

    /// Whether anything is owned.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
            && self.annotations.is_empty()
            && self.taints.is_empty()
            && !self.unschedulable
    }

    /// As the annotation holds it.
    pub fn to_text(&self) -> String {
        let mut out = format!("v1 {}\n", self.project);
        for (word, names) in
            [("label", &self.labels), ("annotation", &self.annotations), ("taint", &self.taints)]
        {
            for name in names {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "{word} {name}");
            }
        }
        if self.unschedulable {
            out.push_str("unschedulable\n");
        }
        out
    }

    /// Of an annotation; `None` when this program does not understand it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let project = lines.next()?.strip_prefix("v1 ")?;
        let mut record = Self::new(project);
        for line in lines {
            if line == "unschedulable" {
                record.unschedulable = true;
                continue;
            }
            let (word, name) = line.split_once(' ')?;
            let names = match word {
                "label" => &mut record.labels,
                "annotation" => &mut record.annotations,
                "taint" => &mut record.taints,
                _ => return None,
            };
            names.insert(name.to_owned());
        }
        Some(record)
    }

    /// Of a node. `Ok(None)` when nothing of it is owned, `Err` with what was not understood.
    pub fn of(node: &Value) -> Result<Option<Self>, String> {
        let annotations = node.get("metadata").and_then(|metadata| metadata.get("annotations"));
        match annotations.and_then(|all| all.get(RECORD)).and_then(Value::as_str) {
            None => Ok(None),
            Some(text) => Self::parse(text).map(Some).ok_or_else(|| text.to_owned()),
        }
    }
}

/// What tells two taints of a node apart: `key:effect`.
pub fn taint_name(taint: &Value) -> String {
    let text = |name: &str| taint.get(name).and_then(Value::as_str).unwrap_or("");
    format!("{}:{}", text("key"), text("effect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_is_read_back_as_it_was_written() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let record = Record {
            project: "shop".to_owned(),
            labels: set(&["a", "example.com/b"]),
            annotations: set(&["c"]),
            taints: set(&["d:NoSchedule"]),
            unschedulable: true,
        };
        let text = "v1 shop\nlabel a\nlabel example.com/b\nannotation c\ntaint d:NoSchedule\n\
                    unschedulable\n";
        assert_eq!(record.to_text(), text);
        assert_eq!(Record::parse(text), Some(record));
        let empty = Record::new("shop");
        assert_eq!(Record::parse(&empty.to_text()), Some(empty));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for text in ["", "v2 shop\n", "v1 shop\nlabel\n", "v1 shop\ncolour blue\n"] {
            assert_eq!(Record::parse(text), None, "{text:?}");
        }
    }
}
