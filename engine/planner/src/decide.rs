//! Every instance in order: what is done to it, and what it will be.

use crate::declare::{Declaration, Declared, evaluator, place_all, undecided};
use crate::entry::Entry;
use crate::needs::Order;
use crate::questions::seen;
use crate::removed::{Remembered, Removed};
use crate::requested::Cause;
use crate::triggers::Traced;
use crate::{
    PlanInput, Planning, adopted, create_first, first, kept, order, requested, selection, triggers,
    unreachable,
};
use addrs::{InstanceAddr, Scope};
use diags::Diagnostics;
use lang::{Evaluator, Lifecycle};
use plans::{Action, ObjectKey, OutputChange, Problem, Recorded};
use provider::{Decision, Observation, PlanRequest, Planned};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::Value;

/// Decides all; what goes wrong with one instance stops only what needs it.
pub(crate) fn decide(
    input: &PlanInput<'_, '_>,
    declared: &Declaration<'_>,
    remembered: Remembered<'_>,
    planning: &mut Planning,
) -> Vec<Entry> {
    let Order { provided, needs, positions, cycle } = &declared.order;
    if !cycle.is_empty() {
        planning.diagnostics.push(order::in_circle(input, declared, cycle));
        return Vec::new();
    }
    requested::check(input, declared, &mut planning.diagnostics);
    let selection = &input.options.selection;
    // Nobody asks for them where nothing is gone and nothing is left out.
    let all: &[Declared<'_>] = if remembered.removed.is_empty() && selection.is_all() {
        &[]
    } else {
        declared.instances.as_slice()
    };
    let declared_addrs: BTreeSet<&InstanceAddr> = all.iter().map(|d| &d.addr).collect();
    let (renamed, gone): (Vec<_>, Vec<_>) =
        remembered.removed.into_iter().partition(|r| declared_addrs.contains(r.addr));
    let remembered_addrs = gone.iter().map(|r| r.addr);
    let known = declared_addrs.iter().copied().chain(remembered_addrs);
    planning.diagnostics.extend(selection::tell(input, known));
    let mut chosen = selection::declared(selection, declared, needs);
    let mut gone = selection::removed(selection, gone);
    unreachable::leave_out(input, declared, &mut chosen, &mut gone, planning);
    let evaluator = evaluator(input);
    let known = |(d, remembered): (&Declared<'_>, _)| Known {
        observed: seen(input.observed, &d.identity.key),
        remembered,
    };
    let known: Vec<Known<'_>> =
        declared.instances.iter().zip(remembered.declared).map(known).collect();
    let created = Arc::new(created(declared, &known));
    let alike = |d: &Declared<'_>| d.plain && adopted::import(&declared.imports, &d.addr).is_none();
    let mut first = first::answers(input, declared, &known, &created, &chosen, &alike);
    let mut decider = Decider {
        input,
        created: created.clone(),
        first_created: created,
        provided,
        renamed: renamed.into_iter().map(|r| (r.addr.clone(), r)).collect(),
        evaluator,
        failed: declared.failed.clone(),
        traced: triggers::traced(input, declared),
        planning,
        entries: Vec::with_capacity(declared.instances.len()),
        cluster: Scope::cluster(),
    };
    for index in positions.iter().copied().filter(|index| chosen[*index]) {
        let needs = needs[index].iter().map(|i| declared.instances[*i].addr.clone()).collect();
        let first = first.get_mut(index).and_then(Option::take);
        let subject = Subject { declared: &declared.instances[index], known: known[index], needs };
        decider.declared(declared, subject, first);
    }
    for removed in gone {
        decider.removed(&removed);
    }
    let along = requested::goes_along(declared, &decider.entries);
    decider.planning.diagnostics.extend(along);
    // Outputs of a configuration in which something failed would only repeat the failure.
    let whole = selection.is_all() && decider.planning.left_out.is_empty();
    if whole && !decider.planning.diagnostics.has_errors() {
        decider.outputs();
        if input.options.mode != plans::Mode::Destroy {
            let warnings = decider.evaluator.checks();
            decider.planning.diagnostics.extend(warnings);
        }
    }
    decider.entries
}

/// What is known of the object of a declared instance.
#[derive(Clone, Copy)]
pub(crate) struct Known<'p> {
    /// As it was read.
    pub(crate) observed: &'p Observation,
    /// By which address, and how, it is remembered.
    pub(crate) remembered: Option<(&'p InstanceAddr, &'p Recorded)>,
}

/// Objects that do not exist and are declared.
fn created(declared: &Declaration<'_>, known: &[Known<'_>]) -> BTreeSet<ObjectKey> {
    let pairs = declared.instances.iter().zip(known);
    let absent = pairs.filter(|(_, known)| *known.observed == Observation::Absent);
    absent.map(|(d, _)| d.identity.key.clone()).collect()
}

