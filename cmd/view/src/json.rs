//! For machines: one line for each thing that is said.
//!
//! The shape of the lines is `schemas::event`, of documents `schemas::show`; what is added here
//! is the words, which are those that a person reads, and the order.

use crate::human::{self, first_and_last};
use crate::{Style, text};
use diags::{Diagnostic, Diagnostics, Severity, SourceMap};
use plans::{Event, Mode, Origin, Outcome, Plan, Tally, Timestamp};
use schemas::event::v1::{Level, Line, Of};
use states::State;
use std::io::{self, Write};
use values::Value;

/// Writes lines to where they go; the first one says which format follows.
#[derive(Debug)]
pub struct Stream<W> {
    out: W,
}

impl<W: Write> Stream<W> {
    /// Begins with the `version` line.
    pub fn begin(out: W, version: &str, at: Timestamp) -> io::Result<Self> {
        let mut stream = Self { out };
        stream.write([Line::version(at, version)])?;
        Ok(stream)
    }

    /// Writes lines. That nobody reads any more is not an error.
    pub fn write(&mut self, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
        for line in lines {
            crate::write(&mut self.out, &(line.to_json() + "\n"))?;
        }
        crate::pipe_closed_is_fine(self.out.flush())
    }
}

/// Something is wrong.
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap, at: Timestamp) -> Line {
    let word = match diagnostic.severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
    };
    let wire = schemas::diagnostic::v1::Diagnostic::new(diagnostic, sources);
    Line::diagnostic(at, wire, format!("{word}: {}", diagnostic.summary))
}

/// What others changed, what will happen to each instance, how many, and the outputs.
pub fn plan(plan: &Plan, at: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    let changes = || plan.changes.iter().filter(|c| c.action.is_change());
    for c in changes().filter(|c| c.origin == Origin::Drift) {
        let what = if human::only_secrets_differ(c) { "Secret differs" } else { "Drift detected" };
        lines.push(Line::resource_drift(at, c, format!("{}: {what}", c.addr)));
    }
    let mut tally = Tally::default();
    for c in changes() {
        tally.count(c.action);
        // Drift only looks: what would repair the drift is not planned.
        if plan.mode == Mode::Drift && c.origin == Origin::Drift {
            continue;
        }
        let line = Line::planned_change(at, c, "");
        let action = line.change.as_ref().map(|c| c.action.clone()).unwrap_or_default();
        let message = format!("{}: Plan to {action}", c.addr);
        lines.push(Line { message, ..line });
    }
    lines.push(Line::change_summary(at, tally, "plan", human::counts(plan)));
    if !plan.outputs.is_empty() {
        let message = format!("Outputs: {}", plan.outputs.len());
        lines.push(Line::planned_outputs(at, &plan.outputs, message));
    }
    lines
}

/// What is happening. One event may be the end of a step and of the work on its instance.
pub fn event(event: &Event, plan: Option<&Plan>, at: Timestamp) -> Vec<Line> {
    let message = human::event(event, plan, &Style::plain());
    let message: Vec<_> = message.trim().lines().map(text::line).collect();
    let message = message.join(" ");
    let line = |of| Line::event(at, event, of, message.clone());
    match event {
        Event::Observing { .. }
        | Event::Observed { .. }
        | Event::Previewing { .. }
        | Event::Pausing { .. }
        | Event::Stopping(_) => vec![line(Of::Step)],
        Event::StepWaiting { addr, .. } => {
            vec![line(if addr.is_some() { Of::Instance } else { Of::Step })]
        }
        Event::StepStarted { id, addr, .. } => match first_and_last(plan, *id, addr.as_ref()) {
            (true, true) => vec![line(Of::Instance)],
            (true, false) => vec![line(Of::Instance), line(Of::Step)],
            (false, _) => vec![line(Of::Step)],
        },
        Event::StepFinished { id, addr, .. } => match first_and_last(plan, *id, addr.as_ref()) {
            (true, true) => vec![line(Of::Instance)],
            (false, true) => vec![line(Of::Step), line(Of::Instance)],
            (_, false) => vec![line(Of::Step)],
        },
        Event::StepFailed { id, addr, .. } => match first_and_last(plan, *id, addr.as_ref()) {
            (true, true) => vec![line(Of::Instance)],
            _ if addr.is_some() => vec![line(Of::Step), line(Of::Instance)],
            _ => vec![line(Of::Step)],
        },
    }
}

/// What happened: how many, and the outputs as they are now.
pub fn outcome<'a>(
    outcome: &Outcome,
    plan: &Plan,
    outputs: impl IntoIterator<Item = (&'a str, &'a Value)>,
    at: Timestamp,
) -> Vec<Line> {
    let operation = if plan.mode == Mode::Destroy { "destroy" } else { "apply" };
    let words = human::outcome(outcome, plan, &Style::plain());
    let headline = words.lines().next().unwrap_or_default();
    let summary = Line::change_summary(at, outcome.done, operation, headline);
    if !outcome.is_complete() {
        return vec![Line { level: Level::Error, ..summary }];
    }
    let outputs: Vec<_> = outputs.into_iter().collect();
    let message = format!("Outputs: {}", outputs.len());
    vec![summary, Line::outputs(at, outputs, message)]
}

/// What `show -json PLAN` prints, with a newline at the end.
pub fn show_plan(plan: &Plan) -> String {
    schemas::show::document(&schemas::show::plan::Plan::new(plan))
}

/// What `show -json` prints of a state, with a newline at the end.
pub fn show_state(state: &State, version: &str) -> String {
    schemas::show::document(&schemas::show::state::State::new(state, version))
}

/// What `output -json` prints, with a newline at the end.
pub fn outputs<'a>(outputs: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
    schemas::show::document(&schemas::show::state::outputs(outputs))
}

/// What `validate -json` prints, with a newline at the end.
pub fn validation(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    schemas::show::document(&schemas::diagnostic::v1::Validation::new(diagnostics, sources))
}
