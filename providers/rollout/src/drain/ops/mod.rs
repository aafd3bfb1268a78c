//! The I/O half: looking at the cluster, and emptying a node.
//!
//! | operation | where |
//! | --- | --- |
//! | read a world to forecast in | `look` |
//! | take a node out of service, bring it back | `cordon` |
//! | evict the pods of a node and wait until they are gone | `evict` |
//! | which pods the node has now, by watching | `board` |
//! | what an answer to an eviction means (pure) | `heard` |
//! | what is waited for, in one line | `tally` |
//!
//! **Invariant:** every operation may be performed again after any crash, and then does what is
//! left to do. `settle` looks whether anything is.

mod board;
mod cordon;
mod evict;
mod heard;
mod look;
mod tally;
#[cfg(test)]
mod tests;

pub use cordon::{Cordon, Uncordon, Uncordoned};
pub use evict::{Evict, Evicted};

use plans::Problem;
use provider::StepError;

/// Nothing was done, or what was done may be done again.
fn refused(problem: Problem) -> StepError {
    StepError::Refused(problem)
}

/// A node that is another one than the plan saw.
fn check_uid(node: &str, planned: Option<&str>, now: &str) -> Result<(), StepError> {
    match planned {
        Some(uid) if uid != now => {
            Err(StepError::Stale(format!("Node {node} is another one than when it was planned.")))
        }
        _ => Ok(()),
    }
}

fn no_node(node: &str) -> StepError {
    StepError::Stale(format!("Node {node} does not exist any more."))
}
