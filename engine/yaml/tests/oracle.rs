//! What `sigs.k8s.io/yaml` makes of the YAML test suite, and rows of its own tests.
//!
//! The rows are found by `CLINCH_CORPORA` and are not part of this project; without it these
//! tests say loudly that nothing was compared.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests that read their data"
)]

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use values::Value;

fn corpus(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CLINCH_CORPORA") else {
        eprintln!("SKIPPED oracle {name}: CLINCH_CORPORA is not set, nothing was compared");
        return None;
    };
    Some(PathBuf::from(folder).join(name))
}

/// The first document as JSON, or why it cannot be read.
fn read(text: &str) -> Result<Json, String> {
    let documents = yaml::documents(text).map_err(|mistake| mistake.why)?;
    Ok(documents.first().map_or(Json::Null, |node| json(&node.to_value())))
}

fn json(value: &Value) -> Json {
    match value {
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => serde_json::from_str(&n.to_string()).unwrap(),
        Value::String(text) => (&**text).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => map.iter().map(|(k, v)| (k.to_string(), json(v))).collect(),
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => Json::Null,
    }
}

/// Numbers as numbers of 64 bits, however they are written.
fn plain(json: Json) -> Json {
    match json {
        Json::Number(n) => serde_json::json!(n.as_f64()),
        Json::Array(items) => items.into_iter().map(plain).collect(),
        Json::Object(map) => map.into_iter().map(|(k, v)| (k, plain(v))).collect(),
        other => other,
    }
}

fn told(name: &str, passed: usize, usable: usize, total: usize, wrong: &[String]) {
    println!("ORACLE {name}: {passed}/{usable} of {total}");
    for line in wrong {
        println!("  {line}");
    }
}

#[test]
fn test_suite_reads_as_kubernetes_reads_it() {
    let Some(folder) = corpus("yaml-vs-kubernetes") else { return };
    let suite = std::fs::read_to_string(folder.join("yaml-test-suite-decoded.json")).unwrap();
    let suite: Vec<Json> = serde_json::from_str(&suite).unwrap();
    let answers = std::fs::read_to_string(folder.join("sigs-yaml-answers.jsonl")).unwrap();
    let answers: BTreeMap<String, Json> = answers
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap())
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect();
    let (mut passed, mut usable, mut wrong, mut silent) = (0, 0, Vec::new(), Vec::new());
    for case in &suite {
        let id = case["id"].as_str().unwrap();
        let Some(answer) = answers.get(id) else { continue };
        usable += 1;
        let now = read(case["yaml"].as_str().unwrap());
        let expected = match answer["err"].as_str().unwrap() {
            "" => Ok(serde_json::from_str::<Json>(answer["json"].as_str().unwrap()).unwrap()),
            why => Err(why.to_owned()),
        };
        match (&now, &expected) {
            (Ok(a), Ok(b)) if plain(a.clone()) == plain(b.clone()) => passed += 1,
            (Err(_), Err(_)) => passed += 1,
            (Ok(_), Ok(_)) => silent.push(format!("{id}: {now:?} instead of {expected:?}")),
            _ => wrong.push(format!("{id}: {now:?} instead of {expected:?}")),
        }
    }
    told("yaml-vs-kubernetes", passed, usable, suite.len(), &wrong);
    assert_eq!(silent, Vec::<String>::new(), "read as something else than `kubectl` reads");
    assert!(usable >= 400, "the corpus is nearly empty: {usable}");
    assert!(passed >= PASSED, "fewer rows agree than before: {passed} of {PASSED}");
}

/// How many rows agree; more is an occasion to raise it. The others are syntax that the two
/// parsers see differently, all of it refused here or there: nothing is read as something else.
const PASSED: usize = 336;