/// What is decided so far.
pub(crate) struct Decider<'a, 'p> {
    pub(crate) input: &'p PlanInput<'a, 'p>,
    pub(crate) created: Arc<BTreeSet<ObjectKey>>,
    /// What it was when types were first asked.
    pub(crate) first_created: Arc<BTreeSet<ObjectKey>>,
    pub(crate) provided: &'p BTreeMap<ObjectKey, usize>,
    pub(crate) renamed: BTreeMap<InstanceAddr, Removed<'a>>,
    pub(crate) evaluator: Evaluator<'a>,
    pub(crate) failed: BTreeSet<InstanceAddr>,
    pub(crate) traced: Traced,
    pub(crate) planning: &'p mut Planning,
    pub(crate) entries: Vec<Entry>,
    /// The scope of all that nothing is done to.
    pub(crate) cluster: Scope,
}

/// A declared instance that is being decided.
pub(crate) struct Subject<'s, 'p> {
    pub(crate) declared: &'s Declared<'s>,
    pub(crate) known: Known<'p>,
    /// Instances that must be done before.
    pub(crate) needs: Vec<InstanceAddr>,
}

impl Decider<'_, '_> {
    fn declared(
        &mut self,
        all: &Declaration<'_>,
        subject: Subject<'_, '_>,
        first: Option<Planned>,
    ) {
        let d = subject.declared;
        if self.failed.contains(&d.addr) {
            return;
        }
        if subject.needs.iter().any(|n| self.failed.contains(n)) {
            self.failed.insert(d.addr.clone());
            return;
        }
        let Some((args, open)) = self.wanted(all, d) else { return };
        let Some(lifecycle) = self.lifecycle(all, &subject) else { return };
        let created = self.created.clone();
        let request = PlanRequest {
            identity: &d.identity,
            desired: Some(&args),
            observed: subject.known.observed,
            recorded: subject.known.remembered.map(|(_, recorded)| recorded),
            preview: None,
            asked: None,
            ignore: &lifecycle.ignore,
            created: &created,
            project: &self.input.options.project,
            protect: lifecycle.prevent_destroy,
            release: lifecycle.release,
            wait: lifecycle.wait_timeout,
            adopt: adopted::import(&all.imports, &d.addr).is_some(),
        };
        let first = first.filter(|_| Arc::ptr_eq(&self.created, &self.first_created));
        let Some(decision) = self.ask(d.kind, &d.addr, request, first) else {
            self.evaluator.set(d.addr.clone(), undecided(d.kind.schema(), &args));
            return;
        };
        let Some((decision, cause)) = self.replacing(d, &request, decision, &lifecycle) else {
            return;
        };
        self.exported(d, &args, &decision);
        self.enter(subject, decision, cause, &lifecycle, open);
    }

    /// The arguments, and whether what must hold before is known only after apply; nothing when
    /// they are refused, which is told.
    fn wanted(&mut self, all: &Declaration<'_>, d: &Declared<'_>) -> Option<(Value, bool)> {
        let mut open = false;
        if !d.plain {
            let (later, problems) = self.evaluator.preconditions(&d.addr);
            self.unless_wrong(&d.addr, problems)?;
            open = later;
        }
        // What was unknown while declaring may be known now that its sources are decided.
        let mut args = d.args.clone();
        if !args.is_known() {
            let (again, problems) = self.evaluator.arguments(&d.addr);
            self.unless_wrong(&d.addr, problems)?;
            args = again;
        }
        self.fits(all, d, &args).then_some((args, open))
    }

    /// Tells what is wrong with an instance, which is then not decided. What is only doubtful was
    /// told when it was declared.
    fn unless_wrong(&mut self, addr: &InstanceAddr, problems: Diagnostics) -> Option<()> {
        if !problems.has_errors() {
            return Some(());
        }
        self.planning.diagnostics.extend(problems);
        self.failed.insert(addr.clone());
        None
    }

    /// What `lifecycle` says; nothing when that, or taking the object over, cannot be.
    fn lifecycle(&mut self, all: &Declaration<'_>, subject: &Subject<'_, '_>) -> Option<Lifecycle> {
        let d = subject.declared;
        let mut lifecycle = Lifecycle::default();
        if !d.plain {
            let (said, problems) = self.evaluator.lifecycle(&d.addr);
            self.planning.diagnostics.extend(problems);
            lifecycle = said;
        }
        if lifecycle.release && !d.kind.releases() {
            self.fail(&d.addr, vec![kept::not_released(d.kind)]);
            return None;
        }
        let Known { observed, remembered } = subject.known;
        let stood = (observed, remembered.is_some());
        let import = adopted::import(&all.imports, &d.addr);
        let why = import.and_then(|i| adopted::refused(i, &d.addr, &d.identity, stood));
        if let Some(why) = why {
            self.failed.insert(d.addr.clone());
            self.planning.diagnostics.push(why);
            return None;
        }
        Some(lifecycle)
    }

