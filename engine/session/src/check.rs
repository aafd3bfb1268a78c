//! Whether a plan that was made before may be done now.

use crate::{Loaded, World};
use diags::{Code, Diagnostic, Diagnostics};
use plans::Plan;
use states::State;

const INCOMPLETE: Code = Code("E0454");
const OTHER_CLUSTER: Code = Code("E0455");
const OTHER_STATE: Code = Code("E0456");
const USED: Code = Code("E0457");
const OTHER_ENGINE: Code = Code("E0461");
const STALE: Code = Code("E0462");
const OTHER_SOURCES: Code = Code("E0463");

/// Whether a plan may be applied now: complete, for this cluster, on this state, unused, and
/// made by this version. A plan is applied as reviewed or refused.
pub async fn check_saved(
    plan: &Plan,
    loaded: &Loaded,
    state: &State,
    world: &World,
) -> Result<(), Diagnostics> {
    let mut out = made_alike(plan, loaded, "Plan again.");
    if !plan.complete {
        out.push(
            Diagnostic::error(
                INCOMPLETE,
                "Plan is not complete",
                "Something could not be planned, and a part of a plan is not applied.",
            )
            .with_help("Mend the errors that the plan showed, and plan again."),
        );
    }
    if state.has_used(&plan.id) {
        let text = "This plan was applied before. A plan is applied once.";
        out.push(
            Diagnostic::error(USED, "Plan was already applied", text).with_help("Plan again."),
        );
    }
    if !state.is_new() && state.lineage != plan.fingerprints.lineage {
        out.push(
            Diagnostic::error(
                OTHER_STATE,
                "Plan belongs to another state",
                "The plan was made on a state of another lineage than the one here.",
            )
            .with_help("Plan again."),
        );
    }
    if !state.is_new() && state.serial != plan.fingerprints.serial {
        let text = format!(
            "The plan was made on the state of serial {}, and the state has serial {} now: \
             something was applied since.",
            plan.fingerprints.serial, state.serial
        );
        out.push(Diagnostic::error(STALE, "Plan is stale", text).with_help("Plan again."));
    }
    match world.providers.target().await {
        Ok(target) if target.uid == plan.target.uid => {}
        Ok(target) => out.push(
            Diagnostic::error(
                OTHER_CLUSTER,
                "Plan is for another cluster",
                format!(
                    "The plan is for {} (kube-system {}), and this is {} (kube-system {}).",
                    plan.target.name, plan.target.uid, target.name, target.uid
                ),
            )
            .with_help("Choose the cluster that the plan was made for, or plan again."),
        ),
        Err(problem) => out.push(problem.into_diagnostic()),
    }
    if out.is_empty() { Ok(()) } else { Err(out) }
}

/// Whether the plan of an interrupted run may be gone on with: made by this version, from the
/// sources that it was kept with. What it stands on otherwise, the journal tells.
pub fn check_resumed(plan: &Plan, loaded: &Loaded) -> Result<(), Diagnostics> {
    let anew = "Or run `clinch apply`, which plans anew from what is there now and remembers what \
                the interrupted run did.";
    let out = made_alike(plan, loaded, anew);
    if out.is_empty() { Ok(()) } else { Err(out) }
}

/// A plan is done by the version that made it and on the sources it was made from: anything
/// else may mean something else by the same words.
fn made_alike(plan: &Plan, loaded: &Loaded, otherwise: &str) -> Diagnostics {
    let mut out = Diagnostics::new();
    if plan.fingerprints.config != loaded.digest {
        let text = "The sources and variables in the plan file are not those that the plan was \
                    made from.";
        out.push(
            Diagnostic::error(OTHER_SOURCES, "Plan and sources do not belong together", text)
                .with_help(otherwise),
        );
    }
    let own = env!("CARGO_PKG_VERSION");
    if plan.fingerprints.engine != own {
        let made = &plan.fingerprints.engine;
        let text = format!("The plan was made by clinch {made}, and this is {own}.");
        out.push(
            Diagnostic::error(OTHER_ENGINE, "Plan of another version", text)
                .with_help(format!("Use clinch {made} for it. {otherwise}")),
        );
    }
    out
}
