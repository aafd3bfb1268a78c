//! What became of steps that were begun and not seen to end.

use crate::step::change;
use plans::{Ended, Plan, Step, StepId};
use provider::{Providers, Settled, StepError};
use states::{JournalEntry, RecordChange};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Late;

/// Looks at the world to learn what became of each step in doubt. Changes nothing there.
///
/// Steps that are not of the plan are left out. A late step is resolved first, so `late` must
/// know what the steps before it exported; a step that turns out done is told to `late`.
pub async fn settle_in_doubt(
    plan: &Arc<Plan>,
    in_doubt: &BTreeSet<StepId>,
    providers: &Arc<dyn Providers>,
    late: &Arc<dyn Late>,
) -> BTreeMap<StepId, Result<Settled, StepError>> {
    let mut settled = BTreeMap::new();
    for step in in_doubt.iter().filter_map(|id| plan.step(*id)) {
        let op = if step.late { late.resolve(step) } else { Ok(step.op.clone()) };
        let answer = match op {
            Ok(op) => providers.settle(&op).await,
            Err(why) => Err(StepError::InDoubt(why)),
        };
        if let Ok(Settled::Done(performed)) = &answer {
            // What must hold by now is asked of all that is done, before anything else begins.
            let _asked_later = late.done(step, performed);
        }
        settled.insert(step.id, answer);
    }
    settled
}

/// How a settled step is written into the journal.
///
/// [`Settled::NotDone`] becomes [`Ended::NotStarted`], so that the step is performed when the
/// plan is resumed; [`Settled::Changed`] becomes a failure.
pub fn settled_entry(step: &Step, settled: &Settled) -> JournalEntry {
    let (ended, change) = match settled {
        Settled::Done(performed) => (Ended::Done, change(step, performed)),
        Settled::NotDone => (Ended::NotStarted, RecordChange::Keep),
        Settled::Changed(why) => (Ended::Failed(why.clone()), RecordChange::Keep),
    };
    JournalEntry::End { step: step.id, ended, change }
}
