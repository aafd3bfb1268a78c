//! What needs what, from one end of the configuration to the other.
//!
//! Locals, variables of modules and outputs are nodes of their own, so that a chain of any
//! length costs what it is long and a cycle is told with each of its hops. Resources then
//! need each other *through* those nodes.

use crate::references::{Ref, Target, body_exprs, targets};
use addrs::{Ident, Mode, ModulePath, ResourceAddr};
use config::{Config, Expr, Module, ModuleCall, Resource};
use diags::Span;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;

/// A thing that others need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node<'g> {
    Resource(&'g ResourceAddr),
    Other(&'g Other),
}

/// What stands between resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Other {
    /// How often a module is called: its `count` or `for_each`.
    Call(ModulePath),
    /// What everything in a module waits for: its `depends_on`.
    Gate(ModulePath),
    /// Every resource in a module and below.
    All(ModulePath),
    Local(ModulePath, Ident),
    Variable(ModulePath, Ident),
    Output(ModulePath, Ident),
}

/// What the blocks of one module refer to, so that nothing is walked twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ModuleRefs {
    pub(crate) locals: BTreeMap<Ident, Vec<Ref>>,
    pub(crate) outputs: BTreeMap<Ident, Vec<Ref>>,
    pub(crate) calls: BTreeMap<Ident, CallRefs>,
    pub(crate) resources: BTreeMap<ResourceKey, ResourceRefs>,
}

/// A resource within its module.
pub(crate) type ResourceKey = (Mode, Ident, Ident);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CallRefs {
    pub(crate) repeat: Vec<Ref>,
    pub(crate) arguments: BTreeMap<Ident, Vec<Ref>>,
    pub(crate) depends_on: Vec<Ref>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ResourceRefs {
    pub(crate) body: Vec<Ref>,
    pub(crate) repeat: Vec<Ref>,
    pub(crate) lifecycle: Vec<Ref>,
    pub(crate) depends_on: Vec<Ref>,
}

/// What needs what.
///
/// Resources and data are named by their address with the path of their module, without
/// keys: an edge holds for every instance. Each has a number, its place among all of them by
/// their addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct References {
    order: Vec<u32>,
    /// What each needs, by its number.
    needs: Vec<Vec<u32>>,
    pub(crate) modules: BTreeMap<ModulePath, ModuleRefs>,
    pub(crate) graph: Graph,
    /// What the analysis has told already, so that the evaluation does not tell it again.
    pub(crate) told: BTreeSet<Place>,
}

/// A kind of problem and its first place.
pub(crate) type Place = (diags::Code, Option<Span>);

/// What makes two messages the same one.
pub(crate) fn place_of(d: &diags::Diagnostic) -> Place {
    (d.code, d.labels.first().map(|l| l.span))
}

impl References {
    /// What the blocks of each module refer to, and nothing of what follows from it.
    pub(crate) fn of_modules(config: &Config) -> Self {
        let refs = |(path, module): (&ModulePath, &Module)| (path.clone(), module_refs(module));
        Self { modules: config.modules.iter().map(refs).collect(), ..Self::default() }
    }

    /// Every resource and data source after all that it needs; those that free each other at
    /// the same time in the order of their addresses. What stands in a cycle comes last.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The address of a resource or data source.
    ///
    /// # Panics
    ///
    /// With a number that did not come from these references.
    pub fn addr(&self, number: u32) -> &ResourceAddr {
        &self.graph.resources[number as usize]
    }

    /// The number of a resource or data source.
    pub fn find(&self, addr: &ResourceAddr) -> Option<u32> {
        self.graph.resource(addr)
    }

    /// What a resource refers to directly or through locals, variables and outputs, and what
    /// it and its modules name in `depends_on`; in the order of their addresses.
    pub fn needs(&self, number: u32) -> &[u32] {
        self.needs.get(number as usize).map_or(&[], Vec::as_slice)
    }

    /// All pairs of [`References::needs`]: what needs, and what it needs.
    pub fn edges(&self) -> impl Iterator<Item = (&ResourceAddr, &ResourceAddr)> {
        let pairs = self.graph.resources.iter().zip(&self.needs);
        pairs.flat_map(move |(from, to)| to.iter().map(move |to| (from, self.addr(*to))))
    }

    /// Everything that a resource needs, however far.
    pub fn needs_transitively(&self, number: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut open = self.needs(number).to_vec();
        while let Some(number) = open.pop() {
            if found.insert(number) {
                open.extend(self.needs(number));
            }
        }
        found
    }
}

/// Nodes by number, and for each what it needs with the place of one reference. Resources come
/// first, in the order of their addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Graph {
    pub(crate) resources: Vec<ResourceAddr>,
    others: Vec<Other>,
    index: BTreeMap<Other, u32>,
    pub(crate) needs: Vec<Vec<(u32, Span)>>,
    pub(crate) needed_by: Vec<Vec<u32>>,
}

