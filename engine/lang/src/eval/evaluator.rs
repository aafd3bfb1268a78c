//! The front of the evaluator: what the planner asks.

use super::arguments::{Arguments, free_body};
use super::expr::Eval;
use super::names::{Expansion, Names, Repetition};
use super::scope::Scope;
use crate::graph::{Node, Other, Place, ResourceKey, place_of};
use crate::references::{body_exprs, targets};
use crate::{References, Schemas, codes, place};
use addrs::{Ident, InstanceAddr, InstanceKey, Mode, ModuleInstance, ModulePath, ResourceAddr};
use config::{Body, Config, Expr, Repeat, Resource, RolloutBlock};
use diags::{Diagnostic, Diagnostics, Span};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use values::{Path, Schema, Type, Value};

/// Turns blocks into values, with the results so far.
///
/// [`Evaluator::set`] tells the result of an instance; it must be told before anything that
/// needs it is asked for (see [`References::order`]), else its attributes are unknown.
/// Setting it again, after apply, forgets what was computed from it.
pub struct Evaluator<'a> {
    pub(super) names: Names<'a>,
    /// How often each problem was told.
    told: BTreeMap<Place, u32>,
}

/// A mistake in a block of ten thousand instances is told for the first of them.
const MOST_TOLD: u32 = 3;

impl<'a> Evaluator<'a> {
    /// `variables` are those of the root module, from [`crate::variables()`]; `cwd` is what
    /// `path.cwd` gives.
    pub fn new(
        config: &'a Config,
        schemas: &'a dyn Schemas,
        references: &'a References,
        variables: BTreeMap<Ident, Value>,
        cwd: &str,
    ) -> Self {
        let mut names = Names {
            config,
            schemas,
            references,
            cwd: cwd.to_owned(),
            spent: Cell::new(0),
            defaulted: BTreeSet::new(),
            modules: Vec::new(),
            index: BTreeMap::new(),
            early: BTreeMap::new(),
            wishes: None,
        };
        let root = config.modules.get(&Vec::new()).unwrap_or_else(|| no_module());
        names.add_module(ModuleInstance::root(), root, None, Repetition::Once);
        let has_default =
            |v: &&config::Variable| crate::variables::has_default(v, variables.get(&v.name));
        let defaulted = root.variables.values().filter(has_default);
        names.defaulted = defaulted.map(|v| v.name.clone()).collect();
        let memos = root.variables.values().map(|declared| {
            let value = variables.get(&declared.name).cloned();
            let failed = value.is_none();
            let value = value.unwrap_or_else(|| Value::Unknown(declared.ty.clone()));
            let value = if declared.sensitive { value.into_sensitive() } else { value };
            (declared.name.clone(), super::names::Memo { value, failed })
        });
        names.modules[0].variables = memos.collect();
        Self { names, told: BTreeMap::new() }
    }

    /// From now on gathers which files are to be read, instead of refusing what is not.
    pub(crate) fn wish(&mut self) {
        self.names.wishes = Some(super::files::Wishes::default());
    }

    /// What was gathered.
    pub(crate) fn wishes(self) -> BTreeMap<super::files::Wanted, Span> {
        self.names.wishes.map(std::cell::RefCell::into_inner).unwrap_or_default()
    }

    /// The planned, read or applied result of an instance.
    ///
    /// Attributes that the schema calls sensitive are made so.
    pub fn set(&mut self, addr: InstanceAddr, exported: Value) {
        let exported = match self.schema(addr.mode, &addr.ty) {
            Some(schema) => marked(schema, exported),
            None => exported,
        };
        let key = (addr.mode, addr.ty.clone(), addr.name.clone());
        let Some(module) = self.module(&addr.module) else {
            // Whether there is such a module is known once its calls are expanded.
            let early = self.names.early.entry(addr.module).or_default();
            early.push((key, addr.key, exported));
            return;
        };
        let Some(state) = self.names.modules[module].resources.get_mut(&key) else { return };
        if state.values.get(&addr.key) == Some(&exported) {
            return;
        }
        state.values.insert(addr.key.clone(), exported);
        // What nobody has looked at, nothing was computed from.
        if !std::mem::take(state.read.get_mut()) {
            return;
        }
        state.whole = std::sync::OnceLock::new();
        let dependents = self.dependents(&addr.resource());
        self.names.forget(&dependents);
    }

    /// Leaves out what the analysis has told, or what was told often enough.
    pub(super) fn news(&mut self, told: Diagnostics) -> Diagnostics {
        let mut is_news = |d: &Diagnostic| {
            let place = place_of(d);
            if self.names.references.told.contains(&place) {
                return false;
            }
            let count = self.told.entry(place).or_insert(0);
            *count += 1;
            *count <= MOST_TOLD
        };
        told.into_iter().filter(|d| is_news(d)).collect()
    }

