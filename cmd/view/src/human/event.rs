//! What is happening, one line at a time.

use crate::style::Ink;
use crate::{Style, text};
use addrs::InstanceAddr;
use plans::{Action, Event, Plan, StepId, Stop};
use std::time::Duration;

/// What a person reads of an event: one line, or a few for an interrupt; without a newline at
/// the end.
///
/// With the plan at hand, an instance that takes several steps begins once and is complete
/// once; the steps between are told by their own text.
pub fn event(event: &Event, plan: Option<&Plan>, style: &Style) -> String {
    let style = *style;
    match event {
        Event::Observing { objects } => {
            format!("Looking at {}...", text::count(*objects, "object", "objects"))
        }
        Event::Observed { objects, elapsed } => {
            let objects = text::count(*objects, "object", "objects");
            format!("Looked at {objects} in {}.", seconds(*elapsed))
        }
        Event::Previewing { objects } => {
            let changes = text::count(*objects, "change", "changes");
            format!("Asking the server about {changes} (dry run)...")
        }
        Event::Pausing { scope, pause } => {
            let scope = scope.to_string();
            format!("{}: Pausing {} before it is begun...", text::line(&scope), seconds(*pause))
        }
        Event::StepStarted { id, addr, action, text } => {
            let text = text::line(text);
            let what = match (place(plan, *id, addr.as_ref()), started(*action)) {
                (Place::Only, Some(words)) => format!("{words}..."),
                (Place::First, Some(words)) => format!("{words}... ({text})"),
                _ => format!("{text}..."),
            };
            line(*id, addr.as_ref(), &what, Ink::Strong, style)
        }
        Event::StepWaiting { id, addr, action, on, elapsed } => {
            let on = if on.is_empty() {
                String::new()
            } else {
                format!(" waiting for {}", text::line(on))
            };
            let what = format!("{}... [{} elapsed]{on}", waiting(*action), seconds(*elapsed));
            line(*id, addr.as_ref(), &what, Ink::Strong, style)
        }
        Event::StepFinished { id, addr, action, shown, elapsed } => {
            let elapsed = seconds(*elapsed);
            let what = match (place(plan, *id, addr.as_ref()), finished(*action)) {
                (Place::Only | Place::Last, Some(words)) => {
                    format!("{words} after {elapsed}{}", id_of(shown))
                }
                _ if addr.is_none() => format!("done after {elapsed}"),
                _ => format!("step {} done after {elapsed}", id.0),
            };
            line(*id, addr.as_ref(), &what, Ink::Strong, style)
        }
        Event::StepFailed { id, addr, action, why, bracket_open } => {
            let why = text::line(why.trim_end()).into_owned();
            let stop = if why.ends_with(['.', '!', '?']) { "" } else { "." };
            let open = if *bracket_open {
                format!("{stop} It is still out of service.")
            } else {
                String::new()
            };
            let what = format!("{}: {why}{open}", failed(*action));
            line(*id, addr.as_ref(), &what, Ink::Error, style)
        }
        Event::Stopping(Stop::Gently) => {
            let brings_back = plan.is_some_and(|plan| !plan.brackets.is_empty());
            let back = if brings_back { ", nodes go back into service," } else { "" };
            format!(
                "\nInterrupt received.\n\
                Steps that run are finished{back} and no other step begins. Interrupt once more to \
                stop waiting for them.\n\
                Gracefully shutting down...\n"
            )
        }
        Event::Stopping(Stop::Now) => "\nTwo interrupts received.\n\
            No longer waiting for running steps. What they did is read back by \
            `clinch apply -resume`.\n"
            .to_owned(),
    }
}

/// Which of the steps of its instance one is.
enum Place {
    /// It serves no instance.
    Bare,
    Only,
    First,
    Inner,
    Last,
}

fn place(plan: Option<&Plan>, id: StepId, addr: Option<&InstanceAddr>) -> Place {
    let Some(addr) = addr else { return Place::Bare };
    let Some((plan, step)) = plan.and_then(|p| Some((p, p.step(id)?))) else { return Place::Only };
    // A replacement is a deletion and a creation: each begins and ends for itself. The key is
    // compared first, because large plans are mostly instances of few resources.
    let of_same = |s: &&plans::Step| {
        s.action == step.action
            && s.addr.as_ref().is_some_and(|other| other.key == addr.key && other == addr)
    };
    let first = plan.steps.iter().find(of_same).map(|s| s.id);
    let last = plan.steps.iter().rev().find(of_same).map(|s| s.id);
    match (first == Some(id), last == Some(id)) {
        (true, true) => Place::Only,
        (true, false) => Place::First,
        (false, true) => Place::Last,
        (false, false) => Place::Inner,
    }
}

/// Whether this step is the first and the last of its instance's steps of the same action.
pub(crate) fn first_and_last(
    plan: Option<&Plan>,
    id: StepId,
    addr: Option<&InstanceAddr>,
) -> (bool, bool) {
    match place(plan, id, addr) {
        Place::Bare | Place::Inner => (false, false),
        Place::Only => (true, true),
        Place::First => (true, false),
        Place::Last => (false, true),
    }
}

fn line(id: StepId, addr: Option<&InstanceAddr>, what: &str, ink: Ink, style: Style) -> String {
    let subject = match addr {
        Some(addr) => text::line(&addr.to_string()).into_owned(),
        None => format!("Step {}", id.0),
    };
    // Terraform prints the whole line in bold.
    style.ink(ink, format!("{subject}: {what}").trim_end())
}

fn started(action: Action) -> Option<&'static str> {
    match action {
        Action::NoOp => None,
        Action::Create => Some("Creating"),
        Action::Update => Some("Modifying"),
        Action::Replace => Some("Replacing"),
        Action::Delete => Some("Destroying"),
        Action::Forget => Some("Forgetting"),
    }
}

fn waiting(action: Action) -> &'static str {
    match action {
        Action::NoOp => "Still running",
        Action::Create => "Still creating",
        Action::Update => "Still modifying",
        Action::Replace => "Still replacing",
        Action::Delete => "Still destroying",
        Action::Forget => "Still forgetting",
    }
}

fn finished(action: Action) -> Option<&'static str> {
    match action {
        Action::NoOp => None,
        Action::Create => Some("Creation complete"),
        Action::Update => Some("Modifications complete"),
        Action::Replace => Some("Replacement complete"),
        Action::Delete => Some("Destruction complete"),
        Action::Forget => Some("Forgotten"),
    }
}

fn failed(action: Action) -> &'static str {
    match action {
        Action::NoOp => "Failed",
        Action::Create => "Creation failed",
        Action::Update => "Modification failed",
        Action::Replace => "Replacement failed",
        Action::Delete => "Destruction failed",
        Action::Forget => "Forgetting failed",
    }
}

fn id_of(shown: &str) -> String {
    if shown.is_empty() { String::new() } else { format!(" [id={}]", text::line(shown)) }
}

/// `3s`, `1m5s`, `2h0m10s`.
pub(crate) fn seconds(elapsed: Duration) -> String {
    let all = elapsed.as_secs();
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}
