//! The configuration as a tree of our own: compact, with a span on everything. Here are blocks and
//! arguments; what stands behind a `=` is in [`crate::expr`].

pub use crate::expr::*;

use addrs::{Ident, ModulePath, ResourceAddr};
use diags::Span;
use litemap::LiteMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use values::{Step, Type, Value};

/// All modules of a configuration by their path; the root's path is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Every module once for each chain of calls that leads to it.
    pub modules: BTreeMap<ModulePath, Module>,
    /// Objects in files of YAML, by the pattern that names the files.
    pub manifests: BTreeMap<String, Manifests>,
    /// Files that expressions read, by their names relative to the root.
    pub files: BTreeMap<String, TextFile>,
    /// Files as templates; `None` for one that cannot be read as one.
    pub templates: BTreeMap<String, Option<Expr>>,
    /// The names of files, in order, by the pattern that means them; `None` when they could not
    /// be looked for.
    pub file_sets: BTreeMap<String, Option<Vec<String>>>,
}

/// A file that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextFile {
    /// There is none of this name.
    Absent,
    /// There is one, and it cannot be read; why was told.
    Unreadable,
    /// Its text.
    Text(diags::SourceId, Arc<str>),
}

/// What the files of one pattern hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifests {
    /// By kind, namespace if there is one, and name: `Deployment/team-a/web`.
    pub objects: BTreeMap<Arc<str>, Manifest>,
    /// The files, also those that hold no object.
    pub sources: Vec<diags::SourceId>,
    /// Whether everything could be read.
    pub complete: bool,
}

/// An object in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file.
    pub source: diags::SourceId,
    /// What stands there, with places.
    pub node: yaml::Node,
    /// The same as a value.
    pub value: values::Value,
}

/// What one directory declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Module {
    /// Its directory as the user would type it, `.` for the root.
    pub dir: String,
    /// `clinch { }`, of the root only.
    pub clinch: Option<ClinchBlock>,
    /// `cluster "NAME" { }`, of the root only.
    pub clusters: BTreeMap<Ident, ClusterBlock>,
    /// `rollout "NAME" { }`, of the root only, in the order in which they are written.
    pub rollouts: Vec<RolloutBlock>,
    /// `variable "NAME" { }`.
    pub variables: BTreeMap<Ident, Variable>,
    /// `locals { NAME = ... }`.
    pub locals: BTreeMap<Ident, Local>,
    /// `output "NAME" { }`.
    pub outputs: BTreeMap<Ident, Output>,
    /// `resource` and `data` blocks.
    pub resources: BTreeMap<ResourceAddr, Resource>,
    /// `module "NAME" { }`.
    pub calls: BTreeMap<Ident, ModuleCall>,
    /// `check "NAME" { }`.
    pub checks: BTreeMap<Ident, Check>,
    /// `moved { }`, in order.
    pub moved: Vec<crate::Moved>,
    /// `removed { }`, in order.
    pub removed: Vec<crate::Removed>,
    /// `import { }`, of the root only, in order.
    pub imports: Vec<crate::Import>,
}

/// `clinch { name = "...", required_version = "...", state "cluster" {} }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinchBlock {
    /// The whole block.
    pub span: Span,
    /// The configuration's name. This and what follows is decided early, from variables and
    /// locals alone ([`crate::EarlyTexts`]).
    pub name: Option<Expr>,
    /// Which versions of clinch may use it.
    pub required_version: Option<Expr>,
    /// Where the state is kept.
    pub state: Option<StateBlock>,
}

/// `state "cluster" { namespace = "...", lease = "60s" }`, or `state "local" {}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateBlock {
    /// The header of the block.
    pub span: Span,
    /// Its label.
    pub kind: Ident,
    /// The namespace of a state in the cluster.
    pub namespace: Option<Expr>,
    /// How long a lock holds without a sign of life.
    pub lease: Option<Expr>,
}

/// `cluster "NAME" { kubeconfig = ..., context = ..., uid = ..., hosts { ... } }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterBlock {
    /// The header of the block.
    pub span: Span,
    /// Its label.
    pub name: Ident,
    /// Its arguments, evaluated from variables and locals alone.
    pub body: Body,
}