impl Graph {
    /// A graph of the resources, without edges.
    fn of(config: &Config) -> Self {
        let resources = config.modules.values().flat_map(|module| module.resources.keys());
        let resources: Vec<ResourceAddr> = resources.cloned().collect();
        debug_assert!(resources.is_sorted(), "modules and their resources are sorted");
        let (needs, needed_by) =
            (vec![Vec::new(); resources.len()], vec![Vec::new(); resources.len()]);
        Self { resources, needs, needed_by, ..Self::default() }
    }

    /// The number of a node, which is there from now on if it was not before.
    fn other(&mut self, other: Other) -> u32 {
        if let Some(found) = self.index.get(&other) {
            return *found;
        }
        let number = u32::try_from(self.needs.len()).unwrap_or(u32::MAX);
        self.index.insert(other.clone(), number);
        self.others.push(other);
        self.needs.push(Vec::new());
        self.needed_by.push(Vec::new());
        number
    }

    /// The number of a node that is no resource.
    pub(crate) fn find(&self, other: &Other) -> Option<u32> {
        self.index.get(other).copied()
    }

    /// The number of a resource.
    pub(crate) fn resource(&self, addr: &ResourceAddr) -> Option<u32> {
        let found = self.resources.binary_search(addr).ok()?;
        u32::try_from(found).ok()
    }

    pub(crate) fn node(&self, number: u32) -> Node<'_> {
        let number = number as usize;
        match self.resources.get(number) {
            Some(addr) => Node::Resource(addr),
            None => Node::Other(&self.others[number - self.resources.len()]),
        }
    }

    /// Everything that needs a node, however far.
    pub(crate) fn all_users(&self, of: u32) -> Vec<Node<'_>> {
        let mut seen = BTreeSet::from([of]);
        let mut open = vec![of];
        let mut found = Vec::new();
        while let Some(node) = open.pop() {
            for user in self.needed_by[node as usize].iter().filter(|user| seen.insert(**user)) {
                found.push(self.node(*user));
                open.push(*user);
            }
        }
        found
    }

    fn edge(&mut self, from: u32, to: u32, span: Span) {
        self.needs[from as usize].push((to, span));
        self.needed_by[to as usize].push(from);
    }

    /// All nodes by their names: resources after the others.
    fn by_name(&self) -> impl Iterator<Item = u32> {
        let resources = (0u32..).zip(&self.resources).map(|(number, _)| number);
        self.index.values().copied().chain(resources)
    }

    /// Nodes after all that they need, and those that a cycle keeps from having an order.
    fn sorted(&self) -> (Vec<u32>, Vec<u32>) {
        let mut waiting: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        // Equal inputs give equal orders: of all that are free, the first by name goes first.
        let mut rank = vec![0u32; waiting.len()];
        for (i, number) in (0u32..).zip(self.by_name()) {
            rank[number as usize] = i;
        }
        let ready = |n: u32| Reverse((rank[n as usize], n));
        let free = self.by_name().filter(|n| waiting[*n as usize] == 0);
        let mut free: BinaryHeap<_> = free.map(ready).collect();
        let mut order = Vec::with_capacity(waiting.len());
        while let Some(Reverse((_, n))) = free.pop() {
            order.push(n);
            for user in &self.needed_by[n as usize] {
                waiting[*user as usize] -= 1;
                if waiting[*user as usize] == 0 {
                    free.push(ready(*user));
                }
            }
        }
        let stuck = self.by_name().filter(|n| waiting[*n as usize] > 0).collect();
        (order, stuck)
    }
}

/// Collects the references of a configuration; also returns the nodes in or behind a cycle.
pub(crate) fn build(config: &Config) -> (References, Vec<u32>) {
    let mut references = References::of_modules(config);
    let mut graph = Graph::of(config);
    for (path, module) in &config.modules {
        Builder { config, graph: &mut graph, path }.module(module, &references.modules[path]);
    }
    let (order, stuck) = graph.sorted();
    references.needs = between_resources(&graph, order.iter().chain(&stuck).copied());
    let is_resource = |n: &u32| matches!(graph.node(*n), Node::Resource(_));
    references.order = order.into_iter().chain(stuck.iter().copied()).filter(is_resource).collect();
    references.graph = graph;
    (references, stuck)
}

