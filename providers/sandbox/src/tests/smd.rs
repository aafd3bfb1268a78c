//! The published tables of structured merge, against our merge, compare, remove and sets.
//!
//! Rows that need a schema written elsewhere in Go, or Go types, cannot be used and are
//! counted apart.

use std::collections::BTreeMap;
use std::io::Read;

use apimachinery::types::{Field, ListMerge, ListType, MapType, Scalar, Schema, Type, TypeId};
use serde_json::Value;

use crate::ssa::path::PathElement;
use crate::ssa::set::Set;
use crate::ssa::typed;

/// Cases of the shared table that come out as published.
pub(super) const EXPECTED: usize = 185;

#[test]
fn published_tables_of_structured_merge_are_reproduced() {
    let Ok(folder) = std::env::var("CLINCH_CORPORA") else {
        println!("SKIPPED smd: CLINCH_CORPORA is not set, so nothing was compared");
        return;
    };
    let bytes = std::fs::read(format!("{folder}/go-tables/smd.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let mut score = Score::default();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["file"].as_str().is_some_and(|file| file.starts_with("typed/")) {
            score.row(&row);
        }
    }
    println!("ORACLE smd: {}/{} of {}", score.right, score.usable, score.total);
    for why in score.wrong.iter().take(10) {
        println!("  {why}");
    }
    assert!(score.right >= EXPECTED, "the score fell from {EXPECTED} to {}", score.right);
}

#[derive(Default)]
struct Score {
    right: usize,
    usable: usize,
    total: usize,
    wrong: Vec<String>,
}

impl Score {
    fn row(&mut self, row: &Value) {
        let fields = &row["f"];
        let deduced = row["test"].as_str().is_some_and(|test| test.ends_with("Deduced"));
        let cases = ["triplets", "quints", "quadruplets", "pairs"]
            .iter()
            .find_map(|kind| fields[*kind].as_array().map(|cases| (*kind, cases.clone())))
            .or_else(|| deduced.then(|| (guess(fields), vec![fields.clone()])));
        let Some((kind, cases)) = cases else {
            self.total += 1;
            return;
        };
        let (schema, root) = match (yaml_text(&fields["schema"]), fields["rootTypeName"].as_str()) {
            (Some(schema), Some(root)) => {
                let (schema, names) = read_schema(&schema);
                let Some(root) = names.get(root).copied() else {
                    self.total += cases.len();
                    return;
                };
                (schema, root)
            }
            _ if deduced => {
                let (schema, names) = read_schema("types: []");
                (schema, names["__untyped_deduced_"])
            }
            _ => {
                self.total += cases.len();
                return;
            }
        };
        for case in &cases {
            self.total += 1;
            let case = case.get("f").unwrap_or(case);
            let Some(outcome) = check(&schema, root, kind, case) else { continue };
            self.usable += 1;
            match outcome {
                Ok(()) => self.right += 1,
                Err(why) => self.wrong.push(format!("{} line {}: {why}", row["file"], row["line"])),
            }
        }
    }
}

fn guess(fields: &Value) -> &'static str {
    if !fields["out"].is_null() {
        "triplets"
    } else if !fields["added"].is_null() {
        "quints"
    } else {
        "pairs"
    }
}

/// Runs one case; `None` if it cannot be read.
fn check(schema: &Schema, root: TypeId, kind: &str, case: &Value) -> Option<Result<(), String>> {
    let value = |field: &str| yaml(&case[field]);
    Some(match kind {
        "triplets" => {
            let (lhs, rhs, want) = (value("lhs")?, value("rhs")?, value("out")?);
            let got = typed::merge(schema, root, Some(&lhs), Some(&rhs)).unwrap_or(Value::Null);
            same(typed::equal(&got, &want), &format!("{lhs} + {rhs}"), &got, &want)
        }
        "quints" => {
            let (lhs, rhs) = (value("lhs")?, value("rhs")?);
            let found = typed::compare(schema, root, &lhs, &rhs);
            let sets = [
                ("added", &found.added),
                ("modified", &found.modified),
                ("removed", &found.removed),
            ];
            for (name, got) in sets {
                let want = set(&case[name])?;
                if *got != want {
                    let (got, want) = (got.encode(), want.encode());
                    return Some(Err(format!("{name} of {lhs} -> {rhs}: {got} instead of {want}")));
                }
            }
            Ok(())
        }
        "quadruplets" => {
            let (object, paths) = (value("object")?, set(&case["set"])?);
            let want = value("removeOutput")?;
            let got = typed::remove(schema, root, &object, &paths);
            same(typed::equal(&got, &want), &format!("{object} - {}", paths.encode()), &got, &want)
        }
        "pairs" => {
            let (object, want) = (value("object")?, set(&case["set"])?);
            let got = typed::to_set(schema, root, &object);
            same(got == want, &object.to_string(), &got.encode(), &want.encode())
        }
        _ => return None,
    })
}

fn same(is_same: bool, what: &str, got: &Value, want: &Value) -> Result<(), String> {
    if is_same { Ok(()) } else { Err(format!("{what}: {got} instead of {want}")) }
}

fn yaml_text(value: &Value) -> Option<String> {
    value.as_str().or(value["args"][0].as_str()).map(str::to_owned)
}

