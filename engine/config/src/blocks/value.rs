//! `variable` and `output`: what goes into a module and what comes out.

use super::{Declare, is_constant};
use crate::codes;
use crate::tree::{Block, Output, Variable};
use crate::types;
use diags::Diagnostic;
use values::Type;

/// Arguments of every `module` block: a variable of this name could never be set.
const RESERVED: [&str; 8] =
    ["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

impl Declare<'_> {
    pub(super) fn variable(&mut self, mut block: Block) {
        let Some([name]) = self.labels::<1>(&block, "variable \"NAME\" { ... }") else { return };
        if RESERVED.contains(&name.as_str()) {
            let at = block.labels.first().map_or(block.span, |(_, span)| *span);
            self.diags.push(
                Diagnostic::error(
                    codes::RESERVED_NAME,
                    "Reserved name",
                    format!(
                        "`{name}` is an argument of every `module` block, so no variable can be."
                    ),
                )
                .at(at, "")
                .with_help("Choose another name."),
            );
        }
        let body = &mut block.body;
        let ty = match body.arguments.remove("type") {
            Some(argument) => types::read(&argument.value, self.diags),
            None => Type::Any,
        };
        let default = body.arguments.remove("default").map(|argument| argument.value);
        if let Some(value) = default.as_ref().filter(|value| !is_constant(value)) {
            self.not_constant("default", value, "a value without references and functions");
        }
        let description = self.text(body, "description").map(|(text, _)| text);
        let ephemeral = self.truth(body, "ephemeral", false);
        let sensitive = self.truth(body, "sensitive", false) || ephemeral;
        let nullable = self.truth(body, "nullable", true);
        let validations = self.conditions(body, "validation");
        self.nothing_left(
            body,
            "variable",
            &["type", "default", "description", "sensitive", "ephemeral", "nullable", "validation"],
            &["deprecated", "const"],
        );
        if let Some(first) = self.module.variables.get(&name) {
            let first = first.span;
            self.duplicate("variable", name.as_str(), block.span, first);
            return;
        }
        let span = block.span;
        let variable = Variable {
            span,
            name: name.clone(),
            ty,
            default,
            description,
            sensitive,
            ephemeral,
            nullable,
            validations,
        };
        self.module.variables.insert(name, variable);
    }

    pub(super) fn output(&mut self, mut block: Block) {
        let Some([name]) = self.labels::<1>(&block, "output \"NAME\" { ... }") else { return };
        let value = self.required(&mut block, "value", "...");
        let body = &mut block.body;
        let description = self.text(body, "description").map(|(text, _)| text);
        let ephemeral = self.truth(body, "ephemeral", false);
        let sensitive = self.truth(body, "sensitive", false) || ephemeral;
        let depends_on = self.depends_on(body);
        let preconditions = self.conditions(body, "precondition");
        self.nothing_left(
            body,
            "output",
            &["value", "description", "sensitive", "ephemeral", "depends_on", "precondition"],
            &["deprecated", "type"],
        );
        if let Some(first) = self.module.outputs.get(&name) {
            let first = first.span;
            self.duplicate("output", name.as_str(), block.span, first);
            return;
        }
        let span = block.span;
        let output =
            Output { span, value, description, sensitive, ephemeral, depends_on, preconditions };
        self.module.outputs.insert(name, output);
    }
}