/// `rollout "NAME" { nodes = ..., max_unavailable = ..., ... }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutBlock {
    /// The header of the block.
    pub span: Span,
    /// Its label.
    pub name: Ident,
    /// Its arguments.
    pub body: Body,
}

/// What must hold: `validation`, `precondition`, `postcondition` or `assert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The header of the block.
    pub span: Span,
    /// True when it holds.
    pub condition: Expr,
    /// What to say when it does not.
    pub error_message: Expr,
}

/// `check "NAME" { assert { ... } }`: what is only warned of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The header of the block.
    pub span: Span,
    /// `assert { }`, in order.
    pub asserts: Vec<Condition>,
}

/// `variable "NAME" { type, default, description, sensitive, ephemeral }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The header of the block.
    pub span: Span,
    /// Its label.
    pub name: Ident,
    /// [`Type::Any`] when none is given.
    pub ty: Type,
    /// A constant expression.
    pub default: Option<Expr>,
    /// For people.
    pub description: Option<String>,
    /// Whether its value is never printed.
    pub sensitive: bool,
    /// Whether its value is for this run alone, and kept nowhere; it is sensitive then, too.
    pub ephemeral: bool,
    /// Whether null is a value of it.
    pub nullable: bool,
    /// `validation { }`, in order.
    pub validations: Vec<Condition>,
}

/// One name of a `locals` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Its name's place.
    pub span: Span,
    /// Its value.
    pub value: Expr,
}

/// `output "NAME" { value, description, sensitive, ephemeral, depends_on }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The header of the block.
    pub span: Span,
    /// Its value.
    pub value: Expr,
    /// For people.
    pub description: Option<String>,
    /// Whether its value is never printed.
    pub sensitive: bool,
    /// Whether its value is for this run alone; it is sensitive then, too.
    pub ephemeral: bool,
    /// `depends_on`: references, in order.
    pub depends_on: Vec<Expr>,
    /// `precondition { }`, in order.
    pub preconditions: Vec<Condition>,
}

/// A `resource` or `data` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its address.
    pub addr: ResourceAddr,
    /// The header of the block.
    pub span: Span,
    /// The type's label.
    pub ty_span: Span,
    /// Arguments and nested blocks that are the type's own.
    pub body: Body,
    /// One instance or many.
    pub repeat: Repeat,
    /// `depends_on`: references, in order.
    pub depends_on: Vec<Expr>,
    /// `lifecycle { }`, when there is one.
    pub lifecycle: Option<Box<Lifecycle>>,
}

impl Resource {
    /// What `lifecycle { }` says; without one, nothing.
    pub fn lifecycle(&self) -> &Lifecycle {
        self.lifecycle.as_deref().unwrap_or(&NO_LIFECYCLE)
    }
}

/// One instance or many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Repeat {
    /// One.
    #[default]
    Once,
    /// `count`.
    Count(Expr),
    /// `for_each`.
    ForEach(Expr),
    /// `lifecycle { enabled }`: one without a key, or none.
    Enabled(Expr),
}

/// `lifecycle { prevent_destroy, create_before_destroy, ... }`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// Refuse every plan that deletes it.
    pub prevent_destroy: Option<Expr>,
    /// Create the object that it means from now on before the one that it meant is deleted.
    pub create_before_destroy: Option<Expr>,
    /// References to resources, to instances of them or to their attributes: what replaces it
    /// when it changes.
    pub replace_triggered_by: Vec<Expr>,
    /// Paths to leave as they are, or all.
    pub ignore_changes: Ignore,
    /// How long to wait until it is ready.
    pub wait_timeout: Option<Expr>,
    /// What becomes of the object once nothing declares it: `delete` or `release`.
    pub delete: Option<Expr>,
    /// `precondition { }`, in order: what must hold before it is touched or read.
    pub preconditions: Vec<Condition>,
    /// `postcondition { }`, in order: what must hold of what it is then.
    pub postconditions: Vec<Condition>,
}

/// What a resource without the block has.
static NO_LIFECYCLE: Lifecycle = Lifecycle {
    prevent_destroy: None,
    create_before_destroy: None,
    replace_triggered_by: Vec::new(),
    ignore_changes: Ignore::Nothing,
    wait_timeout: None,
    delete: None,
    preconditions: Vec::new(),
    postconditions: Vec::new(),
};

