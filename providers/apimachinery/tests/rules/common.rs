//! Reads the shared tables of test rows, where they are.

use std::io::Read;

use serde_json::Value;

/// The rows of these tests, or `None` (said loudly) where the tables are not.
pub(crate) fn rows(oracle: &str, tests: &[&str]) -> Option<Vec<Value>> {
    let Ok(folder) = std::env::var("CLINCH_CORPORA") else {
        println!("SKIPPED {oracle}: CLINCH_CORPORA is not set, so nothing was compared");
        return None;
    };
    let bytes = std::fs::read(format!("{folder}/go-tables/apimachinery.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Some(all.filter(|row| tests.iter().any(|test| row["test"] == *test)).collect())
}

/// What a row says when it is checked: right, wrong and why, or not usable here.
pub(crate) enum Checked {
    Right,
    Wrong(String),
    Unusable,
}

/// Checks every row, prints the score, and fails unless all usable rows are right.
pub(crate) fn score(oracle: &str, tests: &[&str], least: usize, check: impl Fn(&Value) -> Checked) {
    let Some(rows) = rows(oracle, tests) else { return };
    let (mut right, mut usable) = (0, 0);
    let mut wrong = Vec::new();
    for row in &rows {
        match check(row) {
            Checked::Right => (right, usable) = (right + 1, usable + 1),
            Checked::Wrong(why) => {
                usable += 1;
                wrong.push(format!("{} line {}: {why}", row["test"], row["line"]));
            }
            Checked::Unusable => {}
        }
    }
    println!("ORACLE {oracle}: {right}/{usable} of {}", rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(usable >= least, "only {usable} rows could be used");
}

/// The text that a small expression of the tables stands for.
pub(crate) fn text(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    if value["$op"] == "+" {
        return Some(text(&value["l"])? + &text(&value["r"])?);
    }
    if value["$call"] == "strings.Repeat" {
        let times = usize::try_from(value["args"][1].as_u64()?).ok()?;
        return Some(text(&value["args"][0])?.repeat(times));
    }
    None
}

/// The whole number that a small expression of the tables stands for.
pub(crate) fn number(value: &Value) -> Option<i128> {
    if value["$op"] == "*" {
        return Some(number(&value["l"])? * number(&value["r"])?);
    }
    value.as_i64().map(i128::from)
}
