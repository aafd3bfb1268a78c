//! One step between its two journal entries.

use crate::Ports;
use plans::{Ended, Event, Op, Step};
use provider::{Performed, StepError};
use states::{JournalEntry, RecordChange};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a step that takes long says what it waits for.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What became of a step.
pub(crate) enum Report {
    /// It ended well; so many seconds after it began.
    Done(Duration),
    /// It ended well after so many seconds, and what must hold then does not; why in words.
    Unkept(Duration, String),
    /// It did not; how, and why in words.
    Bad(Ended, String),
    /// It was asked to stop before it began.
    NotStarted,
    /// The journal can no longer be written; how the step stands, and why in words.
    JournalLost(Ended, String),
}

/// Runs one step.
///
/// # Interruption
///
/// `may_begin` is asked before the step begins, and never after. The operation runs in a task
/// of its own, so that dropping this future, or a panic of a provider, cannot leave it half
/// done without anyone knowing: its *begin* is in the journal, and without its *end* it is in
/// doubt.
pub(crate) async fn run_step(
    step: &Step,
    ports: &Ports,
    may_begin: impl Fn() -> bool + Send,
) -> Report {
    let op = match ready_op(step, ports) {
        Ok(op) => op,
        Err(why) => return Report::Bad(Ended::Failed(why.clone()), why),
    };
    if !may_begin() {
        return Report::NotStarted;
    }
    if let Err(why) = ports.journal.append(&JournalEntry::Begin { step: step.id }).await {
        // Nothing was done, whether or not the entry can be read back later.
        let why = format!("The journal could not be written, so the step was not begun: {why}");
        return Report::JournalLost(Ended::Failed(why.clone()), why);
    }
    let (id, addr, action) = (step.id, step.addr.clone(), step.action);
    (ports.events)(Event::StepStarted { id, addr, action, text: op.text.clone() });
    let began = ports.clock.elapsed();
    let outcome = perform(step, op, ports, began).await;
    let (ended, change, why) = match &outcome {
        Ok(performed) => (Ended::Done, change(step, performed), String::new()),
        Err(error) => {
            let why = error.message();
            let ended = match error {
                StepError::InDoubt(_) => Ended::InDoubt,
                StepError::Stale(_) | StepError::Refused(_) => Ended::Failed(why.clone()),
            };
            (ended, RecordChange::Keep, why)
        }
    };
    let entry = JournalEntry::End { step: step.id, ended: ended.clone(), change };
    if let Err(lost) = ports.journal.append(&entry).await {
        // Whatever it was, the next run will find a begin without an end.
        let why = if why.is_empty() {
            format!("It was done, but the journal could not be written: {lost}")
        } else {
            format!("{why} The journal could not be written either: {lost}")
        };
        return Report::JournalLost(Ended::InDoubt, why);
    }
    match outcome {
        Ok(performed) => {
            let kept = ports.late.done(step, &performed);
            let elapsed = ports.clock.elapsed().saturating_sub(began);
            match kept {
                Ok(()) => Report::Done(elapsed),
                Err(why) => Report::Unkept(elapsed, why),
            }
        }
        Err(_) => Report::Bad(ended, why),
    }
}

/// The operation with nothing left to decide, the same one as in the plan.
fn ready_op(step: &Step, ports: &Ports) -> Result<Op, String> {
    let op = if step.late { ports.late.resolve(step)? } else { step.op.clone() };
    let planned = &step.op;
    let same = op.ty == planned.ty
        && op.name == planned.name
        && op.identity == planned.identity
        && op.guard == planned.guard;
    if !same {
        return Err(format!("`{}` became `{}`, which was not planned.", planned.text, op.text));
    }
    if !op.args.is_known() {
        return Err("A part of its arguments is still not known.".to_owned());
    }
    Ok(op)
}

async fn perform(
    step: &Step,
    op: Op,
    ports: &Ports,
    began: Duration,
) -> Result<Performed, StepError> {
    let awaited = Arc::new(Mutex::new(String::from("it to take effect")));
    let mut work = tokio::spawn({
        let (providers, awaited) = (Arc::clone(&ports.providers), Arc::clone(&awaited));
        async move {
            let progress = move |on| *awaited.lock().unwrap_or_else(PoisonError::into_inner) = on;
            providers.perform(&op, &progress).await
        }
    });
    let joined = loop {
        tokio::select! {
            biased;
            joined = &mut work => break joined,
            () = ports.clock.sleep(HEARTBEAT) => {
                let on = awaited.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let (id, addr, action) = (step.id, step.addr.clone(), step.action);
                let elapsed = ports.clock.elapsed().saturating_sub(began);
                (ports.events)(Event::StepWaiting { id, addr, action, on, elapsed });
            }
        }
    };
    joined.unwrap_or_else(|panic| {
        Err(StepError::InDoubt(format!("An internal error interrupted it: {}.", reason(panic))))
    })
}

/// What a panic said.
pub(crate) fn reason(error: tokio::task::JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else { return "the task was cancelled".to_owned() };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(_) => "a panic without words".to_owned(),
        },
    }
}

/// What the state remembers when the step has ended well.
pub(crate) fn change(step: &Step, performed: &Performed) -> RecordChange {
    match (&step.addr, &step.record) {
        (None, _) => RecordChange::Keep,
        (Some(addr), None) => RecordChange::Forget(addr.clone()),
        (Some(addr), Some(record)) => {
            let mut record = record.clone();
            // While an object is made beside the one that it takes the place of, the old one is
            // still what is remembered.
            if performed.uid.is_some() && record.identity.key == step.op.identity.key {
                record.uid.clone_from(&performed.uid);
            }
            RecordChange::Set(addr.clone(), Box::new(record))
        }
    }
}
