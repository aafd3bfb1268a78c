//! `clinch`, `cluster` and `rollout`: what a configuration is, where it goes and how fast.

use super::Declare;
use crate::codes;
use crate::text::brief;
use crate::tree::{Block, Body, ClinchBlock, ClusterBlock, RolloutBlock, StateBlock};
use diags::Diagnostic;

/// What a `rollout` block may contain.
const OF_ROLLOUT: [&str; 9] = [
    "nodes",
    "max_unavailable",
    "batch",
    "canary",
    "pause_between",
    "order_by",
    "window",
    "max_failures",
    "drain_timeout",
];

impl Declare<'_> {
    pub(super) fn clinch(&mut self, mut block: Block) {
        if self.labels::<0>(&block, "clinch { ... }").is_none() || !self.root_only(&block) {
            return;
        }
        let body = &mut block.body;
        let mut early = |name| body.arguments.remove(name).map(|argument| argument.value);
        let (name, required_version) = (early("name"), early("required_version"));
        let state = self.state(body);
        self.nothing_left(
            body,
            "clinch",
            &["name", "required_version", "state \"KIND\" {}"],
            &["backend", "required_providers", "encryption"],
        );
        if let Some(first) = &self.module.clinch {
            let first = first.span;
            self.duplicate("block", "clinch", block.span, first);
            return;
        }
        self.module.clinch = Some(ClinchBlock { span: block.span, name, required_version, state });
    }

    /// Takes `state "KIND" { ... }`.
    fn state(&mut self, body: &mut Body) -> Option<StateBlock> {
        let (blocks, rest): (Vec<Block>, Vec<Block>) =
            std::mem::take(&mut body.blocks).into_iter().partition(|b| b.name.as_str() == "state");
        body.blocks = rest;
        let mut found: Option<StateBlock> = None;
        for mut block in blocks {
            let Some([kind]) = self.labels::<1>(&block, "state \"KIND\" { ... }") else { continue };
            let known: &[&str] = match kind.as_str() {
                "local" => &[],
                "cluster" => &["namespace", "lease"],
                other => {
                    let detail = format!("A state is not kept in `{}`.", brief(other));
                    self.diags.push(
                        Diagnostic::error(
                            codes::STATE_PLACE,
                            "Unknown place for the state",
                            detail,
                        )
                        .at(block.span, "")
                        .with_help("Write `state \"local\" {}` or `state \"cluster\" {}`."),
                    );
                    continue;
                }
            };
            let arguments = &mut block.body.arguments;
            let mut early = |name: &str| {
                known.contains(&name).then(|| arguments.remove(name)).flatten().map(|a| a.value)
            };
            let (namespace, lease) = (early("namespace"), early("lease"));
            self.nothing_left(&block.body, "state", known, &[]);
            if let Some(first) = &found {
                let first = first.span;
                self.duplicate("block", "state", block.span, first);
                continue;
            }
            found = Some(StateBlock { span: block.span, kind, namespace, lease });
        }
        found
    }

    pub(super) fn cluster(&mut self, block: Block) {
        let Some([name]) = self.labels::<1>(&block, "cluster \"NAME\" { ... }") else { return };
        if !self.root_only(&block) {
            return;
        }
        self.no_blocks_but(&["hosts"], &block.body, "cluster");
        if let Some(first) = self.module.clusters.get(&name) {
            let first = first.span;
            self.duplicate("cluster", name.as_str(), block.span, first);
            return;
        }
        let cluster = ClusterBlock { span: block.span, name: name.clone(), body: block.body };
        self.module.clusters.insert(name, cluster);
    }

    pub(super) fn rollout(&mut self, block: Block) {
        let Some([name]) = self.labels::<1>(&block, "rollout \"NAME\" { ... }") else { return };
        if !self.root_only(&block) {
            return;
        }
        let of_another = |argument: &&str| !OF_ROLLOUT.contains(argument);
        let mut unknown = block.body.clone();
        unknown.arguments.retain(|argument, _| of_another(&argument.as_str()));
        self.nothing_left(&unknown, "rollout", &OF_ROLLOUT, &[]);
        if !block.body.arguments.contains_key("nodes") {
            self.missing(&block, "nodes", "[\"worker-1\", \"worker-2\"]");
        }
        if let Some(first) = self.module.rollouts.iter().find(|r| r.name == name) {
            let first = first.span;
            self.duplicate("rollout", name.as_str(), block.span, first);
            return;
        }
        self.module.rollouts.push(RolloutBlock { span: block.span, name, body: block.body });
    }
}
