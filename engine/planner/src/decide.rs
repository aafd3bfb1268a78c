//! Every instance in order: what is done to it, and what it will be.

use crate::declare::{Declaration, Declared, evaluator, place_all, placed, undecided};
use crate::needs::Order;
use crate::removed::{Remembered, Removed};
use crate::{
    PlanInput, Planning, adopted, codes, first, guards, kept, order, protected, requested,
    selection, unreachable,
};
use addrs::{InstanceAddr, Scope};
use diags::Diagnostic;
use lang::Evaluator;
use plans::{
    Action, Change, Guard, GuardKind, Identity, Note, ObjectKey, Origin, OutputChange, Problem,
    Reason, Recorded,
};
use provider::{Decision, Observation, PlanRequest, Planned, ResourceKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::{Path, Value};

/// One instance that is decided.
pub(crate) struct Entry {
    pub(crate) change: Change,
    pub(crate) ops: Vec<plans::Op>,
    /// What is remembered once all is done; of what is deleted, until the last of it is gone.
    pub(crate) record: Option<Recorded>,
    /// Instances that must be done before.
    pub(crate) needs: Vec<InstanceAddr>,
    /// Instances that it needed when it was last applied.
    pub(crate) needed: Vec<InstanceAddr>,
    /// About the object that its address meant before; another entry is about the new one.
    pub(crate) former: bool,
    /// Whether it waits until all other nodes are through.
    pub(crate) last: bool,
    /// Whether what must hold before it is known only after apply.
    pub(crate) open: bool,
}

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
    let declared_addrs: BTreeSet<&InstanceAddr> =
        declared.instances.iter().map(|d| &d.addr).collect();
    let (renamed, gone): (Vec<_>, Vec<_>) =
        remembered.removed.into_iter().partition(|r| declared_addrs.contains(r.addr));
    let selection = &input.options.selection;
    let remembered_addrs = gone.iter().map(|r| r.addr);
    let known = declared_addrs.iter().copied().chain(remembered_addrs);
    planning.diagnostics.extend(selection::tell(input, known));
    let mut chosen = selection::declared(selection, declared, needs);
    let mut gone = selection::removed(selection, gone);
    unreachable::leave_out(input, declared, &mut chosen, &mut gone, planning);
    let evaluator = evaluator(input);
    let created = Arc::new(created(input, declared));
    let alike = |d: &Declared<'_>| {
        evaluator.has_no_lifecycle(&d.addr) && adopted::import(input, &d.addr).is_none()
    };
    let mut first = first::answers(input, declared, &remembered.by_key, &created, &chosen, &alike);
    let mut decider = Decider {
        input,
        created: created.clone(),
        first_created: created,
        provided,
        renamed: renamed.into_iter().map(|r| (r.addr.clone(), r)).collect(),
        by_key: remembered.by_key,
        evaluator,
        failed: declared.failed.clone(),
        planning,
        entries: Vec::with_capacity(declared.instances.len()),
    };
    for index in positions.iter().copied().filter(|index| chosen[*index]) {
        let needs = needs[index].iter().map(|i| declared.instances[*i].addr.clone()).collect();
        let first = first.get_mut(index).and_then(Option::take);
        decider.declared(declared, &declared.instances[index], needs, first);
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

/// Objects that do not exist and are declared.
fn created(input: &PlanInput<'_, '_>, declared: &Declaration<'_>) -> BTreeSet<ObjectKey> {
    let absent = |key: &ObjectKey| input.observed.get(key) == Some(&Observation::Absent);
    declared.owners.keys().filter(|key| absent(key)).cloned().collect()
}

struct Decider<'a, 'p> {
    input: &'p PlanInput<'a, 'p>,
    created: Arc<BTreeSet<ObjectKey>>,
    /// What it was when types were first asked.
    first_created: Arc<BTreeSet<ObjectKey>>,
    provided: &'p BTreeMap<ObjectKey, usize>,
    renamed: BTreeMap<InstanceAddr, Removed<'a>>,
    by_key: BTreeMap<&'a ObjectKey, (&'a InstanceAddr, &'a Recorded)>,
    evaluator: Evaluator<'a>,
    failed: BTreeSet<InstanceAddr>,
    planning: &'p mut Planning,
    entries: Vec<Entry>,
}

impl Decider<'_, '_> {
    fn declared(
        &mut self,
        all: &Declaration<'_>,
        d: &Declared<'_>,
        needs: Vec<InstanceAddr>,
        first: Option<Planned>,
    ) {
        if needs.iter().any(|n| self.failed.contains(n)) {
            self.failed.insert(d.addr.clone());
            return;
        }
        let (open, problems) = self.evaluator.preconditions(&d.addr);
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
        let (lifecycle, problems) = self.evaluator.lifecycle(&d.addr);
        self.planning.diagnostics.extend(problems);
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
        let remembered = self.by_key.get(&d.identity.key).copied();
        let recorded = remembered.map(|(_, r)| r);
        let observed = seen(self.input.observed, &d.identity.key);
        let import = adopted::import(self.input, &d.addr);
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
        let requested = self.input.options.replace.contains(&d.addr);
        if requested {
            match requested::replace(d.kind, &request, &args, decision) {
                Ok(replaced) => decision = replaced,
                Err(problems) => {
                    self.fail(&d.addr, problems);
                    return;
                }
            }
        }
        if decision.action == Action::Replace && kept::stays(d.kind, &request) {
            let why = kept::replaced(&d.identity, &decision, requested, lifecycle.release);
            self.fail(&d.addr, vec![why]);
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
        let (_, problems) = self.evaluator.postconditions(&d.addr, &decision.exported);
        if problems.has_errors() {
            self.failed.insert(d.addr.clone());
        }
        self.planning.diagnostics.extend(problems);
        let record = Recorded {
            identity: d.identity.clone(),
            uid: decision.uid.clone(),
            digest: decision.digest.clone(),
            needs: needs.clone(),
            protected: lifecycle.prevent_destroy,
        };
        let old = self.renamed.remove(&d.addr).and_then(|old| {
            let decision = self.deletion(&old, lifecycle.release)?;
            (!decision.ops.is_empty()).then_some((old, decision))
        });
        let moved = remembered.filter(|(old, _)| **old != d.addr);
        if let Some((from, _)) = moved {
            self.planning.plan.remember.push((from.clone(), None));
        }
        if old.is_some() {
            // The address stands for the old object until that is gone.
        } else if decision.action == Action::NoOp {
            if remembered.is_none_or(|(old, r)| *old != d.addr || !same_record(r, &record)) {
                self.planning.plan.remember.push((d.addr.clone(), Some(record.clone())));
            }
        } else if moved.is_some() {
            // Should the run stop before this object's step, it is still remembered.
            self.planning.plan.remember.push((d.addr.clone(), recorded.cloned()));
        }
        let entry = self.entry(d.addr.clone(), d.kind, &d.identity, decision, recorded);
        let mut entry = Entry { record: Some(record), needs, open, ..entry };
        if requested && entry.change.action == Action::Replace {
            entry.change.reason = Some(Reason::Requested);
            entry.change.origin = Origin::Pending;
        }
        let mut replaced = None;
        let mut former = None;
        match old {
            None => {}
            Some((old, deletion))
                if (deletion.action, entry.change.action) == (Action::Delete, Action::Create) =>
            {
                self.replace_old(&mut entry, &old, deletion);
                replaced = Some(old.recorded.identity.shown.clone());
            }
            Some((old, deletion)) => {
                // What is yet to be done to the new object is not remembered as done.
                let done = entry.change.action == Action::NoOp;
                let then = if done { entry.record.clone() } else { recorded.cloned() };
                let protected = old.recorded.protected || lifecycle.prevent_destroy;
                former = Some((self.former(d, old.recorded, deletion, then), protected));
            }
        }
        let protected = lifecycle.prevent_destroy
            && matches!(entry.change.action, Action::Replace | Action::Delete);
        if protected {
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

    /// The block means another object now: the old one goes, then the new one comes.
    fn replace_old(&self, entry: &mut Entry, old: &Removed<'_>, deletion: Decision) {
        let schema =
            self.input.catalog.resource(entry.change.addr.ty.as_str()).map(ResourceKind::schema);
        let attrs = schema.into_iter().flat_map(|s| &s.attrs).filter(|a| a.is_identity());
        let names: Vec<&str> = attrs.map(|a| a.name).collect();
        // Of a namespace and a name usually one is another.
        let (was, is) = (&old.recorded.identity.args, &entry.change.identity.args);
        let mut differ: Vec<&str> =
            names.iter().copied().filter(|name| was.get(name) != is.get(name)).collect();
        if differ.is_empty() {
            differ = names;
        }
        let paths = differ.into_iter().map(|name| Path::root().attr(name));
        entry.change.reason = Some(Reason::CannotUpdate(paths.collect()));
        entry.change.action = Action::Replace;
        entry.change.before = deletion.before;
        entry.change.notes.extend(deletion.notes);
        entry.change.blocked.extend(guards::lift(self.input, deletion.guards));
        entry.ops.splice(0..0, deletion.ops);
        entry.needed.clone_from(&old.recorded.needs);
    }

    /// The old object of a block that means another one now, where it is not simply replaced:
    /// it is given back, or the new one is there already. `then` is what the address stands for
    /// once the old object is gone.
    fn former(
        &self,
        d: &Declared<'_>,
        old: &Recorded,
        decision: Decision,
        then: Option<Recorded>,
    ) -> Entry {
        let entry = self.entry(d.addr.clone(), d.kind, &old.identity, decision, Some(old));
        let mut entry = Entry { record: then, former: true, ..entry };
        let text = format!("{} means {} from now on", d.addr, d.identity.shown);
        entry.change.notes.insert(0, Note { path: Path::root(), text });
        entry.change.origin = Origin::Pending;
        entry
    }

    fn removed(&mut self, removed: &Removed<'_>) {
        if removed.stays {
            self.forgotten(removed);
            return;
        }
        let Some(decision) = self.deletion(removed, false) else { return };
        if decision.ops.is_empty() && matches!(decision.action, Action::Forget | Action::NoOp) {
            // It is gone already; there is nothing to show, only something to forget.
            self.planning.plan.remember.push((removed.addr.clone(), None));
            return;
        }
        let Some(kind) = self.input.catalog.resource(removed.addr.ty.as_str()) else { return };
        let identity = &removed.recorded.identity;
        let mut entry =
            self.entry(removed.addr.clone(), kind, identity, decision, Some(removed.recorded));
        let several = entry.change.action == Action::Delete && entry.ops.len() > 1;
        entry.record = several.then(|| removed.recorded.clone());
        entry.change.reason = Some(removed.reason.clone());
        entry.change.origin = Origin::Pending;
        self.unless_protected(entry, removed.recorded.protected);
    }

    /// The object stays as it is, and is remembered no more.
    fn forgotten(&mut self, removed: &Removed<'_>) {
        let Some(kind) = self.input.catalog.resource(removed.addr.ty.as_str()) else {
            self.planning.diagnostics.push(unknown_type(removed));
            return;
        };
        let identity = &removed.recorded.identity;
        let text = "a block `removed` says that it stays; what marks it as this configuration's \
                    stays on it too";
        let note = Note { path: Path::root(), text: text.to_owned() };
        let decision = Decision { notes: vec![note], ..Decision::plain(Action::Forget) };
        let mut entry =
            self.entry(removed.addr.clone(), kind, identity, decision, Some(removed.recorded));
        entry.change.reason = Some(removed.reason.clone());
        entry.change.origin = Origin::Pending;
        self.planning.plan.remember.push((removed.addr.clone(), None));
        self.entries.push(entry);
    }

    /// Of what the object says itself, or of what is remembered; either is enough.
    fn unless_protected(&mut self, entry: Entry, remembered: bool) {
        let mut guards = entry.change.blocked.iter();
        let said = guards.find(|guard| guard.kind == GuardKind::Protected);
        if said.is_some() || remembered {
            let said = said.map(|g| g.why.as_str()).filter(|_| !remembered);
            let why = protected::deleted(self.input, &self.evaluator, &entry.change, said);
            self.refuse(entry, why);
            return;
        }
        self.entries.push(entry);
    }

    /// What becomes of an object that nothing declares; `release` where the configuration still
    /// says of its block that it is to be given back.
    fn deletion(&mut self, removed: &Removed<'_>, release: bool) -> Option<Decision> {
        let Some(kind) = self.input.catalog.resource(removed.addr.ty.as_str()) else {
            self.planning.diagnostics.push(unknown_type(removed));
            return None;
        };
        let created = self.created.clone();
        let request = PlanRequest {
            identity: &removed.recorded.identity,
            desired: None,
            observed: seen(self.input.observed, &removed.recorded.identity.key),
            recorded: Some(removed.recorded),
            preview: None,
            asked: None,
            ignore: &[],
            created: &created,
            project: &self.input.options.project,
            protect: removed.recorded.protected,
            release,
            wait: None,
            adopt: false,
        };
        self.ask(kind, removed.addr, request, None)
    }

    /// Asks the type, with the preview if there is one for exactly this question.
    fn ask(
        &mut self,
        kind: &dyn ResourceKind,
        addr: &InstanceAddr,
        request: PlanRequest<'_>,
        first: Option<Planned>,
    ) -> Option<Decision> {
        let mut planned = first.unwrap_or_else(|| kind.plan(&request));
        let answers = self.input.previews.get(&request.identity.key).map_or(&[][..], Vec::as_slice);
        // One answer may lead to another question; the same question twice leads nowhere.
        let mut open: Vec<&(plans::Op, provider::Preview)> = answers.iter().collect();
        while let Planned::NeedsPreview(op) = &planned {
            let Some(at) = open.iter().position(|(asked, _)| asked == op) else {
                if answers.iter().any(|(asked, _)| asked == op) {
                    break;
                }
                self.planning.needs.previews.push(op.clone());
                return None;
            };
            let (asked, answer) = open.remove(at);
            planned =
                kind.plan(&PlanRequest { preview: Some(answer), asked: Some(asked), ..request });
        }
        match planned {
            Planned::Decided(mut decision) => {
                let warnings = std::mem::take(&mut decision.warnings);
                place_all(&self.evaluator, addr, warnings, &mut self.planning.diagnostics);
                Some(*decision)
            }
            Planned::Failed(problems) => self.fail(addr, problems),
            Planned::NeedsPreview(op) => self.fail(addr, vec![asked_twice(&op)]),
        }
    }

    fn fail(&mut self, addr: &InstanceAddr, problems: Vec<Problem>) -> Option<Decision> {
        self.failed.insert(addr.clone());
        for problem in problems {
            let diagnostic = placed(&self.evaluator, addr, problem);
            self.planning.diagnostics.push(diagnostic);
        }
        None
    }

    fn entry(
        &self,
        addr: InstanceAddr,
        kind: &dyn ResourceKind,
        identity: &Identity,
        decision: Decision,
        recorded: Option<&Recorded>,
    ) -> Entry {
        // What waits for a value of this very plan is a consequence of it, not of somebody else.
        let waits = || decision.action != Action::NoOp && only_waits(&decision);
        let moved = recorded.is_some_and(|r| r.digest == decision.digest) && !waits();
        let scope = match decision.action {
            Action::NoOp | Action::Forget => Scope::cluster(),
            _ => kind.scope(identity),
        };
        let reason = (decision.action == Action::Replace)
            .then(|| Reason::CannotUpdate(decision.replaced_for.clone()));
        Entry {
            ops: decision.ops,
            record: None,
            needs: Vec::new(),
            needed: recorded.map(|r| r.needs.clone()).unwrap_or_default(),
            former: false,
            last: decision.last,
            open: false,
            change: Change {
                addr,
                identity: identity.clone(),
                scope,
                action: decision.action,
                reason,
                disruption: decision.disruption,
                before: decision.before,
                after: decision.after,
                basis: decision.basis,
                origin: if moved { Origin::Drift } else { Origin::Pending },
                notes: decision.notes,
                blocked: guards::lift(self.input, decision.guards),
            },
        }
    }

    /// The change is shown for what it would be; that it is refused makes the plan one that
    /// cannot be applied.
    fn refuse(&mut self, mut entry: Entry, why: Diagnostic) {
        self.failed.insert(entry.change.addr.clone());
        self.planning.diagnostics.push(why);
        entry.change.blocked.retain(|guard| guard.kind != GuardKind::Protected);
        let why = "protected by `prevent_destroy`".to_owned();
        entry.change.blocked.insert(0, Guard { kind: GuardKind::Protected, why });
        self.entries.push(entry);
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

/// What was read of an object. Every object is looked at before anything is decided, so the
/// fallback is never met; it still must not be "absent".
pub(crate) fn seen<'p>(
    observed: &'p BTreeMap<ObjectKey, Observation>,
    key: &ObjectKey,
) -> &'p Observation {
    static UNSEEN: std::sync::LazyLock<Observation> = std::sync::LazyLock::new(|| {
        Observation::Unknown(Problem::error(
            codes::UNSEEN,
            "Object was not looked at",
            Path::root(),
            "It was planned before it was read.",
        ))
    });
    observed.get(key).unwrap_or(&UNSEEN)
}

/// Whether nothing that is remembered would be written anew. The uid of an object that is
/// found as it should be is not a change of ours.
fn same_record(old: &Recorded, new: &Recorded) -> bool {
    let uid = new.uid.is_none() || old.uid == new.uid;
    uid && old.digest == new.digest && old.needs == new.needs && old.protected == new.protected
}

/// Whether everything that differs is decided during apply.
fn only_waits(decision: &Decision) -> bool {
    fn waits(diff: &values::Diff) -> bool {
        match diff {
            values::Diff::Same(_) => true,
            values::Diff::Added(after) | values::Diff::Changed(_, after) => !after.is_known(),
            values::Diff::Removed(_) | values::Diff::Moved { .. } => false,
            values::Diff::Object(parts) => parts.values().all(waits),
            values::Diff::Items(items) => items.iter().all(|(_, part)| waits(part)),
            values::Diff::List(parts) => parts.iter().all(waits),
        }
    }
    match (&decision.before, &decision.after) {
        (Some(before), Some(after)) if !after.is_known() => waits(&values::diff(before, after)),
        (_, _) => false,
    }
}

fn unknown_type(removed: &Removed<'_>) -> Diagnostic {
    Diagnostic::error(
        codes::UNKNOWN_TYPE,
        "Unknown type in the state",
        format!(
            "The state remembers `{}` ({}), and this version of clinch has no such type.",
            removed.addr, removed.recorded.identity.shown
        ),
    )
    .with_help("Use the version of clinch that applied it, or forget it with `clinch state rm`.")
    .for_address(removed.addr)
}

fn asked_twice(op: &plans::Op) -> Problem {
    Problem::error(
        codes::CYCLE,
        "Preview could not be used",
        Path::root(),
        format!("The answer to \"{}\" led to the same question again.", op.text),
    )
    .with_help("This is a fault of clinch; please report it with the configuration.")
}
