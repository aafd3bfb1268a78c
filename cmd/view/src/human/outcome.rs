//! What happened, all of it, and what to do next.

use crate::style::Ink;
use crate::{Style, text};
use plans::{Ended, Mode, Outcome, Plan, StepId, Stop, Tally};

/// Steps that ended well are listed up to this many; what is left to do is always listed.
const MANY_DONE: usize = 20;

/// The last words of a run: Terraform's sentence when everything was done; otherwise which
/// step is done, failed, in doubt or was never begun, and how to go on. Ends with a newline.
pub fn outcome(outcome: &Outcome, plan: &Plan, style: &Style) -> String {
    let style = *style;
    if outcome.is_complete() {
        return format!("{}\n", style.ink(Ink::Good, &complete(outcome.done, plan.mode)));
    }
    let mut out = vec![headline(outcome, plan.mode, style), String::new()];
    out.extend(table(outcome, plan, style));
    out.push(String::new());
    out.push(resources(outcome.done));
    if outcome.steps.iter().any(|(_, e)| *e == Ended::InDoubt) {
        let text = "A step in doubt was begun and nobody waited for its end: it may or may not \
                    have happened. Resuming looks first.";
        out.extend(text::wrap(text, style.width));
    }
    for why in &outcome.held {
        out.extend(text::wrap(&text::line(why), style.width));
    }
    let open = open_scopes(outcome, plan);
    if !open.is_empty() {
        let text = format!("May still be out of service: {}.", open.join(", "));
        out.extend(text::wrap(&text, style.width));
    }
    out.push(String::new());
    out.push("To go on from here, run:".to_owned());
    out.push("    clinch apply -resume".to_owned());
    // A plan that the world has left behind fails as often as it is resumed.
    if outcome.steps.iter().any(|(_, e)| matches!(e, Ended::Failed(_))) {
        let again = if plan.mode == Mode::Destroy { "destroy" } else { "apply" };
        out.push("or, to plan again from what is there now:".to_owned());
        out.push(format!("    clinch {again}"));
    }
    out.join("\n") + "\n"
}

/// Scopes of which a step was done, or may have been, and the last did not end well.
fn open_scopes(outcome: &Outcome, plan: &Plan) -> Vec<String> {
    let ended = |id: &StepId| outcome.steps.iter().find(|(i, _)| i == id).map(|(_, e)| e);
    let begun = |id: &StepId| ended(id).is_some_and(|e| matches!(e, Ended::Done | Ended::InDoubt));
    let closed = |id: &StepId| ended(id).is_some_and(|e| *e == Ended::Done);
    let open = plan
        .brackets
        .iter()
        .filter(|b| b.steps.iter().any(begun) && !b.steps.last().is_some_and(closed));
    open.map(|b| text::line(&b.scope.to_string()).into_owned()).collect()
}

fn complete(done: Tally, mode: Mode) -> String {
    let Tally { added, changed, destroyed, forgotten } = done;
    let forgot = if forgotten > 0 { format!(", {forgotten} forgotten") } else { String::new() };
    match mode {
        Mode::Destroy => {
            format!("Destroy complete! Resources: {destroyed} destroyed{forgot}.")
        }
        Mode::Normal | Mode::Drift => format!(
            "Apply complete! Resources: {added} added, {changed} changed, {destroyed} destroyed{forgot}."
        ),
    }
}

fn resources(done: Tally) -> String {
    let Tally { added, changed, destroyed, forgotten } = done;
    let forgot = if forgotten > 0 { format!(", {forgotten} forgotten") } else { String::new() };
    format!("Resources so far: {added} added, {changed} changed, {destroyed} destroyed{forgot}.")
}

fn headline(outcome: &Outcome, mode: Mode, style: Style) -> String {
    let of = |wanted: fn(&Ended) -> bool| outcome.steps.iter().filter(|(_, e)| wanted(e)).count();
    let counts = [
        (of(|e| matches!(e, Ended::Done)), "done"),
        (of(|e| matches!(e, Ended::Failed(_))), "failed"),
        (of(|e| matches!(e, Ended::InDoubt)), "in doubt"),
        (of(|e| matches!(e, Ended::NotStarted)), "never started"),
    ];
    let counts: Vec<_> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let what = if mode == Mode::Destroy { "Destroy" } else { "Apply" };
    let why = match outcome.stopped {
        Some(Stop::Gently | Stop::Now) => "was interrupted",
        None => "is incomplete",
    };
    let steps = text::count(outcome.steps.len(), "step", "steps");
    style.ink(Ink::Error, &format!("{what} {why}. Of {steps}: {}.", counts.join(", ")))
}

/// The worst first; within a kind in the order of the plan.
fn table(outcome: &Outcome, plan: &Plan, style: Style) -> Vec<String> {
    let mut rows: Vec<(u8, &str, Ink, [String; 2], &str)> = Vec::new();
    for (id, ended) in &outcome.steps {
        let (rank, word, ink, why) = match ended {
            Ended::Failed(why) => (0, "failed", Ink::Error, why.as_str()),
            Ended::InDoubt => (1, "in doubt", Ink::Warning, ""),
            Ended::NotStarted => (2, "never started", Ink::Change, ""),
            Ended::Done => (3, "done", Ink::Create, ""),
        };
        let step = plan.step(*id);
        let addr = step.and_then(|s| s.addr.as_ref()).map(ToString::to_string).unwrap_or_default();
        let text = step.map_or("", |s| s.op.text.as_str());
        let number = format!("{}. {}", id.0, text::line(text));
        rows.push((rank, word, ink, [number, text::line(&addr).into_owned()], why));
    }
    rows.sort_by_key(|(rank, ..)| *rank);
    let done = rows.iter().filter(|(rank, ..)| *rank == 3).count();
    if done > MANY_DONE {
        rows.retain(|(rank, ..)| *rank != 3);
        let all = [text::count(done, "step", "steps"), String::new()];
        rows.push((3, "done", Ink::Create, all, ""));
    }
    let widest = |i: usize| rows.iter().map(|r| text::width(&r.3[i])).max().unwrap_or(0);
    let widths = [widest(0).min(60), widest(1)];
    let mut out = Vec::new();
    for (_, word, ink, [what, addr], why) in rows {
        let what = text::pad(&text::fit_end(&what, widths[0], style), widths[0]);
        let word = format!("{}{}", style.ink(ink, word), " ".repeat(13 - word.len()));
        out.push(format!("  {word}  {what}  {addr}").trim_end().to_owned());
        if !why.is_empty() {
            let room = style.width.map(|w| w.saturating_sub(17).max(20));
            out.extend(text::wrap(why, room).iter().map(|l| format!("{}{l}", " ".repeat(17))));
        }
    }
    out
}
