//! Events and outcomes as lines.

use crate::recorded::{addr, create, map, plan, step};
use plans::{Action, Ended, Event, Mode, Outcome, Plan, StepId, Stop, Tally};
use std::time::Duration;
use view::human::{self, Progress};
use view::{Style, json};

const QUOTA: &str = "resource_quota.team";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn started(id: u32, at: Option<&str>, action: Action, text: &str) -> Event {
    Event::StepStarted { id: StepId(id), addr: at.map(addr), action, text: text.into() }
}

fn waiting(id: u32, at: Option<&str>, action: Action, on: &str, elapsed: u64) -> Event {
    Event::StepWaiting {
        id: StepId(id),
        addr: at.map(addr),
        action,
        on: on.into(),
        elapsed: seconds(elapsed),
    }
}

fn finished(id: u32, at: Option<&str>, action: Action, shown: &str, elapsed: u64) -> Event {
    Event::StepFinished {
        id: StepId(id),
        addr: at.map(addr),
        action,
        shown: shown.into(),
        elapsed: seconds(elapsed),
    }
}

fn failed(id: u32, at: Option<&str>, action: Action, why: &str, bracket_open: bool) -> Event {
    Event::StepFailed { id: StepId(id), addr: at.map(addr), action, why: why.into(), bracket_open }
}

fn text(events: &[Event], plan: Option<&Plan>) -> String {
    events.iter().map(|e| human::event(e, plan, &Style::plain()) + "\n").collect()
}

/// A node that is drained to write two files for one resource.
fn rolling() -> (Plan, Vec<Event>) {
    const FILE: Option<&str> = Some("kernel_module_blacklist.w[\"w1\"]");
    let mut plan = plan(Vec::new());
    plan.steps = vec![
        step(1, None, Action::NoOp, "drain w1"),
        step(2, FILE, Action::Update, "write /etc/modprobe.d/90-clinch.conf on w1"),
        step(3, FILE, Action::Update, "unload sctp on w1"),
        step(4, None, Action::NoOp, "uncordon w1"),
    ];
    let events = vec![
        started(1, None, Action::NoOp, "drain w1"),
        waiting(1, None, Action::NoOp, "Pod shop/web-0 to end (its budget allows no eviction)", 40),
        finished(1, None, Action::NoOp, "", 72),
        started(2, FILE, Action::Update, "write /etc/modprobe.d/90-clinch.conf on w1"),
        finished(2, FILE, Action::Update, "w1:/etc/modprobe.d/90-clinch.conf", 0),
        started(3, FILE, Action::Update, "unload sctp on w1"),
        finished(3, FILE, Action::Update, "w1:/etc/modprobe.d/90-clinch.conf", 1),
        failed(4, None, Action::NoOp, "the server said: nodes \"w1\" is forbidden", true),
    ];
    (plan, events)
}

