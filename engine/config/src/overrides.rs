//! Files of overrides: `override.hcl` and those whose names end in `_override.hcl`.
//!
//! What they say is laid over the blocks of the other files of the module, by Terraform's rules:
//! an argument takes the place of the one of its name, nested blocks take the place of all of
//! their type, and of `lifecycle` the arguments are laid over one by one (Terraform, "Override
//! Files", section "Merging Behavior"). Everything keeps its place, so whatever is wrong with a
//! value points at the file that it comes from.

use crate::codes;
use crate::syntax::Sink;
use crate::text::{brief, nearest};
use crate::tree::{Argument, Block, Body};
use addrs::Ident;
use diags::{Diagnostic, Span};
use std::collections::BTreeMap;

/// Blocks that have no name by which they could be overridden.
const NAMELESS: [&str; 4] = ["check", "moved", "removed", "import"];

/// Whether a file, by its name or path, holds overrides.
pub(crate) fn is_override(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    let stem = base.strip_suffix(".json").unwrap_or(base);
    let stem = stem.strip_suffix(".hcl").unwrap_or(stem);
    stem == "override" || stem.ends_with("_override")
}

/// What the files of overrides of one module say.
#[derive(Default)]
pub(crate) struct Overrides {
    /// In the order in which they are laid over, each with whether there is something below.
    blocks: Vec<(Block, bool)>,
    locals: BTreeMap<Ident, (Argument, bool)>,
    /// Headers of the other blocks, for a slip of the pen; kept only when there are overrides.
    seen: Vec<String>,
}

impl Overrides {
    /// Takes a block of a file of overrides. Files come in the order of their names.
    pub(crate) fn take(&mut self, block: Block, sink: &mut Sink) {
        if NAMELESS.contains(&block.name.as_str()) {
            let detail = format!("A block `{}` cannot be overridden.", block.name);
            let help = "Move it to a file whose name does not end in `_override`.";
            sink.push(problem("Block that cannot be overridden", detail, help, block.span));
        } else if block.name == *"locals" {
            for (name, argument) in block.body.arguments {
                self.locals.insert(name, (argument, false));
            }
        } else {
            if let Some(argument) = block.body.arguments.get("depends_on") {
                let detail = "`depends_on` cannot be overridden.".to_owned();
                let help = "Write it in the block itself.";
                sink.push(problem(
                    "Argument that cannot be overridden",
                    detail,
                    help,
                    argument.span,
                ));
            }
            self.blocks.push((block, false));
        }
    }

    /// The block with everything that is laid over it.
    pub(crate) fn over(&mut self, mut block: Block) -> Block {
        if self.blocks.is_empty() && self.locals.is_empty() {
            return block;
        }
        if block.name == *"locals" {
            for (name, (argument, used)) in &mut self.locals {
                if let Some(below) = block.body.arguments.get_mut(name) {
                    below.clone_from(argument);
                    *used = true;
                }
            }
            return block;
        }
        for (over, used) in &mut self.blocks {
            if is_same(&block, over) {
                lay_over(&mut block.body, &over.body);
                *used = true;
            }
        }
        self.seen.push(header(&block));
        block
    }

    /// Complains about what overrides nothing.
    pub(crate) fn finish(self, sink: &mut Sink) {
        let summary = "Nothing to override";
        for (over, _) in self.blocks.iter().filter(|(_, used)| !used) {
            let header = header(over);
            let detail = format!("No other file of this module declares `{header}`.");
            let help = match nearest(&header, self.seen.iter().map(String::as_str)) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Declare it in a file whose name does not end in `_override`.".to_owned(),
            };
            sink.push(problem(summary, detail, &help, over.span));
        }
        for (name, (argument, _)) in self.locals.iter().filter(|(_, (_, used))| !used) {
            let detail = format!(
                "No other file of this module declares the local value `{}`.",
                brief(name.as_str())
            );
            let help = "Declare it in a file whose name does not end in `_override`.";
            sink.push(problem(summary, detail, help, argument.span));
        }
    }
}

fn problem(summary: &'static str, detail: String, help: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::BAD_OVERRIDE, summary, detail).at(at, "").with_help(help)
}

fn is_same(block: &Block, over: &Block) -> bool {
    let labels = |block: &Block| -> Vec<String> {
        block.labels.iter().map(|(text, _)| text.clone()).collect()
    };
    block.name == over.name && labels(block) == labels(over)
}

fn header(block: &Block) -> String {
    let labels = block.labels.iter().map(|(text, _)| format!(" \"{}\"", brief(text)));
    format!("{}{}", block.name, labels.collect::<String>())
}

fn lay_over(below: &mut Body, over: &Body) {
    for (name, argument) in &over.arguments {
        // Either says how many instances there are.
        match name.as_str() {
            "count" => drop(below.arguments.remove("for_each")),
            "for_each" => drop(below.arguments.remove("count")),
            "depends_on" => continue,
            _ => {}
        }
        below.arguments.insert(name.clone(), argument.clone());
    }
    let (lifecycle, others): (Vec<&Block>, Vec<&Block>) =
        over.blocks.iter().partition(|block| block.name == *"lifecycle");
    below.blocks.retain(|block| !others.iter().any(|over| kind(over) == kind(block)));
    below.blocks.extend(others.into_iter().cloned());
    for over in lifecycle {
        match below.blocks.iter_mut().find(|block| block.name == *"lifecycle") {
            Some(block) => lay_over(&mut block.body, &over.body),
            None => below.blocks.push(over.clone()),
        }
    }
}

/// The type of the blocks that a block stands for.
fn kind(block: &Block) -> &str {
    match block.labels.first() {
        Some((label, _)) if block.name == *"dynamic" => label,
        _ => block.name.as_str(),
    }
}
