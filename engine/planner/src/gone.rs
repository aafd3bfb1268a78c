//! What becomes of objects that nothing declares any more, or that a block meant before.

use crate::decide::Decider;
use crate::declare::Declared;
use crate::entry::{Entry, Former};
use crate::questions::seen;
use crate::removed::Removed;
use crate::{codes, guards, protected};
use diags::Diagnostic;
use plans::{Action, Guard, GuardKind, Note, Origin, Reason, Recorded};
use provider::{Decision, PlanRequest, ResourceKind};
use values::Path;

impl Decider<'_, '_> {
    /// The block means another object now: the old one goes, then the new one comes.
    pub(crate) fn replace_old(&self, entry: &mut Entry, old: &Removed<'_>, deletion: Decision) {
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
        entry.removal = 0..deletion.ops.len();
        entry.old = Some(old.recorded.clone());
        entry.ops.splice(0..0, deletion.ops);
        entry.needed.clone_from(&old.recorded.needs);
    }

    /// The old object of a block that means another one now, where it is not simply replaced:
    /// it is given back, or the new one is there already. `then` is what the address stands for
    /// once the old object is gone.
    pub(crate) fn former(
        &self,
        d: &Declared<'_>,
        old: &Recorded,
        decision: Decision,
        then: Option<Recorded>,
    ) -> Entry {
        let entry = self.entry(d.addr.clone(), d.kind, &old.identity, decision, Some(old));
        let mut entry = Entry { record: then, former: Former::GoesFirst, ..entry };
        let text = format!("{} means {} from now on", d.addr, d.identity.shown);
        entry.change.notes.insert(0, Note { path: Path::root(), text });
        entry.change.origin = Origin::Pending;
        entry
    }

    pub(crate) fn removed(&mut self, removed: &Removed<'_>) {
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
    pub(crate) fn forgotten(&mut self, removed: &Removed<'_>) {
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
    pub(crate) fn unless_protected(&mut self, entry: Entry, remembered: bool) {
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

    /// The change is shown for what it would be; that it is refused makes the plan one that
    /// cannot be applied.
    pub(crate) fn refuse(&mut self, mut entry: Entry, why: Diagnostic) {
        self.failed.insert(entry.change.addr.clone());
        self.planning.diagnostics.push(why);
        entry.change.blocked.retain(|guard| guard.kind != GuardKind::Protected);
        let why = "protected by `prevent_destroy`".to_owned();
        entry.change.blocked.insert(0, Guard { kind: GuardKind::Protected, why });
        self.entries.push(entry);
    }

    /// What becomes of an object that nothing declares; `release` where the configuration still
    /// says of its block that it is to be given back.
    pub(crate) fn deletion(&mut self, removed: &Removed<'_>, release: bool) -> Option<Decision> {
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