/// The rows of a table of `go-tables`, all of them.
fn rows() -> Option<Vec<Json>> {
    let folder = corpus("go-tables")?;
    let file = std::fs::File::open(folder.join("yaml-k8s.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn rows_of_the_tests_of_sigs_yaml_agree() {
    let Some(rows) = rows() else { return };
    let (mut passed, mut usable, mut wrong) = (0, 0, Vec::new());
    for row in &rows {
        let fields = &row["f"];
        let (Some(yaml), Some(json)) = (fields["yaml"].as_str(), fields["json"].as_str()) else {
            continue;
        };
        if row["test"] != "TestYAMLToJSON" {
            continue;
        }
        let Ok(expected) = serde_json::from_str::<Json>(json) else { continue };
        usable += 1;
        match read(yaml) {
            Ok(now) if plain(now.clone()) == plain(expected.clone()) => passed += 1,
            now => wrong.push(format!("{yaml:?}: {now:?} instead of {expected}")),
        }
    }
    told("yaml-k8s (TestYAMLToJSON)", passed, usable, rows.len(), &wrong);
    // A float as a key that is written there with an exponent, bytes that are no text, and a null
    // as a key, which `sigs.k8s.io/yaml` takes in some places only, are refused.
    let refused = wrong.iter().filter(|line| line.contains(": Err("));
    assert_eq!(refused.count(), wrong.len(), "read as something else than `kubectl` reads");
    assert!(usable >= 15 && passed >= usable - 4, "fewer rows agree than before: {passed}");
}

/// A value of Go that has no type of its own, as JSON; `None` for what a type makes of it.
fn untyped(value: &Json) -> Option<Json> {
    match value {
        Json::Array(items) => items.iter().map(untyped).collect(),
        Json::Object(go) => match (go.get("$num"), go.get("$map"), go.get("$type")) {
            (Some(Json::String(digits)), None, None) => {
                digits.parse::<f64>().ok().map(|number| serde_json::json!(number))
            }
            (None, Some(Json::String(of)), None) if of.ends_with("]interface{}") => {
                let entries = go["v"].as_object()?.iter();
                entries.map(|(key, value)| Some((key.clone(), untyped(value)?))).collect()
            }
            (None, None, Some(Json::String(of))) if of == "M" => {
                let entries = go["f"].as_object()?.iter();
                let bare = |key: &str| key.trim_matches('"').to_owned();
                entries.map(|(key, value)| Some((bare(key), untyped(value)?))).collect()
            }
            _ => None,
        },
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Some(value.clone()),
    }
}

/// The reader that `sigs.k8s.io/yaml` is made of.
#[test]
fn rows_of_the_tests_of_its_reader_agree() {
    let Some(rows) = rows() else { return };
    let (mut passed, mut usable, mut silent, mut wrong) = (0, 0, Vec::new(), Vec::new());
    let rows = rows.iter().filter(|row| row["file"] == "goyaml.v2/decode_test.go");
    let rows: Vec<&Json> = rows.collect();
    for row in &rows {
        let fields = &row["f"];
        let Some(yaml) = fields["data"].as_str() else { continue };
        // What types refuse is not asked here.
        let of_types = |why: &str| why.contains("unmarshal errors") || why.contains("into ");
        let expected = match (fields["error"].as_str(), fields.get("value")) {
            (Some(why), None) if !of_types(why) => Err(()),
            (None, Some(value)) => match untyped(value) {
                // In a row with a tag the value is the one of the key `_`.
                Some(value) if fields["tag"].is_string() => Ok(serde_json::json!({ "_": value })),
                Some(value) => Ok(value),
                None => continue,
            },
            _ => continue,
        };
        usable += 1;
        let now = read(yaml);
        match (&now, &expected) {
            (Ok(a), Ok(b)) if plain(a.clone()) == plain(b.clone()) => passed += 1,
            (Err(_), Err(())) => passed += 1,
            (Ok(_), Ok(_)) => silent.push(format!("{yaml:?}: {now:?} instead of {expected:?}")),
            _ => wrong.push(format!("{yaml:?}: {now:?} instead of {expected:?}")),
        }
    }
    told("yaml-k8s (goyaml.v2)", passed, usable, rows.len(), &wrong);
    assert_eq!(silent, Vec::<String>::new(), "read as something else than `kubectl` reads");
    assert!(usable >= 45, "the corpus is nearly empty: {usable}");
    // Two rows of UTF-16, whose bytes the table does not keep, and one that is wrong after its
    // first document, which is all that is read there.
    assert!(passed + 3 >= usable, "fewer rows agree than before: {passed}");
}
