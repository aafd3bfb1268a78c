//! Taking a node out of service and bringing it back.
//!
//! This crate answers one question: *what surrounds the edits of a scope?* The engine only
//! compares ranks of disruption and merges the edits of one scope; which operations a rank
//! needs before and after them is decided here. Start reading at [`Rollouts`].
//!
//! So far nothing is surrounded. A quiet edit needs nothing around it. What restarts one program
//! of a host (a kubelet, say) does so within its own operation, which checks that the program
//! is well afterwards and puts back what was there when it is not; pods run on meanwhile. What
//! costs a drain or a reboot is planned with that cost and not applied: pods that were not asked
//! to leave are worse than an old setting.
//!
//! **Invariant:** nothing here touches the world; a recipe is data.
//!
//! **Not here:** the order of scopes and how many are out of service at once (`planner`),
//! and what an edit does (`node`).

pub mod drain;

use addrs::Scope;
use provider::{Bracketing, Recipe};
use values::Disruption;

/// The procedures around the edits of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollouts;

impl Bracketing for Rollouts {
    fn recipe(&self, scope: &Scope, cost: Disruption) -> Result<Option<Recipe>, String> {
        let Some(node) = scope.node_name() else {
            // The cluster as a whole is never out of service: its objects change in place.
            return Ok(None);
        };
        match cost {
            Disruption::Quiet | Disruption::Reload | Disruption::Restart => Ok(None),
            Disruption::Drain | Disruption::Reboot => Err(format!(
                "it costs a {cost} of node `{node}`, and this version of clinch has no procedure \
                 for that"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [Disruption; 2] = [Disruption::Drain, Disruption::Reboot];

    #[test]
    fn edits_that_leave_pods_alone_have_nothing_around_them() {
        for cost in [Disruption::Quiet, Disruption::Reload, Disruption::Restart] {
            for scope in [Scope::node("w1"), Scope::cluster()] {
                assert_eq!(Rollouts.recipe(&scope, cost), Ok(None));
            }
        }
    }

    #[test]
    fn louder_edits_of_a_node_are_refused_by_name_and_rank() {
        for cost in LOUD {
            let why = Rollouts.recipe(&Scope::node("w1"), cost).expect_err("no procedure");
            assert!(why.contains("`w1`") && why.contains(&cost.to_string()), "{why}");
        }
    }

    #[test]
    fn the_cluster_is_never_taken_out_of_service() {
        for cost in LOUD {
            assert_eq!(Rollouts.recipe(&Scope::cluster(), cost), Ok(None));
        }
    }
}
