//! The plan file: what will be done, and the configuration that it was made from.

pub mod v1;

use crate::{ReadError, Unwritable, envelope};
use plans::Plan;
use std::collections::BTreeMap;
use values::Value;

/// A plan and what is needed to apply it elsewhere and later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlan {
    /// The plan.
    pub plan: Plan,
    /// What it was made from.
    pub snapshot: Snapshot,
}

/// The configuration that a plan was made from, so that late values can be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The directory of the root module.
    pub dir: String,
    /// Every source in the order in which it was read.
    pub sources: Vec<SourceText>,
    /// The value of every variable. A sensitive one is written as a mark only, and has to be
    /// given again when the plan is applied.
    pub variables: BTreeMap<String, Value>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// Its name as people see it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The text of the plan file. Sensitive values are written as marks only.
pub fn write(saved: &SavedPlan) -> Result<String, Unwritable> {
    let body = serde_json::to_string(&v1::Body::from(saved)).expect("the wire form is plain JSON");
    envelope::seal(&envelope::PLAN, &body)
}

/// The plan in a plan file, when the file is whole.
///
/// A step with a sensitive argument comes back as a late one: its secret was not stored, and
/// is evaluated again when the step is about to begin.
pub fn read(bytes: &[u8]) -> Result<SavedPlan, ReadError> {
    let saved = SavedPlan::from(envelope::open::<v1::Body>(&envelope::PLAN, bytes)?);
    check(&saved.plan).map_err(ReadError::Content)?;
    Ok(saved)
}

/// What every plan is like, and what the code that runs one may rely on.
fn check(plan: &Plan) -> Result<(), String> {
    for (number, step) in (1..).zip(&plan.steps) {
        if step.id.0 != number {
            return Err(format!("step {number} has the number {}", step.id.0));
        }
        if let Some(need) = step.needs.iter().find(|need| need.0 == 0 || need.0 >= number) {
            return Err(format!("step {number} needs step {}, which is not before it", need.0));
        }
        if step.bracket.is_some_and(|id| !plan.brackets.iter().any(|bracket| bracket.id == id)) {
            return Err(format!("step {number} is in a bracket that does not exist"));
        }
    }
    let within = |bracket: &plans::Bracket| {
        bracket.closing.iter().find(|id| !bracket.steps.contains(id)).copied()
    };
    if let Some(id) = plan.brackets.iter().find_map(within) {
        return Err(format!("a bracket is closed by step {}, which is not in it", id.0));
    }
    let mut steps = plan.brackets.iter().flat_map(|bracket| &bracket.steps);
    match steps.find(|id| plan.step(**id).is_none()) {
        Some(id) => Err(format!("a bracket has step {}, which does not exist", id.0)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
