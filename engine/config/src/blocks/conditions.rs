//! What must hold: `validation`, `precondition`, `postcondition`, and `assert` in a `check`.

use super::Declare;
use crate::tree::{Block, Body, Check, Condition};

impl Declare<'_> {
    /// Takes all blocks of this name out of a body.
    pub(super) fn conditions(&mut self, body: &mut Body, kind: &str) -> Vec<Condition> {
        let (found, kept): (Vec<Block>, Vec<Block>) =
            std::mem::take(&mut body.blocks).into_iter().partition(|block| block.name == *kind);
        body.blocks = kept;
        found.into_iter().filter_map(|block| self.condition(block, kind)).collect()
    }

    fn condition(&mut self, mut block: Block, kind: &str) -> Option<Condition> {
        self.labels::<0>(&block, &format!("{kind} {{ ... }}"))?;
        let given = |name: &str| block.body.arguments.contains_key(name);
        let complete = given("condition") && given("error_message");
        let condition = self.required(&mut block, "condition", "...");
        let error_message = self.required(&mut block, "error_message", "\"...\"");
        self.nothing_left(&block.body, kind, &["condition", "error_message"], &[]);
        complete.then_some(Condition { span: block.span, condition, error_message })
    }

    /// A data source in it is one of the module: it is read once, and may be referred to.
    pub(super) fn check(&mut self, mut block: Block) {
        let Some([name]) = self.labels::<1>(&block, "check \"NAME\" { ... }") else { return };
        let asserts = self.conditions(&mut block.body, "assert");
        let (data, rest): (Vec<Block>, Vec<Block>) = std::mem::take(&mut block.body.blocks)
            .into_iter()
            .partition(|inner| inner.name == *"data");
        block.body.blocks = rest;
        for inner in data {
            self.resource(inner, addrs::Mode::Data);
        }
        if asserts.is_empty() && block.body.blocks.is_empty() {
            self.missing_block(&block, "assert");
        }
        self.nothing_left(&block.body, "check", &["assert", "data"], &[]);
        if let Some(first) = self.module.checks.get(&name) {
            let first = first.span;
            self.duplicate("check", name.as_str(), block.span, first);
            return;
        }
        self.module.checks.insert(name, Check { span: block.span, asserts });
    }
}
