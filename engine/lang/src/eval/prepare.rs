//! Computing what expressions name, before the expressions.
//!
//! A stack of our own instead of recursion: ten thousand locals that name each other are
//! computed from the innermost to the outermost.

use super::expr::Eval;
use super::fit;
use super::names::{CallState, Expansion, Memo, ModuleState, Names, Repetition, ResourceState};
use super::scope::Scope;
use crate::graph::{Other, ResourceKey};
use crate::references::{Ref, Target};
use crate::{codes, expand, place};
use addrs::{Ident, InstanceKey};
use config::{Expr, Repeat};
use diags::{Diagnostic, Diagnostics, Span};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use values::{Type, Value};

/// Something to compute once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Variable(usize, Ident),
    Local(usize, Ident),
    Output(usize, Ident),
    Call(usize, Ident),
    Expand(usize, ResourceKey),
}

/// The most parts of a value that is computed once. Values share what they hold, so that a list of
/// itself twice, some dozen times, costs nothing; whatever looks at all of it would never end.
const MOST_PARTS: usize = 4_000_000;

/// How deep lists and objects stand in each other at most.
const MOST_DEEP: usize = 1000;

/// The most instances of modules.
const MOST_MODULES: usize = 100_000;

/// Whether a value has no more parts and no more levels than are left.
fn is_within(value: &Value, levels: usize, left: &mut usize) -> bool {
    let (Some(inner), Some(parts)) = (levels.checked_sub(1), left.checked_sub(1)) else {
        return false;
    };
    *left = parts;
    match value {
        Value::List(items) => items.iter().all(|item| is_within(item, inner, left)),
        Value::Map(map) => map.values().all(|item| is_within(item, inner, left)),
        Value::Sensitive(hidden) => is_within(hidden.expose(), inner, left),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) => {
            true
        }
    }
}

/// How far an item is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing is done yet.
    New,
    /// The calls that it names are expanded, so that their instances are there.
    Calls,
    /// All that it names is computed.
    Ready,
}

impl<'a> Names<'a> {
    pub(crate) fn add_module(
        &mut self,
        instance: addrs::ModuleInstance,
        module: &'a config::Module,
        parent: Option<(usize, &'a config::ModuleCall)>,
        repetition: Repetition,
    ) -> usize {
        let path = instance.path();
        let references = self.references;
        let refs = references.modules.get(&path).unwrap_or_else(|| no_refs());
        let state = |block: &'a config::Resource| ResourceState {
            block,
            // Nothing has to be computed for most blocks.
            expansion: (block.repeat == Repeat::Once).then_some(Expansion::Once),
            untold: Diagnostics::new(),
            values: LiteMap::new_vec(),
            read: AtomicBool::new(false),
            whole: OnceLock::new(),
        };
        let resources = module
            .resources
            .values()
            .map(|r| ((r.addr.mode, r.addr.ty.clone(), r.addr.name.clone()), state(r)));
        let mut resources: BTreeMap<_, _> = resources.collect();
        for (resource, key, value) in self.early.remove(&instance).unwrap_or_default() {
            if let Some(state) = resources.get_mut(&resource) {
                state.values.insert(key, value);
            }
        }
        let number = self.modules.len();
        self.index.insert(instance.clone(), number);
        self.modules.push(ModuleState {
            instance,
            path,
            module,
            refs,
            parent,
            repetition,
            variables: BTreeMap::new(),
            locals: BTreeMap::new(),
            outputs: BTreeMap::new(),
            calls: BTreeMap::new(),
            resources,
        });
        number
    }

    /// Computes everything that these references need and is not there yet.
    pub(crate) fn prepare(&mut self, module: usize, refs: &[Ref], told: &mut Diagnostics) {
        if refs.is_empty() {
            return;
        }
        let mut stack: Vec<(Item, Stage)> = Vec::new();
        let mut open: BTreeSet<Item> = BTreeSet::new();
        // Twice, since what is in a module is known only when its call is expanded.
        for item in self.items(module, refs, true).into_iter().rev() {
            stack.push((item, Stage::New));
        }
        self.work(&mut stack, &mut open, told);
        for item in self.items(module, refs, false).into_iter().rev() {
            stack.push((item, Stage::New));
        }
        self.work(&mut stack, &mut open, told);
    }

    /// Expands a resource, and what that needs.
    pub(crate) fn prepare_resource(
        &mut self,
        module: usize,
        key: ResourceKey,
        told: &mut Diagnostics,
    ) {
        let item = Item::Expand(module, key);
        if self.is_done(&item) {
            return;
        }
        let mut stack = vec![(item, Stage::New)];
        self.work(&mut stack, &mut BTreeSet::new(), told);
    }

