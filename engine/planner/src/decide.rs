//! Every instance in order: what is done to it, and what it will be.

use crate::declare::{Declaration, Declared, evaluator, place_all, undecided};
use crate::entry::{Entry, Former, remembers};
use crate::needs::Order;
use crate::questions::seen;
use crate::removed::{Remembered, Removed};
use crate::requested::Cause;
use crate::triggers::Traced;
use crate::{
    PlanInput, Planning, adopted, codes, create_first, first, kept, order, protected, requested,
    selection, triggers, unreachable,
};
use addrs::{InstanceAddr, Scope};
use diags::Diagnostics;
use lang::{Evaluator, Lifecycle};
use plans::{Action, ObjectKey, Origin, OutputChange, Problem, Recorded};
use provider::{Observation, PlanRequest, Planned};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::{Path, Value};

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
        decider.declared(declared, (&declared.instances[index], known[index]), needs, first);
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

impl Decider<'_, '_> {
    fn declared(
        &mut self,
        all: &Declaration<'_>,
        (d, known): (&Declared<'_>, Known<'_>),
        needs: Vec<InstanceAddr>,
        first: Option<Planned>,
    ) {
        if self.failed.contains(&d.addr) {
            return;
        }
        if needs.iter().any(|n| self.failed.contains(n)) {
            self.failed.insert(d.addr.clone());
            return;
        }
        let (mut open, mut problems) = (false, Diagnostics::new());
        if !d.plain {
            (open, problems) = self.evaluator.preconditions(&d.addr);
        }
        if problems.has_errors() {
            self.planning.diagnostics.extend(problems);
            self.failed.insert(d.addr.clone());
            return;
        }
        // What was unknown while declaring may be known now that its sources are decided.
        let mut args = d.args.clone();
        if !args.is_known() {
            let (again, problems) = self.evaluator.arguments(&d.addr);
            if problems.has_errors() {
                self.planning.diagnostics.extend(problems);
                self.failed.insert(d.addr.clone());
                return;
            }
            args = again;
        }
        if !self.fits(all, d, &args) {
            return;
        }
        let created = self.created.clone();
        let mut lifecycle = Lifecycle::default();
        if !d.plain {
            (lifecycle, problems) = self.evaluator.lifecycle(&d.addr);
            self.planning.diagnostics.extend(problems);
        }
        if lifecycle.release && !d.kind.releases() {
            let detail = format!(
                "What `{}` manages cannot be left behind without what is ours of it.",
                d.kind.name()
            );
            let code = codes::NO_RELEASE;
            let problem = Problem::error(code, "Cannot be released", Path::root(), detail)
                .with_help("Remove `delete = \"release\"` from `lifecycle`.");
            self.fail(&d.addr, vec![problem]);
            return;
        }
        let Known { observed, remembered } = known;
        let recorded = remembered.map(|(_, r)| r);
        let import = adopted::import(&all.imports, &d.addr);
        let stood = (observed, recorded.is_some());
        if let Some(why) = import.and_then(|i| adopted::refused(i, &d.addr, &d.identity, stood)) {
            self.failed.insert(d.addr.clone());
            self.planning.diagnostics.push(why);
            return;
        }
        let request = PlanRequest {
            identity: &d.identity,
            desired: Some(&args),
            observed,
            recorded,
            preview: None,
            asked: None,
            ignore: &lifecycle.ignore,
            created: &created,
            project: &self.input.options.project,
            protect: lifecycle.prevent_destroy,
            release: lifecycle.release,
            wait: lifecycle.wait_timeout,
            adopt: import.is_some(),
        };
        let first = first.filter(|_| Arc::ptr_eq(&self.created, &self.first_created));
        let Some(mut decision) = self.ask(d.kind, &d.addr, request, first) else {
            self.evaluator.set(d.addr.clone(), undecided(d.kind.schema(), &args));
            return;
        };
        let Ok(cause) = self.cause(&d.addr, decision.action) else { return };
        if let Some(cause) = &cause {
            match requested::replace(d.kind, &request, &args, decision, cause) {
                Ok(replaced) => decision = replaced,
                Err(problems) => {
                    self.fail(&d.addr, problems);
                    return;
                }
            }
        }
        if decision.action == Action::Replace && kept::stays(d.kind, &request) {
            let why = kept::replaced(&d.identity, &decision, cause.as_ref(), lifecycle.release);
            self.fail(&d.addr, vec![why]);
            return;
        }
        if decision.action == Action::Replace && lifecycle.create_before_destroy {
            let why = create_first::one_name(&d.addr, &d.identity, &decision);
            let at = self.evaluator.create_before_destroy_at(&d.addr);
            self.planning.diagnostics.push(at.into_iter().fold(why, |why, at| why.at(at, "")));
            self.failed.insert(d.addr.clone());
            return;
        }
        if decision.action != Action::NoOp {
            let provides = d.kind.provides(&d.identity, &args);
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
        let old = self.renamed.remove(&d.addr).and_then(|old| {
            let decision = self.deletion(&old, lifecycle.release)?;
            (!decision.ops.is_empty()).then_some((old, decision))
        });
        let moved = remembered.filter(|(old, _)| **old != d.addr);
        if let Some((from, _)) = moved {
            self.planning.plan.remember.push((from.clone(), None));
        }
        let protected = lifecycle.prevent_destroy;
        let as_remembered = remembered.is_some_and(|(old, recorded)| {
            *old == d.addr && remembers(recorded, &decision, &needs, protected)
        });
        let nothing = decision.action == Action::NoOp && decision.ops.is_empty();
        // Of nearly all objects nothing is done, and nothing is remembered that was not before.
        let record = (!as_remembered || !nothing || old.is_some()).then(|| Recorded {
            identity: d.identity.clone(),
            uid: decision.uid.clone(),
            digest: decision.digest.clone(),
            needs: needs.clone(),
            protected,
        });
        if old.is_some() {
            // The address stands for the old object until that is gone.
        } else if decision.action == Action::NoOp {
            if !as_remembered {
                self.planning.plan.remember.push((d.addr.clone(), record.clone()));
            }
        } else if moved.is_some() {
            // Should the run stop before this object's step, it is still remembered.
            self.planning.plan.remember.push((d.addr.clone(), recorded.cloned()));
        }
        let entry = self.entry(d.addr.clone(), d.kind, &d.identity, decision, recorded);
        let mut entry = Entry { record, needs, open, ..entry };
        if let Some(cause) = cause.filter(|_| entry.change.action == Action::Replace) {
            entry.change.reason = Some(cause.reason());
            entry.change.origin = Origin::Pending;
        }
        let mut replaced = None;
        let mut former = None;
        match old {
            None => {}
            // What is elsewhere is a change of its own: its node, too, may have to be drained.
            Some((old, deletion))
                if (deletion.action, entry.change.action) == (Action::Delete, Action::Create)
                    && d.kind.scope(&old.recorded.identity) == entry.change.scope =>
            {
                self.replace_old(&mut entry, &old, deletion);
                replaced = Some(old.recorded.identity.shown.clone());
                if lifecycle.create_before_destroy {
                    entry.turn_round(old.recorded.clone());
                }
            }
            Some((old, deletion)) => {
                // What is yet to be done to the new object is not remembered as done.
                let done = entry.change.action == Action::NoOp;
                let then = if done { entry.record.clone() } else { recorded.cloned() };
                let protected = old.recorded.protected || protected;
                let mut old_one = self.former(d, old.recorded, deletion, then);
                if lifecycle.create_before_destroy {
                    old_one.former = Former::GoesLast;
                    if !done {
                        // The old one is remembered until it is gone, also when that is later.
                        old_one.record = entry.record.replace(old.recorded.clone());
                    }
                }
                former = Some((old_one, protected));
            }
        }
        self.trace(&d.addr);
        let refused = protected && matches!(entry.change.action, Action::Replace | Action::Delete);
        if refused {
            let old = replaced.unwrap_or_else(|| d.identity.shown.clone());
            let why = protected::replaced(self.input, &self.evaluator, &entry.change, &old);
            self.refuse(entry, why);
        } else {
            self.entries.push(entry);
        }
        if let Some((former, protected)) = former {
            self.unless_protected(former, protected);
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
