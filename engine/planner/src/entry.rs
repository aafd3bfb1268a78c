//! What is decided of one instance, before it has its steps.

use crate::decide::Decider;
use crate::guards;
use addrs::InstanceAddr;
use plans::{Action, Change, Identity, Origin, Reason, Recorded};
use provider::{Decision, ResourceKind};
use std::ops::Range;

/// One instance that is decided.
pub(crate) struct Entry {
    pub(crate) change: Change,
    pub(crate) ops: Vec<plans::Op>,
    /// Which of the operations delete.
    pub(crate) removal: Range<usize>,
    /// The object that its block meant before, where a replacement takes its place.
    pub(crate) old: Option<Recorded>,
    /// What is remembered once all is done; of what is deleted, until the last of it is gone.
    pub(crate) record: Option<Recorded>,
    /// Instances that must be done before.
    pub(crate) needs: Vec<InstanceAddr>,
    /// Instances that it needed when it was last applied.
    pub(crate) needed: Vec<InstanceAddr>,
    /// Whether it is about the object that its address meant before.
    pub(crate) former: Former,
    /// Whether it waits until all other nodes are through.
    pub(crate) last: bool,
    /// Whether what must hold before it is known only after apply.
    pub(crate) open: bool,
}

/// Whether an entry is about the object that an address meant before, while another entry is
/// about the one that it means now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Former {
    No,
    /// It goes before anything is done to the new one.
    GoesFirst,
    /// It goes when the new one is as it should be.
    GoesLast,
}

impl Entry {
    pub(crate) fn is_former(&self) -> bool {
        self.former != Former::No
    }

    /// Turns the halves of a replacement of `old` round: the new object comes first.
    pub(crate) fn turn_round(&mut self, old: Recorded) {
        let deletions = self.removal.len();
        self.ops.rotate_left(deletions);
        self.removal = self.ops.len() - deletions..self.ops.len();
        self.old = Some(old);
        self.change.create_first = true;
    }
}

impl Decider<'_, '_> {
    pub(crate) fn entry(
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
            Action::NoOp | Action::Forget => self.cluster.clone(),
            _ => kind.scope(identity),
        };
        let reason = (decision.action == Action::Replace)
            .then(|| Reason::CannotUpdate(decision.replaced_for.clone()));
        let removal = match decision.action {
            Action::Delete => 0..decision.ops.len(),
            Action::Replace => 0..1,
            Action::NoOp | Action::Create | Action::Update | Action::Forget => 0..0,
        };
        Entry {
            removal,
            old: None,
            record: None,
            needs: Vec::new(),
            // What makes no step waits for none.
            needed: recorded
                .filter(|_| !decision.ops.is_empty())
                .map(|r| r.needs.clone())
                .unwrap_or_default(),
            ops: decision.ops,
            former: Former::No,
            last: decision.last,
            open: false,
            change: Change {
                addr,
                identity: identity.clone(),
                scope,
                action: decision.action,
                create_first: false,
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
}

/// Whether nothing that is remembered would be written anew. The uid of an object that is
/// found as it should be is not a change of ours.
pub(crate) fn remembers(
    old: &Recorded,
    decision: &Decision,
    needs: &[InstanceAddr],
    protected: bool,
) -> bool {
    let uid = decision.uid.is_none() || old.uid == decision.uid;
    uid && old.digest == decision.digest && old.needs == needs && old.protected == protected
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
