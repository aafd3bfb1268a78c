//! What stands between a plan and its first step: rights that are missing, and what must be
//! allowed by name. `plan` tells of it, `apply` does not begin.

use super::work::Connected;
use diags::{Code, Diagnostic, Diagnostics, Severity};
use plans::{Guard, GuardKind, Plan, Right, StepId};
use std::collections::BTreeSet;

const LACKING: Code = Code("E0935");
const BLOCKED: Code = Code("E0936");
const UNASKED: Code = Code("E0937");
const LOUD: Code = Code("E0938");

/// So many addresses that need a right are named, the others counted.
const NAMED: usize = 4;

/// Asks for the rights of a plan, and says what stands in its way.
pub(crate) async fn look(
    plan: &mut Plan,
    done: &BTreeSet<StepId>,
    connected: &Connected,
    severity: Severity,
) -> Diagnostics {
    let mut out = Diagnostics::new();
    // What cannot be applied anyway needs no rights; its errors say enough.
    if !plan.complete {
        return out;
    }
    let asked = session::preflight(plan, done, &connected.world).await;
    match asked {
        Ok(()) if plan.rights.iter().any(|right| right.allowed.is_none()) => {
            out.push(unasked("The server does not say what whoever asks may do."));
        }
        Ok(()) => {}
        Err(problem) => out.push(unasked(&problem.detail)),
    }
    out.extend(lacking(plan, severity));
    out.extend(blocked(plan, severity));
    out.extend(too_loud(plan, severity));
    out
}

fn unasked(why: &str) -> Diagnostic {
    let detail = format!(
        "{why} So it is not known whether every step is allowed; a step that is not stops the \
         run there."
    );
    Diagnostic::warning(UNASKED, "Rights could not be checked", detail)
}

fn of(severity: Severity, code: Code, summary: &'static str, detail: String) -> Diagnostic {
    match severity {
        Severity::Error => Diagnostic::error(code, summary, detail),
        Severity::Warning => Diagnostic::warning(code, summary, detail),
    }
}

/// Every right that is missing, in one message.
fn lacking(plan: &Plan, severity: Severity) -> Option<Diagnostic> {
    let missing: Vec<&Right> = plan.rights.iter().filter(|r| r.allowed == Some(false)).collect();
    if missing.is_empty() {
        return None;
    }
    let line = |right: &&Right| {
        let more = right.needed_by.len().saturating_sub(NAMED);
        let mut by = right.needed_by.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            by = format!("{by} and {more} more");
        }
        format!("  {right} — needed by {by}")
    };
    let lines: Vec<String> = missing.iter().map(line).collect();
    let (consequence, nothing) = match severity {
        Severity::Error => ("Without them the run would break off half way", " Nothing was done."),
        Severity::Warning => ("An apply by the same user is refused without them", ""),
    };
    let detail = format!("{consequence}:\n{}{}", lines.join("\n"), {
        if nothing.is_empty() { String::new() } else { format!("\n\n{}", nothing.trim()) }
    });
    let help = format!(
        "Apply as somebody who has these rights, or have an administrator bind this to the \
         user:\n{}",
        cluster::io::grant(&missing)
            .lines()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    Some(of(severity, LACKING, "Rights are missing", detail).with_help(help))
}

/// Everything that must be allowed by name, in one message.
fn blocked(plan: &Plan, severity: Severity) -> Option<Diagnostic> {
    let deletions = plan.deletions();
    let mut lines = Vec::new();
    let mut flags: BTreeSet<String> = BTreeSet::new();
    let mut say = |what: String, guard: &Guard| {
        // What no flag lifts is told elsewhere: protection by the planner, with its place.
        let Some(flag) = plans::flag(guard.kind, deletions) else { return };
        lines.push(format!("  {what}{} ({flag})", guard.why));
        flags.insert(flag);
    };
    for guard in &plan.blocked {
        say(String::new(), guard);
    }
    for change in &plan.changes {
        for guard in &change.blocked {
            say(format!("{}: ", change.addr), guard);
        }
    }
    if lines.is_empty() {
        return None;
    }
    let nothing = if severity == Severity::Error { "\n\nNothing was done." } else { "" };
    let detail = format!(
        "What cannot be taken back is not done by accident:\n{}{nothing}",
        lines.join("\n")
    );
    let flags = flags.into_iter().collect::<Vec<_>>().join(" ");
    let help = format!(
        "If all of this is meant, add {flags}. To keep an object and manage it no more, forget it \
         with `clinch state rm ADDRESS`."
    );
    Some(of(severity, BLOCKED, "Plan is blocked", detail).with_help(help))
}

/// Every change that costs more than this version can do, in one message.
fn too_loud(plan: &Plan, severity: Severity) -> Option<Diagnostic> {
    let guards = plan.changes.iter().flat_map(|c| c.blocked.iter().map(move |g| (&c.addr, g)));
    let loud = guards.filter(|(_, guard)| guard.kind == GuardKind::Disruption);
    let lines: Vec<String> = loud.map(|(addr, guard)| format!("  {addr}: {}", guard.why)).collect();
    if lines.is_empty() {
        return None;
    }
    let nothing = if severity == Severity::Error { "\n\nNothing was done." } else { "" };
    let detail = format!(
        "This version of clinch does not know how to do it safely:\n{}{nothing}",
        lines.join("\n")
    );
    let help = "Apply the rest with `-exclude=ADDRESS`, and make this change as it says, or by hand on \
                a drained node.";
    Some(of(severity, LOUD, "No procedure for this disruption", detail).with_help(help))
}

/// Takes away what a person allows when a plan is applied that was saved before.
pub(crate) fn lift(plan: &mut Plan, allowed: &plans::Allowed) {
    let deletions = plan.deletions();
    let stays = |guard: &Guard| !allowed.lifts(guard.kind, deletions);
    plan.blocked.retain(stays);
    for change in &mut plan.changes {
        change.blocked.retain(stays);
    }
}