#[test]
fn life_of_objects_is_told_in_the_words_people_know() {
    let events = [
        Event::Observing { objects: 12 },
        Event::Observed { objects: 12, elapsed: seconds(1) },
        Event::Previewing { objects: 1 },
        started(1, Some(QUOTA), Action::Create, "apply ResourceQuota team/team-quota"),
        waiting(1, Some(QUOTA), Action::Create, "the quota controller to count", 10),
        finished(1, Some(QUOTA), Action::Create, "ResourceQuota team/team-quota", 13),
        started(2, Some("config_map.a"), Action::Update, "apply ConfigMap team/a"),
        finished(2, Some("config_map.a"), Action::Update, "ConfigMap team/a", 0),
        started(3, Some("namespace.old"), Action::Delete, "delete Namespace old"),
        waiting(3, Some("namespace.old"), Action::Delete, "", 3700),
        failed(3, Some("namespace.old"), Action::Delete, "finalizer `x/y` is not removed\n", false),
        Event::Stopping(Stop::Gently),
        Event::Stopping(Stop::Now),
    ];
    insta::assert_snapshot!(text(&events, None), @r#"
    Looking at 12 objects...
    Looked at 12 objects in 1s.
    Asking the server about 1 change (dry run)...
    resource_quota.team: Creating...
    resource_quota.team: Still creating... [10s elapsed] waiting for the quota controller to count
    resource_quota.team: Creation complete after 13s [id=ResourceQuota team/team-quota]
    config_map.a: Modifying...
    config_map.a: Modifications complete after 0s [id=ConfigMap team/a]
    namespace.old: Destroying...
    namespace.old: Still destroying... [1h1m40s elapsed]
    namespace.old: Destruction failed: finalizer `x/y` is not removed

    Interrupt received.
    Steps that run are finished and no other step begins. Interrupt once more to stop waiting for them.
    Gracefully shutting down...


    Two interrupts received.
    No longer waiting for running steps. What they did is read back by `clinch apply -resume`.
    "#);
}

#[test]
fn instance_with_several_steps_begins_once_and_is_complete_once() {
    let (plan, events) = rolling();
    insta::assert_snapshot!(text(&events, Some(&plan)), @r#"
    Step 1: drain w1...
    Step 1: Still running... [40s elapsed] waiting for Pod shop/web-0 to end (its budget allows no eviction)
    Step 1: done after 1m12s
    kernel_module_blacklist.w["w1"]: Modifying... (write /etc/modprobe.d/90-clinch.conf on w1)
    kernel_module_blacklist.w["w1"]: step 2 done after 0s
    kernel_module_blacklist.w["w1"]: unload sctp on w1...
    kernel_module_blacklist.w["w1"]: Modifications complete after 1s [id=w1:/etc/modprobe.d/90-clinch.conf]
    Step 4: Failed: the server said: nodes "w1" is forbidden. It is still out of service.
    "#);
}

#[test]
fn stream_tells_the_work_on_an_instance_and_its_steps() {
    let (plan, events) = rolling();
    let lines = events.iter().flat_map(|e| json::event(e, Some(&plan), plan.made));
    let kind = |l: schemas::event::v1::Line| {
        let json: serde_json::Value = serde_json::from_str(&l.to_json()).unwrap();
        format!("{} {}\n", json["type"].as_str().unwrap(), json["hook"]["step"])
    };
    insta::assert_snapshot!(lines.map(kind).collect::<String>(), @r#"
    step_start 1
    step_progress 1
    step_complete 1
    apply_start 2
    step_start 2
    step_complete 2
    step_start 3
    step_complete 3
    apply_complete 3
    step_errored 4
    "#);
}

#[test]
fn lines_are_the_same_with_and_without_a_terminal() {
    let (plan, events) = rolling();
    let run = |mut progress: Progress<Vec<u8>>| {
        progress.begin(&plan);
        for event in &events {
            progress.event(event).unwrap();
        }
        progress.finish();
        String::from_utf8(progress.into_inner()).unwrap()
    };
    let target = indicatif::ProgressDrawTarget::hidden();
    let live = run(Progress::live(Vec::new(), Style::plain(), target));
    let lines = run(Progress::lines(Vec::new(), Style::plain()));
    let quiet: String = lines.split_inclusive('\n').filter(|l| !l.contains("elapsed]")).collect();
    assert_eq!(live, quiet);
    assert!(!live.contains('\u{1b}'), "{live}");
}

#[test]
fn waiting_step_speaks_every_half_minute_or_when_it_waits_for_something_else() {
    let mut progress = Progress::lines(Vec::new(), Style::plain());
    for (on, elapsed) in
        [("a", 5), ("a", 10), ("a", 20), ("a", 39), ("a", 40), ("b", 45), ("b", 50), ("b", 60)]
    {
        let event = waiting(1, Some(QUOTA), Action::Create, on, elapsed);
        progress.event(&event).unwrap();
    }
    let text = String::from_utf8(progress.into_inner()).unwrap();
    insta::assert_snapshot!(text, @r#"
    resource_quota.team: Still creating... [10s elapsed] waiting for a
    resource_quota.team: Still creating... [40s elapsed] waiting for a
    resource_quota.team: Still creating... [50s elapsed] waiting for b
    "#);
}

fn outcome(steps: Vec<Ended>, done: Tally, stopped: Option<Stop>) -> Outcome {
    Outcome { steps: (1..).map(StepId).zip(steps).collect(), done, stopped, held: Vec::new() }
}

#[test]
fn complete_run_ends_with_the_sentence_that_tools_know() {
    let done = Tally { added: 1, changed: 2, destroyed: 3, forgotten: 0 };
    let outcome = outcome(vec![Ended::Done], done, None);
    let mut plan = plan(vec![create("namespace.a", "Namespace a", map([]))]);
    let text = |plan: &Plan| human::outcome(&outcome, plan, &Style::plain());
    assert_eq!(text(&plan), "Apply complete! Resources: 1 added, 2 changed, 3 destroyed.\n");
    plan.mode = Mode::Destroy;
    assert_eq!(text(&plan), "Destroy complete! Resources: 3 destroyed.\n");
}

#[test]
fn incomplete_run_accounts_for_every_step_and_says_how_to_go_on() {
    let mut plan = plan(Vec::new());
    plan.steps = vec![
        step(1, Some("namespace.team"), Action::Create, "apply Namespace team"),
        step(2, Some(QUOTA), Action::Create, "apply ResourceQuota team/team-quota"),
        step(3, Some("config_map.a"), Action::Update, "apply ConfigMap team/a"),
        step(4, Some("object.job"), Action::Create, "apply Job team/migrate"),
        step(5, None, Action::NoOp, "uncordon w1"),
    ];
    let outcome = outcome(
        vec![
            Ended::Done,
            Ended::Failed("the server refused: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4".into()),
            Ended::InDoubt,
            Ended::NotStarted,
            Ended::NotStarted,
        ],
        Tally { added: 1, ..Tally::default() },
        Some(Stop::Now),
    );
    let style = Style { width: Some(80), ..Style::plain() };
    insta::assert_snapshot!(human::outcome(&outcome, &plan, &style), @r#"
    Apply was interrupted. Of 5 steps: 1 done, 1 failed, 1 in doubt, 2 never started.

      failed         2. apply ResourceQuota team/team-quota  resource_quota.team
                     the server refused: exceeded quota: compute, requested: pods=1,
                     used: pods=4, limited: pods=4
      in doubt       3. apply ConfigMap team/a               config_map.a
      never started  4. apply Job team/migrate               object.job
      never started  5. uncordon w1
      done           1. apply Namespace team                 namespace.team

    Resources so far: 1 added, 0 changed, 0 destroyed.
    A step in doubt was begun and nobody waited for its end: it may or may not have
    happened. Resuming looks first.

    To go on from here, run:
        clinch apply -resume
    or, to plan again from what is there now:
        clinch apply
    "#);
}
