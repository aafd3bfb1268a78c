//! Every declared instance with its arguments and its identity.

use crate::needs::Order;
use crate::{Needs, PlanInput, Read, adopted, codes};
use addrs::{InstanceAddr, Mode, ResourceAddr};
use diags::{Diagnostic, Diagnostics};
use lang::{Evaluator, Imported, Refused};
use plans::{Exported, Identity, Mode as PlanMode, ObjectKey, Problem};
use provider::{ResourceKind, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use values::{Path, Role, Schema, Type, Value};

/// One managed instance.
pub(crate) struct Declared<'a> {
    pub(crate) addr: InstanceAddr,
    pub(crate) kind: &'a dyn ResourceKind,
    pub(crate) args: Value,
    pub(crate) identity: Identity,
    /// Whether `lifecycle` says nothing about it.
    pub(crate) plain: bool,
}

/// All managed instances, in an order in which each comes after what it refers to.
#[derive(Default)]
pub(crate) struct Declaration<'a> {
    pub(crate) instances: Vec<Declared<'a>>,
    /// Which instance comes before which.
    pub(crate) order: Order,
    /// Which instance declares an object, by its position.
    pub(crate) owners: BTreeMap<ObjectKey, usize>,
    /// Instances that could not be declared; what needs them is not planned.
    pub(crate) failed: BTreeSet<InstanceAddr>,
    /// Blocks whose instances are not even known.
    pub(crate) failed_blocks: BTreeSet<ResourceAddr>,
    /// Objects that are to be taken over.
    pub(crate) imports: Vec<Imported>,
    /// Data sources to read first.
    reads: Vec<Read>,
    pub(crate) diagnostics: Diagnostics,
}

impl Declaration<'_> {
    /// What hangs on a value that a module refuses is not planned, nor looked at for it.
    fn refuse(&mut self, refused: &Refused) {
        let kept = self.instances.iter().map(|d| &d.addr).filter(|addr| refused.keeps(addr));
        self.failed.extend(kept.cloned());
        self.reads.retain(|read| !refused.keeps(&read.addr));
    }

    /// What must be looked at before anything of it can be decided.
    pub(crate) fn needs(&self, input: &PlanInput<'_, '_>) -> Needs {
        let unseen = |d: &&Declared<'_>| {
            !input.observed.contains_key(&d.identity.key) && !self.failed.contains(&d.addr)
        };
        let wanted =
            |d: &Declared<'_>| Wanted { ty: d.addr.ty.clone(), identity: d.identity.clone() };
        Needs {
            reads: self.reads.clone(),
            observations: self.instances.iter().filter(unseen).map(wanted).collect(),
            previews: Vec::new(),
        }
    }
}

/// What is declared, kept from one call to the next: it changes only when a data source was
/// read in between.
#[derive(Default)]
pub struct Draft<'a> {
    declaration: Option<Declaration<'a>>,
    /// How many data sources were read when it was made; none is ever forgotten.
    reads: usize,
}

impl<'a> Draft<'a> {
    pub(crate) fn declared(&mut self, input: &PlanInput<'a, '_>) -> &Declaration<'a> {
        let reads = input.reads.len();
        let kept = self.declaration.take().filter(|_| self.reads == reads);
        self.reads = reads;
        self.declaration.insert(kept.unwrap_or_else(|| declare(input)))
    }
}