/// What each resource needs of others, over everything that stands between them.
fn between_resources(graph: &Graph, order: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
    let resources = graph.resources.len();
    // What a node that is no resource hands on. Shared, since a chain of ten thousand locals
    // hands on one and the same set.
    let mut handed: Vec<Rc<Vec<u32>>> = vec![Rc::default(); graph.others.len()];
    let mut needs = vec![Vec::new(); resources];
    let mut sets: Vec<Rc<Vec<u32>>> = Vec::new();
    for n in order {
        let mut found = Vec::new();
        for (to, _) in &graph.needs[n as usize] {
            match (*to as usize).checked_sub(resources) {
                None => found.push(*to),
                Some(other) if handed[other].is_empty() => {}
                Some(other) => sets.push(handed[other].clone()),
            }
        }
        sets.sort_unstable_by_key(Rc::as_ptr);
        sets.dedup_by(|a, b| Rc::ptr_eq(a, b));
        let alone = (found.is_empty() && sets.len() == 1).then(|| sets[0].clone());
        for set in sets.drain(..).filter(|_| alone.is_none()) {
            found.extend(set.iter());
            // Sets may have much in common.
            if found.len() > 2 * resources {
                found.sort_unstable();
                found.dedup();
            }
        }
        found.sort_unstable();
        found.dedup();
        match ((n as usize).checked_sub(resources), alone) {
            (None, alone) => {
                found.extend(alone.iter().flat_map(|set| set.iter()));
                found.retain(|to| *to != n);
                needs[n as usize] = found;
            }
            (Some(other), Some(alone)) => handed[other] = alone,
            (Some(other), None) => handed[other] = Rc::new(found),
        }
    }
    needs
}

/// Every expression of an output.
pub(crate) fn output_exprs(output: &config::Output) -> impl Iterator<Item = &Expr> {
    let conditions = output.preconditions.iter().flat_map(|c| [&c.condition, &c.error_message]);
    [&output.value].into_iter().chain(conditions)
}

fn module_refs(module: &Module) -> ModuleRefs {
    let call = |call: &ModuleCall| CallRefs {
        repeat: targets(crate::place::repeat(&call.repeat)),
        arguments: call
            .arguments
            .iter()
            .map(|(name, a)| (name.clone(), targets([&a.value])))
            .collect(),
        depends_on: targets(&call.depends_on),
    };
    let resource = |r: &Resource| ResourceRefs {
        body: targets(body_exprs(&r.body)),
        repeat: targets(crate::place::repeat(&r.repeat)),
        lifecycle: targets(lifecycle_exprs(r.lifecycle())),
        depends_on: targets(&r.depends_on),
    };
    let key = |r: &Resource| (r.addr.mode, r.addr.ty.clone(), r.addr.name.clone());
    ModuleRefs {
        locals: module.locals.iter().map(|(n, l)| (n.clone(), targets([&l.value]))).collect(),
        outputs: module
            .outputs
            .iter()
            .map(|(n, o)| (n.clone(), targets(output_exprs(o))))
            .collect(),
        calls: module.calls.iter().map(|(n, c)| (n.clone(), call(c))).collect(),
        resources: module.resources.values().map(|r| (key(r), resource(r))).collect(),
    }
}

/// Every expression of a `lifecycle` block.
pub(crate) fn lifecycle_exprs(lifecycle: &config::Lifecycle) -> impl Iterator<Item = &Expr> {
    let conditions = lifecycle.preconditions.iter().chain(&lifecycle.postconditions);
    let of_conditions = conditions.flat_map(|c| [&c.condition, &c.error_message]);
    early_exprs(lifecycle).chain(&lifecycle.replace_triggered_by).chain(of_conditions)
}

/// The expressions of a `lifecycle` block that are decided before anything is planned.
pub(crate) fn early_exprs(lifecycle: &config::Lifecycle) -> impl Iterator<Item = &Expr> {
    let config::Lifecycle { prevent_destroy, create_before_destroy, wait_timeout, delete, .. } =
        lifecycle;
    [prevent_destroy, create_before_destroy, wait_timeout, delete].into_iter().flatten()
}

struct Builder<'b> {
    config: &'b Config,
    graph: &'b mut Graph,
    path: &'b ModulePath,
}