    /// Expands a call, and what that needs.
    pub(crate) fn prepare_call(&mut self, module: usize, name: Ident, told: &mut Diagnostics) {
        let mut stack = vec![(Item::Call(module, name), Stage::New)];
        self.work(&mut stack, &mut BTreeSet::new(), told);
    }

    /// Computes what nothing has asked for so far, since mistakes are told even there.
    pub(crate) fn prepare_rest(&mut self, told: &mut Diagnostics) {
        let mut at = 0;
        // Modules are added while their calls are expanded.
        while let Some(here) = self.modules.get(at) {
            let module = here.module;
            let calls = module.calls.keys().map(|n| Item::Call(at, n.clone()));
            let variables = module.variables.keys().map(|n| Item::Variable(at, n.clone()));
            let locals = module.locals.keys().map(|n| Item::Local(at, n.clone()));
            let outputs = module.outputs.keys().map(|n| Item::Output(at, n.clone()));
            let all = calls.chain(variables).chain(locals).chain(outputs);
            let mut stack: Vec<_> = all.map(|item| (item, Stage::New)).collect();
            stack.reverse();
            self.work(&mut stack, &mut BTreeSet::new(), told);
            for call in self.modules[at].calls.values_mut() {
                told.extend(std::mem::take(&mut call.untold));
            }
            at += 1;
        }
    }

    fn work(
        &mut self,
        stack: &mut Vec<(Item, Stage)>,
        open: &mut BTreeSet<Item>,
        told: &mut Diagnostics,
    ) {
        while let Some((item, stage)) = stack.pop() {
            if self.is_done(&item) {
                open.remove(&item);
                continue;
            }
            let (next, calls_only) = match stage {
                // An item that is being computed already is part of a cycle; it stays unknown.
                Stage::New if !open.insert(item.clone()) => continue,
                Stage::New => (Stage::Calls, true),
                Stage::Calls => (Stage::Ready, false),
                Stage::Ready => {
                    open.remove(&item);
                    self.compute(&item, told);
                    continue;
                }
            };
            let (module, refs) = self.refs_of(&item);
            let needed = self.items(module, refs, calls_only);
            stack.push((item, next));
            for need in needed.into_iter().rev() {
                if !self.is_done(&need) && !open.contains(&need) {
                    stack.push((need, Stage::New));
                }
            }
        }
    }

    fn is_done(&self, item: &Item) -> bool {
        let module = |m: &usize| &self.modules[*m];
        match item {
            Item::Variable(m, name) => module(m).variables.contains_key(name),
            Item::Local(m, name) => module(m).locals.contains_key(name),
            Item::Output(m, name) => module(m).outputs.contains_key(name),
            Item::Call(m, name) => module(m).calls.contains_key(name),
            Item::Expand(m, key) => {
                module(m).resources.get(key).is_none_or(|r| r.expansion.is_some())
            }
        }
    }

    /// What an item refers to, and in which module.
    fn refs_of(&self, item: &Item) -> (usize, &'a [Ref]) {
        const NONE: &[Ref] = &[];
        let list = |refs: Option<&'a Vec<Ref>>| refs.map_or(NONE, Vec::as_slice);
        match item {
            Item::Variable(m, name) => match self.modules[*m].parent {
                Some((parent, call)) => {
                    let refs = self.modules[parent].refs.calls.get(&call.name);
                    (parent, list(refs.and_then(|c| c.arguments.get(name))))
                }
                None => (*m, NONE),
            },
            Item::Local(m, name) => (*m, list(self.modules[*m].refs.locals.get(name))),
            Item::Output(m, name) => (*m, list(self.modules[*m].refs.outputs.get(name))),
            Item::Call(m, name) => {
                (*m, list(self.modules[*m].refs.calls.get(name).map(|c| &c.repeat)))
            }
            Item::Expand(m, key) => {
                (*m, list(self.modules[*m].refs.resources.get(key).map(|r| &r.repeat)))
            }
        }
    }

    /// The items that references need: only the calls, or everything.
    fn items(&self, module: usize, refs: &[Ref], calls_only: bool) -> Vec<Item> {
        let here = &self.modules[module];
        let mut items = Vec::new();
        for r in refs {
            match &r.target {
                Target::Module(name, _) if calls_only => {
                    if here.module.calls.contains_key(name) {
                        items.push(Item::Call(module, name.clone()));
                    }
                }
                Target::Module(name, output) => {
                    let children =
                        here.calls.get(name).into_iter().flat_map(|c| c.children.values());
                    for child in children {
                        let names = self.modules[*child].module.outputs.keys();
                        let wanted = names.filter(|n| output.as_ref().is_none_or(|o| o == *n));
                        items.extend(wanted.map(|n| Item::Output(*child, n.clone())));
                    }
                }
                _ if calls_only => {}
                Target::Variable(name) if here.module.variables.contains_key(name) => {
                    items.push(Item::Variable(module, name.clone()));
                }
                Target::Local(name) if here.module.locals.contains_key(name) => {
                    items.push(Item::Local(module, name.clone()));
                }
                Target::Resource(mode, ty, name) => {
                    items.push(Item::Expand(module, (*mode, ty.clone(), name.clone())));
                }
                Target::Variable(_) | Target::Local(_) => {}
            }
        }
        items
    }