/// Evaluates every block. In destroy mode nothing is declared: all that the state remembers
/// goes.
fn declare<'a>(input: &PlanInput<'a, '_>) -> Declaration<'a> {
    let mut out = Declaration::default();
    if input.options.mode == PlanMode::Destroy {
        return out;
    }
    let references = input.references;
    let mut evaluator = evaluator(input);
    let invalid = evaluator.validations();
    if invalid.has_errors() {
        // What follows from a value that is refused would only repeat it.
        out.diagnostics.extend(invalid);
        let blocks = references.order().iter().map(|number| references.addr(*number));
        out.failed_blocks.extend(blocks.cloned());
        return out;
    }
    let mut blocks = Vec::new();
    for number in references.order() {
        let (block, first) = (references.addr(*number), out.instances.len());
        let mut needs = references.needs(*number).iter().map(|need| references.addr(*need));
        if needs.any(|need| out.failed_blocks.contains(need)) {
            out.failed_blocks.insert(block.clone());
            continue;
        }
        match evaluator.instances(block) {
            Ok(instances) => {
                let plain = evaluator.is_plain(block);
                for addr in instances {
                    let declared = match block.mode {
                        Mode::Data => data(input, &mut evaluator, &addr, &mut out),
                        Mode::Managed => managed(input, &mut evaluator, &addr, plain, &mut out),
                    };
                    if !declared {
                        out.failed.insert(addr);
                        out.failed_blocks.insert(block.clone());
                    }
                }
            }
            Err(problems) => {
                out.diagnostics.extend(problems);
                out.failed_blocks.insert(block.clone());
            }
        }
        if out.instances.len() > first {
            blocks.push((*number, first..out.instances.len()));
        }
    }
    let (refused, problems) = evaluator.validations_of_modules();
    out.diagnostics.extend(problems);
    out.refuse(&refused);
    let (imports, problems) = evaluator.imports();
    out.diagnostics.extend(problems);
    out.imports = imports;
    let alone = adopted::of_nothing(&out);
    out.diagnostics.extend(alone);
    out.order = Order::of(references, &out.instances, &out.owners, &blocks);
    out
}

/// An evaluator that knows the variables and the data sources read so far.
pub(crate) fn evaluator<'a>(input: &PlanInput<'a, '_>) -> Evaluator<'a> {
    let variables = input.variables.clone();
    let cwd = &input.options.cwd;
    let mut evaluator =
        Evaluator::new(input.config, input.schemas, input.references, variables, cwd);
    for (addr, exported) in input.reads {
        evaluator.set(addr.clone(), exported.clone());
    }
    evaluator
}

fn data(
    input: &PlanInput<'_, '_>,
    evaluator: &mut Evaluator<'_>,
    addr: &InstanceAddr,
    out: &mut Declaration<'_>,
) -> bool {
    if let Some(exported) = input.reads.get(addr) {
        let (_, problems) = evaluator.postconditions(addr, exported);
        let failed = problems.has_errors();
        out.diagnostics.extend(problems);
        return !failed;
    }
    let (_, problems) = evaluator.preconditions(addr);
    if problems.has_errors() {
        out.diagnostics.extend(problems);
        return false;
    }
    let (args, problems) = evaluator.arguments(addr);
    let failed = problems.has_errors();
    out.diagnostics.extend(problems);
    let Some(kind) = input.catalog.data(addr.ty.as_str()).filter(|_| !failed) else { return false };
    let problems = kind.check(&args);
    if !place_all(evaluator, addr, problems, &mut out.diagnostics) {
        return false;
    }
    evaluator.set(addr.clone(), Value::Unknown(Type::Any));
    if !args.is_known() {
        // Whether it will be known in a later round, once something else has been read.
        if out.reads.is_empty() {
            out.diagnostics.push(too_early(evaluator, addr));
            return false;
        }
        return true;
    }
    out.reads.push(Read { addr: addr.clone(), ty: addr.ty.clone(), args });
    true
}

fn too_early(evaluator: &Evaluator<'_>, addr: &InstanceAddr) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        codes::DATA_TOO_EARLY,
        "Data source depends on a value known after apply",
        format!("`{addr}` is read while planning, so its arguments must be known by then."),
    )
    .with_help("Use names from the configuration instead of attributes decided during apply.")
    .for_address(addr);
    if let Some(span) = evaluator.place(addr, &Path::root()) {
        diagnostic = diagnostic.at(span, "");
    }
    diagnostic
}

