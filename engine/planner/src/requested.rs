//! Objects that are replaced because somebody asks for it, not because anything differs: a person,
//! or `replace_triggered_by`.

use crate::declare::{Declaration, Declared, undecided};
use crate::entry::Entry;
use crate::{PlanInput, codes};
use addrs::InstanceAddr;
use diags::{Diagnostic, Diagnostics, did_you_mean};
use plans::{Action, Basis, ObjectKey, Op, Problem, Reason};
use provider::{Decision, Observation, PlanRequest, Planned, Preview, ResourceKind};
use std::collections::BTreeSet;
use values::{Disruption, Path, Value};

/// Who asks for an object to be replaced.
pub(crate) enum Cause {
    /// A person, by `-replace`.
    Person,
    /// `replace_triggered_by`, since this reference changes.
    Trigger(String),
}

impl Cause {
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Person => Reason::Requested,
            Self::Trigger(by) => Reason::Triggered(by),
        }
    }

    /// What happens, as the beginning of a sentence, and how to prevent it.
    pub(crate) fn words(&self) -> (String, &'static str) {
        match self {
            Self::Person => ("It is to be replaced as requested".to_owned(), "Leave out -replace."),
            Self::Trigger(by) => (
                format!("It is to be replaced because `{by}` changes"),
                "Take that out of `replace_triggered_by`.",
            ),
        }
    }
}

/// Every address that was asked for must be declared: a slip of the pen must not end in a plan
/// that leaves it out.
pub(crate) fn check(
    input: &PlanInput<'_, '_>,
    declared: &Declaration<'_>,
    diagnostics: &mut Diagnostics,
) {
    let known = || declared.instances.iter().map(|d| &d.addr);
    let exists = |addr: &InstanceAddr| known().any(|known| known == addr);
    for addr in input.options.replace.iter().filter(|addr| !exists(addr)) {
        // What could not be evaluated is told already.
        if declared.failed.contains(addr) || declared.failed_blocks.contains(&addr.resource()) {
            continue;
        }
        diagnostics.push(unknown(addr, known()));
    }
}

/// An address that means none of the instances there are.
pub(crate) fn unknown<'a>(
    addr: &InstanceAddr,
    known: impl Iterator<Item = &'a InstanceAddr> + Clone,
) -> Diagnostic {
    let same = known.clone().filter(|k| k.resource() == addr.resource());
    let same: Vec<String> = same.map(|k| format!("`{k}`")).take(5).collect();
    let all: Vec<String> = known.flat_map(|k| [k.to_string(), k.resource().to_string()]).collect();
    let help = if !same.is_empty() {
        format!("Its instances are {}. Name those that you mean.", same.join(", "))
    } else if let Some(near) = did_you_mean(&addr.to_string(), all.iter().map(String::as_str)) {
        format!("Did you mean `{near}`?")
    } else {
        "Name what the configuration declares.".to_owned()
    };
    Diagnostic::error(
        codes::NOT_DECLARED,
        "No such instance",
        format!("`{addr}` was named on the command line, and there is no such instance."),
    )
    .with_help(help)
}

/// The decision to delete an object and create it anew, from what would be done without being
/// asked. An object that does not exist is created in any case.
pub(crate) fn replace(
    kind: &dyn ResourceKind,
    request: &PlanRequest<'_>,
    args: &Value,
    decision: Decision,
    cause: &Cause,
) -> Result<Decision, Vec<Problem>> {
    match decision.action {
        Action::NoOp | Action::Update => {}
        Action::Create | Action::Replace | Action::Delete | Action::Forget => return Ok(decision),
    }
    let plain = PlanRequest { preview: None, asked: None, ..*request };
    let unwanted = PlanRequest { desired: None, ..plain };
    let (mut gone, cost) = ops(kind.plan(&unwanted))?;
    // What the deletion takes along is worth knowing even where the server is not asked.
    let would = Preview::Would(Value::Null);
    if let Planned::Decided(decision) =
        kind.plan(&PlanRequest { preview: Some(&would), ..unwanted })
    {
        gone.notes = decision.notes;
    }
    // The server cannot be asked about an object beside the one that it replaces.
    let anew = PlanRequest { observed: &Observation::Absent, recorded: None, ..plain };
    let (made, more) = ops(kind.plan(&anew))?;
    if gone.ops.len() != 1 || made.ops.is_empty() {
        let text = format!("{} cannot be deleted and created anew.", request.identity.shown);
        return Err(vec![Problem::error(
            codes::NOT_DECLARED,
            "Object cannot be replaced",
            Path::root(),
            text,
        )]);
    }
    let why = match cause {
        Cause::Person => "it is replaced as requested".to_owned(),
        Cause::Trigger(by) => format!("it is replaced because {by} changes"),
    };
    let why = format!("{why}; the server is asked when it is created anew");
    let mut notes = decision.notes;
    notes.extend(gone.notes);
    Ok(Decision {
        action: Action::Replace,
        ops: gone.ops.into_iter().chain(made.ops).collect(),
        exported: undecided(kind.schema(), args),
        basis: Basis::Unverified(why),
        disruption: decision.disruption.max(cost).max(more),
        uid: None,
        notes,
        ..decision
    })
}

/// Objects may live in another one, and go with it: those of a namespace, say. A plan cannot
/// tell them from those that only refer to it, so it says which ones are left in its place.
pub(crate) fn goes_along(declared: &Declaration<'_>, entries: &[Entry]) -> Option<Diagnostic> {
    let asked =
        |e: &&Entry| matches!(e.change.reason, Some(Reason::Requested | Reason::Triggered(_)));
    let replaced = entries.iter().filter(asked);
    let replaced: BTreeSet<&ObjectKey> = replaced.map(|e| &e.change.identity.key).collect();
    if replaced.is_empty() {
        return None;
    }
    let stays = |addr: &InstanceAddr| {
        let entry = entries.iter().find(|e| e.change.addr == *addr);
        entry.is_some_and(|e| matches!(e.change.action, Action::NoOp | Action::Update))
    };
    let needs = |d: &&Declared<'_>| {
        d.kind.needs(&d.identity, &d.args).iter().any(|key| replaced.contains(key))
    };
    let left = declared.instances.iter().filter(needs).filter(|d| stays(&d.addr));
    let left: Vec<String> = left.map(|d| format!("`{}`", d.addr)).collect();
    if left.is_empty() {
        return None;
    }
    let detail = format!(
        "What lives in a replaced object is deleted with it. These need one that is replaced, and \
         are not replaced themselves: {}.",
        left.join(", ")
    );
    let help = "Name those that live in it with -replace too, or apply once more afterwards.";
    Some(
        Diagnostic::warning(codes::GOES_ALONG, "More may be deleted than is shown", detail)
            .with_help(help),
    )
}

/// Operations, and what there is to know of them.
struct Part {
    ops: Vec<Op>,
    notes: Vec<plans::Note>,
}

fn ops(planned: Planned) -> Result<(Part, Disruption), Vec<Problem>> {
    match planned {
        Planned::Decided(decision) => {
            Ok((Part { ops: decision.ops, notes: decision.notes }, decision.disruption))
        }
        Planned::NeedsPreview(op) => {
            Ok((Part { ops: vec![op], notes: Vec::new() }, Disruption::Quiet))
        }
        Planned::Failed(problems) => Err(problems),
    }
}
