//! What no text may do to a screen, to a log, or to a secret.

use crate::recorded::{addr, create, delete, list, map, plan, update};
use diags::{Code, Diagnostic, SourceId, SourceMap, Span};
use plans::{Action, Event, Mode, Note, OutputChange, Plan, StepId};
use proptest::prelude::*;
use std::time::Duration;
use values::{Path, Value};
use view::{Detail, Style, human, json};

const CANARY: &str = "hunter2-canary";

fn everything(plan: &Plan) -> Vec<String> {
    let mut out = Vec::new();
    for detail in [Detail::Summary, Detail::Concise, Detail::Full] {
        for color in [false, true] {
            for width in [None, Some(60)] {
                out.push(human::plan(plan, &Style { color, width, unicode: true }, detail));
            }
        }
    }
    out.push(json::show_plan(plan));
    out.extend(json::plan(plan, plan.made).iter().map(schemas::event::v1::Line::to_json));
    let outputs = plan.outputs.iter().filter_map(|o| Some((o.name.as_str(), o.after.as_ref()?)));
    out.push(human::outputs(outputs.clone()));
    out.push(json::outputs(outputs));
    out.push(format!("{plan:?} {plan:#?}"));
    out
}

#[test]
fn sensitive_value_appears_in_no_output() {
    let secret = || Value::from(CANARY).into_sensitive();
    let marked = map([
        ("name", "s".into()),
        ("password", secret()),
        ("lines", Value::from(format!("a\n{CANARY}\nb\n")).into_sensitive()),
        ("env", list([map([("name", "A".into()), ("value", secret())])])),
        ("args", list(["-p".into(), secret()])),
        ("whole", map([("x", CANARY.into())]).into_sensitive()),
    ]);
    let other = map([
        ("name", "s".into()),
        ("password", Value::from("x").into_sensitive()),
        ("lines", Value::from("a\n").into_sensitive()),
        ("env", list([map([("name", "A".into()), ("value", "x".into())])])),
        ("args", list(["-p".into(), Value::from("x").into_sensitive()])),
    ]);
    let mut replaced = update("object.r", "Secret a/r", marked.clone(), other.clone());
    replaced.action = Action::Replace;
    let mut plan = plan(vec![
        create("object.c", "Secret a/c", marked.clone()),
        update("object.u", "Secret a/u", other.clone(), marked.clone()),
        update("object.v", "Secret a/v", marked.clone(), other),
        replaced,
        delete("object.d", "Secret a/d", marked.clone()),
    ]);
    plan.outputs = vec![
        OutputChange { name: "a".into(), before: None, after: Some(secret()) },
        OutputChange { name: "b".into(), before: Some(secret()), after: Some(marked) },
        OutputChange { name: "c".into(), before: Some("x".into()), after: Some(secret()) },
    ];
    for mode in [Mode::Normal, Mode::Destroy, Mode::Drift] {
        plan.mode = mode;
        for text in everything(&plan) {
            assert!(!text.contains(CANARY), "{text}");
        }
    }
}

#[test]
fn live_value_without_a_mark_is_hidden_where_the_configuration_hides_it() {
    let live = map([("name", "s".into()), ("password", CANARY.into()), ("user", "admin".into())]);
    let wanted = map([
        ("name", "s".into()),
        ("password", Value::from("new").into_sensitive()),
        ("user", "admin".into()),
    ]);
    let change = update("object.s", "Secret a/s", live, wanted);
    let text = human::plan(&plan(vec![change.clone()]), &Style::plain(), Detail::Full);
    assert!(!text.contains(CANARY) && text.contains("admin"), "{text}");
    let text = json::show_plan(&plan(vec![change]));
    assert!(!text.contains(CANARY) && text.contains("admin"), "{text}");
}

/// Nothing but lines of printable characters, none of which ends with a blank.
#[track_caller]
fn check_lines(text: &str) {
    for line in text.split('\n') {
        assert!(!line.ends_with(char::is_whitespace), "blank at the end: {line:?} in {text}");
        let bad = line.chars().find(|c| {
            c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        });
        assert_eq!(bad, None, "in {line:?}");
    }
}

/// Every line stands inside of the frame.
#[track_caller]
fn check_frame(text: &str) {
    check_lines(text);
    let lines: Vec<_> = text.strip_suffix('\n').unwrap().split('\n').collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("╷", "╵"), "{text}");
    for line in &lines[1..lines.len() - 1] {
        assert!(*line == "│" || line.starts_with("│ "), "{line:?} in {text}");
    }
}

