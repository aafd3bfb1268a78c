//! Taking a node out of service and bringing it back.
//!
//! This crate answers one question: *what surrounds the edits of a scope?* The engine only
//! compares ranks of disruption and merges the edits of one scope; which operations a rank
//! needs before and after them is decided here. Start reading at [`Rollouts`].
//!
//! So far only the lowest rank is known: a quiet edit needs nothing around it. Any other rank
//! on a node is refused while the plan is made, because an edit without its procedure would
//! be half done: a kubelet that never reads its new file, or pods that were not asked to
//! leave.
//!
//! **Invariant:** nothing here touches the world; a recipe is data.
//!
//! **Not here:** the order of scopes and how many are out of service at once (`planner`),
//! and what an edit does (`node`).

use addrs::Scope;
use diags::Code;
use plans::Problem;
use provider::{Bracketing, Recipe};
use values::{Disruption, Path};

/// A rank of disruption has no procedure.
pub const NO_PROCEDURE: Code = Code("E0770");

/// The procedures around the edits of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollouts;

impl Bracketing for Rollouts {
    fn recipe(&self, scope: &Scope, cost: Disruption) -> Result<Option<Recipe>, Problem> {
        let Some(node) = scope.node_name() else {
            // The cluster as a whole is never out of service: its objects change in place.
            return Ok(None);
        };
        match cost {
            Disruption::Quiet => Ok(None),
            Disruption::Reload | Disruption::Restart | Disruption::Drain | Disruption::Reboot => {
                Err(no_procedure(node, cost))
            }
        }
    }
}

fn no_procedure(node: &str, cost: Disruption) -> Problem {
    let detail = format!(
        "The change of node `{node}` costs a {cost}, and this version of clinch has no procedure \
         for that: it changes hosts only where nothing that runs notices."
    );
    Problem::error(NO_PROCEDURE, "No procedure for this disruption", Path::root(), detail)
        .with_help("Take the change out of the configuration, or make it by hand.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [Disruption; 4] =
        [Disruption::Reload, Disruption::Restart, Disruption::Drain, Disruption::Reboot];

    #[test]
    fn quiet_edits_have_nothing_around_them() {
        for scope in [Scope::node("w1"), Scope::cluster()] {
            assert_eq!(Rollouts.recipe(&scope, Disruption::Quiet), Ok(None));
        }
    }

    #[test]
    fn louder_edits_of_a_node_are_refused_by_name_and_rank() {
        for cost in LOUD {
            let problem = Rollouts.recipe(&Scope::node("w1"), cost).expect_err("no procedure");
            assert!(problem.detail.contains("`w1`"), "{}", problem.detail);
            assert!(problem.detail.contains(&cost.to_string()), "{}", problem.detail);
        }
    }

    #[test]
    fn the_cluster_is_never_taken_out_of_service() {
        for cost in LOUD {
            assert_eq!(Rollouts.recipe(&Scope::cluster(), cost), Ok(None));
        }
    }
}
