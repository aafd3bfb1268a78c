//! Asking a type what to do, with what was seen and with the answers of the server.

use crate::codes;
use crate::decide::Decider;
use crate::declare::{place_all, placed};
use addrs::InstanceAddr;
use plans::{ObjectKey, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, ResourceKind};
use std::collections::BTreeMap;
use values::Path;

impl Decider<'_, '_> {
    /// Asks the type, with the preview if there is one for exactly this question.
    pub(crate) fn ask(
        &mut self,
        kind: &dyn ResourceKind,
        addr: &InstanceAddr,
        request: PlanRequest<'_>,
        first: Option<Planned>,
    ) -> Option<Decision> {
        let mut planned = first.unwrap_or_else(|| kind.plan(&request));
        let answers = self.input.previews.get(&request.identity.key).map_or(&[][..], Vec::as_slice);
        // One answer may lead to another question; the same question twice leads nowhere.
        let mut open: Vec<&(plans::Op, provider::Preview)> = answers.iter().collect();
        while let Planned::NeedsPreview(op) = &planned {
            let Some(at) = open.iter().position(|(asked, _)| asked == op) else {
                if answers.iter().any(|(asked, _)| asked == op) {
                    break;
                }
                self.planning.needs.previews.push(op.clone());
                return None;
            };
            let (asked, answer) = open.remove(at);
            planned =
                kind.plan(&PlanRequest { preview: Some(answer), asked: Some(asked), ..request });
        }
        match planned {
            Planned::Decided(mut decision) => {
                let warnings = std::mem::take(&mut decision.warnings);
                place_all(&self.evaluator, addr, warnings, &mut self.planning.diagnostics);
                Some(*decision)
            }
            Planned::Failed(problems) => self.fail(addr, problems),
            Planned::NeedsPreview(op) => self.fail(addr, vec![asked_twice(&op)]),
        }
    }

    pub(crate) fn fail(&mut self, addr: &InstanceAddr, problems: Vec<Problem>) -> Option<Decision> {
        self.failed.insert(addr.clone());
        for problem in problems {
            let diagnostic = placed(&self.evaluator, addr, problem);
            self.planning.diagnostics.push(diagnostic);
        }
        None
    }
}

/// What was read of an object. Every object is looked at before anything is decided, so the
/// fallback is never met; it still must not be "absent".
pub(crate) fn seen<'p>(
    observed: &'p BTreeMap<ObjectKey, Observation>,
    key: &ObjectKey,
) -> &'p Observation {
    static UNSEEN: std::sync::LazyLock<Observation> = std::sync::LazyLock::new(|| {
        Observation::Unknown(Problem::error(
            codes::UNSEEN,
            "Object was not looked at",
            Path::root(),
            "It was planned before it was read.",
        ))
    });
    observed.get(key).unwrap_or(&UNSEEN)
}

fn asked_twice(op: &plans::Op) -> Problem {
    Problem::error(
        codes::CYCLE,
        "Preview could not be used",
        Path::root(),
        format!("The answer to \"{}\" led to the same question again.", op.text),
    )
    .with_help("This is a fault of clinch; please report it with the configuration.")
}