/// `ignore_changes`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Ignore {
    /// Nothing.
    #[default]
    Nothing,
    /// These arguments: `[data, spec.replicas]`.
    Paths(Vec<(values::Path, Span)>),
    /// Everything, once it exists.
    All(Span),
}

/// `module "NAME" { source, ... }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleCall {
    /// The header of the block.
    pub span: Span,
    /// Its label.
    pub name: Ident,
    /// The directory: `./x` or `../x`, decided early ([`crate::EarlyTexts`]).
    pub source: Expr,
    /// The module's variables.
    pub arguments: Arguments,
    /// One instance or many.
    pub repeat: Repeat,
    /// `depends_on`: references, in order.
    pub depends_on: Vec<Expr>,
}

/// The arguments of a block by name: few, in very many blocks, so a sorted list and no tree.
pub type Arguments = LiteMap<Ident, Argument>;

/// The inside of a block: arguments by name and nested blocks in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// From `{` to `}`.
    pub span: Option<Span>,
    /// `NAME = EXPRESSION`.
    pub arguments: Arguments,
    /// `NAME { ... }`, in order.
    pub blocks: Vec<Block>,
}

/// `NAME = EXPRESSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The name's place.
    pub span: Span,
    /// The value.
    pub value: Expr,
}

/// A nested block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its name and labels.
    pub span: Span,
    /// Its name.
    pub name: Ident,
    /// Its labels.
    pub labels: Vec<(String, Span)>,
    /// Its inside.
    pub body: Body,
    /// `dynamic "NAME" { }`: the block once for each item of something.
    pub each: Option<Box<Dynamic>>,
}

/// What `dynamic` says beside the content of its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dynamic {
    /// Over what: a list, set, map or object.
    pub for_each: Expr,
    /// The name that has `key` and `value` of the item: `iterator`, or the block's own name.
    pub iterator: Ident,
    /// All expressions of the blocks as one `for` that binds the iterator, to find out what they
    /// refer to; never evaluated.
    pub mentions: Expr,
}

/// Where the steps of a path lead to within a body.
#[derive(Debug, Clone, Copy)]
pub enum Found<'b, 's> {
    /// To an argument, and maybe further into its value.
    Argument(&'b Expr, &'s [Step]),
    /// To a block, and to nothing that is written in it.
    Block(&'b Block),
}

impl Body {
    /// The deepest part that the steps lead to; `None` when not even the first is written.
    pub fn part<'b, 's>(&'b self, steps: &'s [Step]) -> Option<Found<'b, 's>> {
        let (Step::Attr(name), rest) = steps.split_first()? else { return None };
        if let Some(argument) = self.arguments.get(&**name) {
            return Some(Found::Argument(&argument.value, rest));
        }
        let mut blocks = self.blocks.iter().filter(|b| b.name == **name);
        // Which of its blocks comes from which item shows only with values.
        if let Some(repeated) = blocks.clone().find(|b| b.each.is_some()) {
            return Some(Found::Block(repeated));
        }
        let (block, inner) = match rest.split_first() {
            None | Some((Step::Attr(_), _)) => (blocks.next()?, rest),
            Some((Step::Index(i), inner)) => (blocks.nth(*i)?, inner),
            Some((Step::Item(key), inner)) => {
                let has = |b: &Block, name: &str, value: &Value| {
                    b.body.arguments.get(name).is_some_and(|a| literal_is(&a.value, value))
                };
                (blocks.find(|b| key.0.iter().all(|(name, value)| has(b, name, value)))?, inner)
            }
        };
        Some(block.body.part(inner).unwrap_or(Found::Block(block)))
    }
}

fn literal_is(expr: &Expr, value: &Value) -> bool {
    match (&expr.kind, value) {
        (ExprKind::String(s), Value::String(v)) => s == v,
        (ExprKind::Number(n), Value::Number(v)) => n == v,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_and_an_argument_are_small() {
        assert!(size_of::<Argument>() <= 56 && size_of::<Resource>() <= 240);
    }
}