fn hostile_plan(name: &str, value: &str, other: &str) -> Plan {
    let object = |v: &str| {
        map([
            (name, v.into()),
            ("name", v.into()),
            ("items", list([map([("name", v.into()), (name, name.into())]), v.into()])),
            ("keyed", list([map([("name", v.into()), ("x", v.into())])])),
        ])
    };
    let mut changed = update("object.a", value, object(value), object(other));
    changed.notes = vec![
        Note { path: Path::root().attr(name), text: value.into() },
        Note { path: Path::root(), text: other.into() },
    ];
    let mut created = create("object.b", name, object(value));
    created.addr.key = addrs::InstanceKey::Key(value.into());
    created.basis = plans::Basis::Unverified(other.into());
    let mut plan = plan(vec![changed, created, delete("object.c", other, object(other))]);
    plan.project = value.into();
    plan.target.name = name.into();
    plan.target.version = value.into();
    plan.target.uid = other.into();
    plan.outputs =
        vec![OutputChange { name: name.into(), before: None, after: Some(object(value)) }];
    plan
}

fn check_hostile(name: &str, value: &str, other: &str, from: u32, len: u32) {
    let plan = hostile_plan(name, value, other);
    for detail in [Detail::Concise, Detail::Full] {
        for width in [None, Some(40)] {
            let style = Style { width, ..Style::plain() };
            check_lines(&human::plan(&plan, &style, detail));
        }
    }
    let event = Event::StepFailed {
        id: StepId(1),
        addr: Some(addr("a.b")),
        action: Action::Create,
        why: value.into(),
        bracket_open: true,
    };
    let line = human::event(&event, None, &Style::plain());
    assert!(!line.contains('\n'));
    check_lines(line.trim_end());
    for line in json::event(&event, None, plan.made).iter().chain(&json::plan(&plan, plan.made)) {
        let line = line.to_json();
        assert!(!line.contains('\n'));
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
    serde_json::from_str::<serde_json::Value>(&json::show_plan(&plan)).unwrap();

    let mut sources = SourceMap::default();
    sources.add(name, value);
    let span = Span { source: SourceId(0), start: from, end: from.saturating_add(len) };
    let d = Diagnostic::error(Code("E0001"), "Summary", other)
        .at(span, name)
        .at(Span { start: 0, ..span }, other)
        .for_address(value)
        .involving(name, value)
        .with_help(value);
    for width in [None, Some(30)] {
        check_frame(&human::diagnostic(&d, &sources, &Style { width, ..Style::plain() }));
    }
    serde_json::from_str::<serde_json::Value>(&json::diagnostic(&d, &sources, plan.made).to_json())
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever names, values and sources hold, lines stay lines and the frame stays whole.
    #[test]
    fn no_text_breaks_a_line(
        name in any::<String>(),
        value in "(?s).{0,80}",
        other in "[ -~\\t\\r\\n\\x1b\u{202e}{}\"$]{0,80}",
        from in 0u32..90,
        len in 0u32..90,
    ) {
        check_hostile(&name, &value, &other, from, len);
    }
}

/// The public list of strings that break programs, as names, values and sources.
#[test]
fn naughty_strings_break_nothing() {
    let Some(corpora) = std::env::var_os("CLINCH_CORPORA") else {
        eprintln!("SKIPPED naughty strings: CLINCH_CORPORA is not set");
        return;
    };
    let file = std::path::Path::new(&corpora).join("naughty-strings/blns.json");
    let strings: Vec<String> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for (i, text) in strings.iter().enumerate() {
        let other = &strings[(i * 7 + 3) % strings.len()];
        check_hostile(other, text, other, 1, 5);
        check_hostile(text, other, text, 0, 900);
    }
    eprintln!("ORACLE naughty strings: {0}/{0} of {0}", strings.len());
}

#[test]
fn elapsed_times_of_any_length_are_told() {
    for (seconds, text) in
        [(0, "0s"), (59, "59s"), (60, "1m0s"), (3_599, "59m59s"), (86_400, "24h0m0s")]
    {
        let event = Event::Observed { objects: 1, elapsed: Duration::from_secs(seconds) };
        let line = human::event(&event, None, &Style::plain());
        assert_eq!(line, format!("Looked at 1 object in {text}."));
    }
}
