//! From blocks to what a module declares.
//!
//! Each kind of block has its file here; [`Take`] is how they take their arguments out of a
//! body, so that what is left over is unknown.

mod conditions;
mod dynamic;
mod module_call;
mod named;
mod resource;
mod settings;
mod take;
mod value;

use crate::codes;
use crate::read::{TOP_LEVEL, is_template};
use crate::syntax::Sink;
use crate::text::{brief, nearest, nfc};
use crate::tree::{Argument, Block, Body, Local, Module};
use addrs::Ident;
use diags::{Diagnostic, Span};
use std::collections::BTreeMap;
use take::is_constant;

/// Blocks of a later version of the language.
const LATER: [(&str, &str); 2] = [
    ("ephemeral", "This version of clinch does not know `ephemeral`."),
    ("action", "This version of clinch does not know `action`."),
];

/// Blocks that other tools have, and what stands for them here.
const ELSEWHERE: [(&str, &str); 2] = [
    ("terraform", "Write the settings of the configuration in `clinch { }`."),
    ("provider", "Resource types are built in; name the clusters with `cluster \"NAME\" { }`."),
];

/// Declares what a block says.
pub(crate) fn declare(module: &mut Module, is_root: bool, block: Block, sink: &mut Sink) {
    Declare { module, is_root, diags: sink }.block(block);
}

/// Complains about arguments outside of every block.
pub(crate) fn outside(arguments: &BTreeMap<Ident, Argument>, sink: &mut Sink) {
    for (name, argument) in arguments {
        let shown = brief(name.as_str());
        let (detail, help) = if TOP_LEVEL.contains(&shown.as_str()) {
            (
                format!("`{shown}` is a block, and this is an argument."),
                format!("Write `{shown} {{ ... }}`, without `=`."),
            )
        } else {
            (
                format!("`{shown}` stands outside of every block."),
                format!(
                    "Write `locals {{ {shown} = ... }}`, or move it into the block it belongs to."
                ),
            )
        };
        sink.push(
            Diagnostic::error(codes::OUTSIDE_BLOCK, "Argument outside of a block", detail)
                .at(argument.span, "")
                .with_help(help),
        );
    }
}

struct Declare<'d> {
    module: &'d mut Module,
    is_root: bool,
    diags: &'d mut Sink,
}

