//! The casebook on a real server: every scenario prints there what it prints in the sandbox, but
//! for what `testdata/differences.md` lists with a reason.
//!
//! `UPDATE_EXPECT=1` writes the list anew and keeps the reasons; a difference that has none, one
//! that is new and one that is gone fail the test. `CLINCH_TEST_SCENARIO` plays those scenarios
//! only whose name contains its text, and shows what differs from the list.

use super::ground::{Ground, NODES};
use super::stage::Stage;
use crate::casebook::{Scenario, chapters};
use crate::support::Desk;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Stands where nobody has said yet why two servers differ.
const UNEXPLAINED: &str = "UNEXPLAINED";

const INTRODUCTION: &str = "\
# Where the sandbox and a real server differ

Every scenario of the casebook is played on both servers, and prints the same. Where it does not,
the difference stands here, with the reason: `-` is what the casebook says and the sandbox prints,
`+` is what the real server makes of it. The test `real::casebook` holds this list to both.
";

#[test]
fn every_scenario_prints_the_same_on_a_real_server_but_for_what_is_listed() {
    let Some(stage) = Stage::real_alone("the casebook") else { return };
    let chosen = std::env::var("CLINCH_TEST_SCENARIO").unwrap_or_default();
    let chapters = chapters();
    let scenarios: Vec<&Scenario> = chapters.iter().flat_map(|c| &c.scenarios).collect();
    let listed = Listed::read();
    let (mut same, mut differ) = (0, Vec::new());
    let mut ground = Ground::new(&stage);
    for scenario in scenarios.iter().filter(|s| s.name.contains(&chosen)) {
        let played = scenario.play(Desk::on(&stage.kubeconfig, &NODES));
        ground.clean(&scenario.text());
        let found = difference(scenario, &played);
        if !chosen.is_empty() {
            println!("{}\n{found}", scenario.name);
        }
        if found.is_empty() {
            same += 1;
        } else {
            differ.push((scenario.name.as_str(), found));
        }
    }
    println!("casebook on a real server: {same} of {} scenarios alike", same + differ.len());
    if chosen.is_empty() {
        listed.compare(&differ);
    }
}

/// How what was printed differs from what the casebook says, block by block.
fn difference(scenario: &Scenario, played: &[String]) -> String {
    let mut out = String::new();
    for (number, (block, now)) in scenario.blocks.iter().zip(played).enumerate() {
        if block.body == *now {
            continue;
        }
        let lines = similar::TextDiff::from_lines(&block.body, now);
        let changed = lines.iter_all_changes().filter(|c| c.tag() != similar::ChangeTag::Equal);
        writeln!(out, "\nIn block {} (`{}`):\n\n```diff", number + 1, block.kind).unwrap();
        for change in changed {
            write!(out, "{}{}", change.tag(), change.value()).unwrap();
        }
        out.push_str("```\n");
    }
    out
}

/// The list of known differences: for each scenario the reason, and the differing lines.
struct Listed {
    text: String,
    reasons: BTreeMap<String, String>,
}

impl Listed {
    fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/differences.md")
    }

    fn read() -> Self {
        let text = std::fs::read_to_string(Self::path()).unwrap();
        let entries = text.split("\n## ").skip(1);
        let reasons = entries.map(|entry| {
            let (name, rest) = entry.split_once('\n').unwrap_or((entry, ""));
            let reason = rest.split("\nIn block ").next().unwrap_or_default();
            (name.to_owned(), reason.trim().to_owned())
        });
        Self { reasons: reasons.collect(), text }
    }

    #[track_caller]
    fn compare(&self, differ: &[(&str, String)]) {
        let mut now = INTRODUCTION.to_owned();
        if differ.is_empty() {
            now.push_str("\nNo scenario differs.\n");
        }
        for (name, found) in differ {
            let reason = self.reasons.get(*name).map_or(UNEXPLAINED, String::as_str);
            write!(now, "\n## {name}\n\n{reason}\n{found}").unwrap();
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(Self::path(), &now).unwrap();
        } else {
            let lines = similar::TextDiff::from_lines(&self.text, &now);
            let moved = lines.unified_diff().to_string();
            assert!(moved.is_empty(), "differences.md is not what is found now:\n{moved}");
        }
        assert!(!now.contains(UNEXPLAINED), "a difference has no reason:\n{now}");
    }
}
