//! Values that are needed while modules are read: where a module is, where the state is kept.
//!
//! Such a value is made of variables, locals, pure functions and `path`, of the module that it
//! stands in. A variable of a module that is called has the value of its argument, so that must be
//! made of the same things. Start reading at [`EarlyNames`].
//!
//! What an expression needs is copied into a small configuration ([`Needed`]), and that is evaluated
//! as any configuration is: so the rest costs nothing, and there is one evaluator. Early evaluation
//! is what `OpenTofu` calls it ("Module Sources", "Backend Configuration").

use crate::functions::files::OF_FILES;
use crate::manifests::MANIFESTS;
use crate::references::{Found, Meaning, Target, meaning, walk};
use crate::variables::Nothing;
use crate::{Evaluator, Inputs, References, codes, text};
use addrs::{Ident, InstanceKey, ModuleInstance, ModulePath};
use config::{Config, EarlyTexts, Expr, Module, ModuleCall, Repeat, Variable};
use diags::{Diagnostic, Diagnostics, Span};
use values::{Type, Value};

/// Evaluates before the configuration is complete, with the variables that were given.
#[derive(Debug, Clone, Copy)]
pub struct EarlyNames<'i> {
    inputs: &'i Inputs,
}

impl<'i> EarlyNames<'i> {
    /// With what comes from outside.
    pub fn new(inputs: &'i Inputs) -> Self {
        Self { inputs }
    }
}

impl EarlyTexts for EarlyNames<'_> {
    fn text(
        &mut self,
        config: &Config,
        module: &[Ident],
        expr: &Expr,
        argument: &str,
    ) -> Result<String, Diagnostics> {
        let of = Of { argument, span: expr.span };
        let needed = Needed::gather(config, self.inputs, module, expr, of)?;
        let (value, problems) = needed.evaluate(self.inputs, module, expr);
        if problems.has_errors() {
            return Err(problems);
        }
        as_text(&value, of)
    }
}

/// The argument that is decided early.
#[derive(Debug, Clone, Copy)]
struct Of<'o> {
    argument: &'o str,
    span: Span,
}

impl Of<'_> {
    fn refuse(self, at: Span, why: &str, help: &str) -> Diagnostic {
        let detail = format!("`{}` is {why}", self.argument);
        let d = Diagnostic::error(codes::NOT_EARLY, "Value cannot be used so early", detail);
        let d = d.at(at, "");
        let within = self.span.source == at.source && self.span.start <= at.start;
        let d = if within && at.end <= self.span.end { d } else { d.at(self.span, "for this") };
        d.with_help(help)
    }
}

fn as_text(value: &Value, of: Of<'_>) -> Result<String, Diagnostics> {
    let refuse = |why: &str, help: &str| Err(of.refuse(of.span, why, help).into());
    if value.has_sensitive() {
        return refuse(
            "shown in names and messages, and this value is sensitive.",
            "Use a variable that is not `sensitive` and not `ephemeral`.",
        );
    }
    match values::conform(value, &Type::String) {
        Ok(Value::String(text)) => Ok(text.to_string()),
        // Why it has no value is told by who reads all of the configuration: a circle of locals,
        // or a variable whose value does not fit.
        Ok(Value::Unknown(_)) => Err(Diagnostics::new()),
        Ok(_) | Err(_) => {
            refuse(&format!("a text, and this is {}.", text::article(value)), "Give a text.")
        }
    }
}

/// The part of a configuration that one expression needs.
struct Needed(Config);

impl Needed {
    /// Follows all that an expression refers to.
    ///
    /// # Errors
    ///
    /// When something is known too late; without a word where an analysis tells it.
    fn gather(
        config: &Config,
        inputs: &Inputs,
        module: &[Ident],
        expr: &Expr,
        of: Of<'_>,
    ) -> Result<Self, Diagnostics> {
        let mut small = Config::default();
        for length in 0..=module.len() {
            let Some(whole) = config.modules.get(&module[..length]) else {
                return Err(Diagnostics::new());
            };
            let part = Module { dir: whole.dir.clone(), ..Module::default() };
            small.modules.insert(module[..length].to_vec(), part);
        }
        for (depth, name) in module.iter().enumerate() {
            let call = config.modules.get(&module[..depth]).and_then(|m| m.calls.get(name));
            let Some(call) = call else { return Err(Diagnostics::new()) };
            if let Some(part) = small.modules.get_mut(&module[..depth]) {
                part.calls.insert(name.clone(), called(call));
            }
        }
        let mut gather = Gather { config, inputs, small, open: Vec::new(), of };
        gather.open.push((module.len(), expr, Met::Itself));
        while let Some((depth, expr, from)) = gather.open.pop() {
            gather.follow(module, depth, expr, from)?;
        }
        Ok(Self(gather.small))
    }

    fn evaluate(&self, inputs: &Inputs, module: &[Ident], expr: &Expr) -> (Value, Diagnostics) {
        let Self(config) = self;
        let references = References::of_modules(config);
        let root = config.modules.get(&ModulePath::new());
        let declared = |name: &str| root.is_some_and(|root| root.variables.contains_key(name));
        let mut given = inputs.clone();
        given.given.retain(|name, _| declared(name));
        // What is wrong with them is told where all variables are read.
        let (variables, _) = crate::variables(config, &given);
        let mut evaluator = Evaluator::new(config, &Nothing, &references, variables, &inputs.cwd);
        let steps = module.iter().map(|name| (name.clone(), InstanceKey::None));
        evaluator.evaluate(&ModuleInstance(steps.collect()), expr)
    }
}