    /// What is done once it is known whether somebody asks for the object to be replaced; nothing
    /// when it would be replaced and must not be.
    fn replacing(
        &mut self,
        d: &Declared<'_>,
        request: &PlanRequest<'_>,
        mut decision: Decision,
        lifecycle: &Lifecycle,
    ) -> Option<(Decision, Option<Cause>)> {
        let cause = self.cause(&d.addr, decision.action).ok()?;
        if let (Some(cause), Some(args)) = (&cause, request.desired) {
            match requested::replace(d.kind, request, args, decision, cause) {
                Ok(replaced) => decision = replaced,
                Err(problems) => {
                    self.fail(&d.addr, problems);
                    return None;
                }
            }
        }
        if decision.action != Action::Replace {
            return Some((decision, cause));
        }
        if kept::stays(d.kind, request) {
            let why = kept::replaced(&d.identity, &decision, cause.as_ref(), lifecycle.release);
            self.fail(&d.addr, vec![why]);
            return None;
        }
        if lifecycle.create_before_destroy {
            let why = create_first::one_name(&d.addr, &d.identity, &decision);
            let at = self.evaluator.create_before_destroy_at(&d.addr);
            self.planning.diagnostics.push(at.into_iter().fold(why, |why, at| why.at(at, "")));
            self.failed.insert(d.addr.clone());
            return None;
        }
        Some((decision, cause))
    }

    /// From now on others see what it will be, and that it will be there.
    fn exported(&mut self, d: &Declared<'_>, args: &Value, decision: &Decision) {
        if decision.action != Action::NoOp {
            let provides = d.kind.provides(&d.identity, args);
            if !provides.is_empty() {
                Arc::make_mut(&mut self.created).extend(provides);
            }
        }
        self.evaluator.set(d.addr.clone(), decision.exported.clone());
        self.planning.exports.insert(d.addr.clone(), decision.exported.clone());
        if !d.plain {
            let (_, problems) = self.evaluator.postconditions(&d.addr, &decision.exported);
            if problems.has_errors() {
                self.failed.insert(d.addr.clone());
            }
            self.planning.diagnostics.extend(problems);
        }
    }

    /// Who asks for an object to be replaced that need not be; told when that cannot be said.
    fn cause(&mut self, addr: &InstanceAddr, action: Action) -> Result<Option<Cause>, ()> {
        if self.input.options.replace.contains(addr) {
            return Ok(Some(Cause::Person));
        }
        if !matches!(action, Action::NoOp | Action::Update) {
            return Ok(None);
        }
        let trigger = self.trigger(addr).map_err(|problems| {
            self.planning.diagnostics.extend(problems);
            self.failed.insert(addr.clone());
        })?;
        Ok(trigger.map(Cause::Trigger))
    }

    /// Whether the arguments keep the rules of what provides their kind, where the same
    /// configuration declares it.
    fn fits(&mut self, all: &Declaration<'_>, d: &Declared<'_>, args: &Value) -> bool {
        if self.provided.is_empty() {
            return true;
        }
        let keys = d.kind.needs(&d.identity, args).into_iter();
        let providers = keys.filter_map(|key| all.instances.get(*self.provided.get(&key)?));
        let check = |by: &Declared<'_>| d.kind.check_against(&d.identity, args, &by.args);
        let problems: Vec<Problem> = providers.flat_map(check).collect();
        let fine = place_all(&self.evaluator, &d.addr, problems, &mut self.planning.diagnostics);
        if !fine {
            self.failed.insert(d.addr.clone());
        }
        fine
    }

    fn outputs(&mut self) {
        let before = &self.input.state.outputs;
        let mut after: BTreeMap<String, Value> = BTreeMap::new();
        if self.input.options.mode != plans::Mode::Destroy {
            let (outputs, problems) = self.evaluator.outputs();
            self.planning.diagnostics.extend(problems);
            for (name, (value, sensitive)) in outputs {
                let value = if sensitive { value.into_sensitive() } else { value };
                after.insert(name, value);
            }
        }
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            self.planning.plan.outputs.push(OutputChange {
                name: name.clone(),
                before: before.get(name).cloned(),
                after: after.get(name).cloned(),
            });
        }
    }
}
