//! `plan`: what would apply do?

use super::place::Hold;
use super::preflight;
use super::work::{self, Configured};
use crate::args::PlanArgs;
use crate::console::{self, Console};
use crate::environment::Environment;
use crate::{exit, signals};
use addrs::InstanceAddr;
use diags::{Severity, Span};
use planner::Planning;
use plans::{Action, Change, Event, Mode, Origin, Plan};
use schemas::plan::SavedPlan;
use states::State;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use values::{Diff, Path};
use view::Detail;

pub(crate) async fn run(args: &PlanArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    console.begin_stream();
    let configured = match work::configure_ahead(&args.variables, &args.cluster, env, &console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let Ok(signals) = signals::listen() else { return exit::FAILED };
    let mode = if args.destroy { Mode::Destroy } else { Mode::Normal };
    let aim = work::Aim::new(mode, &args.replace, &args.part, &args.allow);
    let connected =
        match work::connect(&configured, &args.cluster, talker(&console), env, Hold::No).await {
            Ok(connected) => connected,
            Err(problems) => {
                console.diagnostics(&problems, &configured.sources);
                return exit::FAILED;
            }
        };
    let work = async {
        let (mut planning, picture) = work::plan(&configured, &connected, aim, &signals).await?;
        let (plan, done) = (&mut planning.plan, BTreeSet::new());
        let look = preflight::look(plan, &done, &connected, Severity::Warning);
        let in_the_way = signals::until_interrupted(&signals, look).await?;
        planning.diagnostics.extend(in_the_way);
        Some((planning, picture))
    };
    let Some((planning, picture)) = work.await else {
        return signals.exit_code().unwrap_or(exit::FAILED);
    };
    console.diagnostics(&connected.notes, &configured.sources);
    let part = args.part.is_some();
    show(&planning, part, &configured, &connected.state, &console);
    if planning.diagnostics.has_errors() {
        return exit::FAILED;
    }
    if let Some(path) = &args.out {
        let saved = SavedPlan {
            plan: planning.plan.clone(),
            snapshot: session::snapshot(&configured.loaded, &configured.sources),
        };
        if let Err(problems) = local::write_plan(path, &saved) {
            console.diagnostics(&problems, &configured.sources);
            return exit::FAILED;
        }
        console.talk(&format!(
            "\nSaved the plan to {0}. To do exactly this:\n  clinch apply {0}\n",
            path.display()
        ));
    }
    // Of what was left out nobody knows whether it differs.
    let code = match (planning.plan.has_changes(), planning.left_out.is_empty()) {
        _ if !args.detailed_exitcode => exit::DONE,
        (true, _) => exit::DIFFERENT,
        (false, false) => exit::FAILED,
        (false, true) => exit::DONE,
    };
    connected.hosts.hang_up();
    work::let_go((planning, picture, configured, connected));
    code
}

/// Looking that takes this long is told.
const SLOW: Duration = Duration::from_secs(2);
/// Asking the server about this many changes is told, since it takes a while.
const MANY: usize = 100;

/// Looking is worth a line only when it takes a while.
pub(crate) fn worth_a_line(event: &Event) -> bool {
    match event {
        Event::Observing { .. } => false,
        Event::Observed { elapsed, .. } => *elapsed >= SLOW,
        Event::Previewing { objects } => *objects >= MANY,
        Event::Pausing { .. }
        | Event::StepStarted { .. }
        | Event::StepWaiting { .. }
        | Event::StepFinished { .. }
        | Event::StepFailed { .. }
        | Event::Stopping(_) => true,
    }
}

/// Says on standard error what planning looks at; silent in JSON.
pub(crate) fn talker(console: &Console) -> Arc<dyn Fn(Event) + Send + Sync> {
    let style = console.err;
    let silent = console.json;
    Arc::new(move |event| {
        if !silent && worth_a_line(&event) {
            let text = view::human::event(&event, None, &style);
            if !text.is_empty() {
                console::talk_line(&text);
            }
        }
    })
}

/// The plan, then what is worth knowing about it.
pub(crate) fn show(
    planning: &Planning,
    part: bool,
    configured: &Configured,
    state: &State,
    console: &Console,
) {
    let errors = planning.diagnostics.has_errors();
    let page = !console.json && (!errors || planning.plan.has_changes());
    if console.json {
        for line in view::json::plan(&planning.plan, super::now()) {
            console.line(&line);
        }
    } else if part && page && !planning.plan.has_changes() {
        // Of the rest nothing is known, so nothing is said of the whole.
        console.data("\nNo changes in the part that was chosen.\n");
    } else if page && !planning.left_out.is_empty() && !planning.plan.has_changes() {
        console.data("\nNo changes in what can be reached.\n");
    } else if page {
        let places = places(&planning.plan, configured);
        console.data(&view::human::plan_at(&planning.plan, &console.out, Detail::Concise, &places));
        console.data(&renamed(&planning.plan, state));
    }
    console.diagnostics(&planning.diagnostics, &configured.sources);
    // The page of an incomplete plan says so itself.
    if errors && !console.json && (planning.plan.complete || !page) {
        console.talk("\nPlanning failed. Nothing was changed.\n");
    }
}

/// Where what was changed outside of clinch is declared: at the first part that differs.
fn places(plan: &Plan, configured: &Configured) -> view::human::Places {
    let drifted = plan.changes.iter().filter(|c| c.action.is_change() && c.origin == Origin::Drift);
    let parts: Vec<_> = drifted.map(|c| (&c.addr, first_difference(c))).collect();
    if parts.is_empty() {
        return view::human::Places::new();
    }
    let shown = |(addr, span): (&InstanceAddr, Span)| {
        let source = configured.sources.get(span.source)?;
        let line = configured.sources.position(span.source, span.start).line;
        Some((addr.clone(), format!("{} line {line}", source.name)))
    };
    configured.loaded.places_of(parts).into_iter().filter_map(shown).collect()
}

fn first_difference(change: &Change) -> Path {
    fn first(diff: &Diff, path: Path) -> Path {
        match diff {
            Diff::Object(parts) => match parts.iter().find(|(_, part)| !part.is_same()) {
                Some((name, part)) => first(part, path.attr(name)),
                None => path,
            },
            Diff::List(parts) => match parts.iter().position(|part| !part.is_same()) {
                Some(i) => first(&parts[i], path.index(i)),
                None => path,
            },
            // Items are told apart by what is in them, and have no place of their own.
            Diff::Items(_)
            | Diff::Same(_)
            | Diff::Added(_)
            | Diff::Removed(_)
            | Diff::Changed(..)
            | Diff::Moved { .. } => path,
        }
    }
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => first(&values::diff(before, after), Path::root()),
        (None | Some(_), None) | (None, Some(_)) => Path::root(),
    }
}

/// Objects whose blocks have other names than before; nothing happens to the objects.
fn renamed(plan: &Plan, state: &State) -> String {
    let mut out = String::new();
    for (old, now) in &plan.remember {
        let Some(record) = state.records.get(old).filter(|_| now.is_none()) else { continue };
        let key = &record.identity.key;
        let new = plan.changes.iter().find(|c| c.identity.key == *key && c.addr != *old);
        if let Some(new) = new.filter(|c| c.action != Action::Delete) {
            let _never_fails = writeln!(out, "  # {old} has moved to {}", new.addr);
        }
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}
