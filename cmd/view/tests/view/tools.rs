//! What other tools look for in our text: the patterns of tfcmt and Atlantis.

use crate::recorded::{create, delete, map, plan, update};
use diags::{Code, Diagnostic, SourceMap};
use plans::{Action, Mode, Outcome, OutputChange, Plan, Reason, Tally};
use regex::Regex;
use values::Value;
use view::{Detail, Style, human};

/// Lines that a pattern finds, as tools search: line by line.
fn found(pattern: &str, text: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    text.lines().filter(|l| pattern.is_match(l)).map(str::to_owned).collect()
}

fn several() -> Plan {
    let object = |v: &str| map([("name", "x".into()), ("a", v.into())]);
    let mut replaced = update("object.r[\"k\"]", "Job a/r", object("1"), object("2"));
    replaced.action = Action::Replace;
    let mut gone = delete("object.d", "Job a/d", object("1"));
    gone.reason = Some(Reason::NotInConfiguration);
    let mut plan = plan(vec![
        create("object.c", "Job a/c", object("1")),
        update("object.u", "Job a/u", object("1"), object("2")),
        replaced,
        gone,
    ]);
    plan.outputs =
        vec![OutputChange { name: "o".into(), before: None, after: Some(Value::from(1)) }];
    plan
}

#[test]
fn tfcmt_finds_the_result_the_resources_and_the_outputs() {
    let text = human::plan(&several(), &Style::plain(), Detail::Concise);
    assert_eq!(
        found(r"^(Plan: \d|No changes.)", &text),
        ["Plan: 2 to add, 1 to change, 2 to destroy."]
    );
    assert_eq!(found(r"([1-9][0-9]* to destroy.)", &text).len(), 1);
    assert_eq!(found(r"^Changes to Outputs:", &text), ["Changes to Outputs:"]);
    let names = |suffix: &str| -> Vec<String> {
        let pattern = Regex::new(&format!("^ *# (.*) {suffix}$")).unwrap();
        text.lines().filter_map(|l| Some(pattern.captures(l)?[1].to_owned())).collect()
    };
    assert_eq!(names("will be created"), ["object.c"]);
    assert_eq!(names("will be updated in-place"), ["object.u"]);
    assert_eq!(names("will be destroyed"), ["object.d"]);
    assert_eq!(names("must be replaced"), ["object.r[\"k\"]"]);
    assert_eq!(found(r"^([│|] )?(Error: )", &text), Vec::<String>::new());
}

#[test]
fn tfcmt_finds_that_there_is_nothing_to_do() {
    let text = human::plan(&plan(Vec::new()), &Style::plain(), Detail::Concise);
    assert_eq!(
        found(r"^(Plan: \d|No changes.)", &text),
        ["No changes. Your infrastructure matches the configuration."]
    );
}

#[test]
fn tfcmt_finds_errors_and_warnings_in_either_frame() {
    let error = Diagnostic::error(Code("E0001"), "Unknown argument", "There is no `x`.");
    let warning = Diagnostic::warning(Code("W0001"), "Old argument", "Use `y`.");
    for unicode in [true, false] {
        let style = Style { unicode, ..Style::plain() };
        let show = |d| human::diagnostic(d, &SourceMap::default(), &style);
        assert_eq!(found(r"^([│|] )?(Error: )", &show(&error)).len(), 1);
        assert_eq!(found(r"^([│|] )?(Warning: )", &show(&warning)).len(), 1);
    }
}

#[test]
fn tfcmt_finds_that_an_apply_is_complete() {
    let outcome =
        Outcome { steps: Vec::new(), done: Tally::default(), stopped: None, held: Vec::new() };
    let text = human::outcome(&outcome, &several(), &Style::plain());
    assert_eq!(found(r"^(Apply complete!)", &text).len(), 1);
}

#[test]
fn atlantis_finds_the_counts() {
    let counts = Regex::new(
        r"Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy(?:, (\d+) to forget)?\.",
    )
    .unwrap();
    let numbers = |plan: &Plan| -> Vec<Option<String>> {
        let text = human::plan(plan, &Style::plain(), Detail::Summary);
        let all = counts.captures(&text).unwrap();
        (1..=5).map(|i| all.get(i).map(|m| m.as_str().to_owned())).collect()
    };
    let some = |n: &str| Some(n.to_owned());
    let mut plan = several();
    assert_eq!(numbers(&plan), [None, some("2"), some("1"), some("2"), None]);
    plan.changes[3].action = Action::Forget;
    assert_eq!(numbers(&plan), [None, some("2"), some("1"), some("1"), some("1")]);
}

#[test]
fn atlantis_finds_that_there_is_nothing_to_do_and_does_not_when_there_is_drift() {
    let nothing = r"No changes. (Infrastructure is up-to-date|Your infrastructure matches the configuration).";
    let mut plan = plan(Vec::new());
    let show = |plan: &Plan| human::plan(plan, &Style::plain(), Detail::Concise);
    assert_eq!(found(nothing, &show(&plan)).len(), 1);
    plan.complete = false;
    assert_eq!(found(nothing, &show(&plan)).len(), 0);
    let mut drift = several();
    drift.mode = Mode::Drift;
    assert_eq!(found(nothing, &show(&drift)).len(), 0);
}

#[test]
fn colour_changes_no_word() {
    let colour = Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for detail in [Detail::Summary, Detail::Concise, Detail::Full] {
        let plain = human::plan(&several(), &Style::plain(), detail);
        let coloured = human::plan(&several(), &Style { color: true, ..Style::plain() }, detail);
        assert_ne!(plain, coloured);
        assert_eq!(colour.replace_all(&coloured, ""), plain);
    }
}
