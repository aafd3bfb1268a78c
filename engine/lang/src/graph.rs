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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// How often a module is called: its `count` or `for_each`.
    Call(ModulePath),
    /// What everything in a module waits for: its `depends_on`.
    Gate(ModulePath),
    /// Every resource in a module and below.
    All(ModulePath),
    Local(ModulePath, Ident),
    Variable(ModulePath, Ident),
    Output(ModulePath, Ident),
    Resource(ResourceAddr),
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
/// keys: an edge holds for every instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct References {
    order: Vec<ResourceAddr>,
    needs: BTreeMap<ResourceAddr, BTreeSet<ResourceAddr>>,
    nothing: BTreeSet<ResourceAddr>,
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
    pub fn order(&self) -> &[ResourceAddr] {
        &self.order
    }

    /// What a resource refers to directly or through locals, variables and outputs, and what
    /// it and its modules name in `depends_on`.
    pub fn needs(&self, of: &ResourceAddr) -> &BTreeSet<ResourceAddr> {
        self.needs.get(of).unwrap_or(&self.nothing)
    }

    /// All pairs of [`References::needs`]: what needs, and what it needs.
    pub fn edges(&self) -> impl Iterator<Item = (&ResourceAddr, &ResourceAddr)> {
        self.needs.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    }

    /// Everything that a resource needs, however far.
    pub fn needs_transitively(&self, of: &ResourceAddr) -> BTreeSet<ResourceAddr> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&ResourceAddr> = self.needs(of).iter().collect();
        while let Some(addr) = open.pop() {
            if found.insert(addr.clone()) {
                open.extend(self.needs(addr));
            }
        }
        found
    }
}

/// Nodes by number, and for each what it needs with the place of one reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    index: BTreeMap<Node, u32>,
    pub(crate) needs: Vec<Vec<(u32, Span)>>,
    pub(crate) needed_by: Vec<Vec<u32>>,
}

impl Graph {
    fn node(&mut self, node: Node) -> u32 {
        if let Some(found) = self.index.get(&node) {
            return *found;
        }
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.index.insert(node.clone(), number);
        self.nodes.push(node);
        self.needs.push(Vec::new());
        self.needed_by.push(Vec::new());
        number
    }

    pub(crate) fn find(&self, node: &Node) -> Option<u32> {
        self.index.get(node).copied()
    }

    /// Everything that needs a node, however far.
    pub(crate) fn all_users(&self, of: u32) -> Vec<&Node> {
        let mut seen = BTreeSet::from([of]);
        let mut open = vec![of];
        let mut found = Vec::new();
        while let Some(node) = open.pop() {
            for user in self.needed_by[node as usize].iter().filter(|user| seen.insert(**user)) {
                found.push(&self.nodes[*user as usize]);
                open.push(*user);
            }
        }
        found
    }

    fn edge(&mut self, from: u32, to: u32, span: Span) {
        self.needs[from as usize].push((to, span));
        self.needed_by[to as usize].push(from);
    }

    /// Nodes after all that they need, and those that a cycle keeps from having an order.
    fn sorted(&self) -> (Vec<u32>, Vec<u32>) {
        let mut waiting: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        // Equal inputs give equal orders: of all that are free, the first by name goes first.
        let mut rank = vec![0u32; self.nodes.len()];
        for (i, (_, number)) in (0u32..).zip(&self.index) {
            rank[*number as usize] = i;
        }
        let ready = |n: u32| Reverse((rank[n as usize], n));
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let mut free: BinaryHeap<_> =
            (0..count).filter(|n| waiting[*n as usize] == 0).map(ready).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse((_, n))) = free.pop() {
            order.push(n);
            for user in &self.needed_by[n as usize] {
                waiting[*user as usize] -= 1;
                if waiting[*user as usize] == 0 {
                    free.push(ready(*user));
                }
            }
        }
        let stuck = self.index.values().copied().filter(|n| waiting[*n as usize] > 0).collect();
        (order, stuck)
    }
}

/// Collects the references of a configuration; also returns the nodes in or behind a cycle.
pub(crate) fn build(config: &Config) -> (References, Vec<u32>) {
    let mut references = References::of_modules(config);
    let mut graph = Graph::default();
    for (path, module) in &config.modules {
        Builder { config, graph: &mut graph, path }.module(module, &references.modules[path]);
    }
    let (order, stuck) = graph.sorted();
    references.order = order
        .iter()
        .chain(&stuck)
        .filter_map(|n| match &graph.nodes[*n as usize] {
            Node::Resource(addr) => Some(addr.clone()),
            _ => None,
        })
        .collect();
    references.needs = between_resources(&graph, order.iter().chain(&stuck).copied());
    references.graph = graph;
    (references, stuck)
}