    fn compute(&mut self, item: &Item, told: &mut Diagnostics) {
        match item {
            Item::Variable(m, name) => {
                let memo = self.variable(*m, name, told);
                self.modules[*m].variables.insert(name.clone(), memo);
            }
            Item::Local(m, name) => {
                let Some(local) = self.modules[*m].module.locals.get(name) else { return };
                let memo = self.memo(*m, &Repetition::Once, &local.value, told);
                self.modules[*m].locals.insert(name.clone(), memo);
            }
            Item::Output(m, name) => {
                let Some(output) = self.modules[*m].module.outputs.get(name) else { return };
                let mut memo = self.memo(*m, &Repetition::Once, &output.value, told);
                if output.sensitive {
                    memo.value = memo.value.into_sensitive();
                }
                self.modules[*m].outputs.insert(name.clone(), memo);
            }
            Item::Call(m, name) => self.expand_call(*m, name, told),
            Item::Expand(m, key) => {
                let Some(block) = self.modules[*m].resources.get(key).map(|r| r.block) else {
                    return;
                };
                let (expansion, untold) = self.expansion(*m, &block.repeat, told);
                if let Some(state) = self.modules[*m].resources.get_mut(key) {
                    let address = block.addr.to_string();
                    state.untold = untold.into_iter().map(|d| d.for_address(&address)).collect();
                    state.expansion = Some(expansion);
                }
            }
        }
    }

    fn memo(
        &self,
        module: usize,
        repetition: &Repetition,
        expr: &Expr,
        told: &mut Diagnostics,
    ) -> Memo {
        let mut eval = Eval::new(self, module, repetition);
        let value = eval.expr(expr, &Scope::Empty);
        let failed = eval.failed();
        told.extend(eval.diags);
        let mut left = MOST_PARTS;
        if !is_within(&value, MOST_DEEP, &mut left) {
            // What failed may still have the shape that doubles.
            if !failed {
                told.push(too_large(expr));
            }
            return Memo { value: Value::Unknown(Type::Any), failed: true };
        }
        Memo { value, failed }
    }

    fn expansion(
        &self,
        module: usize,
        repeat: &Repeat,
        told: &mut Diagnostics,
    ) -> (Expansion, Diagnostics) {
        let Some(expr) = place::repeat(repeat) else {
            return (Expansion::Once, Diagnostics::new());
        };
        let memo = self.memo(module, &Repetition::Once, expr, told);
        if memo.failed {
            return (Expansion::None, Diagnostics::new());
        }
        let here = expand::Here { names: self, module, expr };
        let result = match repeat {
            Repeat::Count(_) => expand::count(&here, memo.value),
            Repeat::Enabled(_) => expand::enabled(&here, memo.value),
            Repeat::Once | Repeat::ForEach(_) => expand::for_each(&here, memo.value),
        };
        match result {
            Ok(expansion) => (expansion, Diagnostics::new()),
            Err(diagnostic) => (Expansion::None, (*diagnostic).into()),
        }
    }

    fn expand_call(&mut self, module: usize, name: &Ident, told: &mut Diagnostics) {
        let Some(call) = self.modules[module].module.calls.get(name) else { return };
        let (mut expansion, untold) = self.expansion(module, &call.repeat, told);
        if self.modules.len() + expansion.keys().len() > MOST_MODULES {
            let why = format!("With this call there are more than {MOST_MODULES} modules.");
            told.push(
                Diagnostic::error(codes::TOO_LARGE, "Too many modules", why)
                    .at(call.span, "")
                    .with_help("Repeat the resources in a module instead of the module."),
            );
            expansion = Expansion::None;
        }
        let mut path = self.modules[module].path.clone();
        path.push(name.clone());
        let config = self.config;
        let mut children = BTreeMap::new();
        if let Some(inner) = config.modules.get(&path) {
            for key in expansion.keys() {
                let instance = self.modules[module].instance.child(name.clone(), key.clone());
                let repetition = expansion.repetition(&key).unwrap_or_default();
                let child = self.add_module(instance, inner, Some((module, call)), repetition);
                children.insert(key, child);
            }
        }
        let untold = untold.into_iter().map(|d| d.for_address(format!("module.{name}"))).collect();
        let state = CallState { expansion, children, untold };
        self.modules[module].calls.insert(name.clone(), state);
    }

