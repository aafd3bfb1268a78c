//! Taking a node out of service and bringing it back.
//!
//! This crate answers one question: *what surrounds the edits of a node?* The engine only
//! compares ranks of disruption and merges the edits of one scope; which operations a rank
//! needs before and after them is decided here.
//!
//! | question | start at |
//! | --- | --- |
//! | what surrounds edits of which cost (pure) | [`Rollouts`] |
//! | what a drain does to each pod, and how pods are evicted | [`drain`] |
//! | looking at nodes, and doing what a recipe says | [`RolloutProvider`] |
//!
//! A quiet edit needs nothing around it. What restarts one program of a host (a kubelet, say)
//! does so within its own operation, which checks that the program is well afterwards and puts
//! back what was there when it is not; pods run on meanwhile. What costs a drain is surrounded:
//!
//! ```text
//! cordon     no new pod comes to the node; says on the node that it was clinch. Before, the node
//!            and the cluster's DNS must be ready if they were when the plan was made. With limits
//!            it waits until no more of the selected nodes are out of service than may be
//! drain      its pods are evicted, as budgets let them; it is waited for the last to end
//! (edits)    one after the other
//! uncordon   waits until the node is ready and stays so, and the pods of its daemon sets are there
//!            and ready that were before; takes back only what was clinch's
//! ```
//!
//! What a run that died left out of service is taken over by the next plan, which waits and uncordons
//! in the same way, with or without edits. A node that is not ready before anything is done to it has
//! the first turn of its rollout; when it is not ready afterwards either, it is left as it was found.
//!
//! When a drain or an edit fails, the node is brought back all the same: an edit that fails leaves
//! the node as it was. It stays cordoned when it does not become ready, or when nobody knows what
//! an edit did.
//!
//! A reboot is planned with that cost and not done: there is no procedure for it yet.
//!
//! **Invariant:** nothing of a recipe is decided during apply. A drain that would do to pods what
//! its plan did not show is refused then.
//!
//! **Not here:** the order of nodes and how many are out of service at once (`planner`),
//! and what an edit does (`node`).

pub mod drain;
mod gate;
mod io;
mod pool;
mod recipe;

pub use io::RolloutProvider;
pub use recipe::{NAME, Rollouts};
