//! What becomes of a decision: its entry, what is remembered, and what is done to the object that
//! the block meant before.

use crate::decide::{Decider, Known, Subject};
use crate::declare::Declared;
use crate::entry::{Entry, Former, remembers};
use crate::protected;
use crate::removed::Removed;
use crate::requested::Cause;
use addrs::InstanceAddr;
use lang::Lifecycle;
use plans::{Action, Origin, Recorded};
use provider::Decision;

impl<'a> Decider<'a, '_> {
    /// Puts down what is decided.
    pub(crate) fn enter(
        &mut self,
        subject: Subject<'_, '_>,
        decision: Decision,
        cause: Option<Cause>,
        lifecycle: &Lifecycle,
        open: bool,
    ) {
        let d = subject.declared;
        let protected = lifecycle.prevent_destroy;
        let old = self.meant_before(&d.addr, lifecycle.release);
        let record = self.record(&subject, &decision, protected, old.is_some());
        let recorded = subject.known.remembered.map(|(_, recorded)| recorded);
        let entry = self.entry(d.addr.clone(), d.kind, &d.identity, decision, recorded);
        let mut entry = Entry { record, needs: subject.needs, open, ..entry };
        if let Some(cause) = cause.filter(|_| entry.change.action == Action::Replace) {
            entry.change.reason = Some(cause.reason());
            entry.change.origin = Origin::Pending;
        }
        let former = old.and_then(|old| self.give_way(d, &mut entry, old, recorded, lifecycle));
        self.trace(&d.addr);
        if protected && matches!(entry.change.action, Action::Replace | Action::Delete) {
            let goes = entry.old.as_ref().map_or(&d.identity, |old| &old.identity);
            let why = protected::replaced(self.input, &self.evaluator, &entry.change, &goes.shown);
            self.refuse(entry, why);
        } else {
            self.entries.push(entry);
        }
        if let Some((former, protected)) = former {
            self.unless_protected(former, protected);
        }
    }

    /// The object that the block meant before, where anything is to be done to it.
    fn meant_before(
        &mut self,
        addr: &InstanceAddr,
        release: bool,
    ) -> Option<(Removed<'a>, Decision)> {
        let old = self.renamed.remove(addr)?;
        let decision = self.deletion(&old, release)?;
        (!decision.ops.is_empty()).then_some((old, decision))
    }

    /// What is remembered once all is done; nothing where that is remembered already. What needs
    /// no step for it is remembered at once.
    fn record(
        &mut self,
        subject: &Subject<'_, '_>,
        decision: &Decision,
        protected: bool,
        has_old: bool,
    ) -> Option<Recorded> {
        let Subject { declared: d, known: Known { remembered, .. }, needs } = subject;
        let moved = remembered.filter(|(old, _)| **old != d.addr);
        let remember = &mut self.planning.plan.remember;
        if let Some((from, _)) = moved {
            remember.push((from.clone(), None));
        }
        let as_remembered = remembered.is_some_and(|(old, recorded)| {
            *old == d.addr && remembers(recorded, decision, needs, protected)
        });
        let nothing = decision.action == Action::NoOp && decision.ops.is_empty();
        // Of nearly all objects nothing is done, and nothing is remembered that was not before.
        let record = (!as_remembered || !nothing || has_old).then(|| Recorded {
            identity: d.identity.clone(),
            uid: decision.uid.clone(),
            digest: decision.digest.clone(),
            needs: needs.clone(),
            protected,
        });
        if has_old {
            // The address stands for the old object until that is gone.
        } else if decision.action == Action::NoOp {
            if !as_remembered {
                remember.push((d.addr.clone(), record.clone()));
            }
        } else if let Some((_, recorded)) = moved {
            // Should the run stop before this object's step, it is still remembered.
            remember.push((d.addr.clone(), Some(recorded.clone())));
        }
        record
    }

    /// The old object makes way for the new one in the entry of that, or gets an entry of its own,
    /// which is returned with whether it is protected.
    fn give_way(
        &self,
        d: &Declared<'_>,
        entry: &mut Entry,
        (old, deletion): (Removed<'_>, Decision),
        recorded: Option<&Recorded>,
        lifecycle: &Lifecycle,
    ) -> Option<(Entry, bool)> {
        let create_first = lifecycle.create_before_destroy;
        let replaced = (deletion.action, entry.change.action) == (Action::Delete, Action::Create);
        // What is elsewhere is a change of its own: its node, too, may have to be drained.
        if replaced && d.kind.scope(&old.recorded.identity) == entry.change.scope {
            self.replace_old(entry, &old, deletion);
            if create_first {
                entry.turn_round(old.recorded.clone());
            }
            return None;
        }
        // What is yet to be done to the new object is not remembered as done.
        let done = entry.change.action == Action::NoOp;
        let then = if done { entry.record.clone() } else { recorded.cloned() };
        let mut former = self.former(d, old.recorded, deletion, then);
        if create_first {
            former.former = Former::GoesLast;
            if !done {
                // The old one is remembered until it is gone, also when that is later.
                former.record = entry.record.replace(old.recorded.clone());
            }
        }
        Some((former, old.recorded.protected || lifecycle.prevent_destroy))
    }
}