fn managed<'a>(
    input: &PlanInput<'a, '_>,
    evaluator: &mut Evaluator<'_>,
    addr: &InstanceAddr,
    plain: bool,
    out: &mut Declaration<'a>,
) -> bool {
    let (args, problems) = evaluator.arguments(addr);
    let failed = problems.has_errors();
    out.diagnostics.extend(problems);
    let Some(kind) = input.catalog.resource(addr.ty.as_str()).filter(|_| !failed) else {
        return false;
    };
    if !place_all(evaluator, addr, kind.check(&args), &mut out.diagnostics) {
        return false;
    }
    if let Some(unknown) = unknown_identity(kind.schema(), &args) {
        // Data that is still to be read may make it known.
        if out.reads.is_empty() {
            out.diagnostics.push(identity_unknown(evaluator, addr, unknown));
            return false;
        }
        evaluator.set(addr.clone(), Value::Unknown(Type::Any));
        return true;
    }
    let identity = match kind.identify(&args) {
        Ok(identity) => identity,
        Err(problems) => {
            place_all(evaluator, addr, problems, &mut out.diagnostics);
            return false;
        }
    };
    if let Some(first) = out.owners.get(&identity.key) {
        let problem = owned_twice(evaluator, &out.instances[*first].addr, addr, &identity);
        out.diagnostics.push(problem);
        return false;
    }
    out.owners.insert(identity.key.clone(), out.instances.len());
    evaluator.set(addr.clone(), undecided(kind.schema(), &args));
    out.instances.push(Declared { addr: addr.clone(), kind, args, identity, plain });
    true
}

/// The arguments, and for everything that the world decides "known after apply".
pub(crate) fn undecided(schema: &Schema, args: &Value) -> Exported {
    let mut map = args.as_map().cloned().unwrap_or_default();
    for attr in schema.attrs.iter().filter(|a| a.role == Role::Computed) {
        map.insert(attr.name.into(), Value::Unknown(attr.ty.clone()));
    }
    Value::map(map)
}

fn unknown_identity(schema: &Schema, args: &Value) -> Option<&'static str> {
    let unknown = |name: &str| args.get(name).is_some_and(|v| !v.is_known());
    schema.attrs.iter().find(|a| a.is_identity() && unknown(a.name)).map(|a| a.name)
}

fn identity_unknown(
    evaluator: &Evaluator<'_>,
    addr: &InstanceAddr,
    name: &'static str,
) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        codes::IDENTITY_UNKNOWN,
        "Identity known only after apply",
        format!(
            "`{name}` says which object `{addr}` is, so it must be known while planning. Its \
             value is decided only during apply."
        ),
    )
    .with_help("Write the name itself, or take it from a variable, a local or a data source.")
    .for_address(addr);
    if let Some(span) = evaluator.place(addr, &Path::root().attr(name)) {
        diagnostic = diagnostic.at(span, "known after apply");
    }
    diagnostic
}

fn owned_twice(
    evaluator: &Evaluator<'_>,
    first: &InstanceAddr,
    second: &InstanceAddr,
    identity: &Identity,
) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        codes::OWNED_TWICE,
        "Two resources own one object",
        format!("`{first}` and `{second}` both describe {}.", identity.shown),
    )
    .with_help("Merge the two blocks, or give one of them another name or namespace.")
    .for_address(second);
    for (addr, text) in [(second, "described again here"), (first, "first described here")] {
        if let Some(span) = evaluator.place(addr, &Path::root()) {
            diagnostic = diagnostic.at(span, text);
        }
    }
    diagnostic
}

/// Gives every problem its place; whether none of them is an error.
pub(crate) fn place_all(
    evaluator: &Evaluator<'_>,
    addr: &InstanceAddr,
    problems: Vec<Problem>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut fine = true;
    for problem in problems {
        fine &= problem.severity != diags::Severity::Error;
        diagnostics.push(placed(evaluator, addr, problem));
    }
    fine
}

/// A problem that a data source was not read for, as a diagnostic that points at the argument it
/// is about.
pub fn at_its_place(
    input: &PlanInput<'_, '_>,
    addr: &InstanceAddr,
    problem: Problem,
) -> Diagnostic {
    placed(&evaluator(input), addr, problem)
}

/// The problem as a diagnostic that points at the argument it is about.
pub(crate) fn placed(
    evaluator: &Evaluator<'_>,
    addr: &InstanceAddr,
    problem: Problem,
) -> Diagnostic {
    let span = evaluator.place(addr, &problem.path);
    let diagnostic = problem.into_diagnostic().for_address(addr);
    match span {
        Some(span) => diagnostic.at(span, ""),
        None => diagnostic,
    }
}
