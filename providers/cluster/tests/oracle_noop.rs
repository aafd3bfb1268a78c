//! The certificate of no-op against recorded transitions of a real server.

use crate::support;
use cluster::{canon, fields, noop};
use values::{Map, Value};

/// One applied intent, the object before, and what the server made of it.
struct Row {
    intent: Value,
    before: Value,
    manager: String,
    refused: bool,
    after: Value,
}

impl Row {
    /// Whether the server changed anything, ownership of fields included.
    fn changes(&self) -> bool {
        self.refused || lasting(&self.after, true) != lasting(&self.before, true)
    }

    /// Whether the server would have changed anything but who owns what, had it been sent this
    /// spelling of the intent.
    fn changes_content(&self, canonical: &Value) -> bool {
        if self.refused {
            return !self.conflicts_by_spelling_alone(canonical);
        }
        lasting(&self.after, false) != lasting(&self.before, false)
    }

    /// Whether every conflict is about a value that the canonical intent spells otherwise, as
    /// the server stores it: the server compares before it stores, so `10` is in conflict with
    /// another manager's `"10"`.
    fn conflicts_by_spelling_alone(&self, canonical: &Value) -> bool {
        let causes = self.after.get("details").and_then(|details| details.get("causes"));
        let causes = causes.and_then(Value::as_list).unwrap_or(&[]);
        let by_spelling = |cause: &Value| {
            let text = |name: &str| cause.get(name).and_then(Value::as_str).unwrap_or("");
            let path = fields::resolve(text("field"), &self.intent);
            text("reason") == "FieldManagerConflict"
                && self.intent.at(&path) != canonical.at(&path)
                && self.before.at(&path) == canonical.at(&path)
        };
        !causes.is_empty() && causes.iter().all(by_spelling)
    }
}

fn rows() -> Option<Vec<Row>> {
    let vectors = support::packed_lines("kubernetes-ssa-vectors.jsonl.gz")?;
    let row = |vector: &Value| {
        let request = vector.get("request")?;
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let before = vector.get("before")?;
        if text("type") != Some("apply") || before.as_map().is_none() {
            return None;
        }
        Some(Row {
            intent: request.get("body")?.clone(),
            before: before.clone(),
            manager: text("manager")?.to_owned(),
            refused: vector.get("status")?.as_number()?.as_i64()? != 200,
            after: vector.get("response")?.clone(),
        })
    };
    Some(vectors.iter().filter_map(row).collect())
}

/// The object without what moves by itself, and with or without who owns what.
fn lasting(object: &Value, owners: bool) -> Value {
    let mut object = object.as_map().cloned().unwrap_or_default();
    let Some(Value::Map(metadata)) = object.get("metadata") else { return Value::map(object) };
    let mut metadata = Map::clone(metadata);
    metadata.remove("resourceVersion");
    metadata.remove("generation");
    let entries = metadata.remove("managedFields");
    if let (true, Some(Value::List(entries))) = (owners, entries) {
        let untimed = entries.iter().map(|entry| {
            let mut entry = entry.as_map().cloned().unwrap_or_default();
            entry.remove("time");
            Value::map(entry)
        });
        metadata.insert("managedFields".into(), Value::list(untimed.collect::<Vec<_>>()));
    }
    object.insert("metadata".into(), Value::map(metadata));
    Value::map(object)
}

#[test]
fn the_certificate_is_never_given_where_the_server_changed_something() {
    let Some(rows) = rows() else { return };
    let idle = rows.iter().filter(|row| !row.changes()).count();
    let mut certified = 0;
    for row in &rows {
        let proof = noop::certify(&row.intent, &row.before, &row.manager);
        assert!(
            !(row.changes() && proof.is_ok()),
            "false certificate: {:?} over {:?}",
            row.intent,
            row.before
        );
        certified += usize::from(proof.is_ok());
    }
    println!("ORACLE noop-certificate: {certified}/{idle} of {} applies, as written", rows.len());
}

/// The server was sent the intent as written. Where the canonical intent is another text, the
/// server's answer still says what the content becomes, but not who owns what: an empty map
/// that was sent is owned, one that is left out is not.
#[test]
fn the_certificate_of_a_canonical_intent_is_never_given_where_the_content_changed() {
    let Some(rows) = rows() else { return };
    let (mut idle, mut certified, mut respelt) = (0, 0, 0);
    for row in &rows {
        let intent = canon::canonical(&row.intent);
        let proof = noop::certify(&intent, &row.before, &row.manager);
        let changes =
            if intent == row.intent { row.changes() } else { row.changes_content(&intent) };
        assert!(
            !(changes && proof.is_ok()),
            "false certificate: {:?} over {:?}",
            row.intent,
            row.before
        );
        idle += usize::from(!changes);
        certified += usize::from(proof.is_ok());
        respelt += usize::from(proof.is_ok() && row.changes());
    }
    println!(
        "ORACLE noop-certificate-canonical: {certified}/{idle} of {} applies ({respelt} of them \
         were only about the spelling as written)",
        rows.len()
    );
}