    /// A variable of a module that is called: its argument, or its default.
    fn variable(&self, module: usize, name: &Ident, told: &mut Diagnostics) -> Memo {
        let here = &self.modules[module];
        let unknown = Memo { value: Value::Unknown(Type::Any), failed: true };
        let Some(variable) = here.module.variables.get(name) else { return unknown };
        let Some((parent, call)) = here.parent else { return unknown };
        let argument = call.arguments.get(name);
        let mut memo = match argument {
            Some(argument) => self.memo(parent, &here.repetition, &argument.value, told),
            None => Memo { value: Value::Null, failed: false },
        };
        let use_default = argument.is_none() || (memo.value.is_null() && !variable.nullable);
        let expr = match (&variable.default, argument) {
            (Some(default), _) if use_default => {
                memo = self.memo(module, &Repetition::Once, default, told);
                Some((module, default))
            }
            (_, Some(argument)) => Some((parent, &argument.value)),
            // A missing argument is reported by the analysis.
            (_, None) => return Memo { value: Value::Unknown(variable.ty.clone()), failed: true },
        };
        if memo.value.is_null() && !variable.nullable && !memo.failed {
            let d = Diagnostic::error(
                codes::WRONG_VARIABLE,
                "Invalid value for a variable",
                format!("The variable `{name}` of this module must not be null."),
            );
            let at = argument.map_or(call.span, |a| a.value.span);
            told.push(d.at(at, ""));
            return unknown;
        }
        let by_hand = |path: &values::Path| {
            expr.is_some_and(|(at, expr)| {
                place::is_written(self.written(), &self.modules[at].path, expr, path.steps())
            })
        };
        match fit::fit(&memo.value, &variable.ty, &by_hand) {
            Ok(value) => memo.value = value,
            Err(mismatches) => {
                for m in mismatches {
                    let span = expr.map_or(call.span, |(at, expr)| {
                        let path = &self.modules[at].path;
                        place::within(self.written(), path, expr, m.path.steps())
                    });
                    let d = mismatch(&m, &format!("variable `{name}`"), span);
                    told.push(d.at(variable.span, "declared here"));
                }
                return Memo { value: Value::Unknown(variable.ty.clone()), failed: true };
            }
        }
        if variable.sensitive {
            memo.value = memo.value.into_sensitive();
        }
        memo
    }

    /// Forgets what was computed from a resource, after it got another value.
    pub(crate) fn forget(&mut self, values: &[&Other]) {
        for value in values {
            let path = match value {
                Other::Local(path, _) | Other::Variable(path, _) | Other::Output(path, _) => path,
                Other::Call(_) | Other::Gate(_) | Other::All(_) => continue,
            };
            for module in self.modules.iter_mut().filter(|m| m.path == *path) {
                match value {
                    Other::Local(_, name) => drop(module.locals.remove(name)),
                    Other::Variable(_, name) => drop(module.variables.remove(name)),
                    Other::Output(_, name) => drop(module.outputs.remove(name)),
                    Other::Call(_) | Other::Gate(_) | Other::All(_) => {}
                }
            }
        }
    }

    pub(crate) fn call_children(&self, module: usize, name: &Ident) -> Option<&CallState> {
        self.modules[module].calls.get(name)
    }

    pub(crate) fn child(&self, module: usize, name: &Ident, key: &InstanceKey) -> Option<usize> {
        self.modules[module].calls.get(name)?.children.get(key).copied()
    }
}

fn too_large(expr: &Expr) -> Diagnostic {
    let (most, deep) = (MOST_PARTS / 1_000_000, MOST_DEEP);
    let why = format!("It has more than {most} million parts, or more than {deep} levels.");
    Diagnostic::error(codes::TOO_LARGE, "Value is too large", why)
        .at(expr.span, "")
        .with_help("Take out what holds itself again and again.")
}

/// A part of a value that does not fit, at its place.
pub(crate) fn mismatch(m: &values::Mismatch, of: &str, span: Span) -> Diagnostic {
    let at = if m.path.steps().is_empty() { String::new() } else { format!(" at `{}`", m.path) };
    let d = Diagnostic::error(
        codes::WRONG_VALUE,
        "Value does not fit",
        format!("The {of} does not fit{at}: {}.", m.why),
    )
    .at(span, "");
    match &m.meant {
        Some(meant) => d.with_help(format!("Did you mean `{meant}`?")),
        None => d,
    }
}

fn no_refs() -> &'static crate::graph::ModuleRefs {
    static NONE: OnceLock<crate::graph::ModuleRefs> = OnceLock::new();
    NONE.get_or_init(crate::graph::ModuleRefs::default)
}
