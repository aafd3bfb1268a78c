//! `clinch` and `cluster`: what a configuration is and where it goes.

use super::Declare;
use crate::tree::{Block, ClinchBlock, ClusterBlock};

impl Declare<'_> {
    pub(super) fn clinch(&mut self, mut block: Block) {
        if self.labels::<0>(&block, "clinch { ... }").is_none() || !self.root_only(&block) {
            return;
        }
        let body = &mut block.body;
        let name = self.text(body, "name");
        let required_version = self.text(body, "required_version");
        self.nothing_left(
            body,
            "clinch",
            &["name", "required_version"],
            &["backend", "state", "required_providers", "encryption"],
        );
        if let Some(first) = &self.module.clinch {
            let first = first.span;
            self.duplicate("block", "clinch", block.span, first);
            return;
        }
        self.module.clinch = Some(ClinchBlock { span: block.span, name, required_version });
    }

    pub(super) fn cluster(&mut self, block: Block) {
        let Some([name]) = self.labels::<1>(&block, "cluster \"NAME\" { ... }") else { return };
        if !self.root_only(&block) {
            return;
        }
        self.no_blocks(&block.body, "cluster");
        if let Some(first) = self.module.clusters.get(&name) {
            let first = first.span;
            self.duplicate("cluster", name.as_str(), block.span, first);
            return;
        }
        let cluster = ClusterBlock { span: block.span, name: name.clone(), body: block.body };
        self.module.clusters.insert(name, cluster);
    }
}