/// A call without arguments, which are added as they are needed. All of its instances are read from
/// one directory, so there is one here.
fn called(call: &ModuleCall) -> ModuleCall {
    ModuleCall {
        span: call.span,
        name: call.name.clone(),
        source: call.source.clone(),
        arguments: config::Arguments::new(),
        repeat: Repeat::Once,
        depends_on: Vec::new(),
    }
}

const AFTER: &str = "needed before anything is planned, and the result of a resource comes later.";
const INSTANCES: &str = "one for all instances of a block, and this differs between them.";

/// Where an expression comes from that was met on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It is the argument itself.
    Itself,
    /// It is a local value of the same module; what is wrong with it, an analysis tells.
    Local,
    /// It is, or leads to, an argument of a call on the way to the module.
    Argument,
}

struct Gather<'g> {
    config: &'g Config,
    inputs: &'g Inputs,
    small: Config,
    /// What is still to be followed: how deep its module is.
    open: Vec<(usize, &'g Expr, Met)>,
    of: Of<'g>,
}

impl<'g> Gather<'g> {
    fn follow(
        &mut self,
        path: &[Ident],
        depth: usize,
        expr: &Expr,
        from: Met,
    ) -> Result<(), Diagnostics> {
        let mut found = Vec::new();
        walk(expr, &mut |part| found.push(part));
        for part in found {
            match part {
                Found::Call { name, whole, .. } => self.call(name, whole)?,
                Found::Name { root, steps, whole, .. } => match meaning(root, &steps) {
                    Meaning::Target(Target::Variable(name), _) => {
                        self.variable(path, depth, &name)?;
                    }
                    Meaning::Target(Target::Local(name), _) => {
                        self.local(path, depth, &name, from)?;
                    }
                    Meaning::Target(Target::Resource(..) | Target::Module(..), _) => {
                        self.too_late(from, whole, AFTER)?;
                    }
                    Meaning::Each(_) | Meaning::Count(_) if from == Met::Itself => {
                        let help = "Write a call for each, or let the module decide.";
                        return Err(self.of.refuse(whole, INSTANCES, help).into());
                    }
                    Meaning::Each(_) | Meaning::Count(_) => {
                        self.too_late(from, whole, INSTANCES)?;
                    }
                    Meaning::Path(_) => {}
                    Meaning::Nothing(_) => return Err(Diagnostics::new()),
                },
            }
        }
        Ok(())
    }

    fn too_late(&self, from: Met, at: Span, why: &str) -> Result<(), Diagnostics> {
        match from {
            Met::Itself | Met::Local => Err(Diagnostics::new()),
            Met::Argument => {
                let help = "Give this argument a value of variables and locals alone.";
                Err(self.of.refuse(at, why, help).into())
            }
        }
    }

    fn call(&self, name: &str, at: Span) -> Result<(), Diagnostics> {
        let reads = (OF_FILES.contains(&name) && name != "templatestring") || name == MANIFESTS;
        if reads {
            let why = format!("needed before anything else is read, and `{name}` reads files.");
            let help = "Use variables, locals and functions that read nothing.";
            return Err(self.of.refuse(at, &why, help).into());
        }
        Ok(())
    }

    fn part(&mut self, path: &[Ident]) -> Option<(&'g Module, &mut Module)> {
        self.config.modules.get(path).zip(self.small.modules.get_mut(path))
    }

    fn local(
        &mut self,
        path: &[Ident],
        depth: usize,
        name: &Ident,
        from: Met,
    ) -> Result<(), Diagnostics> {
        let Some((whole, part)) = self.part(&path[..depth]) else { return Err(Diagnostics::new()) };
        let Some(local) = whole.locals.get(name) else { return Err(Diagnostics::new()) };
        if part.locals.insert(name.clone(), local.clone()).is_none() {
            let from = if from == Met::Argument { from } else { Met::Local };
            self.open.push((depth, &local.value, from));
        }
        Ok(())
    }

    fn variable(&mut self, path: &[Ident], depth: usize, name: &Ident) -> Result<(), Diagnostics> {
        let Some((whole, part)) = self.part(&path[..depth]) else { return Err(Diagnostics::new()) };
        let Some(variable) = whole.variables.get(name) else { return Err(Diagnostics::new()) };
        // Its conditions are asked where all variables are.
        let plain = Variable { validations: Vec::new(), ..variable.clone() };
        if part.variables.insert(name.clone(), plain).is_some() {
            return Ok(());
        }
        let Some((call, outer)) = path[..depth].split_last() else {
            let given = self.inputs.given.contains_key(name.as_str());
            if !given && variable.default.is_none() {
                let missing = crate::variables::missing(variable);
                let argument = self.of.argument;
                return Err(missing.at(self.of.span, format!("`{argument}` needs it")).into());
            }
            return Ok(());
        };
        let Some((whole, part)) = self.part(outer) else { return Err(Diagnostics::new()) };
        let argument = whole.calls.get(call).and_then(|call| call.arguments.get(name));
        match (argument, &variable.default) {
            (Some(argument), _) => {
                if let Some(call) = part.calls.get_mut(call) {
                    call.arguments.insert(name.clone(), argument.clone());
                }
                self.open.push((outer.len(), &argument.value, Met::Argument));
                Ok(())
            }
            (None, Some(_)) => Ok(()),
            // That it is missing is told by an analysis.
            (None, None) => Err(Diagnostics::new()),
        }
    }
}

/// The arguments of the `clinch` block, which are decided early.
pub(crate) fn clinch_exprs(module: &Module) -> impl Iterator<Item = &Expr> {
    let clinch = module.clinch.iter();
    clinch.flat_map(|clinch| {
        let state = clinch.state.iter();
        let of_state = state.flat_map(|state| state.namespace.iter().chain(&state.lease));
        clinch.name.iter().chain(&clinch.required_version).chain(of_state)
    })
}
