//! What a failed step means to the person who started the run.
//!
//! The runner tells of a failure as an event; here it becomes a diagnostic: which resource,
//! where it is written, what the world answered, what was not begun because of it, and how to
//! go on.

use crate::Loaded;
use addrs::InstanceAddr;
use diags::{Code, Diagnostic, Diagnostics, Span};
use plans::{Action, Ended, Event, Mode, Outcome, Plan, Step, StepId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use values::Path;

const STEP_FAILED: Code = Code("E0464");
const STEP_IN_DOUBT: Code = Code("E0465");

/// So many of what was not begun are named, the others counted.
const NAMED: usize = 3;

type Events = Arc<dyn Fn(Event) + Send + Sync>;

/// What the runner said of one step.
struct Failure {
    id: StepId,
    why: String,
    open: bool,
}

/// The failures of a run, in the order in which they were told.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Vec<Failure>>>);

impl Failures {
    /// Passes every event on, and keeps what failed.
    pub(crate) fn listen(&self, events: Events) -> Events {
        let kept = self.0.clone();
        Arc::new(move |event| {
            if let Event::StepFailed { id, why, bracket_open, .. } = &event {
                let failure = Failure { id: *id, why: why.clone(), open: *bracket_open };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
            events(event);
        })
    }

    /// One diagnostic for each, in the order of the plan.
    pub(crate) fn explain(&self, outcome: &Outcome, plan: &Plan, loaded: &Loaded) -> Diagnostics {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(|f| f.id);
        if failures.is_empty() {
            return Diagnostics::new();
        }
        let run = Run { plan, ended: outcome.steps.iter().cloned().collect() };
        let waiting = run.waiting();
        let failed: Vec<(&Failure, &Step)> =
            failures.iter().filter_map(|f| Some((f, plan.step(f.id)?))).collect();
        let addrs: Vec<&InstanceAddr> =
            failed.iter().filter_map(|(_, s)| s.addr.as_ref()).collect();
        let parts = addrs.iter().map(|addr| (*addr, Path::root()));
        let places: BTreeMap<&InstanceAddr, Span> = loaded.places_of(parts).into_iter().collect();
        let one = |(failure, step): &(&Failure, &Step)| {
            let place = step.addr.as_ref().and_then(|a| places.get(a)).copied();
            run.explain(failure, step, &waiting, place)
        };
        failed.iter().map(one).collect()
    }
}

/// A run that has ended.
struct Run<'a> {
    plan: &'a Plan,
    ended: BTreeMap<StepId, Ended>,
}

impl Run<'_> {
    /// For each step those that need it, or that come after it in its bracket.
    fn waiting(&self) -> BTreeMap<StepId, Vec<StepId>> {
        let mut waiting: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
        for step in &self.plan.steps {
            for need in &step.needs {
                waiting.entry(*need).or_default().push(step.id);
            }
        }
        for bracket in &self.plan.brackets {
            for pair in bracket.steps.windows(2) {
                waiting.entry(pair[0]).or_default().push(pair[1]);
            }
        }
        waiting
    }

    fn explain(
        &self,
        failure: &Failure,
        step: &Step,
        waiting: &BTreeMap<StepId, Vec<StepId>>,
        place: Option<Span>,
    ) -> Diagnostic {
        let doubt = self.ended.get(&step.id) == Some(&Ended::InDoubt);
        let (code, summary) = match (doubt, step.action) {
            (true, _) => (STEP_IN_DOUBT, "Outcome of a step is in doubt"),
            (_, Action::Create) => (STEP_FAILED, "Creation failed"),
            (_, Action::Update) => (STEP_FAILED, "Modification failed"),
            (_, Action::Replace) => (STEP_FAILED, "Replacement failed"),
            (_, Action::Delete) => (STEP_FAILED, "Destruction failed"),
            (_, Action::Forget) => (STEP_FAILED, "Forgetting failed"),
            (_, Action::NoOp) => (STEP_FAILED, "Step failed"),
        };
        let mut said = vec![format!("Step {} was to {}.", step.id.0, step.op.text)];
        if doubt {
            said.push("It may or may not have happened; resuming looks first.".to_owned());
        }
        said.push(self.not_begun(step.id, waiting));
        if failure.open {
            said.push(format!("{} may still be out of service.", step.scope));
        }
        said.push("What was done is remembered, and the journal is kept.".to_owned());
        let detail = format!("{}\n\n{}", sentence(&failure.why), said.join(" "));
        let again = match self.plan.mode {
            Mode::Destroy => "`clinch plan -destroy`",
            Mode::Normal | Mode::Drift => "`clinch plan`",
        };
        let mut diagnostic = Diagnostic::error(code, summary, detail).with_help(format!(
            "Mend the cause, then run `clinch apply -resume`, which tries this step again and \
             finishes the same plan. To start over from what is there now, run {again}."
        ));
        if let Some(addr) = &step.addr {
            diagnostic = diagnostic.for_address(addr);
        }
        match place {
            Some(span) => diagnostic.at(span, ""),
            None => diagnostic,
        }
    }

    /// What had to wait for a step and was never begun.
    fn not_begun(&self, id: StepId, waiting: &BTreeMap<StepId, Vec<StepId>>) -> String {
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            let dependents = waiting.get(&next).into_iter().flatten();
            open.extend(dependents.filter(|d| seen.insert(**d)));
        }
        seen.remove(&id);
        seen.retain(|id| self.ended.get(id) == Some(&Ended::NotStarted));
        let mut names: Vec<String> = Vec::new();
        for step in seen.iter().filter_map(|id| self.plan.step(*id)) {
            let name = step.addr.as_ref().map_or_else(|| step.op.text.clone(), ToString::to_string);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        match (names.as_slice(), more) {
            ([], _) => "Nothing waited for it.".to_owned(),
            (names, 0) => format!("Not begun because of it: {}.", names.join(", ")),
            (names, more) => {
                format!("Not begun because of it: {} and {more} more.", names.join(", "))
            }
        }
    }
}

/// Ended like a sentence, so that another one can follow.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', ':']) { text.to_owned() } else { format!("{text}.") }
}