fn yaml(value: &Value) -> Option<Value> {
    let text = yaml_text(value)?;
    if text.trim().is_empty() {
        return Some(Value::Null);
    }
    serde_saphyr::from_str(&text).ok()
}

/// `_NS(_P("a", _KBF("k", 1)), ...)` as a set.
fn set(value: &Value) -> Option<Set> {
    if !matches!(value["$call"].as_str(), Some("_NS" | "fieldpath.NewSet")) {
        return None;
    }
    let mut set = Set::default();
    for path in value["args"].as_array()? {
        let path: Option<Vec<PathElement>> = path["args"].as_array()?.iter().map(element).collect();
        set.insert(&path?);
    }
    Some(set)
}

fn element(value: &Value) -> Option<PathElement> {
    if let Some(name) = value.as_str() {
        return Some(PathElement::Field(name.to_owned()));
    }
    if let Some(index) = value.as_u64() {
        return Some(PathElement::Index(index));
    }
    let args = value["args"].as_array()?;
    match value["$call"].as_str()? {
        "_V" => Some(PathElement::value(&plain(args.first()?)?)),
        "_KBF" => {
            let pairs = args.chunks(2).map(|pair| match pair {
                [name, value] => Some((name.as_str()?.to_owned(), plain(value)?)),
                _ => None,
            });
            Some(PathElement::key(pairs.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

/// A literal; numbers with a point are written apart in the tables.
fn plain(value: &Value) -> Option<Value> {
    match value.get("$num").and_then(Value::as_str) {
        Some(number) => serde_json::from_str(number).ok(),
        None if value.is_object() => None,
        None => Some(value.clone()),
    }
}

/// Reads a schema in the published form.
fn read_schema(text: &str) -> (Schema, BTreeMap<String, TypeId>) {
    let document: Value = serde_saphyr::from_str(text).unwrap();
    let mut reader = SchemaReader { schema: Schema::default(), names: BTreeMap::new() };
    let list = document["types"].as_array().cloned().unwrap_or_default();
    for one in &list {
        reader.declare(one["name"].as_str().unwrap());
    }
    for name in ["__untyped_atomic_", "__untyped_deduced_"] {
        reader.declare(name);
    }
    let untyped = |element: TypeId, atomic: TypeId, is_atomic: bool| Type {
        name: String::new(),
        scalar: Some(Scalar::Any),
        list: Some(ListType { element: atomic, merge: ListMerge::Atomic }),
        map: Some(MapType { element: Some(element), atomic: is_atomic, ..MapType::default() }),
    };
    let (atomic, deduced) = (reader.names["__untyped_atomic_"], reader.names["__untyped_deduced_"]);
    reader.schema.set(atomic, untyped(atomic, atomic, true));
    reader.schema.set(deduced, untyped(deduced, atomic, false));
    for one in &list {
        let id = reader.names[one["name"].as_str().unwrap()];
        let definition = reader.atom(one);
        reader.schema.set(id, definition);
    }
    (reader.schema, reader.names)
}

struct SchemaReader {
    schema: Schema,
    names: BTreeMap<String, TypeId>,
}

impl SchemaReader {
    fn declare(&mut self, name: &str) {
        if !self.names.contains_key(name) {
            let id = self.schema.add(Type::default());
            self.names.insert(name.to_owned(), id);
        }
    }

    fn reference(&mut self, reference: &Value) -> TypeId {
        let relationship = reference["elementRelationship"].as_str();
        match (reference["namedType"].as_str(), relationship) {
            (Some(name), None) => self.names[name],
            (Some(name), Some(relationship)) => {
                let mut copy = self.schema.get(self.names[name]).clone();
                if let Some(map) = &mut copy.map {
                    map.atomic = relationship == "atomic";
                }
                self.schema.add(copy)
            }
            (None, _) => {
                let definition = self.atom(reference);
                self.schema.add(definition)
            }
        }
    }

    fn atom(&mut self, atom: &Value) -> Type {
        let scalar = atom["scalar"].as_str().map(|scalar| match scalar {
            "string" => Scalar::String,
            "boolean" => Scalar::Bool,
            "numeric" => Scalar::Float,
            _ => Scalar::Any,
        });
        let list = atom.get("list").filter(|list| list.is_object()).map(|list| {
            let element = self.reference(&list["elementType"]);
            let keys: Vec<String> = list["keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect();
            let merge = match list["elementRelationship"].as_str() {
                Some("associative") if keys.is_empty() => ListMerge::Set,
                Some("associative") => ListMerge::Keyed(keys),
                _ => ListMerge::Atomic,
            };
            ListType { element, merge }
        });
        let map = atom.get("map").filter(|map| map.is_object()).map(|map| {
            let mut fields = BTreeMap::new();
            for field in map["fields"].as_array().cloned().unwrap_or_default() {
                let type_id = self.reference(&field["type"]);
                let field_type = Field {
                    type_id,
                    pointer: true,
                    omit_empty: true,
                    omit_zero: false,
                    key_default: field.get("default").cloned(),
                    wire: Vec::new(),
                    patch: None,
                };
                fields.insert(field["name"].as_str().unwrap().to_owned(), field_type);
            }
            let element =
                map.get("elementType").filter(|one| one.is_object()).map(|one| self.reference(one));
            MapType { fields, element, atomic: map["elementRelationship"] == "atomic" }
        });
        Type { name: String::new(), scalar, list, map }
    }
}
