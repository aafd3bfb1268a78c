//! `module`: a call of another directory.

use super::Declare;
use crate::codes;
use crate::tree::{Block, Expr, ModuleCall};
use diags::Diagnostic;

impl Declare<'_> {
    pub(super) fn module_call(&mut self, mut block: Block) {
        let Some([name]) = self.labels::<1>(&block, "module \"NAME\" { ... }") else { return };
        let source = self.source(&mut block);
        let repeat = self.repeat(&mut block.body);
        let depends_on = self.depends_on(&mut block.body);
        let repeat = match self.call_lifecycle(&mut block.body) {
            Some(enabled) => self.enabled(repeat, enabled),
            None => repeat,
        };
        self.no_blocks(&block.body, "module");
        for (unused, why) in [
            ("version", "A local module has no version."),
            ("providers", "clinch has its resource types built in; a module gets no providers."),
        ] {
            if let Some(argument) = block.body.arguments.remove(unused) {
                self.diags.push(
                    Diagnostic::error(codes::UNKNOWN_ARGUMENT, "Unknown argument", why)
                        .at(argument.span, "")
                        .with_help("Remove the argument."),
                );
            }
        }
        if let Some(first) = self.module.calls.get(&name) {
            let first = first.span;
            self.duplicate("module", name.as_str(), block.span, first);
            return;
        }
        // Without a source there is nothing to call.
        let Some(source) = source else { return };
        let (span, arguments) = (block.span, block.body.arguments);
        let call = ModuleCall { span, name: name.clone(), source, arguments, repeat, depends_on };
        self.module.calls.insert(name, call);
    }

    fn source(&mut self, block: &mut Block) -> Option<Expr> {
        let source = block.body.arguments.remove("source");
        if source.is_none() {
            self.missing(block, "source", "\"./DIRECTORY\"");
        }
        source.map(|argument| argument.value)
    }
}
