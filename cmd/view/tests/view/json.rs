//! Streams and documents for machines.

use crate::recorded::{addr, create, delete, list, map, plan, step, update};
use diags::{Code, Diagnostic, SourceId, SourceMap, Span};
use plans::{
    Action, Basis, Ended, Event, Identity, Mode, ObjectKey, Origin, Outcome, OutputChange, Plan,
    Reason, Recorded, StepId, Tally, Timestamp,
};
use serde_json::{Value as Json, json};
use states::State;
use std::time::Duration;
use values::{Disruption, Path, Type, Value};
use view::json::{self as view_json, Stream};

fn parse(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn quota(pods: &str) -> Value {
    map([("name", "q".into()), ("hard", map([("pods", pods.into())]))])
}

/// One of each action, one drifted, one in a module.
fn several() -> Plan {
    let mut drifted = update("resource_quota.team", "ResourceQuota a/q", quota("99"), quota("10"));
    drifted.origin = Origin::Drift;
    let mut replaced = update(
        "module.m[\"k\"].object.job[0]",
        "Job a/job",
        map([("spec", list([map([("name", "x".into()), ("image", "1".into())])]))]),
        map([("spec", list([map([("name", "x".into()), ("image", "2".into())])]))]),
    );
    replaced.action = Action::Replace;
    replaced.disruption = Disruption::Restart;
    replaced.reason = Some(Reason::CannotUpdate(vec![Path::of("spec").index(0).attr("image")]));
    let mut gone =
        delete("config_map.old[\"a\"]", "ConfigMap a/old", map([("name", "old".into())]));
    gone.reason = Some(Reason::KeyGone);
    let mut created = create(
        "object.secret",
        "Secret a/s",
        map([
            ("data", map([("password", Value::from("hunter2").into_sensitive())])),
            ("uid", Value::Unknown(Type::String)),
        ]),
    );
    created.basis = Basis::Unverified("its namespace is created by this plan".into());
    let mut same = update("namespace.a", "Namespace a", quota("1"), quota("1"));
    same.action = Action::NoOp;
    let mut plan = plan(vec![gone, replaced, same, created, drifted]);
    plan.steps = vec![step(1, Some("object.secret"), Action::Create, "apply Secret a/s")];
    plan.outputs = vec![
        OutputChange { name: "n".into(), before: Some(1.into()), after: Some(2.into()) },
        OutputChange {
            name: "s".into(),
            before: None,
            after: Some(Value::from("hunter2").into_sensitive()),
        },
    ];
    plan
}

#[test]
fn plan_document_has_the_shape_of_terraform_and_ours_beside_it() {
    insta::assert_snapshot!(view_json::show_plan(&several()));
}

#[test]
fn digest_of_a_plan_depends_on_what_it_does_and_not_on_when() {
    let digest = |plan: &Plan| {
        parse(&view_json::show_plan(plan))["x_ops"]["plan_digest"].as_str().unwrap().to_owned()
    };
    let one = several();
    let mut later = Plan { id: "p2".into(), made: Timestamp(1_800_000_000), ..several() };
    assert_eq!(digest(&one), digest(&later));
    later.changes.pop();
    assert_ne!(digest(&one), digest(&later));
}

#[test]
fn stream_of_a_plan_tells_drift_changes_counts_and_outputs() {
    let plan = several();
    let mut out = Vec::new();
    let mut stream = Stream::begin(&mut out, "0.1.0", plan.made).unwrap();
    stream.write(view_json::plan(&plan, plan.made)).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn drift_plans_nothing_for_what_others_changed() {
    let plan = Plan { mode: Mode::Drift, ..several() };
    let lines = view_json::plan(&plan, plan.made);
    let of_quota: Vec<_> = lines
        .iter()
        .map(|l| parse(&l.to_json()))
        .filter(|l| l["change"]["resource"]["addr"] == "resource_quota.team")
        .map(|l| l["type"].clone())
        .collect();
    assert_eq!(of_quota, ["resource_drift"]);
    assert_eq!(parse(&view_json::show_plan(&plan))["applyable"], false);
}

#[test]
fn stream_of_a_run_tells_each_step_and_the_outcome() {
    let plan = several();
    let at = Some(addr("object.secret"));
    let events = [
        Event::Observing { objects: 3 },
        Event::StepStarted {
            id: StepId(1),
            addr: at.clone(),
            action: Action::Create,
            text: "apply Secret a/s".into(),
        },
        Event::StepWaiting {
            id: StepId(1),
            addr: at.clone(),
            action: Action::Create,
            on: "it to be ready".into(),
            elapsed: Duration::from_secs(10),
        },
        Event::StepFinished {
            id: StepId(1),
            addr: at.clone(),
            action: Action::Create,
            shown: "Secret a/s".into(),
            elapsed: Duration::from_secs(12),
        },
        Event::Stopping(plans::Stop::Gently),
    ];
    let mut lines: Vec<_> =
        events.iter().flat_map(|e| view_json::event(e, Some(&plan), plan.made)).collect();
    let done = Tally { added: 1, ..Tally::default() };
    let mut outcome =
        Outcome { steps: vec![(StepId(1), Ended::Done)], done, stopped: None, held: Vec::new() };
    let outputs = [("n", Value::from(2)), ("s", Value::from("hunter2").into_sensitive())];
    let outputs = || outputs.iter().map(|(n, v)| (*n, v));
    lines.extend(view_json::outcome(&outcome, &plan, outputs(), plan.made));
    outcome.steps[0].1 = Ended::Failed("no".into());
    lines.extend(view_json::outcome(&outcome, &plan, outputs(), plan.made));
    let text: String = lines.iter().map(|l| l.to_json() + "\n").collect();
    insta::assert_snapshot!(text);
}

#[test]
fn diagnostic_has_range_snippet_values_and_what_to_do() {
    let mut sources = SourceMap::default();
    let text = "resource \"resource_quota\" \"é\" {\r\n  name = var.x\r\n}\r\n";
    sources.add("main.hcl", text);
    let start = u32::try_from(text.find("var.x").unwrap()).unwrap();
    let span = Span { source: SourceId(0), start, end: start + 5 };
    let d = Diagnostic::error(Code("E0301"), "Invalid name", "It is not one.")
        .at(span, "here")
        .at(Span { start: 0, end: 8, ..span }, "of this")
        .for_address("resource_quota.é")
        .involving("var.x", "\"X\"")
        .with_help("Use lower case.");
    let line = view_json::diagnostic(&d, &sources, Timestamp(0)).to_json();
    insta::assert_snapshot!(format!("{:#}", parse(&line)), @r#"
    {
      "@level": "error",
      "@message": "Error: Invalid name",
      "@module": "clinch.ui",
      "@timestamp": "1970-01-01T00:00:00Z",
      "diagnostic": {
        "address": "resource_quota.é",
        "code": "E0301",
        "detail": "It is not one.",
        "help": "Use lower case.",
        "range": {
          "end": {
            "byte": 48,
            "column": 15,
            "line": 2
          },
          "filename": "main.hcl",
          "start": {
            "byte": 43,
            "column": 10,
            "line": 2
          }
        },
        "related": [
          {
            "message": "of this",
            "range": {
              "end": {
                "byte": 8,
                "column": 9,
                "line": 1
              },
              "filename": "main.hcl",
              "start": {
                "byte": 0,
                "column": 1,
                "line": 1
              }
            }
          }
        ],
        "severity": "error",
        "snippet": {
          "code": "  name = var.x",
          "context": "resource \"resource_quota\" \"é\"",
          "highlight_end_offset": 14,
          "highlight_start_offset": 9,
          "start_line": 2,
          "values": [
            {
              "statement": "is \"X\"",
              "traversal": "var.x"
            }
          ]
        },
        "summary": "Invalid name"
      },
      "type": "diagnostic"
    }
    "#);
    let valid = parse(&view_json::validation(&diags::Diagnostics::new(), &sources));
    assert_eq!(
        valid,
        json!({"format_version": "1.0", "valid": true, "error_count": 0, "warning_count": 0, "diagnostics": []})
    );
}

#[test]
fn state_document_names_objects_and_holds_no_values() {
    let record = |shown: &str| Recorded {
        identity: Identity {
            key: ObjectKey("v1/ConfigMap/a/b".into()),
            args: map([("name", "b".into()), ("namespace", "a".into())]),
            shown: shown.into(),
        },
        uid: Some("u1".into()),
        digest: "sha256:00".into(),
        needs: vec![addr("namespace.a")],
        protected: true,
    };
    let mut state = State::new("l1", "shop");
    assert_eq!(parse(&view_json::show_state(&state, "0.1.0")).get("values"), None);
    state.serial = 3;
    state.cluster_uid = Some("c1".into());
    state.records.insert(addr("config_map.b"), record("ConfigMap a/b"));
    state.records.insert(addr("module.m[0].module.n.config_map.b[\"k\"]"), record("ConfigMap a/k"));
    state.outputs.insert("nodes".into(), list(["w1".into()]));
    state.outputs.insert("token".into(), Value::from("hunter2").into_sensitive());
    insta::assert_snapshot!(view_json::show_state(&state, "0.1.0"));
    insta::assert_snapshot!(view::human::state(&state, &view::Style::plain()), @r#"
    State of project shop, serial 3, for the cluster with uid c1

      config_map.b                            ConfigMap a/b  (protected)
      module.m[0].module.n.config_map.b["k"]  ConfigMap a/k  (protected)

    Outputs:

    nodes = [
      "w1",
    ]
    token = (sensitive value)
    "#);
    let at = addr("config_map.b");
    insta::assert_snapshot!(view::human::record(&at, &state.records[&at], &view::Style::plain()), @r#"
    # config_map.b
        object    = "ConfigMap a/b"
        key       = "v1/ConfigMap/a/b"
        identity  = {
          name      = "b"
          namespace = "a"
        }
        uid       = "u1"
        digest    = "sha256:00"
        protected = true
        needs     = [namespace.a]
    "#);
}

/// A reader that goes away.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn that_nobody_reads_any_more_is_not_an_error() {
    let plan = several();
    let mut stream = Stream::begin(Closed, "0.1.0", plan.made).unwrap();
    stream.write(view_json::plan(&plan, plan.made)).unwrap();
    let mut progress = view::human::Progress::lines(Closed, view::Style::plain());
    progress.event(&Event::Observing { objects: 1 }).unwrap();
    view::write(&mut Closed, "x").unwrap();
}
