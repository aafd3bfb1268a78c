//! How many rows of a table agree, and which do not.
//!
//! `disagreements/TABLE.txt` holds the score and every row that disagrees, by its name, with the
//! reason. It says exactly how it is: a row that begins to disagree fails, and so does one that
//! stands there and agrees. `UPDATE_EXPECT=1` writes it anew and keeps reasons; a new row gets
//! `?`, which fails until somebody has looked at it.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What was compared.
pub(super) struct Score {
    name: &'static str,
    total: usize,
    usable: usize,
    passed: usize,
    /// By the name of the row; rows of one name are counted.
    disagreements: BTreeMap<String, String>,
    seen: BTreeMap<String, usize>,
}

impl Score {
    pub(super) fn new(name: &'static str) -> Self {
        let (disagreements, seen) = (BTreeMap::new(), BTreeMap::new());
        Self { name, total: 0, usable: 0, passed: 0, disagreements, seen }
    }

    /// Counts a row; `None` is one that cannot be compared.
    pub(super) fn row(&mut self, row: &Json, agreed: Option<Result<(), String>>) {
        self.total += 1;
        let name = format!("{}:{}", row["test"].as_str().unwrap_or_default(), row["line"]);
        let count = self.seen.entry(name.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { name } else { format!("{name}#{count}") };
        match agreed {
            None => {}
            Some(Ok(())) => {
                self.usable += 1;
                self.passed += 1;
            }
            Some(Err(why)) => {
                self.usable += 1;
                self.disagreements.insert(name, why);
            }
        }
    }

    /// Prints the score, and compares all of it with what is written down.
    #[expect(clippy::print_stdout, reason = "the score is for people")]
    pub(super) fn finish(self) {
        println!("ORACLE {}: {}/{} of {}", self.name, self.passed, self.usable, self.total);
        for (name, why) in &self.disagreements {
            println!("  {name} {why}");
        }
        let path = self.path();
        let written = read(&path);
        let fresh = self.text(&reasons(&written));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            write(&path, &fresh);
        } else {
            let path = path.display();
            assert_eq!(written, fresh, "{path} is not how it is; UPDATE_EXPECT=1 rewrites it");
        }
        assert!(!fresh.contains(" ?\n"), "{} has rows without a reason", self.path().display());
    }

    fn path(&self) -> PathBuf {
        let file = format!("{}.txt", self.name.replace(' ', "-"));
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/disagreements").join(file)
    }

    fn text(&self, reasons: &BTreeMap<String, String>) -> String {
        let Self { name, total, usable, passed, .. } = self;
        let mut out = format!("{name}: {passed} of {usable} that can be compared, of {total}\n");
        for row in self.disagreements.keys() {
            let reason = reasons.get(row).map_or("?", String::as_str);
            // Writing to a text cannot fail.
            let _ = writeln!(out, "{row} {reason}");
        }
        out
    }
}

fn reasons(written: &str) -> BTreeMap<String, String> {
    let rows = written.lines().skip(1).filter_map(|line| line.split_once(' '));
    rows.map(|(row, reason)| (row.to_owned(), reason.to_owned())).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test reads what it compares with")]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a test writes what it compares with, when asked")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the list of disagreements can be written");
}