impl Declare<'_> {
    fn block(&mut self, block: Block) {
        match block.name.as_str() {
            "clinch" => self.clinch(block),
            "cluster" => self.cluster(block),
            "rollout" => self.rollout(block),
            "resource" => self.resource(block, addrs::Mode::Managed),
            "data" => self.resource(block, addrs::Mode::Data),
            "variable" => self.variable(block),
            "locals" => self.locals(block),
            "output" => self.output(block),
            "module" => self.module_call(block),
            "check" => self.check(block),
            "moved" => self.moved(block),
            "removed" => self.removed(block),
            "import" => self.import(block),
            _ => self.unknown(&block),
        }
    }

    fn unknown(&mut self, block: &Block) {
        let name = block.name.as_str();
        if let Some((_, why)) = LATER.iter().find(|(later, _)| *later == name) {
            let diagnostic = Diagnostic::error(codes::NOT_YET, "Not in this version", *why);
            self.diags.push(diagnostic.at(block.span, ""));
            return;
        }
        let detail = format!("There is no block `{}` at the top level of a file.", brief(name));
        let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == name);
        let help = match (elsewhere, nearest(name, TOP_LEVEL)) {
            (Some((_, instead)), _) => (*instead).to_owned(),
            (None, Some(near)) => format!("Did you mean `{near}`?"),
            (None, None) if block.labels.len() == 1 => format!(
                "Did you mean `resource \"{}\" \"{}\"`?",
                brief(name),
                brief(&block.labels[0].0)
            ),
            (None, None) => format!("The blocks are `{}`.", TOP_LEVEL.join("`, `")),
        };
        self.diags.push(
            Diagnostic::error(codes::UNKNOWN_BLOCK, "Unknown block", detail)
                .at(block.span, "")
                .with_help(help),
        );
    }

    fn locals(&mut self, block: Block) {
        if self.labels::<0>(&block, "locals { NAME = VALUE }").is_none() {
            return;
        }
        self.no_blocks(&block.body, "locals");
        for (name, argument) in block.body.arguments {
            if let Some(first) = self.module.locals.get(&name) {
                let first = first.span;
                self.duplicate("local value", name.as_str(), argument.span, first);
                continue;
            }
            let local = Local { span: argument.span, value: argument.value };
            self.module.locals.insert(name, local);
        }
    }

    /// The labels of a block when there are exactly `N` and each is an identifier.
    fn labels<const N: usize>(&mut self, block: &Block, form: &str) -> Option<[Ident; N]> {
        if block.labels.len() != N {
            let few = block.labels.len() < N;
            let at = match block.labels.get(N) {
                Some((_, extra)) => *extra,
                None => block.span,
            };
            let detail = format!(
                "The block `{}` has {}, and this one has {}.",
                block.name,
                match N {
                    0 => "no label",
                    1 => "one label",
                    _ => "two labels",
                },
                match block.labels.len() {
                    0 => "none".to_owned(),
                    1 => "one".to_owned(),
                    n => n.to_string(),
                }
            );
            let summary = if few { "Label missing" } else { "Too many labels" };
            self.diags.push(
                Diagnostic::error(codes::LABELS, summary, detail)
                    .at(at, "")
                    .with_help(format!("Write `{form}`.")),
            );
            return None;
        }
        let idents: Vec<Ident> =
            block.labels.iter().filter_map(|(text, span)| self.label(text, *span)).collect();
        idents.try_into().ok()
    }

    fn label(&mut self, text: &str, span: Span) -> Option<Ident> {
        if let Ok(ident) = nfc(text).parse() {
            return Some(ident);
        }
        if is_template(text) {
            // The reader has complained.
            return None;
        }
        let detail = if text.is_empty() {
            "The label is empty.".to_owned()
        } else {
            format!("The label `{}` is not an identifier.", brief(text))
        };
        let plain: String = text
            .chars()
            .take(60)
            .map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' })
            .collect();
        let mut diagnostic =
            Diagnostic::error(codes::NOT_AN_IDENTIFIER, "Not an identifier", detail).at(span, "");
        diagnostic = match plain.parse::<Ident>() {
            Ok(plain) => {
                diagnostic.with_help(format!("Use letters, digits, `_` and `-`: `{plain}`."))
            }
            Err(_) => diagnostic
                .with_help("Use letters, digits, `_` and `-`, beginning with a letter or `_`."),
        };
        self.diags.push(diagnostic);
        None
    }

    fn duplicate(&mut self, what: &str, name: &str, second: Span, first: Span) {
        let detail = format!("The {what} `{}` is declared twice in one module.", brief(name));
        self.diags.push(
            Diagnostic::error(codes::DUPLICATE, "Declared twice", detail)
                .at(second, "again here")
                .at(first, "first here")
                .with_help("Rename one of the two, or remove it."),
        );
    }

    fn root_only(&mut self, block: &Block) -> bool {
        if !self.is_root {
            let detail = format!(
                "`{}` stands in the directory that clinch runs in, not in a module it calls.",
                block.name
            );
            self.diags.push(
                Diagnostic::error(codes::ROOT_ONLY, "Block of the root module", detail)
                    .at(block.span, "")
                    .with_help("Move it to the root module."),
            );
        }
        self.is_root
    }

    fn no_blocks(&mut self, body: &Body, of: &str) {
        self.no_blocks_but(&[], body, of);
    }

    fn no_blocks_but(&mut self, known: &[&str], body: &Body, of: &str) {
        for block in body.blocks.iter().filter(|block| !known.contains(&block.name.as_str())) {
            let shown = brief(block.name.as_str());
            if matches!(block.name.as_str(), "lifecycle" | "dynamic") {
                let detail = format!("This version of clinch does not know `{shown}` in `{of}`.");
                let diagnostic = Diagnostic::error(codes::NOT_YET, "Not in this version", detail);
                self.diags.push(diagnostic.at(block.span, ""));
                continue;
            }
            self.diags.push(
                Diagnostic::error(
                    codes::UNKNOWN_ARGUMENT,
                    "Unknown block",
                    format!("`{of}` has no block `{shown}`."),
                )
                .at(block.span, "")
                .with_help(format!("Did you mean the argument `{shown} = {{ ... }}`?")),
            );
        }
    }
}
