//! Which nodes there are: a rollout that names a node that is not there names none.
//!
//! Who misspells a node would otherwise have it changed by the careful rules and not by those of
//! the rollout, at any time. A node is there when something declared, or to go, is on it; only for
//! other names the cluster is asked.

use crate::declare::Declaration;
use crate::entry::Entry;
use crate::{PlanInput, Planning, codes};
use addrs::{InstanceAddr, Scope};
use config::RolloutBlock;
use diags::{Diagnostic, Span, did_you_mean};
use lang::Evaluator;
use plans::{Identity, Problem};
use provider::Observation;
use std::collections::BTreeSet;
use values::{Path, Value};

/// So many names are told, the others counted.
const NAMED: usize = 5;

/// The nodes of a rollout as they are written.
pub(crate) struct Selected<'a> {
    pub(crate) block: &'a RolloutBlock,
    pub(crate) nodes: Vec<String>,
}

/// All that tells which nodes there are.
pub(crate) struct Roster<'a, 'p> {
    pub(crate) input: &'p PlanInput<'a, 'p>,
    pub(crate) declared: &'p Declaration<'a>,
    pub(crate) entries: &'p [Entry],
}

impl Roster<'_, '_> {
    /// The nodes that something declared, or to go, is on.
    fn inhabited(&self, planning: &Planning) -> BTreeSet<String> {
        let scopes = self.declared.instances.iter().map(|d| d.kind.scope(&d.identity));
        let scopes = scopes.chain(self.entries.iter().map(|entry| entry.change.scope.clone()));
        // What a person allowed to leave out may be there and out of reach.
        let left_out = planning.left_out.iter().filter_map(|addr| remembered(self.input, addr));
        scopes.chain(left_out).filter_map(|scope| name(&scope)).collect()
    }

    /// Says which of these names are nobody's, or that it must be looked first.
    pub(crate) fn check(
        &self,
        all: &[Selected<'_>],
        evaluator: &Evaluator<'_>,
        planning: &mut Planning,
    ) {
        for Selected { block, .. } in all.iter().filter(|selected| selected.nodes.is_empty()) {
            let place = evaluator.place_in_rollout(block, &Path::of("nodes"));
            planning.diagnostics.push(selects_nothing(block, place));
        }
        let inhabited = self.inhabited(planning);
        let is_stranger = |node: &&String| !inhabited.contains(*node);
        if !all.iter().any(|selected| selected.nodes.iter().any(|node| is_stranger(&node))) {
            return;
        }
        let wanted = self.input.catalog.bracketing().all();
        let there = match self.input.observed.get(&wanted.identity.key) {
            None => return planning.needs.observations.push(wanted),
            Some(Observation::Unknown(problem)) => Err(problem),
            Some(Observation::Absent) => Ok(BTreeSet::new()),
            Some(Observation::Present(names)) => Ok(texts(names)),
        };
        let selected: BTreeSet<&str> =
            all.iter().flat_map(|selected| &selected.nodes).map(String::as_str).collect();
        let known = inhabited.iter().map(String::as_str);
        let known = there.iter().flatten().copied().chain(known);
        let free: Vec<&str> = known.filter(|name| !selected.contains(name)).collect();
        for Selected { block, nodes } in all {
            let strangers = nodes.iter().enumerate().filter(|(_, node)| is_stranger(node));
            match &there {
                Ok(there) => {
                    let missing = strangers.filter(|(_, node)| !there.contains(node.as_str()));
                    planning.diagnostics.extend(missing.map(|(position, node)| {
                        let path = Path::of("nodes").index(position);
                        let place = evaluator.place_in_rollout(block, &path);
                        self.no_such_node(node, &free, place)
                    }));
                }
                Err(problem) => {
                    let names: Vec<&str> = strangers.map(|(_, node)| node.as_str()).collect();
                    let place = evaluator.place_in_rollout(block, &Path::of("nodes"));
                    planning.diagnostics.extend(unseen(&names, problem, place));
                }
            }
        }
    }

    /// `free` are the names that no rollout selects.
    fn no_such_node(&self, node: &str, free: &[&str], place: Span) -> Diagnostic {
        let records = self.input.state.records.keys();
        let is_there = |addr: &InstanceAddr| {
            remembered(self.input, addr).is_some_and(|scope| scope.node_name() == Some(node))
        };
        let (detail, help) = if records.into_iter().any(is_there) {
            (
                format!(
                    "The cluster has no node `{node}` any more: what an earlier apply changed \
                     there is remembered, and the node was deleted since."
                ),
                "Take it out of `nodes`.".to_owned(),
            )
        } else {
            let detail = format!(
                "The cluster has no node `{node}`, and no resource is on a host of that name. If \
                 another one is meant, it would be changed without the rules of this rollout."
            );
            let help = match did_you_mean(node, free.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => {
                    "Write the name as `kubectl get nodes` does. If the node was deleted, take \
                         it out of `nodes`, or let a data source name those that there are."
                        .to_owned()
                }
            };
            (detail, help)
        };
        Diagnostic::error(codes::NO_SUCH_NODE, "No such node", detail).at(place, "").with_help(help)
    }
}

/// Where what is remembered of an instance is.
fn remembered(input: &PlanInput<'_, '_>, addr: &InstanceAddr) -> Option<Scope> {
    let identity: &Identity = &input.state.records.get(addr)?.identity;
    Some(input.catalog.resource(addr.ty.as_str())?.scope(identity))
}

fn name(scope: &Scope) -> Option<String> {
    scope.node_name().map(str::to_owned)
}

fn texts(names: &Value) -> BTreeSet<&str> {
    names.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

fn selects_nothing(block: &RolloutBlock, place: Span) -> Diagnostic {
    let detail = format!(
        "`rollout.{}` selects no node, so its rules hold for none. Nodes that no rollout selects \
         are changed one at a time, and at any time.",
        block.name
    );
    Diagnostic::warning(codes::SELECTS_NOTHING, "Rollout without nodes", detail)
        .at(place, "")
        .with_help("Look whether the data source or the list behind it means what it should.")
}

/// Unreachable is not absent, and is not there either.
fn unseen(nodes: &[&str], problem: &Problem, place: Span) -> Option<Diagnostic> {
    let shown: Vec<String> = nodes.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = match nodes.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let detail = format!(
        "Whether there are nodes of these names cannot be told: {}{more}. {}",
        shown.join(", "),
        problem.detail
    );
    let summary = "Nodes of a rollout could not be looked at";
    let diagnostic = Diagnostic::error(codes::NODES_UNSEEN, summary, detail).at(place, "");
    let help = problem.help.clone().unwrap_or_else(|| "Plan again when they can be.".to_owned());
    (!nodes.is_empty()).then(|| diagnostic.with_help(help))
}