/// Edges from resource to resource, over everything that stands between them.
fn between_resources(
    graph: &Graph,
    order: impl Iterator<Item = u32>,
) -> BTreeMap<ResourceAddr, BTreeSet<ResourceAddr>> {
    // What a node that is no resource hands on. Shared, since a chain of ten thousand locals
    // hands on one and the same set.
    let mut handed: Vec<Rc<BTreeSet<u32>>> = vec![Rc::default(); graph.nodes.len()];
    let mut needs = BTreeMap::new();
    for n in order {
        let mut found: Rc<BTreeSet<u32>> = Rc::default();
        for (to, _) in &graph.needs[n as usize] {
            let more = match &graph.nodes[*to as usize] {
                Node::Resource(_) if found.contains(to) => continue,
                Node::Resource(_) => Rc::new(BTreeSet::from([*to])),
                _ => handed[*to as usize].clone(),
            };
            if found.is_empty() {
                found = more;
            } else if !more.is_empty() && !Rc::ptr_eq(&found, &more) {
                Rc::make_mut(&mut found).extend(more.iter());
            }
        }
        if let Node::Resource(addr) = &graph.nodes[n as usize] {
            let to = found.iter().filter_map(|t| match &graph.nodes[*t as usize] {
                Node::Resource(to) if to != addr => Some(to.clone()),
                _ => None,
            });
            needs.insert(addr.clone(), to.collect());
        }
        handed[n as usize] = found;
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
            let from = self.graph.node(Node::Local(self.path.clone(), name.clone()));
            self.edges(from, &refs.locals[name]);
        }
        for name in module.outputs.keys() {
            let from = self.graph.node(Node::Output(self.path.clone(), name.clone()));
            self.edges(from, &refs.outputs[name]);
        }
        let all = self.graph.node(Node::All(self.path.clone()));
        for resource in module.resources.values() {
            self.resource(resource, refs, all);
        }
        for call in module.calls.values() {
            self.call(call, &refs.calls[&call.name], all);
        }
    }

    fn resource(&mut self, resource: &Resource, refs: &ModuleRefs, all: u32) {
        let key = (resource.addr.mode, resource.addr.ty.clone(), resource.addr.name.clone());
        let from = self.graph.node(Node::Resource(resource.addr.clone()));
        self.graph.edge(all, from, resource.span);
        let refs = &refs.resources[&key];
        for list in [&refs.body, &refs.repeat, &refs.lifecycle] {
            self.edges(from, list);
        }
        self.ordering(from, &refs.depends_on);
        // A resource of a module exists as often as the module is called, and waits for what
        // its calls wait for.
        if !self.path.is_empty() {
            for node in [Node::Call(self.path.clone()), Node::Gate(self.path.clone())] {
                let to = self.graph.node(node);
                self.graph.edge(from, to, resource.span);
            }
        }
    }

    fn call(&mut self, call: &ModuleCall, refs: &CallRefs, all: u32) {
        let mut inner = self.path.clone();
        inner.push(call.name.clone());
        let repeat = self.graph.node(Node::Call(inner.clone()));
        let gate = self.graph.node(Node::Gate(inner.clone()));
        let below = self.graph.node(Node::All(inner.clone()));
        self.graph.edge(all, below, call.span);
        self.edges(repeat, &refs.repeat);
        self.ordering(gate, &refs.depends_on);
        if !self.path.is_empty() {
            let outer = self.graph.node(Node::Call(self.path.clone()));
            self.graph.edge(repeat, outer, call.span);
            let outer = self.graph.node(Node::Gate(self.path.clone()));
            self.graph.edge(gate, outer, call.span);
        }
        let Some(module) = self.config.modules.get(&inner) else { return };
        for name in module.variables.keys() {
            let from = self.graph.node(Node::Variable(inner.clone(), name.clone()));
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
            for node in self.nodes_of(&r.target) {
                let to = self.graph.node(node);
                self.graph.edge(from, to, r.span);
            }
        }
    }

    /// `depends_on` of a module means everything in it, not only its outputs.
    fn ordering(&mut self, from: u32, refs: &[Ref]) {
        for r in refs {
            let nodes = match &r.target {
                Target::Module(name, None) if self.declared_call(name).is_some() => {
                    vec![Node::All(self.inner(name))]
                }
                other => self.nodes_of(other),
            };
            for node in nodes {
                let to = self.graph.node(node);
                self.graph.edge(from, to, r.span);
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

    /// The declared nodes that a reference needs; none when it leads to nothing, which the
    /// analysis reports.
    fn nodes_of(&self, target: &Target) -> Vec<Node> {
        let Some(module) = self.config.modules.get(self.path) else { return Vec::new() };
        let path = self.path.clone();
        match target {
            // Variables of the root are given from outside and need nothing.
            Target::Variable(name) if !path.is_empty() && module.variables.contains_key(name) => {
                vec![Node::Variable(path, name.clone())]
            }
            Target::Local(name) if module.locals.contains_key(name) => {
                vec![Node::Local(path, name.clone())]
            }
            Target::Resource(mode, ty, name) => {
                let addr =
                    ResourceAddr { module: path, mode: *mode, ty: ty.clone(), name: name.clone() };
                if module.resources.contains_key(&addr) {
                    vec![Node::Resource(addr)]
                } else {
                    Vec::new()
                }
            }
            Target::Module(name, output) if module.calls.contains_key(name) => {
                let inner = self.inner(name);
                let outputs = self.config.modules.get(&inner).map(|m| &m.outputs);
                let names = outputs.into_iter().flat_map(BTreeMap::keys);
                let wanted = names.filter(|n| output.as_ref().is_none_or(|o| o == *n));
                let nodes = wanted.map(|n| Node::Output(inner.clone(), n.clone()));
                std::iter::once(Node::Call(inner.clone())).chain(nodes).collect()
            }
            Target::Variable(_) | Target::Local(_) | Target::Module(..) => Vec::new(),
        }
    }
}