impl Builder<'_> {
    fn module(&mut self, module: &Module, refs: &ModuleRefs) {
        for name in module.locals.keys() {
            let from = self.graph.other(Other::Local(self.path.clone(), name.clone()));
            self.edges(from, &refs.locals[name]);
        }
        for name in module.outputs.keys() {
            let from = self.graph.other(Other::Output(self.path.clone(), name.clone()));
            self.edges(from, &refs.outputs[name]);
        }
        let all = self.graph.other(Other::All(self.path.clone()));
        // Of one module they stand one after another.
        let first = module.resources.keys().next().and_then(|addr| self.graph.resource(addr));
        for (from, resource) in (first.unwrap_or_default()..).zip(module.resources.values()) {
            self.resource(resource, from, refs, all);
        }
        for call in module.calls.values() {
            self.call(call, &refs.calls[&call.name], all);
        }
    }

    fn resource(&mut self, resource: &Resource, from: u32, refs: &ModuleRefs, all: u32) {
        let key = (resource.addr.mode, resource.addr.ty.clone(), resource.addr.name.clone());
        self.graph.edge(all, from, resource.span);
        let refs = &refs.resources[&key];
        for list in [&refs.body, &refs.repeat, &refs.lifecycle] {
            self.edges(from, list);
        }
        self.ordering(from, &refs.depends_on);
        // A resource of a module exists as often as the module is called, and waits for what
        // its calls wait for.
        if !self.path.is_empty() {
            for other in [Other::Call(self.path.clone()), Other::Gate(self.path.clone())] {
                let to = self.graph.other(other);
                self.graph.edge(from, to, resource.span);
            }
        }
    }

    fn call(&mut self, call: &ModuleCall, refs: &CallRefs, all: u32) {
        let mut inner = self.path.clone();
        inner.push(call.name.clone());
        let repeat = self.graph.other(Other::Call(inner.clone()));
        let gate = self.graph.other(Other::Gate(inner.clone()));
        let below = self.graph.other(Other::All(inner.clone()));
        self.graph.edge(all, below, call.span);
        self.edges(repeat, &refs.repeat);
        self.ordering(gate, &refs.depends_on);
        if !self.path.is_empty() {
            let outer = self.graph.other(Other::Call(self.path.clone()));
            self.graph.edge(repeat, outer, call.span);
            let outer = self.graph.other(Other::Gate(self.path.clone()));
            self.graph.edge(gate, outer, call.span);
        }
        let Some(module) = self.config.modules.get(&inner) else { return };
        for name in module.variables.keys() {
            let from = self.graph.other(Other::Variable(inner.clone(), name.clone()));
            if let Some(argument) = refs.arguments.get(name) {
                self.edges(from, argument);
            }
            // An argument may use `each` or `count` of the call.
            if !refs.repeat.is_empty() {
                self.graph.edge(from, repeat, call.span);
            }
        }
    }

    fn edges(&mut self, from: u32, refs: &[Ref]) {
        for r in refs {
            self.edges_to(from, &r.target, r.span);
        }
    }

    /// `depends_on` of a module means everything in it, not only its outputs.
    fn ordering(&mut self, from: u32, refs: &[Ref]) {
        for r in refs {
            match &r.target {
                Target::Module(name, None) if self.declared_call(name).is_some() => {
                    let all = Other::All(self.inner(name));
                    self.edge_to(from, all, r.span);
                }
                other => self.edges_to(from, other, r.span),
            }
        }
    }

    fn inner(&self, call: &Ident) -> ModulePath {
        let mut path = self.path.clone();
        path.push(call.clone());
        path
    }

    fn declared_call(&self, name: &Ident) -> Option<&ModuleCall> {
        self.config.modules.get(self.path)?.calls.get(name)
    }

    fn edge_to(&mut self, from: u32, other: Other, span: Span) {
        let to = self.graph.other(other);
        self.graph.edge(from, to, span);
    }

    /// Edges to the declared nodes that a reference needs; none when it leads to nothing, which
    /// the analysis reports.
    fn edges_to(&mut self, from: u32, target: &Target, span: Span) {
        let Some(module) = self.config.modules.get(self.path) else { return };
        let path = self.path.clone();
        match target {
            // Variables of the root are given from outside and need nothing.
            Target::Variable(name) if !path.is_empty() && module.variables.contains_key(name) => {
                self.edge_to(from, Other::Variable(path, name.clone()), span);
            }
            Target::Local(name) if module.locals.contains_key(name) => {
                self.edge_to(from, Other::Local(path, name.clone()), span);
            }
            Target::Resource(mode, ty, name) => {
                let (ty, name) = (ty.clone(), name.clone());
                let addr = ResourceAddr { module: path, mode: *mode, ty, name };
                if let Some(to) = self.graph.resource(&addr) {
                    self.graph.edge(from, to, span);
                }
            }
            Target::Module(name, output) if module.calls.contains_key(name) => {
                let inner = self.inner(name);
                let outputs = self.config.modules.get(&inner).map(|m| &m.outputs);
                self.edge_to(from, Other::Call(inner.clone()), span);
                let names = outputs.into_iter().flat_map(BTreeMap::keys);
                for name in names.filter(|n| output.as_ref().is_none_or(|o| o == *n)) {
                    self.edge_to(from, Other::Output(inner.clone(), name.clone()), span);
                }
            }
            Target::Variable(_) | Target::Local(_) | Target::Module(..) => {}
        }
    }
}