    /// Whether the analysis has told something about a part of this place.
    pub(super) fn is_told(&self, span: Span) -> bool {
        let within =
            |s: &Span| s.source == span.source && s.start >= span.start && s.end <= span.end;
        self.names.references.told.iter().any(|(_, s)| s.as_ref().is_some_and(within))
    }

    /// The values between resources that are computed from this one.
    fn dependents(&self, of: &ResourceAddr) -> Vec<&'a Other> {
        let references: &'a References = self.names.references;
        let graph = &references.graph;
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<u32> = graph.resource(of).into_iter().collect();
        while let Some(n) = open.pop() {
            for user in &graph.needed_by[n as usize] {
                let Node::Other(other) = graph.node(*user) else { continue };
                let passes =
                    matches!(other, Other::Local(..) | Other::Variable(..) | Other::Output(..));
                if passes && seen.insert(*user) {
                    found.push(other);
                    open.push(*user);
                }
            }
        }
        found
    }

    pub(super) fn schema(&self, mode: Mode, ty: &Ident) -> Option<&'a Schema> {
        match mode {
            Mode::Managed => self.names.schemas.resource(ty.as_str()),
            Mode::Data => self.names.schemas.data(ty.as_str()),
        }
    }

    /// The number of a module's instance, when its calls were expanded.
    fn module(&self, instance: &ModuleInstance) -> Option<usize> {
        self.names.index.get(instance).copied()
    }

    /// Expands the calls on the way to a module's instance.
    fn reach(&mut self, instance: &ModuleInstance, told: &mut Diagnostics) -> Option<usize> {
        if let Some(found) = self.module(instance) {
            return Some(found);
        }
        let mut at = 0;
        for (name, key) in &instance.0 {
            self.names.prepare_call(at, name.clone(), told);
            at = self.names.child(at, name, key)?;
        }
        Some(at)
    }

    /// All instances of a block, in all instances of its module, in order.
    ///
    /// # Errors
    ///
    /// When `count` or `for_each` of the block or of a module on the way is wrong or not
    /// known yet. Each reason is told once, so a later call may have nothing left to say.
    pub fn instances(&mut self, of: &ResourceAddr) -> Result<Vec<InstanceAddr>, Diagnostics> {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        let mut complete = true;
        let mut modules = vec![0];
        for name in &of.module {
            let mut inner = Vec::new();
            for module in modules {
                self.names.prepare_call(module, name.clone(), &mut told);
                if let Some(state) = self.names.modules[module].calls.get_mut(name) {
                    complete &= !matches!(state.expansion, Expansion::None);
                    told.extend(std::mem::take(&mut state.untold));
                    inner.extend(state.children.values().copied());
                } else {
                    complete = false;
                }
            }
            modules = inner;
        }
        let key = (of.mode, of.ty.clone(), of.name.clone());
        let mut found = Vec::new();
        for module in modules {
            if !self.is_expanded(module, &key) {
                self.names.prepare_resource(module, key.clone(), &mut told);
            }
            let here = &mut self.names.modules[module];
            let Some(state) = here.resources.get_mut(&key) else {
                complete = false;
                continue;
            };
            told.extend(std::mem::take(&mut state.untold));
            match &state.expansion {
                None | Some(Expansion::None) => complete = false,
                Some(expansion) => {
                    let keys = expansion.keys().into_iter();
                    found.extend(keys.map(|k| of.instance(here.instance.clone(), k)));
                }
            }
        }
        if complete && !told.has_errors() { Ok(found) } else { Err(self.news(told)) }
    }

    /// The arguments of an instance, as an object that fits its schema: nested blocks as the
    /// lists and objects they stand for, defaults filled in, what is left out null. Computed
    /// attributes are not in it.
    ///
    /// What is wrong is unknown in the value and told in the diagnostics.
    pub fn arguments(&mut self, addr: &InstanceAddr) -> (Value, Diagnostics) {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        let value = self.arguments_or_less(addr, &mut told);
        let told = told.into_iter().map(|d| match d.address {
            Some(_) => d,
            None => d.for_address(addr),
        });
        (value, self.news(told.collect()))
    }

    fn arguments_or_less(&mut self, addr: &InstanceAddr, told: &mut Diagnostics) -> Value {
        let Some((module, key, repetition, block)) = self.find_block(addr, told) else {
            return Value::Unknown(Type::Any);
        };
        let here = &self.names.modules[module];
        if let Some(refs) = here.refs.resources.get(&key) {
            self.names.prepare(module, &refs.body, told);
        }
        let Some(schema) = self.schema(addr.mode, &addr.ty) else {
            told.push(crate::analyze::unknown_type(self.names.schemas, block));
            return Value::Unknown(Type::Any);
        };
        let mut builder = Arguments {
            names: &self.names,
            module,
            repetition: &repetition,
            told: Diagnostics::new(),
        };
        let entries: Vec<(&'static str, Value)> = schema
            .attrs
            .iter()
            .filter(|attr| attr.is_argument())
            .map(|attr| (attr.name, builder.argument(attr, &block.body, block.span)))
            .collect();
        told.extend(builder.told);
        Value::map(entries)
    }

    pub(super) fn find(
        &mut self,
        addr: &InstanceAddr,
        told: &mut Diagnostics,
    ) -> Option<(usize, ResourceKey, Repetition)> {
        let (module, key, repetition, _) = self.find_block(addr, told)?;
        Some((module, key, repetition))
    }

    /// The same with the block itself. Looked up once where nothing has to be expanded first, which
    /// is nearly everywhere.
    fn find_block(
        &mut self,
        addr: &InstanceAddr,
        told: &mut Diagnostics,
    ) -> Option<(usize, ResourceKey, Repetition, &'a Resource)> {
        let module = self.reach(&addr.module, told)?;
        let key = (addr.mode, addr.ty.clone(), addr.name.clone());
        let state = self.names.modules[module].resources.get(&key)?;
        if let Some(expansion) = &state.expansion {
            let (repetition, block) = (expansion.repetition(&addr.key)?, state.block);
            return Some((module, key, repetition, block));
        }
        self.names.prepare_resource(module, key.clone(), told);
        let state = self.names.modules[module].resources.get(&key)?;
        let repetition = state.expansion.as_ref()?.repetition(&addr.key)?;
        Some((module, key, repetition, state.block))
    }

    fn is_expanded(&self, module: usize, key: &ResourceKey) -> bool {
        let state = self.names.modules[module].resources.get(key);
        state.is_some_and(|state| state.expansion.is_some())
    }

    /// The outputs of the root module, each with whether it is declared or made sensitive.
    ///
    /// Also tells what is wrong in locals, variables and outputs that nothing has asked for.
    pub fn outputs(&mut self) -> (BTreeMap<String, (Value, bool)>, Diagnostics) {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        self.names.prepare_rest(&mut told);
        self.output_conditions(&mut told);
        let root = &self.names.modules[0];
        let mut found = BTreeMap::new();
        for (name, output) in &root.module.outputs {
            let memo = root.outputs.get(name);
            let value = memo.map_or(Value::Unknown(Type::Any), |m| m.value.clone());
            if value.has_sensitive() && !output.sensitive {
                told.push(
                    Diagnostic::error(
                        codes::SENSITIVE_OUTPUT,
                        "Output shows a sensitive value",
                        format!(
                            "The output `{name}` holds a sensitive value, and outputs are printed."
                        ),
                    )
                    .at(output.value.span, "")
                    .with_help(
                        "Add `sensitive = true` to the output, or take the secret out of its \
                         value.",
                    ),
                );
            }
            let sensitive = output.sensitive || value.has_sensitive();
            let value = if sensitive { value.into_sensitive() } else { value };
            found.insert(name.to_string(), (value, sensitive));
        }
        (found, self.news(told))
    }

    /// The arguments of a `cluster` block that refers to nothing.
    fn plain_cluster(&self, name: &Ident) -> Option<Value> {
        let block = self.names.modules[0].module.clusters.get(name)?;
        if !targets(body_exprs(&block.body)).is_empty() {
            return None;
        }
        let mut eval = Eval::new(&self.names, 0, &Repetition::Once);
        let value = free_body(&mut eval, &block.body);
        eval.diags.is_empty().then_some(value)
    }

    /// The arguments of a `cluster` block, from variables and locals alone.
    pub fn cluster(&mut self, name: &Ident) -> (Value, Diagnostics) {
        let mut told = Diagnostics::new();
        let root = self.names.modules[0].module;
        let Some(block) = root.clusters.get(name) else {
            return (Value::Null, told);
        };
        let value = self.of_root(&block.body, &mut told);
        (value, self.news(told))
    }

    /// The rollouts in the order in which they are written: each block with its arguments.
    pub fn rollouts(&mut self) -> (Vec<(&'a RolloutBlock, Value)>, Diagnostics) {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        let root = self.names.modules[0].module;
        let all = root.rollouts.iter();
        let all = all.map(|block| (block, self.of_root(&block.body, &mut told))).collect();
        (all, self.news(told))
    }

    /// Where this part of a rollout's arguments is written: as deep as literals, locals and
    /// variables can be followed, else the argument, else the block.
    pub fn place_in_rollout(&self, block: &RolloutBlock, path: &Path) -> Span {
        let found =
            place::in_body(self.names.written(), &ModulePath::new(), &block.body, path.steps());
        found.unwrap_or(block.span)
    }

    /// What a block of the root module holds, whatever it is called.
    fn of_root(&mut self, body: &Body, told: &mut Diagnostics) -> Value {
        let refs = targets(body_exprs(body));
        self.names.prepare(0, &refs, told);
        let mut eval = Eval::new(&self.names, 0, &Repetition::Once);
        let value = free_body(&mut eval, body);
        told.extend(eval.diags);
        value
    }

    /// Where this part of an instance's arguments is written: as deep as literals, nested
    /// blocks, locals and variables can be followed, else the argument, else the block.
    pub fn place(&self, addr: &InstanceAddr, path: &Path) -> Option<Span> {
        let module = addr.module.path();
        let block = self.names.config.modules.get(&module)?.resources.get(&addr.resource())?;
        let each = match (&block.repeat, &addr.key) {
            (Repeat::ForEach(expr), InstanceKey::Key(key)) => Some((expr, &**key)),
            _ => None,
        };
        let written = place::Written { each, ..self.names.written() };
        let found = place::in_body(written, &module, &block.body, path.steps());
        Some(found.unwrap_or(block.span))
    }

    /// The references that keep an argument of an instance from being known, each with its
    /// place: what to say when a value is needed before apply.
    pub fn unknown_because(&mut self, addr: &InstanceAddr, argument: &str) -> Vec<(String, Span)> {
        let mut told = Diagnostics::new();
        let Some((module, key, repetition)) = self.find(addr, &mut told) else {
            return Vec::new();
        };
        let Some(state) = self.names.modules[module].resources.get(&key) else {
            return Vec::new();
        };
        let body = &state.block.body;
        let blocks = body.blocks.iter().filter(|b| b.name == *argument);
        let mut exprs: Vec<&Expr> = blocks.flat_map(|b| body_exprs(&b.body)).collect();
        exprs.extend(body.arguments.get(argument).map(|a| &a.value));
        let unknown = |value: &Value| !value.is_known();
        let found = exprs.into_iter().flat_map(|expr| {
            crate::expand::origins(&self.names, module, &repetition, expr, &unknown)
        });
        found.map(|(name, _, span)| (name, span)).collect()
    }

    /// Any expression, as it stood in a module.
    pub fn evaluate(&mut self, module: &ModuleInstance, expr: &Expr) -> (Value, Diagnostics) {
        self.names.spent.set(0);
        let mut told = Diagnostics::new();
        let Some(module) = self.reach(module, &mut told) else {
            let d = Diagnostic::error(
                codes::UNDECLARED,
                "No such module",
                format!("There is no instance `{module}` of a module."),
            );
            told.push(d);
            return (Value::Unknown(Type::Any), told);
        };
        self.names.prepare(module, &targets([expr]), &mut told);
        let mut eval = Eval::new(&self.names, module, &Repetition::Once);
        let value = eval.expr(expr, &Scope::Empty);
        told.extend(eval.diags);
        (value, told)
    }

    /// Expands a module call in a module. What is wrong with it is told where its instances
    /// are asked for.
    pub(crate) fn expand(&mut self, module: &ModuleInstance, call: &Ident) {
        let mut told = Diagnostics::new();
        if let Some(module) = self.reach(module, &mut told) {
            self.names.prepare_call(module, call.clone(), &mut told);
        }
    }

    /// The keys of a module call in a module, once it was expanded.
    pub fn module_keys(&self, module: &ModuleInstance, call: &Ident) -> Vec<InstanceKey> {
        let found = self.module(module).and_then(|m| self.names.call_children(m, call));
        found.map(|c| c.children.keys().cloned().collect()).unwrap_or_default()
    }
}

/// The exported value with the marks that the schema asks for.
fn marked(schema: &Schema, exported: Value) -> Value {
    if !schema.attrs.iter().any(|a| a.sensitive) {
        return exported;
    }
    let Value::Map(map) = &exported else { return exported };
    Value::map(map.iter().map(|(name, value)| {
        let sensitive = !value.is_null() && schema.attr(name).is_some_and(|a| a.sensitive);
        let value = value.clone();
        (name.clone(), if sensitive { value.into_sensitive() } else { value })
    }))
}

/// The arguments of a `cluster` block, before anything is analyzed: only when it refers to
/// nothing and nothing is wrong with it.
pub fn plain_cluster(
    config: &Config,
    schemas: &dyn Schemas,
    name: &Ident,
    cwd: &str,
) -> Option<Value> {
    let references = References::default();
    Evaluator::new(config, schemas, &references, BTreeMap::new(), cwd).plain_cluster(name)
}

fn no_module() -> &'static config::Module {
    static NONE: std::sync::OnceLock<config::Module> = std::sync::OnceLock::new();
    NONE.get_or_init(config::Module::default)
}
