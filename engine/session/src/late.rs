//! Values that are decided during apply: the language again, with what the steps before gave.

use crate::picture::input;
use crate::{Loaded, Picture, World};
use addrs::InstanceAddr;
use diags::Diagnostics;
use planner::{Known, Options};
use plans::{Mode, ObjectKey, Op, Plan, Step, StepId};
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
        },
        picture,
        observed: keys.into_iter().zip(answers).collect(),
        known: Mutex::new(exports),
        costs: plan.changes.iter().map(|c| (c.addr.clone(), c.disruption)).collect(),
    })
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

    fn done(&self, step: &Step, performed: &Performed) {
        let Some(addr) = &step.addr else { return };
        let mut known = self.known();
        let before = known.get(addr).and_then(Value::as_map).cloned().unwrap_or_default();
        let computed = performed.exported.as_map().cloned().unwrap_or_default();
        known.insert(addr.clone(), Value::map(before.into_iter().chain(computed)));
    }
}
