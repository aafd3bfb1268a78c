//! Values that are decided during apply: the language again, with what the steps before gave.

use crate::picture::input;
use crate::{Loaded, Picture, World};
use addrs::InstanceAddr;
use diags::{Diagnostic, Diagnostics, Severity};
use planner::{Known, Options};
use plans::{Action, Mode, ObjectKey, Op, Plan, Step, StepId};
use provider::{Observation, Performed, Wanted};
use runner::Late;
use states::{State, UnfinishedRun};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use values::{Disruption, Value};

/// Values that are decided during apply.
pub(crate) struct LateValues {
    pub(crate) loaded: Arc<Loaded>,
    state: State,
    world: World,
    options: Options,
    picture: Picture,
    /// What late steps see of their own objects, read right before the run.
    observed: BTreeMap<ObjectKey, Observation>,
    known: Mutex<Known>,
    /// The most that a late step may cost.
    costs: BTreeMap<InstanceAddr, Disruption>,
    /// Steps after which what must hold of their instances is asked: the last ones that make them.
    asked: BTreeSet<StepId>,
    /// What does not hold, by the steps after which it was asked.
    unkept: Mutex<BTreeMap<StepId, Diagnostics>>,
}

pub(crate) async fn late_values(
    plan: &Plan,
    loaded: &Arc<Loaded>,
    state: &State,
    (picture, exports): (Picture, Known),
    world: &World,
) -> Arc<LateValues> {
    let late = plan.steps.iter().filter(|s| s.late);
    let wanted: Vec<Wanted> =
        late.map(|s| Wanted { ty: s.op.ty.clone(), identity: s.op.identity.clone() }).collect();
    let keys: Vec<ObjectKey> = wanted.iter().map(|w| w.identity.key.clone()).collect();
    let answers =
        if wanted.is_empty() { Vec::new() } else { world.providers.observe(wanted).await };
    Arc::new(LateValues {
        loaded: loaded.clone(),
        state: state.clone(),
        world: world.clone(),
        options: Options {
            mode: plan.mode,
            id: plan.id.clone(),
            now: plan.made,
            project: plan.project.clone(),
            target: plan.target.clone(),
            fingerprints: plan.fingerprints.clone(),
            cwd: loaded.cwd.clone(),
            replace: BTreeSet::new(),
            selection: planner::Selection::All,
            allowed: plans::Allowed::default(),
            left_open: BTreeSet::new(),
        },
        picture,
        observed: keys.into_iter().zip(answers).collect(),
        known: Mutex::new(exports),
        costs: plan.changes.iter().map(|c| (c.addr.clone(), c.disruption)).collect(),
        asked: asked(plan, loaded),
        unkept: Mutex::default(),
    })
}

fn asked(plan: &Plan, loaded: &Loaded) -> BTreeSet<StepId> {
    let mut last: BTreeMap<&InstanceAddr, StepId> = BTreeMap::new();
    for step in &plan.steps {
        let makes = matches!(step.action, Action::Create | Action::Update | Action::Replace);
        if let Some(addr) = step.addr.as_ref().filter(|_| makes) {
            last.insert(addr, step.id);
        }
    }
    last.retain(|addr, _| planner::has_postconditions(&loaded.config, addr));
    last.into_values().collect()
}

impl LateValues {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When resuming, the world was looked at after some steps were done; nothing to forget
    /// there. Steps that are still to come export nothing yet, whatever was seen.
    pub(crate) fn forget_undone(&self, plan: &Plan, run: &UnfinishedRun) {
        let done: BTreeSet<StepId> = run.done().collect();
        let undone = plan.steps.iter().filter(|s| !done.contains(&s.id) && s.late);
        let mut known = self.known();
        for addr in undone.filter_map(|s| s.addr.as_ref()) {
            known.remove(addr);
        }
    }

    /// What must hold of steps that are done, and does not; `done` are those that an earlier
    /// attempt did.
    pub(crate) fn unkept(&self, plan: &Plan, done: &BTreeSet<StepId>) -> Diagnostics {
        for step in self.asked.intersection(done).filter_map(|id| plan.step(*id)) {
            // It is kept for the answer below.
            let _told_below = self.ask(step);
        }
        let unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
        unkept
            .iter()
            .flat_map(|(id, told)| told.iter().map(move |d| (id, d.clone())))
            .map(go_on)
            .collect()
    }

    /// Asks what must hold of the instance of a step by now; in words what does not.
    fn ask(&self, step: &Step) -> Result<(), String> {
        let Some(addr) = step.addr.as_ref().filter(|_| self.asked.contains(&step.id)) else {
            return Ok(());
        };
        let input = input(&self.loaded, &self.state, &self.world, &self.options, &self.picture);
        let known = self.known().clone();
        let told = planner::unkept(&input, &known, addr);
        let errors = told.iter().filter(|d| d.severity == Severity::Error);
        let words: Vec<String> =
            errors.map(|problem| format!("{}: {}", problem.summary, problem.detail)).collect();
        let mut unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
        if words.is_empty() {
            unkept.remove(&step.id);
            return Ok(());
        }
        unkept.insert(step.id, told);
        Err(words.join(" "))
    }

    /// What does not hold after the run.
    pub(crate) fn conditions(&self, plan: &Plan) -> Diagnostics {
        if plan.mode == Mode::Destroy {
            return Diagnostics::new();
        }
        let input = input(&self.loaded, &self.state, &self.world, &self.options, &self.picture);
        planner::conditions(&input, &self.known())
    }

    /// A plan without any output has none to tell of, or is a part: then they stay.
    pub(crate) fn outputs(&self, plan: &Plan) -> (BTreeMap<String, Value>, Diagnostics) {
        if plan.outputs.is_empty() {
            return (self.state.outputs.clone(), Diagnostics::new());
        }
        if plan.mode == Mode::Destroy {
            return (BTreeMap::new(), Diagnostics::new());
        }
        let input = input(&self.loaded, &self.state, &self.world, &self.options, &self.picture);
        planner::outputs(&input, &self.known())
    }
}

impl Late for LateValues {
    fn resolve(&self, step: &Step) -> Result<Op, String> {
        let Some(addr) = &step.addr else { return Ok(step.op.clone()) };
        let input = input(&self.loaded, &self.state, &self.world, &self.options, &self.picture);
        let Some(observed) = self.observed.get(&step.op.identity.key) else {
            return Err(format!("{} was not looked at", step.op.identity.shown));
        };
        let known = self.known().clone();
        let most = self.costs.get(addr).copied().unwrap_or_default();
        let (op, args) = planner::resolve(&input, &known, step, addr, observed, most)?;
        self.known().insert(addr.clone(), args);
        Ok(op)
    }

    fn done(&self, step: &Step, performed: &Performed) -> Result<(), String> {
        let Some(addr) = &step.addr else { return Ok(()) };
        {
            let mut known = self.known();
            let before = known.get(addr).and_then(Value::as_map).cloned().unwrap_or_default();
            let computed = performed.exported.as_map().cloned().unwrap_or_default();
            known.insert(addr.clone(), Value::map(before.into_iter().chain(computed)));
        }
        self.ask(step)
    }
}

/// A condition that keeps a run from going on.
fn go_on((id, problem): (&StepId, Diagnostic)) -> Diagnostic {
    let detail = format!(
        "{}\n\nStep {} is done, and remembered. Nothing that needs it was begun.",
        problem.detail, id.0
    );
    Diagnostic { detail, ..problem }.with_help(
        "Once it holds, `clinch apply -resume` asks again and finishes the same plan. To start \
         over from what is there now, run `clinch plan`.",
    )
}
